/* `urn build --bridgestan`: the shared object through BridgeStan's functions, as another program
 * sees it. Nothing of Urn is linked into this one. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct bs_model bs_model;
typedef struct bs_rng bs_rng;

/* BridgeStan 2.9 */
static struct {
    bs_model *(*model_construct)(const char *, unsigned, char **);
    void (*model_destruct)(bs_model *);
    void (*free_error_msg)(char *);
    const char *(*name)(const bs_model *);
    const char *(*model_info)(const bs_model *);
    const char *(*param_names)(const bs_model *, bool, bool);
    const char *(*param_unc_names)(const bs_model *);
    int (*param_num)(const bs_model *, bool, bool);
    int (*param_unc_num)(const bs_model *);
    int (*param_constrain)(const bs_model *, bool, bool, const double *, double *, bs_rng *,
                           char **);
    int (*param_unconstrain)(const bs_model *, const double *, double *, char **);
    int (*param_unconstrain_json)(const bs_model *, const char *, double *, char **);
    int (*param_initialize)(const bs_model *, const char *, bs_rng *, double, int, bool, double *,
                            char **);
    int (*log_density)(const bs_model *, bool, bool, const double *, double *, char **);
    int (*log_density_gradient)(const bs_model *, bool, bool, const double *, double *, double *,
                                char **);
    int (*log_density_hessian)(const bs_model *, bool, bool, const double *, double *, double *,
                               double *, char **);
    int (*log_density_hessian_vector_product)(const bs_model *, bool, bool, const double *,
                                              const double *, double *, double *, char **);
    bs_rng *(*rng_construct)(unsigned, char **);
    void (*rng_destruct)(bs_rng *);
    int (*set_print_callback)(void (*)(const char *, size_t), char **);
} bs;

static char dir[] = "/tmp/urn-bridge.XXXXXX";
static const char *const data =
    "{\"N\": 4, \"x\": [0.5, -1, 2, 0.25], \"y\": [1.5, -0.25, 3, 0.5]}";
static const double xs[4] = {0.5, -1.0, 2.0, 0.25}, ys[4] = {1.5, -0.25, 3.0, 0.5};
enum { UNC = 10, CON = 11, ALL = 17 };

/* ---- building and loading ---- */

static int shell(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static void find(void *library, const char *name, void *to)
{
    char whole[80];
    snprintf(whole, sizeof whole, "bs_%s", name);
    void *symbol = dlsym(library, whole);
    if (symbol == NULL)
        fail_msg("there is no %s", whole);
    memcpy(to, &symbol, sizeof symbol);
}

/* Each under another name: a loader knows libraries by theirs. They stay: what the libraries behind
 * them keep for good would otherwise be found as lost. */
static void *load(const char *model, const char *options, int number)
{
    char path[256];
    const char *built = getenv("URN_BUILDDIR"), *source = getenv("URN_SRCDIR");
    assert_non_null(built);
    assert_non_null(source);
    snprintf(path, sizeof path, "%s/%s%d.so", dir, model, number);
    assert_int_equal(
        shell("'%s/urn' build --bridgestan %s '%s/tests/bridge/%s.c' -o '%s' >'%s/out'", built,
              options, source, model, path, dir),
        0);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL)
        fail_msg("%s", dlerror());
#define FIND(function) find(library, #function, &bs.function)
    FIND(model_construct);
    FIND(model_destruct);
    FIND(free_error_msg);
    FIND(name);
    FIND(model_info);
    FIND(param_names);
    FIND(param_unc_names);
    FIND(param_num);
    FIND(param_unc_num);
    FIND(param_constrain);
    FIND(param_unconstrain);
    FIND(param_unconstrain_json);
    FIND(param_initialize);
    FIND(log_density);
    FIND(log_density_gradient);
    FIND(log_density_hessian);
    FIND(log_density_hessian_vector_product);
    FIND(rng_construct);
    FIND(rng_destruct);
    FIND(set_print_callback);
    return library;
}

static int open_shapes(void **state)
{
    if (mkdtemp(dir) == NULL)
        return -1;
    *state = load("shapes", "", 0);
    return 0;
}

static int close_shapes(void **state)
{
    dlclose(*state);
    return shell("rm -rf '%s'", dir);
}

