/* Handlers of sites, as the options of a command say: --condition, --do, --scale, --reparam. */
#ifndef URN_CLI_HANDLERS_H
#define URN_CLI_HANDLERS_H

#include "cli.h"

#define CLI_HANDLER_OPTIONS                                                                        \
    CLI_LIST("condition", "SITE=V",                                                                \
             "a latent site is observed: a number for all, all a,b,c, or a JSON file of sites"),   \
        CLI_LIST("do", "SITE=V",                                                                   \
                 "the same values by intervention: the site's density is left "                    \
                 "out, latent and observed sites alike"),                                          \
        CLI_LIST("scale", "SITE=X",                                                                \
                 "the site's log density counts X times; x*=X: of all sites that begin with x"),   \
        CLI_LIST("reparam", "FORM",                                                                \
                 "auto: hierarchical sites of which the data say little become non-centred; "      \
                 "SITE=noncentred or SITE=centred says it of one; repeats")

typedef struct cli_handlers {
    urn_handler *list; /* names and values are owned */
    size_t n;
    bool automatic; /* --reparam auto */
    char **centred; /* sites it leaves alone */
    size_t n_centred;
} cli_handlers;

urn_status cli_handlers_read(const cli_args *args, cli_handlers *handlers, urn_error *error);
void cli_handlers_clear(cli_handlers *handlers);
/* Runs the pilot of --reparam auto, if that was asked for, and adds what it finds; each site that
 * becomes non-centred has a sentence on stderr unless `quiet`. `trace` is without the handlers;
 * `fit` has engine, seed, threads, cpu and interrupted. */
urn_status cli_handlers_settle(cli_handlers *handlers, const urn_model_def *def,
                               const urn_trace_options *trace, const urn_fit_options *fit,
                               bool quiet, urn_error *error);

/* As in fit.json: [{"kind": "do", "site": "tau", "values": [..]}]. */
json_t *cli_handlers_json(const cli_handlers *handlers);
urn_status cli_handlers_from_json(const json_t *json, cli_handlers *handlers, urn_error *error);

/* Numbers of an option's value "a,b,c"; *values is the caller's. */
urn_status cli_numbers(const char *option, const char *name, const char *text, double **values,
                       int64_t *n, urn_error *error);

#endif
