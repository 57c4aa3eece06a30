#include <urn/urn.h>

/* Gives both a scale and a precision. */
static void two_scales(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings");
    urn_var one = urn_real(m, 1.0);
    urn_var y = urn_data(rows, "rating");
    urn_observe(m, "r", normal, .value = y, .loc = one, .scale = one, .precision = one);
}
URN_MODEL(two_scales, "a test");
