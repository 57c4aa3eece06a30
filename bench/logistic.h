/* Logistic regression: the model whose gradient is timed and counted, and which nuts samples. */
#ifndef URN_BENCH_LOGISTIC_H
#define URN_BENCH_LOGISTIC_H

#include <urn/urn.h>

static void logistic(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data_columns(rows, "x*");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0);
    urn_var alpha = urn_sample(m, "alpha", normal, .loc = zero, .scale = one);
    urn_var beta =
        urn_sample(m, "beta", normal, .loc = urn_zeros(m, urn_last_dim(x)), .scale = one);
    urn_observe(m, "y", bernoulli, .value = urn_data(rows, "y"),
                .logits = urn_add(alpha, urn_row_dot(x, beta)), .plate = rows);
}
URN_MODEL(logistic, "logistic regression");

#endif
