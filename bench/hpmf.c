/* See hpmf.h. The work of a step is three passes: one over each site's coordinates (guide.c), one
 * over the users with their prior and ratings, and what is left over the dims. */
#include "bench/hpmf.h"
#include "bench/link.h"

#include <omp.h>
#include <stdlib.h>

#define LOG_2PI 1.8378770664093454836
#define LOG_PI 1.1447298858494001741
#define ETA 2.0            /* concentration of the Cholesky factor's prior */
#define LOC_PRECISION 0.04 /* of loc_u */
#define USERS 64           /* users at a time: their rows stay in the first cache */

/* What a step knows of the prior of the users' rows, in rows of the sites' stride. */
typedef struct user_prior {
    real loc[MAX_DIM], precision[MAX_DIM * MAX_DIM];
} __attribute__((aligned(64))) user_prior;

/* A thread's sums over its users and ratings. */
typedef struct user_sums {
    double scatter[(MAX_DIM + 8) * MAX_DIM]; /* of (u - loc) (u - loc)^T */
    double sum[MAX_DIM];                     /* of u - loc */
    double squares;                          /* of residuals */
    sweep_sums drawn, drawn_v;
} __attribute__((aligned(64))) user_sums;

struct hpmf {
    ratings data;
    int64_t dim, stride;
    int threads;
    int64_t bound[MAX_THREADS + 1];
    site site[N_SITES];
    double tril[MAX_DIM * MAX_DIM], precision[MAX_DIM * MAX_DIM];
    user_prior prior;
    user_sums *sums; /* a thread */
};

#define LANES 8
#include "bench/rows.h"
#include "bench/users.h"
#undef LANES
#ifdef FLOOR_SINGLE
#define LANES 16
#include "bench/rows.h"
#include "bench/users.h"
#undef LANES
#endif

/* ---- construction ---- */

hpmf *hpmf_new(ratings d, int64_t dim, int threads)
{
    hpmf *f = bench_zeros(1, sizeof *f);
    ratings_sort(&d);
    f->data = d;
    f->dim = dim;
    f->threads = threads;
    f->sums = bench_zeros(threads, sizeof *f->sums);
    f->site[LOC_U] = site_new("loc_u", 1, dim, 1, 1, false);
    f->site[TRIL_U] = site_new("tril_u", dim > 1, dim > 1 ? dim * (dim - 1) / 2 : 1, 1, 1, false);
    f->site[OBS_SCALE] = site_new("obs_scale", 1, 1, 1, 1, false);
    f->site[U] = site_new("U", d.n_users, dim, 1, threads, false);
    f->site[V] = site_new("V", d.n_items, dim, threads, threads, false);
    f->site[V].prior = 1;
    f->site[OBS_SCALE].loc[0] = (real)-log(log(2.0)); /* the prior medians, 0 for the others */
    f->stride = f->site[U].stride;
    ratings_share(&f->data, threads, f->bound);
    return f;
}

void hpmf_free(hpmf *f)
{
    ratings_free(&f->data);
    for (int s = 0; s < N_SITES; s++)
        site_free(&f->site[s]);
    free(f->sums);
    free(f);
}

const ratings *hpmf_ratings(const hpmf *f)
{
    return &f->data;
}

int64_t hpmf_dim(const hpmf *f)
{
    return f->dim;
}

int hpmf_threads(const hpmf *f)
{
    return f->threads;
}

site *hpmf_site(hpmf *f, int i)
{
    return &f->site[i];
}

/* ---- over the dims ---- */

/* L from its partial correlations tanh(f), and the logarithm of the map's Jacobian. */
static double tril_of(int64_t d, const real *f, double *tril)
{
    double log_jacobian = 0.0;
    memset(tril, 0, (size_t)(d * d) * sizeof *tril);
    for (int64_t i = 0; i < d; i++) {
        double rest = 1.0;
        for (int64_t j = 0; j < i; j++, f++) {
            const double z = tanh((double)*f), c = 1.0 / cosh((double)*f);
            tril[i * d + j] = z * rest;
            rest *= c;
            log_jacobian += (2.0 + (double)(i - 1 - j)) * log(c);
        }
        tril[i * d + i] = rest;
    }
    return log_jacobian;
}

/* Gradient through tril_of and its Jacobian, given that of L. With what is left of row i before its
 * element j, rest_j: L_ij = z_j rest_j, and every later element has the derivative -z_j L_im in
 * f_j. */
