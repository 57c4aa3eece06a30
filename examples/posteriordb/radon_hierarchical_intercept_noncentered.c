/* Radon in Minnesota's houses by county (Gelman and Hill 2006), non-centred; posteriordb:
 * radon_mn-radon_hierarchical_intercept_noncentered.
 *
 *     log_radon ~ normal(alpha[county] + beta[1] log_uppm + beta[2] floor_measure, sigma_y)
 *     alpha[c] = mu_alpha + sigma_alpha alpha_raw[c]   alpha_raw[c] ~ normal(0, 1)
 *     mu_alpha, beta[k] ~ normal(0, 10)   sigma_alpha, sigma_y ~ half_normal(1)
 *
 * Data: N, and columns of that length: log_radon, county_idx, log_uppm, floor_measure. */
#include <urn/urn.h>

static void radon_hierarchical_intercept_noncentered(urn_model *m)
{
    urn_plate houses = urn_plate_rows(m, "N");
    urn_plate counties = urn_plate_of(m, "county_idx");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0), ten = urn_real(m, 10.0);
    urn_var sigma_alpha = urn_sample(m, "sigma_alpha", half_normal, .scale = one);
    urn_var sigma_y = urn_sample(m, "sigma_y", half_normal, .scale = one);
    urn_var mu_alpha = urn_sample(m, "mu_alpha", normal, .loc = zero, .scale = ten);
    urn_var beta = urn_sample(m, "beta", normal, .loc = urn_zeros(m, 2), .scale = ten);
    urn_var raw = urn_sample(m, "alpha_raw", normal, .loc = zero, .scale = one, .plate = counties);
    urn_var alpha = urn_record(m, "alpha", urn_add(mu_alpha, urn_mul(sigma_alpha, raw)));

    urn_var own = urn_gather(alpha, urn_index(houses, "county_idx", counties));
    urn_var uranium = urn_mul(urn_element(beta, 0), urn_data(houses, "log_uppm"));
    urn_var floor = urn_mul(urn_element(beta, 1), urn_data(houses, "floor_measure"));
    urn_observe(m, "log_radon", normal, .value = urn_data(houses, "log_radon"),
                .loc = urn_add(own, urn_add(uranium, floor)), .scale = sigma_y, .plate = houses);
}
URN_MODEL(radon_hierarchical_intercept_noncentered, "intercepts by county, non-centred");
