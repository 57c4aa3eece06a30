/* Joint distribution tests (Geweke, Getting it right, Journal of the American Statistical
 * Association 99, 2004). What the model observes is made latent: a sweep then draws the parameters
 * given the data and new data given the parameters, so that the chain must have the distribution of
 * plain draws from the prior. Compared are means of quantities that do not depend on how factors
 * are turned or components numbered, and have finite variances, by their distance in standard
 * errors (of the chain by its effective sample size). Seeds are fixed; a right sampler goes beyond
 * BOUND once in 100,000 comparisons, of which there are some thirty. */
#include "inference/diagnostics/chains.h"
#include "tests/gibbs/cases.h"
#include <urn/urn.h>

/* Model files with their data made latent. */
static const urn_site *without_value(urn_site site, urn_site *to)
{
    site.value = (urn_var){0};
    *to = site;
    return to;
}
#undef urn_observe
#define urn_observe(m, name, family, ...)                                                          \
    urn_sample_at((m), URN_HERE, (name), urn_family_##family(),                                    \
                  without_value((urn_site){.bytes = sizeof(urn_site), __VA_ARGS__},                \
                                &(urn_site){.bytes = 0}))
#include "models/bpmf.c" /* NOLINT(bugprone-suspicious-include) */
#include "models/hpmf.c" /* NOLINT(bugprone-suspicious-include) */

#define BOUND 4.4
enum { ROWS = 9, WARMUP = 300, SWEEPS = 6000, PRIOR = 20000, MOST = 6 };

/* ---- models ---- */

static void mixture(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var zero = urn_real(m, 0.0), two = urn_real(m, 2.0);
    urn_var p = urn_sample(m, "p", dirichlet, .concentration = urn_fill(m, 2, 2.0));
    urn_var z = urn_sample(m, "z", categorical, .probs = p, .plate = rows);
    urn_var a = urn_sample(m, "a", normal, .loc = zero, .scale = two);
    urn_var b = urn_sample(m, "b", normal, .loc = zero, .scale = two);
    urn_var v = urn_sample(m, "v", inverse_gamma, .shape = urn_real(m, 3.0), .rate = two);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .plate = rows, .variance = v,
                .loc = urn_add(a, urn_mul(z, urn_sub(b, a))));
}

static void poisson_gamma(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), users = urn_plate_of(m, "user");
    urn_var two = urn_real(m, 2.0);
    urn_var shape =
        urn_sample(m, "shape", log_normal, .loc = urn_real(m, 0.5), .scale = urn_real(m, 0.5));
    urn_var rate = urn_sample(m, "rate", gamma, .shape = two, .rate = two);
    urn_var lambda = urn_sample(m, "lambda", gamma, .shape = shape, .rate = rate, .plate = users);
    urn_observe(m, "y", poisson, .value = urn_data(rows, "y"), .plate = rows,
                .rate = urn_gather(lambda, urn_index(rows, "user", users)));
}

static void line_by_user(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var one = urn_real(m, 1.0);
    urn_var beta =
        urn_sample(m, "beta", mvn, .loc = urn_fill(m, 2, 0.5), .precision = urn_eye(m, 2, 0.5));
    urn_var tau = urn_sample(m, "tau", gamma, .shape = urn_real(m, 2.0), .rate = one);
    urn_var spread = urn_sample(m, "spread", half_normal, .scale = one);
    urn_var level = urn_sample(m, "level", normal, .loc = one, .scale = spread,
                               .plate = urn_plate_of(m, "user"));
    urn_var mine = urn_gather(level, urn_index(rows, "user", urn_plate_of(m, "user")));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .plate = rows, .precision = tau,
                .loc = urn_add(mine, urn_row_dot(urn_data_columns(rows, "x*"), beta)));
}

/* ---- quantities ---- */

typedef struct sample {
    const urn_model *model;
    const double *const *value; /* by site */
} sample;

static const double *at(const sample *s, const char *site)
{
    const int i = urn_model_site_find(s->model, site);
    assert_true(i >= 0);
    return s->value[i];
}

static double mean_atan(const double *x, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += atan(x[i]) / n;
    return sum;
}

static double mean_square_log(const double *x, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += log1p(x[i] * x[i]) / n;
    return sum;
}

static double log_det_2(const double *a)
{
    return log(a[0] * a[3] - a[1] * a[2]);
}

/* Of all pairs of three users and three items with two factors. */
static double products(const double *u, const double *v, double (*of)(const double *, int))
{
    double r[9];
    for (int i = 0; i < 9; i++)
        r[i] = u[i / 3 * 2] * v[i % 3 * 2] + u[i / 3 * 2 + 1] * v[i % 3 * 2 + 1];
    return of(r, 9);
}

