/* What a dataset is made of. Shared by the dataset*.c files only. */
#ifndef URN_MODEL_DATASET_PARTS_H
#define URN_MODEL_DATASET_PARTS_H

#include "dataset.h"

#include <stdatomic.h>

enum { URN__ENTRY_MAX_RANK = 8 };

typedef enum urn__column_kind {
    URN__COLUMN_INT,
    URN__COLUMN_REAL,
    URN__COLUMN_TEXT
} urn__column_kind;

typedef struct urn__column {
    char *name;
    urn__column_kind kind;
    double *values; /* NULL for text */
    int64_t *ints;  /* an integer column's own values, kept only where doubles are not exact */
    const char **texts;
    char *blob; /* the bytes behind texts */
} urn__column;

/* A file's share of a table: the rows from first_row on. */
typedef struct urn__source {
    char *name; /* may be NULL */
    int64_t first_row, first_line;
} urn__source;

typedef struct urn__table {
    char *name;
    int64_t n_rows;
    urn__source *sources;
    size_t n_sources, sources_capacity;
    int64_t *lines; /* NULL: consecutive */
    unsigned char *held_out;
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
    int64_t n;
    int64_t *ints;
    const char **texts;
    char *blob;
} urn__known;

typedef struct urn__fixed_mean {
    char *column;
    double mean;
} urn__fixed_mean;

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
};

/* Distinct integers or texts, numbered in the order they were added. Texts are borrowed. */
typedef struct urn__keys {
    const urn_allocator *allocator;
    bool text;
    int64_t n;
    size_t capacity;
    int64_t *ints;
    const char **texts;
    int32_t *slots;  /* open addressing: number + 1, 0 empty */
    size_t n_slots;  /* a power of two */
    int32_t *direct; /* the same for integers in 0 .. n_direct - 1 */
    int64_t n_direct;
} urn__keys;

/* `direct` > 0: all integers are below it, and it is worth an array. */
bool urn__keys_init(urn__keys *keys, const urn_allocator *allocator, bool text, int64_t direct);
void urn__keys_clear(urn__keys *keys);
/* Number of a key, or -1. */
int32_t urn__keys_find_int(const urn__keys *keys, int64_t key);
int32_t urn__keys_find_text(const urn__keys *keys, const char *key);
/* Adds a key that may be there already. false: out of memory (or 2^31 - 2 keys are there). */
bool urn__keys_add_int(urn__keys *keys, int64_t key);
bool urn__keys_add_text(urn__keys *keys, const char *key);

/* strdup through the dataset's allocator. */
char *urn__dataset_strdup(const urn_dataset *data, const char *text);
/* Copies n texts into one block; NULL on failure. */
const char **urn__dataset_copy_texts(const urn_dataset *data, int64_t n, const char *const *texts,
                                     char **blob);
/* The line a row stands on; 0 where rows have none. */
int64_t urn__table_line(const urn__table *table, int64_t row);
/* By name, exactly; -1 / NULL. */
int urn__dataset_table_named(const urn_dataset *data, const char *table);
urn__column *urn__dataset_find_column(const urn__table *table, const char *column);
const urn__entry *urn__dataset_find_entry(const urn_dataset *data, const char *name);
/* As urn__dataset_mapped, and notes that the name was asked for. */
const char *urn__dataset_resolve(const urn_dataset *data, const char *name);
/* The column behind a model name, or NULL with *error filled. */
urn__column *urn__dataset_require(const urn_dataset *data, int table, const char *name,
                                  urn_error *error);
/* `column "video_id" (mapped from "item")`, for messages. */
void urn__dataset_call(const char *name, const char *column, char *text, size_t size);
/* The value of a row of a numeric column as text, as short as exact. */
void urn__column_format(const urn__column *column, int64_t row, char *text, size_t size);

#endif
