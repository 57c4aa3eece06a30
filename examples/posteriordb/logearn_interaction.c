/* Log earnings by height, sex and their interaction (Gelman and Hill 2006); posteriordb:
 * earnings-logearn_interaction.
 *
 *     log(earn) ~ normal(beta[1] + beta[2] height + beta[3] male + beta[4] height male, sigma)
 *     beta, sigma flat
 *
 * Data: N, earn[N], height[N], male[N]. */
#include <urn/urn.h>

static void logearn_interaction(urn_model *m)
{
    urn_plate people = urn_plate_rows(m, "N");
    urn_plate terms = urn_plate_size(m, "term", 4);
    urn_var beta = urn_as_event(urn_sample(m, "beta", improper_uniform, .plate = terms));
    urn_var sigma = urn_sample(m, "sigma", improper_uniform, .low = urn_real(m, 0.0));
    urn_var height = urn_data(people, "height"), male = urn_data(people, "male");
    urn_var columns[3] = {height, male, urn_mul(height, male)};
    urn_var mean = urn_element(beta, 0);
    for (int k = 0; k < 3; k++)
        mean = urn_add(mean, urn_mul(urn_element(beta, k + 1), columns[k]));
    urn_observe(m, "log_earn", normal, .value = urn_log(urn_data(people, "earn")), .loc = mean,
                .scale = sigma, .plate = people);
}
URN_MODEL(logearn_interaction, "a regression with an interaction");
