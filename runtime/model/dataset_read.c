/* Reading a dataset: values, places, means, and the public look at what is there. */
#include "dataset_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int64_t urn__dataset_table_rows(const urn_dataset *data, int table)
{
    return data->tables[table].n_rows;
}

const unsigned char *urn__dataset_table_held_out(const urn_dataset *data, int table)
{
    return data->tables[table].held_out;
}

/* The file a row came from. */
static const urn__source *source_of(const urn__table *table, int64_t row)
{
    size_t i = table->n_sources - 1;
    while (i > 0 && table->sources[i].first_row > row)
        i--;
    return &table->sources[i];
}

int64_t urn__table_line(const urn__table *table, int64_t row)
{
    if (table->lines)
        return table->lines[row];
    const urn__source *source = source_of(table, row);
    return source->first_line > 0 ? source->first_line + (row - source->first_row) : 0;
}

void urn__dataset_where(const urn_dataset *data, int table, int64_t row, char *text, size_t size)
{
    const urn__table *t = &data->tables[table];
    const urn__source *source = source_of(t, row);
    const int64_t line = urn__table_line(t, row);
    const char *name = source->name ? source->name : "";
    if (*name && line > 0) {
        snprintf(text, size, "%s:%" PRId64, name, line);
        return;
    }
    snprintf(text, size, "%s%s%s%s%srow %" PRId64 " (from 0)", name, *name ? ", " : "",
             *t->name ? "table " : "", t->name, *t->name ? ", " : "", row - source->first_row);
}

void urn__column_format(const urn__column *column, int64_t row, char *text, size_t size)
{
    if (column->kind == URN__COLUMN_TEXT)
        snprintf(text, size, "\"%.120s\"", column->texts[row]);
    else if (column->ints)
        snprintf(text, size, "%" PRId64, column->ints[row]);
    else if (isnan(column->values[row]))
        snprintf(text, size, "NaN");
    else if (column->kind == URN__COLUMN_INT)
        snprintf(text, size, "%.0f", column->values[row]);
    else
        snprintf(text, size, "%.15g", column->values[row]);
}

static bool is_number(const char *text)
{
    char trimmed[64];
    const size_t blanks = strspn(text, " \t");
    size_t n = strlen(text + blanks);
    while (n > 0 && (text[blanks + n - 1] == ' ' || text[blanks + n - 1] == '\t'))
        n--;
    if (n == 0 || n >= sizeof trimmed)
        return false;
    memcpy(trimmed, text + blanks, n);
    trimmed[n] = 0;
    double value;
    return urn__parse_real(trimmed, &value);
}

/* A column of text was asked for as numbers: the first row that is none is to blame. */
static urn_status not_a_number(const urn_dataset *data, int table, const urn__column *column,
                               const char *called, urn_error *error)
{
    const int64_t n = data->tables[table].n_rows;
    char where[256], found[160];
    for (int64_t r = 0; r < n; r++) {
        if (is_number(column->texts[r]))
            continue;
        urn__dataset_where(data, table, r, where, sizeof where);
        if (column->texts[r][0])
            urn__column_format(column, r, found, sizeof found);
        else
            snprintf(found, sizeof found, "an empty field");
        return urn__fail(error, URN_ERR_DATA, where, NULL, NULL, "%s: found %s, expected a number",
                         called, found);
    }
    return urn__fail(error, URN_ERR_DATA, data->tables[table].sources[0].name, NULL, NULL,
                     "%s holds text, expected numbers", called);
}

const double *urn__dataset_column(const urn_dataset *data, int table, const char *column,
                                  urn_error *error)
{
    const urn__column *c = urn__dataset_require(data, table, column, error);
    if (!c)
        return NULL;
    char called[160], where[256], found[160];
    urn__dataset_call(column, c->name, called, sizeof called);
    if (c->kind == URN__COLUMN_TEXT) {
        not_a_number(data, table, c, called, error);
        return NULL;
    }
    const int64_t n = data->tables[table].n_rows;
    for (int64_t r = 0; c->kind == URN__COLUMN_REAL && r < n; r++) {
        if (isfinite(c->values[r]))
            continue;
        urn__dataset_where(data, table, r, where, sizeof where);
        urn__column_format(c, r, found, sizeof found);
        urn__fail(error, URN_ERR_DATA, where, NULL, "remove or repair this row",
                  "%s: found %s, expected a finite number", called, found);
        return NULL;
    }
    return c->values;
}

