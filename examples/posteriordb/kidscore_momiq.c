/* Children's test scores by their mothers' IQ (Gelman and Hill 2006); posteriordb:
 * kidiq-kidscore_momiq.
 *
 *     kid_score ~ normal(beta[1] + beta[2] mom_iq, sigma)   beta flat   sigma ~ half_cauchy(2.5)
 *
 * Data: N, kid_score[N], mom_iq[N]. */
#include <urn/urn.h>

static void kidscore_momiq(urn_model *m)
{
    urn_plate kids = urn_plate_rows(m, "N");
    urn_plate terms = urn_plate_size(m, "term", 2);
    urn_var beta = urn_as_event(urn_sample(m, "beta", improper_uniform, .plate = terms));
    urn_var sigma = urn_sample(m, "sigma", half_cauchy, .scale = urn_real(m, 2.5));
    urn_var line = urn_mul(urn_element(beta, 1), urn_data(kids, "mom_iq"));
    urn_observe(m, "kid_score", normal, .value = urn_data(kids, "kid_score"),
                .loc = urn_add(urn_element(beta, 0), line), .scale = sigma, .plate = kids);
}
URN_MODEL(kidscore_momiq, "a regression line");
