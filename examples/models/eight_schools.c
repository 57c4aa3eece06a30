/* Eight schools (Rubin 1981), non-centred: effects of coaching, each with a known standard error.
 *
 *     y[j] ~ normal(theta[j], sigma[j])   theta[j] = mu + tau z[j]
 *     z[j] ~ normal(0, 1)   mu ~ normal(0, 5)   tau ~ half_cauchy(5)
 *
 * Written with z rather than with theta ~ normal(mu, tau), because z and tau are nearly independent
 * in the posterior, which is what a mean-field guide can express. Data, in JSON: J, y, sigma.
 *
 *     urn fit examples/models/eight_schools.c --data examples/data/eight_schools.json --lr 0.1 \
 *         --schedule cosine
 */
#include <urn/urn.h>

static void eight_schools(urn_model *m)
{
    urn_plate schools = urn_plate_size(m, "school", urn_data_int(m, "J"));
    urn_var y = urn_data_array(m, "y", schools);
    urn_var sigma = urn_data_array(m, "sigma", schools);

    urn_var zero = urn_real(m, 0.0);
    urn_var five = urn_real(m, 5.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = zero, .scale = five);
    urn_var tau = urn_sample(m, "tau", half_cauchy, .scale = five);
    urn_var z =
        urn_sample(m, "z", normal, .loc = zero, .scale = urn_real(m, 1.0), .plate = schools);

    urn_var theta = urn_record(m, "theta", urn_add(mu, urn_mul(tau, z)));
    urn_observe(m, "y", normal, .value = y, .loc = theta, .scale = sigma, .plate = schools);
}
URN_MODEL(eight_schools, "effects of coaching in eight schools");
