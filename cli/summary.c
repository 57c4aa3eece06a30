/* urn summary: a run's sites. */
#include "run.h"
#include "sites.h"
#include <math.h>

const cli_option cli_summary_options[] = {
    CLI_TEXT("sites", "A,B", NULL, "these sites, whole (default: all, the small ones whole)"),
    CLI_THREADS_OPTION,
    CLI_END,
};

static void print_run(const cli_run *run)
{
    char text[32];
    const json_t *j = run->json;
    printf("%s%s%s by %s, seed %lld: %lld training rows, %lld held out\n", cli_bold(),
           urn__io_json_get_text(j, "model", "?"), cli_plain(),
           urn__io_json_get_text(j, "engine", "?"), (long long)urn__io_json_get_int(j, "seed", 0),
           (long long)urn__io_json_get_int(j, "n_training", 0),
           (long long)urn__io_json_get_int(j, "n_held_out", 0));
    static const char *const keys[][2] = {
        {"loss_per_observation", "loss per observation"},
        {"log_evidence", "log evidence by the approximation"},
        {"importance_log_evidence", "log evidence by importance weights"},
        {"holdout.rmse", "held-out RMSE"},
        {"holdout.mae", "held-out MAE"},
        {"holdout.mean_log_predictive_density", "held-out mean log predictive density"},
    };
    printf("%lld steps\n", (long long)urn__io_json_get_int(j, "steps", 0));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_is_number(urn__io_json_get(j, keys[i][0])))
            printf("%s %s\n", keys[i][1],
                   cli_number(urn__io_json_get_real(j, keys[i][0], 0.0), text));
    if (json_object_get(j, "k_hat") != NULL)
        printf("k-hat of the %s %s\n", cli_approximation(run->posterior),
               cli_number(urn__io_json_get_real(j, "k_hat", HUGE_VAL), text));
    const json_int_t chains = (json_int_t)urn__io_json_get_int(j, "chains", 0);
    if (chains > 0)
        printf("%lld chain%s, %lld draws each after %lld of warm-up, %lld kept\n",
               (long long)chains, chains == 1 ? "" : "s",
               (long long)urn__io_json_get_int(j, "draws", 0),
               (long long)urn__io_json_get_int(j, "warmup", 0),
               (long long)urn__io_json_get_int(j, "draws_stored", 0));
}

urn_status cli_summary(const cli_args *args, urn_error *error)
{
    cli_run run;
    json_t *sites = NULL;
    URN_TRY(cli_run_open(args->operands[0], true, &run, error));
    urn_status status = cli_sites_json(run.model, run.posterior, cli_text(args, "sites"),
                                       (int)cli_int(args, "threads"), &sites, error);
    const int64_t chains = urn_posterior_chains(run.posterior);
    json_t *warnings = cli_warnings_without_convergence(run.json);
    json_t *convergence = status == URN_OK ? cli_convergence_json(sites, chains) : NULL;
    json_array_extend(warnings, json_object_get(convergence, "warnings"));
    if (status == URN_OK && cli_flag(args, "json")) {
        json_t *all = json_copy(run.json);
        json_object_set(all, "sites", sites);
        json_object_set(all, "warnings", warnings);
        if (convergence != NULL)
            json_object_set(all, "convergence", convergence);
        status = cli_print_json(all, error);
    } else if (status == URN_OK) {
        print_run(&run);
        cli_sites_print(sites);
        cli_warnings_print(sites, chains, warnings);
    }
    json_decref(convergence);
    json_decref(warnings);
    json_decref(sites);
    cli_run_close(&run);
    return status;
}
