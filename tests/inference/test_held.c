/* Targets over some of a model's sites: differences and gradients are those of the whole model. */
#include "tests/inference/models.h"

enum { N = 12, GROUPS = 4, MOST = 16 };

/* noise and spread positive, level over groups; `limit` depends on nothing but spread. */
static void levels(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), group = urn_plate_of(m, "group");
    urn_var zero = urn_real(m, 0.0), two = urn_real(m, 2.0);
    urn_var spread = urn_sample(m, "spread", half_normal, .scale = two);
    urn_var limit = urn_sample(m, "limit", uniform, .low = zero, .high = spread);
    urn_var level = urn_sample(m, "level", normal, .loc = limit, .scale = spread, .plate = group);
    urn_var noise = urn_sample(m, "noise", half_normal, .scale = two);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(level, urn_index(rows, "group", group)), .scale = noise,
                .plate = rows);
}
URN_MODEL(levels, "group levels");

static const char *const names[] = {"spread", "limit", "level", "noise"};
enum { SPREAD = 1, LIMIT = 2, LEVEL = 4, NOISE = 8, ALL = 15 };

static scene new_scene(void)
{
    static double group[N], y[N];
    static const char *const columns[] = {"group", "y"};
    const double *const values[] = {group, y};
    for (int i = 0; i < N; i++) {
        group[i] = i % GROUPS;
        y[i] = sin(3.0 * i);
    }
    scene s = {.data = dataset_of(N, columns, values, 2)};
    s.model = trace_rows(urn_model_levels(), s.data, URN_ROWS_TRAINING);
    return s;
}

static void open_held(urn__model_target *mt, const urn_model *model, int free_sites)
{
    urn_error error = {0};
    bool held[8] = {false};
    for (int k = 0; k < 4; k++)
        held[urn_model_site_find(model, names[k])] = !(free_sites >> k & 1);
    assert_ok(urn__model_target_describe_held(mt, model, free_sites == ALL ? NULL : held,
                                              URN_PRECISION_DOUBLE, NULL, &error),
              &error);
    assert_ok(urn__model_target_compile(mt, false, NULL, 1, &error), &error);
    assert_ok(urn__model_target_open(mt, &error), &error);
}

static void fill(double *x, int n, double phase)
{
    for (int i = 0; i < n; i++)
        x[i] = 0.7 * sin(1.3 * i + phase);
}

/* Every subset of the sites, at two states: what is held enters through the state alone. */
static void subsets_are_slices(void **unused)
{
    (void)unused;
    scene s = new_scene();
    urn__model_target whole, part;
    open_held(&whole, s.model, ALL);
    const int n = (int)whole.target.size;
    assert_int_equal(n, 3 + GROUPS);
    for (int sites = 1; sites < ALL; sites++) {
        open_held(&part, s.model, sites);
        for (int round = 0; round < 2; round++) {
            double a[MOST], b[MOST], x[MOST], ga[MOST], g[MOST], shown[MOST];
            fill(a, n, round);
            memcpy(b, a, sizeof a);
            urn__model_target_hold(&part, a);
            urn__model_target_gather(&part, a, x);
            const double at_a = urn__target_log_density(&part.target, x, g);
            const double whole_a = urn__target_log_density(&whole.target, a, ga);
            urn__model_target_gather(&part, ga, shown);
            for (int64_t i = 0; i < part.target.size; i++)
                assert_close(g[i], shown[i], 1e-12 * (1.0 + fabs(g[i])));
            for (int64_t i = 0; i < part.target.size; i++)
                x[i] += 0.1 * (double)(i + 1);
            urn__model_target_scatter(&part, x, b);
            const double rise = urn__target_log_density(&part.target, x, NULL) - at_a;
            const double want = urn__target_log_density(&whole.target, b, NULL) - whole_a;
            assert_true(fabs(want) > 1e-6);
            assert_close(rise, want, 1e-12 * (1.0 + fabs(whole_a)));
        }
        urn__model_target_close(&part);
    }
    urn__model_target_close(&whole);
    scene_clear(&s);
}

