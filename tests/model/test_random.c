/* Models made at random from ops and plates: the fused program agrees with the unfused one, with
 * any number of threads and any CPU path, and its gradient with differences. URN_TEST_MULTIPLIER
 * raises the number of models. */
#include "tests/model/density_test.h"

enum { A = 7, B = 2, D = 3, ROWS = 19, POOL = 64 };

/* Shapes that occur. */
typedef enum kind { SCALAR, OVER_A, VECTOR, A_VECTOR, OVER_ROWS, ROWS_VECTOR, NEST, KINDS } kind;

static const kind both[KINDS][KINDS] = {
    /* KINDS: they do not go together */
    [SCALAR] = {SCALAR, OVER_A, VECTOR, A_VECTOR, OVER_ROWS, ROWS_VECTOR, NEST},
    [OVER_A] = {OVER_A, OVER_A, A_VECTOR, A_VECTOR, KINDS, KINDS, NEST},
    [VECTOR] = {VECTOR, A_VECTOR, VECTOR, A_VECTOR, ROWS_VECTOR, ROWS_VECTOR, KINDS},
    [A_VECTOR] = {A_VECTOR, A_VECTOR, A_VECTOR, A_VECTOR, KINDS, KINDS, KINDS},
    [OVER_ROWS] = {OVER_ROWS, KINDS, ROWS_VECTOR, KINDS, OVER_ROWS, ROWS_VECTOR, KINDS},
    [ROWS_VECTOR] = {ROWS_VECTOR, KINDS, ROWS_VECTOR, KINDS, ROWS_VECTOR, ROWS_VECTOR, KINDS},
    [NEST] = {NEST, NEST, KINDS, KINDS, KINDS, KINDS, NEST},
};

typedef struct pool {
    dice d;
    int n;
    urn_var value[POOL];
    kind kind[POOL];
    urn_plate a, b, rows;
    urn_var index;
} pool;

static uint64_t seed;

static void keep(pool *p, kind k, urn_var v)
{
    if (p->n < POOL) {
        p->kind[p->n] = k;
        p->value[p->n++] = v;
    }
}

/* A value of a kind, the later the likelier; one is always there. */
static urn_var any(pool *p, kind k)
{
    int at = (int)dice_below(&p->d, p->n) / 2 + p->n / 2;
    for (int i = 0; i < p->n; i++, at--)
        if (p->kind[(at + p->n) % p->n] == k)
            return p->value[(at + p->n) % p->n];
    fail_msg("no value of kind %d", (int)k);
    return (urn_var){0};
}

static void add_binary(pool *p)
{
    const int i = (int)dice_below(&p->d, p->n), j = (int)dice_below(&p->d, p->n);
    const kind k = both[p->kind[i]][p->kind[j]];
    const urn_var x = p->value[i], y = p->value[j];
    if (k == KINDS)
        return;
    switch (dice_below(&p->d, 4)) {
    case 0:
        keep(p, k, urn_scaled(urn_add(x, y), 0.5));
        break;
    case 1:
        keep(p, k, urn_sub(urn_tanh(x), y));
        break;
    case 2:
        keep(p, k, urn_mul(x, urn_sin(y)));
        break;
    default:
        keep(p, k, urn_div(x, urn_shifted(urn_square(y), 1.5)));
        break;
    }
}

static void add_unary(pool *p)
{
    const int i = (int)dice_below(&p->d, p->n);
    static urn_var (*const ops[])(urn_var) = {urn_tanh, urn_sin,      urn_cos, urn_sigmoid,
                                              urn_erf,  urn_softplus, urn_neg};
    urn_var v = p->value[i];
    for (int64_t n = dice_below(&p->d, 5); n >= 0; n--)
        v = ops[dice_below(&p->d, (int64_t)N_OF(ops))](v);
    keep(p, p->kind[i], v);
}

