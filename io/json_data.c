/* Data from JSON: Stan's layout (scalars and nested arrays), and tables as objects of columns. */
#include "parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct reader {
    const char *path;
    const urn_allocator *allocator, *kept; /* for the work; of the dataset */
    const urn__io_options *options;
    urn_error *error;
} reader;

static urn_status fail(const reader *r, const char *name, const char *hint, const char *message)
{
    return urn__fail(r->error, URN_ERR_DATA, r->path, NULL, hint, "variable \"%.100s\": %s", name,
                     message);
}

/* ---- bare NaN and Infinity, which JSON itself does not have ---- */

/* Length of a bare token at p, or 0. */
static size_t bare_token(const char *p)
{
    static const char *const tokens[] = {"NaN", "Infinity", "-Infinity", "-NaN", "Inf", "-Inf"};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        if (strncmp(p, tokens[i], strlen(tokens[i])) == 0)
            return strlen(tokens[i]);
    return 0;
}

/* Copies text with quotes around bare tokens; with to == NULL only counts. Returns the length. */
static size_t quote_tokens(const char *from, size_t n, char *to)
{
    size_t length = 0;
    bool quoted = false;
    for (size_t i = 0; i < n;) {
        const size_t token = quoted ? 0 : bare_token(from + i);
        const size_t step = token ? token : quoted && from[i] == '\\' && i + 1 < n ? 2 : 1;
        if (from[i] == '"')
            quoted = !quoted;
        if (to && token)
            to[length] = to[length + 1 + token] = '"';
        if (to)
            memcpy(to + length + (token > 0), from + i, step);
        length += step + (token ? 2 : 0);
        i += step;
    }
    return length;
}

static urn_status parse(const reader *r, const char *text, size_t n, json_t **json)
{
    const size_t length = quote_tokens(text, n, NULL);
    char *quoted = urn__alloc(r->allocator, length + 1);
    if (!quoted)
        return urn__fail_memory(r->error, r->path, length);
    json_error_t why;
    urn_status status = URN_OK;
    quote_tokens(text, n, quoted);
    *json = json_loadb(quoted, length, JSON_REJECT_DUPLICATES, &why);
    char where[256];
    snprintf(where, sizeof where, "%.220s:%d", r->path, why.line);
    if (!*json)
        status =
            urn__fail(r->error, URN_ERR_DATA, where, NULL, NULL, "this is not JSON: %s", why.text);
    urn__free(r->allocator, quoted);
    if (status == URN_OK && !json_is_object(*json)) {
        json_decref(*json);
        *json = NULL;
        status = urn__fail(r->error, URN_ERR_DATA, r->path, NULL,
                           "write {\"name\": value, ...}, or a table as {\"column\": [...], ...}",
                           "expected one JSON object with the data's names as members");
    }
    return status;
}

static urn_status load(const reader *r, json_t **json)
{
    urn__io_bytes bytes;
    size_t start = 0;
    *json = NULL;
    URN_TRY(urn__io_slurp(r->path, r->allocator, &bytes, r->error));
    urn_status status = urn__io_check_text(r->path, bytes.data, bytes.n, true, &start, r->error);
    if (status == URN_OK)
        status = parse(r, bytes.data + start, bytes.n - start, json);
    urn__io_bytes_clear(&bytes);
    return status;
}

/* ---- numbers ---- */

static bool number_of_text(const char *text, double *value)
{
    static const char *const words[] = {"NaN", "Inf", "Infinity"};
    const bool negative = *text == '-';
    const char *word = text + (*text == '-' || *text == '+');
    for (size_t i = 0; i < 3; i++)
        if (strcmp(word, words[i]) == 0) {
            *value = i == 0 ? (double)NAN : negative ? -(double)INFINITY : (double)INFINITY;
            return true;
        }
    return false;
}

static bool is_number(const json_t *json, double *value)
{
    if (json_is_string(json))
        return number_of_text(json_string_value(json), value);
    *value = json_number_value(json);
    return json_is_number(json);
}

static const char *kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "text";
    case JSON_NULL:
        return "null";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "a number";
    }
}

