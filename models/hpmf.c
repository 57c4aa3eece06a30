#include <urn/urn.h>

/* Probabilistic matrix factorisation with a learned user prior.
 *
 *     R[i, j] ~ normal(U[i] . V[j], obs_scale)
 *     U[i] ~ mvn(loc_u, precision L L^T)      L = tril_u ~ lkj_cholesky(2), loc_u ~ mvn(0, 25 I)
 *     V[j] ~ mvn(0, I)                        obs_scale ~ inverse_gamma(1, 1)
 *
 * Data: user, item (ids), rating. prior=notebook is the model as first published: it hands L itself
 * over as a precision matrix, of which its library used the diagonal only. U[i] then has covariance
 * diag(1 / L_kk), and the correlations in L do nothing. Keep it for comparison with those figures.
 */
static void hpmf(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 5, "latent factors per user and item");
    const int notebook = urn_option_choice(m, "prior", "hierarchical|notebook", "user prior");
    const int center = urn_option_choice(m, "center", "none|mean", "offset of all ratings");
    if (dim < 1) {
        urn_model_fail(m, "option \"dim\" must be at least 1: users and items need a factor");
        return;
    }
    urn_plate ratings = urn_plate_rows(m, "ratings"); /* the rows of the table     */
    urn_plate users = urn_plate_of(m, "user");        /* the ids in column "user"  */
    urn_plate items = urn_plate_of(m, "item");
    urn_unique(ratings, "user,item");

    urn_var zeros = urn_zeros(m, dim);
    urn_var wide = urn_eye(m, dim, 1.0 / 25.0);
    urn_var loc_u = urn_sample(m, "loc_u", mvn, .loc = zeros, .precision = wide);
    urn_var tril_u =
        urn_sample(m, "tril_u", lkj_cholesky, .size = dim, .concentration = urn_real(m, 2.0));
    urn_var noise = urn_sample(m, "obs_scale", inverse_gamma, .shape = urn_real(m, 1.0),
                               .rate = urn_real(m, 1.0));

    urn_var U;
    if (notebook) {
        urn_var sd = urn_reciprocal(urn_sqrt(urn_diagonal(tril_u)));
        U = urn_sample(m, "U", mvn, .loc = loc_u, .scale_tril = urn_diagonal_matrix(sd),
                       .plate = users);
    } else {
        U = urn_sample(m, "U", mvn, .loc = loc_u, .precision_tril = tril_u, .plate = users);
    }
    urn_var V =
        urn_sample(m, "V", mvn, .loc = zeros, .precision = urn_eye(m, dim, 1.0), .plate = items);

    urn_var u = urn_gather(U, urn_index(ratings, "user", users));
    urn_var v = urn_gather(V, urn_index(ratings, "item", items));
    urn_var mean = urn_row_dot(u, v);
    if (center)
        mean = urn_add(mean, urn_data_mean(ratings, "rating"));
    urn_observe(m, "R", normal, .value = urn_data(ratings, "rating"), .loc = mean, .scale = noise,
                .plate = ratings);
}
URN_MODEL(hpmf, "matrix factorisation, hierarchical user prior");
