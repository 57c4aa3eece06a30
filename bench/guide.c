/* See guide.h. */
#include "bench/guide.h"
#include "bench/normals.h"
#include "bench/ratings.h"
#include "runtime/base/rng.h"

#include <stdlib.h>

#define BUFFER 2048 /* elements of a sweep at a time, at least */
#define SUMMED 512  /* elements summed in `real` before a double takes over */

int64_t site_stride(int64_t d)
{
    const int64_t unit = d <= 8 ? 8 : 64 / (int64_t)sizeof(real);
    return (d + unit - 1) / unit * unit;
}

static int64_t chunk_of(int64_t d)
{
    int64_t rows = NORMAL_BLOCK;
    while (rows % 2 == 0 && rows / 2 * d % NORMAL_BLOCK == 0)
        rows /= 2;
    return rows * (BUFFER > rows * d ? BUFFER / (rows * d) : 1);
}

/* Elements of a sweep at a time, with room for whole blocks of normals and for the last row's end.
 */
static int64_t room_of(const site *s)
{
    return (s->chunk * s->d + s->stride + NORMAL_BLOCK) / NORMAL_BLOCK * NORMAL_BLOCK;
}

site site_new(const char *name, int64_t rows, int64_t d, int parts, int threads, bool point)
{
    site s = {.name = name, .rows = rows, .d = d, .parts = parts, .threads = threads};
    s.point = point;
    s.stride = site_stride(d);
    s.chunk = chunk_of(d);
    real **arrays[] = {&s.loc, &s.m_loc, &s.v_loc, &s.log_scale, &s.m_scale, &s.v_scale};
    for (int i = 0; i < (point ? 3 : 6); i++)
        *arrays[i] = bench_zeros(rows * d, sizeof(real));
    for (int t = 0; t < parts; t++)
        s.part[t] = bench_zeros(rows * 2 * s.stride, sizeof(real));
    for (int t = 0; t < threads; t++)
        s.room[t] = bench_zeros(3 * room_of(&s), sizeof(real));
    s.keep = bench_zeros(s.stride, sizeof *s.keep);
    for (int64_t k = 0; k < d; k++)
        s.keep[k] = ~(real_bits)0;
    for (int64_t i = 0; !point && i < rows * d; i++)
        s.log_scale[i] = (real)log(0.1);
    return s;
}

void site_free(site *s)
{
    real *arrays[] = {s->loc, s->log_scale, s->m_loc, s->v_loc, s->m_scale, s->v_scale};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    for (int t = 0; t < s->parts; t++)
        free(s->part[t]);
    for (int t = 0; t < s->threads; t++)
        free(s->room[t]);
    free(s->keep);
}

sweep sweep_at(int64_t step, double lr, uint64_t seed, double factor)
{
    return (sweep){.update = step > 0,
                   .factor = (real)factor,
                   .rate = (real)(lr / (1.0 - pow(0.9, (double)step))),
                   .root = (real)(1.0 / sqrt(1.0 - pow(0.999, (double)step))),
                   .seed = seed,
                   .draw = step};
}

/* ---- between rows with room and rows without ---- */

/* Eight numbers anywhere: what the room of a row is made of. */
typedef real eight __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef real_bits bits
    __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));

/* Values and summed gradients, without gaps; the gradients are left empty. Whole vectors are
 * written: the next row's start covers what one wrote past its end, and the buffers have room
 * behind. */
ALWAYS_INLINE void collect(const site *s, int64_t from, int64_t n, int64_t stride, int parts,
                           real *restrict z, real *restrict g)
{
    const int64_t d = s->d;
    const real prior = s->prior;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < stride; k += 8) {
            eight *row = (eight *)(s->part[0] + (from + i) * 2 * stride + k);
            eight *slope = (eight *)((real *)row + stride), sum = *slope - prior * *row;
            *(eight *)(z + i * d + k) = *row;
            *slope = (eight){0};
            for (int t = 1; t < parts; t++) {
                slope = (eight *)(s->part[t] + ((from + i) * 2 + 1) * stride + k);
                sum += *slope;
                *slope = (eight){0};
            }
            *(eight *)(g + i * d + k) = sum;
        }
}

/* Whole vectors again, masked. */
ALWAYS_INLINE void spread(const site *s, int64_t from, int64_t n, int64_t stride,
                          const real *restrict z)
{
    const int64_t d = s->d;
    for (int t = 0; t < s->parts; t++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < stride; k += 8)
                *(bits *)(s->part[t] + (from + i) * 2 * stride + k) =
                    *(const bits *)(z + i * d + k) & *(const bits *)(s->keep + k);
}

/* The strides and parts that pay as constants. */
static void collect_rows(const site *s, int64_t from, int64_t n, real *z, real *g)
{
    if (s->stride == 8 && s->parts == 1)
        collect(s, from, n, 8, 1, z, g);
    else if (s->stride == 32 && s->parts == 1)
        collect(s, from, n, 32, 1, z, g);
    else
        collect(s, from, n, s->stride, s->parts, z, g);
}

