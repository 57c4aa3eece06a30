#include <urn/urn.h>

/* Adds a value of every user to a value of every item. */
static void mixed_plates(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings");
    urn_plate users = urn_plate_of(m, "user");
    urn_plate items = urn_plate_of(m, "item");
    urn_var zero = urn_real(m, 0.0);
    urn_var one = urn_real(m, 1.0);
    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = one, .plate = users);
    urn_var b = urn_sample(m, "b", normal, .loc = zero, .scale = one, .plate = items);
    urn_observe(m, "r", normal, .value = urn_data(rows, "rating"), .loc = urn_add(a, b),
                .scale = one, .plate = rows);
}
URN_MODEL(mixed_plates, "a test");
