/* See bpmf.h. Rows are padded to whole vectors of 8. A row's precision is summed in tiles of 8 rows
 * of its upper triangle which stay in registers: of vectors gathered 64 at a time, or, where rows
 * are two vectors at most, of the vectors where they are. The other side's rows are fetched 24
 * ratings ahead. The loops are compiled for dims 10, 32 and 64 each, and once for all others. */
#include "bench/bpmf.h"
#include "bench/link.h"
#include "bench/normals.h"

#include <omp.h>
#include <stdlib.h>

#define LANES 8
#define BATCH 64
#define FAR 24
#define MOST (MAX_DIM / LANES)
#define BETA0 2.0

typedef double vec __attribute__((vector_size(64), may_alias));

typedef struct side {
    int64_t n;
    const int64_t *start;
    int32_t *other; /* FAR more behind the last */
    const double *rating;
    double *x, *mu, *lambda, *shift; /* shift: lambda mu */
    uint64_t key, key2;
} side;

struct bpmf {
    ratings data;
    int64_t dim, stride;
    double alpha;
    int threads;
    uint64_t state;
    int64_t *item_start;
    double *item_rating;
    side of[2];
};

/* A thread's own. */
typedef struct room {
    double batch[BATCH * MAX_DIM];
    double q[MAX_DIM * MAX_DIM], h[MAX_DIM], x[MAX_DIM];
    double z[(MAX_DIM + 1) * NORMAL_BLOCK];
} __attribute__((aligned(64))) room;

/* ---- construction ---- */

static void transpose(bpmf *f)
{
    const ratings *d = &f->data;
    int64_t *start = f->item_start = bench_zeros(d->n_items + 2, sizeof *start);
    side *items = &f->of[1];
    items->other = bench_zeros(d->n + FAR, sizeof *items->other);
    f->item_rating = bench_zeros(d->n, sizeof *f->item_rating);
    for (int64_t i = 0; i < d->n; i++)
        start[d->item[i] + 2]++;
    for (int64_t i = 0; i < d->n_items; i++)
        start[i + 2] += start[i + 1];
    for (int64_t i = 0; i < d->n; i++) {
        const int64_t at = start[d->item[i] + 1]++;
        items->other[at] = d->user[i];
        f->item_rating[at] = d->rating[i];
    }
}

bpmf *bpmf_new(ratings d, int64_t dim, double alpha, int threads, uint64_t seed)
{
    bpmf *f = bench_zeros(1, sizeof *f);
    ratings_sort(&d);
    f->data = d;
    f->dim = dim;
    f->stride = (dim + LANES - 1) / LANES * LANES;
    f->alpha = alpha;
    f->threads = threads;
    f->state = seed;
    transpose(f);
    side *users = &f->of[0], *items = &f->of[1];
    users->n = d.n_users;
    users->start = f->data.start;
    users->rating = f->data.rating;
    users->other = bench_zeros(d.n + FAR, sizeof *users->other);
    memcpy(users->other, d.item, (size_t)d.n * sizeof *users->other);
    items->n = d.n_items;
    items->start = f->item_start;
    items->rating = f->item_rating;
    for (int k = 0; k < 2; k++) {
        side *s = &f->of[k];
        s->x = bench_zeros(s->n * f->stride, sizeof *s->x);
        s->mu = bench_zeros(f->stride, sizeof *s->mu);
        s->shift = bench_zeros(f->stride, sizeof *s->shift);
        s->lambda = bench_zeros(dim * f->stride, sizeof *s->lambda);
        for (int64_t i = 0; i < s->n; i++)
            for (int64_t j = 0; j < dim; j++)
                s->x[i * f->stride + j] = 0.3 * (2.0 * bench_uniform(&f->state) - 1.0);
    }
    return f;
}

void bpmf_free(bpmf *f)
{
    for (int k = 0; k < 2; k++) {
        free(f->of[k].x);
        free(f->of[k].mu);
        free(f->of[k].shift);
        free(f->of[k].lambda);
        free(f->of[k].other);
    }
    free(f->item_start);
    free(f->item_rating);
    ratings_free(&f->data);
    free(f);
}

