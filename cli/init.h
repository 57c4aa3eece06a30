/* Where a fit starts, when the user says so: --init FILE, --init-from RUN, --metric-file FILE. */
#ifndef URN_CLI_INIT_H
#define URN_CLI_INIT_H

#include "cli.h"

typedef struct cli_init {
    double *position; /* NULL: the engine decides */
    int64_t n;        /* positions there, one after another; chains begin at them in turn */
    double *scale;    /* of a normal guide, or NULL */
    double *metric;   /* inverse, or NULL */
    /* Of a run with the same coordinates, whose form may go on; or NULL. */
    urn_posterior *posterior;
    int64_t n_metric;
    bool dense_metric;
    char step_size[32]; /* that belongs to the metric, as text; "" without */
} cli_init;

urn_status cli_init_read(const cli_args *args, const urn_model *model, cli_init *init,
                         urn_error *error);
/* The inverse metric alone, beside what _read found. */
urn_status cli_metric_read(const cli_args *args, cli_init *init, urn_error *error);
void cli_init_clear(cli_init *init);
/* Settings of the engine that belong to it, unless they are among `args`; returns how many (at most
 * 2). */
size_t cli_init_settings(const cli_init *init, const cli_args *args, urn_setting *settings);

/* Writes what a chain learned as _metric_read finds it. */
urn_status cli_metric_write(const urn_metric *metric, const char *path, urn_error *error);

#endif
