/* See floor_check.h. Everything is computed again in long double, term by term as in the models'
 * definitions, from the values the floor drew; gradients are differences of that. */
#include "bench/floor_check.h"
#include "bench/hpmf.h"
#include "bench/sigmoid.h"
#include "runtime/tensor/tensor.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_2PI 1.8378770664093454836L

/* Half a unit in the last place of 1. */
#ifdef FLOOR_SINGLE
static const double rounding = 0x1p-24;
#else
static const double rounding = 0x1p-53;
#endif

/* Of the loss: up to 16,000 terms of one sign, added in any order with independent roundings,
 * sqrt(n) units; in single precision the terms' own roundings, of products over up to 32 dims,
 * squared: 2 (d + 2) units in all if they agreed. Half of that is asked for. Of gradients: the
 * plain density is a long double, so what is left of a fourth-order difference of step h is h^4 /
 * 30 times the fifth derivative, which is below 1e4 times the slope here (tanh of a partial
 * correlation, in the squares of 70 users); in single precision the gradient itself, with (d + 2)
 * roundings of terms of size up to 10 in each of up to 40 ratings: the root of their number, units,
 * times 10. Values of draws and updates have bounds of their own (draw_bound, update_bound): errors
 * are in those. */
#ifdef FLOOR_SINGLE
static const double loss_tolerance = 32.0 * 0x1p-24, gradient_tolerance = 2e-5;
#else
static const double loss_tolerance = 128.0 * 0x1p-53, gradient_tolerance = 1e-9;
#endif

/* A floor looked at from outside: its sites, their values as doubles, the plain density of them. */
typedef struct subject {
    const ratings *data;
    int64_t dim;
    int n_sites;
    site *site[N_SITES];
    double *z[N_SITES];
    long double (*density)(const struct subject *x);
} subject;

static double worse(double worst, double value, double expected)
{
    const double off = fabs(value - expected) / fmax(1.0, fabs(expected));
    return off <= worst ? worst : off; /* NaN is worse */
}

static double within(double worst, double off, double bound)
{
    const double share = off == 0.0 ? 0.0 : fabs(off) / bound;
    return share <= worst ? worst : share;
}

/* ---- plain densities ---- */

/* L from its partial correlations; returns its log density with the Jacobian. */
static long double plain_tril(int64_t d, const double *free_value, long double *tril)
{
    long double log_p = -hpmf_lkj_constant(d);
    for (int64_t i = 0; i < d; i++) {
        long double left = 1.0L; /* 1 less the squares before */
        for (int64_t j = 0; j < i; j++) {
            const long double t = tanhl(*free_value++);
            tril[i * d + j] = t * sqrtl(left);
            log_p += logl(1.0L - t * t) + 0.5L * logl(left);
            left -= tril[i * d + j] * tril[i * d + j];
        }
        tril[i * d + i] = sqrtl(left);
        if (i > 0)
            log_p +=
                ((long double)(d - i - 1) + 2.0L) * logl(tril[i * d + i]); /* concentration 2 */
    }
    return log_p;
}

static long double plain_normal(long double x, long double loc, long double scale)
{
    return -0.5L * LOG_2PI - logl(scale) - 0.5L * ((x - loc) / scale) * ((x - loc) / scale);
}

static long double plain_product(const subject *x, int u, int v, int64_t i)
{
    long double sum = 0.0L;
    for (int64_t k = 0; k < x->dim; k++)
        sum += (long double)x->z[u][x->data->user[i] * x->dim + k] *
               x->z[v][x->data->item[i] * x->dim + k];
    return sum;
}

static long double plain_hpmf(const subject *x)
{
    const int64_t d = x->dim;
    const double *loc = x->z[LOC_U], *u = x->z[U];
    const long double noise = expl(x->z[OBS_SCALE][0]);
    long double *tril = bench_zeros(d * d, sizeof *tril);
    long double log_p = plain_tril(d, x->z[TRIL_U], tril);
    for (int64_t k = 0; k < d; k++)
        log_p += plain_normal(loc[k], 0.0L, 5.0L);
    for (int64_t i = 0; i < x->data->n_users; i++)
        for (int64_t k = 0; k < d; k++) {
            long double white = 0.0L;
            for (int64_t j = k; j < d; j++)
                white += tril[j * d + k] * ((long double)u[i * d + j] - loc[j]);
            log_p += plain_normal(white, 0.0L, 1.0L) + logl(tril[k * d + k]);
        }
    for (int64_t i = 0; i < x->data->n_items * d; i++)
        log_p += plain_normal(x->z[V][i], 0.0L, 1.0L);
    log_p += -2.0L * logl(noise) - 1.0L / noise + logl(noise); /* the last is the Jacobian */
    for (int64_t i = 0; i < x->data->n; i++)
        log_p += plain_normal((long double)x->data->rating[i], plain_product(x, U, V, i), noise);
    free(tril);
    return log_p;
}

