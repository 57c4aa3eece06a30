/* urn: the table of subcommands, and the way into them. */
#include "../runtime/base/base.h"
#include "cli.h"
#include <signal.h>
#include <string.h>

const cli_command cli_commands[] = {
    {"fit", "fit a model to data", "MODEL", 1, 1, true, cli_fit_options,
     "MODEL is a built-in name (see \"urn models\"), a .c file, which is compiled and cached, or a "
     ".so file.\nThe loss is -ELBO per training row. Held-out rows give ids only, never "
     "likelihood, "
     "means or scale.",
     cli_fit},
    {"models", "list the built-in models", "", 0, 0, false, NULL, NULL, cli_models},
    {"engines", "list the engines", "", 0, 0, false, NULL, NULL, cli_engines},
    {"describe", "show a model's sites, plates, options and data", "MODEL", 1, 1, false,
     cli_describe_options,
     "Needs no data when the plates' sizes are given: --plate user=100 --plate item=20 --rows 500.",
     cli_describe},
    {"check", "test a model: compiles, finite, right gradients", "MODEL", 1, 1, false,
     cli_check_options, NULL, cli_check},
    {"new", "write a model file to start from", "NAME", 1, 1, false, cli_new_options, NULL,
     cli_new},
    {"build", "compile a model file into a shared object", "MODEL.c", 1, 1, false,
     cli_build_options, NULL, cli_build},
    {"simulate", "draw data from a model's prior, with the truth", "MODEL", 1, 1, false,
     cli_simulate_options,
     "Writes data.csv and truth.json. Ids are 0, 1, ...; --popularity A draws id k with "
     "probability "
     "proportional to (k + 1)^-A.",
     cli_simulate},
    {"predict", "predict rows from a run", "RUN", 1, 1, false, cli_predict_options,
     "Prints CSV: the rows' ids, mean, sd, low, high. Ids that the fit never saw are drawn from "
     "the prior.",
     cli_predict},
    {"recommend", "rank items for a known or a new user", "RUN", 1, 1, false, cli_recommend_options,
     "\"User\" is the model's first plate of ids, \"item\" its second, unless --plate and --items "
     "say otherwise.\nItems in the training data are left out when the data is still there.",
     cli_recommend},
    {"summary", "summarise a run's sites", "RUN", 1, 1, false, cli_summary_options, NULL,
     cli_summary},
    {"compare", "how far runs of one model are from each other", "RUN RUN...", 2, 64, false,
     cli_compare_options,
     "Compares what is identified: predictions on held-out rows and for a new id, the noise, the "
     "log likelihood, singular values of products of factors, and the other sites. Factors "
     "themselves turn freely, so they are left out unless --sites names them.\nEvery run is "
     "measured by the reference: a sampler's run, converged if there is one. A field's \"diff/sd\" "
     "is its mean distance in the reference's sds, its \"sd ratio\" that of mean sds.\nThe same "
     "rows are read again from the files of the fit; without them only sites are compared.",
     cli_compare},
    {"sbc", "test an engine on data drawn from a model", "MODEL", 1, 1, true, cli_sbc_options,
     "Simulation-based calibration: draws values from the prior and data from them, fits the data, "
     "and ranks each true value among the posterior's draws. Ranks are uniform if the engine's "
     "posteriors are right; where they pile up at both ends, draws are too narrow. Factors of a "
     "product are identified only up to a turn: their products are ranked instead, and the log "
     "likelihood. Of sites identified up to a label name others with --sites. Plates without data "
     "need sizes: --plate user=10 --rows 50; covariates come from --data FILE.",
     cli_sbc},
    {"diagnose", "say what is wrong with a run, and what to try", "RUN", 1, 1, false,
     cli_diagnose_options,
     "Looks at divergences, tree depths, energies, R-hat and effective sample sizes of a sampler, "
     "at "
     "k-hat of a guide. Whether the gradients of the model itself are right says \"urn check\".",
     cli_diagnose},
    {"export", "write a run's draws for other programs", "RUN", 1, 1, false, cli_export_options,
     "CmdStan's CSV is what arviz.from_cmdstan, R's posterior and stansummary read: a file a "
     "chain, "
     "elements as theta.1.2, column-major.",
     cli_export},
    {"help", "explain a command, or print the man page", "[COMMAND]", 0, 1, false, cli_help_options,
     NULL, cli_help},
    {NULL, NULL, NULL, 0, 0, false, NULL, NULL, NULL},
};

static const cli_command *find_command(const char *name, urn_error *error)
{
    const char *names[64];
    size_t n = 0;
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
        if (n < 64)
            names[n++] = c->name;
    }
    cli_fail_unknown(error, "command", name, names, n);
    return NULL;
}

/* Errors go to stderr as text, and with --json to stdout as an object too. */
static int report(const urn_error *error, bool json)
{
    char text[2048];
    urn_error_format(error, text, sizeof text);
    if (error->status != URN_INTERRUPTED || error->message[0] != '\0')
        fprintf(stderr, "urn: %s\n", text);
    if (json && error->status != URN_INTERRUPTED)
        cli_print_json(json_pack("{s:{s:s,s:i,s:s,s:s,s:s,s:s}}", "error", "status",
                                 urn_status_text(error->status), "exit_code",
                                 urn_status_exit_code(error->status), "where", error->where, "site",
                                 error->site, "message", error->message, "hint", error->hint),
                       NULL);
    return urn_status_exit_code(error->status);
}

static bool wants_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static urn_status run_command(const cli_command *command, int argc, char **argv, urn_error *error)
{
    cli_args args;
    urn_status status = cli_parse(command, argc, argv, &args, error);
    if (status == URN_OK && cli_flag(&args, "help"))
        cli_print_help(command, stdout);
    else if (status == URN_OK)
        status = command->run(&args, error);
    cli_args_clear(&args);
    if (status == URN_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = cli_fail(error, URN_ERR_IO, NULL, "cannot write to the standard output");
    return status;
}

int main(int argc, char **argv)
{
    /* A full disk or a closed pipe is an error to report, not a signal to die by. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    cli_settle_process();
    urn_error error = {.status = URN_OK};
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name == NULL) {
        cli_print_usage(stderr);
        return urn_status_exit_code(URN_ERR_USAGE);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cli_print_usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("urn %s\n", URN_VERSION);
        return 0;
    }
    const cli_command *command = find_command(name, &error);
    if (command == NULL)
        return report(&error, wants_json(argc - 2, argv + 2));
    const urn_status status = run_command(command, argc - 2, argv + 2, &error);
    if (status == URN_OK)
        return 0;
    error.status = status;
    return report(&error, wants_json(argc - 2, argv + 2));
}
