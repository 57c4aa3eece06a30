/* The models of examples/posteriordb under nuts: on small made-up data, the numbers it was made
 * from are found again; on the real data (skipped aloud where it is absent), every scalar agrees
 * with the reference posteriors by the rule of their README. */
#include "inference/diagnostics/chains.h"
#include "inference/replays.h"
#include "io/io.h"
#include "tests/models/statistics.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urn/urn.h>

#include <cmocka.h>

typedef struct truth {
    const char *name;
    double value;
} truth;

enum { MOST_TRUTHS = 10 };

typedef struct posterior_case {
    const urn_model_def *(*model)(void);
    const char *data;  /* of posteriordb */
    const char *delta; /* of the reference */
    bool funnel;       /* only that divergences are reported is asked */
    truth truths[MOST_TRUTHS];
} posterior_case;

#define MODELS(X)                                                                                  \
    X(eight_schools_noncentered)                                                                   \
    X(eight_schools_centered)                                                                      \
    X(kidscore_momiq)                                                                              \
    X(arK)                                                                                         \
    X(garch11)                                                                                     \
    X(gp_regr)                                                                                     \
    X(low_dim_gauss_mix)                                                                           \
    X(hmm_example)                                                                                 \
    X(logearn_interaction)                                                                         \
    X(blr)                                                                                         \
    X(nes)                                                                                         \
    X(GLM_Poisson_model)                                                                           \
    X(wells_dist100_model)                                                                         \
    X(dogs)                                                                                        \
    X(radon_hierarchical_intercept_noncentered)
#define DECLARE(name) const urn_model_def *urn_model_##name(void);
MODELS(DECLARE)
#undef DECLARE

static const posterior_case cases[] = {
    {urn_model_eight_schools_noncentered, "eight_schools", "0.95", false, {{"mu", 3}, {"tau", 4}}},
    {urn_model_eight_schools_centered, "eight_schools", "0.8", true, {{"mu", 3}}},
    {urn_model_kidscore_momiq,
     "kidiq",
     "0.8",
     false,
     {{"beta[1]", 26}, {"beta[2]", 0.6}, {"sigma", 18}}},
    {urn_model_arK,
     "arK",
     "0.8",
     false,
     {{"alpha", 0.1}, {"beta[1]", 0.5}, {"beta[2]", 0.2}, {"sigma", 0.3}}},
    {urn_model_garch11,
     "garch",
     "0.8",
     false,
     {{"mu", 1}, {"alpha0", 0.4}, {"alpha1", 0.4}, {"beta1", 0.3}}},
    {urn_model_gp_regr, "gp_pois_regr", "0.99", false, {{"rho", 6}, {"alpha", 2}, {"sigma", 0.25}}},
    {urn_model_low_dim_gauss_mix,
     "low_dim_gauss_mix",
     "0.8",
     false,
     {{"theta", 0.6}, {"mu[1]", -2}, {"mu[2]", 2}, {"sigma[1]", 0.8}, {"sigma[2]", 1.1}}},
    {urn_model_hmm_example,
     "hmm_example",
     "0.8",
     false,
     {{"theta1[1]", 0.8}, {"theta2[1]", 0.15}, {"mu[1]", 3}, {"mu[2]", 9}}},
    {urn_model_logearn_interaction,
     "earnings",
     "0.8",
     false,
     {{"beta[1]", 8}, {"beta[2]", 0.02}, {"beta[3]", 0.3}, {"beta[4]", 0}, {"sigma", 0.9}}},
    {urn_model_blr,
     "sblrc",
     "0.8",
     false,
     {{"beta[1]", 1}, {"beta[2]", -2}, {"beta[3]", 0.5}, {"sigma", 0.7}}},
    {urn_model_nes,
     "nes1972",
     "0.8",
     false,
     {{"beta[1]", 1.8},
      {"beta[2]", 0.5},
      {"beta[3]", -1.1},
      {"beta[4]", -0.2},
      {"beta[5]", -0.1},
      {"beta[6]", 0.5},
      {"beta[7]", 0.3},
      {"beta[8]", 0},
      {"beta[9]", 0.2},
      {"sigma", 1.5}}},
    {urn_model_GLM_Poisson_model,
     "GLM_Poisson_Data",
     "0.9",
     false,
     {{"alpha", 3}, {"beta1", 1}, {"beta2", 0.2}, {"beta3", -0.2}}},
    {urn_model_wells_dist100_model,
     "wells_data",
     "0.8",
     false,
     {{"alpha", 0.6}, {"beta[1]", -0.8}}},
    {urn_model_dogs,
     "dogs",
     "0.8",
     false,
     {{"beta[1]", 1.8}, {"beta[2]", -0.35}, {"beta[3]", -0.2}}},
    {urn_model_radon_hierarchical_intercept_noncentered,
     "radon_mn",
     "0.95",
     false,
     {{"mu_alpha", 1.3},
      {"sigma_alpha", 0.4},
      {"sigma_y", 0.6},
      {"beta[1]", 0.7},
      {"beta[2]", -0.6}}},
};
enum { N_CASES = (int)(sizeof cases / sizeof cases[0]) };