/* ---- a row's sums ---- */

/* q (rows of nv vectors, upper triangle) += sum of x x^T over m rows `stride` apart, or, with
 * `row`, those it names; h += sum of rating x. All sums of two vectors at most stay in registers.
 */
ALWAYS_INLINE void sum_short(int64_t m, int64_t d, int nv, const double *x, const int32_t *row,
                             const double *rating, vec *q, vec *h)
{
    vec low[LANES][2] = {0}, high[LANES] = {0}, shift[2] = {0};
    for (int64_t i = 0; i < m; i++) {
        const double *a = x + row[i] * nv * LANES;
        const vec *v = (const vec *)a;
        __builtin_prefetch(x + row[i + FAR] * nv * LANES);
        if (nv > 1)
            __builtin_prefetch(x + row[i + FAR] * nv * LANES + LANES);
#pragma GCC unroll 8
        for (int j = 0; j < LANES; j++)
            if (j < d) {
                low[j][0] += a[j] * v[0];
                if (nv > 1)
                    low[j][1] += a[j] * v[1];
            }
#pragma GCC unroll 8
        for (int j = 0; j < LANES; j++)
            if (LANES + j < d)
                high[j] += a[LANES + j] * v[1];
        shift[0] += rating[i] * v[0];
        if (nv > 1)
            shift[1] += rating[i] * v[1];
    }
#pragma GCC unroll 8
    for (int j = 0; j < LANES; j++)
        for (int v = 0; v < nv; v++) {
            if (j < d)
                q[j * nv + v] += low[j][v];
            if (v == 1 && LANES + j < d)
                q[(LANES + j) * nv + 1] += high[j];
        }
    for (int v = 0; v < nv; v++)
        h[v] += shift[v];
}

/* Eight rows from j on, `width` vectors from v on. */
ALWAYS_INLINE void tile(int64_t m, int nv, int64_t j, int v, int width, const vec *batch, vec *q)
{
    vec sum[LANES][3] = {0};
    for (int64_t i = 0; i < m; i++) {
        const vec *x = batch + i * nv + v;
        const double *a = (const double *)(batch + i * nv) + j;
#pragma GCC unroll 8
        for (int k = 0; k < LANES; k++)
#pragma GCC unroll 3
            for (int w = 0; w < width; w++)
                sum[k][w] += a[k] * x[w];
    }
#pragma GCC unroll 8
    for (int k = 0; k < LANES; k++)
#pragma GCC unroll 3
        for (int w = 0; w < width; w++)
            q[(j + k) * nv + v + w] += sum[k][w];
}

ALWAYS_INLINE void sum_batch(int64_t m, int nv, const vec *batch, vec *q)
{
    for (int b = 0; b < nv; b++) {
        int v = b;
        for (; nv - v > 4 || nv - v == 3; v += 3)
            tile(m, nv, b * LANES, v, 3, batch, q);
        for (; nv - v >= 2; v += 2)
            tile(m, nv, b * LANES, v, 2, batch, q);
        if (nv - v == 1)
            tile(m, nv, b * LANES, v, 1, batch, q);
    }
}

/* The same of longer rows; q has room for whole tiles. */
ALWAYS_INLINE void sum_long(int64_t n, int nv, const vec *x, const int32_t *row,
                            const double *rating, vec *batch, vec *q, vec *h)
{
    for (int64_t i = 0; i < n; i += BATCH) {
        const int64_t m = n - i < BATCH ? n - i : BATCH;
        vec shift[MOST] = {0};
        for (int64_t k = 0; k < m; k++) {
            const vec *from = x + row[i + k] * nv, *far = x + row[i + k + FAR] * nv;
            for (int v = 0; v < nv; v++) {
                __builtin_prefetch(far + v);
                batch[k * nv + v] = from[v];
                shift[v] += rating[i + k] * from[v];
            }
        }
        for (int v = 0; v < nv; v++)
            h[v] += shift[v];
        sum_batch(m, nv, batch, q);
    }
}

