/* Small fixed pieces of work whose instructions scripts/instructions.sh counts under callgrind:
 * steps of fits, evaluations, reading of a file. Data are made up here. Counting starts when a
 * piece is warm, and each is dumped by name; without valgrind the program does the same and prints
 * nothing.
 *
 *   steps CPU-PATH */
#include "bench/eight_schools.h"
#include "bench/logistic.h"
#include "io/io.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urn/urn.h>

#if defined(__has_include) && __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS ((void)0)
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#endif

enum { USERS = 400, ITEMS = 90, RATINGS = 3000, ROWS = 600, COLUMNS = 20 };
enum { WARM = 2, COUNTED = 5 };

const urn_model_def *urn_model_hpmf(void);
const urn_model_def *urn_model_pmf_sigmoid(void);

static void check(urn_status status, const urn_error *error)
{
    char text[2048];
    if (status == URN_OK)
        return;
    urn_error_format(error, text, sizeof text);
    fprintf(stderr, "steps: %s\n", text);
    exit(1);
}

/* ---- made-up data ---- */

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static double uniform(uint32_t *state)
{
    return (double)next(state) / 16777216.0;
}

static urn_dataset *table(int64_t rows)
{
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    if (data == NULL)
        exit(1);
    check(urn_dataset_add_table(data, "", "made up", rows, 1, &error), &error);
    return data;
}

static urn_dataset *make_ratings(void)
{
    static int64_t user[RATINGS], item[RATINGS];
    static double rating[RATINGS];
    uint32_t state = 1;
    urn_error error = {0};
    urn_dataset *data = table(RATINGS);
    for (int64_t i = 0; i < RATINGS; i++) {
        user[i] = i * USERS / RATINGS;
        item[i] = (i * 37 + i * USERS / RATINGS) % ITEMS; /* no pair twice: 37 has an inverse */
        rating[i] = 0.5 * (1.0 + (double)(next(&state) % 10));
    }
    check(urn_dataset_add_int(data, "", "user", user, &error), &error);
    check(urn_dataset_add_int(data, "", "item", item, &error), &error);
    check(urn_dataset_add_real(data, "", "rating", rating, &error), &error);
    return data;
}

static urn_dataset *make_rows(int64_t n, int columns, bool binary)
{
    static double x[ROWS];
    uint32_t state = 2;
    urn_error error = {0};
    urn_dataset *data = table(n);
    for (int k = -2; k < columns; k++) {
        char name[16];
        snprintf(name, sizeof name, k == -2 ? "y" : k == -1 ? "sigma" : "x%d", k);
        for (int64_t i = 0; i < n; i++)
            x[i] = k == -1 ? 12.0 : binary && k == -2 ? next(&state) % 2 : uniform(&state) - 0.5;
        check(urn_dataset_add_real(data, "", name, x, &error), &error);
    }
    return data;
}

/* ---- fits ---- */

typedef struct piece {
    const char *name;
    const urn_model_def *(*model)(void);
    const char *engine, *dim;
    urn_setting settings[4];
    size_t n_settings;
    urn_precision precision;
} piece;

static const piece fits[] = {
    {"svi-hpmf-double",
     urn_model_hpmf,
     "svi",
     "5",
     {{"evaluations", "1"}, {"k-hat-draws", "0"}},
     2,
     URN_PRECISION_DOUBLE},
    {"svi-hpmf-single",
     urn_model_hpmf,
     "svi",
     "5",
     {{"evaluations", "1"}, {"k-hat-draws", "0"}},
     2,
     URN_PRECISION_SINGLE},
    {"svi-hpmf-30-double",
     urn_model_hpmf,
     "svi",
     "30",
     {{"evaluations", "1"}, {"k-hat-draws", "0"}},
     2,
     URN_PRECISION_DOUBLE},
    {"svi-hpmf-30-single",
     urn_model_hpmf,
     "svi",
     "30",
     {{"evaluations", "1"}, {"k-hat-draws", "0"}},
     2,
     URN_PRECISION_SINGLE},
    {"map-sigmoid-double",
     urn_model_pmf_sigmoid,
     "map",
     "30",
     {{"method", "adam"}, {"lr", "0.03"}},
     2,
     URN_PRECISION_DOUBLE},
    {"map-sigmoid-single",
     urn_model_pmf_sigmoid,
     "map",
     "30",
     {{"method", "adam"}, {"lr", "0.03"}},
     2,
     URN_PRECISION_SINGLE},
};

