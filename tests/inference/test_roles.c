/* The parts sites play in a model: factors, what turns with them, noise. */
#include "tests/inference/models.h"

#include "runtime/model/roles.h"

const urn_model_def *urn_model_hpmf(void);
const urn_model_def *urn_model_pmf_sigmoid(void);
const urn_model_def *urn_model_bpmf(void);

/* Factors with a recorded half, whose distribution hangs on axes of two levels. */
static void non_centred(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    urn_var zero = urn_zeros(m, 2), one = urn_eye(m, 2, 1.0);
    urn_var top = urn_sample(m, "top", mvn, .loc = zero, .scale_tril = one);
    urn_var mid = urn_sample(m, "mid", mvn, .loc = top, .scale_tril = one);
    urn_var z = urn_sample(m, "z", mvn, .loc = zero, .scale_tril = one, .plate = users);
    urn_var U = urn_record(m, "U", urn_add(mid, z));
    urn_var V = urn_sample(m, "V", mvn, .loc = zero, .scale_tril = one, .plate = items);
    urn_var bias = urn_sample(m, "bias", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0),
                              .plate = items);
    urn_var s = urn_sample(m, "s", half_normal, .scale = urn_real(m, 1.0));
    urn_var item = urn_index(rows, "item", items);
    urn_var loc = urn_row_dot(urn_gather(U, urn_index(rows, "user", users)), urn_gather(V, item));
    urn_observe(m, "y", normal, .value = urn_data(rows, "rating"),
                .loc = urn_add(loc, urn_gather(bias, item)), .variance = urn_exp(s), .plate = rows);
}
URN_MODEL(non_centred, "recorded factors");

static urn_dataset *ratings(void)
{
    static const char *const names[] = {"user", "item", "rating"};
    static const double user[] = {1, 2, 2, 3}, item[] = {1, 1, 2, 2}, rating[] = {3, 4, 5, 1};
    const double *const columns[] = {user, item, rating};
    return dataset_in("", 4, names, columns, 3);
}

typedef struct expected {
    const char *site;
    unsigned role;
} expected;

static void assert_roles(const urn_model_def *def, const urn_setting *settings, size_t n_settings,
                         const char *a, const char *b, const expected *wanted, size_t n)
{
    urn_dataset *data = ratings();
    urn_error error = {0};
    const urn_trace_options options = {
        .bytes = sizeof options, .data = data, .settings = settings, .n_settings = n_settings};
    urn_model *model;
    unsigned roles[32];
    int x, y;
    assert_ok(urn_model_trace(def, &options, &model, &error), &error);
    assert_ok(urn__model_roles(model, roles, &error), &error);
    for (size_t i = 0; i < n; i++) {
        const int site = urn_model_site_find(model, wanted[i].site);
        assert_true(site >= 0);
        if (roles[site] != wanted[i].role)
            fail_msg("%s has role %u", wanted[i].site, roles[site]);
    }
    assert_true(urn__model_factors(model, 0, &x, &y));
    assert_int_equal(x, urn_model_site_find(model, a));
    assert_int_equal(y, urn_model_site_find(model, b));
    assert_false(urn__model_factors(model, 1, &x, &y));
    urn_model_free(model);
    urn_dataset_free(data);
}

static void factors_and_axes(void **state)
{
    (void)state;
    const expected hpmf[] = {{"U", URN__ROLE_FACTOR},        {"V", URN__ROLE_FACTOR},
                             {"loc_u", URN__ROLE_AXES},      {"tril_u", URN__ROLE_AXES},
                             {"obs_scale", URN__ROLE_NOISE}, {"R", 0}};
    assert_roles(urn_model_hpmf(), NULL, 0, "U", "V", hpmf, N_OF(hpmf));
    const expected other[] = {{"U", URN__ROLE_FACTOR}, {"V", URN__ROLE_FACTOR},
                              {"z", URN__ROLE_AXES},   {"mid", URN__ROLE_AXES},
                              {"top", URN__ROLE_AXES}, {"bias", 0},
                              {"s", URN__ROLE_NOISE}};
    assert_roles(urn_model_non_centred(), NULL, 0, "U", "V", other, N_OF(other));
}

static void options_change_parts(void **state)
{
    (void)state;
    const urn_setting free_noise[] = {{"noise", "free"}, {"biases", "yes"}};
    const expected sigmoid[] = {{"s", URN__ROLE_NOISE}, {"U", URN__ROLE_FACTOR}};
    assert_roles(urn_model_pmf_sigmoid(), free_noise, 1, "U", "V", sigmoid, N_OF(sigmoid));
    const expected bpmf[] = {{"lam_u", URN__ROLE_AXES},  {"mu_u", URN__ROLE_AXES},
                             {"lam_v", URN__ROLE_AXES},  {"mu_v", URN__ROLE_AXES},
                             {"alpha", URN__ROLE_NOISE}, {"bias_u", 0}};
    assert_roles(urn_model_bpmf(), free_noise, 2, "U", "V", bpmf, N_OF(bpmf));
}

static void models_without_factors(void **state)
{
    (void)state;
    const double y[2] = {1.0, 2.0};
    scene s = scene_y(urn_model_normal_mean(), 2, y);
    unsigned roles[8];
    int a, b;
    urn_error error = {0};
    assert_ok(urn__model_roles(s.model, roles, &error), &error);
    assert_int_equal(roles[0], 0);
    assert_false(urn__model_factors(s.model, 0, &a, &b));
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_and_axes),
        cmocka_unit_test(options_change_parts),
        cmocka_unit_test(models_without_factors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
