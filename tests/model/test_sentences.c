/* What is said about sentences that make no sense: message, hint, site and line. */
#include "tests/model/refusal.h"

/* ---- names ---- */

static void same_name(urn_model *m)
{
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_sample(m, "a", normal, .loc = urn_real(m, 0)); /* the first error stays */
}

static void same_name_of_record(urn_model *m)
{
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_record(m, "a", a);
}

static void no_name(urn_model *m)
{
    NEXT;
    urn_sample(m, "", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
}

static void long_name(urn_model *m)
{
    NEXT;
    urn_sample(m, "a234567890123456789012345678901234567890123456789012345678901234", normal,
               .loc = urn_real(m, 0), .scale = urn_real(m, 1));
}

static void names_of_sites(void **state)
{
    (void)state;
    urn_error error = {0};
    urn_model *model;
    const urn_trace_options options = trace_options(NULL);
    CHECK(same_name, .site = "a", .hint = "give every site its own name");
    assert_int_equal(urn_model_trace(DEF(same_name), &options, &model, &error), URN_ERR_MODEL);
    char expected[512];
    (void)snprintf(expected, sizeof expected, "(normal): the name is taken by the site at %s:%d",
                   __FILE__, line - 2);
    assert_string_equal(error.message, expected);
    CHECK(same_name_of_record, .site = "a", .hint = "give every site its own name");
    CHECK(no_name, .site = "", .message = "(normal): a site's name must have 1 to 63 bytes");
    CHECK(long_name, .message = "(normal): a site's name must have 1 to 63 bytes");
}

/* ---- parameter words ---- */

static void unknown_word(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .rate = urn_real(m, 1));
}

static void unknown_word_of_mvn(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale = urn_real(m, 1));
}

static void scale_and_precision(urn_model *m)
{
    urn_var one = urn_real(m, 1);
    NEXT;
    urn_sample(m, "a", normal, .loc = one, .scale = one, .precision = one);
}

static void variance_and_precision(urn_model *m)
{
    urn_var one = urn_real(m, 1);
    NEXT;
    urn_sample(m, "a", normal, .loc = one, .variance = one, .precision = one);
}

static void tril_and_covariance(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1),
               .covariance = urn_eye(m, 2, 1));
}

static void precision_tril_and_scale_tril(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1),
               .precision_tril = urn_eye(m, 2, 1));
}

static void missing_scale(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0));
}

static void missing_matrix(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2));
}

static void missing_logits(urn_model *m)
{
    NEXT;
    urn_observe(m, "a", bernoulli, .value = urn_real(m, 1));
}

static void parameter_words(void **state)
{
    (void)state;
    CHECK(unknown_word, .site = "a", .message = "(normal): it has no parameter rate",
          .hint = "normal takes loc, scale (or variance, precision)");
    CHECK(unknown_word_of_mvn, .site = "a", .message = "(mvn): it has no parameter scale",
          .hint = "mvn takes loc, scale_tril (or covariance), precision_tril (or precision)");
    CHECK(scale_and_precision, .site = "a", .hint = "keep one of them",
          .message = "(normal): scale and precision are two parameterisations of the same thing");
    CHECK(variance_and_precision, .site = "a", .hint = "keep one of them",
          .message = "(normal): variance and precision are two parameterisations of the same "
                     "thing");
    CHECK(tril_and_covariance, .site = "a", .hint = "keep one of them",
          .message = "(mvn): covariance and scale_tril are two parameterisations of the same "
                     "thing");
    CHECK(precision_tril_and_scale_tril, .site = "a", .hint = "keep one of them",
          .message = "(mvn): scale_tril and precision_tril are two parameterisations of the same "
                     "thing");
    CHECK(missing_scale, .site = "a", .message = "(normal): parameter scale is missing",
          .hint = "normal takes loc, scale (or variance, precision)");
    CHECK(missing_matrix, .site = "a",
          .message = "(mvn): parameter scale_tril or precision_tril is missing",
          .hint = "mvn takes loc, scale_tril (or covariance), precision_tril (or precision)");
    CHECK(missing_logits, .site = "a", .message = "(bernoulli): parameter logits is missing",
          .hint = "bernoulli takes logits (or probs)");
}

/* ---- event dims ---- */

static void four_and_five(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 4), .scale_tril = urn_eye(m, 5, 1));
}

static void not_square(urn_model *m)
{
    const double v[6] = {1, 0, 0, 0, 1, 0};
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_matrix(m, 2, 3, v));
}

static void covariance_of_other_size(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .covariance = urn_eye(m, 3, 1));
}

static void scalar_loc(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_real(m, 0), .scale_tril = urn_eye(m, 2, 1));
}

static void vector_tril(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_fill(m, 2, 1));
}

static void vectors_of_two_lengths(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_zeros(m, 2), .scale = urn_fill(m, 3, 1));
}

static void size_of_a_scalar(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1), .size = 3);
}

static void size_against_loc(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1), .size = 3);
}

static void no_size(urn_model *m)
{
    NEXT;
    urn_sample(m, "L", lkj_cholesky, .concentration = urn_real(m, 2));
}

static void size_below_one(urn_model *m)
{
    NEXT;
    urn_sample(m, "L", lkj_cholesky, .concentration = urn_real(m, 2), .size = -1);
}

static void too_many_dims(urn_model *m)
{
    urn_plate a = urn_plate_size(m, "a", 2), b = urn_plate_size(m, "b", 2);
    urn_plate nest = urn_plate_nest(urn_plate_nest(a, b), urn_plate_size(m, "c", 2));
    NEXT;
    urn_sample(m, "L", lkj_cholesky, .concentration = urn_real(m, 2), .size = 2, .plate = nest);
}

