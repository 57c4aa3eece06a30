/* Poisson regression on a cubic in time (Kery and Schaub 2012); posteriordb:
 * GLM_Poisson_Data-GLM_Poisson_model.
 *
 *     C ~ poisson(exp(alpha + beta1 year + beta2 year^2 + beta3 year^3))
 *     alpha ~ uniform(-20, 20)   beta1, beta2, beta3 ~ uniform(-10, 10)
 *
 * Data: n, C[n], year[n]. */
#include <urn/urn.h>

static void GLM_Poisson_model(urn_model *m)
{
    static const char *const names[3] = {"beta1", "beta2", "beta3"};
    urn_plate years = urn_plate_rows(m, "n");
    urn_var year = urn_data(years, "year"), power = year;
    urn_var log_rate =
        urn_sample(m, "alpha", uniform, .low = urn_real(m, -20.0), .high = urn_real(m, 20.0));
    for (int k = 0; k < 3; k++) {
        urn_var beta =
            urn_sample(m, names[k], uniform, .low = urn_real(m, -10.0), .high = urn_real(m, 10.0));
        log_rate = urn_add(log_rate, urn_mul(beta, power));
        power = urn_mul(power, year);
    }
    urn_observe(m, "C", poisson, .value = urn_data(years, "C"), .rate = urn_exp(log_rate),
                .plate = years);
}
URN_MODEL(GLM_Poisson_model, "Poisson regression on a cubic");
