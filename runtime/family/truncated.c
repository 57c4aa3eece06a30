/* Truncation: the base's density between two bounds, divided by its probability there. Everything
 * is taken from the tail in which it has its digits: far out, a difference of distribution
 * functions has none. */
#include "made.h"
#include "tails.h"

#define LOG_HALF -URN__LOG_2

/* ---- the probability of a row's interval ---- */

/* log P(low <= X <= high) from the logarithms of the tails beyond (below, above) and up to (to_high
 * = log P(X <= high), from_low = log P(X >= low)) the bounds. The factors say what the slope is:
 * d = of_low d(from_low or below) + of_high d(to_high or above), taken from the tails chosen. */
typedef struct mass {
    double value;
    double of_low, of_high; /* multiply the slopes of the chosen logarithms */
    bool low_upper;         /* chosen at low: from_low (else below) */
    bool high_upper;        /* chosen at high: above (else to_high) */
} mass;

/* log(exp(a) - exp(b)) and its slopes in both. */
static double log_difference(double a, double b, double *d_a, double *d_b)
{
    if (!(b < a) && !isnan(a) && !isnan(b)) {
        *d_a = *d_b = 0.0;
        return -(double)INFINITY;
    }
    const double gap = b - a; /* < 0, may be -infinity */
    const double odds = isinf(gap) ? 0.0 : 1.0 / expm1(-gap);
    *d_a = 1.0 + odds;
    *d_b = -odds;
    return a + urn__log1m_exp(gap);
}

static mass mass_of(double below, double from_low, double to_high, double above)
{
    mass m = {.low_upper = true, .high_upper = true};
    if (to_high < LOG_HALF) { /* all of it is in the lower half */
        m.low_upper = m.high_upper = false;
        m.value = log_difference(to_high, below, &m.of_high, &m.of_low);
    } else if (from_low < LOG_HALF) {
        m.value = log_difference(from_low, above, &m.of_low, &m.of_high);
    } else {
        m.low_upper = false;
        m.value = log1p(-(exp(below) + exp(above)));
        m.of_low = -exp(below - m.value);
        m.of_high = -exp(above - m.value);
    }
    return m;
}

/* The largest value below the bound: what P(X < low) is the distribution function of. */
static double before(const urn_family *base, double low)
{
    return base->support()->discrete ? ceil(low) - 1.0 : low;
}

/* ---- blocks of rows ---- */

/* Logarithm of a tail at one bound for all rows, with slopes. */
typedef struct tail_block {
    double *value, *d_x, *d_param[URN_FAMILY_PARAMS];
} tail_block;

typedef struct workspace {
    int n_params;
    double *at;                 /* the bound each row's tail is taken at */
    tail_block low[2], high[2]; /* lower, upper */
    double *scratch;
} workspace;

static double *take(double **at, int64_t n)
{
    double *here = *at;
    *at += n;
    return here;
}

static workspace lay_out(const urn_family *base, int64_t n, double *scratch)
{
    workspace w = {.n_params = urn__param_count(base)};
    w.scratch = scratch;
    scratch += (urn__log_tail_scratch(base, n, 1) + 7) / 8 * 8;
    w.at = take(&scratch, n);
    tail_block *all[4] = {&w.low[0], &w.low[1], &w.high[0], &w.high[1]};
    for (int b = 0; b < 4; b++) {
        all[b]->value = take(&scratch, n);
        all[b]->d_x = take(&scratch, n);
        for (int k = 0; k < w.n_params; k++)
            all[b]->d_param[k] = take(&scratch, n);
    }
    return w;
}

static int64_t scratch_of(const urn_family *family, int64_t n, int64_t dim)
{
    const urn_family *base = family->base;
    (void)dim;
    return (urn__log_tail_scratch(base, n, 1) + 7) / 8 * 8 + n +
           4 * n * (2 + urn__param_count(base));
}

