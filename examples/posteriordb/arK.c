/* Autoregression of order K; posteriordb: arK-arK.
 *
 *     y[t] ~ normal(alpha + sum over k of beta[k] y[t - k], sigma)   t > K
 *     alpha, beta[k] ~ normal(0, 10)   sigma ~ half_cauchy(2.5)
 *
 * Data: K, T, y[T]. */
#include <urn/urn.h>

static void arK(urn_model *m)
{
    const int64_t lags = urn_data_int(m, "K"), times = urn_data_int(m, "T");
    urn_var y = urn_data_array(m, "y", (urn_plate){0});
    urn_var ten = urn_real(m, 10.0);
    urn_var alpha = urn_sample(m, "alpha", normal, .loc = urn_real(m, 0.0), .scale = ten);
    urn_var beta = urn_sample(m, "beta", normal, .loc = urn_zeros(m, lags), .scale = ten);
    urn_var sigma = urn_sample(m, "sigma", half_cauchy, .scale = urn_real(m, 2.5));
    urn_var mean = alpha;
    for (int64_t k = 1; k <= lags; k++)
        mean =
            urn_add(mean, urn_mul(urn_element(beta, k - 1), urn_slice(y, lags - k, times - lags)));
    urn_observe(m, "y", normal, .value = urn_slice(y, lags, times - lags), .loc = mean,
                .scale = sigma);
}
URN_MODEL(arK, "autoregression of order K");
