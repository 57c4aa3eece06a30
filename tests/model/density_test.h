/* The checks every log density goes through: the formula written by hand in the test, derivatives
 * of that formula, the unfused program, threads, CPU paths. */
#ifndef URN_TESTS_MODEL_DENSITY_TEST_H
#define URN_TESTS_MODEL_DENSITY_TEST_H

#include "tests/model/model_test.h"

/* The log density at an unconstrained position, by hand. */
typedef double formula(const urn_model *model, const double *position);

typedef struct density_case {
    formula *expected;
    double spread;    /* sd of the random positions; 0: 1 */
    double tolerance; /* of the formula; 0: 1e-11 */
    int positions;    /* how many; 0: 5 */
} density_case;

/* Derivative of the formula along coordinate i, central differences of fourth order. */
static inline double slope(formula *f, const urn_model *model, double *x, int64_t i)
{
    const double at = x[i], h = 2e-3 * fmax(1.0, fabs(at));
    double v[4];
    static const double steps[4] = {-2, -1, 1, 2};
    for (int k = 0; k < 4; k++) {
        x[i] = at + steps[k] * h;
        v[k] = f(model, x);
    }
    x[i] = at;
    return (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * h);
}

static inline void check_gradient(const urn_model *model, formula *f, double *x, const double *g)
{
    const int64_t n = urn_model_position_size(model);
    char what[64];
    double size = 0;
    for (int64_t i = 0; i < n; i++)
        size = fmax(size, fabs(g[i]));
    for (int64_t i = 0; i < n; i++) {
        (void)snprintf(what, sizeof what, "gradient at coordinate %lld", (long long)i);
        const double expected = slope(f, model, x, i);
        if (!(fabs(g[i] - expected) <= 1e-7 * fmax(1.0, fmax(fabs(expected), 1e-2 * size))))
            fail_msg("%s: found %.17g, expected %.17g", what, g[i], expected);
    }
}

typedef struct variant {
    machine machine;
    const char *name;
    double tolerance; /* 0: the same bits as the first one of its precision */
    bool single;
} variant;

enum { MOST_VARIANTS = 24 };

/* Programs that must agree: the first is the one looked at. */
static inline int density_variants(const urn_model *model, variant *v)
{
    const char *path[3];
    static const int threads[] = {1, 2, 3, 8};
    int n = 0;
    for (int single = 0; single < 2; single++) {
        urn_compile_options options = {.bytes = sizeof options,
                                       .kind = URN_PROGRAM_DENSITY,
                                       .precision =
                                           single ? URN_PRECISION_SINGLE : URN_PRECISION_DOUBLE};
        for (size_t k = 0; k < N_OF(threads); k++)
            v[n++] = (variant){machine_with(model, &options, threads[k]), "another thread count", 0,
                               single != 0};
        options.no_fuse = true;
        v[n++] = (variant){machine_with(model, &options, 1), "unfused", 1e-12, single != 0};
        for (int k = 0, paths = cpu_paths(path); k < paths; k++) {
            options.cpu = path[k];
            options.no_fuse = k % 2 != 0;
            v[n++] = (variant){machine_with(model, &options, 3), path[k], 1e-12, single != 0};
        }
    }
    return n;
}

/* A position with what a program says of it. */
typedef struct evaluation {
    int64_t n;
    double *x, *g;
    double value;
    double value_moves, g_moves; /* when coordinates move by a rounding of a float */
    double *single_g;            /* of the first single program */
    double single_value;
} evaluation;

static inline double largest_difference(int64_t n, const double *a, const double *b)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(a[i] - (b == NULL ? 0.0 : b[i])));
    return most;
}

static inline void find_moves(evaluation *e, const machine *m)
{
    double *x = doubles(e->n), *g = doubles(e->n);
    dice d = {99};
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < e->n; i++)
            x[i] = e->x[i] * (1.0 + (dice_below(&d, 2) ? 0x1p-24 : -0x1p-24));
        const double value = urn_replay_log_density(m->replay, x, g);
        e->value_moves = fmax(e->value_moves, fabs(value - e->value));
        e->g_moves = fmax(e->g_moves, largest_difference(e->n, g, e->g));
    }
    free(x);
    free(g);
}

static inline evaluation evaluation_new(int64_t n)
{
    return (evaluation){.n = n, .x = doubles(n), .g = doubles(n), .single_g = doubles(n)};
}

static inline void evaluation_clear(evaluation *e)
{
    free(e->x);
    free(e->g);
    free(e->single_g);
}

/* Evaluates the first variant of each precision; the position is rounded to floats first. */
static inline void evaluate(evaluation *e, const variant *v, int n_variants)
{
    for (int64_t i = 0; i < e->n; i++)
        e->x[i] = (double)(float)e->x[i];
    e->value = urn_replay_log_density(v[0].machine.replay, e->x, e->g);
    e->value_moves = e->g_moves = 0;
    find_moves(e, &v[0].machine);
    for (int k = n_variants - 1; k > 0; k--)
        if (v[k].single)
            e->single_value = urn_replay_log_density(v[k].machine.replay, e->x, e->single_g);
}

