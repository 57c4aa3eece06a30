/* Who switches to a safe well, by the distance to it (Gelman and Hill 2006); posteriordb:
 * wells_data-wells_dist100_model.
 *
 *     switched ~ bernoulli(logit = alpha + beta dist / 100)   alpha, beta flat
 *
 * Data: N, switched[N], dist[N] (metres). */
#include <urn/urn.h>

static void wells_dist100_model(urn_model *m)
{
    urn_plate wells = urn_plate_rows(m, "N");
    urn_var alpha = urn_sample(m, "alpha", improper_uniform);
    urn_var beta = urn_sample(m, "beta", improper_uniform);
    urn_var dist100 = urn_scaled(urn_data(wells, "dist"), 0.01);
    urn_observe(m, "switched", bernoulli, .value = urn_data(wells, "switched"),
                .logits = urn_add(alpha, urn_mul(beta, dist100)), .plate = wells);
}
URN_MODEL(wells_dist100_model, "logistic regression");
