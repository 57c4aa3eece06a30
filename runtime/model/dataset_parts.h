/* What a dataset is made of. Shared by the dataset*.c files only.
 *
 * A table's rows are numbered as they came from the file. They are kept in *places*: the training
 * rows first, then those held out, each in row order, so that both views of a table are slices of
 * its columns and need no copy of them.
 *
 * A column is held once: its numbers in the smallest exact type, or 32-bit codes of its ids. The
 * stores are shared with the models that read them by counted references, and replaced, not
 * changed, while others hold them. Lookups take the dataset as const, and yet turn a column into
 * codes when its ids are asked for; `lock` is held meanwhile. */
#ifndef URN_MODEL_DATASET_PARTS_H
#define URN_MODEL_DATASET_PARTS_H

#include "../graph/graph.h"
#include "dataset.h"

#include <pthread.h>
#include <stdatomic.h>

enum { URN__ENTRY_MAX_RANK = 8 };

typedef enum urn__column_kind {
    URN__COLUMN_INT,
    URN__COLUMN_REAL,
    URN__COLUMN_TEXT
} urn__column_kind;

/* Distinct ids in code order; exactly one of ints, texts is set. Shared. */
struct urn__labels {
    const urn_allocator *allocator;
    atomic_long references;
    int64_t n, n_known;
    int64_t *ints;
    const char **texts;
    char *bytes; /* behind texts */
    size_t n_bytes;
};

/* A view of a column of codes as an index. */
typedef struct urn__index_view {
    struct urn__index_view *next;
    int64_t first, n;
    urn__index *index;
} urn__index_view;

/* Codes by place. Shared. */
typedef struct urn__codes {
    const urn_allocator *allocator;
    atomic_long references;
    int64_t n;
    int32_t *code;
    urn__labels *labels; /* NULL: row numbers below n_targets */
    int64_t n_targets;
    urn__index_view *views; /* those asked for */
} urn__codes;

/* At least one of numbers and codes is there. */
typedef struct urn__column {
    char *name;
    urn__column_kind kind;
    bool finite;           /* was looked through */
    urn__numbers *numbers; /* by place; NULL for text, and for ids while nobody asks for numbers */
    urn__codes *codes;     /* of its own ids */
    urn__codes *other;     /* of other ids, or row numbers: the last ones asked for */
    urn__numbers *shown;   /* by row, once the public look asked for them */
} urn__column;

/* A file's share of a table: the rows from first_row on. */
typedef struct urn__source {
    char *name; /* may be NULL */
    int64_t first_row, first_line;
} urn__source;

typedef struct urn__table {
    char *name;
    int64_t n_rows, n_training;
    uint64_t *held_out;  /* a bit a row; NULL: places are rows */
    int64_t *n_held_out; /* rows held out before row 512 i */
    urn__source *sources;
    size_t n_sources, sources_capacity;
    urn__lines lines;     /* none: as the sources say */
    unsigned char *flags; /* a byte a row, once the public look asked for them */
    urn__column *columns;
    size_t n_columns, columns_capacity;
} urn__table;

/* A scalar (rank 0) or array. */
typedef struct urn__entry {
    char *name;
    int rank;
    int64_t dims[URN__ENTRY_MAX_RANK];
    double *values;
} urn__entry;

typedef struct urn__map {
    char *name, *column;
    atomic_bool used; /* set by lookups, which take the dataset as const */
} urn__map;

/* The ids a fit knew. */
typedef struct urn__known {
    char *column;
    urn__labels *labels;
} urn__known;

typedef struct urn__fixed_mean {
    char *column;
    double mean;
} urn__fixed_mean;

/* The ids of a column of the files, found once. */
typedef struct urn__id_set {
    char *column;
    urn__labels *labels;
} urn__id_set;

/* What lookups change. */
typedef struct urn__lookups {
    pthread_mutex_t lock;
    urn__id_set *sets;
    size_t n_sets, sets_capacity;
} urn__lookups;

struct urn_dataset {
    const urn_allocator *allocator;
    urn__table *tables;
    size_t n_tables, tables_capacity;
    urn__entry *entries;
    size_t n_entries, entries_capacity;
    urn__map *maps;
    size_t n_maps, maps_capacity;
    urn__known *known;
    size_t n_known, known_capacity;
    urn__fixed_mean *means;
    size_t n_means, means_capacity;
    urn__lookups *lookups;
};

/* Distinct integers, numbered in the order they were added. */
typedef struct urn__keys {
    const urn_allocator *allocator;
    int64_t n;
    size_t capacity;
    int64_t *ints;
    int32_t *slots;  /* open addressing: number + 1, 0 empty */
    size_t n_slots;  /* a power of two */
    int32_t *direct; /* the same for integers in 0 .. n_direct - 1 */
    int64_t n_direct;
} urn__keys;

