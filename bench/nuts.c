/* Urn's side of the tables `nuts` and `gradient`: one model, on one thread, in the dialogue of
 * bench/peers/sampler.py (docs/benchmarks.md). Also writes made-up data for the peers, and finds
 * the least bulk effective sample size of anybody's draws.
 *
 *   nuts MODEL [DATA]           DATA: JSON of posteriordb; for hpmf ratings, CSV
 *   nuts --write MODEL [DATA]   data of logistic, hpmf as JSON to the standard output
 *   nuts --ess FILE CHAINS DRAWS SIZE */
#include "bench/dataset.h"
#include "bench/logistic.h"
#include "inference/diagnostics/chains.h"
#include "io/io.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const urn_model_def *urn_model_eight_schools_noncentered(void);
const urn_model_def *urn_model_kidscore_momiq(void);
const urn_model_def *urn_model_arK(void);
const urn_model_def *urn_model_hpmf(void);

/* ---- data ---- */

static urn_dataset *read_json(const char *path)
{
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    bench_check(urn__io_read(path, "", data, NULL, &error), &error);
    return data;
}

static urn_dataset *make_logistic(const char *path)
{
    (void)path;
    logistic_data made = logistic_data_new();
    urn_dataset *data = bench_dataset_of_logistic(&made);
    logistic_data_free(&made);
    return data;
}

static ratings read_ratings(const char *path)
{
    const int64_t column[3] = {0, 1, 2};
    return ratings_read(path, column);
}

static urn_dataset *read_hpmf(const char *path)
{
    ratings all = read_ratings(path);
    urn_dataset *data = bench_dataset_of_ratings(&all);
    ratings_free(&all);
    return data;
}

typedef struct model {
    const char *name;
    const urn_model_def *(*def)(void);
    urn_dataset *(*data)(const char *path);
} model;

static const model models[] = {
    {"eight_schools", urn_model_eight_schools_noncentered, read_json},
    {"kidiq", urn_model_kidscore_momiq, read_json},
    {"ark", urn_model_arK, read_json},
    {"logistic", urn_model_logistic, make_logistic},
    {"hpmf", urn_model_hpmf, read_hpmf},
};

static const model *find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    bench_fail("no model ", name);
    return NULL;
}

/* ---- data for the peers ---- */

static void write_logistic(void)
{
    logistic_data made = logistic_data_new();
    printf("{\"N\": %d, \"K\": %d, \"x\": [", LOGISTIC_ROWS, LOGISTIC_COLUMNS);
    for (int i = 0; i < LOGISTIC_ROWS; i++)
        for (int k = 0; k < LOGISTIC_COLUMNS; k++)
            printf("%s%.17g%s",
                   k   ? ", "
                   : i ? ",\n["
                       : "\n[",
                   made.x[k * LOGISTIC_ROWS + i], k + 1 < LOGISTIC_COLUMNS ? "" : "]");
    printf("],\n\"y\": [");
    for (int i = 0; i < LOGISTIC_ROWS; i++)
        printf("%s%d", i ? ", " : "", made.y[i] > 0.5);
    printf("]}\n");
    logistic_data_free(&made);
}

static void write_ids(const char *name, int64_t n, const int32_t *id)
{
    printf(",\n\"%s\": [", name);
    for (int64_t i = 0; i < n; i++)
        printf("%s%d", i ? ", " : "", id[i] + 1);
    printf("]");
}

static void write_hpmf(const char *path)
{
    ratings r = read_ratings(path);
    ratings_hold_out(&r, 0.1);
    printf("{\"N\": %lld, \"n_users\": %lld, \"n_items\": %lld, \"dim\": 5", (long long)r.n,
           (long long)r.n_users, (long long)r.n_items);
    write_ids("user", r.n, r.user);
    write_ids("item", r.n, r.item);
    printf(",\n\"rating\": [");
    for (int64_t i = 0; i < r.n; i++)
        printf("%s%.17g", i ? ", " : "", r.rating[i]);
    printf("]}\n");
    ratings_free(&r);
}

