/* What the readers share. Private to io. */
#ifndef URN_IO_PARTS_H
#define URN_IO_PARTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtod_l, renameat2, O_CLOEXEC; so this header comes first */
#endif

#include "io.h"

#include "../runtime/model/dataset.h"

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
 * mark. `all`: these are all bytes of the file, not its first ones only. */
urn_status urn__io_check_text(const char *path, const char *data, size_t n, bool all, size_t *start,
                              urn_error *error);
/* The error of a zero byte at data[at]; data[0] stands on `line`. */
urn_status urn__io_fail_zero(const char *path, const char *data, size_t at, int64_t line,
                             urn_error *error);

/* "cannot <verb> ...: <reason of errno>", with a hint for the usual reasons. */
urn_status urn__io_fail_errno(urn_error *error, const char *path, const char *verb, int number);

/* Line (from 1) of the byte at `at`, counting LF, CRLF and CR. */
int64_t urn__io_line_of(const char *data, size_t at);

/* A regular file, of which a stretch is in memory; or all of anything else. */
typedef struct urn__io_window {
    const char *path;
    const urn_allocator *allocator;
    int file; /* -1: all is in memory */
    char *data;
    size_t capacity, n; /* of data */
    bool at_end;        /* the last byte of `data` is the last of the file; a line end and a zero
                           follow it */
} urn__io_window;

/* Opens a file and reads its first stretch: `size` bytes, or as many as there are (0: a size that
 * suits caches). */
urn_status urn__io_window_open(urn__io_window *w, const char *path, size_t size,
                               const urn_allocator *allocator, urn_error *error);
void urn__io_window_close(urn__io_window *w);
/* Drops what is before data[from], and reads as much more; what was at `from` is at 0 then. If that
 * is nothing, because all of the window is wanted, the window grows. */
urn_status urn__io_window_next(urn__io_window *w, size_t from, urn_error *error);
/* Back to byte `at` of the file. */
urn_status urn__io_window_seek(urn__io_window *w, size_t at, urn_error *error);
/* Line ends in all of the file, from what is in memory on; an upper bound of its records. */
urn_status urn__io_window_count(urn__io_window *w, int64_t *lines, urn_error *error);

typedef enum urn__io_format { URN__IO_CSV, URN__IO_MATRIX_MARKET, URN__IO_JSON } urn__io_format;
/* By the name's ending, or else by what the file starts with. */
urn_status urn__io_format_of(const char *path, urn__io_format *format, urn_error *error);

/* ---- rows: a table that was read and is not yet in the dataset ---- */

typedef enum urn__io_kind { URN__IO_INT, URN__IO_REAL, URN__IO_TEXT } urn__io_kind;

typedef struct urn__io_column {
    const char *name; /* in the arena */
    urn__io_kind kind;
    urn__number_type type; /* of the cells: the smallest that was exact so far */
    void *cells;           /* numbers, or codes of texts (int32_t) */
    urn__dictionary texts;
} urn__io_column;

typedef struct urn__io_rows {
    const char *path;
    const urn_allocator *allocator; /* for the work */
    const urn_allocator *kept;      /* the dataset's, for what goes into it */
    urn__arena *arena;              /* names */
    bool single;                    /* real numbers are rounded to floats */
    int64_t n_rows, capacity;
    int64_t first_line; /* 0: rows have no lines (JSON) */
    urn__lines lines;   /* none while rows stand on consecutive lines */
    size_t n_columns;
    urn__io_column *columns;
    /* CSV: texts are fetched by urn__io_csv_texts, once all kinds are known */
    bool is_csv;
    char delimiter;
    size_t window_size, body; /* where the records start in the file */
    urn__io_window memory;    /* what cannot be read twice */
} urn__io_rows;

/* `path` and the options are borrowed. */
bool urn__io_rows_init(urn__io_rows *rows, const char *path, const urn_allocator *kept,
                       const urn__io_options *options);
void urn__io_rows_clear(urn__io_rows *rows);
/* Notes the line of row r; rows come in order. false: out of memory. */
bool urn__io_rows_line(urn__io_rows *rows, int64_t row, int64_t line);

/* ---- columns under construction (column.c) ---- */

