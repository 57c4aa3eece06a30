/* A straight line with normal noise.
 *
 *     y[i] ~ normal(a + b x[i], sigma)
 *     a, b ~ normal(0, 10)   sigma ~ half_normal(5)
 *
 * Data: x, y.
 *
 *     urn fit examples/models/line.c --data examples/data/line.csv --lr 0.1 --schedule cosine
 */
#include <urn/urn.h>

static void line(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data(rows, "x");

    urn_var zero = urn_real(m, 0.0);
    urn_var ten = urn_real(m, 10.0);
    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = ten);
    urn_var b = urn_sample(m, "b", normal, .loc = zero, .scale = ten);
    urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = urn_real(m, 5.0));

    urn_var mean = urn_add(a, urn_mul(b, x));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mean, .scale = sigma,
                .plate = rows);
}
URN_MODEL(line, "straight line");