static void event_dims(void **state)
{
    (void)state;
    CHECK(four_and_five, .site = "a",
          .message = "(mvn): loc has 4 elements but scale_tril is 5 x 5; both need the same last "
                     "dimension");
    CHECK(not_square, .site = "a",
          .message = "(mvn): loc has 2 elements but scale_tril is 2 x 3; both need the same last "
                     "dimension");
    CHECK(covariance_of_other_size, .site = "a",
          .message = "(mvn): loc has 2 elements but covariance is 3 x 3; both need the same last "
                     "dimension");
    CHECK(scalar_loc, .site = "a", .message = "(mvn): loc must be a vector; its shape is scalar");
    CHECK(vector_tril, .site = "a",
          .message = "(mvn): scale_tril must be a matrix; its shape is 2");
    CHECK(vectors_of_two_lengths, .site = "a",
          .message = "(normal): scale has shape 3, which does not fit the site's shape 2");
    CHECK(size_of_a_scalar, .site = "a", .hint = "use a plate for several of them",
          .message = "(normal): .size is 3, but the family is of single numbers");
    CHECK(size_against_loc, .site = "a", .message = "(mvn): .size is 3, but loc has 2 elements");
    CHECK(no_size, .site = "L", .hint = "set .size",
          .message = "(lkj_cholesky): .size is 0; at least 1 is needed");
    CHECK(size_below_one, .site = "L",
          .message = "(lkj_cholesky): .size is -1; at least 1 is needed");
    CHECK(too_many_dims, .site = "L",
          .message = "(lkj_cholesky): the site would have 5 dims; at most 4 are allowed");
}

/* ---- observed values ---- */

static void value_of_another_shape(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_observe(m, "y", normal, .value = urn_data_columns(rows, "x*"), .loc = urn_real(m, 0),
                .scale = urn_real(m, 1));
}

static void value_too_small(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_observe(m, "y", normal, .value = urn_real(m, 0), .loc = urn_real(m, 0),
                .scale = urn_real(m, 1), .plate = rows);
}

static void scalar_value_of_mvn(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_observe(m, "y", mvn, .value = urn_data(rows, "y"), .loc = urn_zeros(m, 2),
                .scale_tril = urn_eye(m, 2, 1), .plate = rows);
}

static void no_value(urn_model *m)
{
    NEXT;
    urn_observe(m, "y", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
}

static void sampled_value(urn_model *m)
{
    NEXT;
    urn_sample(m, "y", normal, .value = urn_real(m, 0), .loc = urn_real(m, 0),
               .scale = urn_real(m, 1));
}

static void observed_values(void **state)
{
    (void)state;
    CHECK(value_of_another_shape, .site = "y",
          .message = "(normal): value has shape rows[4] x 2, which does not fit the site's plates "
                     "(none)");
    CHECK(value_too_small, .site = "y",
          .message = "(normal): value has shape scalar, the site rows[4]",
          .hint = "an observed value must have exactly the shape of its site");
    CHECK(scalar_value_of_mvn, .site = "y",
          .message = "(mvn): value has shape rows[4], the site rows[4] x 2");
    CHECK(no_value, .site = "y", .message = "(normal): urn_observe needs .value");
    CHECK(sampled_value, .site = "y",
          .message = "(normal): urn_sample takes no .value; use urn_observe");
}

/* ---- constant parameters ---- */

static void scale_zero(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 0));
}

static void scale_negative(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, -1));
}

static void precision_negative(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .precision = urn_real(m, -2));
}

static void loc_not_finite(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, HUGE_VAL), .scale = urn_real(m, 1));
}

static void tril_zero(urn_model *m)
{
    const double v[4] = {1, 0, 3, 0};
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_matrix(m, 2, 2, v));
}

static void tril_full(urn_model *m)
{
    const double v[4] = {1, 0.5, 3, 1};
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .precision_tril = urn_matrix(m, 2, 2, v));
}

static void covariance_not_definite(urn_model *m)
{
    const double v[4] = {1, 2, 2, 1};
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .covariance = urn_matrix(m, 2, 2, v));
}

static void covariance_not_symmetric(urn_model *m)
{
    const double v[4] = {1, 0.5, 0.2, 1};
    NEXT;
    urn_sample(m, "a", mvn, .loc = urn_zeros(m, 2), .covariance = urn_matrix(m, 2, 2, v));
}

static void low_above_high(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", uniform, .low = urn_real(m, 2), .high = urn_real(m, 1));
}

static void constant_parameters(void **state)
{
    (void)state;
    CHECK(scale_zero, .site = "a", .message = "(normal): scale is 0; it must be positive");
    CHECK(scale_negative, .site = "a", .message = "(normal): scale is -1; it must be positive");
    CHECK(precision_negative, .site = "a",
          .message = "(normal): precision is -2; it must be positive");
    CHECK(loc_not_finite, .site = "a", .message = "(normal): loc is inf; it must be finite");
    CHECK(tril_zero, .site = "a",
          .message = "(mvn): scale_tril must be lower triangular with a positive diagonal; element "
                     "1, 1 is 0");
    CHECK(tril_full, .site = "a",
          .message = "(mvn): precision_tril must be lower triangular with a positive diagonal; "
                     "element 0, 1 is 0.5");
    CHECK(covariance_not_definite, .site = "a",
          .message = "(mvn): covariance is not positive definite");
    CHECK(covariance_not_symmetric, .site = "a",
          .message = "(mvn): covariance is not symmetric: element 0, 1 is 0.5 and 1, 0 is 0.2");
    CHECK(low_above_high, .site = "a",
          .message = "(uniform): low is 2 and high is 1; low must be below high");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_sites),  cmocka_unit_test(parameter_words),
        cmocka_unit_test(event_dims),

        cmocka_unit_test(observed_values), cmocka_unit_test(constant_parameters),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
