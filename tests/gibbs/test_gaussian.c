/* Gaussian blocks: what is taken by which way, and that each is the conditional of the joint
 * density. What is not affine is refused with a reason. */
#include "tests/gibbs/cases.h"

static urn_var R(urn_model *m, double x)
{
    return urn_real(m, x);
}

/* ---- one number ---- */

static void plain_mean(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .precision = R(m, 0.25));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .variance = R(m, 0.5),
                .plate = rows);
}

static void scaled_and_shifted(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .variance = R(m, 4.0));
    urn_var loc =
        urn_sub(urn_div(urn_scaled(urn_neg(mu), 3.0), urn_data(rows, "w")), urn_data(rows, "t"));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc,
                .scale = urn_data(rows, "w"), .plate = rows);
}

/* x + x - 2 x + x * 1 + x * 0 + 0: still x. */
static void coefficients_zero_and_one(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .scale = R(m, 2.0));
    urn_var twice = urn_sub(urn_add(mu, mu), urn_scaled(mu, 2.0));
    urn_var once = urn_add(urn_scaled(mu, 1.0), urn_scaled(mu, 0.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_shifted(urn_add(twice, once), 0.0), .scale = R(m, 0.7), .plate = rows);
}

/* On both sides: t - mu ~ N(w mu, 1). */
static void in_the_value_too(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .scale = R(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_sub(urn_data(rows, "t"), mu),
                .loc = urn_mul(mu, urn_data(rows, "w")), .scale = R(m, 0.7), .plate = rows);
}

static void flat_prior(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", improper_uniform, .plate = {0});
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .scale = R(m, 0.7),
                .plate = rows);
}

static void two_children(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 0.0), .scale = R(m, 2.0));
    urn_var a = urn_sample(m, "a", normal, .loc = mu, .scale = R(m, 0.4), .plate = g);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_add(mu, urn_gather(a, urn_index(rows, "g", g))), .scale = R(m, 0.7),
                .plate = rows);
}

/* ---- rows ---- */

static void two_effects(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g"), h = urn_plate_of(m, "h");
    urn_var zero = R(m, 0.0);
    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = R(m, 1.3), .plate = g);
    urn_var b = urn_sample(m, "b", normal, .loc = zero, .scale = R(m, 0.6), .plate = h);
    urn_var slope = urn_mul(urn_gather(b, urn_index(rows, "h", h)), urn_data(rows, "t"));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_add(urn_gather(a, urn_index(rows, "g", g)), slope), .scale = R(m, 0.7),
                .plate = rows);
}

/* Of the same rows twice: a_g + t a_g. */
static void an_index_used_twice(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var index = urn_index(rows, "g", g);
    urn_var a = urn_sample(m, "a", normal, .loc = R(m, 0.0), .scale = R(m, 1.3), .plate = g);
    urn_var again = urn_mul(urn_gather(a, index), urn_data(rows, "t"));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_add(urn_gather(a, index), again), .scale = R(m, 0.7), .plate = rows);
}

/* g and h are of one plate of five players. */
static void players(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), five = urn_plate_size(m, "player", 5);
    urn_var skill =
        urn_sample(m, "skill", normal, .loc = R(m, 0.2), .scale = R(m, 1.3), .plate = five);
    urn_var home = urn_gather(skill, urn_index(rows, "g", five));
    urn_var away = urn_gather(skill, urn_index(rows, "h", five));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_sub(home, urn_mul(away, urn_data(rows, "w"))), .scale = R(m, 0.7),
                .plate = rows);
}

static void vectors_of_players(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), five = urn_plate_size(m, "player", 5);
    urn_var skill = urn_sample(m, "skill", mvn, .loc = urn_fill(m, 3, 0.2),
                               .covariance = urn_eye(m, 3, 0.7), .plate = five);
    urn_var x = urn_data_columns(rows, "x*");
    urn_var home = urn_row_dot(urn_gather(skill, urn_index(rows, "g", five)), x);
    urn_var away = urn_row_dot(urn_gather(skill, urn_index(rows, "h", five)), x);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_sub(home, away),
                .scale = R(m, 0.7), .plate = rows);
}