static void check(urn_status status, const urn_error *error)
{
    if (status != URN_OK)
        fail_msg("%s: %s %s %s", urn_status_text(status), error->where, error->site,
                 error->message);
}

/* ---- a fit, and its draws of sites by name ---- */

typedef struct sampled {
    urn_dataset *data;
    urn_model *model;
    urn_fit *fit;
    urn__runner runner;
    urn__chains *chains;
} sampled;

/* Fits by `engine`; NUTS with as many steps of warm-up. */
static urn_status fit_by(const char *engine, const posterior_case *c, const char *path,
                         int64_t draws, sampled *s, urn_error *why)
{
    urn_error error = {0};
    const bool nuts = strcmp(engine, "nuts") == 0;
    const urn_setting settings[] = {{"delta", c->delta}};
    s->data = urn_dataset_new(NULL);
    assert_non_null(s->data);
    check(urn__io_read(path, "", s->data, NULL, &error), &error);
    const urn_trace_options trace = {.bytes = sizeof trace, .data = s->data};
    check(urn_model_trace(c->model(), &trace, &s->model, &error), &error);
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find(engine),
                                     .settings = settings,
                                     .n_settings = nuts,
                                     .warmup = nuts ? draws : 0,
                                     .draws = draws,
                                     .seed = 1};
    URN_TRY(urn_fit_run(s->model, &options, &s->fit, why));
    const urn_compile_options values = {.bytes = sizeof values, .kind = URN_PROGRAM_VALUES};
    check(urn__runner_open(&s->runner, s->model, &values, 1, &error), &error);
    const int64_t chains = urn_posterior_chains(urn_fit_posterior(s->fit));
    check(urn__chains_new(NULL, chains, draws, &s->chains, &error), &error);
    return URN_OK;
}

static void sample(const posterior_case *c, const char *path, int64_t draws, sampled *s)
{
    urn_error error = {0};
    check(fit_by("nuts", c, path, draws, s, &error), &error);
}

static void clear(sampled *s)
{
    urn__chains_free(s->chains);
    urn__runner_close(&s->runner);
    urn_fit_free(s->fit);
    urn_model_free(s->model);
    urn_dataset_free(s->data);
    *s = (sampled){0};
}

/* "beta[3]" is element 2 of site "beta". */
static int site_of(const urn_model *model, const char *name, int *element)
{
    char site[128];
    const size_t n = strcspn(name, "[");
    snprintf(site, sizeof site, "%.*s", (int)n, name);
    *element = name[n] == '[' ? atoi(name + n + 1) - 1 : 0;
    return urn_model_site_find(model, site);
}

static urn__chains_summary summary_of(sampled *s, const char *name)
{
    const urn_posterior *p = urn_fit_posterior(s->fit);
    const int64_t n = urn_posterior_chains(p) * urn_posterior_draws(p);
    const int64_t size = urn_posterior_size(p);
    double *draws = calloc((size_t)n, sizeof *draws);
    assert_non_null(draws);
    int element;
    const int site = site_of(s->model, name, &element);
    if (site < 0)
        fail_msg("%s has no site \"%s\"", urn_model_name(s->model), name);
    for (int64_t d = 0; d < n; d++) {
        urn_replay_run(s->runner.replay, urn_posterior_loc(p) + d * size);
        draws[d] = urn_replay_result(s->runner.replay, site, URN_RESULT_VALUE)[element];
    }
    urn__chains_summary summary;
    urn__chains_read(s->chains, draws, urn_posterior_draws(p), 1);
    urn__chains_summarise(s->chains, &summary);
    free(draws);
    return summary;
}

