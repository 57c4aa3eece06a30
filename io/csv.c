/* A CSV reader of our own: libcsv tells its callback neither lines nor columns, so that errors
 * could not name their place, and hands fields over one by one at some 100 MB/s. The file is read
 * into memory; a first pass checks every record and stores numbers, widening a column's kind from
 * integer to real to text as it meets them; a second fetches the columns that turned out to be
 * text. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    urn__io_rows *rows;
    const char *end; /* where the added line end stands */
    char delimiter;
    int64_t line;
    urn_error *error;
} reader;

/* A field as it stands in the file. */
typedef struct field {
    char *start;
    size_t n;
    char *next; /* at the delimiter or line end behind it */
    bool quoted, doubled;
    int64_t lines; /* line ends in it */
} field;

static bool is_end(const reader *r, char c)
{
    return c == r->delimiter || c == '\n' || c == '\r';
}

static urn_status fail_at(const reader *r, int64_t line, const char *hint, const char *message)
{
    char where[256];
    snprintf(where, sizeof where, "%.220s:%lld", r->rows->path, (long long)line);
    return urn__fail(r->error, URN_ERR_DATA, where, NULL, hint, "%s", message);
}

static int64_t lines_within(const char *p, size_t n)
{
    return n ? urn__io_line_of(p, n) - 1 : 0;
}

static urn_status quoted_field(const reader *r, char *p, field *f)
{
    char *q = p + 1;
    for (;;) {
        q = memchr(q, '"', (size_t)(r->end - q));
        if (!q)
            return fail_at(r, r->line, "a quote within a field is written twice",
                           "a field starts with a quote here, and the quote is never closed");
        if (q[1] != '"')
            break;
        f->doubled = true;
        q += 2;
    }
    f->quoted = true;
    f->start = p + 1;
    f->n = (size_t)(q - f->start);
    f->lines = lines_within(f->start, f->n);
    f->next = q + 1;
    while (*f->next == ' ' && !is_end(r, *f->next))
        f->next++;
    if (!is_end(r, *f->next))
        return fail_at(r, r->line + f->lines, "a quote within a field is written twice",
                       "found more text after a field's closing quote");
    return URN_OK;
}

static urn_status next_field(const reader *r, char *p, field *f)
{
    *f = (field){.start = p};
    if (*p == '"')
        return quoted_field(r, p, f);
    while (!is_end(r, *p))
        p++;
    f->n = (size_t)(p - f->start);
    f->next = p;
    return URN_OK;
}

/* Without the blanks around it. */
static void trim(field *f)
{
    while (f->n > 0 && (*f->start == ' ' || *f->start == '\t'))
        f->start++, f->n--;
    while (f->n > 0 && (f->start[f->n - 1] == ' ' || f->start[f->n - 1] == '\t'))
        f->n--;
}

/* Doubled quotes to single ones, in place. */
static void undouble(field *f)
{
    size_t to = 0;
    for (size_t from = 0; f->doubled && from < f->n; from++) {
        f->start[to++] = f->start[from];
        from += f->start[from] == '"';
    }
    f->n = f->doubled ? to : f->n;
}

/* Over a line end; CRLF is one. */
static char *over_line_end(char *p)
{
    return p + (p[0] == '\r' && p[1] == '\n' ? 2 : 1);
}

static char *over_blank_lines(reader *r, char *p)
{
    while (p < r->end && (*p == '\n' || *p == '\r')) {
        p = over_line_end(p);
        r->line++;
    }
    return p;
}

/* ---- the header ---- */

/* The first of , tab ; | that the first record has outside quotes; a comma if it has none. */
static char guess_delimiter(const char *p)
{
    static const char candidates[] = ",\t;|";
    size_t best = sizeof candidates - 1;
    bool quoted = false;
    for (; *p && (quoted || (*p != '\n' && *p != '\r')); p++) {
        const char *found = quoted || *p == '"' ? NULL : strchr(candidates, *p);
        if (*p == '"')
            quoted = !quoted;
        else if (found && (size_t)(found - candidates) < best)
            best = (size_t)(found - candidates);
    }
    return candidates[best < sizeof candidates - 1 ? best : 0];
}

/* How many fields the record at p has; p has been read once without error, or stops before one. */
static size_t count_fields(const reader *r, char *p)
{
    size_t n = 1;
    field f;
    while (next_field(r, p, &f) == URN_OK && *f.next == r->delimiter) {
        n++;
        p = f.next + 1;
    }
    return n;
}

