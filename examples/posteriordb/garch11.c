/* GARCH(1, 1): a series whose variance follows the series (Bollerslev 1986); posteriordb:
 * garch-garch11.
 *
 *     y[t] ~ normal(mu, s[t])   s[1] = sigma1
 *     s[t]^2 = alpha0 + alpha1 (y[t - 1] - mu)^2 + beta1 s[t - 1]^2
 *     mu flat   alpha0 > 0 flat   alpha1 in (0, 1) flat   beta1 in (0, 1 - alpha1) flat
 *
 * Data: T, y[T], sigma1. */
#include <urn/urn.h>

static void garch11(urn_model *m)
{
    const int64_t times = urn_data_int(m, "T");
    urn_var y = urn_data_array(m, "y", (urn_plate){0});
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0);
    urn_var mu = urn_sample(m, "mu", improper_uniform);
    urn_var alpha0 = urn_sample(m, "alpha0", improper_uniform, .low = zero);
    urn_var alpha1 = urn_sample(m, "alpha1", improper_uniform, .low = zero, .high = one);
    urn_var beta1 =
        urn_sample(m, "beta1", improper_uniform, .low = zero, .high = urn_sub(one, alpha1));

    urn_var first = urn_square(urn_data_real(m, "sigma1"));
    urn_var shocks = urn_square(urn_sub(urn_slice(y, 0, times - 1), mu));
    urn_var inflow = urn_add(alpha0, urn_mul(alpha1, shocks));
    urn_var later = urn_recurrence(beta1, inflow, first);
    urn_var variance = urn_concat(urn_mul(urn_fill(m, 1, 1.0), first), later);
    urn_observe(m, "y", normal, .value = y, .loc = mu, .variance = variance);
}
URN_MODEL(garch11, "GARCH(1, 1)");
