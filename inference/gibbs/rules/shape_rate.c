#include "shape_rate.h"
#include <math.h>

enum { LOC, SCALE };                          /* of normal and log_normal */
enum { MVN_LOC, SCALE_TRIL, PRECISION_TRIL }; /* of mvn */

int64_t urn__shape_rate_accumulator(int64_t dim)
{
    (void)dim;
    return 2;
}

int64_t urn__shape_rate_scratch(int64_t dim)
{
    return dim;
}

bool urn__shape_rate_draw(const urn_family *family, const double *acc, urn_rng *rng, double *x,
                          double *condition)
{
    const double shape = acc[URN__SHAPE], rate = acc[URN__RATE];
    const urn_draw_call one = {
        .n = 1, .dim = 1, .event = 1, .param = {acc + URN__SHAPE, acc + URN__RATE}, .x = x};
    *condition = shape > 0.0 && isfinite(shape) ? rate : shape;
    if (!(shape > 0.0 && rate > 0.0 && isfinite(shape) && isfinite(rate)))
        return false;
    family->draw(&one, 0, rng);
    return true;
}

static const double *param(const urn__child_call *c, int k, int64_t row)
{
    return c->param[k] + row * c->stride[k];
}

static double value(const urn__child_call *c, int64_t row)
{
    return c->value[row * c->value_stride];
}

/* n / 2 and the sum of (z / c)^2 / 2. */
static void add_squares(const urn__child_call *c, double squares)
{
    c->acc[URN__SHAPE] += 0.5 * (double)c->n;
    c->acc[URN__RATE] += 0.5 * squares;
}

void urn__add_normal(const urn__child_call *c)
{
    double sum = 0.0;
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        const double z = (value(c, row) - *param(c, LOC, row)) / urn__child_coefficient(c, row);
        sum += z * z;
    }
    add_squares(c, sum);
}

void urn__add_log_normal(const urn__child_call *c)
{
    double sum = 0.0;
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        const double z =
            (log(value(c, row)) - *param(c, LOC, row)) / urn__child_coefficient(c, row);
        sum += z * z;
    }
    add_squares(c, sum);
}

void urn__add_half_normal(const urn__child_call *c)
{
    double sum = 0.0;
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        const double z = value(c, row) / urn__child_coefficient(c, row);
        sum += z * z;
    }
    add_squares(c, sum);
}

/* An element of C, or of the identity that a missing one would be (and cannot be, for a matrix is
 * no power of a number). */
static double element(const urn__child_call *c, int64_t row, int64_t i, int64_t j)
{
    if (c->coefficient[0] == NULL)
        return i == j ? 1.0 : 0.0;
    return c->coefficient[0][row * c->coefficient_stride[0] + i * c->dim + j];
}

static double deviation(const urn__child_call *c, int64_t row, int64_t i)
{
    return c->value[row * c->value_stride + i] - param(c, MVN_LOC, row)[i];
}

/* |C^-1 (v - loc)|^2; the solution goes to the scratch. */
void urn__add_mvn_scale(const urn__child_call *c)
{
    double sum = 0.0, *y = c->scratch;
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        for (int64_t i = 0; i < c->dim; i++) {
            double left = deviation(c, row, i);
            for (int64_t j = 0; j < i; j++)
                left -= element(c, row, i, j) * y[j];
            y[i] = left / element(c, row, i, i);
            sum += y[i] * y[i];
        }
    }
    c->acc[URN__SHAPE] += 0.5 * (double)(c->n * c->dim);
    c->acc[URN__RATE] += 0.5 * sum;
}

/* |C^T (v - loc)|^2 */
void urn__add_mvn_precision(const urn__child_call *c)
{
    double sum = 0.0;
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        for (int64_t j = 0; j < c->dim; j++) {
            double z = 0.0;
            for (int64_t i = j; i < c->dim; i++)
                z += element(c, row, i, j) * deviation(c, row, i);
            sum += z * z;
        }
    }
    c->acc[URN__SHAPE] += 0.5 * (double)(c->n * c->dim);
    c->acc[URN__RATE] += 0.5 * sum;
}

void urn__add_poisson(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        c->acc[URN__SHAPE] += value(c, row);
        c->acc[URN__RATE] += urn__child_coefficient(c, row);
    }
}

void urn__add_exponential(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        c->acc[URN__SHAPE] += 1.0;
        c->acc[URN__RATE] += urn__child_coefficient(c, row) * value(c, row);
    }
}

void urn__add_gamma(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        c->acc[URN__SHAPE] += *param(c, 0, row);
        c->acc[URN__RATE] += urn__child_coefficient(c, row) * value(c, row);
    }
}

void urn__add_inverse_gamma(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        c->acc[URN__SHAPE] += *param(c, 0, row);
        c->acc[URN__RATE] += urn__child_coefficient(c, row) / value(c, row);
    }
}