static const char *name_of(urn__arena *arena, field *f, size_t i)
{
    if (f->quoted)
        undouble(f);
    else
        trim(f);
    if (f->n == 0)
        return urn__arena_printf(arena, "column_%zu", i + 1);
    char *name = urn__arena_alloc(arena, f->n + 1, 1);
    if (name)
        memcpy(name, f->start, f->n);
    return name;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static urn_status check_names(const reader *r, int64_t line)
{
    const urn__io_rows *rows = r->rows;
    const char **names = urn__arena_alloc(rows->arena, rows->n_columns, sizeof *names);
    if (!names)
        return urn__fail_memory(r->error, rows->path, rows->n_columns * sizeof *names);
    size_t n_numbers = 0;
    double value;
    for (size_t i = 0; i < rows->n_columns; i++) {
        names[i] = rows->columns[i].name;
        n_numbers += urn__io_parse_real(names[i], strlen(names[i]), &value);
    }
    if (n_numbers == rows->n_columns)
        return fail_at(r, line, "put a line with the columns' names before the rows",
                       "the first line holds only numbers, expected the columns' names");
    qsort(names, rows->n_columns, sizeof *names, compare_names);
    for (size_t i = 1; i < rows->n_columns; i++)
        if (strcmp(names[i - 1], names[i]) == 0) {
            char message[256];
            snprintf(message, sizeof message, "there are two columns called \"%.160s\"", names[i]);
            return fail_at(r, line, "give each column a name of its own", message);
        }
    return URN_OK;
}

/* Reads the names; *body is where the records start. */
static urn_status read_header(reader *r, char *p, char **body)
{
    urn__io_rows *rows = r->rows;
    p = over_blank_lines(r, p);
    if (!r->delimiter)
        r->delimiter = guess_delimiter(p);
    rows->delimiter = r->delimiter;
    const int64_t line = r->line;
    const size_t n = count_fields(r, p);
    rows->columns = urn__arena_alloc(rows->arena, n, sizeof *rows->columns);
    if (!rows->columns)
        return urn__fail_memory(r->error, rows->path, n * sizeof *rows->columns);
    for (size_t i = 0; i < n; i++) {
        field f;
        URN_TRY(next_field(r, p, &f));
        r->line += f.lines;
        p = f.next + (i + 1 < n);
        rows->columns[i].name = name_of(rows->arena, &f, i);
        if (!rows->columns[i].name)
            return urn__fail_memory(r->error, rows->path, f.n + 1);
    }
    rows->n_columns = n;
    *body = over_line_end(p);
    r->line++;
    return check_names(r, line);
}

/* ---- first pass: numbers ---- */

static urn_status allocate(reader *r, const char *body)
{
    urn__io_rows *rows = r->rows;
    for (const char *p = body; p <= r->end; p++) /* no record without a line end of its own */
        rows->capacity += *p == '\n' || (*p == '\r' && p[1] != '\n');
    for (size_t i = 0; i < rows->n_columns; i++) {
        const size_t size = (size_t)rows->capacity * sizeof *rows->columns[i].cells;
        rows->columns[i].cells = urn__alloc(rows->allocator, size);
        if (!rows->columns[i].cells)
            return urn__fail_memory(r->error, rows->path, size);
    }
    return URN_OK;
}

/* A field that is not plainly a number of its column's kind. */
static urn_status store_slowly(reader *r, urn__io_column *c, int64_t row, char *p, char **next)
{
    field f;
    URN_TRY(next_field(r, p, &f));
    r->line += f.lines;
    *next = f.next;
    if (c->kind == URN__IO_TEXT)
        return URN_OK;
    trim(&f);
    int64_t whole;
    double real;
    const bool is_int = urn__io_parse_int(f.start, f.n, &whole);
    if (is_int && c->kind == URN__IO_INT) {
        c->cells[row].i = whole;
    } else if (urn__io_parse_real(f.start, f.n, &real)) {
        if (c->kind == URN__IO_INT)
            urn__io_make_real(c, row);
        c->cells[row].d = real;
    } else {
        c->kind = URN__IO_TEXT;
        urn__free(r->rows->allocator, c->cells);
        c->cells = NULL;
    }
    return URN_OK;
}

/* Most numbers: a sign, digits, a point, digits, and the field's end. NULL: look closer. */
static char *store_fast(const reader *r, urn__io_column *c, int64_t row, char *p)
{
    const bool negative = *p == '-';
    uint64_t mantissa = 0;
    int digits = 0, fraction = 0;
    p += negative;
    for (; (unsigned)(*p - '0') <= 9; p++, digits++)
        mantissa = mantissa * 10 + (unsigned)(*p - '0');
    if (c->kind == URN__IO_INT) {
        if (digits == 0 || digits > 18 || !is_end(r, *p))
            return NULL;
        c->cells[row].i = negative ? -(int64_t)mantissa : (int64_t)mantissa;
        return p;
    }
    if (*p == '.')
        for (p++; (unsigned)(*p - '0') <= 9; p++, fraction++)
            mantissa = mantissa * 10 + (unsigned)(*p - '0');
    digits += fraction;
    if (digits == 0 || digits > 18 || !is_end(r, *p) ||
        !urn__io_fast_real(mantissa, fraction, negative, &c->cells[row].d))
        return NULL;
    return p;
}

static urn_status ragged(const reader *r, char *record, int64_t line)
{
    char message[128];
    reader from_start = *r;
    from_start.error = NULL;
    snprintf(message, sizeof message, "expected %zu field%s, found %zu", r->rows->n_columns,
             r->rows->n_columns == 1 ? "" : "s", count_fields(&from_start, record));
    return fail_at(r, line, "a field that holds the delimiter is written in quotes", message);
}

static urn_status read_records(reader *r, char *p)
{
    urn__io_rows *rows = r->rows;
    int64_t row = 0;
    for (p = over_blank_lines(r, p); p < r->end; p = over_blank_lines(r, p)) {
        char *record = p;
        const int64_t line = r->line;
        for (size_t i = 0; i < rows->n_columns; i++) {
            urn__io_column *c = &rows->columns[i];
            char *next = c->kind == URN__IO_TEXT ? NULL : store_fast(r, c, row, p);
            if (!next)
                URN_TRY(store_slowly(r, c, row, p, &next));
            const bool last = i + 1 == rows->n_columns;
            if ((*next == r->delimiter) == last)
                return ragged(r, record, line);
            p = next + !last;
        }
        p = over_line_end(p);
        r->line++;
        if (row == 0)
            rows->first_line = line;
        if (!urn__io_rows_line(rows, row, line))
            return urn__fail_memory(r->error, rows->path, (size_t)rows->capacity * 8);
        row++;
    }
    rows->n_rows = row;
    return URN_OK;
}

static urn_status parse(reader *r, size_t start)
{
    urn__io_rows *rows = r->rows;
    char *body = NULL;
    URN_TRY(read_header(r, rows->bytes.data + start, &body));
    rows->body = (size_t)(body - rows->bytes.data);
    URN_TRY(allocate(r, body));
    URN_TRY(read_records(r, body));
    return rows->n_rows > 0 ? URN_OK
                            : urn__fail(r->error, URN_ERR_DATA, rows->path, NULL, NULL,
                                        "the file has a header and no rows");
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), k = strlen(ending);
    return n >= k && strcmp(path + n - k, ending) == 0;
}

