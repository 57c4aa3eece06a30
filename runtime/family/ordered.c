/* Vectors of independent values of the base, given that they are in increasing order: cutpoints,
 * and the locations of mixtures. The density is the product of the base's, not divided by the
 * probability of that order; for values of the same distribution, which is what priors of this kind
 * are made of, that is a constant. */
#include "made.h"

static int64_t scratch_of(const urn_family *family, int64_t n, int64_t dim)
{
    const int n_params = urn__param_count(family->base);
    (void)n;
    return (urn__family_scratch(family->base, dim, 1) + 7) / 8 * 8 + dim * (2 + n_params);
}

/* Adds a row's partials where rows share them. */
static void settle(int64_t dim, const double *from, double *to, int64_t stride, int64_t row)
{
    for (int64_t k = 0; k < dim; k++)
        if (stride == 0)
            to[k] += from[k];
        else
            to[row * stride + k] = from[k];
}

static void log_density(const urn_density_call *c)
{
    const urn_family *base = c->family->base;
    const int n = urn__param_count(base);
    const int64_t dim = c->dim;
    double *value = c->scratch + (urn__family_scratch(base, dim, 1) + 7) / 8 * 8;
    for (int64_t i = 0; i < c->n; i++) {
        urn_density_call call = {.n = dim,
                                 .dim = 1,
                                 .event = 1,
                                 .x = c->x + i * c->x_stride,
                                 .x_stride = 1,
                                 .log_density = value,
                                 .d_x = c->d_x != NULL ? value + dim : NULL,
                                 .scratch = c->scratch,
                                 .family = base};
        for (int k = 0; k < n; k++) {
            call.param[k] = c->param[k] != NULL ? c->param[k] + i * c->stride[k] : NULL;
            call.stride[k] = 1;
            call.d_param[k] = c->d_param[k] != NULL ? value + (2 + k) * dim : NULL;
        }
        base->log_density(&call);
        double sum = 0.0;
        for (int64_t k = 0; k < dim; k++)
            sum += k > 0 && call.x[k] <= call.x[k - 1] ? -(double)INFINITY : value[k];
        c->log_density[i] = sum;
        if (c->d_x != NULL)
            settle(dim, call.d_x, c->d_x, c->x_stride, i);
        for (int k = 0; k < n; k++)
            if (c->d_param[k] != NULL)
                settle(dim, call.d_param[k], c->d_param[k], c->stride[k], i);
    }
}

/* The base's call for the elements of a row. */
static urn_draw_call elements_of(const urn_draw_call *c, int64_t row, double *x)
{
    urn_draw_call call = {.n = c->dim, .dim = 1, .event = 1, .x = x, .out = x, .p = c->p};
    call.family = c->family->base;
    call.scratch = c->scratch;
    for (int k = 0; k < urn__param_count(call.family); k++)
        if (c->param[k] != NULL) {
            call.param[k] = c->param[k] + row * c->stride[k];
            call.stride[k] = 1;
        }
    return call;
}

static bool is_increasing(int64_t dim, const double *x)
{
    for (int64_t k = 1; k < dim; k++)
        if (!(x[k] > x[k - 1]))
            return false;
    return true;
}

static bool is_exchangeable(const urn_draw_call *call)
{
    for (int k = 0; k < URN_FAMILY_PARAMS; k++)
        for (int64_t i = 1; call->param[k] != NULL && i < call->n; i++)
            if (call->param[k][i] != call->param[k][0])
                return false;
    return true;
}

/* By insertion: there are few. */
static void sort(int64_t dim, double *x)
{
    for (int64_t i = 1; i < dim; i++) {
        const double v = x[i];
        int64_t k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

#define ATTEMPTS 10000 /* stay within the row's block of random numbers */

/* Values of one distribution are sorted; of several, drawn until they are in order. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    double *x = c->x + row * c->dim;
    const urn_draw_call call = elements_of(c, row, x);
    const bool same = is_exchangeable(&call);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (int64_t k = 0; k < c->dim; k++)
            call.family->draw(&call, k, rng);
        if (same)
            sort(c->dim, x);
        if (is_increasing(c->dim, x))
            return;
    }
    for (int64_t k = 0; k < c->dim; k++)
        x[k] = NAN;
}

/* Elements at evenly spaced quantiles, as sorted values are; moved apart where they are not in
 * order. */
static void centre(const urn_draw_call *c)
{
    for (int64_t row = 0; row < c->n; row++) {
        double *x = c->x + row * c->dim;
        const urn_draw_call all = elements_of(c, row, x);
        if (all.family->quantile == NULL)
            all.family->centre(&all);
        for (int64_t k = 0; k < c->dim; k++) {
            urn_draw_call one = all;
            one.n = 1;
            one.out = x + k;
            one.p = ((double)k + 0.5) / (double)c->dim;
            for (int j = 0; j < URN_FAMILY_PARAMS; j++)
                one.param[j] = one.param[j] != NULL ? one.param[j] + k : NULL;
            if (all.family->quantile != NULL)
                all.family->quantile(&one);
            if (k > 0 && !(x[k] > x[k - 1]))
                x[k] = x[k - 1] + 1e-3 * (1.0 + fabs(x[k - 1]));
        }
    }
}

const char *urn__make_ordered(urn__made *made, const urn_family *base, bool observed)
{
    (void)observed;
    const int n = urn__param_count(base);
    const char *why = urn__make_of(made, base, "ordered", 0);
    urn_family *f = &made->family;
    if (why != NULL)
        return why;
    if (base->support() != urn_support_real())
        return "it is for families on the whole line; order others through their logarithms";
    f->support = urn_support_ordered;
    f->event_rank = 1;
    for (int k = 0; k < n; k++)
        f->params[k].event_rank = 1;
    f->scratch_of = scratch_of;
    f->log_density = log_density;
    f->draw = base->draw != NULL ? draw : NULL;
    f->centre = base->centre != NULL ? centre : NULL;
    return NULL;
}
