/* From rows that were read to a table of the dataset; a test file's rows go behind them. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

bool urn__io_rows_init(urn__io_rows *rows, const char *path, const urn_allocator *allocator)
{
    *rows = (urn__io_rows){.path = path, .allocator = allocator, .first_line = 1};
    rows->bytes.allocator = allocator;
    rows->arena = urn__arena_new(allocator);
    return rows->arena != NULL;
}

static void clear_column(const urn_allocator *allocator, urn__io_column *column)
{
    urn__free(allocator, column->cells);
    urn__free(allocator, column->texts);
    column->cells = NULL;
    column->texts = NULL;
}

void urn__io_rows_clear(urn__io_rows *rows)
{
    for (size_t i = 0; i < rows->n_columns; i++)
        clear_column(rows->allocator, &rows->columns[i]);
    urn__io_bytes_clear(&rows->bytes);
    urn__free(rows->allocator, rows->lines);
    if (rows->arena)
        urn__arena_free(rows->arena);
    *rows = (urn__io_rows){0};
}

bool urn__io_rows_line(urn__io_rows *rows, int64_t row, int64_t line)
{
    if (!rows->lines) {
        if (line == rows->first_line + row)
            return true;
        const size_t n = rows->capacity > 0 ? (size_t)rows->capacity : 1;
        rows->lines = urn__alloc(rows->allocator, n * sizeof *rows->lines);
        if (!rows->lines)
            return false;
        for (int64_t r = 0; r < row; r++)
            rows->lines[r] = rows->first_line + r;
    }
    rows->lines[row] = line;
    return true;
}

void urn__io_make_real(urn__io_column *column, int64_t n_rows)
{
    column->kind = URN__IO_REAL;
    for (int64_t r = 0; r < n_rows; r++)
        column->cells[r] = (urn__io_cell){.d = (double)column->cells[r].i};
}

/* ---- two files as one ---- */

static urn__io_column *find(const urn__io_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->n_columns; i++)
        if (strcmp(rows->columns[i].name, name) == 0)
            return &rows->columns[i];
    return NULL;
}

/* Gives a column the wider kind. Only CSV still has the text of its numbers. */
static urn_status widen(urn__io_rows *rows, urn__io_column *column, urn__io_kind kind,
                        const char *other, urn_error *error)
{
    if (column->kind == kind)
        return URN_OK;
    if (kind == URN__IO_REAL) {
        urn__io_make_real(column, rows->n_rows);
        return URN_OK;
    }
    if (!rows->is_csv)
        return urn__fail(error, URN_ERR_DATA, rows->path, NULL, NULL,
                         "column \"%s\" holds numbers here but text in %s", column->name, other);
    column->kind = URN__IO_TEXT;
    urn__free(rows->allocator, column->cells);
    column->cells = NULL;
    return URN_OK;
}

/* Puts the test file's columns in the order of the table's, and makes their kinds agree. */
static urn_status reconcile(urn__io_rows *rows, urn__io_rows *test, urn_error *error)
{
    urn__io_column *ordered = urn__arena_alloc(test->arena, rows->n_columns, sizeof *ordered);
    if (!ordered)
        return urn__fail_memory(error, test->path, rows->n_columns * sizeof *ordered);
    for (size_t i = 0; i < rows->n_columns; i++) {
        urn__io_column *c = &rows->columns[i], *t = find(test, c->name);
        if (!t) {
            char list[512] = "";
            for (size_t k = 0; k < test->n_columns; k++) {
                const size_t used = strlen(list);
                snprintf(list + used, sizeof list - used, "%s%s", k ? ", " : "",
                         test->columns[k].name);
            }
            return urn__fail(error, URN_ERR_DATA, test->path, NULL, NULL,
                             "there is no column \"%s\", which %s has; the columns are: %s",
                             c->name, rows->path, list);
        }
        const urn__io_kind kind = c->kind > t->kind ? c->kind : t->kind;
        URN_TRY(widen(rows, c, kind, test->path, error));
        URN_TRY(widen(test, t, kind, rows->path, error));
    }
    /* A file's texts stand where its columns stand, so they are fetched before the order changes.
     */
    if (test->is_csv)
        URN_TRY(urn__io_csv_texts(test, error));
    for (size_t i = 0; i < rows->n_columns; i++) {
        urn__io_column *t = find(test, rows->columns[i].name);
        ordered[i] = *t;
        t->cells = NULL;
        t->texts = NULL;
    }
    for (size_t i = 0; i < test->n_columns; i++)
        clear_column(test->allocator, &test->columns[i]);
    test->columns = ordered;
    test->n_columns = rows->n_columns;
    return URN_OK;
}

/* Both files' values behind one another in a new array. */
static void *joined(const urn__io_rows *rows, const urn__io_rows *test, size_t size,
                    const void *first, const void *second)
{
    const size_t a = (size_t)rows->n_rows * size, b = (size_t)test->n_rows * size;
    char *both = urn__alloc(rows->allocator, a + b);
    if (both) {
        memcpy(both, first, a);
        memcpy(both + a, second, b);
    }
    return both;
}

