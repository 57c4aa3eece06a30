/* Time of one log density with gradient, on one thread, in double, for the models whose peers'
 * figures are known (docs/benchmarks.md): small ones, where the cost is that of the interpreter,
 * and large ones, where it is that of the kernels. Where there is a floor, a loop written for that
 * model alone, it runs in turn with Urn on the same data, and both must agree. Data are made up but
 * for hpmf: times do not depend on them. Prints one line of JSON.
 *
 *   gradient [WATCH_MINUTES.csv] */
#include "bench/dataset.h"
#include "bench/eight_schools.h"
#include "bench/floor_gradient.h"
#include "bench/logistic.h"
#include <stdio.h>
#include <stdlib.h>
#include <urn/urn.h>

enum { KID_ROWS = 434, AR_ROWS = 195, AR_LAGS = 5 };

static void kidiq(urn_model *m)
{
    urn_plate kids = urn_plate_rows(m, "kids");
    urn_var b1 = urn_sample(m, "b1", improper_uniform, .plate = {0});
    urn_var b2 = urn_sample(m, "b2", improper_uniform, .plate = {0});
    urn_var sigma = urn_sample(m, "sigma", half_cauchy, .scale = urn_real(m, 2.5));
    urn_observe(m, "score", normal, .value = urn_data(kids, "y"),
                .loc = urn_add(b1, urn_mul(b2, urn_data(kids, "x"))), .scale = sigma,
                .plate = kids);
}
URN_MODEL(kidiq, "one predictor");

static void ark(urn_model *m)
{
    urn_plate times = urn_plate_rows(m, "times");
    urn_var zero = urn_real(m, 0.0), ten = urn_real(m, 10.0);
    urn_var alpha = urn_sample(m, "alpha", normal, .loc = zero, .scale = ten);
    urn_var beta = urn_sample(m, "beta", normal, .loc = urn_zeros(m, AR_LAGS), .scale = ten);
    urn_var sigma = urn_sample(m, "sigma", half_cauchy, .scale = urn_real(m, 2.5));
    urn_observe(m, "y", normal, .value = urn_data(times, "y"),
                .loc = urn_add(alpha, urn_row_dot(urn_data_columns(times, "x*"), beta)),
                .scale = sigma, .plate = times);
}
URN_MODEL(ark, "autoregression on five lags");

/* ---- data ---- */

/* Made-up columns: y, sigma, x0, x1, ... */
typedef struct columns {
    int64_t n;
    int n_x;
    double *y, *sigma, *x; /* x: rows of LOGISTIC_STRIDE */
} columns;

static void fill(int64_t n, double scale, double shift, uint64_t *state, int64_t stride, double *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i * stride] = shift + scale * (bench_uniform(state) - 0.5);
}

static columns columns_new(int64_t n, int n_x)
{
    uint64_t state = 7;
    columns c = {.n = n, .n_x = n_x};
    c.y = bench_zeros(n, sizeof(double));
    c.sigma = bench_zeros(n, sizeof(double));
    c.x = bench_zeros(n * LOGISTIC_STRIDE, sizeof(double));
    fill(n, 3.0, 0.0, &state, 1, c.y);
    fill(n, 1.0, 12.0, &state, 1, c.sigma);
    for (int k = 0; k < n_x; k++)
        fill(n, 2.0, 0.0, &state, LOGISTIC_STRIDE, c.x + k);
    return c;
}

static columns columns_of_logistic(void)
{
    logistic_data made = logistic_data_new();
    columns c = columns_new(LOGISTIC_ROWS, LOGISTIC_COLUMNS);
    memcpy(c.y, made.y, LOGISTIC_ROWS * sizeof *c.y);
    for (int64_t i = 0; i < LOGISTIC_ROWS; i++)
        for (int64_t k = 0; k < LOGISTIC_COLUMNS; k++)
            c.x[i * LOGISTIC_STRIDE + k] = made.x[k * LOGISTIC_ROWS + i];
    logistic_data_free(&made);
    return c;
}

static void columns_free(columns *c)
{
    free(c->y);
    free(c->sigma);
    free(c->x);
}

static urn_dataset *dataset_of(const columns *c)
{
    urn_error error = {0};
    urn_dataset *data = bench_dataset(c->n);
    double *x = bench_zeros(c->n, sizeof *x);
    bench_check(urn_dataset_add_real(data, "", "y", c->y, &error), &error);
    bench_check(urn_dataset_add_real(data, "", "sigma", c->sigma, &error), &error);
    for (int k = 0; k < c->n_x; k++) {
        char name[16] = "x";
        if (c->n_x > 1)
            snprintf(name, sizeof name, "x%d", k);
        for (int64_t i = 0; i < c->n; i++)
            x[i] = c->x[i * LOGISTIC_STRIDE + k];
        bench_check(urn_dataset_add_real(data, "", name, x, &error), &error);
    }
    free(x);
    return data;
}

/* ---- the two sides ---- */

typedef struct sides {
    urn_model *model;
    urn_program *program;
    urn_replay *replay;
    const columns *made;
    hpmf *by_hand;
    double (*floor)(const struct sides *s, const double *position, double *gradient); /* or NULL */
} sides;

