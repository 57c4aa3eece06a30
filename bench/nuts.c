/* What nuts makes of a gradient: smallest bulk ESS, leapfrog steps and time of 4 chains of 1,000 +
 * 1,000 draws at default settings, the mean over seeds, on one thread a chain. Stan's figures on
 * the same data (docs/benchmarks.md) are one run each. Prints one line of JSON.
 *
 *   nuts POSTERIORDB [SEEDS] */
#include "bench/logistic.h"
#include "inference/diagnostics/chains.h"
#include "io/io.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urn/urn.h>

enum { ROWS = 10000, COLUMNS = 50, CHAINS = 4, DRAWS = 1000 };

const urn_model_def *urn_model_eight_schools_noncentered(void);
const urn_model_def *urn_model_kidscore_momiq(void);
const urn_model_def *urn_model_arK(void);

static void check(urn_status status, const urn_error *error)
{
    char text[2048];
    if (status == URN_OK)
        return;
    urn_error_format(error, text, sizeof text);
    fprintf(stderr, "nuts: %s\n", text);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- data ---- */

static urn_dataset *read_data(const char *root, const char *name)
{
    char path[4096];
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    snprintf(path, sizeof path, "%s/%s/data.json", root, name);
    check(urn__io_read(path, "", data, NULL, &error), &error);
    return data;
}

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Sums of twelve uniforms for normals; beta between -0.3 and 0.3. */
static urn_dataset *make_logistic(void)
{
    uint64_t state = 3;
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    double *x = calloc(ROWS, sizeof *x), *mean = calloc(ROWS, sizeof *mean);
    if (!data || !x || !mean)
        exit(1);
    check(urn_dataset_add_table(data, "", "made up", ROWS, 1, &error), &error);
    for (int k = 0; k < COLUMNS; k++) {
        char name[16];
        const double beta = 0.6 * uniform(&state) - 0.3;
        for (int i = 0; i < ROWS; i++) {
            x[i] = -6.0;
            for (int j = 0; j < 12; j++)
                x[i] += uniform(&state);
            mean[i] += beta * x[i];
        }
        snprintf(name, sizeof name, "x%d", k);
        check(urn_dataset_add_real(data, "", name, x, &error), &error);
    }
    for (int i = 0; i < ROWS; i++)
        x[i] = uniform(&state) < 1.0 / (1.0 + exp(-mean[i]));
    check(urn_dataset_add_real(data, "", "y", x, &error), &error);
    free(x);
    free(mean);
    return data;
}

/* ---- a run ---- */

typedef struct figures {
    double ess, leapfrogs, wall, sampling;
} figures;

static double number_of(const urn_fit *fit, const char *name)
{
    urn_fit_number number;
    for (int i = 0; urn_fit_number_at(fit, i, &number); i++)
        if (strcmp(number.name, name) == 0)
            return number.value;
    return (double)NAN;
}

/* Ranks of a coordinate are those of the site, so its bulk ESS is, too. */
static double least_ess(const urn_posterior *p)
{
    const int64_t size = urn_posterior_size(p);
    urn_error error = {0};
    urn__chains *chains;
    double least = (double)INFINITY;
    check(urn__chains_new(NULL, CHAINS, DRAWS, &chains, &error), &error);
    for (int64_t i = 0; i < size; i++) {
        urn__chains_read(chains, urn_posterior_loc(p) + i, DRAWS * size, size);
        least = fmin(least, urn__ess_bulk(chains));
    }
    urn__chains_free(chains);
    return least;
}

static figures run(const urn_model_def *def, const urn_dataset *data, uint64_t seed)
{
    urn_error error = {0};
    urn_model *model;
    urn_fit *fit;
    const double start = seconds();
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    check(urn_model_trace(def, &trace, &model, &error), &error);
    const urn_fit_options options = {
        .bytes = sizeof options, .engine = urn_engine_find("nuts"), .seed = seed, .threads = 1};
    check(urn_fit_run(model, &options, &fit, &error), &error);
    const figures f = {.ess = least_ess(urn_fit_posterior(fit)),
                       .leapfrogs = number_of(fit, "leapfrogs_per_draw"),
                       .wall = seconds() - start,
                       .sampling = number_of(fit, "wall_s")};
    urn_fit_free(fit);
    urn_model_free(model);
    return f;
}

/* Stan's figures: smallest bulk ESS, leapfrog steps a draw. */
static void measure(const urn_model_def *def, urn_dataset *data, int seeds, double stan_ess,
                    double stan_leapfrogs, bool last)
{
    figures sum = {0};
    double low = (double)INFINITY, high = 0.0;
    for (int seed = 1; seed <= seeds; seed++) {
        const figures f = run(def, data, (uint64_t)seed);
        sum.ess += f.ess / seeds;
        sum.leapfrogs += f.leapfrogs / seeds;
        sum.wall += f.wall / seeds;
        sum.sampling += f.sampling / seeds;
        low = fmin(low, f.ess);
        high = fmax(high, f.ess);
    }
    const double ours = sum.ess / (CHAINS * DRAWS * sum.leapfrogs);
    const double stans = stan_ess / (CHAINS * DRAWS * stan_leapfrogs);
    printf("\"%s\": {\"seeds\": %d, \"ess_bulk_min\": %.0f, \"lowest\": %.0f, \"highest\": %.0f, "
           "\"leapfrogs_per_draw\": %.2f, \"ess_per_gradient\": %.4f, "
           "\"ess_per_gradient_over_stan\": %.2f, \"seconds\": %.4f, \"wall_s\": %.4f}%s",
           def->name, seeds, sum.ess, low, high, sum.leapfrogs, ours, ours / stans, sum.sampling,
           sum.wall, last ? "}\n" : ", ");
    fflush(stdout);
    urn_dataset_free(data);
}

int main(int argc, char **argv)
{
    const int seeds = argc > 2 ? atoi(argv[2]) : 10;
    if (argc < 2 || seeds < 1) {
        fprintf(stderr, "usage: nuts POSTERIORDB [SEEDS]\n");
        return 2;
    }
    printf("{");
    measure(urn_model_eight_schools_noncentered(),
            read_data(argv[1], "eight_schools-eight_schools_noncentered"), seeds, 2232, 8.7, false);
    measure(urn_model_kidscore_momiq(), read_data(argv[1], "kidiq-kidscore_momiq"), seeds, 1050, 25,
            false);
    measure(urn_model_arK(), read_data(argv[1], "arK-arK"), seeds, 2542, 30, false);
    measure(urn_model_logistic(), make_logistic(), seeds, 3907, 7, true);
    return 0;
}
