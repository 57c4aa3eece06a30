/* Columns under construction. Cells start in the smallest type, and are moved to a larger one when
 * a value comes that needs it: a few times a column at most. */
#include "parts.h"

#include <string.h>

static void *new_cells(const urn__io_rows *rows, urn__number_type type, int64_t n)
{
    return urn__alloc(rows->kept, (n > 0 ? (size_t)n : 1) * urn__number_size(type));
}

bool urn__io_column_init(urn__io_rows *rows, urn__io_column *c, urn__io_kind kind)
{
    c->kind = kind;
    c->type = kind == URN__IO_REAL ? URN__FLOAT : URN__INT32;
    c->cells = new_cells(rows, c->type, rows->capacity);
    urn__dictionary_init(&c->texts, rows->kept);
    return c->cells != NULL;
}

void urn__io_column_clear(const urn__io_rows *rows, urn__io_column *c)
{
    urn__free(rows->kept, c->cells);
    c->cells = NULL;
    urn__dictionary_clear(&c->texts);
}

/* ---- larger types ---- */

static int64_t int_at(const urn__io_column *c, int64_t row)
{
    return c->type == URN__INT32 ? ((const int32_t *)c->cells)[row]
                                 : ((const int64_t *)c->cells)[row];
}

static double real_at(const urn__io_column *c, int64_t row)
{
    if (c->kind == URN__IO_INT)
        return (double)int_at(c, row);
    return c->type == URN__FLOAT ? (double)((const float *)c->cells)[row]
                                 : ((const double *)c->cells)[row];
}

/* Moves the first n cells to cells of a type that holds them, with room for `capacity`. */
static bool retype(urn__io_rows *rows, urn__io_column *c, urn__number_type type, int64_t n,
                   int64_t capacity)
{
    void *cells = new_cells(rows, type, capacity);
    if (!cells)
        return false;
    for (int64_t r = 0; r < n; r++)
        switch (type) {
        case URN__INT32:
            ((int32_t *)cells)[r] = (int32_t)int_at(c, r);
            break;
        case URN__INT64:
            ((int64_t *)cells)[r] = int_at(c, r);
            break;
        case URN__FLOAT:
            ((float *)cells)[r] = (float)real_at(c, r);
            break;
        case URN__DOUBLE:
            ((double *)cells)[r] = real_at(c, r);
            break;
        }
    urn__free(rows->kept, c->cells);
    c->cells = cells;
    c->type = type;
    return true;
}

bool urn__io_make_real(urn__io_rows *rows, urn__io_column *c, int64_t n_rows)
{
    bool single = true;
    for (int64_t r = 0; r < n_rows && single; r++)
        single = urn__is_single((double)int_at(c, r));
    const urn__number_type type = single ? URN__FLOAT : URN__DOUBLE;
    const bool ok = retype(rows, c, type, n_rows, rows->capacity);
    if (ok)
        c->kind = URN__IO_REAL;
    return ok;
}

void urn__io_make_text(urn__io_rows *rows, urn__io_column *c)
{
    urn__free(rows->kept, c->cells);
    c->kind = URN__IO_TEXT;
    c->type = URN__INT32;
    c->cells = NULL;
}

/* ---- values ---- */

bool urn__io_put_int(urn__io_rows *rows, urn__io_column *c, int64_t row, int64_t value)
{
    if (c->type == URN__INT32 && (value > INT32_MAX || value < INT32_MIN) &&
        !retype(rows, c, URN__INT64, row, rows->capacity))
        return false;
    if (c->type == URN__INT32)
        ((int32_t *)c->cells)[row] = (int32_t)value;
    else
        ((int64_t *)c->cells)[row] = value;
    return true;
}

bool urn__io_put_real(urn__io_rows *rows, urn__io_column *c, int64_t row, double value)
{
    if (c->type == URN__FLOAT && !urn__is_single(value) && !urn__io_rounds(rows, value) &&
        !retype(rows, c, URN__DOUBLE, row, rows->capacity))
        return false;
    if (c->type == URN__FLOAT)
        ((float *)c->cells)[row] = (float)value;
    else
        ((double *)c->cells)[row] = value;
    return true;
}

bool urn__io_put_text(urn__io_rows *rows, urn__io_column *c, int64_t row, const char *text,
                      size_t n)
{
    (void)rows;
    const int32_t code = urn__dictionary_add(&c->texts, text, n);
    ((int32_t *)c->cells)[row] = code;
    return code >= 0;
}

/* ---- two files as one ---- */

/* Codes of the texts behind, in the dictionary of those before. */
static int32_t *recoded(urn__io_rows *rows, urn__io_column *c, const urn__io_column *more)
{
    const size_t n = more->texts.n > 0 ? (size_t)more->texts.n : 1;
    int32_t *code = urn__alloc(rows->allocator, n * sizeof *code);
    for (int64_t i = 0; code && i < more->texts.n; i++) {
        const char *text = urn__dictionary_text(&more->texts, i);
        code[i] = urn__dictionary_add(&c->texts, text, strlen(text));
        if (code[i] < 0) {
            urn__free(rows->allocator, code);
            return NULL;
        }
    }
    return code;
}

bool urn__io_column_append(urn__io_rows *rows, urn__io_column *c, const urn__io_rows *more_rows,
                           const urn__io_column *more)
{
    const urn__number_type type = c->type > more->type ? c->type : more->type;
    const int64_t n = rows->n_rows, n_more = more_rows->n_rows;
    if (!retype(rows, c, type, n, n + n_more))
        return false;
    int32_t *code = c->kind == URN__IO_TEXT ? recoded(rows, c, more) : NULL;
    if (c->kind == URN__IO_TEXT && !code)
        return false;
    for (int64_t r = 0; r < n_more; r++)
        switch (type) {
        case URN__INT32:
            ((int32_t *)c->cells)[n + r] = code ? code[int_at(more, r)] : (int32_t)int_at(more, r);
            break;
        case URN__INT64:
            ((int64_t *)c->cells)[n + r] = int_at(more, r);
            break;
        case URN__FLOAT:
            ((float *)c->cells)[n + r] = (float)real_at(more, r);
            break;
        case URN__DOUBLE:
            ((double *)c->cells)[n + r] = real_at(more, r);
            break;
        }
    urn__free(rows->allocator, code);
    return true;
}

/* ---- into the dataset ---- */

urn_status urn__io_column_add(urn__io_rows *rows, urn__io_column *c, const char *table,
                              urn_dataset *data, urn_error *error)
{
    if (rows->capacity - rows->n_rows > rows->n_rows / 8 &&
        !retype(rows, c, c->type, rows->n_rows, rows->n_rows))
        return urn__fail_memory(error, rows->path, (size_t)rows->n_rows * 8);
    if (c->kind == URN__IO_TEXT) {
        int32_t *codes = c->cells;
        c->cells = NULL;
        return urn__dataset_take_texts(data, table, c->name, codes, &c->texts, error);
    }
    urn__numbers *numbers = urn__numbers_new(rows->kept, c->type, rows->n_rows, c->cells);
    if (!numbers)
        return urn__fail_memory(error, rows->path, sizeof(double));
    c->cells = NULL;
    return urn__dataset_take_numbers(data, table, c->name, numbers, c->kind == URN__IO_INT, error);
}
