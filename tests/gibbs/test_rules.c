/* Rules other than the Gaussian one, and enumeration: what is taken by which, that each conditional
 * is that of the joint density, and that conditionals with the errors that copies of such samplers
 * often have are found out. */
#include "tests/gibbs/cases.h"

static urn_var R(urn_model *m, double x)
{
    return urn_real(m, x);
}

static urn_var index_g(urn_plate rows, urn_plate g)
{
    return urn_index(rows, "g", g);
}

/* ---- gamma ---- */

static void precisions(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var tau = urn_sample(m, "tau", gamma, .shape = R(m, 2.0), .rate = R(m, 1.5), .plate = g);
    urn_var mine = urn_gather(tau, index_g(rows, g));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_data(rows, "t"),
                .precision = urn_mul(urn_data(rows, "w"), mine), .plate = rows,
                .mask = urn_data(rows, "on"));
    urn_observe(m, "z", log_normal, .value = urn_data(rows, "w"), .loc = R(m, 0.2),
                .scale = urn_reciprocal(urn_sqrt(mine)), .plate = rows);
}

static void rates(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var w = urn_data(rows, "w");
    urn_var rate = urn_sample(m, "rate", exponential, .rate = R(m, 0.7));
    urn_observe(m, "a", poisson, .value = urn_data(rows, "g"), .rate = urn_mul(rate, w),
                .plate = rows);
    urn_observe(m, "b", exponential, .value = w, .scale = urn_reciprocal(rate), .plate = rows);
    urn_observe(m, "c", gamma, .value = w, .shape = R(m, 1.7), .rate = urn_scaled(rate, 2.0),
                .plate = rows);
    urn_observe(m, "d", inverse_gamma, .value = w, .shape = w, .rate = rate, .plate = rows);
}

/* What a gamma rule must not take: a precision that is shifted, a rate of a shape. */
static void not_a_rate(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_var b = urn_sample(m, "b", gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = R(m, 0.0),
                .precision = urn_shifted(a, 1.0), .plate = rows);
    urn_observe(m, "z", gamma, .value = urn_data(rows, "w"), .shape = b, .rate = R(m, 1.0),
                .plate = rows);
}

/* ---- inverse gamma ---- */

static void variances(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var w = urn_data(rows, "w");
    urn_var v = urn_sample(m, "v", inverse_gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = R(m, 0.1),
                .variance = urn_mul(v, w), .plate = rows);
    urn_observe(m, "z", half_normal, .value = w, .scale = urn_scaled(urn_sqrt(v), 1.5),
                .plate = rows);
    urn_observe(m, "c", gamma, .value = w, .shape = R(m, 1.7), .scale = v, .plate = rows);
}

