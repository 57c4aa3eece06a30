/* What the machine can do on one SVI step of the model `hpmf` (models/hpmf.c): one hand-fused loop
 * a phase, written for this model only, diagonal normal guide, one particle, Adam, one thread. The
 * normals, the start, the order of parameters and the loss are those of `urn fit hpmf --engine
 * svi`, so the same seed gives the same losses up to rounding; the rest shares no code with the
 * library.
 *
 *   floor_svi --data FILE.csv [--columns 0,1,2] [--holdout 0.1] [--dim 5] [--steps 3000] [--lr
 * 0.001]
 *             [--seed 1]      one line of JSON: median time of a step, losses per rating
 *   floor_svi --random USERS,ITEMS,RATINGS ...      made-up ratings of that size
 *   floor_svi --check [--dim 5]     density and gradient against the plain formulas and differences
 */
#include "bench/ratings.h"
#include "runtime/tensor/tensor.h"
#include "runtime/tensor/vmath.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG_2PI 1.8378770664093454836
#define LOG_PI 1.1447298858494001741
#define ETA 2.0            /* concentration of the Cholesky factor's prior */
#define LOC_PRECISION 0.04 /* of loc_u */
#define MAX_DIM 64
#define CHUNK 4096 /* elements sampled at a time: their normals stay in the cache */
#define USERS 64   /* users whose rows are turned at a time */
#define AHEAD 8    /* ratings asked of the cache before their turn */

/* One site: its unconstrained values and all the optimiser keeps of them. */
typedef struct site {
    const char *name;
    int64_t n;
    double *loc, *log_scale, *eps, *scale, *z, *g; /* g: gradient of the log density at z */
    double *m_loc, *v_loc, *m_scale, *v_scale;
} site;

enum { LOC_U, TRIL_U, OBS_SCALE, U, V, N_SITES };

typedef struct floor_svi {
    ratings data;
    int64_t dim;
    site site[N_SITES];
    const urn__kernels *kernels; /* for the normals */
} floor_svi;

/* ---- the guide ---- */

static void site_init(site *s, const char *name, int64_t n)
{
    *s = (site){.name = name, .n = n};
    double **arrays[] = {&s->loc, &s->log_scale, &s->eps,   &s->scale,   &s->z,
                         &s->g,   &s->m_loc,     &s->v_loc, &s->m_scale, &s->v_scale};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = bench_zeros(n, sizeof(double));
    for (int64_t i = 0; i < n; i++)
        s->log_scale[i] = log(0.1);
}

static void site_clear(site *s)
{
    double *arrays[] = {s->loc, s->log_scale, s->eps,   s->scale,   s->z,
                        s->g,   s->m_loc,     s->v_loc, s->m_scale, s->v_scale};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

/* The guide starts at the prior medians with scale 0.1. */
static floor_svi floor_new(ratings d, int64_t dim)
{
    ratings_sort(&d);
    floor_svi f = {.data = d, .dim = dim};
    if (urn__kernels_select(NULL, &f.kernels, NULL) != URN_OK)
        bench_fail("no kernels", "");
    site_init(&f.site[LOC_U], "loc_u", dim);
    site_init(&f.site[TRIL_U], "tril_u", dim * (dim - 1) / 2);
    site_init(&f.site[OBS_SCALE], "obs_scale", 1);
    site_init(&f.site[U], "U", d.n_users * dim);
    site_init(&f.site[V], "V", d.n_items * dim);
    f.site[OBS_SCALE].loc[0] = -log(log(2.0));
    return f;
}

static void floor_clear(floor_svi *f)
{
    ratings_free(&f->data);
    for (int s = 0; s < N_SITES; s++)
        site_clear(&f->site[s]);
}

static double sample_chunk(int64_t n, const double *restrict loc, const double *restrict log_scale,
                           const double *restrict eps, double *restrict scale, double *restrict z)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        scale[i] = exp(log_scale[i]);
        z[i] = loc[i] + scale[i] * eps[i];
        sum += log_scale[i];
    }
    return sum;
}

/* Draws a site's values; returns the sum of its log scales. */
static double sample_site(const floor_svi *f, const site *s, uint64_t seed, int64_t step)
{
    const urn__stream stream = urn__stream_at(seed, 0, s->name, (uint64_t)step);
    double sum = 0.0;
    for (int64_t i = 0; i < s->n; i += CHUNK) {
        const int64_t n = s->n - i < CHUNK ? s->n - i : CHUNK;
        f->kernels->normals(&stream, i, n, s->eps + i);
        sum += sample_chunk(n, s->loc + i, s->log_scale + i, s->eps + i, s->scale + i, s->z + i);
    }
    return sum;
}

