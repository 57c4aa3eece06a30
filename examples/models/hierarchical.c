/* A regression whose intercept differs from group to group.
 *
 *     y[i] ~ normal(level[g(i)] + slope x[i], noise)
 *     level[g] ~ normal(mean, spread)
 *     mean ~ normal(0, 10)   slope ~ normal(0, 5)   spread, noise ~ half_normal(5)
 *
 * Groups with few rows are drawn towards the mean of all; `shrinkage` is the share of the
 * variance between groups. Data: group (ids), x, y.
 *
 *     urn fit examples/models/hierarchical.c --data examples/data/hierarchical.csv --lr 0.1 \
 *         --schedule cosine --holdout 0.1
 */
#include <urn/urn.h>

static void hierarchical(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate groups = urn_plate_of(m, "group");
    urn_var zero = urn_real(m, 0.0);
    urn_var five = urn_real(m, 5.0);

    urn_var mean = urn_sample(m, "mean", normal, .loc = zero, .scale = urn_real(m, 10.0));
    urn_var slope = urn_sample(m, "slope", normal, .loc = zero, .scale = five);
    urn_var spread = urn_sample(m, "spread", half_normal, .scale = five);
    urn_var noise = urn_sample(m, "noise", half_normal, .scale = five);

    urn_var level = urn_sample(m, "level", normal, .loc = mean, .scale = spread, .plate = groups);

    urn_var own = urn_gather(level, urn_index(rows, "group", groups));
    urn_var line = urn_add(own, urn_mul(slope, urn_data(rows, "x")));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = line, .scale = noise,
                .plate = rows);

    urn_var between = urn_square(spread);
    urn_record(m, "shrinkage", urn_div(between, urn_add(between, urn_square(noise))));
}
URN_MODEL(hierarchical, "regression with an intercept for every group");