static void of_bpmf(const sample *s, double *q)
{
    q[0] = log(at(s, "alpha")[0]);
    q[1] = log_det_2(at(s, "lam_u"));
    q[2] = log_det_2(at(s, "lam_v"));
    q[3] = mean_square_log(at(s, "mu_u"), 2);
    q[4] = products(at(s, "U"), at(s, "V"), mean_square_log);
    q[5] = mean_square_log(at(s, "R"), ROWS);
}

static void of_hpmf(const sample *s, double *q)
{
    q[0] = log(at(s, "obs_scale")[0]);
    q[1] = at(s, "tril_u")[2];
    q[2] = mean_square_log(at(s, "loc_u"), 2);
    q[3] = products(at(s, "U"), at(s, "V"), mean_square_log);
    q[4] = products(at(s, "U"), at(s, "V"), mean_atan);
    q[5] = mean_square_log(at(s, "R"), ROWS);
}

static void of_mixture(const sample *s, double *q)
{
    double ones = 0.0;
    for (int i = 0; i < ROWS; i++)
        ones += at(s, "z")[i] / ROWS;
    q[0] = fabs(at(s, "p")[0] - 0.5);
    q[1] = fabs(ones - 0.5);
    q[2] = log1p(fabs(at(s, "a")[0] - at(s, "b")[0]));
    q[3] = at(s, "a")[0] + at(s, "b")[0];
    q[4] = log(at(s, "v")[0]);
    q[5] = mean_square_log(at(s, "y"), ROWS);
}

static void of_poisson_gamma(const sample *s, double *q)
{
    q[0] = log(at(s, "shape")[0]);
    q[1] = log(at(s, "rate")[0]);
    q[2] = (log(at(s, "lambda")[0]) + log(at(s, "lambda")[1]) + log(at(s, "lambda")[2])) / 3.0;
    q[3] = mean_square_log(at(s, "y"), ROWS);
    q[4] = at(s, "y")[0] == 0.0;
    q[5] = sqrt(at(s, "lambda")[2]);
}

static void of_line(const sample *s, double *q)
{
    q[0] = at(s, "beta")[0];
    q[1] = at(s, "beta")[0] * at(s, "beta")[1];
    q[2] = log(at(s, "tau")[0]);
    q[3] = log(at(s, "spread")[0]);
    q[4] = at(s, "level")[1];
    q[5] = mean_square_log(at(s, "y"), ROWS);
}

/* ---- the test ---- */

typedef void quantities(const sample *s, double *q);

/* With df = dim factors would be Cauchy, and a chain that wanders off does not come back soon. */
static urn_model *trace_small(const urn_model_def *def, const urn_dataset *data)
{
    static const urn_setting settings[] = {
        {"dim", "2"}, {"df", "12"}, {"noise", "free"}, {"biases", "yes"}, {"center", "none"}};
    const bool rated = strcmp(def->name, "bpmf") == 0;
    const urn_trace_options options = {.bytes = sizeof options,
                                       .data = data,
                                       .settings = settings,
                                       .n_settings = rated                            ? 5
                                                     : strcmp(def->name, "hpmf") == 0 ? 1
                                                                                      : 0};
    urn_error error = {0};
    urn_model *model;
    assert_ok(urn_model_trace(def, &options, &model, &error), &error);
    return model;
}

/* MOST x n numbers, quantity by quantity. */
static void from_prior(const urn_model *model, quantities *of, double *to)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE};
    urn_error error = {0};
    urn_program *program;
    urn_replay *replay;
    const double *value[16];
    assert_ok(urn_program_compile(model, &options, &program, &error), &error);
    assert_ok(urn_replay_new(program, 1, &replay, &error), &error);
    for (int64_t n = 0; n < PRIOR; n++) {
        double q[MOST];
        urn_replay_seed(replay, 11, 0, (uint64_t)n);
        urn_replay_run(replay, NULL);
        for (int i = 0; i < urn_model_site_count(model); i++)
            value[i] = urn_replay_result(replay, i, URN_RESULT_VALUE);
        of(&(sample){model, value}, q);
        for (int k = 0; k < MOST; k++)
            to[k * PRIOR + n] = q[k];
    }
    urn_replay_free(replay);
    urn_program_free(program);
}

static urn__gibbs *open_chain(const urn_model *model)
{
    urn_error error = {0};
    urn__gibbs *g = derive(model, 1);
    double *position = calloc((size_t)urn_model_position_size(model) + 1, sizeof *position);
    assert_non_null(position);
    g->seed = 5;
    g->n_warmup = WARMUP;
    assert_ok(urn__gibbs_runnable(g, &error), &error);
    assert_ok(urn__gibbs_open(g, &error), &error);
    assert_ok(urn__gibbs_set_position(g, position, &error), &error);
    free(position);
    return g;
}

static void from_chain(urn__gibbs *g, quantities *of, double *to)
{
    urn_error error = {0};
    for (int64_t n = 0; n < WARMUP + SWEEPS; n++) {
        double q[MOST];
        assert_ok(urn__gibbs_sweep(g, n + 1, &error), &error);
        of(&(sample){g->m, (const double *const *)g->value}, q);
        for (int k = 0; k < MOST && n >= WARMUP; k++)
            to[k * SWEEPS + n - WARMUP] = q[k];
    }
}

