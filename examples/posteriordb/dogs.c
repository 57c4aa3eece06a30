/* Dogs that learn to avoid an electric shock (Bush and Mosteller 1955); posteriordb: dogs-dogs.
 *
 *     y[j, t] ~ bernoulli(logit = beta[1] + beta[2] avoided[j, t] + beta[3] shocked[j, t])
 *     beta[k] ~ normal(0, 100)
 *
 * y = 1 is a shock; avoided and shocked count the trials of dog j before t that ended so. Data:
 * n_dogs, n_trials, y[n_dogs, n_trials]. */
#include <urn/urn.h>

static void dogs(urn_model *m)
{
    const int64_t trials = urn_data_int(m, "n_trials");
    urn_plate pack = urn_plate_rows(m, "n_dogs");
    urn_var y = urn_data_columns(pack, "y.*");
    urn_var beta =
        urn_sample(m, "beta", normal, .loc = urn_zeros(m, 3), .scale = urn_real(m, 100.0));
    urn_var before = urn_shifted(urn_cumsum(urn_fill(m, trials, 1.0)), -1.0);
    urn_var shocked = urn_sub(urn_cumsum(y), y);
    urn_var avoided = urn_sub(before, shocked);
    urn_var logits = urn_add(urn_add(urn_element(beta, 0), urn_mul(urn_element(beta, 1), avoided)),
                             urn_mul(urn_element(beta, 2), shocked));
    urn_observe(m, "y", bernoulli, .value = y, .logits = logits, .plate = pack);
}
URN_MODEL(dogs, "logistic regression on what went before");