static void vector_scales(urn_model *m)
{
    const double tril[9] = {1.0, 0.0, 0.0, 0.4, 0.8, 0.0, -0.3, 0.2, 1.5};
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var l = urn_matrix(m, 3, 3, tril), x = urn_data_columns(rows, "x*");
    urn_var v = urn_sample(m, "v", inverse_gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_var tau = urn_sample(m, "tau", gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_observe(m, "y", mvn, .value = x, .loc = urn_zeros(m, 3),
                .scale_tril = urn_mul(urn_sqrt(v), l), .plate = rows);
    urn_observe(m, "z", mvn, .value = x, .loc = urn_fill(m, 3, 0.2),
                .precision_tril = urn_mul(urn_sqrt(tau), l), .plate = rows);
}

/* ---- matrices ---- */

static urn_var scale_matrix(urn_model *m)
{
    return urn_matrix(m, 3, 3, (double[]){1.0, 0.2, 0.0, 0.2, 0.7, -0.1, 0.0, -0.1, 0.5});
}

static void precision_matrix(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var x = urn_data_columns(rows, "x*"), loc = urn_fill(m, 3, 0.1);
    urn_var lam =
        urn_sample(m, "lam", wishart, .df = R(m, 4.5), .scale = scale_matrix(m), .plate = g);
    urn_observe(m, "y", mvn, .value = x, .loc = loc, .precision = urn_gather(lam, index_g(rows, g)),
                .plate = rows, .mask = urn_data(rows, "on"));
    urn_observe(m, "z", mvn, .value = x, .loc = x, .plate = rows,
                .precision = urn_scaled(urn_gather(lam, index_g(rows, g)), 2.5));
}

static void covariance_matrix(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data_columns(rows, "x*");
    urn_var sigma =
        urn_sample(m, "sigma", inverse_wishart, .df = R(m, 4.5), .scale = scale_matrix(m));
    urn_observe(m, "y", mvn, .value = x, .loc = urn_zeros(m, 3), .covariance = sigma,
                .plate = rows);
    urn_observe(m, "z", mvn, .value = x, .loc = urn_fill(m, 3, 0.1),
                .covariance = urn_scaled(sigma, 3.0), .plate = rows);
}

/* ---- location and precision ---- */

static void pair(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), users = urn_plate_of(m, "user");
    urn_var lam = urn_sample(m, "lam", wishart, .df = R(m, 3.0), .scale = scale_matrix(m));
    urn_var mu =
        urn_sample(m, "mu", mvn, .loc = urn_fill(m, 3, 0.3), .precision = urn_scaled(lam, 2.0));
    urn_var U = urn_sample(m, "U", mvn, .loc = mu, .precision = lam, .plate = users);
    urn_observe(m, "x", mvn, .value = urn_data_columns(rows, "x*"), .loc = mu,
                .precision = urn_mul(urn_data(rows, "w"), lam), .plate = rows,
                .mask = urn_data(rows, "on"));
    urn_observe(m, "z", mvn, .value = urn_data_columns(rows, "x*"), .loc = urn_zeros(m, 3),
                .precision = urn_scaled(lam, 0.5), .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .scale = R(m, 1.0), .plate = rows,
                .loc = urn_row_dot(urn_gather(U, urn_index(rows, "user", users)),
                                   urn_data_columns(rows, "x*")));
}

static void pairs(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var lam =
        urn_sample(m, "lam", wishart, .df = R(m, 3.0), .scale = scale_matrix(m), .plate = g);
    urn_var mu = urn_sample(m, "mu", mvn, .loc = urn_fill(m, 3, 50.0),
                            .precision = urn_scaled(lam, 0.01), .plate = g);
    urn_var ix = index_g(rows, g);
    urn_observe(m, "x", mvn, .value = urn_data_columns(rows, "x*"), .loc = urn_gather(mu, ix),
                .precision = urn_gather(lam, ix), .plate = rows);
}

/* Not one pair: the location's precision is not the matrix. */
static void separate(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var lam = urn_sample(m, "lam", wishart, .df = R(m, 3.0), .scale = scale_matrix(m));
    urn_var mu = urn_sample(m, "mu", mvn, .loc = urn_zeros(m, 3), .precision = urn_eye(m, 3, 0.5));
    urn_observe(m, "x", mvn, .value = urn_data_columns(rows, "x*"), .loc = mu, .precision = lam,
                .plate = rows);
}

/* Nor this: mu enters a site without the matrix, or scaled. */
static void half_a_pair(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var lam = urn_sample(m, "lam", wishart, .df = R(m, 3.0), .scale = scale_matrix(m));
    urn_var mu = urn_sample(m, "mu", mvn, .loc = urn_zeros(m, 3), .precision = lam);
    urn_observe(m, "x", mvn, .value = urn_data_columns(rows, "x*"), .loc = mu, .precision = lam,
                .plate = rows);
    urn_observe(m, "z", mvn, .value = urn_data_columns(rows, "x*"), .loc = mu,
                .precision = urn_eye(m, 3, 2.0), .plate = rows);
}

static void scaled_location(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var lam = urn_sample(m, "lam", wishart, .df = R(m, 3.0), .scale = scale_matrix(m));
    urn_var mu = urn_sample(m, "mu", mvn, .loc = urn_zeros(m, 3), .precision = lam);
    urn_observe(m, "x", mvn, .value = urn_data_columns(rows, "x*"), .loc = urn_scaled(mu, 2.0),
                .precision = lam, .plate = rows);
}

/* ---- probabilities ---- */

static void probabilities(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var p = urn_sample(m, "p", beta, .concentration1 = R(m, 2.0), .concentration0 = R(m, 1.5),
                           .plate = g);
    urn_var q = urn_gather(p, index_g(rows, g));
    urn_observe(m, "a", bernoulli, .value = urn_data(rows, "on"), .probs = q, .plate = rows);
    urn_observe(m, "b", binomial, .value = urn_data(rows, "g"), .total = R(m, 6.0), .probs = q,
                .plate = rows);
    urn_observe(m, "c", geometric, .value = urn_data(rows, "h"), .probs = q, .plate = rows);
}

static void categories(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    const double tries[5] = {3.0, 0.0, 2.0, 1.0, 1.0};
    urn_var p = urn_sample(m, "p", dirichlet, .concentration = urn_fill(m, 5, 1.3));
    urn_observe(m, "a", categorical, .value = urn_data(rows, "g"), .probs = p, .plate = rows);
    urn_observe(m, "b", multinomial, .value = urn_vector(m, 5, tries), .total = R(m, 7.0),
                .probs = p);
}

/* ---- scales without a conjugate prior ---- */

static void scales(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var y = urn_data(rows, "y"), zero = R(m, 0.0), ix = index_g(rows, g);
    urn_var a = urn_sample(m, "a", half_normal, .scale = R(m, 2.0), .plate = g);
    urn_var b = urn_sample(m, "b", inverse_gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_var c = urn_sample(m, "c", half_cauchy, .scale = R(m, 1.5));
    urn_var d = urn_sample(m, "d", log_normal, .loc = zero, .scale = R(m, 1.0));
    urn_var e = urn_sample(m, "e", gamma, .shape = R(m, 2.0), .rate = R(m, 1.5));
    urn_observe(m, "ya", normal, .value = y, .loc = zero, .scale = urn_gather(a, ix),
                .plate = rows);
    urn_observe(m, "yb", normal, .value = y, .loc = zero, .scale = urn_scaled(b, 1.5),
                .plate = rows);
    urn_observe(m, "yc", normal, .value = y, .loc = zero, .precision = urn_square(c),
                .plate = rows);
    urn_observe(m, "wc", exponential, .value = urn_data(rows, "w"), .rate = c, .plate = rows);
    urn_observe(m, "yd", poisson, .value = urn_data(rows, "g"), .rate = d, .plate = rows);
    urn_observe(m, "ye", mvn, .value = urn_data_columns(rows, "x*"), .loc = urn_zeros(m, 3),
                .scale_tril = urn_mul(e, urn_eye(m, 3, 0.5)), .plate = rows);
}

/* ---- discrete ---- */

static void mixture(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var p = urn_sample(m, "p", beta, .concentration1 = R(m, 2.0), .concentration0 = R(m, 1.5));
    urn_var z = urn_sample(m, "z", bernoulli, .probs = p, .plate = rows);
    urn_var loc = urn_sample(m, "loc", normal, .loc = R(m, 0.0), .scale = R(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_mul(z, loc),
                .scale = urn_where(z, R(m, 1.5), R(m, 0.6)), .plate = rows);
}

static void kinds_of_groups(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_of(m, "g");
    urn_var p = urn_sample(m, "p", dirichlet, .concentration = urn_fill(m, 3, 1.3));
    urn_var z = urn_sample(m, "z", categorical, .probs = p, .plate = g);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(z, index_g(rows, g)), .scale = R(m, 0.6), .plate = rows,
                .mask = urn_data(rows, "on"));
    urn_var k = urn_sample(m, "k", binomial, .total = R(m, 4.0), .logits = R(m, 0.3));
    urn_observe(m, "c", poisson, .value = urn_data(rows, "h"), .rate = urn_shifted(k, 0.5),
                .plate = rows);
}

/* Rows that meet in one child. */
static void coupled(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), g = urn_plate_size(m, "team", 5);
    urn_var z = urn_sample(m, "z", bernoulli, .logits = R(m, 0.3), .plate = g);
    urn_var a = urn_gather(z, index_g(rows, g)), b = urn_gather(z, urn_index(rows, "h", g));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_sub(a, b),
                .scale = R(m, 0.6), .plate = rows);
}