static double number_of(const urn_fit *fit, const char *name)
{
    urn_fit_number number;
    for (int i = 0; urn_fit_number_at(fit, i, &number); i++)
        if (strcmp(number.name, name) == 0)
            return number.value;
    fail_msg("no number \"%s\"", name);
    return 0.0;
}

/* ---- small data ---- */

/* The truth is within four posterior sds, and chains agree. */
static void small_data_give_the_truth_back(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        const posterior_case *c = &cases[i];
        char path[4096];
        sampled s = {0};
        snprintf(path, sizeof path, "%s/examples/posteriordb/data/%s.json", URN_SOURCE_DIR,
                 c->model()->name);
        sample(c, path, 300, &s);
        for (int k = 0; k < MOST_TRUTHS && c->truths[k].name; k++) {
            const urn__chains_summary found = summary_of(&s, c->truths[k].name);
            if (!(fabs(found.mean - c->truths[k].value) <= 4.0 * found.sd &&
                  (found.r_hat < 1.05 || c->funnel)))
                fail_msg("%s, %s: mean %g, sd %g, r_hat %g; made from %g", c->model()->name,
                         c->truths[k].name, found.mean, found.sd, found.r_hat, c->truths[k].value);
        }
        clear(&s);
    }
}

/* ---- the reference posteriors ---- */

static double member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Four standard errors of both sides; R-hat and ESS as the rule asks. */
static int compare(sampled *s, const char *name, const json_t *want)
{
    const urn__chains_summary found = summary_of(s, name);
    const double mean =
        fabs(found.mean - member(want, "mean")) / hypot(found.mcse_mean, member(want, "mcse_mean"));
    const double sd =
        fabs(found.sd - member(want, "sd")) / hypot(found.mcse_sd, member(want, "mcse_sd"));
    if (mean <= 4.0 && sd <= 4.0 && found.r_hat <= 1.01 && found.ess_bulk >= 400.0)
        return 0;
    print_message("%s, %s: mean %g (%.1f errors from %g), sd %g (%.1f from %g), R-hat %.4f, "
                  "ESS %.0f\n",
                  urn_model_name(s->model), name, found.mean, mean, member(want, "mean"), found.sd,
                  sd, member(want, "sd"), found.r_hat, found.ess_bulk);
    return 1;
}

static int compare_all(sampled *s, const posterior_case *c, const json_t *reference)
{
    const double divergences = number_of(s->fit, "divergences");
    const char *name;
    json_t *want;
    int bad = 0;
    if (c->funnel) {
        assert_true(divergences > 4.0);
        assert_non_null(urn_fit_warning_at(s->fit, 0));
        return 0;
    }
    assert_true(divergences <= 4.0); /* 0.1 % of the draws */
    json_object_foreach(json_object_get(reference, "parameters"), name, want) bad +=
        compare(s, name, want);
    return bad;
}

/* false: there is no reference. */
static bool reference_of(const posterior_case *c, char data[4096], json_t **reference)
{
    const char *shared = getenv("URN_SHARED");
    char path[4096];
    json_error_t why;
    snprintf(path, sizeof path, "%s/posteriordb/%s-%s/reference.json",
             shared ? shared : "../shared", c->data, c->model()->name);
    snprintf(data, 4096, "%s/posteriordb/%s-%s/data.json", shared ? shared : "../shared", c->data,
             c->model()->name);
    *reference = json_load_file(path, 0, &why);
    if (!*reference)
        print_message("skipped: no %s\n", path);
    return *reference != NULL;
}

