#include "scatter.h"
#include "../../../runtime/family/positive_definite.h"
#include <math.h>
#include <string.h>

enum { LOC, ROWS = 64 }; /* rows of deviations multiplied at a time */

int64_t urn__scatter_scratch(int64_t dim)
{
    return ROWS * dim + 3 * dim * dim;
}

static double weight_of(const urn__child_call *c, bool inverse, int64_t row)
{
    const double k = urn__child_coefficient(c, row);
    return inverse ? 1.0 / k : k;
}

void urn__add_scatter(const urn__child_call *c, bool inverse, const double *from, double *matrix,
                      double *sum, double *count)
{
    const int64_t d = c->dim;
    double *y = c->scratch;
    for (int64_t done = 0; done < c->n; done += ROWS) {
        const int64_t n = c->n - done < ROWS ? c->n - done : ROWS;
        for (int64_t r = 0; r < n; r++) {
            const int64_t row = urn__child_row(c, done + r);
            const double *v = c->value + row * c->value_stride;
            const double *at = from != NULL ? from : c->param[LOC] + row * c->stride[LOC];
            const double k = weight_of(c, inverse, row), root = sqrt(k);
            for (int64_t i = 0; i < d; i++) {
                y[r * d + i] = root * (v[i] - at[i]);
                if (sum != NULL)
                    sum[i] += k * (v[i] - at[i]);
            }
            if (count != NULL)
                *count += k;
        }
        urn__matmul(d, n, d, y, true, y, false, matrix, true);
    }
}

bool urn__scatter_factor(int64_t d, const double *matrix, double *l, double *condition)
{
    double low = (double)INFINITY, high = 0.0;
    for (int64_t i = 0; i < d; i++) {
        low = fmin(low, matrix[i * (d + 1)]);
        high = fmax(high, matrix[i * (d + 1)]);
    }
    *condition = low / high;
    return urn__cholesky(d, matrix, l);
}

/* x = T T^T with T = L^-T A. */
void urn__draw_wishart(int64_t d, double df, const double *l, urn_rng *rng, double *a, double *t,
                       double *x)
{
    urn__draw_bartlett(d, df, rng, a);
    memcpy(t, a, (size_t)(d * d) * sizeof *t);
    urn__tri_solve(d, d, l, true, t);
    urn__gram(d, t, true, x);
}

void urn__scaled_inverse(int64_t d, double factor, const double *l, double *t, double *x)
{
    urn__identity(d, t);
    urn__tri_solve(d, d, l, false, t);
    urn__gram(d, t, false, x);
    for (int64_t e = 0; e < d * d; e++)
        x[e] *= factor;
}

double urn__log_det(int64_t d, const double *x, double *l)
{
    return urn__cholesky(d, x, l) ? urn__log_det_of_factor(d, l) : (double)NAN;
}

double urn__trace_product(int64_t d, const double *a, const double *b)
{
    double sum = 0.0;
    for (int64_t e = 0; e < d * d; e++)
        sum += a[e] * b[e];
    return sum;
}
