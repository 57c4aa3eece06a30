/* What the model layer reads from a dataset. Private to the runtime. */
#ifndef URN_MODEL_DATASET_H
#define URN_MODEL_DATASET_H

#include "../base/base.h"
#include <urn/run.h>

/* Distinct ids of a plate: labels in code order (0 .. n - 1): first the known ones as given, then
 * the rest in ascending order (integers by value, text by byte). Exactly one of ints, texts is set.
 */
typedef struct urn__ids {
    int64_t n, n_known;
    const int64_t *ints;
    const char *const *texts;
} urn__ids;

/* Table index by model name, -1 if there is none (an unnamed only table answers to any name). */
int urn__dataset_table(const urn_dataset *data, const char *table);
int64_t urn__dataset_table_rows(const urn_dataset *data, int table);
/* 1 for held-out rows; NULL when no row is held out. */
const unsigned char *urn__dataset_table_held_out(const urn_dataset *data, int table);
/* Numeric values of a column by model name (maps applied); NULL with *error filled when it is
 * missing (listing the columns there are, with the nearest as hint), or text, or has NaN or
 * infinite entries (with source:line). */
const double *urn__dataset_column(const urn_dataset *data, int table, const char *column,
                                  urn_error *error);
/* Column names (file's) matching a pattern with an optional trailing '*', in order; `names` has
 * room for max entries; returns how many match in all. */
int urn__dataset_match(const urn_dataset *data, int table, const char *pattern, const char **names,
                       int max);
/* Mean of a column over training rows, or the value fixed by urn_dataset_set_mean. */
urn_status urn__dataset_mean(const urn_dataset *data, int table, const char *column, double *mean,
                             urn_error *error);
/* Ids of a column by model name, over all tables that have it; allocated from `arena`. Errors: no
 * table has it; mixed text and integers; not whole numbers; negative; over 2^31 - 2 distinct. */
urn_status urn__dataset_ids(const urn_dataset *data, const char *column, urn__arena *arena,
                            urn__ids *ids, urn_error *error);
/* Codes of a table's column against ids: codes[row]; allocated from `arena`. An id that is not
 * among them (or, with ids == NULL, a row number outside 0 .. size - 1) is an error with
 * source:line. */
urn_status urn__dataset_codes(const urn_dataset *data, int table, const char *column,
                              const urn__ids *ids, int64_t size, urn__arena *arena, int32_t **codes,
                              urn_error *error);
/* First repeated combination of the columns: error with both lines; URN_OK if there is none. */
urn_status urn__dataset_check_unique(const urn_dataset *data, int table, const char *columns,
                                     urn_error *error);
/* Scalar or array entries (a scalar has rank 0); NULL if missing. */
const double *urn__dataset_array(const urn_dataset *data, const char *name, int *rank,
                                 const int64_t **dims);
/* "source:line" of a row, into `text`. */
void urn__dataset_where(const urn_dataset *data, int table, int64_t row, char *text, size_t size);
/* The file's column behind a model name (the name itself when not mapped). */
const char *urn__dataset_mapped(const urn_dataset *data, const char *name);
/* Comma-separated names of all tables, columns, scalars and arrays, for messages. */
void urn__dataset_list(const urn_dataset *data, char *text, size_t size);
/* Comma-separated names of a table's columns, for messages. Lookups by a model's name mark its map
 * as used, see urn_dataset_unused_map. */
void urn__dataset_text_list(const urn_dataset *data, int table, char *text, size_t size);

#endif
