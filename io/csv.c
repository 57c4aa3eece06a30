/* A CSV reader of our own: libcsv tells its callback neither lines nor columns, so that errors
 * could not name their place, and hands fields over one by one at some 100 MB/s. The file goes
 * through a window, so that what a reader takes is the columns and little more. A first pass counts
 * lines; a second checks every record and stores numbers, widening a column's kind from integer to
 * real to text as it meets them; a third fetches the columns that turned out to be text.
 *
 * Records are read from the window up to its last line end. Where a quoted field goes on behind
 * that (it may hold line ends), the record is read again once more of the file is there. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    urn__io_rows *rows;
    urn__io_window *window;
    char *p;   /* the next record */
    char *end; /* behind the last line end of the window, or where the added one stands */
    bool cut;  /* a field goes on behind `end`: read more, and the record again */
    char delimiter;
    int64_t line;   /* of p */
    size_t skipped; /* bytes of the file before the window */
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

static urn_status quoted_field(reader *r, char *p, field *f)
{
    char *q = p + 1;
    for (;;) {
        q = memchr(q, '"', (size_t)(r->end - q));
        if (!q && !r->window->at_end) {
            r->cut = true;
            return URN_ERR_DATA;
        }
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

static urn_status next_field(reader *r, char *p, field *f)
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

static void over_blank_lines(reader *r)
{
    while (r->p < r->end && (*r->p == '\n' || *r->p == '\r')) {
        r->p = over_line_end(r->p);
        r->line++;
    }
}

/* ---- the window ---- */

/* Behind the last line end that can be told to be one: of a CR at the very end, an LF may follow.
 */
static char *last_end(const urn__io_window *w)
{
    for (size_t i = w->n; i > 0; i--)
        if (w->data[i - 1] == '\n' || (w->data[i - 1] == '\r' && i < w->n))
            return w->data + i;
    return w->data;
}

/* Finds `end` for what has been read; data[from ..] is new. */
static urn_status use_window(reader *r, size_t from)
{
    const urn__io_window *w = r->window;
    const char *zero = memchr(w->data + from, 0, w->n - from);
    if (zero)
        return urn__io_fail_zero(w->path, w->data, (size_t)(zero - w->data), r->line, r->error);
    r->p = w->data;
    r->end = w->at_end ? w->data + w->n : last_end(w);
    return URN_OK;
}

/* Reads on from record p, whose line is r->line. */
static urn_status read_more(reader *r)
{
    const size_t at = (size_t)(r->p - r->window->data), kept = r->window->n - at;
    r->cut = false;
    r->skipped += at;
    URN_TRY(urn__io_window_next(r->window, at, r->error));
    return use_window(r, kept);
}

/* Goes to the next record, reading on where the window has no more; false: there is none. */
static bool next_record(reader *r, urn_status *status)
{
    for (*status = URN_OK;;) {
        over_blank_lines(r);
        if (r->p < r->end)
            return true;
        if (r->window->at_end)
            return false;
        *status = read_more(r);
        if (*status != URN_OK)
            return false;
    }
}

/* ---- the header ---- */

/* The first of , tab ; | that the first record has outside quotes; a comma if it has none. */
static char guess_delimiter(const char *p, const char *end)
{
    static const char candidates[] = ",\t;|";
    size_t best = sizeof candidates - 1;
    bool quoted = false;
    for (; p < end && (quoted || (*p != '\n' && *p != '\r')); p++) {
        const char *found = quoted || *p == '"' ? NULL : strchr(candidates, *p);
        if (*p == '"')
            quoted = !quoted;
        else if (found && (size_t)(found - candidates) < best)
            best = (size_t)(found - candidates);
    }
    return candidates[best < sizeof candidates - 1 ? best : 0];
}

/* How many fields the record at p has; p has been read once without error, or stops before one. */
static size_t count_fields(reader *r, char *p)
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

static urn_status read_names(reader *r)
{
    urn__io_rows *rows = r->rows;
    char *p = r->p;
    const int64_t line = r->line;
    const size_t n = count_fields(r, p);
    if (r->cut)
        return URN_ERR_DATA;
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
    r->p = over_line_end(p);
    r->line++;
    return check_names(r, line);
}

/* Reads the names, and notes where the records start. */
static urn_status read_header(reader *r, size_t start)
{
    urn__io_rows *rows = r->rows;
    const char given = r->delimiter;
    r->p += start;
    for (;;) {
        urn_status status;
        if (!next_record(r, &status))
            return status != URN_OK ? status
                                    : urn__fail(r->error, URN_ERR_DATA, rows->path, NULL, NULL,
                                                "the file is empty");
        const int64_t line = r->line;
        r->delimiter = given ? given : guess_delimiter(r->p, r->end);
        status = read_names(r);
        if (!r->cut) {
            rows->delimiter = r->delimiter;
            rows->body = r->skipped + (size_t)(r->p - r->window->data);
            return status;
        }
        r->line = line;
        URN_TRY(read_more(r));
    }
}

/* ---- numbers ---- */

static urn_status no_memory(const reader *r)
{
    return urn__fail_memory(r->error, r->rows->path, (size_t)r->rows->capacity * sizeof(double));
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
    bool room = true;
    if (c->kind == URN__IO_INT && urn__io_parse_int(f.start, f.n, &whole)) {
        room = urn__io_put_int(r->rows, c, row, whole);
    } else if (urn__io_parse_real(f.start, f.n, &real)) {
        room = (c->kind == URN__IO_REAL || urn__io_make_real(r->rows, c, row)) &&
               urn__io_put_real(r->rows, c, row, real);
    } else {
        urn__io_make_text(r->rows, c);
    }
    return room ? URN_OK : no_memory(r);
}

/* Most numbers: a sign, digits, a point, digits, and the field's end, held by the column's type.
 * NULL: look closer. */
static char *store_fast(const reader *r, const urn__io_column *c, int64_t row, char *p)
{
    const bool negative = *p == '-';
    uint64_t mantissa = 0;
    p += negative;
    const char *first = p;
    for (unsigned digit; (digit = (unsigned)(*p - '0')) <= 9; p++)
        mantissa = mantissa * 10 + digit;
    ptrdiff_t digits = p - first, fraction = 0;
    if (c->kind == URN__IO_INT) {
        if (digits == 0 || digits > 9 || c->type != URN__INT32 || !is_end(r, *p))
            return NULL;
        ((int32_t *)c->cells)[row] = negative ? -(int32_t)mantissa : (int32_t)mantissa;
        return p;
    }
    if (*p == '.') {
        first = ++p;
        for (unsigned digit; (digit = (unsigned)(*p - '0')) <= 9; p++)
            mantissa = mantissa * 10 + digit;
        fraction = p - first;
        digits += fraction;
    }
    if (digits == 0 || digits > URN__IO_MOST_DIGITS || !is_end(r, *p))
        return NULL;
    const double value = urn__io_decimal(mantissa, (int)fraction, negative);
    if (c->type == URN__DOUBLE)
        ((double *)c->cells)[row] = value;
    else if ((double)(float)value == value || urn__io_rounds(r->rows, value))
        ((float *)c->cells)[row] = (float)value;
    else
        return NULL;
    return p;
}

static urn_status ragged(reader *r, char *record, int64_t line)
{
    char message[128];
    reader from_start = *r;
    from_start.error = NULL;
    const size_t found = count_fields(&from_start, record);
    r->cut = from_start.cut; /* to be counted once all of the record is there */
    if (r->cut)
        return URN_ERR_DATA;
    snprintf(message, sizeof message, "expected %zu field%s, found %zu", r->rows->n_columns,
             r->rows->n_columns == 1 ? "" : "s", found);
    return fail_at(r, line, "a field that holds the delimiter is written in quotes", message);
}

/* Reads the record at r->p into a row, and goes behind it. */
static urn_status read_record(reader *r, int64_t row)
{
    urn__io_rows *rows = r->rows;
    char *p = r->p;
    const int64_t line = r->line;
    for (size_t i = 0; i < rows->n_columns; i++) {
        urn__io_column *c = &rows->columns[i];
        char *next = c->kind == URN__IO_TEXT ? NULL : store_fast(r, c, row, p);
        if (!next)
            URN_TRY(store_slowly(r, c, row, p, &next));
        const bool last = i + 1 == rows->n_columns;
        if ((*next == r->delimiter) == last)
            return ragged(r, r->p, line);
        p = next + !last;
    }
    r->p = over_line_end(p);
    r->line++;
    return URN_OK;
}

static urn_status changed(const reader *r)
{
    return urn__fail(r->error, URN_ERR_IO, r->rows->path, NULL, "read it when it is complete",
                     "the file changed while it was read");
}

/* The rest of the window's records where `sample`, else of the file's. */
static urn_status read_records(reader *r, bool sample)
{
    urn__io_rows *rows = r->rows;
    urn_status status = URN_OK;
    int64_t row = 0;
    for (; sample ? r->p < r->end : next_record(r, &status);
         sample ? over_blank_lines(r) : (void)0) {
        const int64_t line = r->line;
        if (row == rows->capacity)
            return changed(r);
        status = read_record(r, row);
        if (r->cut) {
            if (sample)
                break;
            r->line = line;
            URN_TRY(read_more(r));
            continue;
        }
        URN_TRY(status);
        if (row == 0)
            rows->first_line = line;
        if ((rows->lines.n > 0 || line != rows->first_line + row) &&
            !urn__io_rows_line(rows, row, line))
            return no_memory(r);
        row++;
    }
    rows->n_rows = row;
    return r->cut ? URN_OK : status;
}

/* Cells for as many rows as there are line ends. */
static urn_status allocate(reader *r)
{
    urn__io_rows *rows = r->rows;
    for (size_t i = 0; i < rows->n_columns; i++)
        if (!urn__io_column_init(rows, &rows->columns[i], URN__IO_INT))
            return no_memory(r);
    return URN_OK;
}

/* Counts the lines, and goes back to the first stretch. */
static urn_status count_lines(reader *r)
{
    URN_TRY(urn__io_window_count(r->window, &r->rows->capacity, r->error));
    if (r->window->file >= 0)
        URN_TRY(urn__io_window_seek(r->window, 0, r->error));
    return URN_OK;
}

static urn_status parse(reader *r, bool sample)
{
    urn__io_rows *rows = r->rows;
    size_t start = 0;
    const urn__io_window *w = r->window;
    URN_TRY(urn__io_check_text(rows->path, w->data, w->n, w->at_end, &start, r->error));
    rows->capacity = 1; /* the last line may have no end */
    if (sample)
        for (size_t i = 0; i < w->n; i++)
            rows->capacity += w->data[i] == '\n' || w->data[i] == '\r';
    else
        URN_TRY(count_lines(r));
    URN_TRY(use_window(r, 0));
    URN_TRY(read_header(r, start));
    URN_TRY(allocate(r));
    URN_TRY(read_records(r, sample));
    return rows->n_rows > 0 ? URN_OK
                            : urn__fail(r->error, URN_ERR_DATA, rows->path, NULL, NULL,
                                        "the file has a header and no rows");
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), k = strlen(ending);
    return n >= k && strcmp(path + n - k, ending) == 0;
}

/* `sample`: only the records in the first stretch of the file, of *sample bytes. */
static urn_status csv_rows(const char *path, const urn_allocator *kept,
                           const urn__io_options *options, size_t *sample, urn__io_rows *rows,
                           urn_error *error)
{
    if (!urn__io_rows_init(rows, path, kept, options))
        return urn__fail_memory(error, path, sizeof *rows);
    rows->is_csv = true;
    if (options && options->delimiter && strchr("\"+-.\r\n0123456789eE", options->delimiter))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "'%c' cannot delimit the fields of a CSV file", options->delimiter);
    urn__io_window window;
    URN_TRY(urn__io_window_open(&window, path, rows->window_size, rows->allocator, error));
    reader r = {.rows = rows, .window = &window, .line = 1, .error = error};
    r.delimiter = options ? options->delimiter : 0;
    if (!r.delimiter && (ends_in(path, ".tsv") || ends_in(path, ".tab")))
        r.delimiter = '\t';
    const urn_status status = parse(&r, sample != NULL);
    if (sample && status == URN_OK)
        *sample = (size_t)(r.p - window.data) - rows->body;
    if (window.file < 0 && status == URN_OK)
        rows->memory = window; /* it can be read once only, and texts may be wanted */
    else
        urn__io_window_close(&window);
    return status;
}

