/* Logistic regression: does a viewer finish a film, by its length and by whether it is a sequel?
 *
 *     finished[i] ~ bernoulli(logits = a + b_length length[i] + b_sequel sequel[i])
 *     a, b_length, b_sequel ~ normal(0, 2.5)
 *
 * Data: length (standardised), sequel (0 or 1), finished (0 or 1).
 *
 *     urn fit examples/models/logistic.c --data examples/data/logistic.csv --lr 0.1 \
 *         --schedule cosine
 */
#include <urn/urn.h>

static void logistic(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var length = urn_data(rows, "length");
    urn_var sequel = urn_data(rows, "sequel");

    urn_var zero = urn_real(m, 0.0);
    urn_var wide = urn_real(m, 2.5);
    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = wide);
    urn_var b_length = urn_sample(m, "b_length", normal, .loc = zero, .scale = wide);
    urn_var b_sequel = urn_sample(m, "b_sequel", normal, .loc = zero, .scale = wide);

    urn_var logits = urn_add(a, urn_add(urn_mul(b_length, length), urn_mul(b_sequel, sequel)));
    urn_observe(m, "finished", bernoulli, .value = urn_data(rows, "finished"), .logits = logits,
                .plate = rows);
}
URN_MODEL(logistic, "logistic regression");
