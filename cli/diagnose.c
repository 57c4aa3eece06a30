/* urn diagnose: what is wrong with a run, and what to try. */
#include "../inference/compare/compare.h"
#include "../inference/importance.h"
#include "../io/io.h"
#include "../runtime/base/base.h"
#include "run.h"
#include "sites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 10000 }; /* of a site that is looked at unasked */
#define LEAST_E_BFMI 0.3        /* below, momenta hardly move the energy (Betancourt 2016) */

const cli_option cli_diagnose_options[] = {
    CLI_TEXT("sites", "A,B", NULL,
             "these sites (default: all of at most 10,000 elements that do not turn with factors)"),
    CLI_FLAG("strict", 0, "problems make the exit code 5"),
    CLI_THREADS_OPTION,
    CLI_END,
};

/* The sites to look at, as a list of names; NULL: there are none. */
static urn_status choose_sites(const urn_model *model, char **names, int *left_out,
                               urn_error *error)
{
    unsigned *roles;
    urn__text list = {0};
    *left_out = 0;
    URN_TRY(cli_site_roles(model, &roles, error));
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (site.role != URN_SITE_LATENT && site.role != URN_SITE_RECORDED &&
            site.role != URN_SITE_PARAM)
            continue;
        if (site.size > MOST_ELEMENTS || cli_site_turns(roles, i))
            (*left_out)++;
        else
            urn__text_add(&list, "%s%s", list.length > 0 ? "," : "", site.name);
    }
    free(roles);
    *names = list.data;
    return list.failed ? cli_fail_memory(error) : URN_OK;
}

/* ---- checks ---- */

typedef struct checks {
    json_t *list;
    int n_bad;
} checks;

/* A figure, what it is of (an element's name or NULL), and whether it is as it should be. */
static void add_check(checks *c, const char *name, double value, const char *of, bool ok)
{
    json_t *check =
        json_pack("{s:s,s:o,s:b}", "check", name, "value", urn__io_json_real(value), "ok", ok);
    if (of != NULL)
        json_object_set_new(check, "of", json_string(of));
    json_array_append_new(c->list, check);
    c->n_bad += !ok;
}

/* Weights of independent draws that hardly differ are good, whatever the shape of their tail. */
static bool is_even(const cli_run *run)
{
    const double all = urn__io_json_get_real(run->json, "importance_draws", HUGE_VAL);
    return urn__io_json_get_real(run->json, "importance_size", 0.0) >= URN__IMPORTANCE_EVEN * all;
}

/* Figures of fit.json that are right up to a limit, or from one on. */
static void check_numbers(const cli_run *run, checks *c)
{
    const json_t *fit = run->json;
    char k_hat[64];
    snprintf(k_hat, sizeof k_hat, "k-hat of the %s", cli_approximation(run->posterior));
    const struct {
        const char *key, *name;
        double limit;
        bool at_least;
    } figures[] = {{"divergences", "divergences", 0.0, false},
                   {"max_depth_reached", "trajectories at --max-depth", 0.0, false},
                   {"e_bfmi", "least E-BFMI of a chain", LEAST_E_BFMI, true},
                   {"k_hat", k_hat, is_even(run) ? HUGE_VAL : URN__K_HAT_LIMIT, false},
                   {"skipped_steps", "steps skipped as not finite", 0.0, false}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        const json_t *member = json_object_get(fit, figures[i].key);
        if (member == NULL)
            continue;
        const double value = json_is_number(member) ? json_number_value(member) : HUGE_VAL;
        add_check(c, figures[i].name, value, NULL,
                  figures[i].at_least ? value >= figures[i].limit : value <= figures[i].limit);
    }
}

static void check_convergence(const json_t *convergence, int64_t chains, checks *c)
{
    static const struct {
        const char *key, *name;
    } figures[] = {
        {"r_hat", "worst R-hat"}, {"ess_bulk", "least bulk ESS"}, {"ess_tail", "least tail ESS"}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        const json_t *figure = json_object_get(convergence, figures[i].key);
        if (figure == NULL)
            continue;
        const double value = urn__io_json_get_real(figure, "value", HUGE_VAL);
        add_check(c, figures[i].name, value, urn__io_json_get_text(figure, "name", NULL),
                  i == 0 ? value <= URN__R_HAT_LIMIT : value >= URN__ESS_LIMIT * (double)chains);
    }
}

