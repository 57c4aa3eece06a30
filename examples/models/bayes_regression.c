/* Linear regression on many columns: those whose names begin with "x" are the design matrix.
 *
 *     y[i] ~ normal(intercept + X[i] . beta, sigma)
 *     intercept ~ normal(0, 10)   beta ~ mvn(0, prior_sd^2 I)   sigma ~ half_normal(5)
 *
 * Data: x* (one or more columns), y.
 *
 *     urn fit examples/models/bayes_regression.c --data examples/data/bayes_regression.csv \
 *         --map y=price --lr 0.1 --schedule cosine
 */
#include <urn/urn.h>

static void bayes_regression(urn_model *m)
{
    const double prior_sd = urn_option_real(m, "prior_sd", 2.0, "prior sd of the coefficients");
    if (!(prior_sd > 0.0)) {
        urn_model_fail(m, "option \"prior_sd\" must be positive");
        return;
    }
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var design = urn_data_columns(rows, "x*"); /* over rows, with an event dim */
    const int64_t columns = urn_last_dim(design);

    urn_var zeros = urn_zeros(m, columns);
    urn_var beta =
        urn_sample(m, "beta", mvn, .loc = zeros, .scale_tril = urn_eye(m, columns, prior_sd));
    urn_var intercept =
        urn_sample(m, "intercept", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 10.0));
    urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = urn_real(m, 5.0));

    urn_var mean = urn_add(intercept, urn_row_dot(design, beta));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mean, .scale = sigma,
                .plate = rows);
}
URN_MODEL(bayes_regression, "linear regression on the columns x*");
