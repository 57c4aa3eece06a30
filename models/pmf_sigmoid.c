#include <urn/urn.h>

/* Probabilistic matrix factorisation with means kept inside the range of the ratings
 * (Salakhutdinov and Mnih 2008, section 2).
 *
 *     R[i, j] ~ normal(low + (high - low) sigmoid(U[i] . V[j]), (high - low) s)
 *     U[i] ~ normal(0, scale_u)   V[j] ~ normal(0, scale_v)   in every factor
 *
 * This is the model of ratings brought to [0, 1] by (r - low) / (high - low), written so that
 * predictions and scores are ratings again; s is the noise on the [0, 1] scale. Ratings from half
 * a star to five use the defaults; low=0 divides them by five.
 *
 * Data: user, item (ids), rating. The noise s is noise_scale, 0.3 by default; with noise=free it is
 * the site "s" with prior half_normal(noise_scale), to which svi gives a distribution: under map a
 * free noise shrinks and the factors overfit. With scales=free the prior sds of the factors are the
 * sites "sigma_u" and "sigma_v" with priors half_normal(scale_u) and half_normal(scale_v). */
static void pmf_sigmoid(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 30, "latent factors per user and item");
    const int noise_free = urn_option_choice(m, "noise", "fixed|free", "is the noise inferred?");
    const double noise = urn_option_real(m, "noise_scale", 0.3, "noise sd, or its prior's scale");
    const double scale_u =
        urn_option_real(m, "scale_u", 0.3, "prior sd of the user factors, or its prior's");
    const double scale_v =
        urn_option_real(m, "scale_v", 0.3, "prior sd of the item factors, or its prior's");
    const int scales_free =
        urn_option_choice(m, "scales", "fixed|free", "are the factors' prior sds inferred?");
    const double low = urn_option_real(m, "low", 0.5, "the rating a sigmoid of 0 stands for");
    const double high = urn_option_real(m, "high", 5.0, "the rating a sigmoid of 1 stands for");
    if (dim < 1) {
        urn_model_fail(m, "option \"dim\" must be at least 1: users and items need a factor");
        return;
    }
    if (!(noise > 0.0 && scale_u > 0.0 && scale_v > 0.0)) {
        urn_model_fail(m, "options noise_scale, scale_u and scale_v must be positive");
        return;
    }
    if (!(low < high)) {
        urn_model_fail(m, "option \"low\" must be below \"high\": they are the ends of a range");
        return;
    }
    urn_plate ratings = urn_plate_rows(m, "ratings");
    urn_plate users = urn_plate_of(m, "user");
    urn_plate items = urn_plate_of(m, "item");
    urn_unique(ratings, "user,item");

    urn_var s = urn_real(m, noise);
    if (noise_free)
        s = urn_sample(m, "s", half_normal, .scale = urn_real(m, noise));
    urn_var zeros = urn_zeros(m, dim);
    urn_var tril_u = urn_eye(m, dim, scale_u), tril_v = urn_eye(m, dim, scale_v);
    if (scales_free) {
        static const char reason[] = "it is where a scale and all it scales are 0";
        urn_var sigma_u = urn_sample(m, "sigma_u", half_normal, .scale = urn_real(m, scale_u));
        urn_var sigma_v = urn_sample(m, "sigma_v", half_normal, .scale = urn_real(m, scale_v));
        urn_no_mode(m, sigma_u, reason);
        urn_no_mode(m, sigma_v, reason);
        tril_u = urn_mul(sigma_u, urn_eye(m, dim, 1.0));
        tril_v = urn_mul(sigma_v, urn_eye(m, dim, 1.0));
    }
    urn_var U = urn_sample(m, "U", mvn, .loc = zeros, .scale_tril = tril_u, .plate = users);
    urn_var V = urn_sample(m, "V", mvn, .loc = zeros, .scale_tril = tril_v, .plate = items);

    urn_var u = urn_gather(U, urn_index(ratings, "user", users));
    urn_var v = urn_gather(V, urn_index(ratings, "item", items));
    urn_var mean = urn_shifted(urn_scaled(urn_sigmoid(urn_row_dot(u, v)), high - low), low);
    urn_observe(m, "R", normal, .value = urn_data(ratings, "rating"), .loc = mean,
                .scale = urn_scaled(s, high - low), .plate = ratings);
}
URN_MODEL(pmf_sigmoid, "matrix factorisation, means inside the rating scale");
