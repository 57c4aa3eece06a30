/* Log densities and d x against numbers of SciPy, mpmath and torch; outside the support; with bad
 * parameters. */
#include "problem.h"
#include "runtime/tensor/tensor.h"
#include <jansson.h>
#include <urn/ops.h>

/* Names that differ between the fixtures and here. */
static const char *const names[][2] = {
    {"multivariate_normal", "mvn"},
    {"bernoulli_logit", "bernoulli"},
    {"categorical_logit", "categorical"},
    {"eta", "concentration"},
    {"logit", "logits"},
    {"p", "probs"},
    {"n", "total"},
    {"a", "concentration1"},
    {"b", "concentration0"},
    {"mean", "rate"},
    {"dispersion", "concentration"},
};

static const char *name_here(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    return name;
}

/* The same word may differ by family. */
static const char *word_here(const urn_family *family, const char *word)
{
    if (strcmp(family->name, "ordered_logistic") == 0 && strcmp(word, "eta") == 0)
        return "loc";
    return name_here(word);
}

static const urn_family *family_called(const char *name)
{
    for (int f = 0; urn__family_at(f) != NULL; f++)
        if (strcmp(urn__family_at(f)->name, name) == 0)
            return urn__family_at(f);
    return NULL;
}

static double number_of(const json_t *value)
{
    if (!json_is_string(value))
        return json_number_value(value);
    const char *text = json_string_value(value);
    return strcmp(text, "inf") == 0 ? INFINITY : strcmp(text, "-inf") == 0 ? -INFINITY : NAN;
}

/* Numbers of a scalar, a vector or a matrix, row-major; returns how many. */
static int64_t read_numbers(const json_t *value, double *out)
{
    if (!json_is_array(value)) {
        out[0] = number_of(value);
        return 1;
    }
    int64_t count = 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        count += read_numbers(json_array_get(value, i), out + count);
    return count;
}

#define ROOM 1024

typedef struct fixture {
    const urn_family *family;
    double param[URN_FAMILY_PARAMS][ROOM], x[ROOM];
    int64_t dim, event;
    double log_prob, grad_x;
    bool has_grad;
} fixture;

static fixture read_fixture(const urn_family *family, const json_t *row)
{
    fixture r = {.family = family, .dim = 1};
    r.event = read_numbers(json_object_get(row, "x"), r.x);
    const json_t *x = json_object_get(row, "x"), *grad = json_object_get(row, "grad_x");
    if (family->event_rank > 0)
        r.dim = (int64_t)json_array_size(x);
    r.log_prob = number_of(json_object_get(row, "log_prob"));
    r.has_grad = grad != NULL;
    r.grad_x = grad != NULL ? number_of(grad) : 0.0;
    return r;
}

/* The parameter called `here` of the family, from the fixture or by the conversion of an
 * alternative; -1 if it is not one of the parameters. */
static int index_of(const urn_family *family, const char *here)
{
    for (int k = 0; k < param_count(family); k++)
        if (strcmp(family->params[k].word, here) == 0)
            return k;
    return -1;
}

static const urn_family_alternative *alternative_called(const urn_family *family, const char *here)
{
    const urn_family_alternative *a = family->alternatives;
    while (a != NULL && a->word != NULL && strcmp(a->word, here) != 0)
        a++;
    return a != NULL && a->word != NULL ? a : NULL;
}

/* What the conversion of an alternative does to numbers. */
static void convert(const urn_family_alternative *a, int64_t dim, int64_t size, double *v)
{
    if (a->convert == urn_cholesky) {
        assert_int_equal(size, dim * dim);
        assert_true(urn__cholesky(dim, v, v));
    } else if (strcmp(a->word, "probs") == 0) {
        for (int64_t i = 0; i < size; i++) /* of a vector: log; of a number: log odds */
            v[i] = a->convert == urn_log ? log(v[i]) : log(v[i]) - log1p(-v[i]);
    } else
        fail_msg("fixtures of %s need a conversion", a->word);
}