static void add_reduction(pool *p)
{
    switch (dice_below(&p->d, 9)) {
    case 0:
        keep(p, OVER_A, urn_sum_event(any(p, A_VECTOR)));
        break;
    case 1:
        keep(p, OVER_ROWS, urn_logsumexp(any(p, ROWS_VECTOR)));
        break;
    case 2:
        keep(p, VECTOR, urn_scaled(urn_sum_over(any(p, A_VECTOR), p->a), 0.2));
        break;
    case 3:
        keep(p, OVER_A, urn_sum_over(any(p, NEST), p->b));
        break;
    case 4:
        keep(p, SCALAR, urn_mean(any(p, OVER_ROWS)));
        break;
    case 5:
        keep(p, OVER_A, urn_element(any(p, A_VECTOR), dice_below(&p->d, D)));
        break;
    case 6:
        keep(p, SCALAR, urn_mean(any(p, NEST)));
        break;
    case 7:
        keep(p, VECTOR, urn_scaled(urn_sum_over(any(p, ROWS_VECTOR), p->rows), 0.1));
        break;
    default:
        keep(p, SCALAR, urn_logsumexp(any(p, VECTOR)));
        break;
    }
}

static void add_rows(pool *p)
{
    switch (dice_below(&p->d, 6)) {
    case 0:
        keep(p, OVER_ROWS, urn_gather(any(p, OVER_A), p->index));
        break;
    case 1:
        keep(p, ROWS_VECTOR, urn_gather(any(p, A_VECTOR), p->index));
        break;
    case 2:
        keep(p, OVER_ROWS, urn_scaled(urn_row_dot(any(p, ROWS_VECTOR), any(p, ROWS_VECTOR)), 0.3));
        break;
    case 3:
        keep(p, OVER_ROWS,
             urn_scaled(urn_row_dot(urn_gather(any(p, A_VECTOR), p->index),
                                    urn_gather(any(p, A_VECTOR), p->index)),
                        0.3));
        break;
    case 4:
        keep(
            p, ROWS_VECTOR,
            urn_concat(urn_slice(any(p, ROWS_VECTOR), 0, 1), urn_slice(any(p, ROWS_VECTOR), 1, 2)));
        break;
    default:
        keep(p, VECTOR,
             urn_matvec(urn_outer(urn_tanh(any(p, VECTOR)), any(p, VECTOR)), any(p, VECTOR)));
        break;
    }
}

static void begin(urn_model *m, pool *p)
{
    const urn_var zero = urn_real(m, 0), one = urn_real(m, 1), zeros = urn_zeros(m, D);
    p->a = urn_plate_of(m, "group");
    p->b = urn_plate_size(m, "b", B);
    p->rows = urn_plate_rows(m, "rows");
    p->index = urn_index(p->rows, "group", p->a);
    const urn_plate nest = urn_plate_nest(p->a, p->b);
    keep(p, SCALAR, urn_sample(m, "s", log_normal, .loc = zero, .scale = one));
    keep(p, OVER_A, urn_sample(m, "a", normal, .loc = zero, .scale = one, .plate = p->a));
    keep(p, VECTOR, urn_sample(m, "v", normal, .loc = zeros, .scale = one));
    keep(p, A_VECTOR,
         urn_sample(m, "av", mvn, .loc = zeros, .scale_tril = urn_eye(m, D, 1), .plate = p->a));
    keep(p, OVER_ROWS, urn_data(p->rows, "x"));
    keep(p, ROWS_VECTOR, urn_data_columns(p->rows, "v*"));
    keep(
        p, NEST,
        urn_sample(m, "n", uniform, .low = urn_real(m, -2), .high = urn_real(m, 2), .plate = nest));
    keep(p, SCALAR, urn_param(m, "p", 0.5, 0, (urn_plate){0}));
}