static void reference_posteriors_are_met(void **state)
{
    (void)state;
    if (statistics_left_out())
        skip();
    int bad = 0, met = 0;
    for (int i = 0; i < N_CASES; i++) {
        const posterior_case *c = &cases[i];
        char data[4096];
        json_t *reference;
        if (!reference_of(c, data, &reference))
            continue;
        sampled s = {0};
        sample(c, data, 1000, &s);
        bad += compare_all(&s, c, reference);
        met++;
        clear(&s);
        json_decref(reference);
    }
    if (met == 0)
        skip();
    assert_int_equal(bad, 0);
}

/* ---- approximations ---- */

/* How far means may be off, in the reference's sds, and sds by which factors. Large regressions are
 * nearly normal: what is left is the noise of 1,000 draws, and of resampling. Of the skewed eight
 * schools no normal distribution is near, k-hat says so, and only the place is asked. */
static const struct approximation_case {
    const char *model, *engine;
    double shift, narrow, wide;
} approximations[] = {
    {"wells_dist100_model", "laplace", 0.15, 0.9, 1.1},
    {"wells_dist100_model", "pathfinder", 0.15, 0.9, 1.1},
    {"kidscore_momiq", "laplace", 0.15, 0.9, 1.1},
    {"kidscore_momiq", "pathfinder", 0.3, 0.7, 1.3},
    {"dogs", "laplace", 0.3, 0.85, 1.15},
    {"dogs", "pathfinder", 0.3, 0.85, 1.15},
    {"eight_schools_noncentered", "pathfinder", 1.0, 0.3, 2.0},
};

static const posterior_case *case_of(const char *model)
{
    for (int i = 0; i < N_CASES; i++)
        if (strcmp(cases[i].model()->name, model) == 0)
            return &cases[i];
    fail_msg("no case %s", model);
    return NULL;
}

static int compare_approximation(sampled *s, const struct approximation_case *a,
                                 const json_t *reference)
{
    const char *name;
    json_t *want;
    int bad = 0;
    json_object_foreach(json_object_get(reference, "parameters"), name, want)
    {
        const urn__chains_summary found = summary_of(s, name);
        const double sd = member(want, "sd"), shift = (found.mean - member(want, "mean")) / sd;
        if (fabs(shift) <= a->shift && found.sd >= a->narrow * sd && found.sd <= a->wide * sd)
            continue;
        print_message("%s by %s, %s: mean %g is %.2f sds from %g, sd %g (%g)\n", a->model,
                      a->engine, name, found.mean, shift, member(want, "mean"), found.sd, sd);
        bad++;
    }
    return bad;
}

static void approximations_are_near_the_references(void **state)
{
    (void)state;
    int bad = 0, met = 0;
    for (size_t k = 0; k < sizeof approximations / sizeof approximations[0]; k++) {
        const struct approximation_case *a = &approximations[k];
        const posterior_case *c = case_of(a->model);
        char data[4096];
        json_t *reference;
        sampled s = {0};
        urn_error error = {0};
        if (!reference_of(c, data, &reference))
            continue;
        check(fit_by(a->engine, c, data, 1000, &s, &error), &error);
        bad += compare_approximation(&s, a, reference);
        met++;
        clear(&s);
        json_decref(reference);
    }
    if (met == 0)
        skip();
    assert_int_equal(bad, 0);
}

/* Laplace says that there is no mode, and where; Pathfinder's k-hat is above its limit. */
static void the_funnel_is_told(void **state)
{
    (void)state;
    const posterior_case *c = case_of("eight_schools_centered");
    char path[4096];
    sampled s = {0};
    urn_error error = {0};
    snprintf(path, sizeof path, "%s/examples/posteriordb/data/%s.json", URN_SOURCE_DIR,
             c->model()->name);
    assert_int_equal(fit_by("laplace", c, path, 1000, &s, &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "tau"));
    assert_non_null(strstr(error.hint, "nuts"));
    clear(&s);
    check(fit_by("pathfinder", c, path, 1000, &s, &error), &error);
    assert_true(number_of(s.fit, "k_hat") > 0.7);
    assert_non_null(strstr(urn_fit_warning_at(s.fit, 0), "Pareto k-hat of the Pathfinder"));
    clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approximations_are_near_the_references),
        cmocka_unit_test(the_funnel_is_told),
        cmocka_unit_test(small_data_give_the_truth_back),
        cmocka_unit_test(reference_posteriors_are_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
