/* MatrixMarket exchange format, coordinate matrices (R. F. Boisvert, R. Pozo, K. Remington, The
 * Matrix Market exchange formats: initial design, NISTIR 5935, 1996). */
#include "parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct reader {
    urn__io_rows *rows;
    const char *p, *end;
    int64_t line;
    bool pattern, integer, symmetric, skew;
    int64_t n_rows, n_columns, n_entries; /* as the size line says */
    urn_error *error;
} reader;

enum { ROW, COLUMN, VALUE };

static urn_status fail_here(const reader *r, const char *hint, const char *message)
{
    char where[256];
    snprintf(where, sizeof where, "%.220s:%" PRId64, r->rows->path, r->line);
    return urn__fail(r->error, URN_ERR_DATA, where, NULL, hint, "%s", message);
}

static urn_status fail_line(const reader *r, const char *start, const char *hint,
                            const char *expected)
{
    char message[512];
    const size_t n = strcspn(start, "\r\n");
    snprintf(message, sizeof message, "found \"%.*s\", expected %s", n > 120 ? 120 : (int)n, start,
             expected);
    return fail_here(r, hint, message);
}

static void next_line(reader *r)
{
    r->p += strcspn(r->p, "\r\n");
    r->p += r->p[0] == '\r' && r->p[1] == '\n' ? 2 : 1;
    r->line++;
}

/* The next word of the line, or an empty one. */
static size_t word(reader *r, const char **start)
{
    r->p += strspn(r->p, " \t");
    *start = r->p;
    const size_t n = strcspn(r->p, " \t\r\n");
    r->p += n;
    return n;
}

static bool is_word(const char *start, size_t n, const char *text)
{
    return n == strlen(text) && strncasecmp(start, text, n) == 0;
}

/* %%MatrixMarket matrix coordinate real|integer|pattern general|symmetric|skew-symmetric */
static urn_status read_banner(reader *r)
{
    const char *start = r->p, *w[5];
    size_t n[5];
    for (int i = 0; i < 5; i++)
        n[i] = word(r, &w[i]);
    if (!is_word(w[0], n[0], "%%MatrixMarket") || !is_word(w[1], n[1], "matrix"))
        return fail_line(r, start, NULL,
                         "a first line \"%%MatrixMarket matrix coordinate real general\"");
    if (!is_word(w[2], n[2], "coordinate"))
        return fail_line(r, start, "write the matrix as a list of its entries",
                         "a coordinate matrix (dense ones are not read)");
    r->pattern = is_word(w[3], n[3], "pattern");
    r->integer = is_word(w[3], n[3], "integer");
    if (!r->pattern && !r->integer && !is_word(w[3], n[3], "real"))
        return fail_line(r, start, NULL, "a real, integer or pattern matrix");
    r->symmetric = is_word(w[4], n[4], "symmetric");
    r->skew = is_word(w[4], n[4], "skew-symmetric");
    if (!r->symmetric && !r->skew && !is_word(w[4], n[4], "general"))
        return fail_line(r, start, NULL, "a general, symmetric or skew-symmetric matrix");
    next_line(r);
    return URN_OK;
}

/* To the next line that is neither a comment nor blank; false at the file's end. */
static bool skip_comments(reader *r)
{
    while (r->p < r->end) {
        const size_t blanks = strspn(r->p, " \t");
        if (r->p[blanks] != '%' && r->p[blanks] != '\r' && r->p[blanks] != '\n')
            return true;
        next_line(r);
    }
    return false;
}

static bool whole_word(reader *r, int64_t *value)
{
    const char *start;
    const size_t n = word(r, &start);
    return urn__io_parse_int(start, n, value);
}

static bool at_line_end(reader *r)
{
    r->p += strspn(r->p, " \t");
    return *r->p == '\r' || *r->p == '\n';
}

static urn_status read_sizes(reader *r)
{
    if (!skip_comments(r))
        return fail_here(r, NULL, "the file ends before the size line");
    const char *start = r->p;
    if (!whole_word(r, &r->n_rows) || !whole_word(r, &r->n_columns) ||
        !whole_word(r, &r->n_entries) || !at_line_end(r) || r->n_rows < 0 || r->n_columns < 0 ||
        r->n_entries < 0)
        return fail_line(r, start, NULL, "three sizes: rows, columns, entries");
    if ((r->symmetric || r->skew) && r->n_rows != r->n_columns)
        return fail_line(r, start, NULL, "as many rows as columns in a symmetric matrix");
    if (r->n_entries == 0)
        return fail_line(r, start, NULL, "at least one entry");
    if (r->n_entries > (r->end - r->p) / 3) /* "1 1" and a line end, but for the last */
        return fail_line(r, start, "the file is cut off, or its size line is wrong",
                         "no more entries than the file has lines");
    next_line(r);
    return URN_OK;
}

