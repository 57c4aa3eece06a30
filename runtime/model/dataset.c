/* Building a dataset: tables, columns, entries, and what is said about them. */
#include "dataset_parts.h"

#include <math.h>
#include <string.h>

urn_dataset *urn_dataset_new(const urn_allocator *allocator)
{
    urn_dataset *data = urn__calloc(allocator, 1, sizeof *data);
    urn__lookups *lookups = urn__calloc(allocator, 1, sizeof *lookups);
    if (!data || !lookups || pthread_mutex_init(&lookups->lock, NULL) != 0) {
        urn__free(allocator, data);
        urn__free(allocator, lookups);
        return NULL;
    }
    data->allocator = allocator;
    data->lookups = lookups;
    return data;
}

static void clear_table(const urn_allocator *allocator, urn__table *table)
{
    for (size_t i = 0; i < table->n_columns; i++)
        urn__column_clear(allocator, &table->columns[i]);
    for (size_t i = 0; i < table->n_sources; i++)
        urn__free(allocator, table->sources[i].name);
    urn__free(allocator, table->columns);
    urn__free(allocator, table->sources);
    urn__free(allocator, table->lines.run);
    urn__free(allocator, table->held_out);
    urn__free(allocator, table->n_held_out);
    urn__free(allocator, table->flags);
    urn__free(allocator, table->name);
}

static void clear_lookups(const urn_allocator *allocator, urn__lookups *lookups)
{
    for (size_t i = 0; i < lookups->n_sets; i++) {
        urn__free(allocator, lookups->sets[i].column);
        urn__labels_release(lookups->sets[i].labels);
    }
    urn__free(allocator, lookups->sets);
    pthread_mutex_destroy(&lookups->lock);
    urn__free(allocator, lookups);
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
    for (size_t i = 0; i < data->n_known; i++) {
        urn__free(allocator, data->known[i].column);
        urn__labels_release(data->known[i].labels);
    }
    for (size_t i = 0; i < data->n_means; i++)
        urn__free(allocator, data->means[i].column);
    urn__free(allocator, data->tables);
    urn__free(allocator, data->entries);
    urn__free(allocator, data->maps);
    urn__free(allocator, data->known);
    urn__free(allocator, data->means);
    clear_lookups(allocator, data->lookups);
    urn__free(allocator, data);
}

const urn_allocator *urn__dataset_allocator(const urn_dataset *data)
{
    return data->allocator;
}

void urn__dataset_lock(const urn_dataset *data)
{
    pthread_mutex_lock(&data->lookups->lock);
}

void urn__dataset_unlock(const urn_dataset *data)
{
    pthread_mutex_unlock(&data->lookups->lock);
}

void urn__dataset_forget(urn_dataset *data)
{
    urn__lookups *lookups = data->lookups;
    for (size_t i = 0; i < lookups->n_sets; i++) {
        urn__free(data->allocator, lookups->sets[i].column);
        urn__labels_release(lookups->sets[i].labels);
    }
    lookups->n_sets = 0;
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

urn__table *urn__dataset_table_of(urn_dataset *data, const char *name, urn_error *error)
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
    if (n_rows >= INT32_MAX) /* places are 32 bit */
        return urn__fail(error, URN_ERR_DATA, source, NULL, NULL,
                         "table \"%s\" has %lld rows; at most %d are possible", name,
                         (long long)n_rows, INT32_MAX - 1);
    if (urn__dataset_table_named(data, name) >= 0)
        return urn__fail(
            error, URN_ERR_DATA, source, NULL, "give each file a name of its own: --data NAME=FILE",
            *name ? "there are two tables called \"%s\"" : "there are two tables without a name%s",
            name);
    if (!urn__grow(data->allocator, (void **)&data->tables, sizeof *data->tables,
                   &data->tables_capacity, data->n_tables + 1))
        return no_memory((int64_t)(2 * sizeof *data->tables * data->n_tables), error);
    urn__table *added = &data->tables[data->n_tables];
    *added = (urn__table){
        .n_rows = n_rows, .n_training = n_rows, .name = urn__dataset_strdup(data, name)};
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

/* ---- columns ---- */

static urn_status check_name(const urn__table *t, const char *name, urn_error *error)
{
    if (!name || !*name)
        return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, NULL,
                         "a column without a name");
    if (urn__dataset_find_column(t, name))
        return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, NULL,
                         "there are two columns called \"%s\"", name);
    return URN_OK;
}

/* Takes over the stores of `made`, on failure too; they are by row. */
static urn_status add_column(urn_dataset *data, const char *table, const char *name,
                             urn__column made, urn_error *error)
{
    urn__table *t = urn__dataset_table_of(data, table, error);
    urn_status status = t ? check_name(t, name, error) : URN_ERR_USAGE;
    made.name = status == URN_OK ? urn__dataset_strdup(data, name) : NULL;
    if (status == URN_OK && (!made.name || !urn__table_to_places(data, t, &made) ||
                             !urn__grow(data->allocator, (void **)&t->columns, sizeof *t->columns,
                                        &t->columns_capacity, t->n_columns + 1)))
        status = no_memory(t->n_rows * (int64_t)sizeof(double), error);
    if (status != URN_OK) {
        urn__column_clear(data->allocator, &made);
        return status;
    }
    urn__dataset_forget(data);
    t->columns[t->n_columns++] = made;
    return URN_OK;
}

