/* From rows that were read to a table of the dataset; a test file's rows go behind them. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

bool urn__io_rows_init(urn__io_rows *rows, const char *path, const urn_allocator *kept,
                       const urn__io_options *options)
{
    *rows = (urn__io_rows){.path = path, .kept = kept, .first_line = 1, .memory = {.file = -1}};
    if (options) {
        rows->allocator = options->allocator;
        rows->single = options->single;
        rows->window_size = options->window_size;
    }
    rows->arena = urn__arena_new(rows->allocator);
    return rows->arena != NULL;
}

void urn__io_rows_clear(urn__io_rows *rows)
{
    for (size_t i = 0; i < rows->n_columns; i++)
        urn__io_column_clear(rows, &rows->columns[i]);
    urn__free(rows->kept, rows->lines.run);
    if (rows->arena) {
        urn__io_window_close(&rows->memory);
        urn__arena_free(rows->arena);
    }
    *rows = (urn__io_rows){.memory = {.file = -1}};
}

bool urn__io_rows_line(urn__io_rows *rows, int64_t row, int64_t line)
{
    if (rows->lines.n == 0 && line == rows->first_line + row)
        return true;
    if (rows->lines.n == 0 && !urn__lines_add(rows->kept, &rows->lines, 0, rows->first_line))
        return false;
    return urn__lines_add(rows->kept, &rows->lines, row, line);
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
    if (kind == URN__IO_REAL)
        return urn__io_make_real(rows, column, rows->n_rows)
                   ? URN_OK
                   : urn__fail_memory(error, rows->path, (size_t)rows->n_rows * sizeof(double));
    if (!rows->is_csv)
        return urn__fail(error, URN_ERR_DATA, rows->path, NULL, NULL,
                         "column \"%s\" holds numbers here but text in %s", column->name, other);
    urn__io_make_text(rows, column);
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
        urn__dictionary_init(&t->texts, test->kept);
    }
    for (size_t i = 0; i < test->n_columns; i++)
        urn__io_column_clear(test, &test->columns[i]);
    test->columns = ordered;
    test->n_columns = rows->n_columns;
    return URN_OK;
}

/* 0 where rows have no lines. */
static int64_t line_of(const urn__io_rows *rows, size_t run, int64_t row)
{
    if (rows->lines.n > 0)
        return rows->lines.run[run].line;
    return rows->first_line > 0 ? rows->first_line + row : 0;
}

/* The runs of both files; none where the rows of each are consecutive. */
static urn_status join_lines(urn__io_rows *rows, const urn__io_rows *test, urn_error *error)
{
    if (rows->lines.n == 0 && test->lines.n == 0)
        return URN_OK;
    bool ok = rows->lines.n > 0 || urn__lines_add(rows->kept, &rows->lines, 0, line_of(rows, 0, 0));
    const size_t n = test->lines.n > 0 ? test->lines.n : 1;
    for (size_t i = 0; ok && i < n; i++) {
        const int64_t row = test->lines.n > 0 ? test->lines.run[i].row : 0;
        ok = urn__lines_add(rows->kept, &rows->lines, rows->n_rows + row, line_of(test, i, row));
    }
    return ok ? URN_OK : urn__fail_memory(error, rows->path, rows->lines.capacity * 16);
}

/* Puts the rows of a test file behind the others. */
static urn_status join(urn__io_rows *rows, urn__io_rows *test, urn_error *error)
{
    URN_TRY(reconcile(rows, test, error));
    if (rows->is_csv)
        URN_TRY(urn__io_csv_texts(rows, error));
    URN_TRY(join_lines(rows, test, error));
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (!urn__io_column_append(rows, &rows->columns[i], test, &test->columns[i]))
            return urn__fail_memory(error, rows->path,
                                    (size_t)(rows->n_rows + test->n_rows) * sizeof(double));
        urn__io_column_clear(test, &test->columns[i]);
    }
    rows->n_rows += test->n_rows;
    rows->capacity = rows->n_rows;
    return URN_OK;
}

urn_status urn__io_rows_add(urn__io_rows *rows, urn__io_rows *test, const char *table,
                            urn_dataset *data, urn_error *error)
{
    const int64_t n_training = rows->n_rows;
    if (test)
        URN_TRY(join(rows, test, error));
    else if (rows->is_csv)
        URN_TRY(urn__io_csv_texts(rows, error));
    urn__io_window_close(&rows->memory);
    URN_TRY(urn_dataset_add_table(data, table, rows->path, rows->n_rows, rows->first_line, error));
    if (rows->lines.n > 0)
        URN_TRY(urn__dataset_take_lines(data, table, &rows->lines, error));
    for (size_t i = 0; i < rows->n_columns; i++)
        URN_TRY(urn__io_column_add(rows, &rows->columns[i], table, data, error));
    if (!test)
        return URN_OK;
    URN_TRY(urn_dataset_set_source(data, table, n_training, test->path, test->first_line, error));
    return urn__dataset_hold_out_after(data, table, n_training, error);
}

urn_status urn__io_rows_finish(urn__io_rows *rows, const char *table, urn_dataset *data,
                               const urn__io_options *options, urn_error *error)
{
    urn__io_rows test = {0};
    const bool has_test = options && options->test_path;
    urn_status status =
        has_test ? urn__io_rows_read(options->test_path, rows->kept, options, &test, error)
                 : URN_OK;
    if (status == URN_OK)
        status = urn__io_rows_add(rows, has_test ? &test : NULL, table, data, error);
    if (has_test)
        urn__io_rows_clear(&test);
    urn__io_rows_clear(rows);
    return status;
}
