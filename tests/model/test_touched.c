/* Mini-batches that see only the rows they touch of plates behind index columns: what is touched
 * and what it weighs, that batches average to the whole density, and which plates need all their
 * rows.
 */
#include "runtime/model/touched_rows.h"
#include "tests/model/density_test.h"

/* Rows 0 .. N - 1 are for training; those held out bring users 4 .. 9, whom no row reaches. */
enum { N = 12, HELD = 6, REACHED = 4, USERS = REACHED + HELD, ITEMS = 3 };

static double y[N + HELD], x1[N + HELD];
static int64_t user[N + HELD], friend_of[N + HELD], item[N + HELD];

static urn_dataset *ratings(void)
{
    dice d = {5};
    unsigned char held_out[N + HELD] = {0};
    urn_error error = {0};
    urn_dataset *data = rows_new(N + HELD);
    dice_normals(&d, N + HELD, 1, y);
    dice_normals(&d, N + HELD, 1, x1);
    for (int i = 0; i < N + HELD; i++) {
        user[i] = i < N ? (i + i / 5) % REACHED : REACHED + i - N;
        friend_of[i] = i < N ? (i + 1) % REACHED : 0;
        item[i] = i % 5 % ITEMS;
        held_out[i] = i >= N;
    }
    rows_real(data, "y", y);
    rows_real(data, "x1", x1);
    rows_int(data, "user", user);
    rows_int(data, "friend", friend_of);
    rows_int(data, "item", item);
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    return data;
}

static urn_trace_options batches(const urn_dataset *data, int64_t size, urn_batch_updates updates)
{
    urn_trace_options options = trace_options(data);
    options.batch_plate = "rows";
    options.batch_size = size;
    options.batch_updates = updates;
    return options;
}

static void factors(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    urn_var zero = urn_real(m, 0), one = urn_real(m, 1);
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_zeros(m, 2), .scale = one);
    urn_var tau = urn_sample(m, "tau", half_normal, .scale = one);
    urn_var u = urn_sample(m, "U", mvn, .loc = mu, .scale_tril = urn_mul(tau, urn_eye(m, 2, 1.5)),
                           .plate = users);
    urn_var z = urn_sample(m, "z", normal, .loc = zero, .scale = one, .plate = users);
    urn_var v = urn_sample(m, "V", normal, .loc = urn_zeros(m, 2), .scale = tau, .plate = items);
    urn_var w = urn_param(m, "w", 0.1, 0, items);
    urn_var bias = urn_mul(z, tau);
    urn_var iu = urn_index(rows, "user", users), iv = urn_index(rows, "item", items);
    urn_var loc = urn_row_dot(urn_gather(u, iu), urn_gather(v, iv));
    loc = urn_add(loc, urn_gather(bias, urn_index(rows, "friend", users)));
    loc = urn_add(loc, urn_add(urn_gather(w, iv), urn_data(rows, "x1")));
    urn_record(m, "norm", urn_sum(urn_square(z))); /* no part of the density */
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = one,
                .plate = rows);
}

enum { SIZE = 2 + 2 * USERS + USERS + 1 + 2 * ITEMS + ITEMS };

static double counted = 1.0; /* how often U and z count: the scale handler */

static double factors_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double *mu = f, tau = exp(f[2]), *u = f + 3, *z = u + 2 * USERS, *v = z + USERS,
                 *w = v + 2 * ITEMS;
    double lp = lp_half_normal(tau, 1) + f[2];
    for (int k = 0; k < 2; k++) {
        lp += lp_normal(mu[k], 0, 1);
        for (int i = 0; i < USERS; i++)
            lp += counted * lp_normal(u[2 * i + k], mu[k], 1.5 * tau);
        for (int j = 0; j < ITEMS; j++)
            lp += lp_normal(v[2 * j + k], 0, tau);
    }
    for (int i = 0; i < USERS; i++)
        lp += counted * lp_normal(z[i], 0, 1);
    for (int r = 0; r < N; r++) {
        const double *a = u + 2 * user[r], *b = v + 2 * item[r];
        lp += lp_normal(y[r],
                        a[0] * b[0] + a[1] * b[1] + z[friend_of[r]] * tau + w[item[r]] + x1[r], 1);
    }
    return lp;
}

/* ---- positions of touched rows ---- */

typedef void copy_row(double *whole, double *seen, int64_t n);

static void take(double *whole, double *seen, int64_t n)
{
    memcpy(seen, whole, (size_t)n * sizeof *seen);
}

static void give(double *whole, double *seen, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        whole[i] += seen[i];
}

