/* Building a dataset: tables, columns, entries, and what is said about them. */
#include "dataset_parts.h"

#include <math.h>
#include <string.h>

static const double exact_limit = 9007199254740992.0; /* 2^53 */

urn_dataset *urn_dataset_new(const urn_allocator *allocator)
{
    urn_dataset *data = urn__calloc(allocator, 1, sizeof *data);
    if (data)
        data->allocator = allocator;
    return data;
}

static void clear_column(const urn_allocator *allocator, urn__column *column)
{
    urn__free(allocator, column->name);
    urn__free(allocator, column->values);
    urn__free(allocator, column->ints);
    urn__free(allocator, column->texts);
    urn__free(allocator, column->blob);
}

static void clear_table(const urn_allocator *allocator, urn__table *table)
{
    for (size_t i = 0; i < table->n_columns; i++)
        clear_column(allocator, &table->columns[i]);
    for (size_t i = 0; i < table->n_sources; i++)
        urn__free(allocator, table->sources[i].name);
    urn__free(allocator, table->columns);
    urn__free(allocator, table->sources);
    urn__free(allocator, table->lines);
    urn__free(allocator, table->held_out);
    urn__free(allocator, table->name);
}

static void clear_known(const urn_allocator *allocator, urn__known *known)
{
    urn__free(allocator, known->column);
    urn__free(allocator, known->ints);
    urn__free(allocator, known->texts);
    urn__free(allocator, known->blob);
}

void urn_dataset_free(urn_dataset *data)
{
    if (!data)
        return;
    const urn_allocator *allocator = data->allocator;
    for (size_t i = 0; i < data->n_tables; i++)
        clear_table(allocator, &data->tables[i]);
    for (size_t i = 0; i < data->n_entries; i++) {
        urn__free(allocator, data->entries[i].name);
        urn__free(allocator, data->entries[i].values);
    }
    for (size_t i = 0; i < data->n_maps; i++) {
        urn__free(allocator, data->maps[i].name);
        urn__free(allocator, data->maps[i].column);
    }
    for (size_t i = 0; i < data->n_known; i++)
        clear_known(allocator, &data->known[i]);
    for (size_t i = 0; i < data->n_means; i++)
        urn__free(allocator, data->means[i].column);
    urn__free(allocator, data->tables);
    urn__free(allocator, data->entries);
    urn__free(allocator, data->maps);
    urn__free(allocator, data->known);
    urn__free(allocator, data->means);
    urn__free(allocator, data);
}