/* Nothing depends on x; something does on k, which is not said to be few. */
static void unobserved(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_sample(m, "x", student_t, .df = R(m, 5.0), .loc = R(m, 1.0), .scale = R(m, 1.0),
                           .plate = urn_plate_of(m, "g"));
    urn_record(m, "twice", urn_scaled(x, 2.0));
    (void)urn_sample(m, "n", poisson, .rate = urn_shifted(urn_data(rows, "w"), 0.5), .plate = rows);
}

/* ---- what is left ---- */

static void left_over(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var df = urn_sample(m, "df", uniform, .low = R(m, 2.0), .high = R(m, 30.0));
    urn_var loc = urn_sample(m, "loc", normal, .loc = R(m, 0.0), .scale = R(m, 2.0));
    urn_var beta =
        urn_sample(m, "beta", mvn, .loc = urn_zeros(m, 3), .precision = urn_eye(m, 3, 0.5));
    urn_observe(m, "y", student_t, .value = urn_data(rows, "y"), .df = df, .loc = loc,
                .scale = R(m, 0.7), .plate = rows);
    urn_observe(m, "on", bernoulli, .value = urn_data(rows, "on"),
                .logits = urn_row_dot(urn_data_columns(rows, "x*"), beta), .plate = rows);
}

#define BY(site, rule)                                                                             \
    {                                                                                              \
        (site), (rule), "closed form", false, NULL                                                 \
    }
