#include <urn/urn.h>

/* Gathers from the items with the users' index. */
static void wrong_plate(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings");
    urn_plate users = urn_plate_of(m, "user");
    urn_plate items = urn_plate_of(m, "item");
    urn_var zero = urn_real(m, 0.0);
    urn_var one = urn_real(m, 1.0);
    urn_var b = urn_sample(m, "b", normal, .loc = zero, .scale = one, .plate = items);
    urn_var own = urn_gather(b, urn_index(rows, "user", users));
    urn_var y = urn_data(rows, "rating");
    urn_observe(m, "r", normal, .value = y, .loc = own, .scale = one, .plate = rows);
}
URN_MODEL(wrong_plate, "a test");
