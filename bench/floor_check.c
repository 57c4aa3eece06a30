/* See floor_check.h. Everything is computed again in double, term by term as in the models'
 * definitions, from the values the floor drew; gradients are differences of that. */
#include "bench/floor_check.h"
#include "bench/hpmf.h"
#include "bench/sigmoid.h"
#include "runtime/tensor/tensor.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_2PI 1.8378770664093454836

/* Rounding: of sums of some hundred terms; of a fourth-order difference with step 1e-3, or of
 * single-precision terms of size up to 10 that cancel; of a value and its normal. */
#ifdef FLOOR_SINGLE
static const double loss_tolerance = 1e-6, gradient_tolerance = 2e-5, value_tolerance = 5e-7;
#else
static const double loss_tolerance = 1e-13, gradient_tolerance = 1e-7, value_tolerance = 2e-15;
#endif

/* A floor looked at from outside: its sites, their values as doubles, the plain density of them. */
typedef struct subject {
    const ratings *data;
    int64_t dim;
    int n_sites;
    site *site[N_SITES];
    double *z[N_SITES];
    double (*density)(const struct subject *x);
} subject;

static double worse(double worst, double value, double expected)
{
    const double off = fabs(value - expected) / fmax(1.0, fabs(expected));
    return off <= worst ? worst : off; /* NaN is worse */
}

/* ---- plain densities ---- */

/* L from its partial correlations; returns its log density with the Jacobian. */
static double plain_tril(int64_t d, const double *free_value, double *tril)
{
    double log_p = -hpmf_lkj_constant(d);
    for (int64_t i = 0; i < d; i++) {
        double left = 1.0; /* 1 less the squares before */
        for (int64_t j = 0; j < i; j++) {
            const double t = tanh(*free_value++);
            tril[i * d + j] = t * sqrt(left);
            log_p += log(1.0 - t * t) + 0.5 * log(left);
            left -= tril[i * d + j] * tril[i * d + j];
        }
        tril[i * d + i] = sqrt(left);
        if (i > 0)
            log_p += ((double)(d - i - 1) + 2.0) * log(tril[i * d + i]); /* concentration 2 */
    }
    return log_p;
}

static double plain_normal(double x, double loc, double scale)
{
    return -0.5 * LOG_2PI - log(scale) - 0.5 * ((x - loc) / scale) * ((x - loc) / scale);
}

static double plain_product(const subject *x, int u, int v, int64_t i)
{
    double sum = 0.0;
    for (int64_t k = 0; k < x->dim; k++)
        sum += x->z[u][x->data->user[i] * x->dim + k] * x->z[v][x->data->item[i] * x->dim + k];
    return sum;
}

static double plain_hpmf(const subject *x)
{
    const int64_t d = x->dim;
    const double *loc = x->z[LOC_U], *u = x->z[U], noise = exp(x->z[OBS_SCALE][0]);
    double *tril = bench_zeros(d * d, sizeof *tril);
    double log_p = plain_tril(d, x->z[TRIL_U], tril);
    for (int64_t k = 0; k < d; k++)
        log_p += plain_normal(loc[k], 0.0, 5.0);
    for (int64_t i = 0; i < x->data->n_users; i++)
        for (int64_t k = 0; k < d; k++) {
            double white = 0.0;
            for (int64_t j = k; j < d; j++)
                white += tril[j * d + k] * (u[i * d + j] - loc[j]);
            log_p += plain_normal(white, 0.0, 1.0) + log(tril[k * d + k]);
        }
    for (int64_t i = 0; i < x->data->n_items * d; i++)
        log_p += plain_normal(x->z[V][i], 0.0, 1.0);
    log_p += -2.0 * log(noise) - 1.0 / noise + log(noise); /* the last is the Jacobian */
    for (int64_t i = 0; i < x->data->n; i++)
        log_p += plain_normal((double)x->data->rating[i], plain_product(x, U, V, i), noise);
    free(tril);
    return log_p;
}

