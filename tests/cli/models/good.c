#include <urn/urn.h>

/* The mean of a column. */
static void good(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings");
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 10.0));
    urn_observe(m, "r", normal, .value = urn_data(rows, "rating"), .loc = mu,
                .scale = urn_real(m, 1.0), .plate = rows);
}
URN_MODEL(good, "the mean of a column");
