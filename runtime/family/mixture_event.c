/* Mixtures of vectors and matrices, or of families with parameters that are: the components' labels
 * are summed out row by row. Parameter k of a row has the base's elements for each component in
 * turn. */
#include "mixture.h"

/* Where things are in the scratch: the base's own, then for each component its log density and
 * partials: by x, and by each parameter. */
typedef struct workspace {
    const urn_family *base;
    int n_params;
    int64_t components, event, size; /* size: numbers of a component */
    int64_t elements[URN_FAMILY_PARAMS], at[URN_FAMILY_PARAMS];
    double *of_base, *first;
} workspace;

static workspace lay_out(const urn_family *family, int64_t dim, double *scratch)
{
    const urn_family *base = family->base;
    workspace w = {.base = base,
                   .n_params = urn__param_count(base),
                   .components = family->components,
                   .event = base->event_rank == 0   ? 1
                            : base->event_rank == 1 ? dim
                                                    : dim * dim,
                   .of_base = scratch};
    w.size = 1 + w.event;
    for (int k = 0; k < w.n_params; k++) {
        w.elements[k] = urn__param_elements(base, k, dim);
        w.at[k] = w.size;
        w.size += w.elements[k];
    }
    const int64_t room = (urn__family_scratch(base, 1, dim) + 7) / 8 * 8;
    w.first = scratch == NULL ? NULL : scratch + room;
    return w;
}

static int64_t scratch_of(const urn_family *family, int64_t n, int64_t dim)
{
    (void)n;
    const workspace w = lay_out(family, dim, NULL);
    return (urn__family_scratch(w.base, 1, dim) + 7) / 8 * 8 + w.components * w.size + w.event;
}

/* ---- log density ---- */

static void run_component(const urn_density_call *c, const workspace *w, int64_t i, int64_t j)
{
    double *o = w->first + j * w->size;
    urn_density_call call = {.n = 1,
                             .dim = c->dim,
                             .event = w->event,
                             .x = c->x + i * c->x_stride,
                             .x_stride = w->event,
                             .log_density = o,
                             .d_x = c->d_x != NULL ? o + 1 : NULL,
                             .scratch = w->of_base,
                             .family = w->base};
    for (int k = 0; k < w->n_params; k++) {
        if (c->param[k] == NULL)
            continue;
        call.param[k] = c->param[k] + i * c->stride[k] + j * w->elements[k];
        call.stride[k] = w->elements[k];
        call.d_param[k] = c->d_param[k] != NULL ? o + w->at[k] : NULL;
    }
    w->base->log_density(&call);
}

/* Adds to what several rows share, else writes. */
static void put(int64_t n, double share, const double *slope, bool adds, double *to)
{
    for (int64_t t = 0; t < n; t++)
        to[t] = (adds ? to[t] : 0.0) + urn__part(share, slope[t]);
}

static void settle_row(const urn_density_call *c, const workspace *w, int64_t i)
{
    const int n = w->n_params;
    const double *logits = c->param[n] + i * c->stride[n];
    const double norm = urn__log_sum_exp(w->components, logits, 1, NULL);
    const double total = urn__log_sum_exp(w->components, w->first, w->size, logits);
    c->log_density[i] = total - norm;
    for (int64_t j = 0; j < w->components; j++) {
        const double *o = w->first + j * w->size;
        const double share = total > -(double)INFINITY ? exp(logits[j] + o[0] - total) : 0.0;
        if (c->d_x != NULL)
            put(w->event, share, o + 1, c->x_stride == 0 || j > 0, c->d_x + i * c->x_stride);
        for (int k = 0; k < n; k++)
            if (c->d_param[k] != NULL)
                put(w->elements[k], share, o + w->at[k], c->stride[k] == 0,
                    c->d_param[k] + i * c->stride[k] + j * w->elements[k]);
        if (c->d_param[n] != NULL) {
            const double slope = share - exp(logits[j] - norm);
            put(1, 1.0, &slope, c->stride[n] == 0, c->d_param[n] + i * c->stride[n] + j);
        }
    }
}

static void log_density(const urn_density_call *c)
{
    const workspace w = lay_out(c->family, c->dim, c->scratch);
    for (int64_t i = 0; i < c->n; i++) {
        for (int64_t j = 0; j < w.components; j++)
            run_component(c, &w, i, j);
        settle_row(c, &w, i);
    }
}

/* ---- draws and summaries ---- */

/* The call of component j of row i: x and out of one row. */
static urn_draw_call component_row(const urn_draw_call *c, const workspace *w, int64_t i, int64_t j,
                                   double *x, double *out)
{
    urn_draw_call one = {.n = 1,
                         .dim = c->dim,
                         .event = w->event,
                         .x = x,
                         .out = out,
                         .scratch = w->of_base,
                         .family = w->base};
    for (int k = 0; k < w->n_params; k++)
        if (c->param[k] != NULL) {
            one.param[k] = c->param[k] + i * c->stride[k] + j * w->elements[k];
            one.stride[k] = w->elements[k];
        }
    return one;
}

