/* Mini-batches: what a batch is, that batches of an epoch average to the whole density, and that
 * what is not a density sees all rows. */
#include "tests/model/density_test.h"

enum { N = 12, GROUPS = 3 };

static double y[N], x1[N], x2[N], mask[N], power[N];
static int64_t group[N];

static urn_dataset *columns(int64_t n)
{
    dice d = {21};
    urn_dataset *data = rows_new(n);
    dice_normals(&d, N, 1, y);
    dice_normals(&d, N, 1, x1);
    dice_normals(&d, N, 1, x2);
    for (int i = 0; i < N; i++) {
        mask[i] = i % 5 != 2;
        power[i] = (double)(1 << i);
        group[i] = i % GROUPS;
    }
    rows_real(data, "y", y);
    rows_real(data, "x1", x1);
    rows_real(data, "x2", x2);
    rows_real(data, "mask", mask);
    rows_real(data, "power", power);
    rows_int(data, "group", group);
    return data;
}

static urn_model *trace_batched(const urn_model_def *def, const urn_dataset *data, int64_t size)
{
    urn_trace_options options = trace_options(data);
    options.batch_plate = "rows";
    options.batch_size = size;
    return trace_with(def, &options);
}

static void pick(const machine *d, uint64_t seed, int64_t step)
{
    assert_int_equal(urn_replay_batch(d->replay, seed, step), URN_OK);
}

/* ---- which rows ---- */

static void powers(urn_model *m)
{
    urn_factor(m, "rows", urn_data(urn_plate_rows(m, "rows"), "power"));
}

/* The rows of a batch as bits, and how many; the density is N / size sum of 2^row. */
static unsigned rows_seen(const machine *d, int64_t n, int64_t size)
{
    const double lp = urn_replay_log_density(d->replay, NULL, NULL) * (double)size / (double)n;
    const unsigned bits = (unsigned)floor(lp + 0.5);
    assert_near((double)bits, lp, 1e-9, "rows of a batch");
    int count = 0;
    for (unsigned b = bits; b != 0; b >>= 1)
        count += (int)(b & 1);
    assert_int_equal(count, size);
    return bits;
}