static void tril_gradient(int64_t d, const real *f, const double *tril, const double *d_tril,
                          real *g)
{
    for (int64_t i = 1; i < d; i++) {
        const real *f_row = f + i * (i - 1) / 2;
        real *g_row = g + i * (i - 1) / 2;
        double rest[MAX_DIM + 1] = {1.0};
        for (int64_t j = 0; j < i; j++)
            rest[j + 1] = rest[j] / cosh((double)f_row[j]);
        double later = d_tril[i * d + i] * tril[i * d + i];
        for (int64_t j = i - 1; j >= 0; j--) {
            const double z = tanh((double)f_row[j]), c = 1.0 / cosh((double)f_row[j]);
            g_row[j] = (real)(d_tril[i * d + j] * rest[j] * c * c -
                              z * (later + 2.0 + (double)(i - 1 - j)));
            later += d_tril[i * d + j] * tril[i * d + j];
        }
    }
}

double hpmf_lkj_constant(int64_t d)
{
    const double p = (double)(d - 1), alpha = ETA + 0.5 * p;
    double log_mvgamma = 0.25 * p * (p - 1.0) * LOG_PI;
    for (int64_t j = 0; j < d - 1; j++)
        log_mvgamma += lgamma(alpha - 0.5 - 0.5 * (double)j);
    return 0.5 * p * LOG_PI + log_mvgamma - p * lgamma(alpha);
}

/* What the users need; returns the logarithm of the Jacobian of tril_u. */
static double prepare(hpmf *f)
{
    const int64_t d = f->dim;
    const double log_jacobian = tril_of(d, site_z(&f->site[TRIL_U], 0, 0), f->tril);
    for (int64_t j = 0; j < d; j++)
        for (int64_t k = 0; k <= j; k++) {
            double sum = 0.0;
            for (int64_t l = 0; l <= k; l++)
                sum += f->tril[j * d + l] * f->tril[k * d + l];
            f->precision[j * d + k] = f->precision[k * d + j] = sum;
            f->prior.precision[j * f->stride + k] = (real)sum;
            f->prior.precision[k * f->stride + j] = (real)sum;
        }
    memcpy(f->prior.loc, site_z(&f->site[LOC_U], 0, 0), (size_t)d * sizeof(real));
    return log_jacobian;
}

/* Gradients of loc_u and tril_u from the sums over users, and the users' part of the density. */
static double user_terms(hpmf *f, const user_sums *p)
{
    const int64_t d = f->dim, stride = f->stride, n = f->data.n_users;
    const real *loc = site_z(&f->site[LOC_U], 0, 0);
    double *d_tril = bench_zeros(d * d, sizeof *d_tril);
    double log_p = (double)d * 0.5 * (log(LOC_PRECISION) - LOG_2PI * (double)(n + 1));
    for (int64_t j = 0; j < d; j++) {
        double g_loc = -LOC_PRECISION * (double)loc[j];
        log_p -= 0.5 * LOC_PRECISION * (double)loc[j] * (double)loc[j];
        for (int64_t k = 0; k < d; k++) {
            g_loc += f->precision[j * d + k] * p->sum[k];
            log_p -= 0.5 * f->precision[j * d + k] * p->scatter[j * stride + k];
        }
        site_g(&f->site[LOC_U], 0, 0)[j] = (real)g_loc;
        for (int64_t k = 0; k <= j; k++) {
            double sum = 0.0;
            for (int64_t l = k; l < d; l++)
                sum += p->scatter[j * stride + l] * f->tril[l * d + k];
            d_tril[j * d + k] = -sum;
        }
        const double diagonal = f->tril[j * d + j];
        const double powers = (double)n + (j > 0 ? (double)(d - 1 - j) + 2.0 * ETA - 2.0 : 0.0);
        d_tril[j * d + j] += powers / diagonal;
        log_p += powers * log(diagonal);
    }
    tril_gradient(d, site_z(&f->site[TRIL_U], 0, 0), f->tril, d_tril,
                  site_g(&f->site[TRIL_U], 0, 0));
    free(d_tril);
    return log_p;
}

/* ---- over users and ratings ---- */

/* The thread's users, with their ratings; nv is a constant where it pays. */
#define USER_PASS(lanes, nv)                                                                       \
    do {                                                                                           \
        vec_##lanes *u = (vec_##lanes *)f->site[U].part[0];                                        \
        vec_##lanes *v = (vec_##lanes *)f->site[V].part[thread];                                   \
        for (int64_t i = from; i < to; i += USERS) {                                               \
            const int64_t n = to - i < USERS ? to - i : USERS;                                     \
            sums->squares +=                                                                       \
                (nv) == 1 ? by_rating_##lanes(t, t->start[i], t->start[i + n], &to_mean, u, v)     \
                          : by_user_##lanes(t, i, i + n, nv, &to_mean, u, v);                      \
            users_##lanes(&f->prior, i, n, f->dim, nv, u, sums);                                   \
        }                                                                                          \
    } while (0)