static void check_fixture(const fixture *r, const bool *given, const char *how)
{
    double value = 0.0, *scratch, d_x[ROOM], *none = NULL;
    scratch =
        numbers(r->family->scratch_doubles != NULL ? r->family->scratch_doubles(1, r->dim) : 1);
    static const char *const paths[] = {"base", "v3", "v4"};
    for (int p = 0; p < 3; p++) {
        const urn__kernels *kernels = NULL;
        if (urn__kernels_select(paths[p], &kernels, NULL) != URN_OK)
            continue;
        urn_density_call c = {.n = 1,
                              .dim = r->dim,
                              .event = r->event,
                              .x = r->x,
                              .x_stride = r->event,
                              .log_density = &value,
                              .scratch = scratch};
        c.d_x = r->has_grad ? d_x : none;
        for (int k = 0; k < param_count(r->family); k++) {
            c.param[k] = given[k] ? r->param[k] : NULL;
            c.stride[k] = r->family->event_rank > 0 ? 0 : 1;
        }
        urn__family_for_cpu(r->family, paths[p])->log_density(&c);
        assert_agree(value, r->log_prob, 1e-12, "%s (dim %ld, %s, path %s) at x[0] = %g",
                     r->family->name, (long)r->dim, how, paths[p], r->x[0]);
        if (r->has_grad)
            assert_agree(d_x[0], r->grad_x, 1e-12, "d x of %s (path %s) at %g", r->family->name,
                         paths[p], r->x[0]);
    }
    free(scratch);
}

/* mvn's fixtures name four parameterisations, each to be checked alone. */
static int check_mvn(fixture *r, const json_t *params)
{
    static const char *const forms[] = {"scale_tril", "precision_tril", "covariance", "precision"};
    for (int form = 0; form < 4; form++) {
        double matrix[ROOM];
        const int k = form % 2 == 0 ? index_of(r->family, "scale_tril")
                                    : index_of(r->family, "precision_tril");
        bool given[URN_FAMILY_PARAMS] = {false};
        given[index_of(r->family, "loc")] = given[k] = true;
        read_numbers(json_object_get(params, "loc"), r->param[index_of(r->family, "loc")]);
        read_numbers(json_object_get(params, forms[form]), matrix);
        if (form < 2)
            memcpy(r->param[k], matrix, sizeof matrix);
        else
            assert_true(urn__cholesky(r->dim, matrix, r->param[k]));
        check_fixture(r, given, forms[form]);
    }
    return 4;
}

static int check_row(const urn_family *family, const json_t *row)
{
    fixture r = read_fixture(family, row);
    const json_t *params = json_object_get(row, "params");
    if (strcmp(family->name, "mvn") == 0)
        return check_mvn(&r, params);
    bool given[URN_FAMILY_PARAMS] = {false};
    const char *word;
    json_t *value;
    json_object_foreach((json_t *)params, word, value)
    {
        const urn_family_alternative *a = alternative_called(family, word_here(family, word));
        const int k = index_of(family, a != NULL ? a->becomes : word_here(family, word));
        if (k < 0) { /* lkj_cholesky's dim is known from x */
            assert_string_equal(word, "dim");
            continue;
        }
        given[k] = true;
        const int64_t size = read_numbers(value, r.param[k]);
        if (a != NULL)
            convert(a, r.dim, size, r.param[k]);
        if (family->params[k].event_rank == 1)
            r.dim = size;
    }
    check_fixture(&r, given, "as given");
    return 1;
}

