/* For host programs: data, tracing, compiled programs and their replay. */
#ifndef URN_RUN_H
#define URN_RUN_H

#include <stdbool.h>
#include <urn/families.h>
#include <urn/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data ---- */

/* Tables of named columns, scalars and arrays: what a model's data names are looked up in. */
typedef struct urn_dataset urn_dataset;

/* NULL when memory runs out. `allocator` may be NULL and is borrowed. */
URN_API urn_dataset *urn_dataset_new(const urn_allocator *allocator);
URN_API void urn_dataset_free(urn_dataset *data);

/* Adds an empty table. `source` (a file's name, for messages) may be NULL. Row r stands on line
 * first_line + r of it, unless lines are set with urn_dataset_set_lines; first_line 0 means that
 * rows have no lines, and messages give the row's number. */
URN_API urn_status urn_dataset_add_table(urn_dataset *data, const char *table, const char *source,
                                         int64_t n_rows, int64_t first_line, urn_error *error);
/* Add a column of n_rows values, copied. Text is copied too. */
URN_API urn_status urn_dataset_add_real(urn_dataset *data, const char *table, const char *column,
                                        const double *values, urn_error *error);
URN_API urn_status urn_dataset_add_int(urn_dataset *data, const char *table, const char *column,
                                       const int64_t *values, urn_error *error);
URN_API urn_status urn_dataset_add_text(urn_dataset *data, const char *table, const char *column,
                                        const char *const *values, urn_error *error);
/* The line of every row, for files whose rows do not stand on consecutive lines; copied. */
URN_API urn_status urn_dataset_set_lines(urn_dataset *data, const char *table, const int64_t *lines,
                                         urn_error *error);
/* Rows first_row .. n_rows - 1 come from another file (a test set appended to the training rows);
 * messages name it. Their lines are those set with urn_dataset_set_lines, or count from
 * `first_line`. */
URN_API urn_status urn_dataset_set_source(urn_dataset *data, const char *table, int64_t first_row,
                                          const char *source, int64_t first_line, urn_error *error);
URN_API urn_status urn_dataset_add_scalar(urn_dataset *data, const char *name, double value,
                                          urn_error *error);
URN_API urn_status urn_dataset_add_array(urn_dataset *data, const char *name, int rank,
                                         const int64_t *dims, const double *values,
                                         urn_error *error);

/* The model's word for a column: urn_data(rows, "rating") then reads column `column`. */
URN_API urn_status urn_dataset_map(urn_dataset *data, const char *name, const char *column,
                                   urn_error *error);

/* The i-th mapped name that nothing has asked for yet (a --map without effect), NULL past the last.
 */
URN_API const char *urn_dataset_unused_map(const urn_dataset *data, int i);

/* Which rows are held out (0 training, 1 held out); copied. Without it all rows are training. */
URN_API urn_status urn_dataset_set_held_out(urn_dataset *data, const char *table,
                                            const unsigned char *held_out, urn_error *error);

/* Merges rows that agree in all of `columns` ("user,item"): mode "mean" averages the numeric
 * columns, "last" keeps the last row. *n_merged rows vanish; training and held-out rows are not
 * mixed. */
URN_API urn_status urn_dataset_merge(urn_dataset *data, const char *table, const char *columns,
                                     const char *mode, int64_t *n_merged, urn_error *error);

/* Fixes the first ids of a column's plate, in this order: those a fit knew. Ids met in the rows and
 * not listed come after them. Exactly one of `ints` and `texts` is given. */
URN_API urn_status urn_dataset_set_ids(urn_dataset *data, const char *column, int64_t n,
                                       const int64_t *ints, const char *const *texts,
                                       urn_error *error);
/* Fixes what urn_data_mean returns for a column. */
URN_API urn_status urn_dataset_set_mean(urn_dataset *data, const char *column, double mean,
                                        urn_error *error);

/* Look at what is there. Counts are -1 and pointers NULL for unknown names. `column` may be a
 * mapped name. Values of integer columns are given as doubles too; NULL for text. Borrowed. */
URN_API int64_t urn_dataset_rows(const urn_dataset *data, const char *table);
URN_API const double *urn_dataset_values(const urn_dataset *data, const char *table,
                                         const char *column);
URN_API const char *urn_dataset_source(const urn_dataset *data, const char *table);
/* Bytes held now for the values, ids and lines of all rows, and for arrays. A column is held once:
 * as numbers of 4 bytes where these are exact, else 8, or as 4-byte codes of its ids once a model
 * has asked for these. What urn_dataset_values gave is held beside it, where it differs. */