#define NOT_BY_RULE(site, kind, reason)                                                            \
    {                                                                                              \
        (site), NULL, (kind), false, (reason)                                                      \
    }
#define STEPS(site)                                                                                \
    {                                                                                              \
        (site), "positive", "slice", false, NULL                                                   \
    }

static void for_each_case(void (*body)(const gibbs_case *c, const urn_dataset *data))
{
    const gibbs_case list[] = {
        {CASE_DEF(precisions), {BY("tau", "gamma")}},
        {CASE_DEF(rates), {BY("rate", "gamma")}},
        {CASE_DEF(not_a_rate),
         {NOT_BY_RULE("a", "slice", "normal y.precision: affine"),
          NOT_BY_RULE("b", "slice", "gamma z.shape: itself")}},
        {CASE_DEF(variances), {BY("v", "inverse_gamma")}},
        {CASE_DEF(vector_scales), {BY("v", "inverse_gamma"), BY("tau", "gamma")}},
        {CASE_DEF(precision_matrix), {BY("lam", "wishart")}},
        {CASE_DEF(covariance_matrix), {BY("sigma", "inverse_wishart")}},
        {CASE_DEF(pair),
         {BY("lam", "normal_wishart"), BY("mu", "normal_wishart"), BY("U", "gaussian")}},
        {CASE_DEF(pairs), {BY("lam", "normal_wishart"), BY("mu", "normal_wishart")}},
        {CASE_DEF(separate), {BY("lam", "wishart"), BY("mu", "gaussian")}},
        {CASE_DEF(half_a_pair), {BY("lam", "wishart"), BY("mu", "gaussian")}},
        {CASE_DEF(scaled_location), {BY("lam", "wishart"), BY("mu", "gaussian")}},
        {CASE_DEF(probabilities), {BY("p", "beta")}},
        {CASE_DEF(categories), {BY("p", "dirichlet")}},
        {CASE_DEF(scales), {STEPS("a"), STEPS("b"), STEPS("c"), STEPS("d"), STEPS("e")}},
        {CASE_DEF(mixture),
         {BY("p", "beta"), NOT_BY_RULE("z", "enumerate", "no rule"), BY("loc", "gaussian")}},
        {CASE_DEF(kinds_of_groups),
         {BY("p", "dirichlet"), NOT_BY_RULE("z", "enumerate", NULL),
          NOT_BY_RULE("k", "enumerate", NULL)}},
        {CASE_DEF(unobserved), {BY("x", "prior"), BY("n", "prior")}},
        {CASE_DEF(coupled), {NOT_BY_RULE("z", "enumerate", NULL)}},
        {CASE_DEF(left_over),
         {NOT_BY_RULE("df", "slice", NULL), NOT_BY_RULE("loc", "slice", NULL),
          NOT_BY_RULE("beta", "gradient", NULL)}},
    };
    urn_dataset *data = case_data();
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        body(&list[i], data);
    urn_dataset_free(data);
}

