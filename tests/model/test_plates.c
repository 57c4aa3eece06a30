/* What is said about plates that mix, indices that point elsewhere, handles that come from nowhere,
 * and ops on the wrong shapes. */
#include "tests/model/refusal.h"

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
        cmocka_unit_test(plates),
        cmocka_unit_test(handles),
        cmocka_unit_test(ops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