static void an_epoch_takes_every_row_once(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 4, 6, 12, 5, 7, 11};
    urn_dataset *data = columns(N);
    for (size_t k = 0; k < N_OF(sizes); k++) {
        urn_model *model = trace_batched(DEF(powers), data, sizes[k]);
        machine d = machine_of(model, URN_PROGRAM_DENSITY);
        const int64_t per_epoch = N / sizes[k];
        for (int64_t epoch = 0; epoch < 5; epoch++) {
            unsigned seen = 0;
            for (int64_t i = 0; i < per_epoch; i++) {
                pick(&d, 3, epoch * per_epoch + i);
                const unsigned bits = rows_seen(&d, N, sizes[k]);
                assert_int_equal(seen & bits, 0);
                seen |= bits;
            }
            if (N % sizes[k] == 0)
                assert_int_equal(seen, (1 << N) - 1);
        }
        machine_clear(&d);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

static void batches_are_addressed(void **state)
{
    (void)state;
    enum { STEPS = 60 };
    unsigned first[STEPS], same = 0, other_seed = 0;
    urn_dataset *data = columns(N);
    urn_model *model = trace_batched(DEF(powers), data, 3);
    machine a = machine_of(model, URN_PROGRAM_DENSITY), b = machine_of(model, URN_PROGRAM_DENSITY);
    for (int s = 0; s < STEPS; s++) {
        pick(&a, 7, s);
        first[s] = rows_seen(&a, N, 3);
        same += s >= 4 && first[s] == first[s - 4];
    }
    for (int s = STEPS - 1; s >= 0; s -= 7) { /* no step needs those before it */
        pick(&b, 7, s);
        assert_int_equal(rows_seen(&b, N, 3), first[s]);
    }
    for (int s = 0; s < STEPS; s++) {
        pick(&b, 8, s);
        other_seed += rows_seen(&b, N, 3) == first[s];
    }
    assert_true(same < 5);
    assert_true(other_seed < 5);
    pick(&b, 7, 0);
    assert_int_equal(rows_seen(&b, N, 3), first[0]);
    machine_clear(&a);
    machine_clear(&b);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* Every pair of rows meets in a batch as often as any other. */
static void shuffles_are_even(void **state)
{
    (void)state;
    enum { EPOCHS = 4000 };
    int count[N] = {0}, together = 0;
    urn_dataset *data = columns(N);
    urn_model *model = trace_batched(DEF(powers), data, 3);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    for (int e = 0; e < EPOCHS; e++) {
        pick(&d, 1, 4 * e);
        const unsigned bits = rows_seen(&d, N, 3);
        for (int i = 0; i < N; i++)
            count[i] += (int)((bits >> i) & 1);
        together += (bits & 3) == 3;
    }
    for (int i = 0; i < N; i++) /* binomial(4000, 1/4): sd 27.4 */
        assert_near(count[i], EPOCHS / 4.0, 4.5 * 27.4 / (EPOCHS / 4.0), "rows of the first batch");
    const double p = 3.0 * 2.0 / (12.0 * 11.0);
    assert_near((together - EPOCHS * p) / sqrt(EPOCHS * p * (1 - p)), 0, 4.5, "pairs");
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* Batches of one row: any row comes first as often as any other. */
static void every_row_may_come_first(void **state)
{
    (void)state;
    enum { EPOCHS = 4000 };
    int count[N] = {0};
    urn_dataset *data = columns(N);
    urn_model *model = trace_batched(DEF(powers), data, 1);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    for (int e = 0; e < EPOCHS; e++) {
        pick(&d, 6, N * e);
        const unsigned bits = rows_seen(&d, N, 1);
        for (int i = 0; i < N; i++)
            count[i] += (int)((bits >> i) & 1);
    }
    for (int i = 0; i < N; i++) /* binomial(4000, 1/12): sd 17.5 */
        assert_near((count[i] - EPOCHS / 12.0) / 17.5, 0, 4.5, "rows that come first");
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void held_out_rows_are_in_no_batch(void **state)
{
    (void)state;
    static const unsigned char held_out[N] = {0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0};
    urn_error error = {0};
    urn_dataset *data = columns(N);
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    urn_model *model = trace_batched(DEF(powers), data, 2);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    unsigned seen = 0, training = 0;
    for (int i = 0; i < N; i++)
        training |= held_out[i] ? 0u : 1u << i;
    for (int s = 0; s < 4; s++) {
        pick(&d, 5, s);
        seen |= rows_seen(&d, 8, 2);
    }
    assert_int_equal(seen, training);
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- densities ---- */

static void everything(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var zero = urn_real(m, 0), one = urn_real(m, 1);
    urn_var tau = urn_sample(m, "tau", half_normal, .scale = one);
    urn_var theta = urn_sample(m, "theta", mvn, .loc = urn_zeros(m, 2),
                               .scale_tril = urn_eye(m, 2, 1), .plate = of);
    urn_var w = urn_sample(m, "w", normal, .loc = urn_zeros(m, 2), .scale = one);
    urn_var e = urn_sample(m, "e", normal, .loc = zero, .scale = tau, .plate = rows,
                           .mask = urn_data(rows, "mask"));
    urn_var s = urn_sample(m, "s", gamma, .shape = urn_real(m, 2), .rate = tau, .plate = rows);
    urn_sample(m, "v", mvn, .loc = w, .scale_tril = urn_eye(m, 2, 0.5), .plate = rows);
    urn_var x = urn_data_columns(rows, "x*");
    urn_var at = urn_gather(theta, urn_index(rows, "group", of));
    urn_var loc = urn_add(urn_row_dot(at, x), urn_add(e, urn_square(urn_data(rows, "x1"))));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = s,
                .plate = rows);
    urn_observe(m, "x", normal, .value = x, .loc = w, .scale = tau, .plate = rows,
                .mask = urn_data(rows, "mask"));
    urn_factor(m, "f", urn_neg(urn_square(urn_sub(urn_row_dot(at, at), s))));
}

enum { SIZE = 1 + 2 * GROUPS + 2 + N + N + 2 * N };

static double everything_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double tau = exp(f[0]), *theta = f + 1, *w = theta + 2 * GROUPS, *e = w + 2, *s = e + N,
                 *v = s + N;
    double lp = lp_half_normal(tau, 1) + f[0];
    for (int k = 0; k < 2 * GROUPS; k++)
        lp += lp_normal(theta[k], 0, 1);
    lp += lp_normal(w[0], 0, 1) + lp_normal(w[1], 0, 1);
    for (int i = 0; i < N; i++) {
        const double *at = theta + 2 * group[i], sd = exp(s[i]);
        const double loc = at[0] * x1[i] + at[1] * x2[i] + e[i] + x1[i] * x1[i];
        const double f_term = at[0] * at[0] + at[1] * at[1] - sd;
        lp += mask[i] * lp_normal(e[i], 0, tau) + lp_gamma(sd, 2, tau) + s[i];
        lp += lp_normal(v[2 * i], w[0], 0.5) + lp_normal(v[2 * i + 1], w[1], 0.5);
        lp += lp_normal(y[i], loc, sd) - f_term * f_term;
        lp += mask[i] * (lp_normal(x1[i], w[0], tau) + lp_normal(x2[i], w[1], tau));
    }
    return lp;
}

static void the_whole_model_first(void **state)
{
    (void)state;
    urn_dataset *data = columns(N);
    check_model_density(DEF(everything), data, everything_by_hand);
    urn_dataset_free(data);
}

static void batches_average_to_the_whole(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 4, 6, 12};
    urn_dataset *data = columns(N);
    urn_model *whole = trace_data(DEF(everything), data);
    for (size_t k = 0; k < N_OF(sizes); k++) {
        urn_model *model = trace_batched(DEF(everything), data, sizes[k]);
        machine d = machine_of(model, URN_PROGRAM_DENSITY);
        double x[SIZE], g[SIZE], sum = 0, mean[SIZE] = {0};
        dice numbers = {3};
        assert_int_equal(urn_model_position_size(model), SIZE);
        assert_int_equal(urn_model_observation_count(model), 2 * N);
        dice_normals(&numbers, SIZE, 0.5, x);
        const double share = (double)sizes[k] / N;
        for (int64_t step = 0; step < N / sizes[k]; step++) {
            pick(&d, 17, step);
            const double lp = urn_replay_log_density(d.replay, x, g);
            assert_near(urn_replay_log_density(d.replay, x, NULL), lp, 1e-13, "value alone");
            sum += share * lp;
            for (int i = 0; i < SIZE; i++)
                mean[i] += share * g[i];
        }
        assert_near(sum, everything_by_hand(whole, x), 1e-11, "mean log density");
        for (int i = 0; i < SIZE; i++)
            assert_near(mean[i], slope(everything_by_hand, whole, x, i), 1e-7, "mean gradient");
        machine_clear(&d);
        urn_model_free(model);
    }
    urn_model_free(whole);
    urn_dataset_free(data);
}

static void gradients_under_one_batch(void **state)
{
    (void)state;
    static const double steps[4] = {-2, -1, 1, 2};
    urn_dataset *data = columns(N);
    urn_model *model = trace_batched(DEF(everything), data, 5);
    variant v[MOST_VARIANTS];
    evaluation e = evaluation_new(SIZE);
    double *x = e.x, untouched = 0;
    dice numbers = {4};
    const int n = density_variants(model, v);
    for (int step = 0; step < 5; step++) {
        dice_normals(&numbers, SIZE, 0.5, x);
        for (int k = 0; k < n; k++)
            pick(&v[k].machine, 2, step);
        check_variants(&e, v, n);
        for (int i = 0; i < SIZE; i++) {
            const double at = x[i], h = 1e-3;
            double f[4];
            for (int k = 0; k < 4; k++) {
                x[i] = at + steps[k] * h;
                f[k] = urn_replay_log_density(v[0].machine.replay, x, NULL);
            }
            x[i] = at;
            assert_near(e.g[i], (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h), 1e-7, "gradient");
            untouched += e.g[i] == 0.0;
        }
    }
    assert_true(untouched >= 5 * (N - 5)); /* rows outside the batch */
    variants_clear(v, n);
    evaluation_clear(&e);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- everything but the density sees all rows ---- */

static void records(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_data(rows, "x1"), .scale = urn_real(m, 1),
                           .plate = rows);
    urn_var b = urn_sample(m, "b", log_normal, .loc = a, .scale = urn_real(m, 1), .plate = rows);
    urn_record(m, "r", urn_mul(a, b));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = a, .scale = b, .plate = rows);
}

static void values_are_of_all_rows(void **state)
{
    (void)state;
    urn_dataset *data = columns(N);
    urn_model *model = trace_batched(DEF(records), data, 5);
    machine v = machine_of(model, URN_PROGRAM_VALUES), c = machine_of(model, URN_PROGRAM_CENTRE),
            s = machine_of(model, URN_PROGRAM_SIMULATE);
    double x[2 * N], back[2 * N];
    dice numbers = {9};
    urn_error error = {0};
    const int a = site_of(model, "a"), b = site_of(model, "b"), r = site_of(model, "r"),
              observed = site_of(model, "y");
    dice_normals(&numbers, 2 * N, 1, x);
    assert_int_equal(info_of(model, "a").size, N);
    assert_int_equal(info_of(model, "r").size, N);
    assert_int_equal(info_of(model, "y").size, N);
    pick(&v, 1, 1); /* has nothing to pick */
    urn_replay_run(v.replay, x);
    urn_replay_run(c.replay, NULL);
    urn_replay_run(s.replay, NULL);
    for (int i = 0; i < N; i++) {
        assert_true(urn_replay_result(v.replay, a, URN_RESULT_VALUE)[i] == x[i]);
        assert_near(urn_replay_result(v.replay, r, URN_RESULT_VALUE)[i], x[i] * exp(x[N + i]),
                    1e-14, "record");
        assert_true(urn_replay_result(c.replay, a, URN_RESULT_VALUE)[i] == x1[i]);
        assert_near(urn_replay_result(c.replay, b, URN_RESULT_VALUE)[i], exp(x1[i]), 1e-14, "b");
        assert_true(isfinite(urn_replay_result(s.replay, observed, URN_RESULT_VALUE)[i]));
    }
    assert_ok(urn_model_unconstrain(model, b, urn_replay_result(v.replay, b, URN_RESULT_VALUE),
                                    back, &error),
              &error);
    for (int i = 0; i < N; i++)
        assert_near(back[i], x[N + i], 1e-13, "b");
    assert_memory_equal(urn_model_observed(model, observed), y, sizeof y);
    machine_clear(&v);
    machine_clear(&c);
    machine_clear(&s);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void a_substituted_site_over_the_rows(void **state)
{
    (void)state;
    static const urn_handler h = {URN_HANDLER_SUBSTITUTE, "a", NULL, 0};
    urn_dataset *data = columns(N);
    urn_trace_options options = trace_options(data);
    options.handlers = &h;
    options.n_handlers = 1;
    urn_model *whole = trace_with(DEF(records), &options);
    options.batch_plate = "rows";
    options.batch_size = 4;
    urn_model *model = trace_with(DEF(records), &options);
    machine d = machine_of(model, URN_PROGRAM_DENSITY), w = machine_of(whole, URN_PROGRAM_DENSITY);
    double x[N], a[N], sum = 0;
    dice numbers = {10};
    urn_error error = {0};
    dice_normals(&numbers, N, 1, x);
    dice_normals(&numbers, N, 1, a);
    assert_ok(urn_replay_input(d.replay, 0, a, N, &error), &error);
    assert_ok(urn_replay_input(w.replay, 0, a, N, &error), &error);
    for (int step = 0; step < 3; step++) {
        pick(&d, 1, step);
        sum += urn_replay_log_density(d.replay, x, NULL) / 3;
    }
    assert_near(sum, urn_replay_log_density(w.replay, x, NULL), 1e-12, "mean log density");
    machine_clear(&d);
    machine_clear(&w);
    urn_model_free(model);
    urn_model_free(whole);
    urn_dataset_free(data);
}

/* ---- sums over the batch ---- */

static void summed(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var e = urn_square(urn_sub(urn_data(rows, "y"), a));
    urn_record(m, "total", urn_sum(e)); /* a record is of all rows, whatever the batch */
    if (urn_option_choice(m, "as", "rows|sum", "") == 0)
        urn_factor(m, "fit", urn_neg(e));
    else
        urn_factor(m, "fit", urn_neg(urn_sum(e)));
}

static void sums_over_the_batch_are_refused(void **state)
{
    (void)state;
    const double six[6] = {1, 2, 3, 4, 5, 6};
    urn_dataset *data = rows_y(6, six);
    for (int k = 0; k < 2; k++) {
        const urn_setting as[] = {{"as", k == 0 ? "rows" : "sum"}};
        urn_trace_options options = {.bytes = sizeof options,
                                     .data = data,
                                     .settings = as,
                                     .n_settings = 1,
                                     .batch_plate = "rows",
                                     .batch_size = 2};
        const urn_compile_options density = {.bytes = sizeof density, .kind = URN_PROGRAM_DENSITY};
        urn_model *model;
        urn_program *program = NULL;
        urn_error error = {0};
        assert_int_equal(urn_model_trace(DEF(summed), &options, &model, &error), URN_OK);
        assert_int_equal(urn_program_compile(model, &density, &program, &error),
                         k == 0 ? URN_OK : URN_ERR_MODEL);
        assert_string_equal(error.site, k == 0 ? "" : "fit");
        if (k == 1)
            assert_non_null(
                strstr(error.message, "a sum over plate \"rows\", which is mini-batched"));
        urn_program_free(program);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_takes_every_row_once),
        cmocka_unit_test(batches_are_addressed),
        cmocka_unit_test(shuffles_are_even),
        cmocka_unit_test(every_row_may_come_first),
        cmocka_unit_test(held_out_rows_are_in_no_batch),
        cmocka_unit_test(the_whole_model_first),
        cmocka_unit_test(batches_average_to_the_whole),
        cmocka_unit_test(gradients_under_one_batch),
        cmocka_unit_test(values_are_of_all_rows),
        cmocka_unit_test(a_substituted_site_over_the_rows),
        cmocka_unit_test(sums_over_the_batch_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
