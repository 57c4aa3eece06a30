#include <urn/urn.h>

/* Two sites of one name. */
static void same_name(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings");
    urn_var one = urn_real(m, 1.0);
    urn_var a = urn_sample(m, "a", normal, .loc = one, .scale = one);
    urn_var b = urn_sample(m, "a", normal, .loc = a, .scale = one);
    urn_observe(m, "r", normal, .value = urn_data(rows, "rating"), .loc = b, .scale = one,
                .plate = rows);
}
URN_MODEL(same_name, "a test");