/* Cells for `capacity` rows of a kind. false: out of memory; so with all below. */
bool urn__io_column_init(urn__io_rows *rows, urn__io_column *c, urn__io_kind kind);
void urn__io_column_clear(const urn__io_rows *rows, urn__io_column *c);
/* Sets row `row`, the next one; rows before it keep their values, whatever type the cells need. */
bool urn__io_put_int(urn__io_rows *rows, urn__io_column *c, int64_t row, int64_t value);
bool urn__io_put_real(urn__io_rows *rows, urn__io_column *c, int64_t row, double value);
bool urn__io_put_text(urn__io_rows *rows, urn__io_column *c, int64_t row, const char *text,
                      size_t n);
/* May the value be rounded to a float? Whole numbers may not: they can be ids. */
static inline bool urn__io_rounds(const urn__io_rows *rows, double value)
{
    const double limit = 9007199254740992.0; /* from 2^53 on all are whole, or not finite */
    return rows->single && value > -limit && value < limit &&
           (value < (double)(int64_t)value || value > (double)(int64_t)value);
}
/* Turns a column of integers into one of real numbers. */
bool urn__io_make_real(urn__io_rows *rows, urn__io_column *c, int64_t n_rows);
/* Turns it into one of text, without texts as yet. */
void urn__io_make_text(urn__io_rows *rows, urn__io_column *c);
/* Puts a column of the same kind behind one. */
bool urn__io_column_append(urn__io_rows *rows, urn__io_column *c, const urn__io_rows *more_rows,
                           const urn__io_column *more);
/* Moves it into the dataset. */
urn_status urn__io_column_add(urn__io_rows *rows, urn__io_column *c, const char *table,
                              urn_dataset *data, urn_error *error);

/* ---- readers ---- */

/* Reads a table's rows from a file of any format, without texts of CSV files. */
urn_status urn__io_rows_read(const char *path, const urn_allocator *kept,
                             const urn__io_options *options, urn__io_rows *rows, urn_error *error);
/* Puts rows into the dataset, then `test` behind them, flagged (NULL: none). Frees the memory of
 * both as it goes. */
urn_status urn__io_rows_add(urn__io_rows *rows, urn__io_rows *test, const char *table,
                            urn_dataset *data, urn_error *error);
/* Reads options->test_path, if any, and adds. Clears `rows`. */
urn_status urn__io_rows_finish(urn__io_rows *rows, const char *table, urn_dataset *data,
                               const urn__io_options *options, urn_error *error);

urn_status urn__io_csv_rows(const char *path, const urn_allocator *kept,
                            const urn__io_options *options, urn__io_rows *rows, urn_error *error);
/* Only the records in the first stretch of a file, *bytes long; without texts. */
urn_status urn__io_csv_sample(const char *path, const urn__io_options *options, urn__io_rows *rows,
                              size_t *bytes, urn_error *error);
/* Fetches the texts of all columns of kind text, once. */
urn_status urn__io_csv_texts(urn__io_rows *rows, urn_error *error);
urn_status urn__io_matrix_market_rows(const char *path, const urn_allocator *kept,
                                      const urn__io_options *options, urn__io_rows *rows,
                                      urn_error *error);
/* The one table of a JSON file: the object itself, or its only member if that is an object. */
urn_status urn__io_json_rows(const char *path, const urn_allocator *kept,
                             const urn__io_options *options, urn__io_rows *rows, urn_error *error);

/* ---- numbers ---- */

/* A whole number of 64 bits in all of text[0 .. n). */
bool urn__io_parse_int(const char *text, size_t n, int64_t *value);
/* mantissa * 10^-fraction, correctly rounded; 0 <= fraction <= URN__IO_MOST_DIGITS. */
enum { URN__IO_MOST_DIGITS = 19 }; /* that 64 bits hold */
double urn__io_decimal(uint64_t mantissa, int fraction, bool negative);

/* ---- output ---- */

/* `path` + suffix next to it that does not exist yet: for temporary names. */
char *urn__io_temporary_name(const urn_allocator *allocator, const char *path, int attempt);
/* The directory a path stands in ("." for a plain name). */
char *urn__io_directory_of(const urn_allocator *allocator, const char *path);
/* fsync of a directory; file systems that cannot are forgiven. 0 or errno. */
int urn__io_sync_directory(const char *path);

#endif