static void run_tail(const urn_density_call *c, workspace *w, const double *bound, bool is_low,
                     bool upper, const tail_block *out)
{
    const urn_family *base = c->family->base;
    urn_density_call call = {.n = c->n, .dim = 1, .event = 1, .x_stride = 1};
    for (int64_t i = 0; i < c->n; i++)
        w->at[i] = is_low ? before(base, bound[i])
                          : (base->support()->discrete ? floor(bound[i]) : bound[i]);
    call.x = w->at;
    call.log_density = out->value;
    call.d_x = out->d_x;
    call.scratch = w->scratch;
    for (int k = 0; k < w->n_params; k++) {
        call.param[k] = c->param[k];
        call.stride[k] = c->stride[k];
        call.d_param[k] = c->param[k] != NULL ? out->d_param[k] : NULL;
    }
    urn__log_tail(base, upper, &call);
}

static void fill(int64_t n, double value, double *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = value;
}

/* Both tails at a bound, or, where there is none, those at infinity. */
static void run_tails(const urn_density_call *c, workspace *w, const double *bound, bool is_low,
                      const tail_block *out)
{
    for (int upper = 0; upper < 2; upper++) {
        if (bound != NULL) {
            run_tail(c, w, bound, is_low, upper != 0, &out[upper]);
            continue;
        }
        const bool all = is_low == (upper != 0);
        fill(c->n, all ? 0.0 : -(double)INFINITY, out[upper].value);
        fill(c->n, 0.0, out[upper].d_x);
        for (int k = 0; k < w->n_params; k++)
            fill(c->n, 0.0, out[upper].d_param[k]);
    }
}

/* 0 times a slope that is infinite where the probability is 0 counts as 0. */
static double part(double factor, double slope)
{
    return factor == 0.0 ? 0.0 : factor * slope;
}

static void settle_row(const urn_density_call *c, const workspace *w, int64_t i, bool outside)
{
    const int n = w->n_params;
    const bool discrete = c->family->base->support()->discrete;
    const mass m =
        mass_of(w->low[0].value[i], w->low[1].value[i], w->high[0].value[i], w->high[1].value[i]);
    const tail_block *low = &w->low[m.low_upper], *high = &w->high[m.high_upper];
    const double value = c->log_density[i] - m.value;
    c->log_density[i] = isnan(value) || m.value == -(double)INFINITY ? (double)NAN
                        : outside                                    ? -(double)INFINITY
                                                                     : value;
    for (int k = 0; k < n; k++)
        if (c->d_param[k] != NULL)
            c->d_param[k][i] -=
                part(m.of_low, low->d_param[k][i]) + part(m.of_high, high->d_param[k][i]);
    if (c->d_param[n] != NULL)
        c->d_param[n][i] = discrete ? 0.0 : -part(m.of_low, low->d_x[i]);
    if (c->d_param[n + 1] != NULL)
        c->d_param[n + 1][i] = discrete ? 0.0 : -part(m.of_high, high->d_x[i]);
}

static void log_density(const urn_density_call *c)
{
    const urn_family *base = c->family->base;
    workspace w = lay_out(base, c->n, c->scratch);
    const double *low = c->param[w.n_params], *high = c->param[w.n_params + 1];
    urn_density_call inner = *c;
    inner.family = base;
    inner.scratch = w.scratch;
    for (int k = w.n_params; k < URN_FAMILY_PARAMS; k++) {
        inner.param[k] = NULL;
        inner.d_param[k] = NULL;
    }
    base->log_density(&inner);
    run_tails(c, &w, low, true, w.low);
    run_tails(c, &w, high, false, w.high);
    for (int64_t i = 0; i < c->n; i++) {
        const double x = c->x[i];
        const bool outside = (low != NULL && x < low[i]) || (high != NULL && x > high[i]);
        settle_row(c, &w, i, outside);
    }
}

/* ---- one row: draws, quantiles, distribution function ---- */

