/* The inverse Hessian of a history of steps (see inverse.h for the papers). */
#include "inverse.h"
#include "../../runtime/family/family.h"

#include <math.h>
#include <string.h>

/* A step's change of gradient may not be larger than this times what its curvature makes of it. */
#define STEEPEST 1e12
/* A column of which less than this is left does depend on those before it. */
#define DEPENDENT 1e-12

static double **vectors(int most, int64_t n, urn__arena *arena)
{
    double **list = urn__arena_alloc(arena, (size_t)most, sizeof(double *));
    for (int k = 0; list && k < most; k++)
        list[k] = urn__arena_alloc(arena, (size_t)n, sizeof(double));
    return list;
}

void urn__history_init(urn__history *h, int64_t n, int most, urn__arena *arena)
{
    *h = (urn__history){.n = n,
                        .most = most,
                        .step = vectors(most, n, arena),
                        .change = vectors(most, n, arena),
                        .diagonal = urn__arena_alloc(arena, (size_t)n, sizeof(double))};
    for (int64_t i = 0; h->diagonal && i < n; i++)
        h->diagonal[i] = 1.0;
}

void urn__low_rank_init(urn__low_rank *q, int64_t n, int most, urn__arena *arena)
{
    const size_t width = 2 * (size_t)most;
    *q = (urn__low_rank){.n = n,
                         .mean = urn__arena_alloc(arena, (size_t)n, sizeof(double)),
                         .scale = urn__arena_alloc(arena, (size_t)n, sizeof(double)),
                         .column = urn__arena_alloc(arena, width, (size_t)n * sizeof(double)),
                         .factor = urn__arena_alloc(arena, width, width * sizeof(double))};
}

void urn__small_room_init(urn__small_room *room, int most, urn__arena *arena)
{
    const size_t width = 2 * (size_t)most;
    double **const all[] = {&room->r, &room->w, &room->c, &room->gamma, &room->a, &room->t};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        *all[i] = urn__arena_alloc(arena, width, width * sizeof(double));
}

/* ---- the history ---- */

/* Gilbert and Lemarechal, Some numerical experiments with variable-storage quasi-Newton algorithms,
 * 1989: the diagonal of the BFGS update of a diagonal matrix. */
static void update_diagonal(urn__history *h, const double *s, const double *z)
{
    double a = 0.0, b = 0.0, c = 0.0;
    for (int64_t i = 0; i < h->n; i++) {
        a += z[i] * h->diagonal[i] * z[i];
        b += z[i] * s[i];
        c += s[i] * s[i] / h->diagonal[i];
    }
    for (int64_t i = 0; i < h->n; i++) {
        const double d = h->diagonal[i], own = s[i] / d;
        const double updated = b / (a / d + z[i] * z[i] - a / c * own * own);
        if (updated > 0.0 && isfinite(updated)) /* else rounding: as it was */
            h->diagonal[i] = updated;
    }
}

/* Makes the oldest step's vectors those of the new one. */
static void turn(urn__history *h)
{
    double *step = h->step[0], *change = h->change[0];
    for (int k = 0; k + 1 < h->most; k++) {
        h->step[k] = h->step[k + 1];
        h->change[k] = h->change[k + 1];
    }
    h->step[h->most - 1] = step;
    h->change[h->most - 1] = change;
}

bool urn__history_add(urn__history *h, const double *from, const double *gradient_from,
                      const double *to, const double *gradient_to)
{
    double curved = 0.0, squares = 0.0;
    for (int64_t i = 0; i < h->n; i++) {
        const double z = gradient_from[i] - gradient_to[i];
        curved += (to[i] - from[i]) * z;
        squares += z * z;
    }
    if (!(curved > 0.0) || !(squares <= STEEPEST * curved))
        return false;
    if (h->count == h->most)
        turn(h);
    else
        h->count++;
    double *s = h->step[h->count - 1], *z = h->change[h->count - 1];
    for (int64_t i = 0; i < h->n; i++) {
        s[i] = to[i] - from[i];
        z[i] = gradient_from[i] - gradient_to[i];
    }
    update_diagonal(h, s, z);
    return true;
}

/* ---- its normal distribution ---- */

/* The columns B = D^-1 [D^2 Z, S], before they are made orthonormal. */
static void fill_columns(urn__low_rank *q, const urn__history *h)
{
    const int m = h->count;
    for (int64_t i = 0; i < q->n; i++)
        q->scale[i] = sqrt(h->diagonal[i]);
    for (int k = 0; k < m; k++) {
        double *of_change = q->column + k * q->n, *of_step = q->column + (m + k) * q->n;
        for (int64_t i = 0; i < q->n; i++) {
            of_change[i] = q->scale[i] * h->change[k][i];
            of_step[i] = h->step[k][i] / q->scale[i];
        }
    }
}

/* gamma of covariance = D (I + B gamma B') D: [0, -R^-1; -R^-T, R^-T (diag R + Z' D^2 Z) R^-1], R
 * the upper part of S' Z. */