static void on_progress(void *context, const urn_progress *progress)
{
    if (strcmp(progress->phase, "steps") != 0)
        return;
    if (progress->step == WARM)
        CALLGRIND_ZERO_STATS;
    if (progress->step == WARM + COUNTED)
        CALLGRIND_DUMP_STATS_AT((const char *)context);
}

static void run_fit(const piece *p, const char *cpu)
{
    urn_error error = {0};
    urn_model *model;
    urn_fit *fit = NULL;
    urn_dataset *data = make_ratings();
    char steps[16], name[64];
    snprintf(steps, sizeof steps, "%d", WARM + COUNTED);
    snprintf(name, sizeof name, "%s", p->name);
    urn_setting settings[6] = {{"steps", steps}};
    memcpy(settings + 1, p->settings, sizeof p->settings);
    const urn_setting dim = {"dim", p->dim};
    const urn_trace_options trace = {
        .bytes = sizeof trace, .data = data, .settings = &dim, .n_settings = 1};
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find(p->engine),
                                     .settings = settings,
                                     .n_settings = p->n_settings + 1,
                                     .seed = 1,
                                     .threads = 1,
                                     .cpu = cpu,
                                     .precision = p->precision,
                                     .context = name,
                                     .progress = on_progress};
    check(urn_model_trace(p->model(), &trace, &model, &error), &error);
    check(urn_fit_run(model, &options, &fit, &error), &error);
    urn_fit_free(fit);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- evaluations and files ---- */

static void run_gradient(const char *name, const urn_model_def *def, urn_dataset *data,
                         const char *cpu)
{
    urn_error error = {0};
    urn_model *model;
    urn_program *program;
    urn_replay *replay;
    double position[COLUMNS + 1] = {0.1, 0.2}, gradient[COLUMNS + 1];
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_DENSITY, .cpu = cpu};
    check(urn_model_trace(def, &trace, &model, &error), &error);
    check(urn_program_compile(model, &options, &program, &error), &error);
    check(urn_replay_new(program, 1, &replay, &error), &error);
    for (int i = 0; i < WARM + COUNTED; i++) {
        if (i == WARM)
            CALLGRIND_ZERO_STATS;
        (void)urn_replay_log_density(replay, position, gradient);
    }
    CALLGRIND_DUMP_STATS_AT(name);
    urn_replay_free(replay);
    urn_program_free(program);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void run_csv(const char *name)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    uint32_t state = 3;
    urn_error error = {0};
    (void)snprintf(path, sizeof path, "%s/urn-steps-XXXXXX.csv",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    const int descriptor = mkstemps(path, 4);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL) {
        fprintf(stderr, "steps: cannot write %s\n", path);
        exit(1);
    }
    fprintf(file, "user,item,rating,when\n");
    for (int i = 0; i < 5 * RATINGS; i++)
        fprintf(file, "%d,%u,%.1f,%u\n", i / 30, next(&state) % 5000,
                0.5 * (double)(1 + next(&state) % 10), 964982703U + next(&state));
    fclose(file);
    for (int i = 0; i < 2; i++) {
        urn_dataset *data = urn_dataset_new(NULL);
        CALLGRIND_ZERO_STATS;
        check(urn__io_read(path, "", data, NULL, &error), &error);
        if (i == 1)
            CALLGRIND_DUMP_STATS_AT(name);
        urn_dataset_free(data);
    }
    unlink(path);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: steps CPU-PATH\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        run_fit(&fits[i], argv[1]);
    run_gradient("gradient-logistic", urn_model_logistic(), make_rows(ROWS, COLUMNS, true),
                 argv[1]);
    run_gradient("gradient-schools", urn_model_eight_schools(), make_rows(8, 0, false), argv[1]);
    run_csv("read-csv");
    return 0;
}