static urn_status add_column(urn__io_rows *rows, urn__io_rows *test, size_t i, const char *table,
                             urn_dataset *data, urn_error *error)
{
    urn__io_column *c = &rows->columns[i];
    const bool text = c->kind == URN__IO_TEXT;
    void *values = text ? (void *)c->texts : (void *)c->cells;
    void *both = NULL;
    if (test) {
        urn__io_column *t = &test->columns[i];
        const size_t size = text ? sizeof *c->texts : sizeof *c->cells;
        both = joined(rows, test, size, values, text ? (void *)t->texts : (void *)t->cells);
        if (!both)
            return urn__fail_memory(error, rows->path,
                                    (size_t)(rows->n_rows + test->n_rows) * size);
        values = both;
    }
    const urn_status status = text ? urn_dataset_add_text(data, table, c->name, values, error)
                              : c->kind == URN__IO_INT
                                  ? urn_dataset_add_int(data, table, c->name, values, error)
                                  : urn_dataset_add_real(data, table, c->name, values, error);
    urn__free(rows->allocator, both);
    clear_column(rows->allocator, c);
    if (test)
        clear_column(test->allocator, &test->columns[i]);
    return status;
}

/* 0 where rows have no lines. */
static int64_t line_of(const urn__io_rows *rows, int64_t row)
{
    if (rows->lines)
        return rows->lines[row];
    return rows->first_line > 0 ? rows->first_line + row : 0;
}

/* Lines of all rows, or URN_OK with none set where both files' rows are consecutive. */
static urn_status add_lines(urn__io_rows *rows, urn__io_rows *test, const char *table,
                            urn_dataset *data, urn_error *error)
{
    if (!rows->lines && !(test && test->lines))
        return URN_OK;
    const int64_t more = test ? test->n_rows : 0, n = rows->n_rows + more;
    int64_t *lines = urn__alloc(rows->allocator, (size_t)n * sizeof *lines);
    if (!lines)
        return urn__fail_memory(error, rows->path, (size_t)n * sizeof *lines);
    for (int64_t r = 0; r < rows->n_rows; r++)
        lines[r] = line_of(rows, r);
    for (int64_t r = 0; r < more; r++)
        lines[rows->n_rows + r] = line_of(test, r);
    const urn_status status = urn_dataset_set_lines(data, table, lines, error);
    urn__free(rows->allocator, lines);
    return status;
}

static urn_status flag_test(const urn__io_rows *rows, const urn__io_rows *test, const char *table,
                            urn_dataset *data, urn_error *error)
{
    URN_TRY(urn_dataset_set_source(data, table, rows->n_rows, test->path, test->first_line, error));
    const size_t n = (size_t)(rows->n_rows + test->n_rows);
    unsigned char *held_out = urn__calloc(rows->allocator, n, 1);
    if (!held_out)
        return urn__fail_memory(error, rows->path, n);
    memset(held_out + rows->n_rows, 1, (size_t)test->n_rows);
    const urn_status status = urn_dataset_set_held_out(data, table, held_out, error);
    urn__free(rows->allocator, held_out);
    return status;
}

urn_status urn__io_rows_add(urn__io_rows *rows, urn__io_rows *test, const char *table,
                            urn_dataset *data, urn_error *error)
{
    if (test)
        URN_TRY(reconcile(rows, test, error));
    bool any_text = false;
    for (size_t i = 0; i < rows->n_columns; i++)
        any_text = any_text || rows->columns[i].kind == URN__IO_TEXT;
    if (any_text && rows->is_csv)
        URN_TRY(urn__io_csv_texts(rows, error));
    if (!any_text) {
        urn__io_bytes_clear(&rows->bytes); /* large files: make room for the columns' copies */
        if (test)
            urn__io_bytes_clear(&test->bytes);
    }
    const int64_t n = rows->n_rows + (test ? test->n_rows : 0);
    URN_TRY(urn_dataset_add_table(data, table, rows->path, n, rows->first_line, error));
    URN_TRY(add_lines(rows, test, table, data, error));
    for (size_t i = 0; i < rows->n_columns; i++)
        URN_TRY(add_column(rows, test, i, table, data, error));
    return test ? flag_test(rows, test, table, data, error) : URN_OK;
}

urn_status urn__io_rows_finish(urn__io_rows *rows, const char *table, urn_dataset *data,
                               const urn__io_options *options, urn_error *error)
{
    urn__io_rows test = {0};
    const bool has_test = options && options->test_path;
    urn_status status =
        has_test ? urn__io_rows_read(options->test_path, options, &test, error) : URN_OK;
    if (status == URN_OK)
        status = urn__io_rows_add(rows, has_test ? &test : NULL, table, data, error);
    if (has_test)
        urn__io_rows_clear(&test);
    urn__io_rows_clear(rows);
    return status;
}