/* ---- vectors ---- */

static urn_var correlated(urn_model *m)
{
    static const double l[9] = {1.2, 0.0, 0.0, 0.4, 0.9, 0.0, -0.3, 0.2, 0.7};
    return urn_matrix(m, 3, 3, l);
}

static void by_row_dot(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var beta =
        urn_sample(m, "beta", mvn, .loc = urn_fill(m, 3, 0.5), .scale_tril = correlated(m));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_row_dot(urn_data_columns(rows, "x*"), beta), .scale = R(m, 0.7),
                .plate = rows);
}

static void by_elements_of_a_normal(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data_columns(rows, "x*");
    urn_var beta = urn_sample(m, "beta", normal, .loc = urn_fill(m, 3, 0.5), .scale = R(m, 2.0));
    urn_var loc = urn_add(urn_element(beta, 0), urn_mul(urn_element(beta, 2), urn_element(x, 1)));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = R(m, 0.7),
                .plate = rows);
}

/* A matrix times the vector, and a part of it: found by evaluation. */
static void by_matvec(urn_model *m)
{
    static const double a[12] = {1, 2, 3, -1, 0.5, 0, 0.3, 0.2, 0.1, 4, -2, 1};
    urn_var beta =
        urn_sample(m, "beta", mvn, .loc = urn_fill(m, 3, 0.5), .precision_tril = correlated(m));
    static const double y[4] = {0.4, -0.2, 1.0, 2.0};
    urn_observe(m, "y", normal, .value = urn_vector(m, 4, y),
                .loc = urn_matvec(urn_matrix(m, 4, 3, a), beta), .scale = R(m, 0.7));
    urn_observe(m, "z", normal, .value = urn_vector(m, 2, y), .loc = urn_slice(beta, 1, 2),
                .scale = R(m, 0.4));
    urn_observe(m, "v", mvn, .value = urn_vector(m, 3, y),
                .loc = urn_matvec(correlated(m), urn_scaled(beta, -1.0)),
                .covariance = urn_eye(m, 3, 0.6));
}

/* The means of vectors: all of one precision, and of two families. */
static void means_of_vectors(urn_model *m)
{
    urn_plate g = urn_plate_of(m, "g"), h = urn_plate_of(m, "h");
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu =
        urn_sample(m, "mu", mvn, .loc = urn_fill(m, 3, 0.5), .precision = urn_eye(m, 3, 0.3));
    urn_var nu = urn_sample(m, "nu", normal, .loc = urn_fill(m, 3, 0.1), .scale = R(m, 2.0));
    urn_var u = urn_sample(m, "u", mvn, .loc = mu, .precision_tril = correlated(m), .plate = g);
    urn_var v = urn_sample(m, "v", normal, .loc = nu, .scale = R(m, 0.5), .plate = h);
    urn_var dot =
        urn_row_dot(urn_gather(u, urn_index(rows, "g", g)), urn_gather(v, urn_index(rows, "h", h)));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = dot, .scale = R(m, 0.7),
                .plate = rows);
}

/* Groups of vectors within groups; the inner ones are scaled by data of theirs. */
static void groups_of_vectors(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var mu = urn_sample(m, "mu", mvn, .loc = urn_fill(m, 3, 0.5), .scale_tril = correlated(m),
                            .plate = g);
    urn_var of_row = urn_gather(mu, urn_index(rows, "g", g));
    urn_observe(m, "x", mvn, .value = urn_data_columns(rows, "x*"), .loc = of_row,
                .scale_tril = correlated(m), .plate = rows);
    urn_observe(m, "twice", mvn, .value = urn_data_columns(rows, "x*"),
                .loc = urn_scaled(of_row, 2.0), .precision = urn_eye(m, 3, 0.8), .plate = rows);
}

