/* Log densities of small models of one kind of sentence each, against formulas written out here. */
#include "tests/model/density_test.h"

enum { N = 13, GROUPS = 4 };

static double y_real[N], y_positive[N], y_count[N], y_bit[N], y_category[N], x_one[N], x_two[N],
    y_mask[N];
static int64_t group[N];

static urn_dataset *all_columns(void)
{
    dice d = {7};
    urn_dataset *data = rows_new(N);
    dice_normals(&d, N, 2.0, y_real);
    dice_normals(&d, N, 1.0, x_one);
    dice_normals(&d, N, 1.0, x_two);
    for (int i = 0; i < N; i++) {
        y_positive[i] = exp(dice_normal(&d));
        y_count[i] = (double)dice_below(&d, 9);
        y_bit[i] = (double)dice_below(&d, 2);
        y_category[i] = (double)dice_below(&d, 3);
        y_mask[i] = i % 3 != 1;
        group[i] = 10 * dice_below(&d, GROUPS);
    }
    group[2] = 0, group[3] = 10, group[4] = 20, group[5] = 30;
    rows_real(data, "y", y_real);
    rows_real(data, "p", y_positive);
    rows_real(data, "count", y_count);
    rows_real(data, "bit", y_bit);
    rows_real(data, "category", y_category);
    rows_real(data, "x1", x_one);
    rows_real(data, "x2", x_two);
    rows_real(data, "mask", y_mask);
    rows_int(data, "group", group);
    return data;
}

static void check(const urn_model_def *def, formula *expected)
{
    urn_dataset *data = all_columns();
    check_model_density(def, data, expected);
    urn_dataset_free(data);
}

/* ---- scalars of every positive family, and what is observed through them ---- */

static void scalars(urn_model *m)
{
    urn_var one = urn_real(m, 1.3), two = urn_real(m, 2.1);
    urn_sample(m, "normal", normal, .loc = one, .scale = two);
    urn_sample(m, "variance", normal, .loc = one, .variance = two);
    urn_sample(m, "precision", normal, .loc = one, .precision = two);
    urn_sample(m, "half_normal", half_normal, .scale = two);
    urn_sample(m, "half_cauchy", half_cauchy, .scale = two);
    urn_sample(m, "gamma", gamma, .shape = two, .rate = one);
    urn_sample(m, "inverse_gamma", inverse_gamma, .shape = two, .rate = one);
    urn_sample(m, "exponential", exponential, .rate = two);
    urn_sample(m, "log_normal", log_normal, .loc = one, .scale = two);
    urn_sample(m, "uniform", uniform, .low = urn_real(m, -1), .high = two);
    urn_sample(m, "student_t", student_t, .df = urn_real(m, 4.5), .loc = one, .scale = two);
}

static double scalars_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double a = 1.3, b = 2.1, s = sigmoid(f[9]);
    double lp = lp_normal(f[0], a, b) + lp_normal(f[1], a, sqrt(b)) +
                lp_normal(f[2], a, 1.0 / sqrt(b)) + lp_student_t(f[10], 4.5, a, b);
    lp += lp_half_normal(exp(f[3]), b) + lp_half_cauchy(exp(f[4]), b) + lp_gamma(exp(f[5]), b, a);
    lp += lp_inverse_gamma(exp(f[6]), b, a) + lp_exponential(exp(f[7]), b);
    lp += lp_log_normal(exp(f[8]), a, b);
    for (int i = 3; i <= 8; i++)
        lp += f[i];
    return lp + log(1.0 / (b + 1.0)) + log((b + 1.0) * s * (1.0 - s));
}

static void scalar_sites_of_every_family(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(scalars), NULL);
    assert_int_equal(urn_model_position_size(model), 11);
    check_density(model, &(density_case){.expected = scalars_by_hand, .spread = 0.7});
    urn_model_free(model);
}

/* ---- parameters of every kind get their gradients ---- */

