/* Names: a model's words for columns, what there is under a name, and the nearest to a wrong one.
 */
#include "dataset_parts.h"

#include <stdio.h>
#include <string.h>

int urn__dataset_table_named(const urn_dataset *data, const char *table)
{
    for (size_t i = 0; i < data->n_tables; i++)
        if (strcmp(data->tables[i].name, table) == 0)
            return (int)i;
    return -1;
}

int urn__dataset_table(const urn_dataset *data, const char *table)
{
    const int named = urn__dataset_table_named(data, table ? table : "");
    if (named >= 0)
        return named;
    return data->n_tables == 1 && !*data->tables[0].name ? 0 : -1;
}

urn__column *urn__dataset_find_column(const urn__table *table, const char *column)
{
    for (size_t i = 0; i < table->n_columns; i++)
        if (strcmp(table->columns[i].name, column) == 0)
            return &table->columns[i];
    return NULL;
}

const urn__entry *urn__dataset_find_entry(const urn_dataset *data, const char *name)
{
    for (size_t i = 0; i < data->n_entries; i++)
        if (strcmp(data->entries[i].name, name) == 0)
            return &data->entries[i];
    return NULL;
}

static urn__map *find_map(const urn_dataset *data, const char *name)
{
    for (size_t i = 0; i < data->n_maps; i++)
        if (strcmp(data->maps[i].name, name) == 0)
            return &data->maps[i];
    return NULL;
}

const char *urn__dataset_mapped(const urn_dataset *data, const char *name)
{
    const urn__map *map = find_map(data, name);
    return map ? map->column : name;
}

const char *urn__dataset_resolve(const urn_dataset *data, const char *name)
{
    urn__map *map = find_map(data, name);
    if (map)
        atomic_store_explicit(&map->used, true, memory_order_relaxed);
    return map ? map->column : name;
}

const char *urn_dataset_unused_map(const urn_dataset *data, int i)
{
    for (size_t k = 0; k < data->n_maps; k++)
        if (!atomic_load_explicit(&data->maps[k].used, memory_order_relaxed) && i-- == 0)
            return data->maps[k].name;
    return NULL;
}

/* ---- lists for messages ---- */

/* Adds ", name"; once it is full, the text ends in "..." */
static void add_name(char *text, size_t size, const char *name)
{
    const size_t used = strlen(text);
    const char *comma = used ? ", " : "";
    if (used + strlen(comma) + strlen(name) + 6 <= size)
        snprintf(text + used, size - used, "%s%s", comma, name);
    else if (used >= 3 && strcmp(text + used - 3, "...") != 0 && used + 6 <= size)
        snprintf(text + used, size - used, "%s...", comma);
}

void urn__dataset_text_list(const urn_dataset *data, int table, char *text, size_t size)
{
    const urn__table *t = &data->tables[table];
    text[0] = 0;
    for (size_t i = 0; i < t->n_columns; i++)
        add_name(text, size, t->columns[i].name);
}

void urn__dataset_list(const urn_dataset *data, char *text, size_t size)
{
    text[0] = 0;
    for (size_t i = 0; i < data->n_tables; i++) {
        if (*data->tables[i].name)
            add_name(text, size, data->tables[i].name);
        for (size_t k = 0; k < data->tables[i].n_columns; k++)
            add_name(text, size, data->tables[i].columns[k].name);
    }
    for (size_t i = 0; i < data->n_entries; i++)
        add_name(text, size, data->entries[i].name);
    if (!*text)
        add_name(text, size, "nothing");
}

void urn__dataset_call(const char *name, const char *column, char *text, size_t size)
{
    if (strcmp(name, column) == 0)
        snprintf(text, size, "column \"%s\"", column);
    else
        snprintf(text, size, "column \"%s\" (mapped from \"%s\")", column, name);
}

/* The name nearest to `name` among a table's columns, or among all columns and entries (table < 0).
 */
static const char *nearest(const urn_dataset *data, int table, const char *name)
{
    enum { MAX = 256 };
    const char *names[MAX];
    size_t n = 0;
    for (size_t i = 0; i < data->n_tables; i++)
        for (size_t k = 0; k < data->tables[i].n_columns && n < MAX; k++)
            if (table < 0 || (size_t)table == i)
                names[n++] = data->tables[i].columns[k].name;
    for (size_t i = 0; table < 0 && i < data->n_entries && n < MAX; i++)
        names[n++] = data->entries[i].name;
    return urn__nearest(name, names, n);
}

static urn_status no_column(const urn_dataset *data, int table, const char *name,
                            const char *column, urn_error *error)
{
    const urn__table *t = &data->tables[table];
    char list[640], hint[256], called[160];
    urn__dataset_text_list(data, table, list, sizeof list);
    urn__dataset_call(name, column, called, sizeof called);
    const char *near = nearest(data, table, column);
    if (near)
        snprintf(hint, sizeof hint, "did you mean \"%.60s\"? then give --map %.60s=%.60s", near,
                 name, near);
    else
        snprintf(hint, sizeof hint, "name the column to use with --map %.60s=COLUMN", name);
    return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, hint,
                     "there is no %s; the columns are: %s", called, *list ? list : "none");
}

urn__column *urn__dataset_require(const urn_dataset *data, int table, const char *name,
                                  urn_error *error)
{
    const char *column = urn__dataset_resolve(data, name);
    urn__column *found = urn__dataset_find_column(&data->tables[table], column);
    if (!found)
        no_column(data, table, name, column, error);
    return found;
}

urn_status urn_dataset_map(urn_dataset *data, const char *name, const char *column,
                           urn_error *error)
{
    if (!*name || !*column)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "write --map name=column",
                         "--map %s=%s: a name is missing", name, column);
    if (find_map(data, name))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL, "\"%s\" is mapped twice", name);
    bool known = data->n_tables + data->n_entries == 0 || urn__dataset_find_entry(data, column);
    for (size_t i = 0; i < data->n_tables && !known; i++)
        known = urn__dataset_find_column(&data->tables[i], column) != NULL;
    if (!known) {
        char list[640], hint[128] = "";
        urn__dataset_list(data, list, sizeof list);
        const char *near = nearest(data, -1, column);
        if (near)
            snprintf(hint, sizeof hint, "did you mean \"%.80s\"?", near);
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, *hint ? hint : NULL,
                         "--map %s=%s: the data have no \"%s\"; they have: %s", name, column,
                         column, list);
    }
    if (!urn__grow(data->allocator, (void **)&data->maps, sizeof *data->maps, &data->maps_capacity,
                   data->n_maps + 1))
        return urn__fail_memory(error, "the data", sizeof *data->maps);
    urn__map *map = &data->maps[data->n_maps];
    map->name = urn__dataset_strdup(data, name);
    map->column = urn__dataset_strdup(data, column);
    atomic_init(&map->used, false);
    if (!map->name || !map->column) {
        urn__free(data->allocator, map->name);
        urn__free(data->allocator, map->column);
        return urn__fail_memory(error, "the data", strlen(name) + strlen(column) + 2);
    }
    data->n_maps++;
    urn__dataset_forget(data);
    return URN_OK;
}