/* Blocks have no gaps, and terms that say nothing about them are left out. */
static void only_what_matters_is_computed(void **unused)
{
    (void)unused;
    scene s = new_scene();
    urn__model_target part;
    open_held(&part, s.model, NOISE);
    assert_int_equal(part.target.size, 1);
    assert_int_equal(part.target.n_blocks, 1);
    assert_string_equal(part.target.blocks[0].name, "noise");
    assert_int_equal(part.target.blocks[0].offset, 0);
    double a[MOST], x = 0.2, other;
    fill(a, 3 + GROUPS, 0.0);
    urn__model_target_hold(&part, a);
    const double first = urn__target_log_density(&part.target, &x, NULL);
    a[0] += 1.0; /* spread: enters the priors of limit and level only */
    urn__model_target_hold(&part, a);
    other = urn__target_log_density(&part.target, &x, NULL);
    assert_true(first == other);
    a[2] += 1.0; /* a level */
    urn__model_target_hold(&part, a);
    other = urn__target_log_density(&part.target, &x, NULL);
    assert_true(first != other);
    /* noise ~ half_normal(2), with the Jacobian, and y: all that is left, checked by hand */
    double sum = log(2.0) - 0.5 * LOG_2PI - log(2.0) - exp(2.0 * x) / 8.0 + x;
    for (int i = 0; i < N; i++) {
        const double z = (sin(3.0 * i) - a[2 + i % GROUPS]) / exp(x);
        sum -= 0.5 * z * z + x + 0.5 * LOG_2PI;
    }
    assert_close(other, sum, 1e-12 * fabs(sum));
    urn__model_target_close(&part);
    scene_clear(&s);
}

/* Labels z of the rows, which pick their mean: held, they are values of the state. */
static void labelled(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var weight =
        urn_sample(m, "weight", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0));
    urn_var z = urn_sample(m, "z", bernoulli, .logits = weight, .plate = rows);
    urn_var shift =
        urn_sample(m, "shift", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 3.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_mul(z, shift),
                .scale = urn_real(m, 0.5), .plate = rows);
}
URN_MODEL(labelled, "labels that pick the mean");

static void discrete_sites_are_held(void **unused)
{
    (void)unused;
    enum { ROWS = 5 };
    const double y[ROWS] = {2.0, 0.1, 1.7, -0.3, 0.4};
    scene s = scene_y(urn_model_labelled(), ROWS, y);
    bool held[4] = {false};
    urn__model_target mt;
    urn_error error = {0};
    held[urn_model_site_find(s.model, "z")] = true;
    assert_int_equal(urn_model_state_size(s.model), 2 + ROWS);
    assert_ok(
        urn__model_target_describe_held(&mt, s.model, held, URN_PRECISION_DOUBLE, NULL, &error),
        &error);
    assert_ok(urn__require_continuous("test", &mt.target, &error), &error);
    assert_ok(urn__model_target_compile(&mt, false, NULL, 1, &error), &error);
    assert_ok(urn__model_target_open(&mt, &error), &error);
    const double states[2][2 + ROWS] = {{0.3, 1.5, 1, 0, 1, 0, 0}, {-0.4, 0.9, 0, 1, 1, 1, 0}};
    for (int k = 0; k < 2; k++) {
        const double *x = states[k], *z = x + 2;
        double g[2], sum = -0.5 * x[0] * x[0] - x[1] * x[1] / 18.0 - log(3.0) - LOG_2PI;
        double slope[2] = {-x[0], -x[1] / 9.0};
        urn__model_target_hold(&mt, x);
        for (int i = 0; i < ROWS; i++) {
            const double off = (y[i] - z[i] * x[1]) / 0.5;
            sum += z[i] * x[0] - log1p(exp(x[0])) - 0.5 * off * off - log(0.5) - 0.5 * LOG_2PI;
            slope[0] += z[i] - 1.0 / (1.0 + exp(-x[0]));
            slope[1] += z[i] * off / 0.5;
        }
        assert_close(urn__target_log_density(&mt.target, x, g), sum, 1e-12 * fabs(sum));
        assert_close(g[0], slope[0], 1e-12);
        assert_close(g[1], slope[1], 1e-11);
    }
    urn__model_target_close(&mt);
    scene_clear(&s);
}

static void messages_name_the_site(void **unused)
{
    (void)unused;
    scene s = new_scene();
    urn__model_target part;
    open_held(&part, s.model, LEVEL);
    double a[MOST], x[MOST];
    fill(a, 3 + GROUPS, 0.0);
    urn__model_target_hold(&part, a);
    urn__model_target_gather(&part, a, x);
    x[1] = HUGE_VAL;
    urn_error error = {0};
    assert_int_equal(urn__target_fail_density(&part.target, x, "here", &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "level"));
    assert_null(part.target.centre);
    urn__model_target_close(&part);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subsets_are_slices),
        cmocka_unit_test(only_what_matters_is_computed),
        cmocka_unit_test(discrete_sites_are_held),
        cmocka_unit_test(messages_name_the_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
