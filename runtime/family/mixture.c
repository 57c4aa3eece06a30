/* Mixtures of single numbers, their labels summed out: density sum_k w_k f(x | parameters k). Each
 * parameter of the base becomes a vector with an element a component, and so do the weights:
 * logits, which need not be normalised. */
#include "mixture.h"
#include <urn/ops.h>

/* The components' densities are all kept until their shares are known. */
typedef struct component {
    double *log_density, *d_x, *d_param[URN_FAMILY_PARAMS];
} component;

typedef struct workspace {
    int n_params;
    int64_t rows; /* of a block */
    double *param[URN_FAMILY_PARAMS], *of_base;
    double *first; /* the components, one after another */
} workspace;

enum { BLOCK = 32 };

static int64_t block_of(int64_t n)
{
    return n < BLOCK ? n : BLOCK;
}

static int64_t component_size(int n_params, int64_t rows)
{
    return rows * (2 + n_params);
}

static int64_t base_scratch(const urn_family *base, int64_t rows)
{
    return (urn__family_scratch(base, rows, 1) + 7) / 8 * 8;
}

static int64_t scratch_of(const urn_family *family, int64_t n, int64_t dim)
{
    const int n_params = urn__param_count(family->base);
    const int64_t rows = block_of(n > 1 ? n : 1);
    return base_scratch(family->base, rows) + rows * n_params +
           dim * component_size(n_params, rows);
}

static workspace lay_out(const urn_density_call *c)
{
    const urn_family *base = c->family->base;
    workspace w = {
        .n_params = urn__param_count(base), .rows = block_of(c->n), .of_base = c->scratch};
    double *at = c->scratch + base_scratch(base, w.rows > 0 ? w.rows : 1);
    for (int k = 0; k < w.n_params; k++, at += w.rows)
        w.param[k] = at;
    w.first = at;
    return w;
}

static component component_at(const workspace *w, int64_t j)
{
    double *at = w->first + j * component_size(w->n_params, w->rows);
    component o = {.log_density = at, .d_x = at + w->rows};
    for (int k = 0; k < w->n_params; k++)
        o.d_param[k] = at + (2 + k) * w->rows;
    return o;
}

static void run_component(const urn_density_call *c, const workspace *w, int64_t from, int64_t n,
                          int64_t j)
{
    const component o = component_at(w, j);
    urn_density_call call = {.n = n,
                             .dim = 1,
                             .event = 1,
                             .x = c->x + from,
                             .x_stride = 1,
                             .log_density = o.log_density,
                             .d_x = c->d_x != NULL ? o.d_x : NULL,
                             .scratch = w->of_base,
                             .family = c->family->base};
    for (int k = 0; k < w->n_params; k++) {
        if (c->param[k] == NULL)
            continue;
        for (int64_t i = 0; i < n; i++)
            w->param[k][i] = c->param[k][(from + i) * c->stride[k] + j];
        call.param[k] = w->param[k];
        call.stride[k] = 1;
        call.d_param[k] = c->d_param[k] != NULL ? o.d_param[k] : NULL;
    }
    call.family->log_density(&call);
}

/* A partial whose rows share one is added to, else written. */
static void put(double *to, int64_t stride, int64_t row, int64_t j, double value)
{
    if (stride == 0)
        to[j] += value;
    else
        to[row * stride + j] = value;
}

static void settle_row(const urn_density_call *c, const workspace *w, int64_t from, int64_t i)
{
    const int n = w->n_params;
    const int64_t row = from + i, step = component_size(n, w->rows);
    const double *logits = c->param[n] + row * c->stride[n];
    const double norm = urn__log_sum_exp(c->dim, logits, 1, NULL);
    const double total = urn__log_sum_exp(c->dim, w->first + i, step, logits);
    c->log_density[row] = total - norm;
    if (c->d_x != NULL)
        c->d_x[row] = 0.0;
    for (int64_t j = 0; j < c->dim; j++) {
        const component o = component_at(w, j);
        const double share =
            total > -(double)INFINITY ? exp(logits[j] + o.log_density[i] - total) : 0.0;
        if (c->d_x != NULL)
            c->d_x[row] += urn__part(share, o.d_x[i]);
        for (int k = 0; k < n; k++)
            if (c->d_param[k] != NULL)
                put(c->d_param[k], c->stride[k], row, j, urn__part(share, o.d_param[k][i]));
        if (c->d_param[n] != NULL)
            put(c->d_param[n], c->stride[n], row, j, share - exp(logits[j] - norm));
    }
}

static void log_density(const urn_density_call *c)
{
    const workspace w = lay_out(c);
    for (int64_t from = 0; from < c->n; from += w.rows) {
        const int64_t n = c->n - from < w.rows ? c->n - from : w.rows;
        for (int64_t j = 0; j < c->dim; j++)
            run_component(c, &w, from, n, j);
        for (int64_t i = 0; i < n; i++)
            settle_row(c, &w, from, i);
    }
}

/* ---- draws and summaries, a row at a time ---- */

/* The call of component j of a row. */
static urn_draw_call component_row(const urn_draw_call *c, int64_t i, int64_t j, double *x,
                                   double *out)
{
    urn_draw_call row = urn__row_of(c, i, x, out);
    for (int k = 0; k < URN_FAMILY_PARAMS; k++)
        if (row.param[k] != NULL)
            row.param[k] += j;
    return row;
}

