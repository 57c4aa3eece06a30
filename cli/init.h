/* Where a fit starts, when the user says so: --init FILE and --init-from RUN. */
#ifndef URN_CLI_INIT_H
#define URN_CLI_INIT_H

#include "cli.h"

typedef struct cli_init {
    double *position; /* NULL: the engine decides */
    double *scale;    /* of a normal guide, or NULL */
} cli_init;

urn_status cli_init_read(const cli_args *args, const urn_model *model, cli_init *init,
                         urn_error *error);
void cli_init_clear(cli_init *init);

#endif
