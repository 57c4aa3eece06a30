/* What the machine can do on one Gibbs sweep of Bayesian probabilistic matrix factorisation (the
 * model `bpmf`, alpha fixed): loops written for this model only (bench/bpmf.c), which share no code
 * with the library. It draws other numbers than Urn does; that both sample the same posterior is
 * seen in the error of the averaged predictions of held-out ratings. */
#include "bench/bpmf.h"
#include "bench/normals.h"
#include "bench/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ALPHA 2.0
#define WARMUP 20

static const char usage[] =
    "floor_gibbs --data FILE.csv | --random USERS,ITEMS,RATINGS [--columns 0,1,2] [--holdout 0.1]\n"
    "       [--dim 5] [--steps 120] [--seed 1] [--threads 1]\n"
    "   or: floor_gibbs --check [--dim 5] [--threads 1]\n"
    "The first prints one line of JSON: time of a sweep; the error of predictions of held-out\n"
    "ratings averaged over the sweeps after the 20th. Ratings are centred. The second compares\n"
    "rows with the plain formulas, and averaged predictions with the truth they were made of.";

/* Ratings held out, and sums of their predictions. */
typedef struct held_out {
    int64_t n, draws;
    int32_t *user, *item;
    double *rating, *sum;
} held_out;

static held_out split(const ratings *d, double share)
{
    held_out h = {.user = bench_zeros(d->n, sizeof *h.user),
                  .item = bench_zeros(d->n, sizeof *h.item),
                  .rating = bench_zeros(d->n, sizeof *h.rating)};
    for (int64_t i = 0; i < d->n && share > 0.0; i++)
        if (ratings_held_out(i, share)) {
            h.user[h.n] = d->user[i];
            h.item[h.n] = d->item[i];
            h.rating[h.n++] = (double)d->rating[i];
        }
    h.sum = bench_zeros(h.n, sizeof *h.sum);
    return h;
}

static void held_out_free(held_out *h)
{
    free(h->user);
    free(h->item);
    free(h->rating);
    free(h->sum);
}

static void predict(held_out *h, const bpmf *f)
{
    h->draws++;
    for (int64_t i = 0; i < h->n; i++)
        h->sum[i] += bpmf_product(f, h->user[i], h->item[i]);
}

static double rmse(const held_out *h, double mean)
{
    double sum = 0.0;
    for (int64_t i = 0; i < h->n; i++) {
        const double e = h->rating[i] - mean - h->sum[i] / (double)h->draws;
        sum += e * e;
    }
    return h->n > 0 && h->draws > 0 ? sqrt(sum / (double)h->n) : 0.0;
}

static double mean_of(const ratings *d)
{
    double sum = 0.0;
    for (int64_t i = 0; i < d->n; i++)
        sum += (double)d->rating[i];
    return sum / (double)d->n;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const floor_options *o, int64_t n, double *seconds, double read_s, double error)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    qsort(seconds, (size_t)o->steps, sizeof *seconds, by_value);
    printf("{\"program\": \"floor_gibbs\", \"precision\": \"double\", \"dim\": %lld, \"ratings\": "
           "%lld, \"threads\": %d, \"steps\": %lld, \"read_s\": %.3f, \"peak_rss_mb\": %.1f, "
           "\"step_ms_median\": %.6f, \"step_ms_min\": %.6f, \"rmse\": %.6f}\n",
           (long long)o->dim, (long long)n, o->threads, (long long)o->steps, read_s,
           (double)used.ru_maxrss / 1024.0, seconds[o->steps / 2] * 1e3, seconds[0] * 1e3, error);
}

static void run(floor_options o)
{
    double read_s, *seconds = bench_zeros(o.steps, sizeof *seconds);
    const double share = o.holdout;
    o.holdout = 0.0;
    ratings d = floor_data(&o, &read_s);
    held_out h = split(&d, share);
    ratings_hold_out(&d, share);
    const double mean = mean_of(&d);
    const int64_t n = d.n;
    ratings_center(&d);
    bpmf *f = bpmf_new(d, o.dim, ALPHA, o.threads, o.seed);
    for (int64_t step = 0; step < o.steps; step++) {
        const double start = bench_seconds();
        bpmf_sweep(f);
        seconds[step] = bench_seconds() - start;
        if (step >= WARMUP)
            predict(&h, f);
    }
    report(&o, n, seconds, read_s, rmse(&h, mean));
    bpmf_free(f);
    held_out_free(&h);
    free(seconds);
}

/* ---- the check ---- */

#define USERS 1000
#define ITEMS 800
#define KNOWN 400 /* ratings of a user, about */