/* "found null at [3][0], expected a number"; `at` is the element's place, row-major. */
static urn_status fail_element(const reader *r, const char *name, const json_t *json,
                               const char *place, const char *expected)
{
    char message[512];
    if (json_is_string(json))
        snprintf(message, sizeof message, "found \"%.80s\"%s%s, expected %s",
                 json_string_value(json), *place ? " at " : "", place, expected);
    else
        snprintf(message, sizeof message, "found %s%s%s, expected %s", kind_of(json),
                 *place ? " at " : "", place, expected);
    return fail(r, name,
                json_is_null(json) ? "leave missing values out, and model the rows that are there"
                                   : NULL,
                message);
}

/* ---- arrays ---- */

typedef struct array {
    int rank;
    int64_t dims[URN__IO_NC_MAX_RANK];
    double *values;
    int64_t n; /* written so far */
} array;

/* Shape by the first elements of each level. */
static urn_status shape_of(const reader *r, const char *name, const json_t *json, array *a)
{
    for (; json_is_array(json); json = json_array_get(json, 0)) {
        if (a->rank == URN__IO_NC_MAX_RANK)
            return fail(r, name, NULL, "arrays are nested more than 8 deep");
        a->dims[a->rank++] = (int64_t)json_array_size(json);
        if (json_array_size(json) == 0)
            break;
    }
    return URN_OK;
}

static void add_place(char place[128], size_t i)
{
    const size_t n = strlen(place);
    snprintf(place + n, 128 - n, "[%zu]", i);
}

static urn_status fill(const reader *r, const char *name, const json_t *json, int level,
                       const char *place, array *a)
{
    if (level == a->rank) {
        double value;
        if (!is_number(json, &value))
            return fail_element(r, name, json, place, "a number");
        a->values[a->n++] = value;
        return URN_OK;
    }
    if (!json_is_array(json))
        return fail_element(r, name, json, place, "an array, as its neighbours are");
    if ((int64_t)json_array_size(json) != a->dims[level]) {
        char message[256];
        snprintf(message, sizeof message,
                 "the array at %s has %zu elements, those before it %" PRId64, place,
                 json_array_size(json), a->dims[level]);
        return fail(r, name, "pad the rows to one length, or write a table of rows", message);
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        char inner[128];
        snprintf(inner, sizeof inner, "%s", place);
        add_place(inner, i);
        URN_TRY(fill(r, name, json_array_get(json, i), level + 1, inner, a));
    }
    return URN_OK;
}

static urn_status add_array(const reader *r, const char *name, const json_t *json,
                            urn_dataset *data)
{
    array a = {0};
    URN_TRY(shape_of(r, name, json, &a));
    size_t size = 1;
    for (int i = 0; i < a.rank; i++) {
        const size_t dim = (size_t)a.dims[i];
        if (dim && size > SIZE_MAX / 16 / dim)
            return fail(r, name, NULL, "the array's shape is too large");
        size *= dim;
    }
    a.values = urn__alloc(r->allocator, (size ? size : 1) * sizeof *a.values);
    if (!a.values)
        return urn__fail_memory(r->error, name, size * sizeof *a.values);
    urn_status status = fill(r, name, json, 0, "", &a);
    if (status == URN_OK)
        status = urn_dataset_add_array(data, name, a.rank, a.dims, a.values, r->error);
    urn__free(r->allocator, a.values);
    return status;
}

/* ---- tables ---- */

static urn_status fail_column(const reader *r, const char *table, const char *column,
                              const char *message)
{
    if (*table)
        return urn__fail(r->error, URN_ERR_DATA, r->path, NULL, NULL,
                         "table \"%.100s\", column \"%.100s\": %s", table, column, message);
    return urn__fail(r->error, URN_ERR_DATA, r->path, NULL, NULL, "column \"%.100s\": %s", column,
                     message);
}

/* Text if the first element is, unless it spells NaN or an infinity and numbers are among the rest.
 */
static urn__io_kind kind_of_column(const json_t *json)
{
    bool any_number = false, any_text = false, whole = true;
    double value;
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *element = json_array_get(json, i);
        any_number = any_number || json_is_number(element);
        any_text = any_text || (json_is_string(element) && !is_number(element, &value));
        whole = whole && json_is_integer(element);
    }
    return any_text && !any_number ? URN__IO_TEXT : whole ? URN__IO_INT : URN__IO_REAL;
}