static double of_urn(const sides *s, const double *position, double *gradient)
{
    return urn_replay_log_density(s->replay, position, gradient);
}

static double of_eight_schools(const sides *s, const double *position, double *gradient)
{
    return floor_eight_schools(s->made->y, s->made->sigma, position, gradient);
}

static double of_logistic(const sides *s, const double *position, double *gradient)
{
    return floor_logistic(s->made->n, s->made->y, s->made->x, position, gradient);
}

static double of_hpmf(const sides *s, const double *position, double *gradient)
{
    return floor_hpmf(s->by_hand, position, gradient);
}

/* Microseconds an evaluation, in one repetition of about 10 ms. */
static double time_side(const sides *s, bool floor, double *position, double *gradient)
{
    for (int64_t n = 1;; n *= 2) {
        const double start = bench_seconds();
        for (int64_t i = 0; i < n; i++) {
            position[0] = 0.1 + 1e-9 * (double)i;
            (void)(floor ? s->floor : of_urn)(s, position, gradient);
        }
        const double took = bench_seconds() - start;
        if (took > 0.01)
            return 1e6 * took / (double)n;
    }
}

static double worst_difference(size_t n, const double *a, const double *b)
{
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs(a[i] - b[i]) / fmax(1.0, fabs(b[i]));
        worst = off <= worst ? worst : off;
    }
    return worst;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts; prints median, least and greatest. */
static void print_times(const char *name, int n, double *us)
{
    qsort(us, (size_t)n, sizeof *us, by_value);
    printf(", \"%s_us\": %.4f, \"%s_us_min\": %.4f, \"%s_us_max\": %.4f", name, us[n / 2], name,
           us[0], name, us[n - 1]);
}

/* Both sides in turn. */
static void measure(const char *name, const sides *s)
{
    enum { ROUNDS = 15 };
    const size_t size = (size_t)urn_model_position_size(s->model);
    double *x = bench_zeros((int64_t)(3 * size), sizeof *x), *g = x + size, *g_floor = g + size;
    double us[2][ROUNDS];
    for (size_t i = 0; i < size; i++)
        x[i] = 0.1 + 0.01 * (double)(i % 7);
    printf("%s\"%s\": {\"size\": %zu", strcmp(name, "eight_schools") ? ", " : "", name, size);
    if (s->floor) {
        const double urn = of_urn(s, x, g), floor = s->floor(s, x, g_floor);
        const double off = worst_difference(1, &urn, &floor);
        const double g_off = worst_difference(size, g, g_floor);
        printf(", \"density_error\": %.3g, \"gradient_error\": %.3g", off, g_off);
        if (!(off < 1e-11 && g_off < 1e-11))
            bench_fail("the floor disagrees: ", name);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int side = 0; side < (s->floor ? 2 : 1); side++)
            us[side][round] = time_side(s, side == 1, x, g);
    print_times("urn", ROUNDS, us[0]);
    if (s->floor)
        print_times("floor", ROUNDS, us[1]);
    printf("}");
    free(x);
}

static void run(const urn_model_def *def, urn_dataset *data, const columns *made, hpmf *by_hand,
                double (*floor)(const sides *s, const double *position, double *gradient))
{
    urn_error error = {0};
    sides s = {.made = made, .by_hand = by_hand, .floor = floor};
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    bench_check(urn_model_trace(def, &trace, &s.model, &error), &error);
    bench_check(urn_program_compile(s.model, &options, &s.program, &error), &error);
    bench_check(urn_replay_new(s.program, 1, &s.replay, &error), &error);
    measure(def->name, &s);
    urn_replay_free(s.replay);
    urn_program_free(s.program);
    urn_model_free(s.model);
    urn_dataset_free(data);
}

static void run_made(const urn_model_def *def, columns made,
                     double (*floor)(const sides *s, const double *position, double *gradient))
{
    run(def, dataset_of(&made), &made, NULL, floor);
    columns_free(&made);
}

const urn_model_def *urn_model_hpmf(void);

/* All ids are known to both, the held-out rows' ratings to neither. */
static void run_hpmf(const char *path)
{
    const int64_t column[3] = {0, 1, 2};
    ratings all = ratings_read(path, column), training = ratings_read(path, column);
    ratings_hold_out(&training, 0.1);
    hpmf *by_hand = hpmf_new(training, 5, 1);
    run(urn_model_hpmf(), bench_dataset_of_ratings(&all), NULL, by_hand, of_hpmf);
    hpmf_free(by_hand);
    ratings_free(&all);
}

int main(int argc, char **argv)
{
    printf("{");
    run_made(urn_model_eight_schools(), columns_new(8, 0), of_eight_schools);
    run_made(urn_model_kidiq(), columns_new(KID_ROWS, 1), NULL);
    run_made(urn_model_ark(), columns_new(AR_ROWS, AR_LAGS), NULL);
    run_made(urn_model_logistic(), columns_of_logistic(), of_logistic);
    if (argc > 1)
        run_hpmf(argv[1]);
    printf("}\n");
    return 0;
}