static double normal(uint64_t *state)
{
    const double u = 1.0 - bench_uniform(state), v = bench_uniform(state);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* The largest error of the last sweep's item rows against x = Q^-1 h + L^-T z, Q and h summed and
 * factorised by the plain formulas, relative to the row's largest number. */
static double rows_error(const bpmf *f, const ratings *d, int64_t dim)
{
    const bpmf_side users = bpmf_look(f, 0), items = bpmf_look(f, 1);
    double *q = bench_zeros(dim * dim, sizeof *q), *h = bench_zeros(dim, sizeof *h), worst = 0.0;
    for (int64_t i = 0; i < items.n; i++) {
        for (int64_t j = 0; j < dim; j++) {
            h[j] = 0.0;
            for (int64_t k = 0; k < dim; k++) {
                q[j * dim + k] = items.lambda[j * items.stride + k];
                h[j] += q[j * dim + k] * items.mu[k];
            }
        }
        for (int64_t r = 0; r < d->n; r++) {
            const double *u = users.x + d->user[r] * users.stride;
            for (int64_t j = 0; j < dim && d->item[r] == i; j++) {
                h[j] += ALPHA * u[j] * (double)d->rating[r];
                for (int64_t k = 0; k < dim; k++)
                    q[j * dim + k] += ALPHA * u[j] * u[k];
            }
        }
        for (int64_t j = 0; j < dim; j++) { /* q = L L^T, h = L^-1 h */
            for (int64_t k = 0; k <= j; k++) {
                double sum = q[j * dim + k];
                for (int64_t m = 0; m < k; m++)
                    sum -= q[j * dim + m] * q[k * dim + m];
                q[j * dim + k] = j == k ? sqrt(sum) : sum / q[k * dim + k];
            }
            for (int64_t k = 0; k < j; k++)
                h[j] -= q[j * dim + k] * h[k];
            h[j] /= q[j * dim + j];
        }
        const int64_t first = i * dim, block = first / NORMAL_BLOCK * NORMAL_BLOCK;
        double z[2 * NORMAL_BLOCK], size = 0.0, error = 0.0;
        floor_normals(items.key, items.key2, block, 2 * NORMAL_BLOCK, z);
        for (int64_t j = 0; j < dim; j++)
            h[j] += z[first - block + j];
        for (int64_t j = dim - 1; j >= 0; j--) {
            for (int64_t k = j + 1; k < dim; k++)
                h[j] -= q[k * dim + j] * h[k];
            h[j] /= q[j * dim + j];
            size = fmax(size, fabs(h[j]));
            error = fmax(error, fabs(h[j] - items.x[i * items.stride + j]));
        }
        worst = fmax(worst, error / size);
    }
    free(q);
    free(h);
    return worst;
}

/* Ratings u . v + noise of precision alpha, u and v of variance 1 / sqrt(dim), so that products
 * have variance 1. Unknown cells go to `h`, with the product itself as the rating. */
static ratings make(int64_t dim, uint64_t *state, held_out *h)
{
    double *u = bench_zeros(USERS * dim, sizeof *u), *v = bench_zeros(ITEMS * dim, sizeof *v);
    const double scale = pow((double)dim, -0.25);
    for (int64_t i = 0; i < USERS * dim; i++)
        u[i] = scale * normal(state);
    for (int64_t i = 0; i < ITEMS * dim; i++)
        v[i] = scale * normal(state);
    ratings d = {.n_users = USERS, .n_items = ITEMS};
    d.user = bench_zeros(USERS * ITEMS, sizeof *d.user);
    d.item = bench_zeros(USERS * ITEMS, sizeof *d.item);
    d.rating = bench_zeros(USERS * ITEMS, sizeof *d.rating);
    *h = (held_out){.user = bench_zeros(USERS * ITEMS, sizeof *h->user),
                    .item = bench_zeros(USERS * ITEMS, sizeof *h->item),
                    .rating = bench_zeros(USERS * ITEMS, sizeof *h->rating)};
    for (int32_t i = 0; i < USERS; i++)
        for (int32_t j = 0; j < ITEMS; j++) {
            double product = 0.0;
            for (int64_t k = 0; k < dim; k++)
                product += u[i * dim + k] * v[j * dim + k];
            if (bench_uniform(state) * ITEMS < KNOWN) {
                d.user[d.n] = i;
                d.item[d.n] = j;
                d.rating[d.n++] = (real)(product + normal(state) / sqrt(ALPHA));
            } else {
                h->user[h->n] = i;
                h->item[h->n] = j;
                h->rating[h->n++] = product;
            }
        }
    h->sum = bench_zeros(h->n, sizeof *h->sum);
    free(u);
    free(v);
    return d;
}

/* Products have the variance 1, so predicting 0 has the error 1. Regressing a user's KNOWN ratings,
 * of noise variance 1 / alpha, on known vectors would leave an error of sqrt(dim / (alpha KNOWN));
 * the items' side adds as much again, a little less, in squares. */
static int check(const floor_options *o)
{
    uint64_t state = o->seed;
    held_out h;
    ratings d = make(o->dim, &state, &h);
    ratings copy = d;
    copy.user = memcpy(bench_zeros(d.n, sizeof *d.user), d.user, (size_t)d.n * sizeof *d.user);
    copy.item = memcpy(bench_zeros(d.n, sizeof *d.item), d.item, (size_t)d.n * sizeof *d.item);
    copy.rating =
        memcpy(bench_zeros(d.n, sizeof *d.rating), d.rating, (size_t)d.n * sizeof *d.rating);
    bpmf *f = bpmf_new(d, o->dim, ALPHA, o->threads, o->seed);
    double worst = 0.0;
    for (int64_t step = 0; step < 80; step++) {
        bpmf_sweep(f);
        if (step % 40 == 0)
            worst = fmax(worst, rows_error(f, &copy, o->dim));
        if (step >= WARMUP)
            predict(&h, f);
    }
    const double error = rmse(&h, 0.0);
    const double bound = sqrt(2.0 * (double)o->dim / (ALPHA * KNOWN)) * 1.1;
    const bool good = worst < 1e-10 && error < bound;
    printf("{\"program\": \"floor_gibbs\", \"dim\": %lld, \"threads\": %d, \"rows_error\": %.3g, "
           "\"rmse_to_truth\": %.4f, \"bound\": %.4f, \"ok\": %s}\n",
           (long long)o->dim, o->threads, worst, error, bound, good ? "true" : "false");
    bpmf_free(f);
    ratings_free(&copy);
    held_out_free(&h);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    const floor_options o = floor_parse(argc, argv, usage);
    if (o.check)
        return check(&o);
    run(o);
    return 0;
}