static double log_tail_at(const urn_draw_call *row, bool upper, double x)
{
    double value = NAN;
    urn_density_call c = {.n = 1,
                          .dim = 1,
                          .event = 1,
                          .x = &x,
                          .x_stride = 1,
                          .log_density = &value,
                          .scratch = row->scratch};
    for (int k = 0; k < URN_FAMILY_PARAMS; k++) {
        c.param[k] = row->param[k];
        c.stride[k] = row->stride[k];
    }
    urn__log_tail(row->family, upper, &c);
    return value;
}

double urn__log_mass_at(const urn_family *base, const urn_draw_call *row, const double *low,
                        const double *high)
{
    const double none = -(double)INFINITY, last = high == NULL ? 0.0 : *high;
    const double first = low == NULL ? 0.0 : before(base, *low);
    return mass_of(low == NULL ? none : log_tail_at(row, false, first),
                   low == NULL ? 0.0 : log_tail_at(row, true, first),
                   high == NULL ? 0.0 : log_tail_at(row, false, last),
                   high == NULL ? none : log_tail_at(row, true, last))
        .value;
}

typedef struct truncated_row {
    urn_draw_call base; /* its calls */
    const double *low, *high;
    double log_mass;
    double x, out;
} truncated_row;

static void find_row(const urn_draw_call *c, int64_t i, truncated_row *r)
{
    const int n = urn__param_count(c->family->base);
    r->base = urn__row_of(c, i, &r->x, &r->out);
    r->low = c->param[n] == NULL ? NULL : c->param[n] + i * c->stride[n];
    r->high = c->param[n + 1] == NULL ? NULL : c->param[n + 1] + i * c->stride[n + 1];
    r->log_mass = urn__log_mass_at(r->base.family, &r->base, r->low, r->high);
}

static double within(const truncated_row *r, double x)
{
    x = r->low != NULL && x < *r->low ? *r->low : x;
    return r->high != NULL && x > *r->high ? *r->high : x;
}

/* Where `upper` tail has log probability `target`: bisection from what is known to be on its two
 * sides. */
static double bisect(const truncated_row *r, bool upper, double target, double inner, double outer)
{
    for (int i = 0; i < 2000; i++) {
        const double middle = inner + 0.5 * (outer - inner);
        if (!(fabs(outer - inner) > 1e-15 * fabs(middle)) || middle == inner || middle == outer)
            break;
        if (log_tail_at(&r->base, upper, middle) > target)
            inner = middle;
        else
            outer = middle;
    }
    return inner + 0.5 * (outer - inner);
}

/* In a tail: its logarithm is that of a mixture of the two bounds' tails. */
static double tail_quantile(const truncated_row *r, bool upper, double share)
{
    const double *near = upper ? r->low : r->high, *far = upper ? r->high : r->low;
    const double log_near = log_tail_at(&r->base, upper, *near);
    const double of_far = far == NULL ? 0.0 : exp(log_tail_at(&r->base, upper, *far) - log_near);
    const double target = log_near + log(of_far + (1.0 - of_far) * share);
    double outer = far != NULL ? *far : *near, width = upper ? 1.0 : -1.0;
    for (int i = 0; far == NULL && i < 1000; i++, width *= 2.0) {
        outer = *near + width;
        if (!(log_tail_at(&r->base, upper, outer) > target))
            break;
    }
    return bisect(r, upper, target, *near, outer);
}

/* In a far upper tail of counts: their probabilities are added up from the bound on. */
static double count_upward(const truncated_row *r, double p)
{
    double sum = 0.0, x = ceil(*r->low);
    for (int i = 0; i < 1000000; i++, x += 1.0) {
        sum += exp(urn__log_mass_at(r->base.family, &r->base, &x, &x) - r->log_mass);
        if (sum >= p || (r->high != NULL && x + 1.0 > *r->high))
            break;
    }
    return x;
}

#define FAR -7.0 /* log probability of a tail in which 1 - F has lost three digits */