/* ---- a row's draw ---- */

/* q = U^T U in place, by rows; the diagonal becomes its reciprocal. */
ALWAYS_INLINE void factor(int64_t d, int nv, vec *q)
{
    const double *at = (const double *)q;
    for (int64_t i = 0; i < d; i++) {
        vec row[MOST] = {0};
        const int from = (int)(i / LANES);
        for (int v = from; v < nv; v++)
            row[v] = q[i * nv + v];
        for (int64_t k = 0; k < i; k++) {
            const double u = at[k * nv * LANES + i];
            for (int v = from; v < nv; v++)
                row[v] -= u * q[k * nv + v];
        }
        const double pivot = row[from][i % LANES];
        if (!(pivot > 0.0))
            bench_fail("a row's precision is not positive definite", "");
        const double reciprocal = 1.0 / sqrt(pivot);
        for (int v = from; v < nv; v++)
            q[i * nv + v] = row[v] * reciprocal;
        ((double *)q)[i * nv * LANES + i] = reciprocal;
    }
}

/* x of U x = U^-T h + z; h and what is below the diagonal are lost. */
ALWAYS_INLINE void solve(int64_t d, int nv, vec *q, vec *h, const double *z, double *x)
{
    const double *at = (const double *)q;
    double *y = (double *)h;
    for (int64_t i = 0; i < d; i++) {
        const double value = y[i] * at[i * nv * LANES + i];
        for (int v = (int)(i / LANES); v < nv; v++)
            h[v] -= value * q[i * nv + v];
        x[i] = value;
    }
    for (int64_t i = 0; i < d; i++)
        x[i] += z[i];
    for (int64_t i = d; i < nv * LANES; i++)
        x[i] = 0.0;
    for (int64_t i = d - 1; i >= 0; i--) {
        vec sum = {0};
        double *lanes = (double *)q + i * nv * LANES;
        const double reciprocal = lanes[i];
        const int from = (int)(i / LANES);
        for (int64_t k = from * LANES; k <= i; k++)
            lanes[k] = 0.0;
        for (int v = from; v < nv; v++)
            sum += q[i * nv + v] * ((const vec *)x)[v];
        const double dot =
            ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
        x[i] = (x[i] - dot) * reciprocal;
    }
}

/* Row i of a side. */
ALWAYS_INLINE void draw_row(const bpmf *f, const side *s, const side *other, int64_t i, int64_t d,
                            int nv, const double *z, room *r)
{
    vec *q = (vec *)r->q, *h = (vec *)r->h;
    const int64_t first = s->start[i], n = s->start[i + 1] - first;
    const vec *lambda = (const vec *)s->lambda, *shift = (const vec *)s->shift;
    memset(q, 0, (size_t)(nv * LANES * nv) * sizeof *q);
    memset(h, 0, (size_t)nv * sizeof *h);
    if (nv <= 2)
        sum_short(n, d, nv, other->x, s->other + first, s->rating + first, q, h);
    else
        sum_long(n, nv, (const vec *)other->x, s->other + first, s->rating + first, (vec *)r->batch,
                 q, h);
    for (int64_t j = 0; j < d; j++)
        for (int v = (int)(j / LANES); v < nv; v++)
            q[j * nv + v] = f->alpha * q[j * nv + v] + lambda[j * nv + v];
    for (int v = 0; v < nv; v++)
        h[v] = f->alpha * h[v] + shift[v];
    factor(d, nv, q);
    solve(d, nv, q, h, z, r->x);
    memcpy(s->x + i * nv * LANES, r->x, (size_t)nv * sizeof(vec));
}