static void user_pass(hpmf *f, int thread, real precision)
{
    const link to_mean = {.precision = precision};
    user_sums *sums = &f->sums[thread];
    const ratings *t = &f->data;
    const int64_t from = f->bound[thread], to = f->bound[thread + 1];
    if (f->stride == 8)
        USER_PASS(8, 1);
#ifdef FLOOR_SINGLE
    else if (f->stride == 16)
        USER_PASS(16, 1);
    else if (f->stride == 32)
        USER_PASS(16, 2);
    else
        USER_PASS(16, (int)(f->stride / 16));
#else
    else if (f->stride == 16)
        USER_PASS(8, 2);
    else if (f->stride == 32)
        USER_PASS(8, 4);
    else
        USER_PASS(8, (int)(f->stride / 8));
#endif
}

static void clear(user_sums *p, int64_t d, int64_t stride)
{
    memset(p->scatter, 0, (size_t)((d + 8) * stride) * sizeof *p->scatter);
    memset(p->sum, 0, sizeof p->sum);
    p->squares = 0.0;
}

static void add_sums(hpmf *f)
{
    user_sums *all = &f->sums[0];
    for (int t = 1; t < f->threads; t++) {
        for (int64_t i = 0; i < f->dim * f->stride; i++)
            all->scatter[i] += f->sums[t].scatter[i];
        for (int64_t i = 0; i < f->dim; i++)
            all->sum[i] += f->sums[t].sum[i];
        all->squares += f->sums[t].squares;
    }
}

static double finish(hpmf *f, double log_jacobian, double squares_v)
{
    const user_sums *p = &f->sums[0];
    const double log_noise = (double)site_z(&f->site[OBS_SCALE], 0, 0)[0],
                 precision = exp(-2.0 * log_noise);
    const double n = (double)f->data.n;
    double log_p = log_jacobian - hpmf_lkj_constant(f->dim) + user_terms(f, p);
    log_p += -0.5 * squares_v - 0.5 * LOG_2PI * (double)(f->data.n_items * f->dim);
    log_p += -0.5 * p->squares * precision - n * (0.5 * LOG_2PI + log_noise);
    log_p += -log_noise - exp(-log_noise); /* inverse gamma(1, 1), in the logarithm */
    site_g(&f->site[OBS_SCALE], 0, 0)[0] =
        (real)(p->squares * precision - n - 1.0 + exp(-log_noise));
    return log_p;
}

double hpmf_density(hpmf *f, double squares_v)
{
    const double log_jacobian = prepare(f);
    const real precision = (real)exp(-2.0 * (double)site_z(&f->site[OBS_SCALE], 0, 0)[0]);
#pragma omp parallel num_threads(f->threads)
    {
        const int thread = omp_get_thread_num();
        clear(&f->sums[thread], f->dim, f->stride);
        user_pass(f, thread, precision);
    }
    add_sums(f);
    return finish(f, log_jacobian, squares_v);
}

double hpmf_step(hpmf *f, const sweep *w)
{
    sweep_sums drawn = {0}, drawn_v = {0};
    for (int s = 0; s < U; s++)
        site_sweep(&f->site[s], w, 0, &drawn);
#pragma omp parallel num_threads(f->threads)
    {
        user_sums *sums = &f->sums[omp_get_thread_num()];
        sums->drawn = sums->drawn_v = (sweep_sums){0};
        site_sweep(&f->site[U], w, omp_get_thread_num(), &sums->drawn);
        site_sweep(&f->site[V], w, omp_get_thread_num(), &sums->drawn_v);
    }
    for (int t = 0; t < f->threads; t++) {
        drawn.log_scale += f->sums[t].drawn.log_scale + f->sums[t].drawn_v.log_scale;
        drawn_v.squares += f->sums[t].drawn_v.squares;
    }
    int64_t n = 0;
    for (int s = 0; s < N_SITES; s++)
        n += f->site[s].rows * f->site[s].d;
    const double entropy = drawn.log_scale + 0.5 * (1.0 + LOG_2PI) * (double)n;
    return -(hpmf_density(f, drawn_v.squares) + entropy) / (double)f->data.n;
}
