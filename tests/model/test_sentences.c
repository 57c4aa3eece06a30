/* What is said about sentences that make no sense: message, hint, site and line. */
#include "tests/model/model_test.h"

static int line; /* of the sentence that must fail; 0: the error knows the file only */

#define NEXT (line = __LINE__ + 1)

typedef struct refusal {
    void (*model)(urn_model *m);
    const char *site, *message, *hint;
} refusal;

static const double ones[4] = {1, 1, 1, 1}, halves[4] = {0.5, 0.5, 0.5, 0.5};
static const int64_t ids[4] = {1, 2, 3, 4};

static urn_dataset *two_plates(void)
{
    urn_dataset *data = rows_new(4);
    rows_real(data, "y", ones);
    rows_real(data, "x1", ones);
    rows_real(data, "x2", halves);
    rows_int(data, "user", ids);
    rows_int(data, "item", ids);
    return data;
}

static void check_refusal(const refusal *r)
{
    urn_dataset *data = two_plates();
    const urn_model_def def = {.bytes = sizeof def,
                               .abi = URN_ABI_VERSION,
                               .name = "broken",
                               .file = __FILE__,
                               .trace = r->model};
    const urn_trace_options options = trace_options(data);
    failure expected = {
        .status = URN_ERR_MODEL, .message = r->message, .hint = r->hint, .site = r->site};
    line = 0;
    check_failure(&def, &options, &expected);
    expected.line = line;
    expected.where = line == 0 ? __FILE__ : NULL;
    check_failure(&def, &options, &expected);
    urn_dataset_free(data);
}

#define CHECK(function, ...) check_refusal(&(refusal){.model = function, __VA_ARGS__})

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

/* ---- plates ---- */

static urn_var over(urn_model *m, const char *name, urn_plate plate)
{
    return urn_sample(m, name, normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1),
                      .plate = plate);
}

static void mixed_plates(urn_model *m)
{
    urn_var u = over(m, "u", urn_plate_of(m, "user"));
    urn_var v = over(m, "v", urn_plate_of(m, "item"));
    urn_var sum = urn_add(u, v);
    NEXT;
    urn_sample(m, "a", normal, .loc = sum, .scale = urn_real(m, 1));
}

static void loc_of_another_plate(urn_model *m)
{
    urn_var u = over(m, "u", urn_plate_of(m, "user"));
    NEXT;
    urn_sample(m, "a", normal, .loc = u, .scale = urn_real(m, 1), .plate = urn_plate_of(m, "item"));
}

static void loc_over_a_plate_without_plate(urn_model *m)
{
    urn_var u = over(m, "u", urn_plate_of(m, "user"));
    NEXT;
    urn_sample(m, "a", normal, .loc = u, .scale = urn_real(m, 1));
}

static void not_gathered(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var u = over(m, "u", urn_plate_of(m, "user"));
    NEXT;
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = u, .scale = urn_real(m, 1),
                .plate = rows);
}

static void wrong_target(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    urn_var u = over(m, "u", users);
    urn_var at = urn_gather(u, urn_index(rows, "item", items));
    NEXT;
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = at, .scale = urn_real(m, 1),
                .plate = rows);
}

static void gathered_by_a_value(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var u = over(m, "u", urn_plate_of(m, "user"));
    urn_var at = urn_gather(u, urn_data(rows, "user"));
    NEXT;
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = at, .scale = urn_real(m, 1),
                .plate = rows);
}

static void index_as_a_value(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var at = urn_add(urn_index(rows, "user", urn_plate_of(m, "user")), urn_real(m, 1));
    NEXT;
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = at, .scale = urn_real(m, 1),
                .plate = rows);
}

static void index_as_a_parameter(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var index = urn_index(rows, "user", urn_plate_of(m, "user"));
    NEXT;
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = index, .scale = urn_real(m, 1),
                .plate = rows);
}