static void conditionals_are_those_of_the_joint_density(void **state)
{
    (void)state;
    for_each_case(run_case);
}

/* ---- draws ---- */

static int modes_checked;

static bool has_mode(const urn__gibbs_block *b)
{
    return b->kind->mode != NULL && !b->sequential && (b->rule == NULL || b->rule->mode != NULL);
}

/* The conditional is highest at its mode. With few rows some have none. */
static void check_modes(urn__gibbs *g, const char *model)
{
    urn_error error = {0};
    for (int i = 0; i < g->n_blocks; i++) {
        urn__gibbs_block *b = &g->block[i];
        if (!has_mode(b))
            continue;
        assert_ok(b->kind->collect(b, 0, &error), &error);
        const double at_draw = b->kind->log_conditional(b, 0);
        if (b->kind->mode(b, &error) != URN_OK)
            continue;
        const double at_mode = b->kind->log_conditional(b, 0);
        if (!(at_mode >= at_draw))
            fail_msg("%s, site %s: %.12g at the mode, %.12g at a draw", model,
                     g->m->site[b->site[0]].name, at_mode, at_draw);
        modes_checked++;
    }
}

static void sweep_from(urn__gibbs *g, int64_t size, double *to)
{
    urn_error error = {0};
    g->seed = 3;
    assert_ok(urn__gibbs_open(g, &error), &error);
    for (int64_t j = 0; j < size; j++)
        to[j] = 0.3 * sin((double)j);
    assert_ok(urn__gibbs_set_position(g, to, &error), &error);
    for (int step = 1; step <= 5; step++)
        assert_ok(urn__gibbs_sweep(g, step, &error), &error);
    urn__gibbs_state(g, to);
}

static void check_draws(const gibbs_case *c, const urn_dataset *data)
{
    urn_model *model = trace_rows(c->def, data, URN_ROWS_TRAINING);
    const int64_t size = urn_model_state_size(model);
    double *found[2];
    for (int k = 0; k < 2; k++) {
        found[k] = calloc((size_t)size + 1, sizeof *found[k]);
        assert_non_null(found[k]);
        urn__gibbs *g = derive(model, k == 0 ? 1 : 3);
        sweep_from(g, size, found[k]);
        check_modes(g, c->def->name);
        urn__gibbs_free(g);
    }
    for (int64_t j = 0; j < size; j++) {
        if (found[0][j] != found[1][j])
            fail_msg("%s: threads change coordinate %ld", c->def->name, (long)j);
        assert_true(isfinite(found[0][j]));
    }
    free(found[0]);
    free(found[1]);
    urn_model_free(model);
}

/* Five sweeps have the same bits with one thread and with three. */
static void draws_and_modes(void **state)
{
    (void)state;
    for_each_case(check_draws);
    assert_true(modes_checked >= 30);
}

/* ---- wrong variants ---- */

