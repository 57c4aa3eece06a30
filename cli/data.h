/* Data files, tracing and plates, as the options of a command say. */
#ifndef URN_CLI_DATA_H
#define URN_CLI_DATA_H

#include "../runtime/base/base.h"
#include "handlers.h"

/* A value of --data taken apart. `table` is "" for the unnamed one. */
typedef struct cli_source {
    char table[128];
    const char *path;
} cli_source;
cli_source cli_source_of(const char *text);

bool cli_is_single(const cli_args *args); /* --precision single */
/* Reads every --data and applies every --map. `test` is read as held-out rows of the first file's
 * table; NULL: none. The dataset is empty without --data. With --precision single,
 * real numbers are held as floats. `allocator` may be NULL. */
urn_status cli_read_data(const cli_args *args, const char *test, const urn_allocator *allocator,
                         urn_dataset **data, urn_error *error);

urn_status cli_apply_maps(const cli_args *args, urn_dataset *data, urn_error *error);
/* URN_ERR_USAGE for a --map that the traced model made no use of. */
urn_status cli_check_maps(const urn_dataset *data, const urn_model *model, urn_error *error);

/* --set, handlers, and --plate with --rows, as trace options want them. `options` borrows from it.
 */
typedef struct cli_setup {
    urn_setting *settings, *sizes, *all_sizes;
    size_t n_settings, n_sizes;
    cli_handlers handlers;
} cli_setup;
/* `with_sizes`: the command has --plate and --rows. */
urn_status cli_setup_init(const cli_args *args, bool with_sizes, cli_setup *setup,
                          urn_error *error);
void cli_setup_clear(cli_setup *setup);
urn_trace_options cli_trace_options(const cli_setup *setup, const urn_dataset *data);
/* A model that failed for want of data may be given sizes instead: says so in the error's hint. */
void cli_hint_sizes(const urn_dataset *data, urn_error *error);

/* ---- which rows a fit sees (rows.c); `how` is traced with ---- */

/* --duplicates: merges the rows that the model wants unique; says so on stderr unless `quiet`. */
urn_status cli_merge_rows(urn_dataset *data, const urn_model_def *def, const urn_trace_options *how,
                          const char *mode, bool quiet, urn_error *error);
/* --holdout: of the only table, or of those with observed sites. */
urn_status cli_hold_out_share(urn_dataset *data, const urn_model_def *def,
                              const urn_trace_options *how, double share, urn_error *error);

/* ---- looking at a traced model ---- */

/* The plate called `name`; false if there is none. */
bool cli_plate_find(const urn_model *model, const char *name, urn_plate_info *plate);
/* The k-th plate of ids (from 0). */
bool cli_plate_of_ids(const urn_model *model, int k, urn_plate_info *plate);
/* The k-th observed site over the rows of a table: its number, or -1; *plate is the rows plate. */
int cli_observed_site(const urn_model *model, int k, urn_plate_info *plate);
/* An id of a plate as text, into `text` or borrowed. */
const char *cli_label(const urn_plate_info *plate, int64_t i, char text[32]);
/* The position of an id among the plate's, -1 if it has no such id. */
int64_t cli_label_find(const urn_plate_info *plate, const char *id);
/* "user=12628" and the like into `text`: a site's shape by its plates' names. */
const char *cli_shape(const urn_site_info *site, char *text, size_t size);
const char *cli_role(urn_site_role role);

/* The ids of a rows plate's table: code[r] is the row of the ids plate that row r of the model (not
 * of the table) refers to through the plate's own column. Allocated in `arena`; *codes is NULL when
 * the table lacks the column. */
urn_status cli_codes(const urn_dataset *data, const urn_model *model, const urn_plate_info *rows,
                     const urn_plate_info *ids, urn__arena *arena, const int32_t **codes,
                     urn_error *error);

#endif
