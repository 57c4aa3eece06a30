/* Programs that give values: VALUES and its inverse, CENTRE, SIMULATE. */
#include "tests/model/density_test.h"

#include <gsl/gsl_cdf.h>

static const double *result(const machine *v, const urn_model *model, const char *site)
{
    const double *value = urn_replay_result(v->replay, site_of(model, site), URN_RESULT_VALUE);
    if (value == NULL)
        fail_msg("site %s has no value", site);
    return value;
}

/* ---- VALUES ---- */

static void every_support(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", 4), j = urn_plate_size(m, "j", 3);
    urn_var zero = urn_real(m, 0), one = urn_real(m, 1);
    urn_var a = urn_sample(m, "real", normal, .loc = zero, .scale = one, .plate = k);
    urn_var b =
        urn_sample(m, "positive", gamma, .shape = one, .rate = one, .plate = urn_plate_nest(k, j));
    urn_sample(m, "between", uniform, .low = urn_real(m, -2), .high = urn_fill(m, 2, 5),
               .plate = k);
    urn_sample(m, "above", improper_uniform, .low = one);
    urn_sample(m, "below", improper_uniform, .high = one);
    urn_sample(m, "vector", mvn, .loc = urn_zeros(m, 3), .scale_tril = urn_eye(m, 3, 1),
               .plate = j);
    urn_sample(m, "tril", lkj_cholesky, .size = 4, .concentration = one, .plate = j);
    urn_param(m, "param", 0.5, 2, j);
    urn_record(m, "record", urn_add(a, urn_sum_over(urn_log(b), j)));
    urn_sample(m, "delta", delta, .loc = urn_exp(a), .plate = k);
}

static const char *const with_coordinates[] = {"real",  "positive", "between", "above",
                                               "below", "vector",   "tril",    "param"};

static void values_and_their_inverse(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(every_support), NULL);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    const int64_t n = urn_model_position_size(model);
    double *x = doubles(n), *back = doubles(n);
    dice d = {8};
    for (int round = 0; round < 20; round++) {
        urn_error error = {0};
        dice_normals(&d, n, 1.0, x);
        urn_replay_run(v.replay, x);
        for (size_t k = 0; k < N_OF(with_coordinates); k++) {
            const urn_site_info info = info_of(model, with_coordinates[k]);
            const double *value = result(&v, model, with_coordinates[k]);
            assert_ok(urn_model_unconstrain(model, site_of(model, with_coordinates[k]), value,
                                            back + info.offset, &error),
                      &error);
        }
        for (int64_t i = 0; i < n; i++)
            assert_near(back[i], x[i], 1e-9, "coordinate");
        const double *real = result(&v, model, "real"), *b = result(&v, model, "positive"),
                     *record = result(&v, model, "record"), *delta = result(&v, model, "delta");
        for (int i = 0; i < 4; i++) {
            const double sum = log(b[3 * i]) + log(b[3 * i + 1]) + log(b[3 * i + 2]);
            assert_near(record[i], real[i] + sum, 1e-13, "record");
            assert_near(delta[i], exp(real[i]), 1e-14, "delta");
            assert_true(real[i] == x[i]);
        }
        assert_true(result(&v, model, "above")[0] > 1 && result(&v, model, "below")[0] < 1);
    }
    free(x), free(back);
    machine_clear(&v);
    urn_model_free(model);
}

static void coordinates_lie_one_after_another(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(every_support), NULL);
    static const int64_t sizes[] = {4, 12, 8, 1, 1, 9, 18, 6};
    static const int64_t elements[] = {4, 12, 8, 1, 1, 9, 48, 6};
    int64_t offset = 0;
    for (size_t k = 0; k < N_OF(with_coordinates); k++) {
        const urn_site_info info = info_of(model, with_coordinates[k]);
        assert_int_equal(info.offset, offset);
        assert_int_equal(info.free_size, sizes[k]);
        assert_int_equal(info.size, elements[k]);
        offset += info.free_size;
    }
    assert_int_equal(urn_model_position_size(model), offset);
    assert_int_equal(info_of(model, "record").offset, -1);
    assert_int_equal(info_of(model, "record").role, URN_SITE_RECORDED);
    assert_int_equal(info_of(model, "param").role, URN_SITE_PARAM);
    urn_model_free(model);
}

