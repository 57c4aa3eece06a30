/* A straight line that outliers do not pull: the noise is Student's t, its degrees of freedom
 * inferred.
 *
 *     y[i] ~ student_t(df, a + b x[i], sigma)
 *     df ~ gamma(2, 0.1)   a, b ~ normal(0, 10)   sigma ~ half_normal(5)
 *
 * Data: x, y.
 *
 *     urn fit examples/models/robust.c --data examples/data/robust.csv --lr 0.1 --schedule cosine
 */
#include <urn/urn.h>

static void robust(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var zero = urn_real(m, 0.0);
    urn_var ten = urn_real(m, 10.0);

    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = ten);
    urn_var b = urn_sample(m, "b", normal, .loc = zero, .scale = ten);
    urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = urn_real(m, 5.0));
    urn_var df = urn_sample(m, "df", gamma, .shape = urn_real(m, 2.0), .rate = urn_real(m, 0.1));

    urn_var line = urn_add(a, urn_mul(b, urn_data(rows, "x")));
    urn_observe(m, "y", student_t, .value = urn_data(rows, "y"), .df = df, .loc = line,
                .scale = sigma, .plate = rows);
}
URN_MODEL(robust, "straight line with outliers");