/* The largest distance in standard errors. */
static double compare(const char *name, const double *prior, const double *chain)
{
    urn_error error = {0};
    urn__chains *chains;
    double worst = 0.0;
    assert_ok(urn__chains_new(NULL, 1, SWEEPS, &chains, &error), &error);
    for (int k = 0; k < MOST; k++) {
        double sum = 0.0, square = 0.0;
        for (int i = 0; i < PRIOR; i++)
            sum += prior[k * PRIOR + i] / PRIOR;
        for (int i = 0; i < PRIOR; i++)
            square += (prior[k * PRIOR + i] - sum) * (prior[k * PRIOR + i] - sum);
        urn__chains_read(chains, chain + k * SWEEPS, SWEEPS, 1);
        const double mcse = urn__mcse_mean(chains), ess = urn__ess_mean(chains);
        const double se = sqrt(square / PRIOR / PRIOR + mcse * mcse);
        const double z = (urn__chains_mean(chains) - sum) / se;
        if (ess < 50.0)
            fail_msg("%s, quantity %d: an effective sample size of %g says nothing", name, k, ess);
        if (fabs(z) > BOUND)
            print_message("%s, quantity %d: %g by the chain, %g by the prior, z = %.1f\n", name, k,
                          urn__chains_mean(chains), sum, z);
        worst = fmax(worst, fabs(z));
    }
    urn__chains_free(chains);
    return worst;
}

static urn_dataset *small_data(void)
{
    static double user[ROWS], item[ROWS], rating[ROWS], x1[ROWS], x2[ROWS];
    static const char *const names[] = {"user", "item", "rating", "y", "x1", "x2"};
    const double *const columns[] = {user, item, rating, rating, x1, x2};
    for (int r = 0; r < ROWS; r++) {
        user[r] = floor(r / 3.0);
        item[r] = r % 3;
        x1[r] = sin(1.0 + r);
        x2[r] = cos(2.0 * r);
    }
    return dataset_in("", ROWS, names, columns, 6);
}

/* `spoil` changes the chain before it runs; NULL: nothing. */
static double run(const urn_model_def *def, quantities *of, void (*spoil)(urn__gibbs *g))
{
    urn_dataset *data = small_data();
    urn_model *model = trace_small(def, data);
    double *prior = malloc(sizeof *prior * MOST * PRIOR);
    double *chain = malloc(sizeof *chain * MOST * SWEEPS);
    assert_true(prior != NULL && chain != NULL);
    from_prior(model, of, prior);
    urn__gibbs *g = open_chain(model);
    if (spoil != NULL)
        spoil(g);
    from_chain(g, of, chain);
    const double worst = compare(def->name, prior, chain);
    print_message("%s: the largest distance is %.2f standard errors\n", def->name, worst);
    urn__gibbs_free(g);
    free(prior);
    free(chain);
    urn_model_free(model);
    urn_dataset_free(data);
    return worst;
}

static void right_samplers(void **state)
{
    (void)state;
    assert_true(run(urn_model_bpmf(), of_bpmf, NULL) < BOUND);
    assert_true(run(urn_model_hpmf(), of_hpmf, NULL) < BOUND);
    assert_true(run(CASE_DEF(mixture), of_mixture, NULL) < BOUND);
    assert_true(run(CASE_DEF(poisson_gamma), of_poisson_gamma, NULL) < BOUND);
    assert_true(run(CASE_DEF(line_by_user), of_line, NULL) < BOUND);
}

/* ---- and wrong ones are found ---- */

static void (*right)(const urn__child_call *call);

static void one_half_less(const urn__child_call *c)
{
    right(c);
    c->acc[0] -= 0.5;
}

static void one_less(const urn__child_call *c)
{
    right(c);
    c->acc[0] -= 1.0;
}

static urn__rule_child wrong_line;

static void spoil_child(urn__gibbs *g, const char *site, int child,
                        void (*wrong)(const urn__child_call *))
{
    for (int b = 0; b < g->n_blocks; b++)
        if (&g->block[b] == block_of_site(g, site)) {
            wrong_line = *g->block[b].child[child].rule;
            right = wrong_line.into;
            wrong_line.into = wrong;
            g->block[b].child[child].rule = &wrong_line;
        }
}

static void spoil_tau(urn__gibbs *g)
{
    spoil_child(g, "tau", 0, one_half_less);
}

static void spoil_lam(urn__gibbs *g)
{
    spoil_child(g, "lam_u", 1, one_less);
}

static void wrong_samplers(void **state)
{
    (void)state;
    assert_true(run(CASE_DEF(line_by_user), of_line, spoil_tau) > BOUND);
    assert_true(run(urn_model_bpmf(), of_bpmf, spoil_lam) > BOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_samplers),
        cmocka_unit_test(wrong_samplers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