#define expect_near(found, expected, tolerance)                                                    \
    do {                                                                                           \
        const double f_ = (found), e_ = (expected);                                                \
        if (!(fabs(f_ - e_) <= (tolerance)))                                                       \
            fail_msg("%s is %.17g, expected %.17g", #found, f_, e_);                               \
    } while (0)

static bs_model *construct(const char *text)
{
    char *why = NULL;
    bs_model *model = bs.model_construct(text, 1, &why);
    if (model == NULL)
        fail_msg("%s", why);
    assert_null(why);
    return model;
}

/* The message of a call that fails, compared and freed. */
static void expect_message(char *why, const char *part)
{
    assert_non_null(why);
    if (strstr(why, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, why);
    bs.free_error_msg(why);
}

/* Positions that differ, of about unit size. */
static void place(int which, double *position)
{
    for (int i = 0; i < UNC; i++)
        position[i] = sin(1.0 + 3.7 * i + 1.3 * which);
}

static double density(const bs_model *model, bool jacobian, const double *position)
{
    double value = 0.0;
    assert_int_equal(bs.log_density(model, true, jacobian, position, &value, NULL), 0);
    return value;
}

/* ---- the tests ---- */

static void names_and_sizes(void **state)
{
    bs_model *model = construct(data);
    int version = 0;
    memcpy(&version, dlsym(*state, "bs_major_version"), sizeof version);
    assert_int_equal(version, 2);
    memcpy(&version, dlsym(*state, "bs_minor_version"), sizeof version);
    assert_int_equal(version, 9);
    assert_string_equal(bs.name(model), "shapes");
    assert_non_null(strstr(bs.model_info(model), "STAN_THREADS=true"));
    assert_string_equal(bs.param_names(model, false, false),
                        "mu,sigma,W.1.1,W.2.1,W.3.1,W.1.2,W.2.2,W.3.2,theta.1,theta.2,theta.3");
    assert_string_equal(bs.param_names(model, true, false),
                        "mu,sigma,W.1.1,W.2.1,W.3.1,W.1.2,W.2.2,W.3.2,theta.1,theta.2,theta.3,"
                        "W2.1.1,W2.2.1,W2.3.1,W2.1.2,W2.2.2,W2.3.2");
    assert_string_equal(bs.param_unc_names(model),
                        "mu,sigma,W.1.1,W.1.2,W.2.1,W.2.2,W.3.1,W.3.2,theta.1,theta.2");
    assert_int_equal(bs.param_unc_num(model), UNC);
    assert_int_equal(bs.param_num(model, false, true), CON);
    assert_int_equal(bs.param_num(model, true, true), ALL);
    assert_int_equal(bs.set_print_callback(NULL, NULL), 0);
    bs.model_destruct(model);
}

static double normal(double x, double loc, double scale)
{
    const double z = (x - loc) / scale;
    return -0.5 * z * z - log(scale) - 0.5 * log(2.0 * M_PI);
}

/* The joint density in the natural space, by the model's sentences. Dirichlet(2, 2, 2) has the
 * constant Gamma(6). */
static double by_hand(const double *v)
{
    double sum = normal(v[0], 0.5, 2.0) + log(1.5) - 1.5 * v[1] + lgamma(6.0);
    for (int i = 2; i < 8; i++)
        sum += normal(v[i], 0.0, 1.0);
    for (int i = 8; i < 11; i++)
        sum += log(v[i]);
    for (int i = 0; i < 4; i++)
        sum += normal(ys[i], v[0] * (1.0 + xs[i]), 1.0 + v[1]);
    return sum;
}

static void densities_and_values(void **state)
{
    (void)state;
    bs_model *model = construct(data);
    for (int which = 0; which < 5; which++) {
        double position[UNC], back[UNC], values[ALL];
        place(which, position);
        assert_int_equal(bs.param_constrain(model, true, true, position, values, NULL, NULL), 0);
        expect_near(values[0], position[0], 0.0);
        expect_near(values[1], exp(position[1]), 1e-14 * values[1]);
        for (int g = 0; g < 3; g++)
            for (int k = 0; k < 2; k++) {
                expect_near(values[2 + 3 * k + g], position[2 + 2 * g + k], 0.0);
                expect_near(values[11 + 3 * k + g], pow(position[2 + 2 * g + k], 2), 1e-15);
            }
        expect_near(values[8] + values[9] + values[10], 1.0, 1e-14);
        expect_near(density(model, false, position), by_hand(values), 1e-12 * 50);
        assert_int_equal(bs.param_unconstrain(model, values, back, NULL), 0);
        for (int i = 0; i < UNC; i++)
            expect_near(back[i], position[i], 1e-13);
    }
    bs.model_destruct(model);
}

/* Differences of fourth order: with steps of 1e-3 their error is of the order 1e-12. */
static void gradients_are_differences(void **state)
{
    (void)state;
    bs_model *model = construct(data);
    for (int jacobian = 0; jacobian < 2; jacobian++) {
        double position[UNC], gradient[UNC], value;
        const double h = 1e-3;
        place(jacobian, position);
        assert_int_equal(
            bs.log_density_gradient(model, false, jacobian, position, &value, gradient, NULL), 0);
        expect_near(value, density(model, jacobian, position), 1e-13 * fabs(value));
        for (int i = 0; i < UNC; i++) {
            double f[4];
            for (int k = 0; k < 4; k++) {
                double moved[UNC];
                memcpy(moved, position, sizeof moved);
                moved[i] += (k < 2 ? k - 2 : k - 1) * h;
                f[k] = density(model, jacobian, moved);
            }
            expect_near(gradient[i], (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h), 1e-9);
        }
    }
    bs.model_destruct(model);
}

/* d2/dmu2 is known; of W, -1 on the diagonal; products are those of the matrix. */
static void second_derivatives(void **state)
{
    (void)state;
    bs_model *model = construct(data);
    double position[UNC], gradient[UNC], first[UNC], hessian[UNC * UNC], value, product[UNC];
    place(3, position);
    assert_int_equal(
        bs.log_density_hessian(model, true, true, position, &value, gradient, hessian, NULL), 0);
    bs.log_density_gradient(model, true, true, position, &value, first, NULL);
    assert_memory_equal(first, gradient, sizeof first);
    double expected = -0.25;
    const double scale = 1.0 + exp(position[1]);
    for (int i = 0; i < 4; i++)
        expected -= pow((1.0 + xs[i]) / scale, 2);
    expect_near(hessian[0], expected, 1e-9);
    for (int i = 2; i < 8; i++)
        for (int j = 0; j < UNC; j++)
            expect_near(hessian[i * UNC + j], i == j ? -1.0 : 0.0, 1e-9);
    double vector[UNC];
    for (int i = 0; i < UNC; i++)
        vector[i] = 1.0 - 0.4 * i;
    assert_int_equal(bs.log_density_hessian_vector_product(model, true, true, position, vector,
                                                           &value, product, NULL),
                     0);
    for (int i = 0; i < UNC; i++) {
        double sum = 0.0;
        for (int j = 0; j < UNC; j++)
            sum += hessian[i * UNC + j] * vector[j];
        expect_near(product[i], sum, 1e-8);
        expect_near(hessian[i], hessian[i * UNC], 0.0);
    }
    memset(vector, 0, sizeof vector);
    bs.log_density_hessian_vector_product(model, true, true, position, vector, &value, product,
                                          NULL);
    for (int i = 0; i < UNC; i++)
        expect_near(product[i], 0.0, 0.0);
    bs.model_destruct(model);
}

/* ---- many threads, one model ---- */

enum { THREADS = 4, PLACES = 100, NUMBERS = 1 + UNC + ALL };

typedef struct worker {
    const bs_model *model;
    int first;                      /* place to begin with */
    double result[PLACES][NUMBERS]; /* by place */
} worker;

static void *work(void *of)
{
    worker *w = of;
    for (int i = 0; i < PLACES; i++) {
        const int which = (w->first + i) % PLACES;
        double position[UNC], *r = w->result[which];
        place(which, position);
        bs.log_density_gradient(w->model, true, which % 2, position, r, r + 1, NULL);
        bs.param_constrain(w->model, true, false, position, r + 1 + UNC, NULL, NULL);
    }
    return NULL;
}

static void threads_share_a_model(void **state)
{
    (void)state;
    bs_model *model = construct(data);
    worker *workers = calloc(THREADS + 1, sizeof *workers);
    pthread_t thread[THREADS];
    assert_non_null(workers);
    for (int t = 0; t <= THREADS; t++) {
        workers[t].model = model;
        workers[t].first = 17 * t;
        if (t < THREADS)
            assert_int_equal(pthread_create(&thread[t], NULL, work, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(thread[t], NULL), 0);
    work(&workers[THREADS]); /* alone */
    for (int t = 0; t < THREADS; t++)
        assert_memory_equal(workers[t].result, workers[THREADS].result, sizeof workers[t].result);
    free(workers);
    bs.model_destruct(model);
}

/* ---- JSON and starts ---- */

static void positions_from_json(void **state)
{
    (void)state;
    bs_model *model = construct(data);
    double position[UNC];
    char *why = NULL;
    assert_int_equal(bs.param_unconstrain_json(model,
                                               "{\"sigma\": 2, \"mu\": -1, \"W\": [[1,2],[3,4],"
                                               "[5,6]], \"theta\": [0.2,0.3,0.5], \"other\": 1}",
                                               position, &why),
                     0);
    expect_near(position[0], -1.0, 0.0);
    expect_near(position[1], log(2.0), 1e-15);
    for (int i = 0; i < 6; i++)
        expect_near(position[2 + i], 1.0 + i, 0.0);
    double values[CON];
    assert_int_equal(bs.param_constrain(model, false, false, position, values, NULL, NULL), 0);
    expect_near(values[9], 0.3, 1e-14);
    assert_int_equal(bs.param_unconstrain_json(model, "{\"mu\": 1}", position, &why), -1);
    expect_message(why, "site \"sigma\"");
    assert_int_equal(bs.param_unconstrain_json(model, "{\"mu\": 1,\n ?}", position, &why), -1);
    expect_message(why, "values:2");
    assert_int_equal(bs.param_unconstrain_json(model,
                                               "{\"sigma\": 2, \"mu\": -1, \"W\": [1, 2], "
                                               "\"theta\": [0.2,0.3,0.5]}",
                                               position, &why),
                     -1);
    expect_message(why, "site \"W\" has 2 numbers, and takes 6 (group=3 x 2)");
    values[1] = -1.0;
    assert_int_equal(bs.param_unconstrain(model, values, position, &why), -1);
    expect_message(why, "site \"sigma\": row 0 is outside the support (non_negative): found -1");
    bs.model_destruct(model);
}

static void starts(void **state)
{
    (void)state;
    bs_model *model = construct(data);
    bs_rng *rng = bs.rng_construct(7, NULL), *again = bs.rng_construct(7, NULL);
    double a[UNC], b[UNC], c[UNC];
    char *why = NULL;
    assert_int_equal(bs.param_initialize(model, NULL, rng, 0.5, 10, true, a, &why), 0);
    assert_int_equal(bs.param_initialize(model, "", rng, 0.5, 10, true, b, &why), 0);
    assert_int_equal(bs.param_initialize(model, NULL, again, 0.5, 10, true, c, &why), 0);
    assert_memory_equal(a, c, sizeof a);
    assert_true(memcmp(a, b, sizeof a) != 0);
    for (int i = 0; i < UNC; i++)
        assert_true(fabs(a[i]) < 0.5 && fabs(b[i]) < 0.5 && a[i] != b[i]);
    assert_int_equal(bs.param_initialize(model, "{\"sigma\": 3}", rng, 0.5, 10, true, c, &why), 0);
    expect_near(c[1], log(3.0), 1e-15);
    assert_true(fabs(c[0]) < 0.5 && c[0] != 0.0);
    assert_int_equal(bs.param_initialize(model, "{\"mu\": 1e300}", rng, 2.0, 3, true, c, &why), -1);
    expect_message(why, "the log density is not finite after 3 tries, here at the last: ");
    assert_int_equal(bs.param_initialize(model, NULL, rng, -1.0, 3, true, c, &why), -1);
    expect_message(why, "the radius is at least 0");
    assert_int_equal(bs.param_initialize(model, NULL, NULL, 1.0, 3, true, c, &why), -1);
    expect_message(why, "bs_rng_construct");
    bs.rng_destruct(rng);
    bs.rng_destruct(again);
    bs.model_destruct(model);
}

/* ---- data, settings, refusals ---- */

static void data_in_other_ways(void **state)
{
    (void)state;
    char path[256], *why = NULL;
    double position[UNC];
    place(0, position);
    bs_model *model = construct(data);
    const double expected = density(model, true, position);
    bs.model_destruct(model);
    snprintf(path, sizeof path, "%s/data.json", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(data, file);
    fclose(file);
    model = construct(path);
    expect_near(density(model, true, position), expected, 0.0);
    bs.model_destruct(model);
    assert_null(bs.model_construct("/nowhere/data.json", 1, &why));
    expect_message(why, "/nowhere/data.json");
    assert_null(bs.model_construct("{\"N\": 4,\n\n \"x\": [1, 2 }", 1, &why));
    expect_message(why, "data:3: this is not JSON");
    assert_null(bs.model_construct("{\"N\": 2, \"x\": [1, null]}", 1, &why));
    expect_message(why, "null at [1]");
    assert_null(bs.model_construct(NULL, 1, &why));
    expect_message(why, "shapes.c:");
    assert_null(bs.model_construct(NULL, 1, NULL)); /* nobody wants to know */
}

static void settings_are_built_in(void **state)
{
    (void)state;
    char *why = NULL;
    void *library = load("shapes", "--set dim=3", 1);
    bs_model *model = construct(data);
    assert_int_equal(bs.param_unc_num(model), UNC + 3);
    bs.model_destruct(model);
    dlclose(library);
    library = load("shapes", "--set dom=3", 2);
    assert_null(bs.model_construct(data, 1, &why));
    expect_message(why, "\"dom\"");
    dlclose(library);
    library = load("labels", "", 0);
    assert_null(bs.model_construct(data, 1, &why));
    expect_message(why, "site \"z\": the latent site is discrete");
    dlclose(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_sizes),
        cmocka_unit_test(densities_and_values),
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(second_derivatives),
        cmocka_unit_test(threads_share_a_model),
        cmocka_unit_test(positions_from_json),
        cmocka_unit_test(starts),
        cmocka_unit_test(data_in_other_ways),
        cmocka_unit_test(settings_are_built_in),
    };
    return cmocka_run_group_tests(tests, open_shapes, close_shapes);
}