static void index_as_observed(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var index = urn_index(rows, "user", urn_plate_of(m, "user"));
    NEXT;
    urn_observe(m, "y", normal, .value = index, .loc = urn_real(m, 0), .scale = urn_real(m, 1),
                .plate = rows);
}

static void index_as_a_record(urn_model *m)
{
    urn_record(m, "i", urn_index(urn_plate_rows(m, "rows"), "user", urn_plate_of(m, "user")));
}

static void index_into_a_nest(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate nest = urn_plate_nest(urn_plate_of(m, "user"), urn_plate_of(m, "item"));
    (void)urn_index(rows, "user", nest);
}

static void index_without_target(urn_model *m)
{
    (void)urn_index(urn_plate_rows(m, "rows"), "user", (urn_plate){0});
}

static void index_of_no_rows(urn_model *m)
{
    urn_plate users = urn_plate_of(m, "user");
    (void)urn_index(users, "user", users);
}

static void data_of_no_rows(urn_model *m)
{
    (void)urn_data(urn_plate_of(m, "user"), "y");
}

static void deep_nest(urn_model *m)
{
    urn_plate p = urn_plate_size(m, "a", 2);
    p = urn_plate_nest(p, urn_plate_size(m, "b", 2));
    p = urn_plate_nest(p, urn_plate_size(m, "c", 2));
    (void)urn_plate_nest(p, urn_plate_size(m, "d", 2));
}

static void nest_in_itself(urn_model *m)
{
    urn_plate p = urn_plate_size(m, "a", 2);
    (void)urn_plate_nest(p, p);
}

static void plate_of_no_rows(urn_model *m)
{
    (void)urn_plate_size(m, "k", 0);
}

static void plate_of_two_sizes(urn_model *m)
{
    (void)urn_plate_size(m, "k", 3);
    (void)urn_plate_size(m, "k", 3);
    (void)urn_plate_size(m, "k", 4);
}

static void sum_over_another_plate(urn_model *m)
{
    urn_var u = over(m, "u", urn_plate_of(m, "user"));
    (void)urn_sum_over(u, urn_plate_of(m, "item"));
}

static void mask_of_another_plate(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1),
               .mask = urn_data(rows, "y"), .plate = urn_plate_of(m, "user"));
}

static void mask_of_halves(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_observe(m, "a", normal, .value = urn_data(rows, "y"), .loc = urn_real(m, 0),
                .scale = urn_real(m, 1), .mask = urn_data(rows, "x2"), .plate = rows);
}

