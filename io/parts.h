/* What the readers share. Private to io. */
#ifndef URN_IO_PARTS_H
#define URN_IO_PARTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtod_l, renameat2, O_CLOEXEC; so this header comes first */
#endif

#include "io.h"

#include "../runtime/base/base.h"

/* A file in memory. Two more bytes follow the last: a line end, so that scans need no check for the
 * end, and a zero. */
typedef struct urn__io_bytes {
    const urn_allocator *allocator;
    char *data;
    size_t n;
} urn__io_bytes;

/* Reads all of a file, pipe or device. */
urn_status urn__io_slurp(const char *path, const urn_allocator *allocator, urn__io_bytes *bytes,
                         urn_error *error);
void urn__io_bytes_clear(urn__io_bytes *bytes);

/* Refuses what cannot be text: an empty file, UTF-16, zero bytes. Sets *start behind a byte order
 * mark. */
urn_status urn__io_check_text(const char *path, const urn__io_bytes *bytes, size_t *start,
                              urn_error *error);

/* "cannot <verb> ...: <reason of errno>", with a hint for the usual reasons. */
urn_status urn__io_fail_errno(urn_error *error, const char *path, const char *verb, int number);

/* Line (from 1) of the byte at `at`, counting LF, CRLF and CR. */
int64_t urn__io_line_of(const char *data, size_t at);

/* ---- rows: a table that was read and is not yet in the dataset ---- */

typedef enum urn__io_kind { URN__IO_INT, URN__IO_REAL, URN__IO_TEXT } urn__io_kind;

typedef union urn__io_cell {
    int64_t i;
    double d;
} urn__io_cell;

typedef struct urn__io_column {
    const char *name; /* in the arena */
    urn__io_kind kind;
    urn__io_cell *cells; /* numbers; freed when the column turns out to be text */
    const char **texts;
} urn__io_column;

typedef struct urn__io_rows {
    const char *path;
    const urn_allocator *allocator;
    urn__arena *arena; /* names */
    int64_t n_rows, capacity;
    int64_t first_line; /* 0: rows have no lines (JSON) */
    int64_t *lines;     /* NULL while rows stand on consecutive lines */
    size_t n_columns;
    urn__io_column *columns;
    urn__io_bytes bytes; /* CSV: the file, */
    size_t body;         /* where its records start */
    char delimiter;
    bool is_csv; /* texts are fetched by urn__io_csv_texts, once all kinds are known */
} urn__io_rows;

/* `path` is borrowed. */
bool urn__io_rows_init(urn__io_rows *rows, const char *path, const urn_allocator *allocator);
void urn__io_rows_clear(urn__io_rows *rows);
/* Notes the line of row r; rows come in order. false: out of memory. */
bool urn__io_rows_line(urn__io_rows *rows, int64_t row, int64_t line);
/* Turns a column of integers into one of real numbers. */
void urn__io_make_real(urn__io_column *column, int64_t n_rows);

/* Reads a table's rows from a file of any format, without texts of CSV files. */
urn_status urn__io_rows_read(const char *path, const urn__io_options *options, urn__io_rows *rows,
                             urn_error *error);
/* Puts rows into the dataset, then `test` behind them, flagged (NULL: none). Frees the memory of
 * both as it goes. */
urn_status urn__io_rows_add(urn__io_rows *rows, urn__io_rows *test, const char *table,
                            urn_dataset *data, urn_error *error);
/* Reads options->test_path, if any, and adds. Clears `rows`. */
urn_status urn__io_rows_finish(urn__io_rows *rows, const char *table, urn_dataset *data,
                               const urn__io_options *options, urn_error *error);

urn_status urn__io_csv_rows(const char *path, const urn__io_options *options, urn__io_rows *rows,
                            urn_error *error);
/* Fetches the texts of all columns of kind text; spoils rows->bytes, so once only. */
urn_status urn__io_csv_texts(urn__io_rows *rows, urn_error *error);
urn_status urn__io_matrix_market_rows(const char *path, const urn__io_options *options,
                                      urn__io_rows *rows, urn_error *error);
/* The one table of a JSON file: the object itself, or its only member if that is an object. */
urn_status urn__io_json_rows(const char *path, const urn__io_options *options, urn__io_rows *rows,
                             urn_error *error);

/* ---- numbers ---- */

/* A whole number of 64 bits in all of text[0 .. n). */
bool urn__io_parse_int(const char *text, size_t n, int64_t *value);
/* mantissa * 10^-fraction, correctly rounded, if this can be told fast. */
bool urn__io_fast_real(uint64_t mantissa, int fraction, bool negative, double *value);

/* ---- output ---- */

/* `path` + suffix next to it that does not exist yet: for temporary names. */
char *urn__io_temporary_name(const urn_allocator *allocator, const char *path, int attempt);
/* The directory a path stands in ("." for a plain name). */
char *urn__io_directory_of(const urn_allocator *allocator, const char *path);
/* fsync of a directory; file systems that cannot are forgiven. 0 or errno. */
int urn__io_sync_directory(const char *path);

#endif