static double plain_sigmoid(const subject *x)
{
    double log_p = 0.0;
    for (int s = 0; s < N_FACTORS; s++)
        for (int64_t i = 0; i < x->site[s]->rows * x->dim; i++)
            log_p += plain_normal(x->z[s][i], 0.0, 0.3);
    for (int64_t i = 0; i < x->data->n; i++) {
        const double product = plain_product(x, FACTOR_U, FACTOR_V, i);
        const double share = ((double)x->data->rating[i] - 0.5) / 4.5;
        log_p += plain_normal(share, 1.0 / (1.0 + exp(-product)), 0.3) - log(4.5);
    }
    return log_p;
}

/* ---- comparisons ---- */

/* Central difference of fourth order. */
static double difference(const subject *x, double *at)
{
    const double h = 1e-3, here = *at;
    double p[4];
    for (int k = 0; k < 4; k++) {
        *at = here + h * (double[]){-2.0, -1.0, 1.0, 2.0}[k];
        p[k] = x->density(x);
    }
    *at = here;
    return (p[0] - 8.0 * p[1] + 8.0 * p[2] - p[3]) / (12.0 * h);
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

/* Are the values loc + scale * eps, with the library's own normals? Adds up the entropy. */
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
            error = worse(error, x->z[s][i], (double)t->loc[i] + scale * eps[i]);
            *entropy += t->point ? 0.0 : (double)t->log_scale[i] + 0.5 + 0.5 * LOG_2PI;
        }
        free(eps);
    }
    return error;
}

/* The first step of Adam on one coordinate. */
static double moved(double p, double gradient, double lr)
{
    const double m = 0.1 * gradient, v = 0.001 * gradient * gradient;
    return p - lr * (m / 0.1) / (sqrt(v / 0.001) + 1e-8);
}

/* The update from the gradients in place, by `step`, then a draw. */
static double update_error(const subject *x, double lr, void (*step)(void *floor, const sweep *w),
                           void *floor)
{
    const double factor = 1.0 / (double)x->data->n;
    double error = 0.0, *expected[N_SITES];
    for (int s = 0; s < x->n_sites; s++) {
        const site *t = x->site[s];
        expected[s] = bench_zeros(2 * t->rows * t->d, sizeof(double));
        for (int64_t i = 0; i < t->rows * t->d; i++) {
            const double g = gradient_at(t, i), away = x->z[s][i] - (double)t->loc[i];
            expected[s][2 * i] = moved((double)t->loc[i], -factor * g, lr);
            if (!t->point)
                expected[s][2 * i + 1] =
                    moved((double)t->log_scale[i], -factor * (g * away + 1.0), lr);
        }
    }
    const sweep w = sweep_at(1, lr, 3, factor);
    step(floor, &w);
    for (int s = 0; s < x->n_sites; s++) {
        const site *t = x->site[s];
        for (int64_t i = 0; i < t->rows * t->d; i++) {
            error = worse(error, (double)t->loc[i], expected[s][2 * i]);
            if (!t->point)
                error = worse(error, (double)t->log_scale[i], expected[s][2 * i + 1]);
        }
        free(expected[s]);
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
    const double of_loss = worse(0.0, loss, -(x->density(x) + entropy) / (double)x->data->n);
    const double of_gradient = gradient_error(x), of_step = update_error(x, 0.01, step, floor);
    const bool good = of_loss < loss_tolerance && of_gradient < gradient_tolerance &&
                      of_draws < value_tolerance && of_step < value_tolerance;
    printf("{\"program\": \"%s\", \"precision\": \"" FLOOR_PRECISION "\", \"check\": %s, "
           "\"dim\": %lld, \"threads\": %d, \"loss_error\": %.3g, \"gradient_error\": %.3g, "
           "\"draw_error\": %.3g, \"step_error\": %.3g}\n",
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
