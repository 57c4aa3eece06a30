/* The eight schools (Rubin 1981), non-centred: the model whose gradient is timed and counted. */
#ifndef URN_BENCH_EIGHT_SCHOOLS_H
#define URN_BENCH_EIGHT_SCHOOLS_H

#include <urn/urn.h>

static void eight_schools(urn_model *m)
{
    urn_plate schools = urn_plate_rows(m, "schools");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = zero, .scale = urn_real(m, 5.0));
    urn_var tau = urn_sample(m, "tau", half_cauchy, .scale = urn_real(m, 5.0));
    urn_var z = urn_sample(m, "z", normal, .loc = zero, .scale = one, .plate = schools);
    urn_observe(m, "y", normal, .value = urn_data(schools, "y"),
                .loc = urn_add(mu, urn_mul(tau, z)), .scale = urn_data(schools, "sigma"),
                .plate = schools);
}
URN_MODEL(eight_schools, "eight schools, non-centred");

#endif
