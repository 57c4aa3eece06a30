/* Counts with different exposures: faults of each machine, by hours run.
 *
 *     faults[i] ~ poisson(hours[i] exp(log_rate[machine(i)] + warm warm_day[i]))
 *     log_rate[k] ~ normal(mean, spread)   mean ~ normal(-2, 1)   spread ~ half_normal(1)
 *     warm ~ normal(0, 0.5)
 *
 * Data: machine (ids), hours, warm_day (0 or 1), faults.
 *
 *     urn fit examples/models/poisson_rates.c --data examples/data/poisson_rates.csv --lr 0.1 \
 *         --schedule cosine
 */
#include <urn/urn.h>

static void poisson_rates(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate machines = urn_plate_of(m, "machine");
    urn_var one = urn_real(m, 1.0);

    urn_var mean = urn_sample(m, "mean", normal, .loc = urn_real(m, -2.0), .scale = one);
    urn_var spread = urn_sample(m, "spread", half_normal, .scale = one);
    urn_var warm =
        urn_sample(m, "warm", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 0.5));
    urn_var log_rate =
        urn_sample(m, "log_rate", normal, .loc = mean, .scale = spread, .plate = machines);

    urn_var own = urn_gather(log_rate, urn_index(rows, "machine", machines));
    urn_var log_mean = urn_add(own, urn_mul(warm, urn_data(rows, "warm_day")));
    urn_var rate = urn_mul(urn_data(rows, "hours"), urn_exp(log_mean));
    urn_observe(m, "faults", poisson, .value = urn_data(rows, "faults"), .rate = rate,
                .plate = rows);
}
URN_MODEL(poisson_rates, "counts with exposures, rates by machine");