/* `direct` > 0: all integers are below it, and it is worth an array. */
bool urn__keys_init(urn__keys *keys, const urn_allocator *allocator, int64_t direct);
void urn__keys_clear(urn__keys *keys);
/* Number of a key, or -1. */
int32_t urn__keys_find(const urn__keys *keys, int64_t key);
/* Adds a key that may be there already. false: out of memory (or 2^31 - 2 keys are there). */
bool urn__keys_add(urn__keys *keys, int64_t key);

/* ---- names (dataset_map.c) ---- */

/* strdup through the dataset's allocator. */
char *urn__dataset_strdup(const urn_dataset *data, const char *text);
/* By name, exactly; -1 / NULL. */
int urn__dataset_table_named(const urn_dataset *data, const char *table);
urn__column *urn__dataset_find_column(const urn__table *table, const char *column);
const urn__entry *urn__dataset_find_entry(const urn_dataset *data, const char *name);
/* As urn__dataset_mapped, and notes that the name was asked for. */
const char *urn__dataset_resolve(const urn_dataset *data, const char *name);
/* The table of that very name, or NULL with *error filled. */
urn__table *urn__dataset_table_of(urn_dataset *data, const char *name, urn_error *error);
/* The column behind a model name, or NULL with *error filled. */
urn__column *urn__dataset_require(const urn_dataset *data, int table, const char *name,
                                  urn_error *error);
/* `column "video_id" (mapped from "item")`, for messages. */
void urn__dataset_call(const char *name, const char *column, char *text, size_t size);

/* ---- rows and places (dataset_split.c) ---- */

int64_t urn__table_place(const urn__table *table, int64_t row);
int64_t urn__table_row(const urn__table *table, int64_t place);
bool urn__table_is_held_out(const urn__table *table, int64_t row);
/* to[i] = held-out flag of row i. */
void urn__table_flags(const urn__table *table, unsigned char *to);
/* Puts a column that is by row into places. false: out of memory. */
bool urn__table_to_places(const urn_dataset *data, const urn__table *table, urn__column *column);
/* The line a row stands on; 0 where rows have none. */
int64_t urn__table_line(const urn__table *table, int64_t row);
/* The table now has n_rows rows, of which a bit each tells whether they are held out; its columns
 * are in their places already. false: out of memory, and nothing has changed. */
bool urn__table_set_split(const urn_dataset *data, urn__table *table, int64_t n_rows,
                          const uint64_t *held_out);

/* ---- columns (dataset_column.c) ---- */

void urn__column_clear(const urn_allocator *allocator, urn__column *column);
/* Forgets which ids were found: they may be others now. */
void urn__dataset_forget(urn_dataset *data);
/* Makes numbers of a column of ids. false: out of memory. Never of text. */
bool urn__column_make_numbers(const urn_dataset *data, urn__column *column);
/* The text in a place of a column of text. */
const char *urn__column_text(const urn__column *column, int64_t place);
/* The whole number in a place of an integer column; the number of any other than text. */
int64_t urn__column_int(const urn__column *column, int64_t place);
double urn__column_real(const urn__column *column, int64_t place);
/* The value in a place as text, as short as exact. */
void urn__column_format(const urn__column *column, int64_t place, char *text, size_t size);
/* Puts what is in places from[0], from[1], ... into places 0 .. n - 1. false: out of memory. */
bool urn__column_arrange(const urn_dataset *data, urn__column *column, int64_t n,
                         const int32_t *from);

size_t urn__table_bytes(const urn__table *table); /* held now */

/* References; all take NULL. */
urn__labels *urn__labels_share(urn__labels *labels);
void urn__labels_release(urn__labels *labels);
urn__codes *urn__codes_share(urn__codes *codes);
void urn__codes_release(urn__codes *codes);
/* Takes over code and makes a reference of labels, on success. NULL: out of memory. */
urn__codes *urn__codes_new(const urn_allocator *allocator, int64_t n, int32_t *code,
                           urn__labels *labels, int64_t n_targets);
/* Labels with room for n ids; ints if `bytes` is 0, else texts of that many bytes in all. */
urn__labels *urn__labels_new(const urn_allocator *allocator, int64_t n, size_t bytes);
/* Takes over the texts and clears the dictionary, on success. */
urn__labels *urn__labels_of_texts(const urn_allocator *allocator, urn__dictionary *texts);

void urn__dataset_lock(const urn_dataset *data);
void urn__dataset_unlock(const urn_dataset *data);

#endif