static void check_not_unconstrained(const urn_model *model, const char *site, const double *value,
                                    urn_status status, const char *message)
{
    double to[64];
    urn_error error = {0};
    const int at = site == NULL ? 99 : site_of(model, site);
    assert_int_equal(urn_model_unconstrain(model, at, value, to, &error), status);
    assert_int_equal(error.status, status);
    check_text("the message", error.message, message);
    check_text("the site", error.site, site == NULL ? "" : site);
}

static void discrete(urn_model *m)
{
    urn_sample(m, "z", bernoulli, .logits = urn_real(m, 0));
    urn_var top = urn_sample(m, "top", exponential, .rate = urn_real(m, 1));
    urn_sample(m, "u", uniform, .low = urn_real(m, 0), .high = top);
}

static void values_without_coordinates(void **state)
{
    (void)state;
    double v[48] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1};
    urn_model *model = trace_data(DEF(every_support), NULL);
    check_not_unconstrained(model, "positive", v, URN_ERR_DATA,
                            "row 9 is outside the support (positive): found 0");
    v[3] = (double)NAN;
    check_not_unconstrained(model, "real", v, URN_ERR_DATA,
                            "row 3 is outside the support (real): found nan");
    v[3] = 6;
    check_not_unconstrained(model, "between", v, URN_ERR_DATA,
                            "row 3 is outside the support (bounded): found 6");
    v[3] = 5;
    check_not_unconstrained(model, "between", v, URN_ERR_DATA,
                            "row 3 is on the boundary of the support (bounded): found 5");
    v[0] = 2;
    check_not_unconstrained(model, "tril", v, URN_ERR_DATA,
                            "row 0 is outside the support (corr_cholesky): element 0, 1 is 1 above "
                            "the diagonal");
    check_not_unconstrained(model, "record", v, URN_ERR_USAGE, "the site has no coordinates");
    check_not_unconstrained(model, "delta", v, URN_ERR_USAGE, "the site has no coordinates");
    check_not_unconstrained(model, NULL, v, URN_ERR_USAGE, "there is no site number 99");
    urn_model_free(model);
    model = trace_data(DEF(discrete), NULL);
    check_not_unconstrained(model, "z", v, URN_ERR_USAGE, "the site has no coordinates");
    check_not_unconstrained(model, "u", v, URN_ERR_MODEL,
                            "(uniform): its bounds depend on other sites");
    assert_int_equal(urn_model_position_size(model), 2);
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    urn_program *program;
    urn_error error = {0};
    assert_int_equal(urn_program_compile(model, &options, &program, &error), URN_ERR_MODEL);
    assert_string_equal(error.message, "(bernoulli): the site is discrete and has no gradient");
    assert_string_equal(error.site, "z");
    urn_model_free(model);
}

/* ---- CENTRE ---- */

static void chain(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", 3);
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 1.5), .scale = urn_real(m, 2));
    urn_var b = urn_sample(m, "b", log_normal, .loc = a, .scale = urn_real(m, 1), .plate = k);
    urn_sample(m, "c", normal, .loc = urn_log(b), .scale = b, .plate = k);
    urn_sample(m, "g", gamma, .shape = urn_real(m, 2.5), .rate = b, .plate = k);
    urn_sample(m, "h", half_normal, .scale = urn_real(m, 3));
    urn_sample(m, "e", exponential, .rate = urn_real(m, 4));
    urn_sample(m, "u", uniform, .low = urn_real(m, 1), .high = urn_real(m, 2));
    urn_sample(m, "v", mvn, .loc = urn_vector(m, 2, (double[]){3, 4}),
               .scale_tril = urn_eye(m, 2, 1));
    urn_param(m, "p", 0.75, 2, (urn_plate){0});
    urn_sample(m, "L", lkj_cholesky, .size = 3, .concentration = urn_real(m, 2));
}

