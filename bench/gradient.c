/* Time of one log density with gradient, on one thread, for the models whose peers' figures are
 * known: small ones, where the cost is that of the interpreter, and large ones, where it is that of
 * the kernels. Data are made up: the time does not depend on them. Prints one line of JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <urn/urn.h>

enum { KID_ROWS = 434, AR_ROWS = 195, AR_LAGS = 5, LOGISTIC_ROWS = 10000, LOGISTIC_COLUMNS = 50 };

static void eight_schools(urn_model *m)
{
    urn_plate schools = urn_plate_rows(m, "schools");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = zero, .scale = urn_real(m, 5.0));
    urn_var tau = urn_sample(m, "tau", half_cauchy, .scale = urn_real(m, 5.0));
    urn_var z = urn_sample(m, "z", normal, .loc = zero, .scale = one, .plate = schools);
    urn_observe(m, "y", normal, .value = urn_data(schools, "y"),
                .loc = urn_add(mu, urn_mul(tau, z)), .scale = urn_data(schools, "sigma"),
                .plate = schools);
}
URN_MODEL(eight_schools, "eight schools, non-centred");

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

static void logistic(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var zero = urn_real(m, 0.0);
    urn_var alpha = urn_sample(m, "alpha", normal, .loc = zero, .scale = urn_real(m, 1.0));
    urn_var beta = urn_sample(m, "beta", normal, .loc = urn_zeros(m, LOGISTIC_COLUMNS),
                              .scale = urn_real(m, 1.0));
    urn_observe(m, "y", bernoulli, .value = urn_data(rows, "y"),
                .logits = urn_add(alpha, urn_row_dot(urn_data_columns(rows, "x*"), beta)),
                .plate = rows);
}
URN_MODEL(logistic, "logistic regression");

static void stop(const urn_error *error)
{
    char text[2048];
    urn_error_format(error, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static void check(urn_status status, const urn_error *error)
{
    if (status != URN_OK)
        stop(error);
}

static double *column(int64_t n, double scale, double shift, uint64_t *state)
{
    double *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; x != NULL && i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        x[i] = shift + scale * ((double)(*state >> 11) * 0x1p-53 - 0.5);
    }
    return x;
}

static urn_dataset *make_data(int64_t n, int n_x, bool binary)
{
    urn_error error = {0};
    uint64_t state = 7;
    urn_dataset *data = urn_dataset_new(NULL);
    check(urn_dataset_add_table(data, "", "made up", n, 1, &error), &error);
    double *y = column(n, 3.0, 0.0, &state), *sigma = column(n, 1.0, 12.0, &state);
    for (int64_t i = 0; binary && i < n; i++)
        y[i] = y[i] > 0.0;
    check(urn_dataset_add_real(data, "", "y", y, &error), &error);
    check(urn_dataset_add_real(data, "", "sigma", sigma, &error), &error);
    for (int k = 0; k < n_x; k++) {
        char name[16] = "x";
        double *x = column(n, 2.0, 0.0, &state);
        if (n_x > 1)
            snprintf(name, sizeof name, "x%d", k);
        check(urn_dataset_add_real(data, "", name, x, &error), &error);
        free(x);
    }
    free(y);
    free(sigma);
    return data;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Least microseconds an evaluation, over repetitions of about 20 ms. */
static double time_gradient(urn_replay *replay, double *position, double *gradient)
{
    int64_t n = 1;
    double best = INFINITY;
    for (int repeat = 0; repeat < 25;) {
        const double start = seconds();
        for (int64_t i = 0; i < n; i++) {
            position[0] = 0.1 + 1e-9 * (double)i;
            (void)urn_replay_log_density(replay, position, gradient);
        }
        const double took = seconds() - start;
        if (took < 0.02) {
            n *= 2;
            continue;
        }
        best = fmin(best, took / (double)n);
        repeat++;
    }
    return 1e6 * best;
}

static double run(const urn_model_def *def, urn_dataset *data)
{
    urn_error error = {0};
    urn_model *model;
    urn_program *program;
    urn_replay *replay;
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    check(urn_model_trace(def, &trace, &model, &error), &error);
    check(urn_program_compile(model, &options, &program, &error), &error);
    check(urn_replay_new(program, 1, &replay, &error), &error);
    const size_t size = (size_t)urn_model_position_size(model);
    double *x = calloc(2 * size, sizeof *x);
    for (size_t i = 0; x != NULL && i < size; i++)
        x[i] = 0.1 + 0.01 * (double)(i % 7);
    const double us = x == NULL ? 0.0 : time_gradient(replay, x, x + size);
    free(x);
    urn_replay_free(replay);
    urn_program_free(program);
    urn_model_free(model);
    urn_dataset_free(data);
    return us;
}

int main(void)
{
    printf("{\"unit\": \"us\", \"eight_schools\": %.3f, ",
           run(urn_model_eight_schools(), make_data(8, 0, false)));
    printf("\"kidiq\": %.3f, ", run(urn_model_kidiq(), make_data(KID_ROWS, 1, false)));
    printf("\"arK\": %.3f, ", run(urn_model_ark(), make_data(AR_ROWS, AR_LAGS, false)));
    printf("\"logistic\": %.2f}\n",
           run(urn_model_logistic(), make_data(LOGISTIC_ROWS, LOGISTIC_COLUMNS, true)));
    return 0;
}
