/* Matrix factorisation with biases: what a user makes of a film is the mean of all ratings, how
 * generous the user is, how good the film is, and how their tastes meet.
 *
 *     rating[i] ~ normal(mean + b_user[u] + b_film[f] + P[u] . Q[f], noise)
 *     b_user, b_film ~ normal(0, 1)   P, Q ~ mvn(0, 1/dim I)   noise ~ half_normal(2)
 *
 * Data: user, film (ids), rating.
 *
 *     urn fit examples/models/ratings.c --data examples/data/ratings.csv --set dim=2 --lr 0.1 \
 *         --schedule cosine --holdout 0.1
 */
#include <urn/urn.h>

static void ratings(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 2, "tastes");
    if (dim < 1) {
        urn_model_fail(m, "option \"dim\" must be at least 1");
        return;
    }
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user");
    urn_plate films = urn_plate_of(m, "film");
    urn_unique(rows, "user,film"); /* a second rating of a film by a user is an error */

    urn_var zero = urn_real(m, 0.0);
    urn_var one = urn_real(m, 1.0);
    urn_var zeros = urn_zeros(m, dim);
    urn_var precision = urn_eye(m, dim, (double)dim);
    urn_var b_user = urn_sample(m, "b_user", normal, .loc = zero, .scale = one, .plate = users);
    urn_var b_film = urn_sample(m, "b_film", normal, .loc = zero, .scale = one, .plate = films);
    urn_var P = urn_sample(m, "P", mvn, .loc = zeros, .precision = precision, .plate = users);
    urn_var Q = urn_sample(m, "Q", mvn, .loc = zeros, .precision = precision, .plate = films);
    urn_var noise = urn_sample(m, "noise", half_normal, .scale = urn_real(m, 2.0));

    urn_var user = urn_index(rows, "user", users);
    urn_var film = urn_index(rows, "film", films);
    urn_var tastes = urn_row_dot(urn_gather(P, user), urn_gather(Q, film));
    urn_var biases = urn_add(urn_gather(b_user, user), urn_gather(b_film, film));
    urn_var mean = urn_add(urn_data_mean(rows, "rating"), urn_add(biases, tastes));
    urn_observe(m, "rating", normal, .value = urn_data(rows, "rating"), .loc = mean, .scale = noise,
                .plate = rows);
}
URN_MODEL(ratings, "matrix factorisation with biases");
