/* Eight schools (Rubin 1981), centred: the same posterior as the non-centred model, in coordinates
 * that squeeze theta where tau is small. Trajectories diverge there, and are reported; posteriordb:
 * eight_schools-eight_schools_centered.
 *
 *     y[j] ~ normal(theta[j], sigma[j])   theta[j] ~ normal(mu, tau)
 *     mu ~ normal(0, 5)   tau ~ half_cauchy(5)
 *
 * Data: J, y[J], sigma[J]. */
#include <urn/urn.h>

static void eight_schools_centered(urn_model *m)
{
    urn_plate schools = urn_plate_rows(m, "J");
    urn_var five = urn_real(m, 5.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0.0), .scale = five);
    urn_var tau = urn_sample(m, "tau", half_cauchy, .scale = five);
    urn_var theta = urn_sample(m, "theta", normal, .loc = mu, .scale = tau, .plate = schools);
    urn_observe(m, "y", normal, .value = urn_data(schools, "y"), .loc = theta,
                .scale = urn_data(schools, "sigma"), .plate = schools);
}
URN_MODEL(eight_schools_centered, "eight schools, centred");