static void hyper(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", log_normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var b = urn_sample(m, "b", gamma, .shape = urn_real(m, 3), .rate = a);
    urn_var c = urn_sample(m, "c", normal, .loc = urn_log(b), .variance = a);
    urn_var p = urn_data(rows, "p"), y = urn_data(rows, "y");
    urn_observe(m, "o1", gamma, .value = p, .shape = a, .rate = b, .plate = rows);
    urn_observe(m, "o2", inverse_gamma, .value = p, .shape = b, .rate = a, .plate = rows);
    urn_observe(m, "o3", exponential, .value = p, .rate = b, .plate = rows);
    urn_observe(m, "o4", log_normal, .value = p, .loc = c, .scale = a, .plate = rows);
    urn_observe(m, "o5", student_t, .value = y, .df = b, .loc = c, .scale = a, .plate = rows);
    urn_observe(m, "o6", poisson, .value = urn_data(rows, "count"), .rate = b, .plate = rows);
    urn_observe(m, "o7", bernoulli, .value = urn_data(rows, "bit"), .logits = c, .plate = rows);
    urn_observe(m, "o8", half_normal, .value = p, .scale = a, .plate = rows);
    urn_observe(m, "o9", half_cauchy, .value = p, .scale = b, .plate = rows);
    urn_observe(m, "o10", normal, .value = y, .loc = c, .precision = b, .plate = rows);
}

static double hyper_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double a = exp(f[0]), b = exp(f[1]), c = f[2];
    double lp = lp_log_normal(a, 0, 1) + f[0] + lp_gamma(b, 3, a) + f[1];
    lp += lp_normal(c, log(b), sqrt(a));
    for (int i = 0; i < N; i++) {
        const double p = y_positive[i], y = y_real[i];
        lp += lp_gamma(p, a, b) + lp_inverse_gamma(p, b, a) + lp_exponential(p, b);
        lp += lp_log_normal(p, c, a) + lp_student_t(y, b, c, a) + lp_poisson(y_count[i], b);
        lp += lp_bernoulli_logits(y_bit[i], c) + lp_half_normal(p, a) + lp_half_cauchy(p, b);
        lp += lp_normal(y, c, 1.0 / sqrt(b));
    }
    return lp;
}

static void observed_sites_of_every_family(void **state)
{
    (void)state;
    urn_dataset *data = all_columns();
    urn_model *model = trace_data(DEF(hyper), data);
    assert_int_equal(urn_model_observation_count(model), 10 * N);
    check_density(model, &(density_case){.expected = hyper_by_hand, .spread = 0.4});
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- plates, indexed from the rows ---- */

static void groups(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var tau = urn_sample(m, "tau", half_normal, .scale = urn_real(m, 2));
    urn_var theta =
        urn_sample(m, "theta", normal, .loc = urn_real(m, 0.5), .scale = tau, .plate = of);
    urn_var noise = urn_sample(m, "noise", exponential, .rate = urn_real(m, 0.7), .plate = of);
    urn_var g = urn_index(rows, "group", of);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_add(urn_gather(theta, g), urn_data(rows, "x1")),
                .scale = urn_gather(noise, g), .plate = rows);
}

static double groups_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double tau = exp(f[0]), *theta = f + 1, *noise = f + 1 + GROUPS;
    double lp = lp_half_normal(tau, 2) + f[0];
    for (int g = 0; g < GROUPS; g++)
        lp += lp_normal(theta[g], 0.5, tau) + lp_exponential(exp(noise[g]), 0.7) + noise[g];
    for (int i = 0; i < N; i++) {
        const int64_t g = group[i] / 10;
        lp += lp_normal(y_real[i], theta[g] + x_one[i], exp(noise[g]));
    }
    return lp;
}

static void plates_of_ids(void **state)
{
    (void)state;
    check(DEF(groups), groups_by_hand);
}

/* ---- a nest of plates: parameters of the outer, the inner, both ---- */