URN_API size_t urn_dataset_memory(const urn_dataset *data);
URN_API const unsigned char *urn_dataset_held_out(const urn_dataset *data, const char *table);
URN_API int urn_dataset_table_count(const urn_dataset *data);
URN_API const char *urn_dataset_table_name(const urn_dataset *data, int i);
URN_API int urn_dataset_column_count(const urn_dataset *data, const char *table);
URN_API const char *urn_dataset_column_name(const urn_dataset *data, const char *table, int i);

/* ---- tracing ---- */

/* A name=value pair, as given with --set. */
typedef struct urn_setting {
    const char *name;
    const char *value;
} urn_setting;

/* Handlers act while the model is traced. */
typedef enum urn_handler_kind {
    URN_HANDLER_CONDITION,  /* the latent site is observed with these values */
    URN_HANDLER_SUBSTITUTE, /* the site's value is an input of the program; its density still counts
                             */
    URN_HANDLER_BLOCK,      /* the site is drawn from its prior; its density does not count */
    URN_HANDLER_DO,    /* an intervention on a latent or observed site: it has these values whatever
                        * its parents say, and its density does not count; it is then recorded */
    URN_HANDLER_SCALE, /* the log density of a latent or observed site, or of a factor, is
                        * multiplied by values[0] > 0; "x*" names all sites that begin with x.
                        * Jacobians and pointwise log likelihoods are not */
    URN_HANDLER_MASK,  /* rows of a latent or observed site with 0 do not count, those with 1 do;
                        * beside a mask of its own, rows count that both let */
    URN_HANDLER_NONCENTRED /* the latent site's coordinates are of (value - loc) / scale: the same
                            * distribution of the same site in coordinates that its loc and scale do
                            * not move. Normal, student_t, cauchy, laplace and logistic sites, and
                            * log_normal ones by their logarithms; mvn ones given by covariance or
                            * scale_tril L, of L^-1 (value - loc) */
} urn_handler_kind;

typedef struct urn_handler {
    urn_handler_kind kind;
    const char *site;
    const double *values; /* condition, do: the site's elements, row-major, or one for all of them;
                             mask: one a row; copied */
    int64_t n_values;
} urn_handler;

/* Which rows of a plate that mini-batches reach through index columns a step updates. */
typedef enum urn_batch_updates {
    URN_BATCH_AUTO,   /* those it touches, of plates with more rows than a batch can touch */
    URN_BATCH_ALL,    /* all of them */
    URN_BATCH_TOUCHED /* those it touches; an error where no plate of the model allows it */
} urn_batch_updates;

typedef enum urn_rows { URN_ROWS_TRAINING, URN_ROWS_HELD_OUT, URN_ROWS_ALL } urn_rows;

/* Zeros are defaults; set `bytes`. Everything is borrowed for the call, `data` and `allocator` for
 * the model's life. */
typedef struct urn_trace_options {
    size_t bytes;
    const urn_allocator *allocator;
    const urn_dataset *data;
    const urn_setting *settings;
    size_t n_settings;
    const urn_handler *handlers;
    size_t n_handlers;
    urn_rows rows;           /* which rows of every table the model sees; where rows of one table
                                are held out, tables without such rows are seen whole */
    const char *batch_plate; /* mini-batches of this rows plate, or NULL */
    int64_t batch_size;
    /* For simulation without data: plates by name with their sizes; the name "rows" stands for
     * every rows plate without a size of its own. Columns that `data` lacks are then placeholders:
     * an index column refers to rows in turn (r mod size), and an observed value is only ever
     * simulated. */
    const urn_setting *plate_sizes;
    size_t n_plate_sizes;
    bool allow_duplicates; /* do not check urn_unique */
    urn_batch_updates batch_updates;
} urn_trace_options;

/* Runs the model function on handles. On success *model is the caller's. */
URN_API urn_status urn_model_trace(const urn_model_def *def, const urn_trace_options *options,
                                   urn_model **model, urn_error *error);
URN_API void urn_model_free(urn_model *model);

typedef enum urn_site_role {
    URN_SITE_LATENT,
    URN_SITE_OBSERVED,
    URN_SITE_RECORDED,
    URN_SITE_PARAM,
    URN_SITE_FACTOR
} urn_site_role;

/* A row of the site table. Pointers live as long as the model. */
typedef struct urn_site_info {
    const char *name, *where;
    urn_site_role role;
    const urn_family *family; /* NULL for recorded, param and factor */
    int n_dims;               /* plate dims, then event dims */
    int n_plates;             /* how many of them are plates */
    int64_t dims[4];
    const char *plates[4]; /* names of the plate dims */
    int64_t size;          /* product of dims */
    int64_t rows;          /* product of the plate dims */
    int64_t offset;        /* of its unconstrained coordinates in a position, or of a discrete
                              latent's values in a state; -1 without */
    int64_t free_size;     /* how many of them */
    const char *no_mode;   /* why a mode is not worth finding while the site is free, or NULL */
    bool noncentred;       /* see URN_HANDLER_NONCENTRED */
    bool hierarchical; /* it could be non-centred, and its loc or scale depend on latent sites */
    double weight;     /* its log density counts so often: see URN_HANDLER_SCALE */
} urn_site_info;