/* All coordinates a batch sees, each with its place among all. */
static void each_row(const urn_model *model, const machine *d, copy_row *copy, double *whole,
                     double *seen)
{
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info all, some;
        urn_model_site(model, i, &all);
        urn_model_site(model->touched, i, &some);
        const urn__touched_rows *t = urn__replay_touched(d->replay, i);
        if (all.role != URN_SITE_LATENT && all.role != URN_SITE_PARAM)
            continue;
        if (t == NULL)
            copy(whole + all.offset, seen + some.offset, all.free_size);
        const int64_t row = t == NULL ? 0 : some.free_size / t->room;
        for (int64_t k = 0; t != NULL && k < t->n; k++)
            copy(whole + all.offset + t->row[k] * row, seen + some.offset + k * row, row);
    }
}

/* What is past the touched rows has no gradient, wherever it is. */
static void check_padding(const urn_model *model, const machine *d, const double *g)
{
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info some;
        urn_model_site(model->touched, i, &some);
        const urn__touched_rows *t = urn__replay_touched(d->replay, i);
        const int64_t row = t == NULL ? 0 : some.free_size / t->room;
        for (int64_t k = t == NULL ? 0 : t->n * row; k < row * (t == NULL ? 0 : t->room); k++)
            assert_true(g[some.offset + k] == 0.0);
    }
}

static void pick(const machine *d, uint64_t seed, int64_t step)
{
    assert_int_equal(urn_replay_batch(d->replay, seed, step), URN_OK);
}

/* ---- tests ---- */

/* Over an epoch every row of the plate weighs 1 on average, and rows that a batch reaches are all
 * there, once, in order. */
static void rows_weigh_one_on_average(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 4, 6};
    urn_dataset *data = ratings();
    for (size_t k = 0; k < N_OF(sizes); k++) {
        const urn_trace_options options = batches(data, sizes[k], URN_BATCH_TOUCHED);
        urn_model *model = trace_with(DEF(factors), &options);
        machine d = machine_of(model->touched, URN_PROGRAM_DENSITY);
        const urn__touched_rows *t = urn__replay_touched(d.replay, site_of(model, "U"));
        double weight[USERS] = {0}, share = (double)sizes[k] / N;
        assert_non_null(t);
        assert_true(t == urn__replay_touched(d.replay, site_of(model, "z")));
        assert_null(urn__replay_touched(d.replay, site_of(model, "mu")));
        assert_int_equal(t->n_unreached, HELD);
        for (int64_t step = 0; step < N / sizes[k]; step++) {
            pick(&d, 4, step);
            assert_true(t->n <= t->room);
            for (int64_t i = 0; i < t->n; i++) {
                assert_true(i == 0 || t->row[i - 1] < t->row[i]);
                assert_true(t->weight[i] > 0.0);
                weight[t->row[i]] += share * t->weight[i];
            }
            for (int64_t i = t->n; i < t->room; i++)
                assert_true(t->weight[i] == 0.0);
        }
        for (int i = 0; i < USERS; i++)
            assert_near(weight[i], 1.0, 1e-14, "mean weight");
        machine_clear(&d);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

/* Log density and gradient of the batches of an epoch, enumerated. */
static void touched_batches_average_to_the_whole(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 4, 6};
    urn_dataset *data = ratings();
    const urn_handler twice[] = {{URN_HANDLER_SCALE, "U", &counted, 1},
                                 {URN_HANDLER_SCALE, "z", &counted, 1}};
    check_model_density(DEF(factors), data, factors_by_hand);
    for (size_t k = 0; k < N_OF(sizes); k++) {
        urn_trace_options options = batches(data, sizes[k], URN_BATCH_TOUCHED);
        counted = k % 2 == 0 ? 2.5 : 1.0;
        options.handlers = twice;
        options.n_handlers = k % 2 == 0 ? 2 : 0;
        urn_model *model = trace_with(DEF(factors), &options);
        const int64_t n = urn_model_position_size(model->touched);
        machine d = machine_of(model->touched, URN_PROGRAM_DENSITY);
        double x[SIZE], mean[SIZE] = {0}, sum = 0, *seen = doubles(n), *g = doubles(n);
        dice numbers = {8};
        assert_int_equal(urn_model_position_size(model), SIZE);
        assert_true(n <= SIZE);
        dice_normals(&numbers, SIZE, 0.5, x);
        const double share = (double)sizes[k] / N;
        for (int64_t step = 0; step < N / sizes[k]; step++) {
            pick(&d, 17, step);
            dice_normals(&numbers, n, 0.5, seen); /* padding may be anything */
            each_row(model, &d, take, x, seen);
            sum += share * urn_replay_log_density(d.replay, seen, g);
            check_padding(model, &d, g);
            for (int64_t i = 0; i < n; i++)
                g[i] *= share;
            each_row(model, &d, give, mean, g);
        }
        assert_near(sum, factors_by_hand(model, x), 1e-11, "mean log density");
        for (int i = 0; i < SIZE; i++)
            assert_near(mean[i], slope(factors_by_hand, model, x, i), 1e-7, "mean gradient");
        free(seen);
        free(g);
        machine_clear(&d);
        urn_model_free(model);
    }
    counted = 1.0;
    urn_dataset_free(data);
}

