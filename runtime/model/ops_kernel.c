/* Covariance functions of Gaussian processes, made of other operations: what depends on data alone,
 * such as distances, is computed once, and the rest is fused. */
#include "ops.h"
#include <urn/ops.h>

/* Differences of all pairs of points in one coordinate: x [n] -> [n, n]. */
static urn_var differences(urn_var x)
{
    const urn_var column = urn__event_dims(x, 1);
    return urn_sub(column, urn_transpose(column));
}

static urn_var plus(urn_var sum, urn_var term)
{
    return sum.model == NULL ? term : urn_add(sum, term);
}

/* Squared distances in units of the length. One length divides the sum, which is then of data. */
static urn_var squared_distances(urn_var x, urn_var length)
{
    if (!urn__usable(x) || !urn__usable(length))
        return urn__poison(x.model);
    const urn__shape *s = urn__graph_shape(x.model->graph, x.id);
    const urn__shape *l = urn__graph_shape(x.model->graph, length.id);
    const int64_t d = s->n_event == 2 ? urn__shape_last(s) : 1;
    if (s->n_plates != 0 || s->n_event < 1 || s->n_event > 2)
        return urn__model_error(x.model, URN_ERR_MODEL, NULL, NULL,
                                "give the points as [n] or [n, d]; urn_as_event turns a column "
                                "over rows into that",
                                "a kernel got points with %d plate dims and %d event dims",
                                s->n_plates, s->n_event);
    if (l->n_event > 1 || (l->n_event == 1 && urn__shape_last(l) != d))
        return urn__model_error(x.model, URN_ERR_MODEL, NULL, NULL, NULL,
                                "a kernel got a length scale with %lld elements for points of %lld "
                                "coordinates; give one number, or one for each",
                                (long long)urn__shape_last(l), (long long)d);
    const bool one = l->n_event == 0;
    urn_var sum = {0};
    for (int64_t k = 0; k < d; k++) {
        const urn_var delta = differences(s->n_event == 1 ? x : urn_element(x, k));
        sum = plus(sum, urn_square(one ? delta : urn_div(delta, urn_element(length, k))));
    }
    return one ? urn_div(sum, urn_square(length)) : sum;
}

/* Distances for the Matern kernels. What is added is far below the rounding of any kernel, and
 * keeps the slope of the root at 0 finite, where the kernels' own slope is 0. */
static urn_var distances(urn_var x, urn_var length, double factor)
{
    return urn_sqrt(urn_shifted(urn_scaled(squared_distances(x, length), factor), 1e-30));
}

urn_var urn_kernel_exp_quad(urn_var x, urn_var scale, urn_var length)
{
    const urn_var exponent = urn_scaled(squared_distances(x, length), -0.5);
    return urn_mul(urn_square(scale), urn_exp(exponent));
}

urn_var urn_kernel_matern32(urn_var x, urn_var scale, urn_var length)
{
    const urn_var r = distances(x, length, 3.0);
    return urn_mul(urn_square(scale), urn_mul(urn_shifted(r, 1.0), urn_exp(urn_neg(r))));
}

/* With q = sqrt(5) r: 5 r^2 / 3 = q^2 / 3. */
urn_var urn_kernel_matern52(urn_var x, urn_var scale, urn_var length)
{
    const urn_var q = distances(x, length, 5.0);
    const urn_var polynomial = urn_shifted(urn_add(q, urn_scaled(urn_square(q), 1.0 / 3.0)), 1.0);
    return urn_mul(urn_square(scale), urn_mul(polynomial, urn_exp(urn_neg(q))));
}
