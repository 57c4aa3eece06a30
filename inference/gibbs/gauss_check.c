/* One row's conditional by plain loops, and the error for a row that has no draw. */
#include "gauss_parts.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

/* Number i of a_r. */
static double number_of(const urn__gauss_rows *b, const urn__gauss_term *term, int64_t r, int64_t i)
{
    int k = 0;
    for (; i >= b->dim[k]; k++)
        i -= b->dim[k];
    const urn__gauss_coefficient *c = &term->coefficient[k];
    const double gain = term->gain != NULL ? term->gain[r] : 1.0;
    if (c->x == NULL)
        return gain * c->factor;
    return gain * c->factor * c->x[(c->row != NULL ? c->row[r] : r) * c->stride + i];
}

static void add_child(const urn__gauss_rows *b, const urn__gauss_term *term, int64_t r,
                      double *precision, double *shift)
{
    const int64_t d = b->d;
    const double w = term->weight != NULL ? term->weight[r * term->weight_stride] : 1.0;
    for (int64_t i = 0; i < d; i++) {
        const double a = w * number_of(b, term, r, i);
        for (int64_t k = 0; k < d; k++)
            precision[i * d + k] += a * number_of(b, term, r, k);
        shift[i] += a * term->target[r];
    }
}

void urn__gauss_rows_conditional(const urn__gauss_rows *b, const urn__gauss_run *run, int64_t i,
                                 double *precision, double *shift)
{
    const int64_t d = b->d;
    const urn__gauss_prior *prior = &run->prior;
    const double *own = prior->precision + i * prior->precision_stride;
    for (int64_t j = 0; j < d; j++) {
        for (int64_t k = 0; k < d; k++)
            precision[j * d + k] = prior->diagonal ? (j == k ? own[j] : 0.0)
                                   : k <= j        ? own[j * d + k]
                                                   : own[k * d + j];
        shift[j] = prior->shift != NULL ? prior->shift[i * prior->shift_stride + j] : 0.0;
    }
    for (int t = 0; t < b->n_terms; t++) {
        const urn__gauss_children *c = &b->children[t];
        const int64_t last = urn__gauss_first(b, c, i + 1);
        for (int64_t m = urn__gauss_first(b, c, i); m < last; m++)
            add_child(b, &run->terms[t], c->order != NULL ? c->order[m] : m, precision, shift);
    }
}

static int64_t not_finite(int64_t n, const double *x)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad += !isfinite(x[i]);
    return bad;
}

static const char hint[] = "no jitter is added to such a matrix: give the site a proper prior, or "
                           "look for numbers that are not finite in what the row depends on";

static urn_status fail_not_finite(const urn__gauss_rows *b, int64_t row, const double *q,
                                  const double *h, urn_error *error)
{
    const int64_t d = b->d, size = d * d;
    return urn__fail(error, URN_ERR_RUNTIME, NULL, b->site, hint,
                     "row %lld of %s has no conditional distribution: %lld of the %lld numbers of "
                     "its precision matrix and %lld of the %lld of precision times mean are not "
                     "finite",
                     (long long)row, b->plate, (long long)not_finite(size, q), (long long)size,
                     (long long)not_finite(d, h), (long long)d);
}

/* `values`: d eigenvalues, then 3 d numbers to work with. */
static urn_status fail_singular(const urn__gauss_rows *b, int64_t row, double *q, double *values,
                                urn_error *error)
{
    const lapack_int d = (lapack_int)b->d;
    const bool found =
        LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'N', 'U', d, q, d, values, values + d, 3 * d) == 0;
    const double least = found ? values[0] : NAN, most = found ? values[d - 1] : NAN;
    double smallest = INFINITY;
    for (lapack_int i = 0; i < d; i++)
        smallest = fmin(smallest, fabs(values[i]));
    return urn__fail(error, URN_ERR_RUNTIME, NULL, b->site, hint,
                     "row %lld of %s has no conditional distribution: its precision matrix (%d x "
                     "%d) is not positive definite in double precision: eigenvalues from %.3g to "
                     "%.3g, condition %.3g",
                     (long long)row, b->plate, (int)d, (int)d, least, most,
                     smallest > 0.0 ? fmax(fabs(least), fabs(most)) / smallest : INFINITY);
}

urn_status urn__gauss_fail(const urn__gauss_rows *b, const urn__gauss_run *run, int64_t row,
                           urn_error *error)
{
    const int64_t d = b->d;
    const size_t size = (size_t)(d * d + 5 * d) * sizeof(double);
    double *q = urn__alloc(b->allocator, size);
    if (q == NULL)
        return urn__fail_memory(error, b->site, size);
    double *h = q + d * d;
    urn__gauss_rows_conditional(b, run, row, q, h);
    const bool finite = not_finite(d * d, q) == 0 && not_finite(d, h) == 0;
    const urn_status status =
        finite ? fail_singular(b, row, q, h + d, error) : fail_not_finite(b, row, q, h, error);
    urn__free(b->allocator, q);
    return status;
}
