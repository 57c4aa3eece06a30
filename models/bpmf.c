#include <urn/urn.h>

/* Bayesian probabilistic matrix factorisation (Salakhutdinov and Mnih 2008b): the priors of the
 * factors are inferred, too.
 *
 *     R[i, j] ~ normal(mean + U[i] . V[j] (+ bias_u[i] + bias_v[j]), precision alpha)
 *     U[i] ~ mvn(mu_u, precision lam_u)                    V[j] ~ mvn(mu_v, precision lam_v)
 *     mu_u ~ mvn(0, precision 2 lam_u)                     mu_v ~ mvn(0, precision 2 lam_v)
 *     lam_u ~ wishart(df, scale I)                         lam_v ~ wishart(df, scale I)
 *
 * (mu, lam) is the normal-Wishart distribution with mu0 = 0, beta0 = 2, nu0 = df and W0 = I; df is
 * dim unless set.
 * Data: user, item (ids), rating; `mean` is that of the training ratings. alpha is 2 by default;
 * with noise=free it is the site "alpha" with prior gamma(1, rate 1). With biases=yes users and
 * items have biases with prior normal(0, 1), which is wide for ratings from 1 to 5; with
 * biases=free their precisions are inferred, too: sites "tau_u" and "tau_v", gamma(1, rate 1).
 *
 * The joint mode is of no use: lam shrinks the factors of one side while those of the other grow.
 */
static void factors(urn_model *m, urn_plate plate, int64_t dim, int64_t df,
                    const char *const name[3], urn_var *rows)
{
    static const char reason[] = "the factors of one side may grow while those of the other "
                                 "shrink, and their precisions with them";
    urn_var lam = urn_sample(m, name[0], wishart, .df = urn_real(m, (double)df),
                             .scale = urn_eye(m, dim, 1.0));
    urn_var mu =
        urn_sample(m, name[1], mvn, .loc = urn_zeros(m, dim), .precision = urn_scaled(lam, 2.0));
    urn_no_mode(m, lam, reason);
    *rows = urn_sample(m, name[2], mvn, .loc = mu, .precision = lam, .plate = plate);
}

static void bpmf(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 10, "latent factors per user and item");
    const int64_t df = urn_option_int(m, "df", dim, "degrees of freedom of lam's prior, nu0");
    const int noise_free = urn_option_choice(m, "noise", "fixed|free", "is alpha inferred?");
    const double alpha = urn_option_real(m, "alpha", 2.0, "precision of a rating, if fixed");
    const int biases = urn_option_choice(m, "biases", "no|yes|free", "a bias per user and item");
    const int raw = urn_option_choice(m, "center", "mean|none", "offset of all ratings");
    if (dim < 1) {
        urn_model_fail(m, "option \"dim\" must be at least 1: users and items need a factor");
        return;
    }
    if (df < dim) {
        urn_model_fail(m, "option \"df\" must be at least dim: else lam has no density");
        return;
    }
    if (!(alpha > 0.0)) {
        urn_model_fail(m, "option \"alpha\" must be positive: it is a precision, 1 / variance");
        return;
    }
    urn_plate ratings = urn_plate_rows(m, "ratings");
    urn_plate users = urn_plate_of(m, "user");
    urn_plate items = urn_plate_of(m, "item");
    urn_unique(ratings, "user,item");

    urn_var precision = urn_real(m, alpha), one = urn_real(m, 1.0), zero = urn_real(m, 0.0), U, V;
    if (noise_free)
        precision = urn_sample(m, "alpha", gamma, .shape = one, .rate = one);
    factors(m, users, dim, df, (const char *const[]){"lam_u", "mu_u", "U"}, &U);
    factors(m, items, dim, df, (const char *const[]){"lam_v", "mu_v", "V"}, &V);

    urn_var user = urn_index(ratings, "user", users), item = urn_index(ratings, "item", items);
    urn_var mean = urn_row_dot(urn_gather(U, user), urn_gather(V, item));
    if (biases) {
        urn_var tau_u = one, tau_v = one;
        if (biases > 1) {
            tau_u = urn_sample(m, "tau_u", gamma, .shape = one, .rate = one);
            tau_v = urn_sample(m, "tau_v", gamma, .shape = one, .rate = one);
        }
        urn_var u =
            urn_sample(m, "bias_u", normal, .loc = zero, .precision = tau_u, .plate = users);
        urn_var v =
            urn_sample(m, "bias_v", normal, .loc = zero, .precision = tau_v, .plate = items);
        mean = urn_add(mean, urn_add(urn_gather(u, user), urn_gather(v, item)));
    }
    if (!raw)
        mean = urn_add(mean, urn_data_mean(ratings, "rating"));
    urn_observe(m, "R", normal, .value = urn_data(ratings, "rating"), .loc = mean,
                .precision = precision, .plate = ratings);
}
URN_MODEL(bpmf, "matrix factorisation, hierarchical priors on both sides");