/* Rows [from, to), whose normals are whole blocks. */
ALWAYS_INLINE void draw_rows(const bpmf *f, const side *s, const side *other, int64_t from,
                             int64_t to, int64_t d, int nv, room *r)
{
    floor_normals(s->key, s->key2, from * d,
                  ((to - from) * d + NORMAL_BLOCK - 1) / NORMAL_BLOCK * NORMAL_BLOCK, r->z);
    for (int64_t i = from; i < to; i++)
        draw_row(f, s, other, i, d, nv, r->z + (i - from) * d, r);
}

static void draw_some(const bpmf *f, int k, int64_t from, int64_t to, room *r)
{
    const side *s = &f->of[k], *other = &f->of[1 - k];
    if (f->dim == 10)
        draw_rows(f, s, other, from, to, 10, 2, r);
    else if (f->dim == 32)
        draw_rows(f, s, other, from, to, 32, 4, r);
    else if (f->dim == 64)
        draw_rows(f, s, other, from, to, 64, 8, r);
    else
        draw_rows(f, s, other, from, to, f->dim, (int)(f->stride / LANES), r);
}

/* The least number of rows whose normals are whole blocks. */
static int64_t unit_of(int64_t d)
{
    int64_t a = NORMAL_BLOCK, b = d;
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return NORMAL_BLOCK / a;
}

static void draw_side(bpmf *f, int k)
{
    side *s = &f->of[k];
    const int64_t unit = unit_of(f->dim), n = (s->n + unit - 1) / unit;
    s->key = bench_word(&f->state);
    s->key2 = bench_word(&f->state);
#pragma omp parallel num_threads(f->threads)
    {
        room *r = bench_zeros(1, sizeof *r);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < n; i++)
            draw_some(f, k, i * unit, (i + 1) * unit < s->n ? (i + 1) * unit : s->n, r);
        free(r);
    }
}

/* ---- hyperparameters ---- */

/* Sums over rows: of x x^T into q (upper triangle), of x into h. */
static void scatter_some(const side *s, int64_t from, int64_t to, int nv, vec *q, vec *h)
{
    for (int64_t i = from; i < to; i += BATCH) {
        const int64_t m = to - i < BATCH ? to - i : BATCH;
        const vec *x = (const vec *)s->x + i * nv;
        for (int64_t k = 0; k < m; k++)
            for (int v = 0; v < nv; v++)
                h[v] += x[k * nv + v];
        sum_batch(m, nv, x, q);
    }
}

static void scatter(const bpmf *f, int k, double *q, double *h)
{
    const side *s = &f->of[k];
    const int64_t size = f->stride * f->stride, chunk = 1024, n = (s->n + chunk - 1) / chunk;
    const int nv = (int)(f->stride / LANES);
#pragma omp parallel num_threads(f->threads)
    {
        double *own = bench_zeros(size + f->stride, sizeof *own);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < n; i++) {
            const int64_t to = (i + 1) * chunk < s->n ? (i + 1) * chunk : s->n;
            scatter_some(s, i * chunk, to, nv, (vec *)own, (vec *)(own + size));
        }
#pragma omp critical
        {
            for (int64_t i = 0; i < size; i++)
                q[i] += own[i];
            for (int64_t i = 0; i < f->stride; i++)
                h[i] += own[size + i];
        }
        free(own);
    }
}

static double normal(bpmf *f)
{
    const double u = 1.0 - bench_uniform(&f->state), v = bench_uniform(&f->state);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* Gamma(a, 1), a >= 1: Marsaglia and Tsang (2000). */
static double gamma_draw(bpmf *f, double a)
{
    const double d = a - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        const double z = normal(f), t = 1.0 + c * z, v = t * t * t;
        const double u = 1.0 - bench_uniform(&f->state);
        if (t > 0.0 && log(u) < 0.5 * z * z + d - d * v + d * log(v))
            return d * v;
    }
}

/* a = L L^T, in place, lower; d x d. */
static void cholesky(int64_t d, double *a)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = a[i * d + j];
            for (int64_t k = 0; k < j; k++)
                sum -= a[i * d + k] * a[j * d + k];
            a[i * d + j] = i == j ? sqrt(sum) : sum / a[j * d + j];
        }
}