static long double plain_sigmoid(const subject *x)
{
    long double log_p = 0.0L;
    for (int s = 0; s < N_FACTORS; s++)
        for (int64_t i = 0; i < x->site[s]->rows * x->dim; i++)
            log_p += plain_normal(x->z[s][i], 0.0L, 0.3L);
    for (int64_t i = 0; i < x->data->n; i++) {
        const long double product = plain_product(x, FACTOR_U, FACTOR_V, i);
        const long double share = ((long double)x->data->rating[i] - 0.5L) / 4.5L;
        log_p += plain_normal(share, 1.0L / (1.0L + expl(-product)), 0.3L) - logl(4.5L);
    }
    return log_p;
}

/* ---- comparisons ---- */

/* Central difference of fourth order. */
static double difference(const subject *x, double *at)
{
    const double h = 1e-3, here = *at;
    long double p[4];
    for (int k = 0; k < 4; k++) {
        *at = here + h * (double[]){-2.0, -1.0, 1.0, 2.0}[k];
        p[k] = x->density(x);
    }
    *at = here;
    return (double)((p[0] - 8.0L * p[1] + 8.0L * p[2] - p[3]) / (12.0L * h));
}

static void read_values(subject *x)
{
    for (int s = 0; s < x->n_sites; s++) {
        const site *t = x->site[s];
        if (!x->z[s])
            x->z[s] = bench_zeros(t->rows * t->d, sizeof(double));
        for (int64_t i = 0; i < t->rows * t->d; i++)
            x->z[s][i] = (double)site_z(t, 0, i / t->d)[i % t->d];
    }
}

static double gradient_at(const site *t, int64_t i)
{
    double g = -(double)t->prior * (double)site_z(t, 0, i / t->d)[i % t->d];
    for (int k = 0; k < t->parts; k++)
        g += (double)site_g(t, k, i / t->d)[i % t->d];
    return g;
}

static double gradient_error(const subject *x)
{
    double error = 0.0;
    for (int s = 0; s < x->n_sites; s++)
        for (int64_t i = 0; i < x->site[s]->rows * x->site[s]->d; i++)
            error = worse(error, gradient_at(x->site[s], i), difference(x, &x->z[s][i]));
    return error;
}

/* Moves the parameters away from their start, where too much is equal. */
static void scramble(const subject *x)
{
    uint64_t state = 5;
    for (int s = 0; s < x->n_sites; s++) {
        site *t = x->site[s];
        for (int64_t i = 0; i < t->rows * t->d; i++) {
            t->loc[i] += (real)(0.6 * bench_uniform(&state) - 0.3);
            if (!t->point)
                t->log_scale[i] += (real)(0.6 * bench_uniform(&state) - 0.3);
        }
    }
}

/* Of a value loc + scale * eps: the sum's rounding; the exponential's two units, that of the
 * product, and those of the two normals, which are a few units of max(1, |eps|) each. */
static double draw_bound(double value, double scale, double eps)
{
    return rounding * (fabs(value) + scale * (5.0 * fabs(eps) + 16.0 * fmax(1.0, fabs(eps))));
}

/* Are the values loc + scale * eps, with the library's own normals? The worst error in its bound.
 * Adds up the entropy. */
static double draw_error(const subject *x, const sweep *w, double *entropy)
{
    const urn__kernels *kernels;
    double error = 0.0;
    if (urn__kernels_select(NULL, &kernels, NULL) != URN_OK)
        bench_fail("no kernels", "");
    for (int s = 0; s < x->n_sites; s++) {
        const site *t = x->site[s];
        const int64_t n = t->rows * t->d;
        const urn__stream stream = urn__stream_at(w->seed, 0, t->name, (uint64_t)w->draw);
        double *eps = bench_zeros(n, sizeof *eps);
        if (!t->point)
            kernels->normals(&stream, 0, n, eps);
        for (int64_t i = 0; i < n; i++) {
            const double scale = t->point ? 0.0 : exp((double)t->log_scale[i]);
            const double expected = (double)t->loc[i] + scale * eps[i];
            error = within(error, x->z[s][i] - expected, draw_bound(expected, scale, eps[i]));
            *entropy += t->point ? 0.0 : (double)t->log_scale[i] + 0.5 + 0.5 * (double)LOG_2PI;
        }
        free(eps);
    }
    return error;
}

/* One coordinate before its first step of Adam: the gradient of the loss, and how far the floor's
 * may be from it. */
typedef struct coordinate {
    double value, slope, off;
} coordinate;

static double moved(coordinate c, double lr)
{
    const double m = 0.1 * c.slope, v = 0.001 * c.slope * c.slope;
    return c.value - lr * (m / 0.1) / (sqrt(v / 0.001) + 1e-8);
}

/* The move is lr s / (|s| + e), e = 1e-8: a dozen roundings, half the relative error of 1 - 0.999
 * in double, and what another slope changes, e off / (|s| + e)^2, but no more than lr each way. */
static double update_bound(coordinate c, double lr)
{
    const double least = fmax(fabs(c.slope) - c.off, 0.0) + 1e-8;
    const double of_slope = fmin(2.0, 1e-8 * c.off / (least * least));
    return rounding * fabs(c.value) + rounding * lr +
           lr * (12.0 * rounding + 0.5 * 0x1p-54 / 0.001 + of_slope);
}