static void centres_are_medians_parents_first(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(chain), NULL);
    machine c = machine_of(model, URN_PROGRAM_CENTRE);
    urn_replay_run(c.replay, NULL);
    const double b = exp(1.5);
    assert_true(result(&c, model, "a")[0] == 1.5);
    for (int i = 0; i < 3; i++) {
        assert_near(result(&c, model, "b")[i], b, 1e-14, "b");
        assert_near(result(&c, model, "c")[i], 1.5, 1e-14, "c");
        assert_near(result(&c, model, "g")[i], gsl_cdf_gamma_Pinv(0.5, 2.5, 1 / b), 1e-10, "g");
    }
    assert_near(result(&c, model, "h")[0], 3 * gsl_cdf_gaussian_Pinv(0.75, 1), 1e-10, "h");
    assert_near(result(&c, model, "e")[0], gsl_cdf_exponential_Pinv(0.5, 0.25), 1e-12, "e");
    assert_near(result(&c, model, "u")[0], 1.5, 1e-15, "u");
    assert_true(result(&c, model, "v")[0] == 3 && result(&c, model, "v")[1] == 4);
    assert_true(result(&c, model, "p")[0] == 0.75 && result(&c, model, "p")[1] == 0.75);
    const double *l = result(&c, model, "L");
    for (int i = 0; i < 9; i++)
        assert_near(l[i], i % 4 == 0 ? 1.0 : 0.0, 1e-15, "L");
    machine_clear(&c);
    urn_model_free(model);
}

/* ---- SIMULATE ---- */

static void joint(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var tau =
        urn_sample(m, "tau", log_normal, .loc = urn_real(m, 0), .scale = urn_real(m, 0.3));
    urn_var theta =
        urn_sample(m, "theta", normal, .loc = urn_real(m, 2), .scale = tau, .plate = of);
    urn_var w =
        urn_sample(m, "w", mvn, .loc = urn_zeros(m, 2),
                   .scale_tril = urn_matrix(m, 2, 2, (double[]){2, 0, 0.5, 1}), .plate = of);
    urn_var g = urn_index(rows, "group", of);
    urn_var loc = urn_record(m, "loc", urn_add(urn_gather(theta, g), urn_data(rows, "x")));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = urn_real(m, 0.5),
                .plate = rows);
    urn_observe(m, "n", poisson, .value = urn_data(rows, "n"),
                .rate = urn_exp(urn_element(urn_gather(w, g), 1)), .plate = rows);
}

static urn_dataset *joint_data(int64_t rows, int64_t groups)
{
    dice d = {4};
    int64_t *group = calloc((size_t)rows, sizeof *group);
    double *x = doubles(rows), *zero = doubles(rows);
    urn_dataset *data = rows_new(rows);
    assert_non_null(group);
    for (int64_t r = 0; r < rows; r++)
        group[r] = r < groups ? r : dice_below(&d, groups);
    dice_normals(&d, rows, 1, x);
    rows_int(data, "group", group);
    rows_real(data, "x", x);
    rows_real(data, "y", zero);
    rows_real(data, "n", zero);
    free(group), free(x), free(zero);
    return data;
}

typedef struct moments {
    double n, sum, squares;
} moments;

static void add(moments *m, double x)
{
    m->n += 1;
    m->sum += x;
    m->squares += x * x;
}

/* The mean is within 4.5 standard errors, and the sd near its own. */
static void check_moments(const moments *m, double mean, double sd, const char *what)
{
    const double found = m->sum / m->n;
    assert_near((found - mean) / (sd / sqrt(m->n)), 0, 4.5, what);
    assert_near(sqrt(m->squares / m->n - found * found) / sd, 1, 0.06, what);
}