static void random_model(urn_model *m)
{
    pool p = {.d = {seed}};
    begin(m, &p);
    for (int k = 0; k < 50; k++) {
        static void (*const steps[])(pool *) = {add_binary, add_binary, add_unary, add_reduction,
                                                add_rows};
        steps[dice_below(&p.d, (int64_t)N_OF(steps))](&p);
    }
    const urn_var y = urn_data(p.rows, "y");
    urn_observe(m, "y1", normal, .value = y, .loc = any(&p, OVER_ROWS),
                .scale = urn_exp(urn_tanh(any(&p, OVER_ROWS))), .plate = p.rows);
    urn_observe(m, "y2", normal, .value = y, .loc = any(&p, SCALAR),
                .scale = urn_exp(urn_tanh(any(&p, SCALAR))), .plate = p.rows);
    urn_observe(m, "y3", mvn, .value = urn_data_columns(p.rows, "v*"), .loc = any(&p, ROWS_VECTOR),
                .scale_tril = urn_diagonal_matrix(urn_exp(urn_tanh(any(&p, VECTOR)))),
                .plate = p.rows);
    urn_factor(m, "f1", urn_sin(any(&p, NEST)));
    urn_factor(m, "f2", urn_tanh(any(&p, A_VECTOR)));
    urn_record(m, "r", any(&p, ROWS_VECTOR));
}

static urn_dataset *random_rows(void)
{
    static const char *const names[] = {"x", "y", "v1", "v2", "v3"};
    dice d = {77};
    double x[ROWS];
    int64_t group[ROWS];
    urn_dataset *data = rows_new(ROWS);
    for (int i = 0; i < ROWS; i++)
        group[i] = i < A ? i : dice_below(&d, A - 2);
    rows_int(data, "group", group);
    for (size_t k = 0; k < N_OF(names); k++) {
        dice_normals(&d, ROWS, 1, x);
        rows_real(data, names[k], x);
    }
    return data;
}

/* Differences of the unfused program against the gradient of the fused one. */
static void check_differences(machine *plain, double *x, const double *g, int64_t n)
{
    double size = 1;
    static const double steps[4] = {-2, -1, 1, 2};
    for (int64_t i = 0; i < n; i++)
        size = fmax(size, fabs(g[i]));
    for (int64_t i = 0; i < n; i++) {
        const double at = x[i], h = 5e-4;
        double f[4];
        for (int k = 0; k < 4; k++) {
            x[i] = at + steps[k] * h;
            f[k] = urn_replay_log_density(plain->replay, x, NULL);
        }
        x[i] = at;
        const double expected = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
        if (!(fabs(g[i] - expected) <= 1e-6 * size))
            fail_msg("seed %llu: gradient %lld is %.17g, by differences %.17g",
                     (unsigned long long)seed, (long long)i, g[i], expected);
    }
}

static void check_values(const urn_model *model, const double *x)
{
    urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_VALUES};
    machine fused = machine_with(model, &options, 2);
    options.no_fuse = true;
    machine plain = machine_with(model, &options, 1);
    const int r = site_of(model, "r");
    urn_replay_run(fused.replay, x);
    urn_replay_run(plain.replay, x);
    for (int i = 0; i < ROWS * D; i++)
        assert_near(urn_replay_result(fused.replay, r, URN_RESULT_VALUE)[i],
                    urn_replay_result(plain.replay, r, URN_RESULT_VALUE)[i], 1e-12, "record");
    machine_clear(&fused);
    machine_clear(&plain);
}

static void check_seed(const urn_dataset *data)
{
    variant v[MOST_VARIANTS];
    urn_model *model = trace_data(DEF(random_model), data);
    const int64_t n = urn_model_position_size(model);
    evaluation e = evaluation_new(n);
    dice d = {seed + 1000};
    const int n_variants = density_variants(model, v);
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_DENSITY, .no_fuse = true};
    machine plain = machine_with(model, &options, 1);
    dice_normals(&d, n, 0.7, e.x);
    check_variants(&e, v, n_variants);
    assert_true(isfinite(e.value));
    check_differences(&plain, e.x, e.g, n);
    check_values(model, e.x);
    variants_clear(v, n_variants);
    machine_clear(&plain);
    urn_model_free(model);
    evaluation_clear(&e);
}

static void random_models(void **state)
{
    (void)state;
    const char *multiplier = getenv("URN_TEST_MULTIPLIER");
    const uint64_t n = 60 * (uint64_t)(multiplier != NULL ? atoi(multiplier) : 1);
    urn_dataset *data = random_rows();
    for (seed = 1; seed <= n; seed++)
        check_seed(data);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
