#include <urn/urn.h>

/* Pooled probabilistic matrix factorisation (Salakhutdinov and Mnih 2008).
 *
 *     R[i, j] ~ normal(U[i] . V[j], s)
 *     U[i] ~ normal(loc_u, scale_u)   V[j] ~ normal(loc_v, scale_v)   in every factor
 *
 * Data: user, item (ids), rating. The noise s is noise_scale, 1 by default; with noise=free it is
 * the site "s" with prior half_normal(noise_scale). With biases=yes users and items have biases
 * with prior normal(0, scale_b).
 *
 * Its mode for a fixed s is the minimum of sum (R - U.V)^2 + lambda (|U|^2 + |V|^2 + |b|^2) with
 * lambda = s^2 / scale^2, which --engine map --method blocks finds by alternating least squares. */
static void pmf(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 5, "latent factors per user and item");
    const int noise_free = urn_option_choice(m, "noise", "fixed|free", "is the noise inferred?");
    const double noise = urn_option_real(m, "noise_scale", 1.0, "noise sd, or its prior's scale");
    const double loc_u = urn_option_real(m, "loc_u", 0.0, "prior mean of the user factors");
    const double scale_u = urn_option_real(m, "scale_u", 1.0, "prior sd of the user factors");
    const double loc_v = urn_option_real(m, "loc_v", 0.0, "prior mean of the item factors");
    const double scale_v = urn_option_real(m, "scale_v", 1.0, "prior sd of the item factors");
    const int biases = urn_option_choice(m, "biases", "no|yes", "a bias per user and item");
    const double scale_b = urn_option_real(m, "scale_b", 1.0, "prior sd of the biases");
    const int center = urn_option_choice(m, "center", "none|mean", "offset of all ratings");
    if (dim < 1) {
        urn_model_fail(m, "option \"dim\" must be at least 1: users and items need a factor");
        return;
    }
    if (!(noise > 0.0 && scale_u > 0.0 && scale_v > 0.0 && scale_b > 0.0)) {
        urn_model_fail(m, "options noise_scale, scale_u, scale_v and scale_b must be positive");
        return;
    }
    urn_plate ratings = urn_plate_rows(m, "ratings");
    urn_plate users = urn_plate_of(m, "user");
    urn_plate items = urn_plate_of(m, "item");
    urn_unique(ratings, "user,item");

    urn_var s = urn_real(m, noise);
    if (noise_free)
        s = urn_sample(m, "s", half_normal, .scale = urn_real(m, noise));
    urn_var U = urn_sample(m, "U", mvn, .loc = urn_fill(m, dim, loc_u),
                           .scale_tril = urn_eye(m, dim, scale_u), .plate = users);
    urn_var V = urn_sample(m, "V", mvn, .loc = urn_fill(m, dim, loc_v),
                           .scale_tril = urn_eye(m, dim, scale_v), .plate = items);

    urn_var user = urn_index(ratings, "user", users), item = urn_index(ratings, "item", items);
    urn_var mean = urn_row_dot(urn_gather(U, user), urn_gather(V, item));
    if (biases) {
        urn_var zero = urn_real(m, 0.0), sd = urn_real(m, scale_b);
        urn_var b = urn_sample(m, "bias_u", normal, .loc = zero, .scale = sd, .plate = users);
        urn_var c = urn_sample(m, "bias_v", normal, .loc = zero, .scale = sd, .plate = items);
        mean = urn_add(mean, urn_add(urn_gather(b, user), urn_gather(c, item)));
    }
    if (center)
        mean = urn_add(mean, urn_data_mean(ratings, "rating"));
    urn_observe(m, "R", normal, .value = urn_data(ratings, "rating"), .loc = mean, .scale = s,
                .plate = ratings);
}
URN_MODEL(pmf, "matrix factorisation, fixed priors");