URN_API int urn_model_site_count(const urn_model *model);
URN_API void urn_model_site(const urn_model *model, int i, urn_site_info *info);
URN_API int urn_model_site_find(const urn_model *model, const char *name); /* -1: none */
URN_API int64_t urn_model_position_size(const urn_model *model);
/* Numbers in the state of a chain: the position, then the values of the discrete latent sites in
 * the order of their declaration (their `offset` says where). The same as the position where there
 * are none. Samplers' draws are states. */
URN_API int64_t urn_model_state_size(const urn_model *model);

/* Options the model declared, with their current values as text. */
typedef struct urn_option_info {
    const char *name, *type, *value, *fallback, *help, *choices;
} urn_option_info;
URN_API int urn_model_option_count(const urn_model *model);
URN_API void urn_model_option(const urn_model *model, int i, urn_option_info *info);

/* Plates. Labels are NULL for plates without ids; n_known counts the ids given by
 * urn_dataset_set_ids (all of them when it was not called). */
typedef struct urn_plate_info {
    const char *name;
    const char *kind; /* "rows", "ids", "size", "nested" */
    int64_t size, n_known;
    const int64_t *int_labels;
    const char *const *text_labels;
    const char *column; /* for ids: the file's column */
    const char *table;  /* for rows */
} urn_plate_info;
URN_API int urn_model_plate_count(const urn_model *model);
URN_API void urn_model_plate(const urn_model *model, int i, urn_plate_info *info);
URN_API const char *urn_model_name(const urn_model *model);

/* Training rows seen by the model in all its rows plates (the divisor of "loss per observation"):
 * the rows of the observed sites; held-out rows are not among them. */
URN_API int64_t urn_model_observation_count(const urn_model *model);

/* The table row behind row r of the rows plate called `plate` (they differ under urn_rows views).
 */
URN_API int64_t urn_model_table_row(const urn_model *model, const char *plate, int64_t row);

/* Columns declared by the i-th urn_unique of the model, as "user,item", and its table; NULL past
 * the last. */
URN_API const char *urn_model_unique(const urn_model *model, int i, const char **table);

/* What the model reads from its data, in order of first use. */
typedef struct urn_data_info {
    const char *name;     /* the model's word, as in urn_data(rows, "rating") */
    const char *kind;     /* "column", "columns", "index", "mean", "real", "int", "array" */
    const char *table;    /* the rows plate's table; NULL for entries without one */
    const char *observed; /* the observed site whose .value is this very column, or NULL */
} urn_data_info;
URN_API int urn_model_data_count(const urn_model *model);
URN_API void urn_model_data(const urn_model *model, int i, urn_data_info *info);

/* Values of an observed site on the rows seen, `size` elements; NULL for other sites, placeholders
 * and values that depend on latent sites. Borrowed. */
URN_API const double *urn_model_observed(const urn_model *model, int site);

/* ---- programs ---- */

/* A compiled graph: immutable, may be shared between threads. */
typedef struct urn_program urn_program;

typedef enum urn_program_kind {
    URN_PROGRAM_DENSITY,  /* position -> log density, gradient */
    URN_PROGRAM_VALUES,   /* position -> values of latent and recorded sites */
    URN_PROGRAM_SIMULATE, /* nothing -> a joint draw of latent, observed and recorded sites */
    URN_PROGRAM_CENTRE,   /* nothing -> latent sites at their prior medians, parents first */
    URN_PROGRAM_PREDICT   /* latent values (urn_replay_input) -> per observed site and row: log
                             density, mean, cdf and a fresh draw. A latent site with more rows than
                             its input gets the rest drawn from its prior. */
} urn_program_kind;

/* The type a density program computes in. In single precision, values, partials and gradients are
 * floats; sums over rows and log densities are accumulated in double. */
typedef enum urn_precision { URN_PRECISION_DOUBLE, URN_PRECISION_SINGLE } urn_precision;

typedef struct urn_compile_options {
    size_t bytes;
    urn_program_kind kind;
    bool no_jacobian; /* density without the log-Jacobian terms: for optimisation */
    bool no_fuse;     /* the unfused oracle */
    const char *cpu;  /* "base", "v3", "v4"; NULL: the best this machine has */
    void (*dump)(void *context, const char *stage, const char *text); /* each stage as text */
    void *dump_context;
    urn_precision precision; /* single: DENSITY programs only */
} urn_compile_options;

