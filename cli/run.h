/* A run read back: its description, its posterior, and its model traced again. */
#ifndef URN_CLI_RUN_H
#define URN_CLI_RUN_H

#include "../io/io.h"
#include "data.h"
#include "load.h"

typedef struct cli_run {
    json_t *json; /* fit.json */
    urn__io_nc *nc;
    int guide; /* group of nc */
    json_t *layout;
    urn_posterior *posterior;
    urn_setting *settings; /* --set of the fit */
    size_t n_settings;
    cli_handlers handlers;
    cli_model source;
    urn_dataset *data; /* what the model was traced on again */
    urn_model *model;
} cli_run;

/* Reads fit.json alone; *json is the caller's, also after an error. */
urn_status cli_run_json(const char *dir, json_t **json, urn_error *error);
/* Opens `dir`; with `model` also the model behind it, so that predictions can be made. */
urn_status cli_run_open(const char *dir, bool model, cli_run *run, urn_error *error);
void cli_run_close(cli_run *run);

/* Ids of a plate as the fit knew them (borrowed); *n is -1 if the run has no such plate. */
urn_status cli_run_labels(const cli_run *run, const char *plate, int64_t *n, const int64_t **ints,
                          const char *const **texts, urn_error *error);

/* Gives `data` the maps, means and known ids of the fit; adds to `table` constant columns for
 * values that predictions do not need (the observed ones), if missing. *observed is set if they
 * were there.
 */
urn_status cli_run_prepare(const cli_run *run, urn_dataset *data, bool *observed, urn_error *error);
/* Adds a column of equal values: text, an integer or a number. */
urn_status cli_add_constant(urn_dataset *data, const char *table, const char *column,
                            const json_t *value, urn_error *error);
/* Traces the run's model on other data. */
urn_status cli_run_trace(const cli_run *run, const urn_dataset *data, urn_model **model,
                         urn_error *error);
/* The training data as the fit read it; *data is NULL if it is gone or has changed. */
urn_status cli_run_training_data(const cli_run *run, urn_dataset **data, urn_error *error);
/* All rows as the fit had them: duplicates merged, held-out rows flagged, the fit's ids and means.
 * *data is NULL if a file is gone or has changed. Needs a run opened with its model. */
urn_status cli_run_fit_data(const cli_run *run, urn_dataset **data, urn_error *error);
/* Traces the run's model on some rows of such data. */
urn_status cli_run_trace_rows(const cli_run *run, const urn_dataset *data, urn_rows rows,
                              urn_model **model, urn_error *error);

#endif