static const double *logits_of(const urn_draw_call *c, int64_t i)
{
    const int n = urn__param_count(c->family->base);
    return c->param[n] + i * c->stride[n];
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    double x = NAN, out;
    const int64_t chosen = urn__component_of(c->dim, logits_of(c, row), urn_rng_uniform(rng));
    const urn_draw_call one = component_row(c, row, chosen < 0 ? 0 : chosen, &x, &out);
    one.family->draw(&one, 0, rng);
    c->x[row] = chosen < 0 ? (double)NAN : x;
}

/* The weighted mean over components of what `function` gives each. */
static double weighted(const urn_draw_call *c, int64_t i, double at, bool centre,
                       void (*function)(const urn_draw_call *))
{
    const double *logits = logits_of(c, i);
    const double norm = urn__log_sum_exp(c->dim, logits, 1, NULL);
    double sum = 0.0;
    for (int64_t j = 0; j < c->dim; j++) {
        double x = at, out = NAN;
        const urn_draw_call one = component_row(c, i, j, &x, &out);
        function(&one);
        sum += urn__part(exp(logits[j] - norm), centre ? x : out);
    }
    return sum;
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = weighted(c, i, c->x[i], false, c->family->base->cdf);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = weighted(c, i, 0.0, false, c->family->base->mean);
}

/* Within components and between them. */
static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *logits = logits_of(c, i);
        const double norm = urn__log_sum_exp(c->dim, logits, 1, NULL);
        const double first = weighted(c, i, 0.0, false, c->family->base->mean);
        double sum = weighted(c, i, 0.0, false, c->family->base->variance);
        for (int64_t j = 0; j < c->dim; j++) {
            double x = 0.0, out = NAN;
            const urn_draw_call one = component_row(c, i, j, &x, &out);
            one.family->mean(&one);
            sum += urn__part(exp(logits[j] - norm), (out - first) * (out - first));
        }
        c->out[i] = sum;
    }
}

/* Between the smallest and the largest of the components' quantiles, by halves. */
static double quantile_of(const urn_draw_call *c, int64_t i, double p)
{
    const bool discrete = c->family->base->support()->discrete;
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (int64_t j = 0; j < c->dim; j++) {
        double x = 0.0, out = NAN;
        urn_draw_call one = component_row(c, i, j, &x, &out);
        const double q = urn__row_quantile(&one, p);
        if (isnan(q))
            return q;
        low = q < low ? q : low;
        high = q > high ? q : high;
    }
    low -= discrete ? 1.0 : 0.0;
    for (int k = 0; k < 2000 && high - low > (discrete ? 1.0 : 1e-15 * fabs(high)); k++) {
        const double middle = discrete ? floor(0.5 * (low + high)) : low + 0.5 * (high - low);
        if (middle <= low || middle >= high)
            break;
        if (weighted(c, i, middle, false, c->family->base->cdf) < p)
            low = middle;
        else
            high = middle;
    }
    return discrete ? high : low + 0.5 * (high - low);
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = quantile_of(c, i, c->p);
}

static void median(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = quantile_of(c, i, 0.5);
}

/* Without quantiles: between the components' centres. */
static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = weighted(c, i, 0.0, true, c->family->base->centre);
}

static void set_functions(urn_family *f)
{
    const urn_family *base = f->base;
    f->scratch_of = scratch_of;
    f->log_density = log_density;
    f->draw = base->draw != NULL ? draw : NULL;
    f->mean = base->mean != NULL ? mean : NULL;
    f->variance = base->mean != NULL && base->variance != NULL ? variance : NULL;
    f->cdf = base->cdf != NULL ? cdf : NULL;
    f->quantile = base->cdf != NULL && base->quantile != NULL ? quantile : NULL;
    f->centre = f->quantile != NULL ? median : base->centre != NULL ? centre : NULL;
}

void urn__add_weights(urn__made *made, int n, int rank)
{
    made->family.params[n] = (urn_family_param){"mixture_logits", rank, URN_DOMAIN_REAL, 0};
    int a = 0;
    while (made->alternatives[a].word != NULL)
        a++;
    made->alternatives[a] =
        (urn_family_alternative){"mixture", "mixture_logits", URN_DOMAIN_UNIT, urn_log};
}

static bool has_bounds(const urn_family *base)
{
    return base->low_word != NULL || base->high_word != NULL;
}

const char *urn__refuse_bounds(const urn_family *base)
{
    return has_bounds(base) && !base->support()->discrete
               ? "the components would have supports of their own; use urn_log_density for each, "
                 "urn_logsumexp and urn_factor"
               : NULL;
}

const char *urn__make_mixture(urn__made *made, const urn_family *base, bool observed)
{
    (void)observed;
    if (urn__not_single(base) != NULL)
        return urn__make_event_mixture(made, base);
    const int n = urn__param_count(base);
    const char *why = urn__make_of(made, base, "mixture of", 1);
    urn_family *f = &made->family;
    why = why != NULL ? why : urn__refuse_bounds(base);
    if (why != NULL)
        return why;
    if (has_bounds(base)) /* outside a component's own bounds it has no weight */
        f->support = urn_support_integer;
    f->low_word = f->high_word = NULL;
    for (int k = 0; k < n; k++)
        f->params[k].event_rank = 1;
    f->size_from = "mixture_logits";
    urn__add_weights(made, n, 1);
    set_functions(f);
    return NULL;
}