static urn_status fill_column(const reader *r, const char *table, const json_t *json,
                              urn__io_rows *rows, urn__io_column *c)
{
    const size_t n = json_array_size(json);
    if (!urn__io_column_init(rows, c, kind_of_column(json)))
        return urn__fail_memory(r->error, r->path, n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        const json_t *element = json_array_get(json, i);
        const int64_t row = (int64_t)i;
        bool ok = c->kind != URN__IO_TEXT || json_is_string(element), room = true;
        double real = 0.0;
        if (ok && c->kind == URN__IO_TEXT) {
            room = urn__io_put_text(rows, c, row, json_string_value(element),
                                    json_string_length(element));
        } else if (c->kind == URN__IO_INT) {
            room = urn__io_put_int(rows, c, row, json_integer_value(element));
        } else if (ok) {
            ok = is_number(element, &real);
            room = urn__io_put_real(rows, c, row, real);
        }
        if (!room)
            return urn__fail_memory(r->error, r->path, n * sizeof(double));
        if (!ok) {
            char message[200];
            snprintf(message, sizeof message, "element %zu (from 0) is %s%s%.80s%s, expected %s", i,
                     kind_of(element), json_is_string(element) ? " \"" : "",
                     json_is_string(element) ? json_string_value(element) : "",
                     json_is_string(element) ? "\"" : "",
                     c->kind == URN__IO_TEXT ? "text" : "a number");
            return fail_column(r, table, c->name, message);
        }
    }
    return URN_OK;
}

/* Rows from an object of equally long arrays. jansson tells no lines: messages name rows. */
static urn_status make_rows(const reader *r, const char *table, json_t *json, urn__io_rows *rows)
{
    if (!urn__io_rows_init(rows, r->path, r->kept, r->options))
        return urn__fail_memory(r->error, r->path, sizeof *rows);
    rows->first_line = 0;
    const size_t n = json_object_size(json);
    rows->columns = urn__arena_alloc(rows->arena, n ? n : 1, sizeof *rows->columns);
    if (!rows->columns)
        return urn__fail_memory(r->error, r->path, n * sizeof *rows->columns);
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        if (!json_is_array(value))
            return fail_column(r, table, name,
                               "a table is an object of equally long arrays, one a column");
        const size_t length = json_array_size(value);
        if (rows->n_columns == 0)
            rows->n_rows = rows->capacity = (int64_t)length;
        if ((int64_t)length != rows->n_rows) {
            char message[160];
            snprintf(message, sizeof message, "it has %zu elements, the columns before it %" PRId64,
                     length, rows->n_rows);
            return fail_column(r, table, name, message);
        }
        urn__io_column *c = &rows->columns[rows->n_columns];
        c->name = urn__arena_strdup(rows->arena, name);
        if (!c->name)
            return urn__fail_memory(r->error, r->path, strlen(name));
        rows->n_columns++;
        URN_TRY(fill_column(r, table, value, rows, c));
    }
    if (rows->n_rows == 0)
        return urn__fail(r->error, URN_ERR_DATA, r->path, NULL, NULL,
                         "the table \"%s\" has no rows", table);
    return URN_OK;
}

/* ---- files ---- */

/* The only member if it is an object; else the object itself. */
static json_t *only_table(json_t *json)
{
    json_t *inner = NULL;
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        (void)name;
        inner = json_object_size(json) == 1 && json_is_object(value) ? value : NULL;
    }
    return inner ? inner : json;
}

static reader reader_of(const char *path, const urn_allocator *kept, const urn__io_options *options,
                        urn_error *error)
{
    return (reader){.path = path,
                    .allocator = options ? options->allocator : NULL,
                    .kept = kept,
                    .options = options,
                    .error = error};
}

urn_status urn__io_json_rows(const char *path, const urn_allocator *kept,
                             const urn__io_options *options, urn__io_rows *rows, urn_error *error)
{
    const reader r = reader_of(path, kept, options, error);
    json_t *json = NULL;
    *rows = (urn__io_rows){0};
    URN_TRY(load(&r, &json));
    const urn_status status = make_rows(&r, "", only_table(json), rows);
    json_decref(json);
    return status;
}

static urn_status add_table(const reader *r, const char *table, json_t *json, urn_dataset *data,
                            const urn__io_options *options)
{
    urn__io_rows rows;
    const urn_status status = make_rows(r, table, json, &rows);
    if (status != URN_OK) {
        urn__io_rows_clear(&rows);
        return status;
    }
    return urn__io_rows_finish(&rows, table, data, options, r->error);
}

/* ---- Stan's "int N; vector[N] y": the arrays of that length are the columns of a table N ---- */

