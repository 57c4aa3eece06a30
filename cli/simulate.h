/* Data drawn from a model's prior: ids by popularity, the rest by the model itself. */
#ifndef URN_CLI_SIMULATE_H
#define URN_CLI_SIMULATE_H

#include "data.h"
#include "load.h"

typedef struct cli_row_ids cli_row_ids;

/* Rows made at a time, where they need not all be there at once. */
enum { CLI_SIMULATED_ROWS = 1 << 20 };

typedef struct cli_simulation {
    const cli_model *source;
    const cli_setup *setup;
    uint64_t seed;
    int64_t n_rows, made; /* of the last table: in all, and here */
    cli_row_ids *ids;     /* of all rows, where some are to come */
    urn_dataset *data;    /* index columns and covariates; observed columns once they are drawn */
    urn_model *model;     /* traced on them */
    urn_program *program;
    urn_replay *replay; /* holds the draw of all sites */
} cli_simulation;

/* `data` (may be NULL) gives what the model reads and cannot draw; it is taken over. `fixed` are
 * values for sites, "site=1.5" or "site=1,2,3". With `most` > 0, where rows are made up and only
 * observed sites have values by row, no more rows than that are made (see cli_simulate_next). The
 * simulation keeps `source` and `setup`. */
urn_status cli_simulate_run(const cli_model *source, const cli_setup *setup, urn_dataset *data,
                            double popularity, const urn_setting *fixed, size_t n_fixed,
                            uint64_t seed, int64_t most, cli_simulation *simulation,
                            urn_error *error);
/* Rows from `from` on, as many at most as the first part has; with what that drew for the latent
 * sites. */
urn_status cli_simulate_next(const cli_simulation *first, int64_t from, cli_simulation *part,
                             urn_error *error);
void cli_simulation_clear(cli_simulation *simulation);
/* The drawn value of a site. */
const double *cli_simulated(const cli_simulation *simulation, int site);
/* Adds the drawn observed values to the dataset, under the model's words. */
urn_status cli_simulation_observe(cli_simulation *simulation, urn_error *error);

#endif
