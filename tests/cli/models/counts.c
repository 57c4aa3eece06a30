#include <urn/urn.h>

/* Counts: ratings that are none are outside the support. */
static void counts(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings");
    urn_var one = urn_real(m, 1.0);
    urn_var rate = urn_sample(m, "rate", gamma, .shape = one, .rate = one);
    urn_observe(m, "r", poisson, .value = urn_data(rows, "rating"), .rate = rate, .plate = rows);
}
URN_MODEL(counts, "a test");