static urn_status make_columns(reader *r)
{
    static const char *const names[] = {"row", "column", "value"};
    urn__io_rows *rows = r->rows;
    rows->capacity = r->symmetric || r->skew ? 2 * r->n_entries : r->n_entries;
    rows->columns = urn__arena_alloc(rows->arena, 3, sizeof *rows->columns);
    if (!rows->columns)
        return urn__fail_memory(r->error, rows->path, 3 * sizeof *rows->columns);
    rows->n_columns = 3;
    for (int i = 0; i < 3; i++) {
        rows->columns[i].name = names[i];
        const bool whole = i < VALUE || r->pattern || r->integer;
        if (!urn__io_column_init(rows, &rows->columns[i], whole ? URN__IO_INT : URN__IO_REAL))
            return urn__fail_memory(r->error, rows->path, (size_t)rows->capacity * sizeof(float));
    }
    return URN_OK;
}

/* An entry's value, by the kind of the matrix. */
typedef union number {
    int64_t i;
    double d;
} number;

static urn_status add_row(reader *r, int64_t row, int64_t column, number value)
{
    urn__io_rows *rows = r->rows;
    const int64_t at = rows->n_rows;
    if (at == 0)
        rows->first_line = r->line;
    urn__io_column *c = &rows->columns[VALUE];
    if (!urn__io_rows_line(rows, at, r->line) ||
        !urn__io_put_int(rows, &rows->columns[ROW], at, row) ||
        !urn__io_put_int(rows, &rows->columns[COLUMN], at, column) ||
        !(c->kind == URN__IO_INT ? urn__io_put_int(rows, c, at, value.i)
                                 : urn__io_put_real(rows, c, at, value.d)))
        return urn__fail_memory(r->error, rows->path, (size_t)rows->capacity * sizeof(double));
    rows->n_rows++;
    return URN_OK;
}

static urn_status read_entry(reader *r)
{
    const char *start = r->p, *w;
    int64_t row = 0, column = 0;
    number value = {.i = 1};
    bool ok = whole_word(r, &row) && whole_word(r, &column);
    if (ok && !r->pattern) {
        const size_t n = word(r, &w);
        ok = r->integer ? urn__io_parse_int(w, n, &value.i) : urn__io_parse_real(w, n, &value.d);
    }
    if (!ok || !at_line_end(r))
        return fail_line(r, start, NULL,
                         r->pattern   ? "a row and a column number"
                         : r->integer ? "a row number, a column number and a whole number"
                                      : "a row number, a column number and a number");
    if (row < 1 || row > r->n_rows || column < 1 || column > r->n_columns) {
        char expected[128];
        snprintf(expected, sizeof expected,
                 "a row from 1 to %" PRId64 " and a column from 1 to %" PRId64, r->n_rows,
                 r->n_columns);
        return fail_line(r, start, "numbers count from 1", expected);
    }
    if (r->skew && row == column)
        return fail_line(r, start, NULL, "no diagonal entries in a skew-symmetric matrix");
    URN_TRY(add_row(r, row, column, value));
    if ((!r->symmetric && !r->skew) || row == column)
        return URN_OK;
    if (r->skew && r->integer && value.i == INT64_MIN)
        return fail_line(r, start, NULL, "a number whose negative has 64 bits");
    if (r->skew && r->rows->columns[VALUE].kind == URN__IO_INT)
        value.i = -value.i;
    else if (r->skew)
        value.d = -value.d;
    return add_row(r, column, row, value);
}

static urn_status parse(reader *r)
{
    URN_TRY(read_banner(r));
    URN_TRY(read_sizes(r));
    URN_TRY(make_columns(r));
    char message[160];
    for (int64_t i = 0; i < r->n_entries; i++) {
        if (!skip_comments(r)) {
            snprintf(message, sizeof message,
                     "the file ends after %" PRId64 " of %" PRId64 " entries", i, r->n_entries);
            return fail_here(r, "the file is cut off, or its size line is wrong", message);
        }
        URN_TRY(read_entry(r));
        next_line(r);
    }
    if (skip_comments(r)) {
        snprintf(message, sizeof message,
                 "the end of the file: the size line says %" PRId64 " entries", r->n_entries);
        return fail_line(r, r->p, NULL, message);
    }
    return URN_OK;
}

urn_status urn__io_matrix_market_rows(const char *path, const urn_allocator *kept,
                                      const urn__io_options *options, urn__io_rows *rows,
                                      urn_error *error)
{
    if (!urn__io_rows_init(rows, path, kept, options))
        return urn__fail_memory(error, path, sizeof *rows);
    size_t start = 0;
    urn__io_bytes bytes;
    URN_TRY(urn__io_slurp(path, rows->allocator, &bytes, error));
    urn_status status = urn__io_check_text(path, bytes.data, bytes.n, true, &start, error);
    if (status == URN_OK) {
        reader r = {.rows = rows,
                    .p = bytes.data + start,
                    .end = bytes.data + bytes.n,
                    .line = 1,
                    .error = error};
        status = parse(&r);
    }
    urn__io_bytes_clear(&bytes);
    return status;
}

urn_status urn__io_read_matrix_market(const char *path, const char *table, urn_dataset *data,
                                      const urn__io_options *options, urn_error *error)
{
    urn__io_rows rows;
    const urn_status status =
        urn__io_matrix_market_rows(path, urn__dataset_allocator(data), options, &rows, error);
    if (status != URN_OK) {
        urn__io_rows_clear(&rows);
        return status;
    }
    return urn__io_rows_finish(&rows, table, data, options, error);
}