/* Fused and not, in both precisions, on every CPU path, by any number of threads. */
static void programs_of_touched_rows_agree(void **state)
{
    (void)state;
    urn_dataset *data = ratings();
    const urn_trace_options options = batches(data, 3, URN_BATCH_TOUCHED);
    urn_model *model = trace_with(DEF(factors), &options);
    variant v[MOST_VARIANTS];
    evaluation e = evaluation_new(urn_model_position_size(model->touched));
    dice numbers = {6};
    const int n = density_variants(model->touched, v);
    for (int step = 0; step < 8; step++) {
        dice_normals(&numbers, e.n, 0.5, e.x);
        for (int k = 0; k < n; k++)
            pick(&v[k].machine, 2, step);
        check_variants(&e, v, n);
    }
    variants_clear(v, n);
    evaluation_clear(&e);
    urn_model_free(model);
    urn_dataset_free(data);
}

static int64_t room_of(const urn_model *model, const char *site)
{
    return model->touched == NULL ? 0
           : urn_model_position_size(model->touched) < SIZE
               ? info_of(model->touched, site).free_size
               : info_of(model, site).free_size;
}

/* Unless asked otherwise, where it saves something: 3 ratings have 2 x 3 users and a share of 2.5
 * and reach all 3 items. */
static void plates_with_few_rows_keep_them_all(void **state)
{
    (void)state;
    urn_dataset *data = ratings();
    urn_trace_options options = batches(data, 3, URN_BATCH_AUTO);
    urn_model *model = trace_with(DEF(factors), &options);
    assert_int_equal(room_of(model, "z"), 9);
    assert_int_equal(room_of(model, "w"), ITEMS);
    machine d = machine_of(model->touched, URN_PROGRAM_DENSITY);
    assert_null(urn__replay_touched(d.replay, site_of(model, "V")));
    machine_clear(&d);
    urn_model_free(model);
    options.batch_size = 4; /* 8 users, and a share of 3.3: all of them */
    model = trace_with(DEF(factors), &options);
    assert_null(model->touched);
    urn_model_free(model);
    options.batch_size = 3;
    options.batch_updates = URN_BATCH_ALL;
    model = trace_with(DEF(factors), &options);
    assert_null(model->touched);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- plates that need all their rows ---- */

static void needs_all(urn_model *m)
{
    const int64_t what = urn_option_choice(m, "what", "sum|support|substituted|factor|none", "");
    urn_plate rows = urn_plate_rows(m, "rows"), users = urn_plate_of(m, "user");
    urn_var one = urn_real(m, 1), zero = urn_real(m, 0);
    urn_var u;
    if (what == 1)
        u = urn_sample(m, "u", gamma, .shape = one, .rate = one, .plate = users);
    else
        u = urn_sample(m, "u", normal, .loc = zero, .scale = one, .plate = users);
    if (what == 0)
        urn_factor(m, "f", urn_neg(urn_square(urn_sum(u))));
    if (what == 3)
        urn_factor(m, "f", urn_neg(urn_square(u)));
    urn_var loc = what == 4 ? zero : urn_gather(u, urn_index(rows, "user", users));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = one,
                .plate = rows);
}

static void plates_that_need_all_rows(void **state)
{
    (void)state;
    static const struct {
        const char *what, *why;
    } cases[] = {
        {"sum", "plate \"user\": sum_to works on all of its rows"},
        {"support", "plate \"user\": the values of site \"u\" are bounded"},
        {"substituted", "plate \"user\": site \"u\" over it is no latent site"},
        {"factor", "plate \"user\": site \"f\" over it is no latent site"},
        {"none", "the rows of the batch lead to none"},
    };
    static const urn_handler handler = {URN_HANDLER_SUBSTITUTE, "u", NULL, 0};
    urn_dataset *data = ratings();
    for (size_t k = 0; k < N_OF(cases); k++) {
        char message[256];
        const urn_setting what = {"what", cases[k].what};
        urn_trace_options options = batches(data, 2, URN_BATCH_TOUCHED);
        options.settings = &what;
        options.n_settings = 1;
        options.handlers = &handler;
        options.n_handlers = k == 2;
        (void)snprintf(message, sizeof message,
                       "no plate allows that only the rows a mini-batch touches are updated: %s",
                       cases[k].why);
        check_failure(DEF(needs_all), &options,
                      &(failure){.status = URN_ERR_MODEL,
                                 .message = message,
                                 .hint = "leave --batch-updates out"});
        options.batch_updates = URN_BATCH_AUTO; /* then all rows are updated */
        urn_model *model = trace_with(DEF(needs_all), &options);
        assert_null(model->touched);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_weigh_one_on_average),
        cmocka_unit_test(touched_batches_average_to_the_whole),
        cmocka_unit_test(programs_of_touched_rows_agree),
        cmocka_unit_test(plates_with_few_rows_keep_them_all),
        cmocka_unit_test(plates_that_need_all_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