static void nest(urn_model *m)
{
    urn_plate outer = urn_plate_size(m, "outer", 3), inner = urn_plate_size(m, "inner", 2);
    urn_plate both = urn_plate_nest(outer, inner);
    urn_var zero = urn_real(m, 0), one = urn_real(m, 1);
    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = one, .plate = outer);
    urn_var s = urn_sample(m, "s", log_normal, .loc = zero, .scale = one, .plate = inner);
    urn_var c = urn_sample(m, "c", normal, .loc = a, .scale = s, .plate = both);
    urn_var d = urn_sample(m, "d", gamma, .shape = urn_exp(c), .rate = s, .plate = both);
    urn_factor(m, "penalty", urn_neg(urn_square(urn_sum_over(urn_log(d), inner))));
}

static double nest_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double *a = f, *s = f + 3, *c = f + 5, *d = f + 11;
    double lp = 0;
    for (int j = 0; j < 2; j++)
        lp += lp_log_normal(exp(s[j]), 0, 1) + s[j];
    for (int i = 0; i < 3; i++) {
        lp += lp_normal(a[i], 0, 1);
        double sum = 0;
        for (int j = 0; j < 2; j++) {
            const int k = 2 * i + j;
            lp += lp_normal(c[k], a[i], exp(s[j])) + d[k];
            lp += lp_gamma(exp(d[k]), exp(c[k]), exp(s[j]));
            sum += d[k];
        }
        lp -= sum * sum;
    }
    return lp;
}

static void nested_plates(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(nest), NULL);
    const urn_site_info c = info_of(model, "c");
    assert_int_equal(c.n_dims, 2);
    assert_int_equal(c.n_plates, 2);
    assert_string_equal(c.plates[0], "outer");
    assert_string_equal(c.plates[1], "inner");
    assert_int_equal(c.rows, 6);
    check_density(model, &(density_case){.expected = nest_by_hand, .spread = 0.5});
    urn_model_free(model);
}

/* ---- vectors: a regression with coefficients in an event dim ---- */

static void vector(urn_model *m)
{
    static const double loc[2] = {0.5, -1};
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data_columns(rows, "x*");
    urn_var w = urn_sample(m, "w", normal, .loc = urn_vector(m, 2, loc), .scale = urn_real(m, 3));
    urn_var s = urn_sample(m, "s", half_cauchy, .scale = urn_fill(m, 2, 1.5));
    urn_var v = urn_record(m, "v", urn_mul(w, s));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_row_dot(x, v),
                .scale = urn_element(s, 1), .plate = rows);
    urn_observe(m, "both", normal, .value = x, .loc = w, .scale = s, .plate = rows);
}

static double vector_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double s[2] = {exp(f[2]), exp(f[3])};
    double lp = lp_normal(f[0], 0.5, 3) + lp_normal(f[1], -1, 3);
    for (int k = 0; k < 2; k++)
        lp += lp_half_cauchy(s[k], 1.5) + f[2 + k];
    for (int i = 0; i < N; i++) {
        const double mean = x_one[i] * f[0] * s[0] + x_two[i] * f[1] * s[1];
        lp += lp_normal(y_real[i], mean, s[1]);
        lp += lp_normal(x_one[i], f[0], s[0]) + lp_normal(x_two[i], f[1], s[1]);
    }
    return lp;
}

static void event_vectors(void **state)
{
    (void)state;
    check(DEF(vector), vector_by_hand);
}

/* ---- bounds that are latent ---- */

static void bounds(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", 3);
    urn_var low = urn_sample(m, "low", normal, .loc = urn_real(m, -2), .scale = urn_real(m, 1));
    urn_var width = urn_sample(m, "width", log_normal, .loc = urn_real(m, 0),
                               .scale = urn_real(m, 1), .plate = k);
    urn_sample(m, "x", uniform, .low = low, .high = urn_add(low, width), .plate = k);
    urn_sample(m, "z", uniform, .low = low, .high = urn_shifted(low, 2));
}