char *urn__dataset_strdup(const urn_dataset *data, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = urn__alloc(data->allocator, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* n elements, at least one, so that NULL always means failure. */
static void *array_of(const urn_dataset *data, int64_t n, size_t size)
{
    return urn__calloc(data->allocator, n > 0 ? (size_t)n : 1, size);
}

const char **urn__dataset_copy_texts(const urn_dataset *data, int64_t n, const char *const *texts,
                                     char **blob)
{
    size_t bytes = 1;
    for (int64_t i = 0; i < n; i++)
        bytes += strlen(texts[i]) + 1;
    const char **copy = array_of(data, n, sizeof *copy);
    char *at = urn__alloc(data->allocator, bytes);
    *blob = at;
    if (!copy || !at) {
        urn__free(data->allocator, copy);
        urn__free(data->allocator, at);
        *blob = NULL;
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) {
        const size_t size = strlen(texts[i]) + 1;
        memcpy(at, texts[i], size);
        copy[i] = at;
        at += size;
    }
    return copy;
}

static urn_status no_memory(int64_t bytes, urn_error *error)
{
    return urn__fail_memory(error, "the data", (size_t)(bytes > 0 ? bytes : 1));
}

static urn_status no_table(const urn_dataset *data, const char *table, urn_error *error)
{
    char list[512];
    urn__dataset_list(data, list, sizeof list);
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "there is no table \"%s\" in the data; there is: %s", table ? table : "",
                     list);
}

/* The table of that very name, or *error filled. */
static urn__table *table_of(urn_dataset *data, const char *name, urn_error *error)
{
    const int i = urn__dataset_table(data, name);
    if (i < 0)
        no_table(data, name, error);
    return i < 0 ? NULL : &data->tables[i];
}

urn_status urn_dataset_add_table(urn_dataset *data, const char *table, const char *source,
                                 int64_t n_rows, int64_t first_line, urn_error *error)
{
    const char *name = table ? table : "";
    if (n_rows < 0)
        return urn__fail(error, URN_ERR_USAGE, source, NULL, NULL,
                         "table \"%s\": the number of rows is %lld", name, (long long)n_rows);
    if (urn__dataset_table_named(data, name) >= 0)
        return urn__fail(
            error, URN_ERR_DATA, source, NULL, "give each file a name of its own: --data NAME=FILE",
            *name ? "there are two tables called \"%s\"" : "there are two tables without a name%s",
            name);
    if (!urn__grow(data->allocator, (void **)&data->tables, sizeof *data->tables,
                   &data->tables_capacity, data->n_tables + 1))
        return no_memory((int64_t)(2 * sizeof *data->tables * data->n_tables), error);
    urn__table *added = &data->tables[data->n_tables];
    *added = (urn__table){.n_rows = n_rows, .name = urn__dataset_strdup(data, name)};
    const bool grown = urn__grow(data->allocator, (void **)&added->sources, sizeof *added->sources,
                                 &added->sources_capacity, 1);
    if (grown) {
        added->n_sources = 1;
        added->sources[0] = (urn__source){.name = source ? urn__dataset_strdup(data, source) : NULL,
                                          .first_line = first_line};
    }
    if (!added->name || !grown || (source && !added->sources[0].name)) {
        clear_table(data->allocator, added);
        return no_memory(256, error);
    }
    data->n_tables++;
    return URN_OK;
}

/* Room for one more column under a name that is new: zeroed but for the name, and not yet counted.
 */
static urn_status new_column(urn_dataset *data, const char *table, const char *name,
                             urn__table **owner, urn__column **column, urn_error *error)
{
    urn__table *t = table_of(data, table, error);
    if (!t)
        return URN_ERR_USAGE;
    if (!name || !*name)
        return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, NULL,
                         "a column without a name");
    if (urn__dataset_find_column(t, name))
        return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, NULL,
                         "there are two columns called \"%s\"", name);
    if (!urn__grow(data->allocator, (void **)&t->columns, sizeof *t->columns, &t->columns_capacity,
                   t->n_columns + 1))
        return no_memory(256, error);
    urn__column *c = &t->columns[t->n_columns];
    *c = (urn__column){.name = urn__dataset_strdup(data, name)};
    if (!c->name)
        return no_memory(256, error);
    *owner = t;
    *column = c;
    return URN_OK;
}

static urn_status keep_column(urn_dataset *data, urn__table *table, urn__column *column, bool ok,
                              urn_error *error)
{
    if (!ok) {
        clear_column(data->allocator, column);
        return no_memory(table->n_rows * (int64_t)sizeof(double), error);
    }
    table->n_columns++;
    return URN_OK;
}

urn_status urn_dataset_add_real(urn_dataset *data, const char *table, const char *column,
                                const double *values, urn_error *error)
{
    urn__table *t = NULL;
    urn__column *c = NULL;
    URN_TRY(new_column(data, table, column, &t, &c, error));
    c->kind = URN__COLUMN_REAL;
    c->values = array_of(data, t->n_rows, sizeof *values);
    if (c->values && t->n_rows)
        memcpy(c->values, values, (size_t)t->n_rows * sizeof *values);
    return keep_column(data, t, c, c->values != NULL, error);
}

urn_status urn_dataset_add_int(urn_dataset *data, const char *table, const char *column,
                               const int64_t *values, urn_error *error)
{
    urn__table *t = NULL;
    urn__column *c = NULL;
    URN_TRY(new_column(data, table, column, &t, &c, error));
    c->kind = URN__COLUMN_INT;
    c->values = array_of(data, t->n_rows, sizeof *c->values);
    bool ok = c->values != NULL, exact = true;
    for (int64_t r = 0; ok && r < t->n_rows; r++) {
        c->values[r] = (double)values[r];
        exact = exact && fabs(c->values[r]) < exact_limit;
    }
    if (ok && !exact) {
        c->ints = array_of(data, t->n_rows, sizeof *c->ints);
        ok = c->ints != NULL;
        if (ok)
            memcpy(c->ints, values, (size_t)t->n_rows * sizeof *values);
    }
    return keep_column(data, t, c, ok, error);
}

urn_status urn_dataset_add_text(urn_dataset *data, const char *table, const char *column,
                                const char *const *values, urn_error *error)
{
    urn__table *t = NULL;
    urn__column *c = NULL;
    URN_TRY(new_column(data, table, column, &t, &c, error));
    c->kind = URN__COLUMN_TEXT;
    c->texts = urn__dataset_copy_texts(data, t->n_rows, values, &c->blob);
    return keep_column(data, t, c, c->texts != NULL, error);
}

