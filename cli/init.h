/* Where a fit starts, when the user says so: --init FILE, --init-from RUN, --metric-file FILE. */
#ifndef URN_CLI_INIT_H
#define URN_CLI_INIT_H

#include "cli.h"

typedef struct cli_init {
    double *position; /* NULL: the engine decides */
    double *scale;    /* of a normal guide, or NULL */
    double *metric;   /* inverse, or NULL */
    int64_t n_metric;
} cli_init;

urn_status cli_init_read(const cli_args *args, const urn_model *model, cli_init *init,
                         urn_error *error);
/* The inverse metric alone, beside what _read found. */
urn_status cli_metric_read(const cli_args *args, cli_init *init, urn_error *error);
void cli_init_clear(cli_init *init);

#endif