static void draws_follow_the_prior(void **state)
{
    (void)state;
    enum { DRAWS = 3000, ROWS = 6, GROUPS = 3 };
    urn_dataset *data = joint_data(ROWS, GROUPS);
    urn_model *model = trace_data(DEF(joint), data);
    machine s = machine_of(model, URN_PROGRAM_SIMULATE);
    moments tau = {0}, theta = {0}, w = {0}, cross = {0}, y = {0}, n = {0};
    for (int step = 0; step < DRAWS; step++) {
        urn_replay_seed(s.replay, 5, 0, (uint64_t)step);
        urn_replay_run(s.replay, NULL);
        const double *t = result(&s, model, "tau"), *th = result(&s, model, "theta"),
                     *ws = result(&s, model, "w"), *loc = result(&s, model, "loc"),
                     *ys = result(&s, model, "y"), *ns = result(&s, model, "n");
        const double *x = urn_dataset_values(data, "rows", "x");
        add(&tau, log(t[0]));
        for (int g = 0; g < GROUPS; g++) {
            add(&theta, (th[g] - 2) / t[0]);
            add(&w, ws[2 * g] / 2);
            add(&cross, (ws[2 * g + 1] - 0.25 * ws[2 * g]));
        }
        assert_near(loc[1], th[1] + x[1], 1e-14, "the record of the draw");
        for (int r = 0; r < ROWS; r++)
            add(&y, (ys[r] - loc[r]) / 0.5);
        for (int g = 0; g < GROUPS; g++) { /* rows 0 .. GROUPS - 1 are of group g */
            assert_true(ns[g] >= 0 && ns[g] == floor(ns[g]));
            add(&n, (ns[g] - exp(ws[2 * g + 1])) / sqrt(exp(ws[2 * g + 1])));
        }
    }
    check_moments(&tau, 0, 0.3, "tau");
    check_moments(&theta, 0, 1, "theta");
    check_moments(&w, 0, 1, "w");
    check_moments(&cross, 0, 1, "w given its first element");
    check_moments(&y, 0, 1, "y");
    check_moments(&n, 0, 1, "n");
    machine_clear(&s);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* All sites of a simulation in one array. */
static double *all_draws(const urn_model *model, int threads, uint64_t seed, uint64_t chain,
                         uint64_t step, int64_t *n)
{
    static const char *const sites[] = {"tau", "theta", "w", "loc", "y", "n"};
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE};
    machine s = machine_with(model, &options, threads);
    double *all = doubles(100000);
    *n = 0;
    urn_replay_seed(s.replay, seed, chain, step);
    urn_replay_run(s.replay, NULL);
    for (size_t k = 0; k < N_OF(sites); k++) {
        const int64_t size = info_of(model, sites[k]).size;
        assert_true(*n + size <= 100000);
        memcpy(all + *n, result(&s, model, sites[k]), (size_t)size * sizeof *all);
        *n += size;
    }
    machine_clear(&s);
    return all;
}

static int64_t equal_elements(const double *a, const double *b, int64_t n)
{
    int64_t equal = 0;
    for (int64_t i = 0; i < n; i++)
        equal += memcmp(a + i, b + i, sizeof *a) == 0;
    return equal;
}