static int write_data(const char *name, const char *path)
{
    if (strcmp(name, "logistic") == 0)
        write_logistic();
    else if (strcmp(name, "hpmf") == 0 && path)
        write_hpmf(path);
    else
        bench_fail("no data are made for ", name);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

/* ---- gradients ---- */

/* Position, gradient and a program for them. */
typedef struct evaluator {
    urn_program *program;
    urn_replay *replay;
    int64_t size;
    double *x, *g;
} evaluator;

static evaluator evaluator_new(const urn_model *m)
{
    urn_error error = {0};
    evaluator e = {.size = urn_model_position_size(m)};
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    bench_check(urn_program_compile(m, &options, &e.program, &error), &error);
    bench_check(urn_replay_new(e.program, 1, &e.replay, &error), &error);
    e.x = bench_zeros(2 * e.size, sizeof *e.x);
    e.g = e.x + e.size;
    for (int64_t i = 0; i < e.size; i++)
        e.x[i] = 0.1 + 0.01 * (double)(i % 7);
    return e;
}

static void evaluator_free(evaluator *e)
{
    urn_replay_free(e->replay);
    urn_program_free(e->program);
    free(e->x);
}

/* Microseconds of one of n evaluations, and two sums of the last gradient, which all must agree on.
 */
static void gradient(const evaluator *e, long n)
{
    const double first = e->x[0], start = bench_seconds();
    for (long i = 0; i < n; i++) {
        e->x[0] = first + 1e-9 * (double)(n - 1 - i);
        (void)urn_replay_log_density(e->replay, e->x, e->g);
    }
    const double us = 1e6 * (bench_seconds() - start) / (double)n;
    double sum = 0.0, weighted = 0.0;
    for (int64_t i = 0; i < e->size; i++) {
        sum += e->g[i];
        weighted += e->g[i] * (double)(1 + i % 11);
    }
    printf("{\"us\": %.6g, \"size\": %lld, \"sums\": [%.17g, %.17g]}\n", us, (long long)e->size,
           sum, weighted);
}

/* ---- runs ---- */

/* Seconds of the draws after warm-up, chains being one after the other. */
typedef struct watch {
    int64_t warmup;
    double warm, sampling;
} watch;

static void progress(void *context, const urn_progress *p)
{
    watch *w = context;
    if (p->step == w->warmup)
        w->warm = bench_seconds();
    if (p->step == p->n_steps)
        w->sampling += bench_seconds() - w->warm;
}

static double sum_of_stat(const urn_fit *fit, const char *name, int64_t n)
{
    urn_fit_stat stat;
    double sum = 0.0;
    for (int k = 0; urn_fit_stat_at(fit, k, &stat); k++)
        for (int64_t i = 0; strcmp(stat.name, name) == 0 && i < n; i++)
            sum += stat.values[i];
    return sum;
}

static void write_draws(const urn_posterior *p, int64_t n, const char *path)
{
    const size_t numbers = (size_t)(n * urn_posterior_size(p));
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(urn_posterior_loc(p), sizeof(double), numbers, file) != numbers ||
        fclose(file) != 0)
        bench_fail("cannot write ", path);
}

static void run(urn_model *m, const char *arguments)
{
    long long seed, warmup, draws;
    int chains;
    char depth[16], path[4096];
    watch w = {0};
    urn_error error = {0};
    urn_fit *fit;
    if (sscanf(arguments, "%lld %d %lld %lld %15s %4095s", &seed, &chains, &warmup, &draws, depth,
               path) != 6)
        bench_fail("run takes seed, chains, warm-up, draws, depth and a file, not", arguments);
    const urn_setting settings[] = {{"max-depth", depth}};
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find("nuts"),
                                     .settings = settings,
                                     .n_settings = 1,
                                     .seed = (uint64_t)seed,
                                     .chains = chains,
                                     .threads = 1,
                                     .warmup = w.warmup = warmup,
                                     .draws = draws,
                                     .context = &w,
                                     .progress = progress};
    const double start = bench_seconds();
    bench_check(urn_fit_run(m, &options, &fit, &error), &error);
    const double seconds = bench_seconds() - start;
    const urn_posterior *p = urn_fit_posterior(fit);
    write_draws(p, chains * draws, path);
    printf("{\"seconds\": %.6g, \"sampling_s\": %.6g, \"leapfrogs\": %.0f, \"divergences\": %.0f, "
           "\"size\": %lld}\n",
           seconds, w.sampling, sum_of_stat(fit, "n_steps", chains * draws),
           sum_of_stat(fit, "diverging", chains * draws), (long long)urn_posterior_size(p));
    urn_fit_free(fit);
}

static int serve(const char *name, const char *path)
{
    char line[4200];
    urn_error error = {0};
    urn_model *m;
    const model *found = find(name);
    urn_dataset *data = found->data(path);
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    bench_check(urn_model_trace(found->def(), &trace, &m, &error), &error);
    evaluator e = evaluator_new(m);
    printf("{\"ready\": true, \"versions\": {}}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "gradient ", 9) == 0)
            gradient(&e, strtol(line + 9, NULL, 10));
        else if (strncmp(line, "run ", 4) == 0)
            run(m, line + 4);
        else
            break;
        fflush(stdout);
    }
    evaluator_free(&e);
    urn_model_free(m);
    urn_dataset_free(data);
    return 0;
}

/* ---- effective sample sizes ---- */

/* Ranks do not depend on how a number is transformed, so neither does the bulk ESS. */
static int print_ess(const char *path, int64_t chains, int64_t draws, int64_t size)
{
    urn_error error = {0};
    urn__chains *numbers;
    double *values = bench_zeros(chains * draws * size, sizeof *values), least = (double)INFINITY;
    FILE *file = fopen(path, "rb");
    const size_t n = (size_t)(chains * draws * size);
    if (!file || fread(values, sizeof *values, n, file) != n || fgetc(file) != EOF)
        bench_fail("not as many draws as there should be: ", path);
    fclose(file);
    bench_check(urn__chains_new(NULL, chains, draws, &numbers, &error), &error);
    for (int64_t i = 0; i < size; i++) {
        urn__chains_read(numbers, values + i, draws * size, size);
        least = fmin(least, urn__ess_bulk(numbers));
    }
    printf("{\"ess_bulk_min\": %.6g}\n", least);
    urn__chains_free(numbers);
    free(values);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "--ess") == 0)
        return print_ess(argv[2], atoll(argv[3]), atoll(argv[4]), atoll(argv[5]));
    if (argc > 2 && strcmp(argv[1], "--write") == 0)
        return write_data(argv[2], argc > 3 ? argv[3] : NULL);
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: nuts MODEL [DATA]\n");
        return 2;
    }
    return serve(argv[1], argc > 2 ? argv[2] : "");
}
