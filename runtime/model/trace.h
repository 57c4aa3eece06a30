/* The trace of a model: graph, sites, plates, options. Written while the model function runs,
 * read-only afterwards. Private to this folder. */
#ifndef URN_MODEL_TRACE_H
#define URN_MODEL_TRACE_H

#include "../base/base.h"
#include "../graph/graph.h"
#include "dataset.h"
#include <urn/run.h>

#define URN__MAX_LEVELS 3

typedef enum urn__plate_kind {
    URN__PLATE_ROWS,
    URN__PLATE_IDS,
    URN__PLATE_SIZE,
    URN__PLATE_NESTED
} urn__plate_kind;

typedef struct urn__plate {
    urn__plate_kind kind;
    const char *name;
    int64_t size; /* rows in all */
    int64_t seen; /* rows the graph sees: the batch size, the room for touched rows, else size */
    int64_t room; /* rows a mini-batch touches at most, if it is to update only these; else 0 */
    const char *whole; /* why it must update all of them; NULL: nobody asked, or it need not */
    int64_t n_known;
    urn__ids ids;
    int table;          /* rows: number in the dataset, -1 without data */
    const char *column; /* ids: the file's column */
    urn__view view;     /* rows: which of the table's */
    bool all_views;     /* rows: the same in training and held-out views */
    int n_levels;       /* 1, or more when nested */
    int32_t level[URN__MAX_LEVELS];
} urn__plate;

typedef enum urn__part {
    URN__PART_COORDINATE, /* latent or param: has coordinates */
    URN__PART_OBSERVED,
    URN__PART_INPUT, /* substituted */
    URN__PART_DRAWN, /* blocked */
    URN__PART_RECORD,
    URN__PART_FACTOR
} urn__part;

/* A parameter as the model gave it, before conversion: what conjugacy rules look at. */
typedef struct urn__given {
    const char *word;
    urn__id id;
} urn__given;

typedef struct urn__site {
    const char *name, *where;
    urn_site_role role;
    urn__part part;
    const urn_family *family;
    const urn_support *support;
    urn__id value; /* a site leaf for latents, else what it is bound to */
    urn__shape shape;
    int64_t dim, event;
    int n_given;
    int32_t given[URN_FAMILY_PARAMS]; /* parameter numbers, canonical */
    urn__id param[URN_FAMILY_PARAMS];
    urn__given word[URN_FAMILY_PARAMS];
    urn__id low, high; /* bounds of the support, 0: none */
    urn__id mask;
    uint32_t plate;    /* number + 1, 0: none */
    bool local;        /* its plate is the mini-batched one */
    bool handled;      /* a handler set its value */
    bool noncentred;   /* its coordinates are those of (value - loc) / scale, of logarithms for
                          log_normal */
    bool hierarchical; /* has a non-centred form, and loc or scale depend on latent sites */
    double weight;     /* its log density counts so often: the scale handler */
    int64_t full_rows; /* plate rows in all (not those of a mini-batch) */
    int64_t support_rows, value_size, free_row; /* of the bijection */
    int64_t offset; /* in a state; of a discrete latent site past the position. -1: none */
    int64_t free_size;
    double start;        /* param */
    const char *no_mode; /* what urn_no_mode said */
} urn__site;

typedef struct urn__model_option {
    const char *name, *type, *value, *fallback, *help, *choices;
} urn__model_option;

typedef struct urn__unique {
    const char *columns;
    const char *table;
} urn__unique;

/* A column as the model sees it, made once. */
typedef struct urn__column {
    int table;
    uint32_t plate;
    const char *name;
    urn__id id;
} urn__column;

/* Something the model asked of its data. */
typedef struct urn__read {
    const char *name, *kind;
    uint32_t plate; /* the rows plate, 0: none */
    urn__id id;     /* of a column's values, else 0 */
} urn__read;