static void test_fixtures(void **state)
{
    (void)state;
    const char *shared = getenv("URN_SHARED");
    char path[4096];
    snprintf(path, sizeof path, "%s/fixtures/distributions.json",
             shared != NULL ? shared : "../shared");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("SKIPPED: %s is not there; set URN_SHARED\n", path);
        skip();
    }
    json_error_t error;
    json_t *root = json_loadf(file, 0, &error);
    fclose(file);
    assert_non_null(root);
    const json_t *rows = json_object_get(root, "rows");
    int checked = 0, not_here = 0;
    bool seen[64] = {false};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const urn_family *family =
            family_called(name_here(json_string_value(json_object_get(row, "family"))));
        if (family == NULL) {
            not_here++;
            continue;
        }
        checked += check_row(family, row);
        for (int f = 0; urn__family_at(f) != NULL; f++)
            seen[f] |= urn__family_at(f) == family;
    }
    json_decref(root);
    print_message("%d log densities checked, %d of families that are not here\n", checked,
                  not_here);
    for (int f = 0; urn__family_at(f) != NULL; f++)
        if (!seen[f])
            print_message("no fixture for %s\n", urn__family_at(f)->name);
    assert_true(checked > 200);
}

/* Values no family of a support takes. */
static void check_outside(const urn_family *family, unsigned given)
{
    static const double bad_values[] = {-0.5, 1e300, 0.5, -3.0, 1.6};
    for (int64_t dim = 3; dim <= 3; dim++)
        for (size_t v = 0; v < sizeof bad_values / sizeof bad_values[0]; v++) {
            problem p = problem_new(family, 5, dim, given, 4);
            p.x[2 * p.event] = bad_values[v];
            const int64_t outside = first_outside(&p);
            const urn_density_call c = density_call_of(&p, true);
            family->log_density(&c);
            const bool none = p.log_density[2] == -INFINITY;
            const bool point = strcmp(family->name, "delta") == 0;
            if (outside >= 0 || point) {
                assert_true(point || outside == 2);
                if (!none)
                    fail_msg("%s at %g: log density %g", family->name, bad_values[v],
                             p.log_density[2]);
            }
            for (int64_t i = 0; i < p.n; i++) /* the rows beside it do not notice */
                assert_true(i == 2 || isfinite(p.log_density[i]));
            problem_free(&p);
        }
}

static void test_outside_the_support(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++)
        for (unsigned given = 0; given < 1u << param_count(urn__family_at(f)); given++)
            if (choice_is_legal(urn__family_at(f), given))
                check_outside(urn__family_at(f), given);
}

/* ---- quadratic forms ---- */

/* The form of one row, with parameter `k` moved by `by`. */
static urn_quadratic quadratic_of(const problem *p, int64_t row, int k, double by)
{
    double param[URN_FAMILY_PARAMS] = {0};
    urn_quadratic q = {0};
    for (int j = 1; j < p->n_params; j++)
        param[j] = p->param[j][row] + (j == k ? by : 0.0);
    p->family->quadratic(param, &q);
    return q;
}

/* A form has the log density of every row, and its derivatives are central differences': off by
 * h^2 / 6 times third derivatives, here at most 24 / 0.3^4 = 3,000 (2 / scale^2 at 0.3). */
static void check_quadratic(const urn_family *family)
{
    const double h = 1e-4;
    problem p = problem_new(family, 200, 1, (1u << param_count(family)) - 1, 9);
    const urn_density_call c = density_call_of(&p, true);
    family->log_density(&c);
    for (int64_t i = 0; i < p.n; i++) {
        const urn_quadratic q = quadratic_of(&p, i, 0, 0.0);
        const double e = p.x[i] - p.param[0][i], value = q.constant - 0.5 * q.precision * e * e;
        assert_true(fabs(value - p.log_density[i]) <= 1e-13 * (1.0 + fabs(value)));
        for (int k = 1; k < p.n_params; k++) {
            const urn_quadratic high = quadratic_of(&p, i, k, h), low = quadratic_of(&p, i, k, -h);
            const double d_constant = (high.constant - low.constant) / (2.0 * h);
            const double d_precision = (high.precision - low.precision) / (2.0 * h);
            assert_true(fabs(q.d_constant[k] - d_constant) <= 3000.0 * h * h);
            assert_true(fabs(q.d_precision[k] - d_precision) <= 3000.0 * h * h);
        }
    }
    problem_free(&p);
}

