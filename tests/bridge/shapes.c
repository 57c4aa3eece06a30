/* What the test of the bridge builds: sites of several supports and shapes, and one recorded. */
#include <urn/urn.h>

static void shapes(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 2, "columns of W");
    urn_plate rows = urn_plate_rows(m, "N"), groups = urn_plate_size(m, "group", 3);
    urn_var one = urn_real(m, 1.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0.5), .scale = urn_real(m, 2.0));
    urn_var sigma = urn_sample(m, "sigma", exponential, .rate = urn_real(m, 1.5));
    urn_var W = urn_sample(m, "W", mvn, .loc = urn_zeros(m, dim), .precision = urn_eye(m, dim, 1.0),
                           .plate = groups);
    urn_sample(m, "theta", dirichlet, .concentration = urn_fill(m, 3, 2.0));
    urn_record(m, "W2", urn_mul(W, W));
    urn_var x = urn_data(rows, "x");
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_add(mu, urn_mul(x, mu)),
                .scale = urn_add(sigma, one), .plate = rows);
}
URN_MODEL(shapes, "several supports and shapes");
