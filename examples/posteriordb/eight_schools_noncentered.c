/* Eight schools (Rubin 1981), non-centred; posteriordb: eight_schools-eight_schools_noncentered.
 *
 *     y[j] ~ normal(theta[j], sigma[j])   theta[j] = mu + tau theta_trans[j]
 *     theta_trans[j] ~ normal(0, 1)   mu ~ normal(0, 5)   tau ~ half_cauchy(5)
 *
 * Data: J, y[J], sigma[J]. */
#include <urn/urn.h>

static void eight_schools_noncentered(urn_model *m)
{
    urn_plate schools = urn_plate_rows(m, "J");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0), five = urn_real(m, 5.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = zero, .scale = five);
    urn_var tau = urn_sample(m, "tau", half_cauchy, .scale = five);
    urn_var z = urn_sample(m, "theta_trans", normal, .loc = zero, .scale = one, .plate = schools);
    urn_var theta = urn_record(m, "theta", urn_add(mu, urn_mul(tau, z)));
    urn_observe(m, "y", normal, .value = urn_data(schools, "y"), .loc = theta,
                .scale = urn_data(schools, "sigma"), .plate = schools);
}
URN_MODEL(eight_schools_noncentered, "eight schools, non-centred");