/* ---- output ---- */

static void print_checks(const checks *c)
{
    for (size_t i = 0; i < json_array_size(c->list); i++) {
        const json_t *check = json_array_get(c->list, i);
        const char *of = urn__io_json_get_text(check, "of", NULL);
        char text[32];
        const double value = urn__io_json_get_real(check, "value", HUGE_VAL);
        printf("%-30s %10s  %s%s%s\n", urn__io_json_get_text(check, "check", ""),
               cli_number(value, text), json_is_true(json_object_get(check, "ok")) ? "ok" : "BAD",
               of != NULL ? "  " : "", of != NULL ? of : "");
    }
}

static void print_diagnosis(const cli_run *run, const checks *c, const json_t *sites, int left_out,
                            const json_t *warnings)
{
    const int64_t chains = urn_posterior_chains(run->posterior);
    printf("%s%s%s by %s, seed %lld\n\n", cli_bold(), urn_model_name(run->model), cli_plain(),
           urn__io_json_get_text(run->json, "engine", "?"),
           (long long)urn__io_json_get_int(run->json, "seed", 0));
    print_checks(c);
    if (left_out > 0)
        printf(
            "\n%d site%s not looked at: large, or turning with factors (--sites asks for them)\n",
            left_out, left_out == 1 ? "" : "s");
    cli_warnings_print(sites, chains, warnings);
    if (c->n_bad == 0 && json_array_size(warnings) == 0)
        printf("\nno problems found\n");
}

static urn_status diagnose_run(const cli_args *args, const cli_run *run, checks *c,
                               json_t *warnings, json_t **sites, int *left_out, urn_error *error)
{
    const int64_t chains = urn_posterior_chains(run->posterior);
    check_numbers(run, c);
    if (urn_posterior_kind_of(run->posterior) != URN_POSTERIOR_DRAWS)
        return URN_OK;
    char *names = NULL;
    const char *given = cli_text(args, "sites");
    if (given == NULL)
        URN_TRY(choose_sites(run->model, &names, left_out, error));
    urn_status status = URN_OK;
    if (given != NULL || names != NULL)
        status = cli_sites_json(run->model, run->posterior, given != NULL ? given : names,
                                (int)cli_int(args, "threads"), sites, error);
    free(names);
    URN_TRY(status);
    json_t *convergence = cli_convergence_json(*sites, chains);
    check_convergence(convergence, chains, c);
    json_array_extend(warnings, json_object_get(convergence, "warnings"));
    json_decref(convergence);
    return URN_OK;
}

static urn_status end(const cli_args *args, const cli_run *run, const checks *c,
                      const json_t *sites, int left_out, json_t *warnings, urn_error *error)
{
    const bool ok = c->n_bad == 0 && json_array_size(warnings) == 0;
    if (cli_flag(args, "json"))
        URN_TRY(
            cli_print_json(json_pack("{s:s,s:s,s:b,s:O,s:O}", "model", urn_model_name(run->model),
                                     "engine", urn__io_json_get_text(run->json, "engine", "?"),
                                     "ok", ok, "checks", c->list, "warnings", warnings),
                           error));
    else
        print_diagnosis(run, c, sites, left_out, warnings);
    if (cli_flag(args, "strict") && !ok)
        return cli_fail(error, URN_ERR_NOT_CONVERGED, NULL, "the run has problems");
    return URN_OK;
}

urn_status cli_diagnose(const cli_args *args, urn_error *error)
{
    cli_run run;
    json_t *sites = NULL;
    int left_out = 0;
    URN_TRY(cli_run_open(args->operands[0], true, &run, error));
    checks c = {.list = json_array()};
    json_t *warnings = cli_warnings_without_convergence(run.json);
    urn_status status = diagnose_run(args, &run, &c, warnings, &sites, &left_out, error);
    if (status == URN_OK)
        status = end(args, &run, &c, sites, left_out, warnings, error);
    json_decref(warnings);
    json_decref(c.list);
    json_decref(sites);
    cli_run_close(&run);
    return status;
}