/* Length of the rows of a matrix; 0 if it is none. */
static size_t matrix_columns(const json_t *json)
{
    const json_t *first = json_array_get(json, 0);
    const size_t n = json_array_size(first);
    for (size_t i = 0; n > 0 && i < json_array_size(json); i++) {
        const json_t *row = json_array_get(json, i);
        if (json_array_size(row) != n || json_is_array(json_array_get(row, 0)))
            return 0;
    }
    return n;
}

/* Column k of a matrix, as "X.1", "X.2", ... False if there is no memory. */
static bool add_matrix_column(json_t *columns, const char *name, const json_t *matrix, size_t k)
{
    char numbered[256];
    json_t *column = json_array();
    const int length = snprintf(numbered, sizeof numbered, "%s.%zu", name, k + 1);
    for (size_t i = 0; column && i < json_array_size(matrix); i++)
        if (json_array_append(column, json_array_get(json_array_get(matrix, i), k)) != 0) {
            json_decref(column);
            return false;
        }
    if (length >= (int)sizeof numbered) {
        json_decref(column);
        return true; /* nobody will ask for it by that name */
    }
    return column && json_object_set_new(columns, numbered, column) == 0;
}

static bool collect_columns(json_t *json, size_t n, json_t *columns)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        if (!json_is_array(value) || json_array_size(value) != n)
            continue;
        const size_t width = matrix_columns(value);
        if (!json_is_array(json_array_get(value, 0)) && json_object_set(columns, name, value) != 0)
            return false;
        for (size_t k = 0; k < width; k++)
            if (!add_matrix_column(columns, name, value, k))
                return false;
    }
    return true;
}

static urn_status add_sized_table(const reader *r, const char *size, json_t *json, size_t n,
                                  urn_dataset *data, const urn__io_options *options)
{
    json_t *columns = json_object();
    if (!columns || !collect_columns(json, n, columns)) {
        json_decref(columns);
        return urn__fail_memory(r->error, r->path, n * sizeof(double));
    }
    const urn_status status =
        json_object_size(columns) > 0 ? add_table(r, size, columns, data, options) : URN_OK;
    json_decref(columns);
    return status;
}

/* A table for every whole number that is the length of an array. */
static urn_status add_sized_tables(const reader *r, json_t *json, urn_dataset *data,
                                   const urn__io_options *options)
{
    const char *name;
    json_t *value;
    urn__io_options own = options ? *options : (urn__io_options){0};
    own.test_path = NULL;
    json_object_foreach(json, name, value)
    {
        const json_int_t n = json_integer_value(value);
        if (json_is_integer(value) && n > 0)
            URN_TRY(add_sized_table(r, name, json, (size_t)n, data, &own));
    }
    return URN_OK;
}

static urn_status add_members(const reader *r, json_t *json, urn_dataset *data,
                              const urn__io_options *options)
{
    int n_tables = 0;
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        double number;
        if (json_is_object(value) && json_object_size(value) > 0) {
            n_tables++;
            URN_TRY(add_table(r, name, value, data, options));
        } else if (json_is_array(value)) {
            URN_TRY(add_array(r, name, value, data));
        } else if (is_number(value, &number)) {
            URN_TRY(urn_dataset_add_scalar(data, name, number, r->error));
        } else {
            return fail_element(r, name, value, "", "a number, an array or a table");
        }
    }
    if (options && options->test_path && n_tables != 1)
        return urn__fail(r->error, URN_ERR_USAGE, r->path, NULL, "name the table: --data NAME=FILE",
                         "a test file needs one table to be appended to, this file has %d",
                         n_tables);
    return add_sized_tables(r, json, data, options);
}

urn_status urn__io_read_json(const char *path, const char *table, urn_dataset *data,
                             const urn__io_options *options, urn_error *error)
{
    const reader r = reader_of(path, urn__dataset_allocator(data), options, error);
    json_t *json = NULL;
    URN_TRY(load(&r, &json));
    const urn_status status = table && *table
                                  ? add_table(&r, table, only_table(json), data, options)
                                  : add_members(&r, json, data, options);
    json_decref(json);
    return status;
}

urn_status urn__io_read_json_text(const char *text, const char *name, urn_dataset *data,
                                  urn_error *error)
{
    const reader r = reader_of(name, urn__dataset_allocator(data), NULL, error);
    json_t *json = NULL;
    URN_TRY(parse(&r, text, strlen(text), &json));
    const urn_status status = add_members(&r, json, data, NULL);
    json_decref(json);
    return status;
}