urn_status urn__io_csv_rows(const char *path, const urn_allocator *kept,
                            const urn__io_options *options, urn__io_rows *rows, urn_error *error)
{
    return csv_rows(path, kept, options, NULL, rows, error);
}

urn_status urn__io_csv_sample(const char *path, const urn__io_options *options, urn__io_rows *rows,
                              size_t *bytes, urn_error *error)
{
    *bytes = 0;
    return csv_rows(path, options ? options->allocator : NULL, options, bytes, rows, error);
}

/* ---- texts ---- */

static urn_status read_texts(reader *r, int64_t row)
{
    urn__io_rows *rows = r->rows;
    char *p = r->p;
    for (size_t i = 0; i < rows->n_columns; i++) {
        urn__io_column *c = &rows->columns[i];
        field f;
        URN_TRY(next_field(r, p, &f));
        r->line += f.lines;
        const bool last = i + 1 == rows->n_columns;
        if ((*f.next == r->delimiter) == last)
            return changed(r);
        char *next = last ? over_line_end(f.next) : f.next + 1;
        if (f.doubled && !last)
            (void)count_fields(r, next);
        if (r->cut) /* the record will be read again, so nothing may be changed in it */
            return URN_ERR_DATA;
        if (c->kind == URN__IO_TEXT) {
            undouble(&f);
            if (!urn__io_put_text(rows, c, row, f.start, f.n))
                return no_memory(r);
        }
        p = next;
    }
    r->p = p;
    r->line++;
    return URN_OK;
}

