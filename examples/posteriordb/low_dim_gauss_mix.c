/* Mixture of two normals in one dimension, labels summed out; posteriordb:
 * low_dim_gauss_mix-low_dim_gauss_mix.
 *
 *     y ~ theta normal(mu[1], sigma[1]) + (1 - theta) normal(mu[2], sigma[2])
 *     mu[1] < mu[2], each normal(0, 2)   sigma[k] ~ half_normal(2)   theta ~ beta(5, 5)
 *
 * Data: N, y[N]. */
#include <urn/urn.h>

static urn_var log_normal_density(urn_var x, urn_var loc, urn_var scale)
{
    urn_var z = urn_div(urn_sub(x, loc), scale);
    return urn_shifted(urn_sub(urn_scaled(urn_square(z), -0.5), urn_log(scale)),
                       -0.91893853320467274178);
}

static void low_dim_gauss_mix(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "N");
    urn_plate parts = urn_plate_size(m, "part", 2);
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0), two = urn_real(m, 2.0);
    urn_var y = urn_data(rows, "y");
    urn_var low = urn_sample(m, "mu_low", normal, .loc = zero, .scale = two);
    urn_var high = urn_sample(m, "mu_high", improper_uniform, .low = low);
    urn_factor(m, "mu_high_prior", log_normal_density(high, zero, two));
    urn_record(m, "mu", urn_stack(low, high));
    urn_var sigma = urn_as_event(urn_sample(m, "sigma", half_normal, .scale = two, .plate = parts));
    urn_var theta = urn_sample(m, "theta", uniform, .low = zero, .high = one);
    urn_factor(m, "theta_prior",
               urn_scaled(urn_add(urn_log(theta), urn_log1p(urn_neg(theta))), 4.0));

    urn_var first = urn_add(urn_log(theta), log_normal_density(y, low, urn_element(sigma, 0)));
    urn_var second =
        urn_add(urn_log1p(urn_neg(theta)), log_normal_density(y, high, urn_element(sigma, 1)));
    urn_factor(m, "y", urn_log_add_exp(first, second));
}
URN_MODEL(low_dim_gauss_mix, "mixture of two normals");