static double bounds_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double lp = lp_normal(f[0], -2, 1);
    for (int i = 0; i < 3; i++) {
        const double width = exp(f[1 + i]), s = sigmoid(f[4 + i]);
        lp += lp_log_normal(width, 0, 1) + f[1 + i];
        lp += log(gsl_ran_flat_pdf(f[0] + width * s, f[0], f[0] + width));
        lp += log(width * s * (1 - s));
    }
    const double s = sigmoid(f[7]);
    return lp + log(0.5) + log(2 * s * (1 - s));
}

static void latent_bounds(void **state)
{
    (void)state;
    check(DEF(bounds), bounds_by_hand);
}

/* ---- categories ---- */

static void categories(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var logits = urn_sample(m, "logits", normal, .loc = urn_zeros(m, 3),
                                .scale = urn_real(m, 1), .plate = of);
    urn_observe(m, "c", categorical, .value = urn_data(rows, "category"),
                .logits = urn_gather(logits, urn_index(rows, "group", of)), .plate = rows);
}

static double categories_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double lp = 0;
    for (int k = 0; k < 3 * GROUPS; k++)
        lp += lp_normal(f[k], 0, 1);
    for (int i = 0; i < N; i++) {
        const double *g = f + 3 * (group[i] / 10);
        lp += g[(int)y_category[i]] - log(exp(g[0]) + exp(g[1]) + exp(g[2]));
    }
    return lp;
}

static void shared_categories(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var logits =
        urn_sample(m, "logits", normal, .loc = urn_zeros(m, 4), .scale = urn_real(m, 1));
    urn_observe(m, "c", categorical, .value = urn_data(rows, "category"), .logits = logits,
                .plate = rows, .mask = urn_data(rows, "mask"));
    urn_observe(m, "d", categorical, .value = urn_data(rows, "bit"), .logits = logits,
                .plate = rows);
}

static double shared_categories_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double lp = 0, sum = 0;
    for (int k = 0; k < 4; k++) {
        lp += lp_normal(f[k], 0, 1);
        sum += exp(f[k]);
    }
    for (int i = 0; i < N; i++)
        lp += y_mask[i] * (f[(int)y_category[i]] - log(sum)) + f[(int)y_bit[i]] - log(sum);
    return lp;
}

static void categories_with_logits_by_row(void **state)
{
    (void)state;
    check(DEF(categories), categories_by_hand);
}

static void categories_with_logits_for_all(void **state)
{
    (void)state;
    check(DEF(shared_categories), shared_categories_by_hand);
}

/* ---- masks: hidden rows count nothing, whatever their argument ---- */

static void masked(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mask = urn_data(rows, "mask");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var r =
        urn_sample(m, "r", normal, .loc = a, .scale = urn_real(m, 1), .plate = rows, .mask = mask);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = r, .scale = urn_exp(a),
                .plate = rows, .mask = mask);
    urn_observe(m, "xs", mvn, .value = urn_data_columns(rows, "x*"), .loc = urn_fill(m, 2, 0.1),
                .scale_tril = urn_diagonal_matrix(urn_exp(urn_stack(a, a))), .plate = rows,
                .mask = mask);
    urn_observe(m, "e", exponential, .value = urn_data(rows, "y"), .rate = urn_exp(a),
                .plate = rows, .mask = urn_data(rows, "none"));
}

static double masked_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double lp = lp_normal(f[0], 0, 1);
    for (int i = 0; i < N; i++) {
        if (y_mask[i] < 1)
            continue;
        lp += lp_normal(f[1 + i], f[0], 1) + lp_normal(y_real[i], f[1 + i], exp(f[0]));
        lp += lp_normal(x_one[i], 0.1, exp(f[0])) + lp_normal(x_two[i], 0.1, exp(f[0]));
    }
    return lp;
}

static void masks(void **state)
{
    (void)state;
    urn_dataset *data = all_columns();
    const double none[N] = {0};
    rows_real(data, "none", none);
    check_model_density(DEF(masked), data, masked_by_hand);
    urn_dataset_free(data);
}

/* ---- factor, param, delta, improper priors, records ---- */