/* Element i of a site: its loc and log_scale. The gradient is a sum of up to `parts` + 1 numbers of
 * size `sizes`, then scaled, multiplied by a difference and added to: six roundings more. */
static void coordinates(const site *t, int64_t i, double z, double factor, coordinate c[2])
{
    double sizes = fabs((double)t->prior * z);
    for (int k = 0; k < t->parts; k++)
        sizes += fabs((double)site_g(t, k, i / t->d)[i % t->d]);
    const double g = gradient_at(t, i), away = z - (double)t->loc[i];
    const double units = rounding * (double)(t->parts + 7);
    c[0] = (coordinate){(double)t->loc[i], -factor * g, units * factor * sizes};
    if (!t->point)
        c[1] = (coordinate){(double)t->log_scale[i], -factor * (g * away + 1.0),
                            units * factor * (sizes * (fabs(z) + fabs(c[0].value)) + 1.0)};
}

/* The update from the gradients in place, by `step`, then a draw: the worst error in its bound. */
static double update_error(const subject *x, double lr, void (*step)(void *floor, const sweep *w),
                           void *floor)
{
    const double factor = 1.0 / (double)x->data->n;
    coordinate *before[N_SITES];
    double error = 0.0;
    for (int s = 0; s < x->n_sites; s++) {
        const site *t = x->site[s];
        before[s] = bench_zeros(2 * t->rows * t->d, sizeof **before);
        for (int64_t i = 0; i < t->rows * t->d; i++)
            coordinates(t, i, x->z[s][i], factor, before[s] + 2 * i);
    }
    const sweep w = sweep_at(1, lr, 3, factor);
    step(floor, &w);
    for (int s = 0; s < x->n_sites; s++) {
        const site *t = x->site[s];
        for (int64_t i = 0; i < t->rows * t->d; i++)
            for (int k = 0; k < (t->point ? 1 : 2); k++) {
                const coordinate c = before[s][2 * i + k];
                const double now = (double)(k ? t->log_scale : t->loc)[i];
                error = within(error, now - moved(c, lr), update_bound(c, lr));
            }
        free(before[s]);
    }
    return error;
}

static bool compare(subject *x, const char *program, int threads, double loss,
                    void (*step)(void *floor, const sweep *w), void *floor)
{
    const sweep w = sweep_at(0, 0.01, 3, 1.0 / (double)x->data->n);
    double entropy = 0.0;
    read_values(x);
    const double of_draws = draw_error(x, &w, &entropy);
    const double of_loss =
        worse(0.0, loss, -(double)(x->density(x) + entropy) / (double)x->data->n);
    const double of_gradient = gradient_error(x), of_step = update_error(x, 0.01, step, floor);
    const bool good = of_loss < loss_tolerance && of_gradient < gradient_tolerance &&
                      of_draws <= 1.0 && of_step <= 1.0;
    printf("{\"program\": \"%s\", \"precision\": \"" FLOOR_PRECISION "\", \"check\": %s, "
           "\"dim\": %lld, \"threads\": %d, \"loss_error\": %.3g, \"gradient_error\": %.3g, "
           "\"draw_error_in_bounds\": %.3g, \"step_error_in_bounds\": %.3g}\n",
           program, good ? "true" : "false", (long long)x->dim, threads, of_loss, of_gradient,
           of_draws, of_step);
    for (int s = 0; s < x->n_sites; s++)
        free(x->z[s]);
    return good;
}

static void step_hpmf(void *floor, const sweep *w)
{
    (void)hpmf_step(floor, w);
}

bool hpmf_check(int64_t dim, int threads)
{
    hpmf *f = hpmf_new(ratings_random(70, 9, 300), dim, threads);
    subject x = {.data = hpmf_ratings(f), .dim = dim, .n_sites = N_SITES, .density = plain_hpmf};
    for (int s = 0; s < N_SITES; s++)
        x.site[s] = hpmf_site(f, s);
    scramble(&x);
    const sweep w = sweep_at(0, 0.01, 3, 0.0);
    const bool good = compare(&x, "floor_svi", threads, hpmf_step(f, &w), step_hpmf, f);
    hpmf_free(f);
    return good;
}

static void step_sigmoid(void *floor, const sweep *w)
{
    (void)sigmoid_step(floor, w);
}

bool sigmoid_check(int64_t dim, int threads)
{
    sigmoid *f = sigmoid_new(ratings_random(70, 9, 300), dim, threads, 0.01, 1);
    subject x = {
        .data = sigmoid_ratings(f), .dim = dim, .n_sites = N_FACTORS, .density = plain_sigmoid};
    for (int s = 0; s < N_FACTORS; s++)
        x.site[s] = sigmoid_site(f, s);
    scramble(&x);
    const sweep w = sweep_at(0, 0.01, 3, 0.0);
    const bool good = compare(&x, "floor_map", threads, sigmoid_step(f, &w), step_sigmoid, f);
    sigmoid_free(f);
    return good;
}