/* ---- factors ---- */

typedef struct factors {
    urn_plate rows, users, items;
    urn_var u, v; /* gathered */
} factors;

static factors new_factors(urn_model *m)
{
    factors f = {.rows = urn_plate_rows(m, "rows"),
                 .users = urn_plate_of(m, "user"),
                 .items = urn_plate_of(m, "item")};
    urn_var U = urn_sample(m, "U", mvn, .loc = urn_fill(m, 2, 0.1),
                           .scale_tril = urn_eye(m, 2, 1.1), .plate = f.users);
    urn_var V = urn_sample(m, "V", normal, .loc = urn_fill(m, 2, 0.2), .scale = R(m, 0.8),
                           .plate = f.items);
    f.u = urn_gather(U, urn_index(f.rows, "user", f.users));
    f.v = urn_gather(V, urn_index(f.rows, "item", f.items));
    return f;
}

static void factors_and_biases(urn_model *m)
{
    factors f = new_factors(m);
    urn_var b = urn_sample(m, "b", normal, .loc = R(m, 0.0), .scale = R(m, 1.0), .plate = f.users);
    urn_var c = urn_sample(m, "c", normal, .loc = R(m, 0.0), .scale = R(m, 1.0), .plate = f.items);
    urn_var biases = urn_add(urn_gather(b, urn_index(f.rows, "user", f.users)),
                             urn_gather(c, urn_index(f.rows, "item", f.items)));
    urn_var loc = urn_shifted(urn_add(urn_row_dot(f.u, f.v), biases), 0.3);
    urn_observe(m, "r", normal, .value = urn_data(f.rows, "y"), .loc = loc,
                .scale = urn_data(f.rows, "w"), .plate = f.rows);
}

/* The sum of products in other words, with a weight a row, and a mask. */
static void weighted_factors(urn_model *m)
{
    factors f = new_factors(m);
    urn_var dot = urn_sum_event(urn_mul(f.u, f.v));
    urn_observe(m, "r", normal, .value = urn_data(f.rows, "y"),
                .loc = urn_mul(dot, urn_data(f.rows, "t")), .scale = R(m, 0.6), .plate = f.rows,
                .mask = urn_data(f.rows, "on"));
}

/* ---- what is not affine ---- */

static void squares(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .scale = R(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_mul(mu, mu),
                .scale = R(m, 0.7), .plate = rows);
}

static void norms(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), users = urn_plate_of(m, "user");
    urn_var U = urn_sample(m, "U", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1.0),
                           .plate = users);
    urn_var u = urn_gather(U, urn_index(rows, "user", users));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_row_dot(u, u),
                .scale = R(m, 0.7), .plate = rows);
}

static void location_and_scale(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .scale = R(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .scale = urn_exp(mu),
                .plate = rows);
}

static void through_a_link(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .scale = R(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_sigmoid(mu),
                .scale = R(m, 0.7), .plate = rows);
}

static void heavy_tails(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 1.0), .scale = R(m, 2.0));
    urn_observe(m, "y", student_t, .value = urn_data(rows, "y"), .df = R(m, 4.0), .loc = mu,
                .scale = R(m, 0.7), .plate = rows);
}

/* The mean over all rows of a plate enters each: no products row by row. */
static void centred(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var a = urn_sample(m, "a", normal, .loc = R(m, 0.0), .scale = R(m, 1.3), .plate = g);
    urn_var loc = urn_sub(urn_gather(a, urn_index(rows, "g", g)), urn_mean(a));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = R(m, 0.7),
                .plate = rows);
}

#define CLOSED(name)                                                                               \
    {                                                                                              \
        (name), "gaussian", "closed form", false, NULL                                             \
    }
#define SEQUENTIAL(name)                                                                           \
    {                                                                                              \
        (name), "gaussian", "closed form", true, NULL                                              \
    }
