/* Party identification by ideology, race, age group, education, gender and income (Gelman and Hill
 * 2006); posteriordb: nes1972-nes.
 *
 *     partyid7 ~ normal(beta[1] + beta[2] real_ideo + beta[3] race_adj + beta[4] [age 2] + beta[5]
 * [age 3]
 *                       + beta[6] [age 4] + beta[7] educ1 + beta[8] gender + beta[9] income, sigma)
 *     beta, sigma flat
 *
 * Data: N, and columns of that length: partyid7, real_ideo, race_adj, age_discrete, educ1, gender,
 * income. */
#include <urn/urn.h>

/* 1 where whole numbers x are k, else 0 */
static urn_var equals(urn_model *m, urn_var x, double k)
{
    urn_var near = urn_shifted(urn_neg(urn_abs(urn_shifted(x, -k))), 0.5);
    return urn_where(near, urn_real(m, 1.0), urn_real(m, 0.0));
}

static void nes(urn_model *m)
{
    urn_plate people = urn_plate_rows(m, "N");
    urn_plate terms = urn_plate_size(m, "term", 9);
    urn_var beta = urn_as_event(urn_sample(m, "beta", improper_uniform, .plate = terms));
    urn_var sigma = urn_sample(m, "sigma", improper_uniform, .low = urn_real(m, 0.0));
    urn_var age = urn_data(people, "age_discrete");
    urn_var columns[8] = {urn_data(people, "real_ideo"), urn_data(people, "race_adj"),
                          equals(m, age, 2.0),           equals(m, age, 3.0),
                          equals(m, age, 4.0),           urn_data(people, "educ1"),
                          urn_data(people, "gender"),    urn_data(people, "income")};
    urn_var mean = urn_element(beta, 0);
    for (int k = 0; k < 8; k++)
        mean = urn_add(mean, urn_mul(urn_element(beta, k + 1), columns[k]));
    urn_observe(m, "partyid7", normal, .value = urn_data(people, "partyid7"), .loc = mean,
                .scale = sigma, .plate = people);
}
URN_MODEL(nes, "a regression on groups");
