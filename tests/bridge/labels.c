/* A model that samplers which follow gradients cannot take. */
#include <urn/urn.h>

static void labels(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "N");
    urn_var z = urn_sample(m, "z", bernoulli, .probs = urn_real(m, 0.5), .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = z, .scale = urn_real(m, 1.0),
                .plate = rows);
}
URN_MODEL(labels, "discrete labels");