urn_status urn__dataset_take_numbers(urn_dataset *data, const char *table, const char *column,
                                     urn__numbers *numbers, bool whole, urn_error *error)
{
    const urn__column made = {.kind = whole ? URN__COLUMN_INT : URN__COLUMN_REAL,
                              .numbers = numbers};
    return numbers ? add_column(data, table, column, made, error) : no_memory(8, error);
}

urn_status urn__dataset_take_texts(urn_dataset *data, const char *table, const char *column,
                                   int32_t *codes, urn__dictionary *texts, urn_error *error)
{
    const urn__table *t = urn__dataset_table_of(data, table, error);
    urn__labels *labels = t ? urn__labels_of_texts(data->allocator, texts) : NULL;
    urn__column made = {.kind = URN__COLUMN_TEXT};
    if (labels)
        made.codes = urn__codes_new(data->allocator, t->n_rows, codes, labels, labels->n);
    urn__labels_release(labels);
    if (made.codes)
        return add_column(data, table, column, made, error);
    urn__dictionary_clear(texts);
    urn__free(data->allocator, codes);
    return t ? no_memory(t->n_rows * (int64_t)sizeof *codes, error) : URN_ERR_USAGE;
}

/* The rows of a table that a column may be added to. */
static urn_status rows_for(urn_dataset *data, const char *table, const char *column, int64_t *n,
                           urn_error *error)
{
    const urn__table *t = urn__dataset_table_of(data, table, error);
    *n = t ? t->n_rows : 0;
    return t ? check_name(t, column, error) : URN_ERR_USAGE;
}

urn_status urn_dataset_add_real(urn_dataset *data, const char *table, const char *column,
                                const double *values, urn_error *error)
{
    int64_t n;
    URN_TRY(rows_for(data, table, column, &n, error));
    urn__numbers *numbers = urn__numbers_of_doubles(data->allocator, n, values);
    return urn__dataset_take_numbers(data, table, column, numbers, false, error);
}

urn_status urn_dataset_add_int(urn_dataset *data, const char *table, const char *column,
                               const int64_t *values, urn_error *error)
{
    int64_t n;
    URN_TRY(rows_for(data, table, column, &n, error));
    urn__numbers *numbers = urn__numbers_of_ints(data->allocator, n, values);
    return urn__dataset_take_numbers(data, table, column, numbers, true, error);
}

urn_status urn_dataset_add_text(urn_dataset *data, const char *table, const char *column,
                                const char *const *values, urn_error *error)
{
    int64_t n;
    URN_TRY(rows_for(data, table, column, &n, error));
    urn__dictionary texts;
    urn__dictionary_init(&texts, data->allocator);
    int32_t *codes = array_of(data, n, sizeof *codes);
    bool ok = codes != NULL;
    for (int64_t r = 0; ok && r < n; r++) {
        codes[r] = urn__dictionary_add(&texts, values[r], strlen(values[r]));
        ok = codes[r] >= 0;
    }
    if (ok)
        return urn__dataset_take_texts(data, table, column, codes, &texts, error);
    urn__dictionary_clear(&texts);
    urn__free(data->allocator, codes);
    return no_memory(n * (int64_t)sizeof *codes, error);
}

/* ---- where rows come from ---- */

urn_status urn__dataset_take_lines(urn_dataset *data, const char *table, urn__lines *lines,
                                   urn_error *error)
{
    urn__table *t = urn__dataset_table_of(data, table, error);
    if (t) {
        urn__free(data->allocator, t->lines.run);
        t->lines = *lines;
    } else {
        urn__free(data->allocator, lines->run);
    }
    *lines = (urn__lines){0};
    return t ? URN_OK : URN_ERR_USAGE;
}

urn_status urn_dataset_set_lines(urn_dataset *data, const char *table, const int64_t *lines,
                                 urn_error *error)
{
    const urn__table *t = urn__dataset_table_of(data, table, error);
    if (!t)
        return URN_ERR_USAGE;
    urn__lines made = {0};
    for (int64_t r = 0; r < t->n_rows; r++)
        if (!urn__lines_add(data->allocator, &made, r, lines[r])) {
            urn__free(data->allocator, made.run);
            return no_memory(t->n_rows * (int64_t)sizeof *made.run, error);
        }
    return urn__dataset_take_lines(data, table, &made, error);
}

urn_status urn_dataset_set_source(urn_dataset *data, const char *table, int64_t first_row,
                                  const char *source, int64_t first_line, urn_error *error)
{
    urn__table *t = urn__dataset_table_of(data, table, error);
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