static inline void check_near(const evaluation *e, const char *name, double tolerance, double found,
                              const double *g)
{
    assert_near(found, e->value, tolerance, name);
    const double size = fmax(1.0, largest_difference(e->n, e->g, NULL));
    for (int64_t i = 0; i < e->n; i++)
        if (!(fabs(g[i] - e->g[i]) <= tolerance * size))
            fail_msg("%s: gradient %lld is %.17g, not %.17g", name, (long long)i, g[i], e->g[i]);
}

/* What floats may cost: the effect of moving every coordinate by a few roundings (backward
 * stability of each kernel), and some roundings of the result; sums over rows are doubles, so
 * their length does not come in. */
static inline void check_single(const evaluation *e, const char *name, double found,
                                const double *g)
{
    enum { ROUNDINGS = 32 };
    const double size = fmax(1.0, largest_difference(e->n, e->g, NULL));
    const double allowed = ROUNDINGS * (e->g_moves + 0x1p-24 * size);
    const double value = ROUNDINGS * (e->value_moves + 0x1p-24 * fmax(1.0, fabs(e->value)));
    if (!isfinite(e->value))
        return;
    if (!(fabs(found - e->value) <= value))
        fail_msg("%s in single: %.17g, in double %.17g, allowed %g", name, found, e->value, value);
    if (!(largest_difference(e->n, g, e->g) <= allowed))
        fail_msg("%s in single: gradient differs by %g, allowed %g", name,
                 largest_difference(e->n, g, e->g), allowed);
}

/* Through the functions for floats; the one for doubles must say the same. */
static inline double run_single(const evaluation *e, const variant *v, double *g)
{
    float *x = malloc(((size_t)e->n + 1) * sizeof *x), *f = malloc(((size_t)e->n + 1) * sizeof *f);
    double *other = doubles(e->n);
    assert_non_null(x);
    assert_non_null(f);
    for (int64_t i = 0; i < e->n; i++)
        x[i] = (float)e->x[i];
    const double found = urn_replay_log_density_single(v->machine.replay, x, f);
    const double alone = urn_replay_log_density_single(v->machine.replay, x, NULL);
    const double converted = urn_replay_log_density(v->machine.replay, e->x, other);
    for (int64_t i = 0; i < e->n; i++)
        g[i] = (double)f[i];
    assert_same_bits(&found, &converted, 1, "value by the function for doubles");
    assert_same_bits(g, other, e->n, "gradient by the function for doubles");
    assert_near(alone, found, 32 * 0x1p-24, "value without gradient");
    free(x);
    free(f);
    free(other);
    return found;
}

static inline double run_double(const evaluation *e, const variant *v, double *g)
{
    const double found = urn_replay_log_density(v->machine.replay, e->x, g);
    const double alone = urn_replay_log_density(v->machine.replay, e->x, NULL);
    const float x = 0;
    assert_near(alone, found, 1e-13, "value without gradient");
    assert_true(isnan(urn_replay_log_density_single(v->machine.replay, &x, NULL)));
    return found;
}

static inline void check_variant(const variant *v, const evaluation *e)
{
    double *own = doubles(e->n);
    const double found = v->single ? run_single(e, v, own) : run_double(e, v, own);
    if (v->single)
        check_single(e, v->name, found, own);
    else
        check_near(e, v->name, v->tolerance > 0 ? v->tolerance : 1e-12, found, own);
    if (v->tolerance <= 0) {
        assert_same_bits(&found, v->single ? &e->single_value : &e->value, 1, v->name);
        assert_same_bits(own, v->single ? e->single_g : e->g, e->n, v->name);
    }
    free(own);
}

/* Evaluates at e->x and checks every variant. */
static inline void check_variants(evaluation *e, const variant *v, int n_variants)
{
    evaluate(e, v, n_variants);
    for (int k = 0; k < n_variants; k++)
        check_variant(&v[k], e);
}

static inline void variants_clear(variant *v, int n)
{
    for (int k = 0; k < n; k++)
        machine_clear(&v[k].machine);
}

static inline void check_density(const urn_model *model, const density_case *c)
{
    const double tolerance = c->tolerance > 0 ? c->tolerance : 1e-11;
    variant v[MOST_VARIANTS];
    dice d = {42};
    evaluation e = evaluation_new(urn_model_position_size(model));
    const int n_variants = density_variants(model, v);
    for (int round = 0; round < (c->positions > 0 ? c->positions : 5); round++) {
        dice_normals(&d, e.n, c->spread > 0 ? c->spread : 1.0, e.x);
        check_variants(&e, v, n_variants);
        assert_near(e.value, c->expected(model, e.x), tolerance, "log density");
        check_gradient(model, c->expected, e.x, e.g);
    }
    variants_clear(v, n_variants);
    evaluation_clear(&e);
}