typedef void into(const urn__child_call *call);
static into *right; /* what a wrong variant is made of */

/* N - 1 in place of N. */
static void one_less(const urn__child_call *c)
{
    right(c);
    c->acc[0] -= 1.0;
}

/* As if the shape of a gamma had (N - 1) / 2. */
static void half_less(const urn__child_call *c)
{
    right(c);
    c->acc[0] -= 0.5;
}

/* Scatter around 0. */
static void uncentred(const urn__child_call *c)
{
    static const double zero[8];
    urn__child_call wrong = *c;
    wrong.param[0] = zero;
    wrong.stride[0] = 0;
    right(&wrong);
}

/* The published slip for a normal-Wishart: the scatter around 0 in place of that around the mean.
 * The accumulator is {nu, beta, ref, s, M}. */
static void uncentred_pair(const urn__child_call *c)
{
    const int64_t d = c->dim;
    double mean[8] = {0.0}, *matrix = c->acc + 2 + 2 * d;
    right(c);
    for (int64_t r = 0; r < c->n; r++)
        for (int64_t i = 0; i < d; i++)
            mean[i] += c->value[urn__child_row(c, r) * c->value_stride + i] / (double)c->n;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            matrix[i * d + j] += (double)c->n * mean[i] * mean[j];
}

/* N / (N - 1) times the scatter. */
static void inflated(const urn__child_call *c)
{
    double before[64], *matrix = c->acc + 1;
    const int64_t size = c->dim * c->dim;
    memcpy(before, matrix, (size_t)size * sizeof *before);
    right(c);
    for (int64_t e = 0; e < size; e++)
        matrix[e] += (matrix[e] - before[e]) / (double)(c->n - 1);
}

static void check_wrong(const urn_model_def *def, const char *site, int child, into *wrong)
{
    urn_dataset *data = case_data();
    urn_error error = {0};
    urn_model *model = trace_rows(def, data, URN_ROWS_TRAINING);
    urn__gibbs *g = derive(model, 1);
    int b = 0;
    while (&g->block[b] != block_of_site(g, site))
        b++;
    assert_ok(urn__gibbs_open(g, &error), &error);
    urn__block_check check;
    assert_ok(urn__gibbs_check(g, b, 7, 0, &check, &error), &error);
    assert_true(check.agrees);
    urn__rule_child line = *g->block[b].child[child].rule;
    right = line.into;
    line.into = wrong;
    g->block[b].child[child].rule = &line;
    assert_ok(urn__gibbs_check(g, b, 7, 0, &check, &error), &error);
    assert_false(check.agrees);
    assert_true(check.difference > 1e-3);
    assert_int_equal(urn__gibbs_check_all(g, INT64_MAX, &error), URN_ERR_INTERNAL);
    assert_string_equal(error.site, site);
    assert_non_null(strstr(error.message, "does not agree with the joint density"));
    assert_true(g->block[b].failed);
    urn__gibbs_free(g);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void wrong_variants_are_found(void **state)
{
    (void)state;
    check_wrong(CASE_DEF(precisions), "tau", 0, half_less);
    check_wrong(CASE_DEF(variances), "v", 0, half_less);
    check_wrong(CASE_DEF(precision_matrix), "lam", 0, uncentred);
    check_wrong(CASE_DEF(precision_matrix), "lam", 0, one_less);
    check_wrong(CASE_DEF(precision_matrix), "lam", 0, inflated);
    check_wrong(CASE_DEF(covariance_matrix), "sigma", 1, uncentred);
    check_wrong(CASE_DEF(pairs), "lam", 1, one_less);
    check_wrong(CASE_DEF(pairs), "lam", 1, uncentred_pair);
    check_wrong(CASE_DEF(probabilities), "p", 0, one_less);
    check_wrong(CASE_DEF(categories), "p", 0, one_less);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditionals_are_those_of_the_joint_density),
        cmocka_unit_test(draws_and_modes),
        cmocka_unit_test(wrong_variants_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
