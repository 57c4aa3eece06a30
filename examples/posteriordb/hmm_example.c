/* Hidden Markov model with two states, which are summed out; posteriordb: hmm_example-hmm_example.
 *
 *     y[t] ~ normal(mu[state[t]], 1)   P(state[t] = j | state[t - 1] = i) = theta_i[j]
 *     theta1, theta2 flat on the simplex   0 < mu[1] < mu[2]
 *     mu[1] ~ normal(3, 1)   mu[2] ~ normal(10, 1)
 *
 * Both states weigh 1 at the first time. Data: N, K = 2, y[N]. */
#include <urn/urn.h>

/* log density of normal(loc, 1), up to a constant */
static urn_var bell(urn_var x, double loc)
{
    return urn_scaled(urn_square(urn_shifted(x, -loc)), -0.5);
}

static urn_var simplex(urn_model *m, const char *name, const char *first)
{
    urn_var one = urn_real(m, 1.0);
    urn_var p = urn_sample(m, first, uniform, .low = urn_real(m, 0.0), .high = one);
    return urn_record(m, name, urn_stack(p, urn_sub(one, p)));
}

static void hmm_example(urn_model *m)
{
    const double first[2] = {1, 0}, second[2] = {0, 1};
    urn_var y = urn_data_array(m, "y", (urn_plate){0});
    urn_var theta1 = simplex(m, "theta1", "stay"), theta2 = simplex(m, "theta2", "leave");
    urn_var low = urn_sample(m, "mu_low", improper_uniform, .low = urn_real(m, 0.0));
    urn_var high = urn_sample(m, "mu_high", improper_uniform, .low = low);
    urn_factor(m, "mu_prior", urn_add(bell(low, 3.0), bell(high, 10.0)));
    urn_var mu = urn_record(m, "mu", urn_stack(low, high));

    urn_var transition = urn_add(urn_outer(urn_vector(m, 2, first), urn_log(theta1)),
                                 urn_outer(urn_vector(m, 2, second), urn_log(theta2)));
    urn_var distance = urn_sub(urn_outer(y, urn_fill(m, 2, 1.0)), mu);
    urn_var emission = urn_scaled(urn_square(distance), -0.5);
    urn_factor(m, "y", urn_hmm_forward(urn_zeros(m, 2), transition, emission));
}
URN_MODEL(hmm_example, "hidden Markov model, two states");