/* Lambda ~ Wishart((L L^T)^-1, nu) = T T^T, T = L^-T B with Bartlett's B (lower; diagonal: roots of
 * chi squares). T (d x d) is upper times lower, so full. */
static void wishart_root(bpmf *f, int64_t d, double nu, const double *l, double *t)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            t[i * d + j] = j < i    ? normal(f)
                           : j == i ? sqrt(2.0 * gamma_draw(f, 0.5 * (nu - (double)i)))
                                    : 0.0;
    for (int64_t i = d - 1; i >= 0; i--) {
        for (int64_t k = i + 1; k < d; k++)
            for (int64_t j = 0; j < d; j++)
                t[i * d + j] -= l[k * d + i] * t[k * d + j];
        for (int64_t j = 0; j < d; j++)
            t[i * d + j] /= l[i * d + i];
    }
}

/* mu ~ N(mean, (beta Lambda)^-1): mean + L B^-T z / sqrt(beta); B^T w = z from T = L^-T B, that is
 * T^T (L w') = z. Solved by the Cholesky factor of Lambda: Lambda = C C^T, mu = mean + C^-T z. */
static void draw_mean(bpmf *f, side *s, double beta, const double *mean, double *c)
{
    const int64_t d = f->dim;
    for (int64_t i = 0; i < d; i++)
        memcpy(c + i * d, s->lambda + i * f->stride, (size_t)d * sizeof *c);
    cholesky(d, c);
    for (int64_t i = d - 1; i >= 0; i--) {
        double sum = normal(f);
        for (int64_t k = i + 1; k < d; k++)
            sum -= c[k * d + i] * (s->mu[k] - mean[k]) * sqrt(beta);
        s->mu[i] = mean[i] + sum / c[i * d + i] / sqrt(beta);
    }
    for (int64_t i = 0; i < d; i++) {
        s->shift[i] = 0.0;
        for (int64_t k = 0; k < d; k++)
            s->shift[i] += s->lambda[i * f->stride + k] * s->mu[k];
    }
}

static void draw_hyper(bpmf *f, int k)
{
    side *s = &f->of[k];
    const int64_t d = f->dim, stride = f->stride;
    const double n = (double)s->n, beta = BETA0 + n, nu = (double)d + n;
    double *q = bench_zeros(stride * stride, sizeof *q), *h = bench_zeros(stride, sizeof *h);
    double *a = bench_zeros(d * d, sizeof *a), *t = bench_zeros(d * d, sizeof *t);
    scatter(f, k, q, h);
    /* W^-1 = I + centred scatter + beta0 n / beta mean mean^T, of sums about 0 */
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++)
            a[i * d + j] = (i == j ? 1.0 : 0.0) + q[j * stride + i] - h[i] * h[j] / beta;
    cholesky(d, a);
    wishart_root(f, d, nu, a, t);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (int64_t m = 0; m < d; m++)
                sum += t[i * d + m] * t[j * d + m];
            s->lambda[i * stride + j] = s->lambda[j * stride + i] = sum;
        }
    for (int64_t i = 0; i < d; i++)
        h[i] /= beta;
    draw_mean(f, s, beta, h, a);
    free(q);
    free(h);
    free(a);
    free(t);
}

void bpmf_sweep(bpmf *f)
{
    for (int k = 0; k < 2; k++) {
        draw_hyper(f, k);
        draw_side(f, k);
    }
}

double bpmf_product(const bpmf *f, int32_t user, int32_t item)
{
    double sum = 0.0;
    for (int64_t k = 0; k < f->dim; k++)
        sum += f->of[0].x[user * f->stride + k] * f->of[1].x[item * f->stride + k];
    return sum;
}

bpmf_side bpmf_look(const bpmf *f, int k)
{
    const side *s = &f->of[k];
    return (bpmf_side){s->n, f->stride, s->x, s->mu, s->lambda, s->key, s->key2};
}
