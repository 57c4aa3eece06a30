/* Regression by a Gaussian process, its function values integrated out; posteriordb:
 * gp_pois_regr-gp_regr.
 *
 *     y ~ mvn(0, K)   K[i, j] = alpha^2 exp(-(x[i] - x[j])^2 / (2 rho^2)) + sigma [i = j]
 *     rho ~ gamma(25, rate 4)   alpha ~ half_normal(2)   sigma ~ half_normal(1)
 *
 * sigma is the variance of the noise. Data: N, x[N], y[N]. */
#include <urn/urn.h>

static void gp_regr(urn_model *m)
{
    const int64_t n = urn_data_int(m, "N");
    urn_var x = urn_data_array(m, "x", (urn_plate){0});
    urn_var rho = urn_sample(m, "rho", gamma, .shape = urn_real(m, 25.0), .rate = urn_real(m, 4.0));
    urn_var alpha = urn_sample(m, "alpha", half_normal, .scale = urn_real(m, 2.0));
    urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = urn_real(m, 1.0));
    urn_var covariance = urn_add_diagonal(urn_kernel_exp_quad(x, alpha, rho), sigma);
    urn_observe(m, "y", mvn, .value = urn_data_array(m, "y", (urn_plate){0}),
                .loc = urn_zeros(m, n), .covariance = covariance);
}
URN_MODEL(gp_regr, "Gaussian process regression");