static double quantile_of(const void *context, double p)
{
    const truncated_row *r = context;
    const urn_family *base = r->base.family;
    if (isnan(r->log_mass) || r->log_mass == -(double)INFINITY || !(p >= 0.0 && p <= 1.0))
        return NAN;
    const double first = r->low == NULL ? 0.0 : before(base, *r->low);
    const bool far_up = r->low != NULL && log_tail_at(&r->base, true, first) < FAR;
    const bool far_down = r->high != NULL && log_tail_at(&r->base, false, *r->high) < FAR;
    if (base->support()->discrete && far_up)
        return count_upward(r, p);
    if (!base->support()->discrete && (far_up || far_down))
        return within(r, tail_quantile(r, far_up, far_up ? 1.0 - p : p));
    const double below = r->low == NULL ? 0.0 : exp(log_tail_at(&r->base, false, first));
    return within(r, urn__row_quantile(&r->base, fmin(below + p * exp(r->log_mass), 1.0)));
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    truncated_row r;
    find_row(c, row, &r);
    if (r.low != NULL || r.high != NULL) {
        c->x[row] = quantile_of(&r, urn_rng_uniform(rng));
        return;
    }
    r.base.family->draw(&r.base, 0, rng);
    c->x[row] = r.x;
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        truncated_row r;
        find_row(c, i, &r);
        c->x[i] = quantile_of(&r, 0.5);
    }
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        truncated_row r;
        find_row(c, i, &r);
        c->out[i] = quantile_of(&r, c->p);
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        truncated_row r;
        find_row(c, i, &r);
        const double x = c->x[i];
        const bool under = r.low != NULL && x < *r.low;
        const bool over = r.high != NULL && x >= *r.high;
        const double log_p = urn__log_mass_at(r.base.family, &r.base, r.low, &x);
        c->out[i] = isnan(r.log_mass) ? (double)NAN
                    : under           ? 0.0
                    : over            ? 1.0
                                      : exp(log_p - r.log_mass);
    }
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        truncated_row r;
        find_row(c, i, &r);
        c->out[i] = urn__quantile_moment(quantile_of, &r, 0.0, 1.0, 1);
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        truncated_row r;
        find_row(c, i, &r);
        const double first = urn__quantile_moment(quantile_of, &r, 0.0, 1.0, 1);
        c->out[i] = urn__quantile_moment(quantile_of, &r, 0.0, 1.0, 2) - first * first;
    }
}

void urn__truncated_functions(urn_family *family)
{
    family->scratch_of = scratch_of;
    family->log_density = log_density;
    family->cdf = cdf;
    if (family->base->quantile == NULL)
        return;
    family->draw = draw;
    family->centre = centre;
    family->quantile = quantile;
    if (family->base->support()->discrete)
        return; /* a quantile in steps is no integrand */
    family->mean = mean;
    family->variance = variance;
}

const char *urn__make_truncated(urn__made *made, const urn_family *base, bool observed)
{
    const int n = urn__param_count(base);
    const char *why = urn__make_of(made, base, "truncated", 2);
    urn_family *f = &made->family;
    if (why != NULL)
        return why;
    if (base->cdf == NULL)
        return "the family has no distribution function to truncate with";
    if ((base->low_word != NULL || base->high_word != NULL) && !base->support()->discrete)
        return "the family has bounds of its own; make them narrower";
    if (base->support() == urn_support_angle())
        return "an angle has no order to be truncated by";
    if (!observed && !urn__starts_at_zero(base) && base->support() != urn_support_real())
        return "latent values of this family cannot be bounded further; write the bound as a "
               "uniform's";
    if (base->support()->discrete)
        f->support = urn_support_integer;
    else
        f->support = urn_support_bounded;
    f->low_word = "truncate_below";
    f->high_word = "truncate_above";
    f->params[n] = (urn_family_param){"truncate_below", 0, URN_DOMAIN_REAL, -1};
    f->params[n + 1] = (urn_family_param){"truncate_above", 0, URN_DOMAIN_REAL, -1};
    urn__truncated_functions(f);
    return NULL;
}
