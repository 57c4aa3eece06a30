/* See sigmoid.h. */
#include "bench/sigmoid.h"
#include "inference/engine.h"
#include "runtime/base/rng.h"

#include <omp.h>
#include <stdlib.h>

#define LOG_2PI 1.8378770664093454836
#define SCALE 0.3 /* of the factors, and of the noise on the [0, 1] scale */
#define LOWEST 0.5
#define HIGHEST 5.0

struct sigmoid {
    ratings data;
    int64_t dim;
    int threads;
    int64_t bound[MAX_THREADS + 1];
    site site[N_FACTORS];
};

#define LANES 8
#include "bench/rows.h"
#undef LANES
#ifdef FLOOR_SINGLE
#define LANES 16
#include "bench/rows.h"
#undef LANES
#endif

static void start_site(site *s, double jitter, uint64_t seed)
{
    urn_rng rng;
    const urn__stream stream = urn__stream_at(seed, urn__chain_for(URN__USE_START, 0), s->name, 1);
    urn__rng_at_row(&rng, &stream, 1);
    for (int64_t i = 0; i < s->rows * s->d; i++)
        s->loc[i] = (real)(jitter * urn_rng_normal(&rng));
    s->prior = (real)(1.0 / (SCALE * SCALE));
}

sigmoid *sigmoid_new(ratings d, int64_t dim, int threads, double jitter, uint64_t seed)
{
    sigmoid *f = bench_zeros(1, sizeof *f);
    ratings_sort(&d);
    f->data = d;
    f->dim = dim;
    f->threads = threads;
    f->site[FACTOR_U] = site_new("U", d.n_users, dim, 1, threads, true);
    f->site[FACTOR_V] = site_new("V", d.n_items, dim, threads, threads, true);
    for (int s = 0; s < N_FACTORS; s++)
        start_site(&f->site[s], jitter, seed);
    ratings_share(&f->data, threads, f->bound);
    return f;
}

void sigmoid_free(sigmoid *f)
{
    ratings_free(&f->data);
    for (int s = 0; s < N_FACTORS; s++)
        site_free(&f->site[s]);
    free(f);
}

const ratings *sigmoid_ratings(const sigmoid *f)
{
    return &f->data;
}

site *sigmoid_site(sigmoid *f, int i)
{
    return &f->site[i];
}

static double thread_ratings(sigmoid *f, int thread)
{
    const link to_mean = {
        .sigmoid = 1,
        .precision = (real)(1.0 / (SCALE * SCALE * (HIGHEST - LOWEST) * (HIGHEST - LOWEST))),
        .low = (real)LOWEST,
        .range = (real)(HIGHEST - LOWEST)};
    const ratings *t = &f->data;
    const int64_t stride = f->site[FACTOR_U].stride;
    const int64_t from = f->bound[thread], to = f->bound[thread + 1];
    real *u = f->site[FACTOR_U].part[0], *v = f->site[FACTOR_V].part[thread];
    if (stride == 8)
        return by_rating_8(t, t->start[from], t->start[to], &to_mean, (vec_8 *)u, (vec_8 *)v);
#ifdef FLOOR_SINGLE
    if (stride == 32)
        return by_user_16(t, from, to, 2, &to_mean, (vec_16 *)u, (vec_16 *)v);
    return by_user_16(t, from, to, (int)(stride / 16), &to_mean, (vec_16 *)u, (vec_16 *)v);
#else
    if (stride == 32)
        return by_user_8(t, from, to, 4, &to_mean, (vec_8 *)u, (vec_8 *)v);
    return by_user_8(t, from, to, (int)(stride / 8), &to_mean, (vec_8 *)u, (vec_8 *)v);
#endif
}

double sigmoid_step(sigmoid *f, const sweep *w)
{
    double squares = 0.0, squares_z = 0.0;
#pragma omp parallel num_threads(f->threads) reduction(+ : squares, squares_z)
    {
        sweep_sums drawn = {0};
        for (int s = 0; s < N_FACTORS; s++)
            site_sweep(&f->site[s], w, omp_get_thread_num(), &drawn);
        squares_z = drawn.squares;
#pragma omp barrier
        squares = thread_ratings(f, omp_get_thread_num());
    }
    const double n = (double)f->data.n, noise = SCALE * (HIGHEST - LOWEST);
    const double n_z = (double)((f->data.n_users + f->data.n_items) * f->dim);
    const double log_p = -0.5 * squares / (noise * noise) - n * (0.5 * LOG_2PI + log(noise)) -
                         0.5 * squares_z / (SCALE * SCALE) - n_z * (0.5 * LOG_2PI + log(SCALE));
    return -log_p / n;
}