static void rest(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), k = urn_plate_size(m, "k", 2);
    urn_var flat = urn_sample(m, "flat", improper_uniform, .low = urn_real(m, 0));
    urn_var free = urn_sample(m, "free", improper_uniform, .plate = k);
    urn_var c = urn_param(m, "c", 0.25, 0, (urn_plate){0});
    urn_var cs = urn_param(m, "cs", 1, 2, k);
    urn_var fixed = urn_sample(m, "fixed", delta, .loc = urn_add(c, flat));
    urn_record(m, "twice", urn_scaled(fixed, 2));
    urn_factor(m, "f", urn_mul(urn_sum_event(urn_sin(cs)), free));
    urn_factor(m, "g", urn_neg(urn_square(urn_sub(urn_data(rows, "y"), fixed))));
}

static double rest_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double flat = exp(f[0]), fixed = f[3] + flat;
    double lp = f[0]; /* the Jacobian alone */
    for (int k = 0; k < 2; k++)
        lp += (sin(f[4 + 2 * k]) + sin(f[5 + 2 * k])) * f[1 + k];
    for (int i = 0; i < N; i++)
        lp -= (y_real[i] - fixed) * (y_real[i] - fixed);
    return lp;
}

static void factors_params_and_points(void **state)
{
    (void)state;
    check(DEF(rest), rest_by_hand);
}

/* ---- a site used twice, and one not used ---- */

static void shared(urn_model *m)
{
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var b = urn_sample(m, "b", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_factor(m, "f", urn_add(urn_mul(a, b), urn_mul(a, b)));
    urn_factor(m, "g", urn_add(a, b));
    urn_param(m, "idle", 3, 2, (urn_plate){0});
}

static double shared_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    return lp_normal(f[0], 0, 1) + lp_normal(f[1], 0, 1) + 2 * f[0] * f[1] + f[0] + f[1];
}

static void shared_and_idle_sites(void **state)
{
    (void)state;
    check(DEF(shared), shared_by_hand);
}

/* ---- nothing at all ---- */

static void nothing(urn_model *m)
{
    (void)m;
}

static void a_model_without_sites(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(nothing), NULL);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double g[1] = {5};
    assert_int_equal(urn_model_position_size(model), 0);
    assert_true(urn_replay_log_density(d.replay, g, g) == 0);
    assert_true(urn_replay_log_density(d.replay, g, NULL) == 0);
    assert_true(g[0] == 5);
    machine_clear(&d);
    urn_model_free(model);
}

/* ---- without the Jacobian ---- */

static double scalars_no_jacobian(const double *f)
{
    double lp = scalars_by_hand(NULL, f);
    const double s = sigmoid(f[9]);
    for (int i = 3; i <= 8; i++)
        lp -= f[i];
    return lp - log(3.1 * s * (1 - s));
}

static void densities_without_jacobian(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(scalars), NULL);
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_DENSITY, .no_jacobian = true};
    machine d = machine_with(model, &options, 1);
    dice numbers = {3};
    double f[11], g[11];
    for (int round = 0; round < 5; round++) {
        dice_normals(&numbers, 11, 0.6, f);
        const double expected = scalars_no_jacobian(f);
        assert_near(urn_replay_log_density(d.replay, f, g), expected, 1e-12, "log density");
        assert_near(urn_replay_log_density(d.replay, f, NULL), expected, 1e-12, "value");
    }
    machine_clear(&d);
    urn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalar_sites_of_every_family),
        cmocka_unit_test(observed_sites_of_every_family),
        cmocka_unit_test(plates_of_ids),
        cmocka_unit_test(nested_plates),
        cmocka_unit_test(event_vectors),
        cmocka_unit_test(latent_bounds),
        cmocka_unit_test(categories_with_logits_by_row),
        cmocka_unit_test(categories_with_logits_for_all),
        cmocka_unit_test(masks),
        cmocka_unit_test(factors_params_and_points),
        cmocka_unit_test(shared_and_idle_sites),
        cmocka_unit_test(a_model_without_sites),
        cmocka_unit_test(densities_without_jacobian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
