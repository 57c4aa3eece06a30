/* What the model layer and io read from a dataset, and how io fills it. Private to the library. */
#ifndef URN_MODEL_DATASET_H
#define URN_MODEL_DATASET_H

#include "../base/dictionary.h"
#include "../base/numbers.h"
#include <urn/run.h>

typedef struct urn__labels urn__labels;
typedef struct urn__index urn__index; /* graph.h */

/* Distinct ids of a plate: labels in code order (0 .. n - 1): first the known ones as given, then
 * the rest in ascending order (integers by value, text by byte). Exactly one of ints, texts is set.
 */
typedef struct urn__ids {
    int64_t n, n_known;
    const int64_t *ints;
    const char *const *texts;
    urn__labels *labels; /* NULL for ids made by hand */
} urn__ids;

/* Rows of a table as a model sees them: number i of them is the row urn__dataset_row gives. They
 * are kept in places first .. first + n - 1 of the columns, unless `by_row`. */
typedef struct urn__view {
    int64_t first, n;
    bool by_row; /* all rows in row order, of a table that keeps them otherwise */
} urn__view;

/* Table index by model name, -1 if there is none (an unnamed only table answers to any name). */
int urn__dataset_table(const urn_dataset *data, const char *table);
int64_t urn__dataset_table_rows(const urn_dataset *data, int table);
/* How many rows of a table are held out. */
int64_t urn__dataset_held_out_count(const urn_dataset *data, int table);
urn__view urn__dataset_view(const urn_dataset *data, int table, urn_rows rows);
int64_t urn__dataset_row(const urn_dataset *data, int table, const urn__view *view, int64_t i);

/* Values of a column by model name (maps applied), by row; NULL with *error filled when it is
 * missing (listing the columns there are, with the nearest as hint), or text, or has NaN or
 * infinite entries (with source:line). */
const double *urn__dataset_column(const urn_dataset *data, int table, const char *column,
                                  urn_error *error);
/* The same as numbers by place, kept by `arena`. */
urn__numbers *urn__dataset_numbers(const urn_dataset *data, int table, const char *column,
                                   urn__arena *arena, urn_error *error);
/* One number of a column, which stays as it is held. false: it has texts. */
bool urn__dataset_number(const urn_dataset *data, int table, const char *column, int64_t row,
                         double *number);
/* Column names (file's) matching a pattern with an optional trailing '*', in order; `names` has
 * room for max entries; returns how many match in all. */
int urn__dataset_match(const urn_dataset *data, int table, const char *pattern, const char **names,
                       int max);
/* Mean of a column over training rows, or the value fixed by urn_dataset_set_mean. */
urn_status urn__dataset_mean(const urn_dataset *data, int table, const char *column, double *mean,
                             urn_error *error);
/* Ids of a column by model name, over all tables that have it; kept by `arena`. Errors: no table
 * has it; mixed text and integers; not whole numbers; negative; over 2^31 - 2 distinct. */
urn_status urn__dataset_ids(const urn_dataset *data, const char *column, urn__arena *arena,
                            urn__ids *ids, urn_error *error);
/* Codes of a table's column against ids: codes[row]; allocated from `arena`. An id that is not
 * among them (or, with ids == NULL, a row number outside 0 .. size - 1) is an error with
 * source:line. */
urn_status urn__dataset_codes(const urn_dataset *data, int table, const char *column,
                              const urn__ids *ids, int64_t size, urn__arena *arena, int32_t **codes,
                              urn_error *error);
/* The same as an index of a view's rows; it is shared by all who ask for it, and kept by `arena`.
 */
urn_status urn__dataset_index(const urn_dataset *data, int table, const char *column,
                              const urn__ids *ids, int64_t size, const urn__view *view,
                              urn__arena *arena, urn__index **index, urn_error *error);
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

/* ---- filling ---- */

const urn_allocator *urn__dataset_allocator(const urn_dataset *data);

/* Runs of rows on consecutive lines: from `row` on rows stand on lines line, line + 1, ... */
typedef struct urn__line_run {
    int64_t row, line;
} urn__line_run;
typedef struct urn__lines {
    urn__line_run *run;
    size_t n, capacity;
} urn__lines;
/* Row `row` stands on `line`; rows come in order. false: out of memory. */
bool urn__lines_add(const urn_allocator *allocator, urn__lines *lines, int64_t row, int64_t line);

/* Add a column that was made with the dataset's allocator, by row: numbers (`whole`: of integers),
 * or codes into texts. What is given is taken over, on failure too. */
urn_status urn__dataset_take_numbers(urn_dataset *data, const char *table, const char *column,
                                     urn__numbers *numbers, bool whole, urn_error *error);
urn_status urn__dataset_take_texts(urn_dataset *data, const char *table, const char *column,
                                   int32_t *codes, urn__dictionary *texts, urn_error *error);
/* The lines of all rows; taken over. */
urn_status urn__dataset_take_lines(urn_dataset *data, const char *table, urn__lines *lines,
                                   urn_error *error);
/* Rows `first` and after are held out, and a share of the rows by a hash of their number (see
 * urn__io_split). */
urn_status urn__dataset_hold_out_after(urn_dataset *data, const char *table, int64_t first,
                                       urn_error *error);
urn_status urn__dataset_hold_out_share(urn_dataset *data, const char *table, double share,
                                       urn_error *error);

#endif