static void plates(void **state)
{
    (void)state;
    CHECK(mixed_plates, .site = "a",
          .message =
              "add of user[4] and item[4]: the plates mix; one side's plates must be among the "
              "other's (gather one through an index, or nest the plates)");
    CHECK(loc_of_another_plate, .site = "a",
          .message = "(normal): loc has shape user[4], which does not fit the site's plates "
                     "item[4]",
          .hint = "declare the site in that plate with .plate, or index the value with urn_gather");
    CHECK(loc_over_a_plate_without_plate, .site = "a",
          .message = "(normal): loc has shape user[4], which does not fit the site's plates "
                     "(none)");
    CHECK(not_gathered, .site = "y",
          .message = "(normal): loc has shape user[4], which does not fit the site's plates "
                     "rows[4]");
    CHECK(wrong_target, .site = "y",
          .message = "gather of user[4] and rows[4]: the index points into plate \"item\", but the "
                     "value has another plate; index it through urn_index(rows, column, <the plate "
                     "of the value>)");
    CHECK(gathered_by_a_value, .site = "y",
          .message = "gather of user[4] and rows[4]: input 2 must come from urn_index");
    CHECK(index_as_a_value, .site = "y",
          .message = "an op got what urn_index returned, which serves urn_gather only");
    CHECK(index_as_a_parameter, .site = "y",
          .message = "(normal): .loc is what urn_index returned, which serves urn_gather only");
    CHECK(index_as_observed, .site = "y",
          .message = "(normal): .value is what urn_index returned, which serves urn_gather only");
    CHECK(index_as_a_record, .site = "i",
          .message = "(value): .value is what urn_index returned, which serves urn_gather only");
    CHECK(index_into_a_nest, .site = "",
          .message = "urn_index into plate \"user/item\", which is nested");
    CHECK(index_without_target, .site = "",
          .message = "urn_index of column \"user\" needs a target plate");
    CHECK(index_of_no_rows, .site = "",
          .message = "an index column of a plate that is not the rows of a table",
          .hint = "give it the plate that urn_plate_rows returned");
    CHECK(data_of_no_rows, .site = "",
          .message = "a column of a plate that is not the rows of a table");
    CHECK(deep_nest, .site = "",
          .message = "plates \"a/b/c\" and \"d\" nest to 4 levels; at most 3 are allowed");
    CHECK(nest_in_itself, .site = "", .message = "plate \"a\" is nested in itself");
    CHECK(plate_of_no_rows, .site = "", .message = "plate \"k\" has size 0",
          .hint = "give it at least one row");
    CHECK(plate_of_two_sizes, .site = "", .message = "plate \"k\" has size 4 here and 3 before",
          .hint = "give every plate its own name");
    CHECK(sum_over_another_plate, .site = "",
          .message = "urn_sum_over plate \"item\" of a value without that plate");
    CHECK(mask_of_another_plate, .site = "a", .hint = "give 0/1 data over the site's plate",
          .message = "(normal): mask has shape rows[4]; the site's plates are user[4]");
    CHECK(mask_of_halves, .site = "a", .hint = "give 0/1 data over the site's plate",
          .message = "(normal): mask is 0.5 at row 0; it must be 0 or 1");
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

/* ---- handles ---- */

static void dim_zero(urn_model *m)
{
    urn_var zeros = urn_zeros(m, 0);
    NEXT;
    urn_sample(m, "a", mvn, .loc = zeros, .scale_tril = urn_eye(m, 0, 1));
}

static void eye_zero(urn_model *m)
{
    urn_var loc = urn_zeros(m, 2);
    NEXT;
    urn_sample(m, "a", mvn, .loc = loc, .scale_tril = urn_eye(m, 0, 1));
}

static void handle_of_no_model(urn_model *m)
{
    NEXT;
    urn_sample(m, "a", normal, .loc = (urn_var){.id = 1}, .scale = urn_real(m, 1));
}

static urn_model *elsewhere; /* another model; traced before */

static void handle_of_another_model(urn_model *m)
{
    urn_var one = urn_real(m, 1);
    NEXT;
    urn_sample(m, "a", normal, .loc = (urn_var){.model = elsewhere, .id = 1}, .scale = one);
}

static void op_on_two_models(urn_model *m)
{
    urn_var sum = urn_add(urn_real(m, 1), (urn_var){.model = elsewhere, .id = 1});
    NEXT;
    urn_sample(m, "a", normal, .loc = sum, .scale = urn_real(m, 1));
}

static void op_on_nothing(urn_model *m)
{
    urn_var sum = urn_add(urn_real(m, 1), (urn_var){0});
    NEXT;
    urn_sample(m, "a", normal, .loc = sum, .scale = urn_real(m, 1));
}

static void handle_past_the_end(urn_model *m)
{
    urn_var one = urn_real(m, 1);
    NEXT;
    urn_sample(m, "a", normal, .loc = (urn_var){.model = m, .id = 1000}, .scale = one);
}

static void plate_of_another_model(urn_model *m)
{
    urn_var one = urn_real(m, 1);
    NEXT;
    urn_sample(m, "a", normal, .loc = one, .scale = one,
               .plate = (urn_plate){.model = elsewhere, .id = 1});
}

static void plate_of_no_model(urn_model *m)
{
    urn_var one = urn_real(m, 1);
    NEXT;
    urn_sample(m, "a", normal, .loc = one, .scale = one, .plate = (urn_plate){.id = 1});
}

static void array_over_another_models_plate(urn_model *m)
{
    (void)urn_data_array(m, "a", (urn_plate){.model = elsewhere, .id = 1});
}

static void failed_by_the_model(urn_model *m)
{
    urn_model_fail(m, "options a and b exclude each other");
    urn_sample(m, "a", normal, .loc = urn_real(m, 0));
}

static void one_plate(urn_model *m)
{
    over(m, "a", urn_plate_size(m, "k", 2));
}

static void handles(void **state)
{
    (void)state;
    elsewhere = trace_data(DEF(one_plate), NULL);
    CHECK(dim_zero, .site = "a", .message = "a vector of size 0", .hint = "sizes start at 1");
    CHECK(eye_zero, .site = "a", .message = "a matrix of size 0", .hint = "sizes start at 1");
    CHECK(handle_of_no_model, .site = "a", .message = "(normal): .loc is a handle without a model",
          .hint = "pass what a call of this model returned");
    CHECK(handle_of_another_model, .site = "a",
          .message = "(normal): .loc is a handle of another model");
    CHECK(op_on_two_models, .site = "a", .message = "an op got handles of two models");
    CHECK(op_on_nothing, .site = "a",
          .message = "an op got a handle that is all zeros: a value that was never set");
    CHECK(handle_past_the_end, .site = "a",
          .message = "(normal): .loc is a handle that no call returned");
    CHECK(plate_of_another_model, .site = "a",
          .message = "(normal): .plate is a plate of another model");
    CHECK(plate_of_no_model, .site = "a", .message = "(normal): .plate is a plate without a model");
    CHECK(array_over_another_models_plate, .site = "",
          .message = "urn_data_array of \"a\" got a plate of another model");
    CHECK(failed_by_the_model, .site = "", .message = "options a and b exclude each other");
    urn_model_free(elsewhere);
}

/* ---- ops ---- */

static void op_dims(urn_model *m)
{
    urn_record(m, "a", urn_matmul(urn_eye(m, 2, 1), urn_eye(m, 3, 1)));
}

static void op_of_vectors(urn_model *m)
{
    urn_factor(m, "a", urn_add(urn_zeros(m, 2), urn_zeros(m, 3)));
}

static void element_past_the_end(urn_model *m)
{
    (void)urn_element(urn_zeros(m, 3), 3);
}

static void slice_past_the_end(urn_model *m)
{
    (void)urn_slice(urn_zeros(m, 3), 2, 2);
}

static void cholesky_of_a_vector(urn_model *m)
{
    (void)urn_cholesky(urn_zeros(m, 3));
}

static void ops(void **state)
{
    (void)state;
    CHECK(op_dims, .site = "a",
          .message = "matmul of 2 x 2 and 3 x 3: the inner dims are 2 and 3; they must be equal");
    CHECK(op_of_vectors, .site = "a",
          .message = "add of 2 and 3: the event dims do not match; they must be equal, or 1, from "
                     "the right");
    CHECK(element_past_the_end, .site = "",
          .message =
              "slice of 3: elements 3 to 3 were asked for, but the last dim has 3 (0-based)");
    CHECK(slice_past_the_end, .site = "",
          .message =
              "slice of 3: elements 2 to 3 were asked for, but the last dim has 3 (0-based)");
    CHECK(cholesky_of_a_vector, .site = "",
          .message = "cholesky of 3: input 1 must be a matrix (two event dims)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_sites),  cmocka_unit_test(parameter_words),
        cmocka_unit_test(event_dims),      cmocka_unit_test(plates),
        cmocka_unit_test(observed_values), cmocka_unit_test(constant_parameters),
        cmocka_unit_test(handles),         cmocka_unit_test(ops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