static void test_quadratic_forms(void **state)
{
    (void)state;
    int n = 0;
    for (int f = 0; urn__family_at(f) != NULL; f++)
        if (urn__family_at(f)->quadratic != NULL) {
            check_quadratic(urn__family_at(f));
            n++;
        }
    assert_true(n > 0);
    /* a scale that is none is no number */
    double param[URN_FAMILY_PARAMS] = {0.0, -1.0};
    urn_quadratic q = {0};
    urn_family_normal()->quadratic(param, &q);
    assert_true(isnan(q.constant));
}

/* A NaN anywhere, and a value outside a parameter's domain, give NaN: never a number. */
static void check_bad(const urn_family *family, unsigned given, int k, double bad)
{
    problem p = problem_new(family, 5, 3, given, 6);
    p.param[k][2 * p.element[k]] = bad;
    const urn_density_call c = density_call_of(&p, true);
    family->log_density(&c);
    if (!isnan(p.log_density[2]))
        fail_msg("%s with %s = %g: log density %g", family->name, family->params[k].word, bad,
                 p.log_density[2]);
    for (int64_t i = 0; i < p.n; i++)
        assert_true(i == 2 || isfinite(p.log_density[i]));
    if (family->draw != NULL) {
        const urn__stream stream = urn__stream_at(1, 2, "bad", 3);
        const urn_draw_call d = draw_call_of(&p);
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, 2);
        family->draw(&d, 2, &rng);
        double sum = 0.0;
        for (int64_t e = 0; e < p.event; e++)
            sum += p.x[2 * p.event + e];
        if (!isnan(sum))
            fail_msg("%s drawn with %s = %g: %g", family->name, family->params[k].word, bad, sum);
    }
    problem_free(&p);
}

static void test_bad_parameters(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            for (int k = 0; choice_is_legal(family, given) && k < param_count(family); k++) {
                if (!(given >> k & 1u))
                    continue;
                check_bad(family, given, k, NAN);
                const urn_domain domain = family->params[k].domain;
                if (domain == URN_DOMAIN_POSITIVE || domain == URN_DOMAIN_TRIL ||
                    domain == URN_DOMAIN_ABOVE_SIDE)
                    check_bad(family, given, k, -1.0);
                if (domain == URN_DOMAIN_COUNT) {
                    check_bad(family, given, k, -1.0);
                    check_bad(family, given, k, 2.5);
                }
                if (domain == URN_DOMAIN_ABOVE_SIDE) /* the side of the problem is 3 */
                    check_bad(family, given, k, 2.0);
                if (family->low_word == NULL || given != (1u << param_count(family)) - 1u)
                    continue;
                if (strcmp(family->params[k].word, family->low_word) == 0) /* low above high */
                    check_bad(family, given, k, 10.0);
                if (strcmp(family->params[k].word, family->high_word) == 0)
                    check_bad(family, given, k, -10.0);
            }
    }
}