static urn_status read_all_texts(reader *r)
{
    urn_status status = URN_OK;
    int64_t row = 0;
    while (next_record(r, &status)) {
        if (row == r->rows->n_rows)
            return changed(r);
        status = read_texts(r, row);
        if (r->cut) {
            URN_TRY(read_more(r));
            continue;
        }
        URN_TRY(status);
        row++;
    }
    URN_TRY(status);
    return row == r->rows->n_rows ? URN_OK : changed(r);
}

/* The file from its first record on, in what is in memory or in a window of its own. */
static urn_status reopen(reader *r, urn__io_window *own)
{
    urn__io_rows *rows = r->rows;
    if (rows->memory.data) {
        r->window = &rows->memory;
        URN_TRY(use_window(r, 0));
        r->p += rows->body;
        return URN_OK;
    }
    r->window = own;
    URN_TRY(urn__io_window_open(own, rows->path, rows->window_size, rows->allocator, r->error));
    if (own->file < 0)
        return changed(r);
    URN_TRY(urn__io_window_seek(own, rows->body, r->error));
    return use_window(r, 0);
}

static urn_status fetch_texts(urn__io_rows *rows, urn_error *error)
{
    urn__io_window own = {.file = -1};
    reader r = {.rows = rows, .delimiter = rows->delimiter, .line = 1, .error = error};
    urn_status status = reopen(&r, &own);
    if (status == URN_OK)
        status = read_all_texts(&r);
    urn__io_window_close(&own);
    urn__io_window_close(&rows->memory);
    return status;
}

urn_status urn__io_csv_texts(urn__io_rows *rows, urn_error *error)
{
    bool any = false;
    for (size_t i = 0; i < rows->n_columns; i++) {
        urn__io_column *c = &rows->columns[i];
        if (c->kind != URN__IO_TEXT)
            continue;
        any = true;
        c->cells = urn__alloc(rows->kept, (size_t)rows->n_rows * sizeof(int32_t));
        if (!c->cells)
            return urn__fail_memory(error, rows->path, (size_t)rows->n_rows * sizeof(int32_t));
    }
    return any ? fetch_texts(rows, error) : URN_OK;
}

urn_status urn__io_read_csv(const char *path, const char *table, urn_dataset *data,
                            const urn__io_options *options, urn_error *error)
{
    urn__io_rows rows;
    const urn_status status =
        urn__io_csv_rows(path, urn__dataset_allocator(data), options, &rows, error);
    if (status != URN_OK) {
        urn__io_rows_clear(&rows);
        return status;
    }
    return urn__io_rows_finish(&rows, table, data, options, error);
}
