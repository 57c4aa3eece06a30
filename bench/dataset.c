/* See dataset.h. */
#include "bench/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void bench_check(urn_status status, const urn_error *error)
{
    char text[2048];
    if (status == URN_OK)
        return;
    urn_error_format(error, text, sizeof text);
    bench_fail(text, "");
}

urn_dataset *bench_dataset(int64_t n)
{
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    if (!data)
        bench_fail("out of memory", "");
    bench_check(urn_dataset_add_table(data, "", "made up", n, 1, &error), &error);
    return data;
}

urn_dataset *bench_dataset_of_ratings(const ratings *r)
{
    urn_error error = {0};
    urn_dataset *data = bench_dataset(r->n);
    int64_t *id = bench_zeros(r->n, sizeof *id);
    unsigned char *held_out = bench_zeros(r->n, 1);
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < r->n; i++)
            id[i] = k == 0 ? r->user[i] : r->item[i];
        bench_check(urn_dataset_add_int(data, "", k == 0 ? "user" : "item", id, &error), &error);
    }
    for (int64_t i = 0; i < r->n; i++)
        held_out[i] = ratings_held_out(i, 0.1);
    bench_check(urn_dataset_add_real(data, "", "rating", r->rating, &error), &error);
    bench_check(urn_dataset_set_held_out(data, "", held_out, &error), &error);
    free(held_out);
    free(id);
    return data;
}

/* ---- the logistic regression's ---- */

logistic_data logistic_data_new(void)
{
    uint64_t state = 3;
    logistic_data d = {.x = bench_zeros((int64_t)LOGISTIC_ROWS * LOGISTIC_COLUMNS, sizeof *d.x),
                       .y = bench_zeros(LOGISTIC_ROWS, sizeof *d.y)};
    for (int k = 0; k < LOGISTIC_COLUMNS; k++) {
        double *x = d.x + (int64_t)k * LOGISTIC_ROWS;
        const double beta = 0.6 * bench_uniform(&state) - 0.3;
        for (int i = 0; i < LOGISTIC_ROWS; i++) {
            x[i] = -6.0;
            for (int j = 0; j < 12; j++)
                x[i] += bench_uniform(&state);
            d.y[i] += beta * x[i];
        }
    }
    for (int i = 0; i < LOGISTIC_ROWS; i++)
        d.y[i] = bench_uniform(&state) < 1.0 / (1.0 + exp(-d.y[i]));
    return d;
}

void logistic_data_free(logistic_data *d)
{
    free(d->x);
    free(d->y);
}

urn_dataset *bench_dataset_of_logistic(const logistic_data *d)
{
    urn_error error = {0};
    urn_dataset *data = bench_dataset(LOGISTIC_ROWS);
    for (int k = 0; k < LOGISTIC_COLUMNS; k++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", k);
        const double *x = d->x + (int64_t)k * LOGISTIC_ROWS;
        bench_check(urn_dataset_add_real(data, "", name, x, &error), &error);
    }
    bench_check(urn_dataset_add_real(data, "", "y", d->y, &error), &error);
    return data;
}