typedef struct adam {
    double rate, root; /* lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
} adam;

static adam adam_at(double lr, int64_t step)
{
    return (adam){.rate = lr / (1.0 - pow(0.9, (double)step)),
                  .root = 1.0 / sqrt(1.0 - pow(0.999, (double)step))};
}

static inline void adam_one(const adam *a, double g, double *m, double *v, double *p)
{
    *m = 0.9 * *m + 0.1 * g;
    *v = 0.999 * *v + 0.001 * g * g;
    *p -= a->rate * *m / (sqrt(*v) * a->root + 1e-8);
}

static void update(int64_t n, adam a, double factor, const double *restrict g,
                   const double *restrict eps, const double *restrict scale, double *restrict loc,
                   double *restrict m_loc, double *restrict v_loc, double *restrict log_scale,
                   double *restrict m_scale, double *restrict v_scale)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        adam_one(&a, -factor * g[i], &m_loc[i], &v_loc[i], &loc[i]);
        adam_one(&a, -factor * (g[i] * eps[i] * scale[i] + 1.0), &m_scale[i], &v_scale[i],
                 &log_scale[i]);
    }
}

/* ---- the log density and its gradient, fused ---- */

/* What a step knows of the prior of the users' rows. */
typedef struct user_prior {
    double tril[MAX_DIM * MAX_DIM], precision[MAX_DIM * MAX_DIM];
    double scatter[MAX_DIM * MAX_DIM]; /* sum of (u - loc) (u - loc)^T */
    double sum[MAX_DIM];               /* of u - loc */
} user_prior;

/* L from its partial correlations tanh(f), and the logarithm of the map's Jacobian. */
static double tril_of(int64_t d, const double *f, double *tril)
{
    double log_jacobian = 0.0;
    memset(tril, 0, (size_t)(d * d) * sizeof *tril);
    for (int64_t i = 0; i < d; i++) {
        double rest = 1.0;
        for (int64_t j = 0; j < i; j++, f++) {
            const double z = tanh(*f), c = 1.0 / cosh(*f);
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
static void tril_gradient(int64_t d, const double *f, const double *tril, const double *d_tril,
                          double *g)
{
    for (int64_t i = 1; i < d; i++) {
        const double *f_row = f + i * (i - 1) / 2;
        double *g_row = g + i * (i - 1) / 2, rest[MAX_DIM + 1] = {1.0};
        for (int64_t j = 0; j < i; j++)
            rest[j + 1] = rest[j] / cosh(f_row[j]);
        double later = d_tril[i * d + i] * tril[i * d + i];
        for (int64_t j = i - 1; j >= 0; j--) {
            const double z = tanh(f_row[j]), c = 1.0 / cosh(f_row[j]);
            g_row[j] =
                d_tril[i * d + j] * rest[j] * c * c - z * (later + 2.0 + (double)(i - 1 - j));
            later += d_tril[i * d + j] * tril[i * d + j];
        }
    }
}

/* Log of the normalising constant of the prior of L. */
static double lkj_log_constant(int64_t d)
{
    const double p = (double)(d - 1), alpha = ETA + 0.5 * p;
    double log_mvgamma = 0.25 * p * (p - 1.0) * LOG_PI;
    for (int64_t j = 0; j < d - 1; j++)
        log_mvgamma += lgamma(alpha - 0.5 - 0.5 * (double)j);
    return 0.5 * p * LOG_PI + log_mvgamma - p * lgamma(alpha);
}

/* Rows of up to USERS users, turned so that all loops run over users: gradient -P (u - loc), and
 * the sums over users that the rest of the prior needs. */
static inline __attribute__((always_inline)) void
users_block(int64_t n, int64_t d, const double *restrict loc, const double *restrict u,
            user_prior *restrict p, double *restrict g)
{
    double delta[MAX_DIM][USERS], product[USERS];
    for (int64_t k = 0; k < d; k++) {
        for (int64_t i = 0; i < n; i++)
            delta[k][i] = u[i * d + k] - loc[k];
        for (int64_t i = n; i < USERS; i++)
            delta[k][i] = 0.0;
    }
    for (int64_t j = 0; j < d; j++) {
        double sum = 0.0;
        memset(product, 0, sizeof product);
        for (int64_t k = 0; k < d; k++)
#pragma omp simd
            for (int64_t i = 0; i < USERS; i++)
                product[i] -= p->precision[j * d + k] * delta[k][i];
        for (int64_t k = 0; k <= j; k++) {
            double both = 0.0;
#pragma omp simd reduction(+ : both)
            for (int64_t i = 0; i < USERS; i++)
                both += delta[j][i] * delta[k][i];
            p->scatter[j * d + k] += both;
        }
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < USERS; i++)
            sum += delta[j][i];
        p->sum[j] += sum;
        for (int64_t i = 0; i < n; i++)
            g[i * d + j] = product[i];
    }
}

/* All users' prior: writes the gradients of U, loc_u and tril_u, returns the log densities. */
static inline __attribute__((always_inline)) double users_pass(floor_svi *f, int64_t d)
{
    const double *loc = f->site[LOC_U].z, *u = f->site[U].z;
    double *g_loc = f->site[LOC_U].g, d_tril[MAX_DIM * MAX_DIM];
    const int64_t n = f->data.n_users;
    user_prior p = {.sum = {0.0}};
    double log_p = tril_of(d, f->site[TRIL_U].z, p.tril) - lkj_log_constant(d);
    for (int64_t j = 0; j < d; j++)
        for (int64_t k = 0; k < d; k++)
            for (int64_t l = 0; l < d; l++)
                p.precision[j * d + k] += p.tril[j * d + l] * p.tril[k * d + l];
    for (int64_t i = 0; i < n; i += USERS)
        users_block(n - i < USERS ? n - i : USERS, d, loc, u + i * d, &p, f->site[U].g + i * d);
    log_p += (double)d * 0.5 * (log(LOC_PRECISION) - LOG_2PI * (double)(n + 1));
    for (int64_t j = 0; j < d; j++) {
        g_loc[j] = -LOC_PRECISION * loc[j];
        log_p -= 0.5 * LOC_PRECISION * loc[j] * loc[j];
        for (int64_t k = 0; k < d; k++) {
            const double scatter = j >= k ? p.scatter[j * d + k] : p.scatter[k * d + j];
            g_loc[j] += p.precision[j * d + k] * p.sum[k];
            log_p -= 0.5 * p.precision[j * d + k] * scatter;
        }
        for (int64_t k = 0; k <= j; k++) {
            double s = 0.0;
            for (int64_t l = k; l < d; l++)
                s += (j >= l ? p.scatter[j * d + l] : p.scatter[l * d + j]) * p.tril[l * d + k];
            d_tril[j * d + k] = -s;
        }
        const double diagonal = p.tril[j * d + j];
        const double powers = (double)n + (j > 0 ? (double)(d - 1 - j) + 2.0 * ETA - 2.0 : 0.0);
        d_tril[j * d + j] += powers / diagonal;
        log_p += powers * log(diagonal);
    }
    tril_gradient(d, f->site[TRIL_U].z, p.tril, d_tril, f->site[TRIL_U].g);
    return log_p;
}

/* Items' prior: writes the gradient of V. */
static double items_pass(int64_t n, const double *restrict v, double *restrict g)
{
    double squares = 0.0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++) {
        g[i] = -v[i];
        squares += v[i] * v[i];
    }
    return -0.5 * squares - 0.5 * LOG_2PI * (double)n;
}

/* All ratings, user after user: adds to the gradients of U and V, returns the sum of squared
 * residuals. A user's row and its gradient stay in registers or the first cache. */
static inline __attribute__((always_inline)) double
ratings_pass(const ratings *t, int64_t d, double precision, const double *restrict u,
             const double *restrict v, double *restrict g_u, double *restrict g_v)
{
    double squares = 0.0;
    for (int64_t user = 0; user < t->n_users; user++) {
        double row[MAX_DIM], g_row[MAX_DIM];
        for (int64_t k = 0; k < d; k++) {
            row[k] = u[user * d + k];
            g_row[k] = g_u[user * d + k];
        }
        for (int64_t i = t->start[user]; i < t->start[user + 1]; i++) {
            const double *restrict other = v + t->item[i] * d;
            double *restrict g_other = g_v + t->item[i] * d;
            if (d >= 16 && i + AHEAD < t->n) {
                const int64_t next = t->item[i + AHEAD] * d;
                for (int64_t k = 0; k < d; k += 8) {
                    __builtin_prefetch(v + next + k);
                    __builtin_prefetch(g_v + next + k, 1);
                }
            }
            double mean = 0.0;
            if (d >= 16) {
#pragma omp simd reduction(+ : mean)
                for (int64_t k = 0; k < d; k++)
                    mean += row[k] * other[k];
            } else {
                for (int64_t k = 0; k < d; k++)
                    mean += row[k] * other[k];
            }
            const double residual = t->rating[i] - mean, weight = residual * precision;
            squares += residual * residual;
#pragma omp simd
            for (int64_t k = 0; k < d; k++) {
                g_row[k] += weight * other[k];
                g_other[k] += weight * row[k];
            }
        }
        for (int64_t k = 0; k < d; k++)
            g_u[user * d + k] = g_row[k];
    }
    return squares;
}

/* log p(z, ratings) with Jacobians; gradients into the sites' g. `d` is a constant where it pays.
 */
static inline __attribute__((always_inline)) double density(floor_svi *f, int64_t d)
{
    const double log_noise = f->site[OBS_SCALE].z[0], precision = exp(-2.0 * log_noise);
    double log_p = users_pass(f, d);
    log_p += items_pass(f->site[V].n, f->site[V].z, f->site[V].g);
    const double squares = ratings_pass(&f->data, d, precision, f->site[U].z, f->site[V].z,
                                        f->site[U].g, f->site[V].g);
    log_p += -0.5 * squares * precision - (double)f->data.n * (0.5 * LOG_2PI + log_noise);
    log_p += -log_noise - exp(-log_noise); /* inverse gamma(1, 1), in the logarithm */
    f->site[OBS_SCALE].g[0] = squares * precision - (double)f->data.n - 1.0 + exp(-log_noise);
    return log_p;
}

static double density_of(floor_svi *f)
{
    switch (f->dim) {
    case 5:
        return density(f, 5);
    case 10:
        return density(f, 10);
    case 16:
        return density(f, 16);
    case 30:
        return density(f, 30);
    case 32:
        return density(f, 32);
    default:
        return density(f, f->dim);
    }
}

/* ---- steps ---- */

static double sample(floor_svi *f, uint64_t seed, int64_t number)
{
    double sum_log_scale = 0.0;
    for (int s = 0; s < N_SITES; s++)
        sum_log_scale += sample_site(f, &f->site[s], seed, number);
    return sum_log_scale;
}

/* -ELBO / number of ratings, of the values drawn. */
static double loss_of(floor_svi *f, double sum_log_scale)
{
    int64_t n = 0;
    for (int s = 0; s < N_SITES; s++)
        n += f->site[s].n;
    const double entropy = sum_log_scale + 0.5 * (1.0 + LOG_2PI) * (double)n;
    return -(density_of(f) + entropy) / (double)f->data.n;
}

static double one_step(floor_svi *f, uint64_t seed, double lr, int64_t step)
{
    const double loss = loss_of(f, sample(f, seed, step - 1));
    for (int i = 0; i < N_SITES; i++) {
        site *s = &f->site[i];
        update(s->n, adam_at(lr, step), 1.0 / (double)f->data.n, s->g, s->eps, s->scale, s->loc,
               s->m_loc, s->v_loc, s->log_scale, s->m_scale, s->v_scale);
    }
    return loss;
}

static double microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Losses: of the first step, and the mean of the last hundred. */
static void run(floor_svi *f, int64_t steps, double lr, uint64_t seed)
{
    double *time = bench_zeros(steps, sizeof *time), first = 0.0, last = 0.0, sum = 0.0;
    const int64_t tail = steps < 100 ? steps : 100;
    for (int64_t step = 1; step <= steps; step++) {
        const double start = microseconds();
        last = one_step(f, seed, lr, step);
        time[step - 1] = microseconds() - start;
        first = step == 1 ? last : first;
        sum += step > steps - tail ? last : 0.0;
    }
    qsort(time, (size_t)steps, sizeof *time, by_value);
    printf(
        "{\"program\": \"floor_svi\", \"model\": \"hpmf\", \"dim\": %lld, \"users\": %lld, "
        "\"items\": %lld, \"ratings\": %lld, \"threads\": 1, \"steps\": %lld, \"lr\": %g, "
        "\"seed\": %llu, \"step_ms_median\": %.6f, \"step_ms_min\": %.6f, \"loss_first\": %.12g, "
        "\"loss_last\": %.12g, \"loss_last_100_mean\": %.12g}\n",
        (long long)f->dim, (long long)f->data.n_users, (long long)f->data.n_items,
        (long long)f->data.n, (long long)steps, lr, (unsigned long long)seed,
        time[steps / 2] * 1e-3, time[0] * 1e-3, first, last, sum / (double)tail);
    free(time);
}

/* ---- the check ---- */

/* The log density term by term, as in the model's definition, with nothing shared or reordered. */
static double plain_density(const floor_svi *f)
{
    const int64_t d = f->dim;
    const double *loc = f->site[LOC_U].z, *u = f->site[U].z, *v = f->site[V].z;
    const double noise = exp(f->site[OBS_SCALE].z[0]);
    double tril[MAX_DIM * MAX_DIM], log_p = -lkj_log_constant(d);
    const double *free_value = f->site[TRIL_U].z;
    memset(tril, 0, sizeof tril);
    for (int64_t i = 0; i < d; i++) {
        double left = 1.0; /* 1 less the squares before */
        for (int64_t j = 0; j < i; j++) {
            const double z = tanh(*free_value++);
            tril[i * d + j] = z * sqrt(left);
            log_p += log(1.0 - z * z) + 0.5 * log(left);
            left -= tril[i * d + j] * tril[i * d + j];
        }
        tril[i * d + i] = sqrt(left);
        if (i > 0)
            log_p += ((double)(d - i - 1) + 2.0 * ETA - 2.0) * log(tril[i * d + i]);
    }
    for (int64_t k = 0; k < d; k++)
        log_p += -0.5 * LOG_2PI + log(0.2) - 0.5 * (loc[k] / 5.0) * (loc[k] / 5.0);
    for (int64_t i = 0; i < f->data.n_users; i++)
        for (int64_t k = 0; k < d; k++) {
            double white = 0.0;
            for (int64_t j = k; j < d; j++)
                white += tril[j * d + k] * (u[i * d + j] - loc[j]);
            log_p += -0.5 * LOG_2PI + log(tril[k * d + k]) - 0.5 * white * white;
        }
    for (int64_t i = 0; i < f->data.n_items * d; i++)
        log_p += -0.5 * LOG_2PI - 0.5 * v[i] * v[i];
    log_p += -2.0 * log(noise) - 1.0 / noise + log(noise); /* the last is the Jacobian */
    for (int64_t i = 0; i < f->data.n; i++) {
        double residual = f->data.rating[i];
        for (int64_t k = 0; k < d; k++)
            residual -= u[f->data.user[i] * d + k] * v[f->data.item[i] * d + k];
        log_p += -0.5 * LOG_2PI - log(noise) - 0.5 * (residual / noise) * (residual / noise);
    }
    return log_p;
}

/* ELBO for the eps in place, at the guide's present parameters; draws z again from them. */
static double plain_elbo(const floor_svi *f)
{
    double entropy = 0.0;
    for (int s = 0; s < N_SITES; s++) {
        const site *t = &f->site[s];
        for (int64_t i = 0; i < t->n; i++) {
            t->z[i] = t->loc[i] + exp(t->log_scale[i]) * t->eps[i];
            entropy += t->log_scale[i] + 0.5 + 0.5 * LOG_2PI;
        }
    }
    return plain_density(f) + entropy;
}

/* Central difference, of fourth order. */
static double difference(const floor_svi *f, double *parameter)
{
    const double h = 1e-3, at = *parameter;
    double elbo[4];
    for (int k = 0; k < 4; k++) {
        *parameter = at + h * (double[]){-2.0, -1.0, 1.0, 2.0}[k];
        elbo[k] = plain_elbo(f);
    }
    *parameter = at;
    return (elbo[0] - 8.0 * elbo[1] + 8.0 * elbo[2] - elbo[3]) / (12.0 * h);
}

static double worse(double worst, double value, double expected)
{
    const double off = fabs(value - expected) / fmax(1.0, fabs(expected));
    return off <= worst ? worst : off; /* NaN is worse */
}

static bool check(int64_t dim)
{
    floor_svi f = floor_new(ratings_random(70, 9, 300), dim);
    uint64_t state = 5;
    for (int s = 0; s < N_SITES; s++)
        for (int64_t i = 0; i < f.site[s].n; i++) {
            f.site[s].loc[i] += 1e-3 * (double)(bench_word(&state) % 600) - 0.3;
            f.site[s].log_scale[i] += 1e-3 * (double)(bench_word(&state) % 600) - 0.3;
        }
    const double loss = loss_of(&f, sample(&f, 3, 7));
    const double loss_error = worse(0.0, loss, -plain_elbo(&f) / (double)f.data.n);
    double gradient_error = 0.0;
    for (int s = 0; s < N_SITES; s++) {
        const site *t = &f.site[s];
        for (int64_t i = 0; i < t->n; i++) {
            const double scale_gradient = t->g[i] * t->eps[i] * t->scale[i] + 1.0;
            gradient_error = worse(gradient_error, t->g[i], difference(&f, &t->loc[i]));
            gradient_error =
                worse(gradient_error, scale_gradient, difference(&f, &t->log_scale[i]));
        }
    }
    const bool good = loss_error < 1e-12 && gradient_error < 1e-7;
    printf("{\"program\": \"floor_svi\", \"check\": %s, \"dim\": %lld, \"loss_error\": %.3g, "
           "\"gradient_error\": %.3g}\n",
           good ? "true" : "false", (long long)dim, loss_error, gradient_error);
    floor_clear(&f);
    return good;
}

/* ---- the command line ---- */

typedef struct options {
    const char *path, *random;
    int64_t column[3];
    double holdout, lr;
    int64_t dim, steps;
    uint64_t seed;
    bool check;
} options;

/* "a,b,c" */
static bool parse_three(const char *text, int64_t *values)
{
    for (int k = 0; k < 3; k++) {
        char *end;
        values[k] = strtoll(text, &end, 10);
        if (end == text || *end != (k < 2 ? ',' : '\0') || values[k] < 0)
            return false;
        text = end + 1;
    }
    return true;
}

static options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'f'},    {"random", required_argument, NULL, 'r'},
        {"columns", required_argument, NULL, 'c'}, {"holdout", required_argument, NULL, 'h'},
        {"dim", required_argument, NULL, 'd'},     {"steps", required_argument, NULL, 'n'},
        {"lr", required_argument, NULL, 'l'},      {"seed", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'k'},         {NULL, 0, NULL, 0}};
    options o = {.column = {0, 1, 2}, .lr = 1e-3, .dim = 5, .steps = 3000, .seed = 1};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'f')
            o.path = optarg;
        else if (option == 'r')
            o.random = optarg;
        else if (option == 'h')
            o.holdout = strtod(optarg, NULL);
        else if (option == 'l')
            o.lr = strtod(optarg, NULL);
        else if (option == 'd')
            o.dim = strtoll(optarg, NULL, 10);
        else if (option == 'n')
            o.steps = strtoll(optarg, NULL, 10);
        else if (option == 's')
            o.seed = strtoull(optarg, NULL, 10);
        else if (option == 'k')
            o.check = true;
        else if (option != 'c' || !parse_three(optarg, o.column))
            bench_fail("see the head of bench/floor_svi.c for its options", "");
    }
    if (o.dim < 1 || o.dim > MAX_DIM || o.steps < 1)
        bench_fail("--dim must be 1 to 64 and --steps at least 1", "");
    return o;
}

static ratings data_of(const options *o)
{
    ratings d;
    if (o->path) {
        d = ratings_read(o->path, o->column);
    } else {
        int64_t sizes[3] = {0};
        if (!o->random || !parse_three(o->random, sizes) || sizes[0] < 1 || sizes[1] < 1)
            bench_fail("give --data FILE, --random USERS,ITEMS,RATINGS or --check", "");
        d = ratings_random(sizes[0], sizes[1], sizes[2]);
    }
    ratings_hold_out(&d, o->holdout);
    if (d.n < 1)
        bench_fail("no ratings", "");
    return d;
}

int main(int argc, char **argv)
{
    const options o = parse(argc, argv);
    if (o.check)
        return check(o.dim) ? 0 : 1;
    floor_svi f = floor_new(data_of(&o), o.dim);
    run(&f, o.steps, o.lr, o.seed);
    floor_clear(&f);
    return 0;
}