urn_status urn_dataset_set_lines(urn_dataset *data, const char *table, const int64_t *lines,
                                 urn_error *error)
{
    urn__table *t = table_of(data, table, error);
    if (!t)
        return URN_ERR_USAGE;
    int64_t *copy = array_of(data, t->n_rows, sizeof *copy);
    if (!copy)
        return no_memory(t->n_rows * (int64_t)sizeof *copy, error);
    if (t->n_rows)
        memcpy(copy, lines, (size_t)t->n_rows * sizeof *copy);
    urn__free(data->allocator, t->lines);
    t->lines = copy;
    return URN_OK;
}

urn_status urn_dataset_set_source(urn_dataset *data, const char *table, int64_t first_row,
                                  const char *source, int64_t first_line, urn_error *error)
{
    urn__table *t = table_of(data, table, error);
    if (!t)
        return URN_ERR_USAGE;
    if (first_row <= t->sources[t->n_sources - 1].first_row || first_row > t->n_rows)
        return urn__fail(error, URN_ERR_USAGE, source, NULL, NULL,
                         "a file's rows cannot start at row %lld", (long long)first_row);
    if (!urn__grow(data->allocator, (void **)&t->sources, sizeof *t->sources, &t->sources_capacity,
                   t->n_sources + 1))
        return no_memory(256, error);
    char *copy = source ? urn__dataset_strdup(data, source) : NULL;
    if (source && !copy)
        return no_memory(256, error);
    t->sources[t->n_sources++] =
        (urn__source){.name = copy, .first_row = first_row, .first_line = first_line};
    return URN_OK;
}

urn_status urn_dataset_set_held_out(urn_dataset *data, const char *table,
                                    const unsigned char *held_out, urn_error *error)
{
    urn__table *t = table_of(data, table, error);
    if (!t)
        return URN_ERR_USAGE;
    unsigned char *copy = NULL;
    if (t->n_rows && memchr(held_out, 1, (size_t)t->n_rows)) {
        copy = array_of(data, t->n_rows, 1);
        if (!copy)
            return no_memory(t->n_rows, error);
        for (int64_t r = 0; r < t->n_rows; r++)
            copy[r] = held_out[r] != 0;
    }
    urn__free(data->allocator, t->held_out);
    t->held_out = copy;
    return URN_OK;
}

urn_status urn_dataset_add_array(urn_dataset *data, const char *name, int rank, const int64_t *dims,
                                 const double *values, urn_error *error)
{
    if (rank < 0 || rank > URN__ENTRY_MAX_RANK)
        return urn__fail(error, URN_ERR_DATA, NULL, NULL, NULL,
                         "\"%s\" has %d dimensions, at most %d are possible", name, rank,
                         URN__ENTRY_MAX_RANK);
    if (urn__dataset_find_entry(data, name))
        return urn__fail(error, URN_ERR_DATA, NULL, NULL, NULL, "\"%s\" is in the data twice",
                         name);
    int64_t size = 1;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || (dims[i] > 0 && size > INT64_MAX / dims[i] / 8))
            return urn__fail(error, URN_ERR_DATA, NULL, NULL, NULL, "\"%s\": dimension %d is %lld",
                             name, i + 1, (long long)dims[i]);
        else
            size *= dims[i];
    if (!urn__grow(data->allocator, (void **)&data->entries, sizeof *data->entries,
                   &data->entries_capacity, data->n_entries + 1))
        return no_memory(256, error);
    urn__entry *entry = &data->entries[data->n_entries];
    *entry = (urn__entry){.rank = rank,
                          .name = urn__dataset_strdup(data, name),
                          .values = array_of(data, size, sizeof *values)};
    if (!entry->name || !entry->values) {
        urn__free(data->allocator, entry->name);
        urn__free(data->allocator, entry->values);
        return no_memory(size * (int64_t)sizeof *values, error);
    }
    for (int i = 0; i < rank; i++)
        entry->dims[i] = dims[i];
    if (size)
        memcpy(entry->values, values, (size_t)size * sizeof *values);
    data->n_entries++;
    return URN_OK;
}

urn_status urn_dataset_add_scalar(urn_dataset *data, const char *name, double value,
                                  urn_error *error)
{
    return urn_dataset_add_array(data, name, 0, NULL, &value, error);
}