static void spread_rows(const site *s, int64_t from, int64_t n, const real *z)
{
    if (s->stride == 8)
        spread(s, from, n, 8, z);
    else if (s->stride == 32)
        spread(s, from, n, 32, z);
    else
        spread(s, from, n, s->stride, z);
}

void site_set(site *s, const real *z)
{
    for (int64_t from = 0; from < s->rows; from += s->chunk) {
        const int64_t n = s->rows - from < s->chunk ? s->rows - from : s->chunk;
        memcpy(s->room[0], z + from * s->d, (size_t)(n * s->d) * sizeof *z);
        spread_rows(s, from, n, s->room[0]);
    }
}

void site_gradient(site *s, real *g)
{
    const int64_t room = room_of(s);
    for (int64_t from = 0; from < s->rows; from += s->chunk) {
        const int64_t n = s->rows - from < s->chunk ? s->rows - from : s->chunk;
        collect_rows(s, from, n, s->room[0], s->room[0] + room);
        memcpy(g + from * s->d, s->room[0] + room, (size_t)(n * s->d) * sizeof *g);
    }
}

/* ---- Adam and the draw ---- */

ALWAYS_INLINE void adam(const sweep *w, real g, real *m, real *v, real *p)
{
    *m = (real)0.9 * *m + (real)0.1 * g;
    *v = (real)0.999 * *v + (real)0.001 * g * g;
#ifdef FLOOR_SINGLE
    *p -= w->rate * *m / (sqrtf(*v) * w->root + 1e-8F);
#else
    *p -= w->rate * *m / (sqrt(*v) * w->root + 1e-8);
#endif
}

/* z holds the last draw, and gets the next; eps its normals. */
ALWAYS_INLINE void pass(sweep w, bool update, int64_t n, const real *restrict g,
                        const real *restrict eps, real *restrict z, real *restrict loc,
                        real *restrict m_loc, real *restrict v_loc, real *restrict log_scale,
                        real *restrict m_scale, real *restrict v_scale, sweep_sums *sums)
{
    real sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum, squares)
    for (int64_t i = 0; i < n; i++) {
        if (update) {
            const real slope = -w.factor * g[i], away = z[i] - loc[i];
            adam(&w, slope, &m_loc[i], &v_loc[i], &loc[i]);
            adam(&w, slope * away - w.factor, &m_scale[i], &v_scale[i], &log_scale[i]);
        }
        z[i] = loc[i] + floor_exp(log_scale[i]) * eps[i];
        sum += log_scale[i];
        squares += z[i] * z[i];
    }
    sums->log_scale += (double)sum;
    sums->squares += (double)squares;
}

ALWAYS_INLINE void point_pass(sweep w, bool update, int64_t n, const real *restrict g,
                              real *restrict z, real *restrict loc, real *restrict m,
                              real *restrict v, sweep_sums *sums)
{
    real squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++) {
        if (update)
            adam(&w, -w.factor * g[i], &m[i], &v[i], &loc[i]);
        z[i] = loc[i];
        squares += z[i] * z[i];
    }
    sums->squares += (double)squares;
}

static void elements(site *s, const sweep *w, int64_t at, int64_t n, const real *g, const real *eps,
                     real *z, sweep_sums *sums)
{
    real *loc = s->loc + at, *m = s->m_loc + at, *v = s->v_loc + at;
    if (s->point && w->update) {
        point_pass(*w, true, n, g, z, loc, m, v, sums);
        return;
    }
    if (s->point) {
        point_pass(*w, false, n, g, z, loc, m, v, sums);
        return;
    }
    real *log_scale = s->log_scale + at, *m_scale = s->m_scale + at, *v_scale = s->v_scale + at;
    if (w->update)
        pass(*w, true, n, g, eps, z, loc, m, v, log_scale, m_scale, v_scale, sums);
    else
        pass(*w, false, n, g, eps, z, loc, m, v, log_scale, m_scale, v_scale, sums);
}

void site_sweep(site *s, const sweep *w, int thread, sweep_sums *sums)
{
    const int64_t chunks = (s->rows + s->chunk - 1) / s->chunk, room = room_of(s);
    const int64_t first = chunks * thread / s->threads, last = chunks * (thread + 1) / s->threads;
    if (first == last)
        return;
    const urn__stream stream = urn__stream_at(w->seed, 0, s->name, (uint64_t)w->draw);
    real *z = s->room[thread], *g = z + room, *eps = g + room;
    for (int64_t c = first; c < last; c++) {
        const int64_t from = c * s->chunk, left = s->rows - from;
        const int64_t n = left < s->chunk ? left : s->chunk, at = from * s->d;
        if (w->update)
            collect_rows(s, from, n, z, g);
        if (!s->point)
            floor_normals(stream.key, stream.key2, at,
                          (n * s->d + NORMAL_BLOCK - 1) / NORMAL_BLOCK * NORMAL_BLOCK, eps);
        for (int64_t i = 0; i < n * s->d; i += SUMMED)
            elements(s, w, at + i, n * s->d - i < SUMMED ? n * s->d - i : SUMMED, g + i, eps + i,
                     z + i, sums);
        spread_rows(s, from, n, z);
    }
}