/* Traces, checks, frees. */
static inline void check_model_density(const urn_model_def *def, const urn_dataset *data,
                                       formula *expected)
{
    urn_model *model = trace_data(def, data);
    check_density(model, &(density_case){.expected = expected});
    urn_model_free(model);
}

/* ---- log densities by GSL ---- */

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_vector.h>

static inline double lp_normal(double x, double loc, double scale)
{
    return log(gsl_ran_gaussian_pdf(x - loc, scale));
}

static inline double lp_half_normal(double x, double scale)
{
    return log(2.0 * gsl_ran_gaussian_pdf(x, scale));
}

static inline double lp_half_cauchy(double x, double scale)
{
    return log(2.0 * gsl_ran_cauchy_pdf(x, scale));
}

static inline double lp_gamma(double x, double shape, double rate)
{
    return log(gsl_ran_gamma_pdf(x, shape, 1.0 / rate));
}

static inline double lp_inverse_gamma(double x, double shape, double rate)
{
    return lp_gamma(1.0 / x, shape, rate) - 2.0 * log(x);
}

static inline double lp_exponential(double x, double rate)
{
    return log(gsl_ran_exponential_pdf(x, 1.0 / rate));
}

static inline double lp_log_normal(double x, double loc, double scale)
{
    return log(gsl_ran_lognormal_pdf(x, loc, scale));
}

static inline double lp_student_t(double x, double df, double loc, double scale)
{
    return log(gsl_ran_tdist_pdf((x - loc) / scale, df) / scale);
}

static inline double lp_poisson(double x, double rate)
{
    return log(gsl_ran_poisson_pdf((unsigned)x, rate));
}

static inline double lp_bernoulli_logits(double x, double logits)
{
    return log(gsl_ran_bernoulli_pdf((unsigned)x, 1.0 / (1.0 + exp(-logits))));
}

/* The covariance is given, d x d row-major, d <= 8. */
static inline double lp_mvn(int64_t d, const double *x, const double *loc, const double *covariance)
{
    double l[64], work[8], result;
    memcpy(l, covariance, (size_t)(d * d) * sizeof *l);
    gsl_matrix_view m = gsl_matrix_view_array(l, (size_t)d, (size_t)d);
    const gsl_vector_const_view a = gsl_vector_const_view_array(x, (size_t)d);
    const gsl_vector_const_view b = gsl_vector_const_view_array(loc, (size_t)d);
    gsl_vector_view w = gsl_vector_view_array(work, (size_t)d);
    gsl_linalg_cholesky_decomp1(&m.matrix);
    gsl_ran_multivariate_gaussian_log_pdf(&a.vector, &b.vector, &m.matrix, &result, &w.vector);
    return result;
}

/* out = a^-1 of a symmetric positive definite matrix. */
static inline void invert_spd(int64_t d, const double *a, double *out)
{
    memcpy(out, a, (size_t)(d * d) * sizeof *out);
    gsl_matrix_view m = gsl_matrix_view_array(out, (size_t)d, (size_t)d);
    gsl_linalg_cholesky_decomp1(&m.matrix);
    gsl_linalg_cholesky_invert(&m.matrix);
}

/* out = L L^T of a lower triangle. */
static inline void times_transpose(int64_t d, const double *l, double *out)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            out[i * d + j] = 0;
            for (int64_t k = 0; k < d; k++)
                out[i * d + j] += l[i * d + k] * l[j * d + k];
        }
}

/* LKJ over Cholesky factors (Lewandowski, Kurowicka and Joe 2009), with its normalisation. */
static inline double lp_lkj(int64_t d, const double *l, double eta)
{
    double lp = 0;
    for (int64_t k = 1; k < d; k++)
        lp += ((double)(d - k - 1) + 2.0 * eta - 2.0) * log(l[k * d + k]);
    for (int64_t k = 1; k < d; k++) { /* the vine's partial correlations: beta on (-1, 1) */
        const double alpha = eta + 0.5 * (double)(d - k - 1);
        lp -= (double)(d - k) * (gsl_sf_lnbeta(alpha, alpha) + (2.0 * alpha - 1.0) * M_LN2);
    }
    return lp;
}

/* A factor of a correlation matrix from tanh partial correlations, and the log-Jacobian of its
 * lower elements, by its definition (a determinant of differences is in test_density_matrix). */
static inline double corr_from_free(int64_t d, const double *f, double *l)
{
    double log_jacobian = 0;
    memset(l, 0, (size_t)(d * d) * sizeof *l);
    l[0] = 1;
    for (int64_t i = 1; i < d; i++) {
        double left = 1; /* squared length left in the row */
        for (int64_t j = 0; j < i; j++, f++) {
            const double z = tanh(*f);
            log_jacobian += log1p(-z * z) + 0.5 * log(left);
            l[i * d + j] = z * sqrt(left);
            left -= l[i * d + j] * l[i * d + j];
        }
        l[i * d + i] = sqrt(left);
    }
    return log_jacobian;
}

static inline double sigmoid(double f)
{
    return 1.0 / (1.0 + exp(-f));
}

#endif