static const double *logits_of(const urn_draw_call *c, const workspace *w, int64_t i)
{
    return c->param[w->n_params] + i * c->stride[w->n_params];
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const workspace w = lay_out(c->family, c->dim, c->scratch);
    double *x = c->x + row * w.event;
    const int64_t chosen =
        urn__component_of(w.components, logits_of(c, &w, row), urn_rng_uniform(rng));
    const urn_draw_call one = component_row(c, &w, row, chosen < 0 ? 0 : chosen, x, NULL);
    w.base->draw(&one, 0, rng);
    for (int64_t t = 0; chosen < 0 && t < w.event; t++)
        x[t] = NAN;
}

/* The centre of the component with the largest weight: inside any support. */
static void centre(const urn_draw_call *c)
{
    const workspace w = lay_out(c->family, c->dim, c->scratch);
    for (int64_t i = 0; i < c->n; i++) {
        const double *logits = logits_of(c, &w, i);
        int64_t best = 0;
        for (int64_t j = 1; j < w.components; j++)
            best = logits[j] > logits[best] ? j : best;
        const urn_draw_call one = component_row(c, &w, i, best, c->x + i * w.event, NULL);
        w.base->centre(&one);
    }
}

/* Adds the weighted `function` of each component to `to`; `value` has room for an event. */
static void weigh(const urn_draw_call *c, const workspace *w, int64_t i, int64_t size,
                  void (*function)(const urn_draw_call *), int power, double *value, double *to)
{
    const double *logits = logits_of(c, w, i);
    const double norm = urn__log_sum_exp(w->components, logits, 1, NULL);
    for (int64_t j = 0; j < w->components; j++) {
        const urn_draw_call one =
            component_row(c, w, i, j, function == w->base->cdf ? c->x + i * w->event : NULL, value);
        function(&one);
        for (int64_t t = 0; t < size; t++)
            to[t] += urn__part(exp(logits[j] - norm), power == 1 ? value[t] : value[t] * value[t]);
    }
}

static void mean(const urn_draw_call *c)
{
    const workspace w = lay_out(c->family, c->dim, c->scratch);
    memset(c->out, 0, (size_t)(c->n * w.event) * sizeof *c->out);
    for (int64_t i = 0; i < c->n; i++)
        weigh(c, &w, i, w.event, w.base->mean, 1, w.first, c->out + i * w.event);
}

/* Within components and between them, element by element. */
static void variance(const urn_draw_call *c)
{
    const workspace w = lay_out(c->family, c->dim, c->scratch);
    for (int64_t i = 0; i < c->n; i++) {
        double *out = c->out + i * w.event, *average = w.first + w.event;
        memset(out, 0, (size_t)w.event * sizeof *out);
        memset(average, 0, (size_t)w.event * sizeof *average);
        weigh(c, &w, i, w.event, w.base->variance, 1, w.first, out);
        weigh(c, &w, i, w.event, w.base->mean, 2, w.first, out);
        weigh(c, &w, i, w.event, w.base->mean, 1, w.first, average);
        for (int64_t t = 0; t < w.event; t++)
            out[t] -= average[t] * average[t];
    }
}

static void cdf(const urn_draw_call *c)
{
    const workspace w = lay_out(c->family, c->dim, c->scratch);
    memset(c->out, 0, (size_t)c->n * sizeof *c->out);
    for (int64_t i = 0; i < c->n; i++)
        weigh(c, &w, i, 1, w.base->cdf, 1, w.first, c->out + i);
}

const char *urn__make_event_mixture(urn__made *made, const urn_family *base)
{
    const char *why = urn__copy_of(made, base, "mixture of", 1);
    urn_family *f = &made->family;
    why = why != NULL ? why : urn__refuse_bounds(base);
    if (why != NULL)
        return why;
    f->low_word = f->high_word = NULL; /* of counts: each component knows its own */
    f->event_rank = base->event_rank;
    f->size_from = base->size_from;
    f->components = 1;
    urn__add_weights(made, urn__param_count(base), 0);
    f->scratch_of = scratch_of;
    f->log_density = log_density;
    f->draw = base->draw != NULL ? draw : NULL;
    f->mean = base->mean != NULL ? mean : NULL;
    f->variance = base->mean != NULL && base->variance != NULL ? variance : NULL;
    f->cdf = base->cdf != NULL ? cdf : NULL;
    f->centre = base->centre != NULL ? centre : NULL;
    return NULL;
}