/* Where the textbook formula loses its digits: against 60-digit decimal arithmetic. */
static void test_large_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        double x, param[3], log_density;
    } rows[] = {
        {"poisson", 1e9, {1e9}, -11.2805714517612116532},
        {"poisson", 9.0, {1e6}, -999888.462232458403003},
        {"poisson", 10.0, {12.5}, -2.34712612999296089738},
        {"gamma", 100001.5, {1e8, 1000.0}, -3.23278851442081849393},
        {"gamma", 100.0, {1000.0, 10.0}, -2.07031441303225114014},
        {"gamma", 3.5, {10.0, 3.0}, -1.04083787694206073606},
        {"gamma", 0.5, {9.0, 20.0}, 0.81181011476110623716},
        {"inverse_gamma", 10.001, {1e8, 1e9}, 5.48878340911126425195},
        {"inverse_gamma", 3.5, {10.0, 3.0}, -16.4532401039922777927},
        {"beta", 0.25, {1e6, 3e6}, 7.51895205284546761506},
        {"beta", 0.3, {12.0, 15.0}, 0.331022669661885236720},
        {"beta", 1e-3, {0.5, 1e6}, -990.710065232651431966},
        {"beta", 0.0, {1.0, 2.0}, 0.693147180559945309417},
        {"beta", 0.0, {20.0, 20.0}, -INFINITY},
        {"binomial", 10000.0, {30000.0, -0.69}, -5.35441324171748611619},
        {"binomial", 40.0, {100.0, -0.3}, -2.64496202971820838210},
        {"binomial", 3.0, {1e9, -19.5}, -1.52022977510978068655},
        {"binomial", 0.0, {0.0, 1.0}, 0.0},
        {"neg_binomial_2", 30.0, {25.0, 1e9}, -3.09196160528414202527},
        {"neg_binomial_2", 1000.0, {900.0, 50.0}, -6.16963217725266406817},
        {"neg_binomial_2", 0.0, {4.0, 0.5}, -1.09861228866810969139},
        {"poisson", 0.0, {0.0}, 0.0},
        {"poisson", 3.0, {0.0}, -INFINITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double scratch[64], value;
        const double x = rows[i].x;
        urn_density_call c = {.n = 1,
                              .dim = 1,
                              .event = 1,
                              .x = &x,
                              .x_stride = 1,
                              .log_density = &value,
                              .scratch = scratch};
        for (int k = 0; k < 3; k++) {
            c.param[k] = &rows[i].param[k];
            c.stride[k] = 1;
        }
        family_called(rows[i].family)->log_density(&c);
        assert_agree(value, rows[i].log_density, 1e-12, "%s at %g", rows[i].family, x);
    }
}

/* Families the fixtures do not have: against mpmath, 40 digits. */
static void test_vectors(void **state)
{
    (void)state;
    static const double l[9] = {1.2, 0, 0, -0.4, 0.7, 0, 0.3, 0.5, 2.0}, loc[3] = {0.0, 0.3, 1.0},
                        at[3] = {0.5, -1.0, 2.0}, small[3] = {0.5, 2.0, 1.25},
                        large[3] = {1e8, 2e8, 3e8}, few[3] = {3, 0, 5}, many[3] = {300, 200, 500},
                        cut[2] = {0.2, 0.9}, far[2] = {30.0, 30.001}, none = 0.0, one = 1.0;
    const double df = 3.5, large_df = 1e6, total = 8.0, large_total = 1000.0;
    const struct {
        const urn_family *(*family)(void);
        int64_t dim;
        const double *x, *param[3];
        double log_density;
    } rows[] = {
        {urn_family_mvn_student_t, 3, at, {&df, loc, l}, -5.3495687541569813927},
        {urn_family_mvn_student_t, 3, at, {&large_df, loc, l}, -5.0277765394741162149},
        {urn_family_dirichlet_multinomial, 3, few, {&total, small}, -5.4357262274712072698},
        {urn_family_dirichlet_multinomial, 3, many, {&large_total, large}, -81.16387455839331197},
        {urn_family_ordered_probit, 2, &one, {&none, cut}, -1.4410455631253091661},
        {urn_family_ordered_probit, 2, &one, {&none, far}, -457.8416564778859801},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const urn_family *family = rows[i].family();
        const bool vector = family->event_rank == 1;
        double scratch[64], value;
        urn_density_call c = {.n = 1,
                              .dim = rows[i].dim,
                              .event = vector ? rows[i].dim : 1,
                              .x = rows[i].x,
                              .x_stride = vector ? rows[i].dim : 1,
                              .log_density = &value,
                              .scratch = scratch,
                              .family = family};
        for (int k = 0; k < 3; k++)
            c.param[k] = rows[i].param[k];
        family->log_density(&c);
        assert_agree(value, rows[i].log_density, 1e-12, "%s", family->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),        cmocka_unit_test(test_outside_the_support),
        cmocka_unit_test(test_quadratic_forms), cmocka_unit_test(test_bad_parameters),
        cmocka_unit_test(test_large_numbers),   cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