urn_status urn__io_csv_rows(const char *path, const urn__io_options *options, urn__io_rows *rows,
                            urn_error *error)
{
    const urn_allocator *allocator = options ? options->allocator : NULL;
    if (!urn__io_rows_init(rows, path, allocator))
        return urn__fail_memory(error, path, sizeof *rows);
    rows->is_csv = true;
    if (options && options->delimiter && strchr("\"+-.\r\n0123456789eE", options->delimiter))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "'%c' cannot delimit the fields of a CSV file", options->delimiter);
    size_t start = 0;
    URN_TRY(urn__io_slurp(path, allocator, &rows->bytes, error));
    URN_TRY(urn__io_check_text(path, &rows->bytes, &start, error));
    reader r = {.rows = rows, .end = rows->bytes.data + rows->bytes.n, .line = 1, .error = error};
    r.delimiter = options ? options->delimiter : 0;
    if (!r.delimiter && (ends_in(path, ".tsv") || ends_in(path, ".tab")))
        r.delimiter = '\t';
    return parse(&r, start);
}

/* ---- second pass: texts ---- */

urn_status urn__io_csv_texts(urn__io_rows *rows, urn_error *error)
{
    reader r = {.rows = rows,
                .end = rows->bytes.data + rows->bytes.n,
                .delimiter = rows->delimiter,
                .error = error};
    for (size_t i = 0; i < rows->n_columns; i++) {
        urn__io_column *c = &rows->columns[i];
        const size_t size = (size_t)rows->n_rows * sizeof *c->texts;
        if (c->kind == URN__IO_TEXT && !(c->texts = urn__alloc(rows->allocator, size)))
            return urn__fail_memory(error, rows->path, size);
    }
    char *p = rows->bytes.data + rows->body;
    for (int64_t row = 0; row < rows->n_rows; row++) {
        p = over_blank_lines(&r, p);
        for (size_t i = 0; i < rows->n_columns; i++) {
            field f;
            URN_TRY(next_field(&r, p, &f));
            char *next = i + 1 < rows->n_columns ? f.next + 1 : over_line_end(f.next);
            if (rows->columns[i].kind == URN__IO_TEXT) {
                undouble(&f);
                f.start[f.n] = 0;
                rows->columns[i].texts[row] = f.start;
            }
            p = next;
        }
    }
    return URN_OK;
}

urn_status urn__io_read_csv(const char *path, const char *table, urn_dataset *data,
                            const urn__io_options *options, urn_error *error)
{
    urn__io_rows rows;
    const urn_status status = urn__io_csv_rows(path, options, &rows, error);
    if (status != URN_OK) {
        urn__io_rows_clear(&rows);
        return status;
    }
    return urn__io_rows_finish(&rows, table, data, options, error);
}