static void draws_are_addressed(void **state)
{
    (void)state;
    enum { ROWS = 5000, GROUPS = 1500 };
    static const uint64_t others[][3] = {{2, 1, 1}, {1, 2, 1}, {1, 1, 2}};
    urn_dataset *data = joint_data(ROWS, GROUPS);
    urn_model *model = trace_data(DEF(joint), data);
    int64_t n, continuous = 1 + 3 * GROUPS;
    double *first = all_draws(model, 1, 1, 1, 1, &n);
    for (int threads = 2; threads <= 8; threads += 3) {
        double *same = all_draws(model, threads, 1, 1, 1, &n);
        assert_same_bits(same, first, n, "threads");
        free(same);
    }
    for (size_t k = 0; k < N_OF(others); k++) {
        double *other = all_draws(model, 1, others[k][0], others[k][1], others[k][2], &n);
        assert_int_equal(equal_elements(other, first, continuous), 0);
        free(other);
    }
    free(first);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* Rows of families made of normals are drawn together, with vector functions; each is the draw of
 * the family alone at its address, but for their rounding: a few units of the normal. */
static void check_alone(const urn_family *family, const char *site, int64_t n, const double *loc,
                        const double *scale, int loc_stride, const double *x)
{
    const urn__stream stream = urn__stream_at(7, 1, site, 3);
    urn__row_cursor cursor = urn__row_cursor_at(&stream, 0);
    for (int64_t i = 0; i < n; i++) {
        urn_rng rng;
        double alone;
        const urn_draw_call c = {.n = 1,
                                 .dim = 1,
                                 .event = 1,
                                 .param = {loc + i * loc_stride, scale},
                                 .stride = {1, 1},
                                 .x = &alone};
        urn__row_cursor_next(&cursor, &rng);
        family->draw(&c, 0, &rng);
        const double size = fabs(alone) + fabs(*scale) + fabs(loc[i * loc_stride]);
        assert_near(x[i], alone, 64 * DBL_EPSILON * size, site);
    }
}

static void draws_are_those_of_the_family(void **state)
{
    (void)state;
    enum { ROWS = 777, GROUPS = 300 };
    static const char *const paths[] = {"base", "v3", "v4"};
    urn_dataset *data = joint_data(ROWS, GROUPS);
    urn_model *model = trace_data(DEF(joint), data);
    for (size_t k = 0; k < N_OF(paths); k++) {
        const urn_compile_options options = {
            .bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE, .cpu = paths[k]};
        urn_program *program;
        if (urn_program_compile(model, &options, &program, NULL) != URN_OK) {
            print_message("no path %s here\n", paths[k]);
            continue;
        }
        urn_program_free(program);
        machine s = machine_with(model, &options, 2);
        urn_replay_seed(s.replay, 7, 1, 3);
        urn_replay_run(s.replay, NULL);
        const double zero = 0, two = 2, half = 0.5, scale = 0.3, *tau = result(&s, model, "tau");
        check_alone(urn_family_log_normal(), "tau", 1, &zero, &scale, 0, tau);
        check_alone(urn_family_normal(), "theta", GROUPS, &two, tau, 0, result(&s, model, "theta"));
        check_alone(urn_family_normal(), "y", ROWS, result(&s, model, "loc"), &half, 1,
                    result(&s, model, "y"));
        machine_clear(&s);
    }
    urn_model_free(model);
    urn_dataset_free(data);
}

static void a_replay_can_be_used_again(void **state)
{
    (void)state;
    urn_dataset *data = joint_data(40, 8);
    urn_model *model = trace_data(DEF(joint), data);
    machine s = machine_of(model, URN_PROGRAM_SIMULATE);
    double first[40];
    urn_replay_seed(s.replay, 9, 0, 3);
    urn_replay_run(s.replay, NULL);
    memcpy(first, result(&s, model, "y"), sizeof first);
    urn_replay_seed(s.replay, 9, 0, 4);
    urn_replay_run(s.replay, NULL);
    assert_true(memcmp(first, result(&s, model, "y"), sizeof first) != 0);
    urn_replay_seed(s.replay, 9, 0, 3);
    urn_replay_run(s.replay, NULL);
    assert_same_bits(first, result(&s, model, "y"), 40, "the same address again");
    machine_clear(&s);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* A row's draw does not depend on how many rows there are. */
static void rows_own_their_numbers(void **state)
{
    (void)state;
    const urn_setting few[] = {{"rows", "700"}, {"group", "300"}},
                      many[] = {{"rows", "2000"}, {"group", "300"}};
    urn_trace_options options = trace_options(NULL);
    options.n_plate_sizes = 2;
    options.plate_sizes = few;
    urn_model *a = trace_with(DEF(joint), &options);
    options.plate_sizes = many;
    urn_model *b = trace_with(DEF(joint), &options);
    machine sa = machine_of(a, URN_PROGRAM_SIMULATE), sb = machine_of(b, URN_PROGRAM_SIMULATE);
    urn_replay_seed(sa.replay, 1, 2, 3);
    urn_replay_seed(sb.replay, 1, 2, 3);
    urn_replay_run(sa.replay, NULL);
    urn_replay_run(sb.replay, NULL);
    assert_int_equal(info_of(a, "y").size, 700);
    assert_int_equal(info_of(b, "y").size, 2000);
    assert_same_bits(result(&sa, a, "theta"), result(&sb, b, "theta"), 300, "theta");
    assert_same_bits(result(&sa, a, "y"), result(&sb, b, "y"), 700, "y");
    assert_same_bits(result(&sa, a, "n"), result(&sb, b, "n"), 700, "n");
    machine_clear(&sa);
    machine_clear(&sb);
    urn_model_free(a);
    urn_model_free(b);
}

static void improper(urn_model *m)
{
    urn_sample(m, "flat", improper_uniform, .low = urn_real(m, 0));
}

static void improper_priors_are_not_simulated(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(improper), NULL);
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE};
    urn_program *program;
    urn_error error = {0};
    assert_int_equal(urn_program_compile(model, &options, &program, &error), URN_ERR_MODEL);
    assert_null(program);
    assert_string_equal(error.message, "(improper_uniform): it cannot be drawn from");
    assert_string_equal(error.hint, "give it a proper prior, or a value");
    assert_string_equal(error.site, "flat");
    urn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_their_inverse),
        cmocka_unit_test(coordinates_lie_one_after_another),
        cmocka_unit_test(values_without_coordinates),
        cmocka_unit_test(centres_are_medians_parents_first),
        cmocka_unit_test(draws_follow_the_prior),
        cmocka_unit_test(draws_are_addressed),
        cmocka_unit_test(draws_are_those_of_the_family),
        cmocka_unit_test(a_replay_can_be_used_again),
        cmocka_unit_test(rows_own_their_numbers),
        cmocka_unit_test(improper_priors_are_not_simulated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
