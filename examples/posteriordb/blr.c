/* Bayesian linear regression; posteriordb: sblrc-blr.
 *
 *     y ~ normal(X beta, sigma)   beta[k] ~ normal(0, 10)   sigma ~ half_normal(10)
 *
 * Data: N, D, X[N, D], y[N]. */
#include <urn/urn.h>

static void blr(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "N");
    urn_var x = urn_data_columns(rows, "X.*");
    urn_var ten = urn_real(m, 10.0);
    urn_var beta =
        urn_sample(m, "beta", normal, .loc = urn_zeros(m, urn_last_dim(x)), .scale = ten);
    urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = ten);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_row_dot(x, beta),
                .scale = sigma, .plate = rows);
}
URN_MODEL(blr, "linear regression");