#define NO_RULE(name, reason)                                                                      \
    {                                                                                              \
        (name), NULL, NULL, false, (reason)                                                        \
    }

/* A user's factors and bias are one block, an item's too; two factors that multiply each other are
 * not. */
static void products_of_factors(urn_model *m)
{
    factors f = new_factors(m);
    urn_var W = urn_sample(m, "W", normal, .loc = urn_fill(m, 2, 0.2), .scale = R(m, 0.8),
                           .plate = f.users);
    urn_var w = urn_gather(W, urn_index(f.rows, "user", f.users));
    urn_observe(m, "r", normal, .value = urn_data(f.rows, "y"), .loc = urn_row_dot(f.u, w),
                .scale = R(m, 0.6), .plate = f.rows);
}

static void blocks_are_joined(void **state)
{
    (void)state;
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(factors_and_biases), data, URN_ROWS_TRAINING);
    urn__gibbs *g = derive(model, 1);
    assert_int_equal(g->n_blocks, 2);
    assert_ptr_equal(block_of_site(g, "U"), block_of_site(g, "b"));
    assert_ptr_equal(block_of_site(g, "V"), block_of_site(g, "c"));
    urn__gibbs_free(g);
    urn_model_free(model);
    model = trace_rows(CASE_DEF(products_of_factors), data, URN_ROWS_TRAINING);
    g = derive(model, 1);
    assert_ptr_not_equal(block_of_site(g, "U"), block_of_site(g, "W"));
    urn__gibbs_free(g);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void conditionals_are_those_of_the_joint_density(void **state)
{
    (void)state;
    urn_dataset *data = case_data();
    const gibbs_case cases[] = {
        {CASE_DEF(plain_mean), {CLOSED("mu")}},
        {CASE_DEF(scaled_and_shifted), {CLOSED("mu")}},
        {CASE_DEF(coefficients_zero_and_one), {CLOSED("mu")}},
        {CASE_DEF(in_the_value_too), {CLOSED("mu")}},
        {CASE_DEF(flat_prior), {CLOSED("mu")}},
        {CASE_DEF(two_children), {CLOSED("mu"), CLOSED("a")}},
        {CASE_DEF(two_effects), {CLOSED("a"), CLOSED("b")}},
        {CASE_DEF(an_index_used_twice), {CLOSED("a")}},
        {CASE_DEF(players), {SEQUENTIAL("skill")}},
        {CASE_DEF(vectors_of_players), {SEQUENTIAL("skill")}},
        {CASE_DEF(by_row_dot), {CLOSED("beta")}},
        {CASE_DEF(by_elements_of_a_normal), {CLOSED("beta")}},
        {CASE_DEF(by_matvec), {CLOSED("beta")}},
        {CASE_DEF(means_of_vectors), {CLOSED("mu"), CLOSED("nu"), CLOSED("u"), CLOSED("v")}},
        {CASE_DEF(groups_of_vectors), {CLOSED("mu")}},
        {CASE_DEF(factors_and_biases), {CLOSED("U"), CLOSED("V"), CLOSED("b"), CLOSED("c")}},
        {CASE_DEF(products_of_factors), {CLOSED("U"), CLOSED("W")}},
        {CASE_DEF(weighted_factors), {CLOSED("U"), CLOSED("V")}},
        {CASE_DEF(squares), {NO_RULE("mu", "through mul of it and itself")}},
        {CASE_DEF(norms), {NO_RULE("U", "through row_dot of it and itself")}},
        {CASE_DEF(location_and_scale), {NO_RULE("mu", "normal y.scale: through exp")}},
        {CASE_DEF(through_a_link), {NO_RULE("mu", "normal y.loc: through sigmoid")}},
        {CASE_DEF(heavy_tails), {NO_RULE("mu", "student_t y.loc: itself")}},
        {CASE_DEF(centred), {NO_RULE("a", "enters y by several rows")}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(&cases[i], data);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditionals_are_those_of_the_joint_density),
        cmocka_unit_test(blocks_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