/* `model` is borrowed for the program's life. */
URN_API urn_status urn_program_compile(const urn_model *model, const urn_compile_options *options,
                                       urn_program **program, urn_error *error);
URN_API void urn_program_free(urn_program *program);

/* The buffers of one evaluation; one owner at a time. */
typedef struct urn_replay urn_replay;

URN_API urn_status urn_replay_new(const urn_program *program, int threads, urn_replay **replay,
                                  urn_error *error);
URN_API void urn_replay_free(urn_replay *replay);

/* Log joint density at `position` (unconstrained, urn_model_position_size elements) with
 * log-Jacobian, and its gradient if `gradient` is not NULL. Never allocates. A non-finite density
 * is not an error. Needs a DENSITY program. */
URN_API double urn_replay_log_density(urn_replay *replay, const double *position, double *gradient);

/* The same of a program compiled in single precision, NaN for others. urn_replay_log_density works
 * on single programs, too: it rounds the position to floats and widens the gradient. */
URN_API double urn_replay_log_density_single(urn_replay *replay, const float *position,
                                             float *gradient);

/* Threads of the following runs: at least 1, at most as many as the replay was made with. Results
 * do not depend on it. */
URN_API void urn_replay_set_threads(urn_replay *replay, int threads);

/* Address of the random numbers used by following runs. */
URN_API void urn_replay_seed(urn_replay *replay, uint64_t seed, uint64_t chain, uint64_t step);

/* Picks the mini-batch for `step`: rows of the batch plate, addressed by seed and epoch. */
URN_API urn_status urn_replay_batch(urn_replay *replay, uint64_t seed, int64_t step);

/* Sets the value of an input site (SUBSTITUTE, PREDICT) to `n` elements, copied. */
URN_API urn_status urn_replay_input(urn_replay *replay, int site, const double *values, int64_t n,
                                    urn_error *error);

/* Runs a program of any other kind. `position` may be NULL for programs without one. */
URN_API void urn_replay_run(urn_replay *replay, const double *position);

typedef enum urn_result {
    URN_RESULT_VALUE,       /* the site's value, size elements */
    URN_RESULT_LOG_DENSITY, /* per row */
    URN_RESULT_MEAN,        /* size elements */
    URN_RESULT_CDF,         /* per row; absent where the family has none */
    URN_RESULT_DRAW         /* size elements */
} urn_result;

/* A result of the last run; borrowed until the next. NULL when the program does not compute it. */
URN_API const double *urn_replay_result(const urn_replay *replay, int site, urn_result what);

/* Where the time of a replay goes, op by op. Timing costs about 50 ns an op. */
typedef struct urn_profile_entry {
    char op[80];     /* "density_all(normal)", or a phase of an engine */
    char shape[112]; /* of its first output: "users[12628] x 5" */
    int64_t runs;
    double seconds;
} urn_profile_entry;

/* Starts timing the log density with gradient, or the runs of another program. */
URN_API urn_status urn_replay_profile(urn_replay *replay, urn_error *error);
/* Entry i in the order of execution; false past the last, or without urn_replay_profile. */
URN_API bool urn_replay_profile_at(const urn_replay *replay, int i, urn_profile_entry *entry);

/* Position of a set of site values: the inverse of VALUES for one site, `size` elements of `value`
 * in, `free_size` out. URN_ERR_DATA names the row that is outside the support. */
URN_API urn_status urn_model_unconstrain(const urn_model *model, int site, const double *value,
                                         double *position, urn_error *error);

/* The same for all sites at once, which also knows what bounds, or the loc and scale of non-centred
 * sites, depend on: values[i] are those of site i, for every latent and parameter site; `position`
 * has urn_model_position_size elements. */
URN_API urn_status urn_model_unconstrain_all(const urn_model *model, const double *const *values,
                                             double *position, urn_error *error);

/* The same for one site among others: `replay` has run a program of URN_PROGRAM_VALUES of the model
 * at `position`, which says where the other sites are; the coordinates of `site` alone are set. */
URN_API urn_status urn_model_unconstrain_among(const urn_model *model, const urn_replay *replay,
                                               int site, const double *value, double *position,
                                               urn_error *error);

/* First site whose log-density term is not finite at `position`, written as text with the value and
 * parameters concerned; "" when all are finite. For messages. */
URN_API urn_status urn_model_explain(const urn_model *model, const double *position, char *text,
                                     size_t size, urn_error *error);

#ifdef __cplusplus
}
#endif
#endif