struct urn_model {
    const urn_model_def *def;
    const urn_allocator *allocator;
    urn__arena *arena;
    urn__graph *graph;
    const urn_dataset *data;
    urn_trace_options options; /* borrowed parts are valid only while tracing */
    bool *acted;               /* by handler: it found a site */
    bool own_error;            /* reported by urn_model_fail: no sentence's fault */
    urn_error error;
    urn__plate *plate;
    size_t n_plates, plate_capacity;
    urn__site *site;
    size_t n_sites, site_capacity;
    urn__model_option *option;
    size_t n_options, option_capacity;
    urn__unique *unique;
    size_t n_unique, unique_capacity;
    urn__column *column;
    size_t n_columns, column_capacity;
    urn__column *index;
    size_t n_index, index_capacity;
    urn__read *read;
    size_t n_reads, read_capacity;
    int64_t position_size, state_size;
    int64_t n_observations;
    double batch_factor;  /* rows in all / rows of a mini-batch */
    uint32_t batch_plate; /* number + 1 */
    urn_model *full;      /* with mini-batches: the trace without them, for all but the density */
    urn_model *touched;   /* with plates of which a mini-batch updates the touched rows only: the
                             trace in which these plates have their room's rows */
    const urn_model *of;  /* such a trace: the model it belongs to; else NULL */
};

/* ---- rows that a mini-batch touches (touched.c) ---- */

/* Finds plates of which a mini-batch need not update all rows, and sets their `room`. URN_ERR_MODEL
 * with the reasons where there is none and options.batch_updates insists. */
urn_status urn__touched_find(urn_model *m, urn_error *error);
/* The room of a plate about to be added to a trace of touched rows; 0: all its rows. */
int64_t urn__touched_room(const urn_model *m, const urn__plate *plate);
/* Number + 1 of the plate over which a site has touched rows only; 0: none. */
uint32_t urn__touched_plate(const urn_model *m, const urn__site *site);

/* Keeps the first error. `where` and `site` may be NULL. Returns poison. */
urn_var urn__model_error(urn_model *m, urn_status status, const char *where, const char *site,
                         const char *hint, const char *format, ...) URN_PRINTF(6, 7);
/* May the trace go on? */
bool urn__model_ok(const urn_model *m);
urn_var urn__var(urn_model *m, urn__id id); /* poison for 0, with the graph's error */
urn_var urn__poison(urn_model *m);
/* Room for one more element of an arena array; NULL (and an error) on failure. */
void *urn__model_append(urn_model *m, void **array, size_t element, size_t *count,
                        size_t *capacity);
urn__plate *urn__plate_at(urn_plate plate); /* NULL for none */
/* The table row behind a row of a rows plate. */
int64_t urn__plate_table_row(const urn_model *m, const urn__plate *plate, int64_t row);
bool urn__plate_known(const urn_model *m, urn_plate plate);
/* The plate dims of a plate as a shape. */
urn__shape urn__plate_shape(const urn_model *m, uint32_t plate);
int urn__site_find(const urn_model *m, const char *name);
/* What handlers say about a site that is about to be kept; its weight is 1 before. */
void urn__apply_handlers(urn_model *m, urn__site *site);
/* Which sites are hierarchical. */
urn_status urn__find_forms(urn_model *m);
/* Handlers that did nothing, or contradict each other. */
urn_status urn__check_handlers(urn_model *m);
/* Which of a site's parameters (site->param) are its loc and scale, if its family is made by them
 * from a standard one: it then has a non-centred form. */
bool urn__loc_scale(const urn__site *site, int *loc, int *scale);
urn_status urn__finish_options(urn_model *m);
/* Value of a constant or data node, NULL for others. */
const double *urn__known_values(const urn_model *m, urn__id id);
/* Checks of what is known before fitting: parameters in their domain, observations in the support.
 */
void urn__check_site(urn_model *m, const urn__site *site);
/* What is wrong with the call's first row of values, which is outside the site's support. */
void urn__outside_text(const urn__site *s, const urn_bijection_call *call, char *text, size_t size);
/* The log density node of a site with this value, mask and parameters: one a row, or their weighted
 * sum. */
urn__id urn__density_node(urn__graph *g, const urn__site *s, const urn_family *family,
                          urn__id value, urn__id mask, const urn__id *param, double weight,
                          bool rowwise);
/* Notes that the model reads `name`; `plate` and `id` may be 0. */
void urn__note_read(urn_model *m, const char *kind, const char *name, uint32_t plate, urn__id id);
/* Asked size of a plate without data; -1: not asked. */
int64_t urn__asked_size(const urn_model *m, const char *plate);

#endif