static void find_gamma(const urn__low_rank *q, int m, const urn__kernels *kernels,
                       urn__small_room *room)
{
    const int width = 2 * m;
    double *transposed = room->r, *inverse = room->w, *inner = room->c, *gamma = room->gamma;
    memset(transposed, 0, (size_t)(m * m) * sizeof *transposed);
    memset(inverse, 0, (size_t)(m * m) * sizeof *inverse);
    memset(gamma, 0, (size_t)(width * width) * sizeof *gamma);
    for (int i = 0; i < m; i++) {
        const double *change = q->column + i * q->n;
        inverse[i * m + i] = 1.0;
        for (int j = 0; j <= i; j++) {
            transposed[i * m + j] = kernels->dot(q->n, q->column + (m + j) * q->n, change);
            inner[i * m + j] = inner[j * m + i] = kernels->dot(q->n, q->column + j * q->n, change);
        }
    }
    for (int i = 0; i < m; i++)
        inner[i * m + i] += transposed[i * m + i];
    urn__tri_solve(m, m, transposed, false, inverse);
    urn__matmul(m, m, m, inverse, false, inner, false, room->t, false);
    urn__matmul(m, m, m, room->t, false, inverse, true, inner, false);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
            gamma[i * width + m + j] = -inverse[j * m + i];
            gamma[(m + i) * width + j] = -inverse[i * m + j];
            gamma[(m + i) * width + m + j] = inner[i * m + j];
        }
}

/* B = Q R by Gram and Schmidt, twice a column, which is as good as orthonormal gets. */
static void make_orthonormal(urn__low_rank *q, const urn__kernels *kernels, double *r)
{
    const int width = q->width;
    memset(r, 0, (size_t)(width * width) * sizeof *r);
    for (int k = 0; k < width; k++) {
        double *own = q->column + k * q->n;
        const double before = sqrt(kernels->dot(q->n, own, own));
        for (int pass = 0; pass < 2; pass++)
            for (int i = 0; i < k; i++) {
                const double part = kernels->dot(q->n, q->column + i * q->n, own);
                r[i * width + k] += part;
                kernels->axpy(q->n, -part, q->column + i * q->n, own);
            }
        const double left = sqrt(kernels->dot(q->n, own, own));
        const bool independent = left > DEPENDENT * before;
        r[k * width + k] = independent ? left : 0.0;
        for (int64_t i = 0; i < q->n; i++)
            own[i] = independent ? own[i] / left : 0.0;
    }
}

/* Adds Q (M - I) Q' x to x, M being L or L L'. */
static void apply(const urn__low_rank *q, const urn__kernels *kernels, bool twice, double *x,
                  double *t)
{
    const int width = q->width;
    double *out = t + width;
    for (int k = 0; k < width; k++)
        t[k] = kernels->dot(q->n, q->column + k * q->n, x);
    memcpy(out, t, (size_t)width * sizeof *out);
    for (int i = 0; twice && i < width; i++) { /* L' first: below row i nothing has changed yet */
        double sum = 0.0;
        for (int k = i; k < width; k++)
            sum += q->factor[k * width + i] * t[k];
        out[i] = sum;
    }
    for (int i = width - 1; i >= 0; i--) {
        double sum = 0.0;
        for (int k = 0; k <= i; k++)
            sum += q->factor[i * width + k] * out[k];
        out[i] = sum;
    }
    for (int k = 0; k < width; k++)
        kernels->axpy(q->n, out[k] - t[k], q->column + k * q->n, x);
}

static bool factorise(urn__low_rank *q, urn__small_room *room)
{
    const int width = q->width;
    urn__matmul(width, width, width, room->r, false, room->gamma, false, room->w, false);
    urn__matmul(width, width, width, room->w, false, room->r, true, room->a, false);
    for (int i = 0; i < width; i++) {
        for (int j = 0; j < i; j++)
            room->a[i * width + j] = room->a[j * width + i] =
                0.5 * (room->a[i * width + j] + room->a[j * width + i]);
        room->a[i * width + i] += 1.0;
    }
    return width == 0 || urn__cholesky(width, room->a, q->factor);
}

bool urn__low_rank_at(urn__low_rank *q, const urn__history *h, const urn__kernels *kernels,
                      const double *position, const double *gradient, urn__small_room *room)
{
    q->width = 2 * h->count;
    fill_columns(q, h);
    find_gamma(q, h->count, kernels, room);
    make_orthonormal(q, kernels, room->r);
    if (!factorise(q, room))
        return false;
    q->log_determinant = 0.0;
    for (int64_t i = 0; i < q->n; i++) {
        q->log_determinant += 2.0 * log(q->scale[i]);
        q->mean[i] = q->scale[i] * gradient[i];
    }
    for (int k = 0; k < q->width; k++)
        q->log_determinant += 2.0 * log(q->factor[k * q->width + k]);
    apply(q, kernels, true, q->mean, room->t);
    for (int64_t i = 0; i < q->n; i++)
        q->mean[i] = position[i] + q->scale[i] * q->mean[i];
    return isfinite(q->log_determinant);
}

double urn__low_rank_draw(const urn__low_rank *q, const urn__kernels *kernels, double *z,
                          urn__small_room *room)
{
    const double squares = kernels->dot(q->n, z, z);
    apply(q, kernels, false, z, room->t);
    for (int64_t i = 0; i < q->n; i++)
        z[i] = q->mean[i] + q->scale[i] * z[i];
    return -0.5 * (q->log_determinant + squares + (double)q->n * URN__LOG_2PI);
}