int urn__dataset_match(const urn_dataset *data, int table, const char *pattern, const char **names,
                       int max)
{
    const urn__table *t = &data->tables[table];
    const size_t length = strlen(pattern);
    const bool open = length > 0 && pattern[length - 1] == '*';
    const char *exact = open ? NULL : urn__dataset_resolve(data, pattern);
    int n = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        const char *name = t->columns[i].name;
        if (open ? strncmp(name, pattern, length - 1) != 0 : strcmp(name, exact) != 0)
            continue;
        if (n < max)
            names[n] = name;
        n++;
    }
    return n;
}

urn_status urn_dataset_set_mean(urn_dataset *data, const char *column, double mean,
                                urn_error *error)
{
    if (!urn__grow(data->allocator, (void **)&data->means, sizeof *data->means,
                   &data->means_capacity, data->n_means + 1))
        return urn__fail_memory(error, "the data", sizeof *data->means);
    urn__fixed_mean *fixed = &data->means[data->n_means];
    fixed->column = urn__dataset_strdup(data, column);
    if (!fixed->column)
        return urn__fail_memory(error, "the data", strlen(column) + 1);
    fixed->mean = mean;
    data->n_means++;
    return URN_OK;
}

urn_status urn__dataset_mean(const urn_dataset *data, int table, const char *column, double *mean,
                             urn_error *error)
{
    const char *name = urn__dataset_resolve(data, column);
    for (size_t i = data->n_means; i-- > 0;)
        if (strcmp(urn__dataset_mapped(data, data->means[i].column), name) == 0) {
            *mean = data->means[i].mean;
            return URN_OK;
        }
    const double *values = urn__dataset_column(data, table, column, error);
    if (!values)
        return URN_ERR_DATA;
    const urn__table *t = &data->tables[table];
    double sum = 0.0, lost = 0.0; /* compensated: the mean is used as data */
    int64_t n = 0;
    for (int64_t r = 0; r < t->n_rows; r++) {
        if (t->held_out && t->held_out[r])
            continue;
        const double next = sum + values[r];
        lost += fabs(sum) >= fabs(values[r]) ? (sum - next) + values[r] : (values[r] - next) + sum;
        sum = next;
        n++;
    }
    if (n == 0)
        return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, NULL,
                         "column \"%s\" has no training rows to take a mean of", name);
    *mean = (sum + lost) / (double)n;
    return URN_OK;
}

const double *urn__dataset_array(const urn_dataset *data, const char *name, int *rank,
                                 const int64_t **dims)
{
    const urn__entry *entry = urn__dataset_find_entry(data, urn__dataset_resolve(data, name));
    if (!entry)
        return NULL;
    *rank = entry->rank;
    *dims = entry->dims;
    return entry->values;
}

/* ---- the public look ---- */

static const urn__table *look(const urn_dataset *data, const char *table)
{
    const int i = data ? urn__dataset_table(data, table) : -1;
    return i < 0 ? NULL : &data->tables[i];
}

int64_t urn_dataset_rows(const urn_dataset *data, const char *table)
{
    const urn__table *t = look(data, table);
    return t ? t->n_rows : -1;
}

const double *urn_dataset_values(const urn_dataset *data, const char *table, const char *column)
{
    const urn__table *t = look(data, table);
    if (!t || !column)
        return NULL;
    const urn__column *c = urn__dataset_find_column(t, urn__dataset_mapped(data, column));
    return c ? c->values : NULL;
}

const char *urn_dataset_source(const urn_dataset *data, const char *table)
{
    const urn__table *t = look(data, table);
    return t ? t->sources[0].name : NULL;
}

const unsigned char *urn_dataset_held_out(const urn_dataset *data, const char *table)
{
    const urn__table *t = look(data, table);
    return t ? t->held_out : NULL;
}

int urn_dataset_table_count(const urn_dataset *data)
{
    return data ? (int)data->n_tables : -1;
}

const char *urn_dataset_table_name(const urn_dataset *data, int i)
{
    return data && i >= 0 && (size_t)i < data->n_tables ? data->tables[i].name : NULL;
}

int urn_dataset_column_count(const urn_dataset *data, const char *table)
{
    const urn__table *t = look(data, table);
    return t ? (int)t->n_columns : -1;
}

const char *urn_dataset_column_name(const urn_dataset *data, const char *table, int i)
{
    const urn__table *t = look(data, table);
    return t && i >= 0 && (size_t)i < t->n_columns ? t->columns[i].name : NULL;
}
