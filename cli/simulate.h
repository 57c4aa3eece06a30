/* Data drawn from a model's prior: ids by popularity, the rest by the model itself. */
#ifndef URN_CLI_SIMULATE_H
#define URN_CLI_SIMULATE_H

#include "data.h"
#include "load.h"

typedef struct cli_simulation {
    urn_dataset *data; /* index columns and covariates; observed columns once they are drawn */
    urn_model *model;  /* traced on them */
    urn_program *program;
    urn_replay *replay; /* holds the draw of all sites */
} cli_simulation;

/* `data` (may be NULL) gives what the model reads and cannot draw; it is taken over. `fixed` are
 * values for sites, "site=1.5" or "site=1,2,3". */
urn_status cli_simulate_run(const cli_model *source, const cli_setup *setup, urn_dataset *data,
                            double popularity, const urn_setting *fixed, size_t n_fixed,
                            uint64_t seed, cli_simulation *simulation, urn_error *error);
void cli_simulation_clear(cli_simulation *simulation);
/* The drawn value of a site. */
const double *cli_simulated(const cli_simulation *simulation, int site);
/* Adds the drawn observed values to the dataset, under the model's words. */
urn_status cli_simulation_observe(cli_simulation *simulation, urn_error *error);

#endif
