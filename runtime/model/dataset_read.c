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

int64_t urn__dataset_held_out_count(const urn_dataset *data, int table)
{
    return data->tables[table].n_rows - data->tables[table].n_training;
}

urn__view urn__dataset_view(const urn_dataset *data, int table, urn_rows rows)
{
    const urn__table *t = &data->tables[table];
    if (rows == URN_ROWS_TRAINING)
        return (urn__view){.n = t->n_training};
    if (rows == URN_ROWS_HELD_OUT)
        return (urn__view){.first = t->n_training, .n = t->n_rows - t->n_training};
    return (urn__view){.n = t->n_rows, .by_row = t->held_out != NULL};
}

int64_t urn__dataset_row(const urn_dataset *data, int table, const urn__view *view, int64_t i)
{
    return view->by_row ? i : urn__table_row(&data->tables[table], view->first + i);
}

/* ---- values ---- */

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
        const int64_t place = urn__table_place(&data->tables[table], r);
        if (is_number(urn__column_text(column, place)))
            continue;
        urn__dataset_where(data, table, r, where, sizeof where);
        if (*urn__column_text(column, place))
            urn__column_format(column, place, found, sizeof found);
        else
            snprintf(found, sizeof found, "an empty field");
        return urn__fail(error, URN_ERR_DATA, where, NULL, NULL, "%s: found %s, expected a number",
                         called, found);
    }
    return urn__fail(error, URN_ERR_DATA, data->tables[table].sources[0].name, NULL, NULL,
                     "%s holds text, expected numbers", called);
}

/* The first row whose value is not finite is to blame; there is one. */
static urn_status not_finite(const urn_dataset *data, int table, const urn__column *column,
                             const char *called, urn_error *error)
{
    char where[256], found[160];
    const urn__table *t = &data->tables[table];
    int64_t row = 0;
    while (row + 1 < t->n_rows && isfinite(urn__column_real(column, urn__table_place(t, row))))
        row++;
    urn__dataset_where(data, table, row, where, sizeof where);
    urn__column_format(column, urn__table_place(t, row), found, sizeof found);
    return urn__fail(error, URN_ERR_DATA, where, NULL, "remove or repair this row",
                     "%s: found %s, expected a finite number", called, found);
}

enum { BLOCK = 1024 };

static bool all_finite(const urn__column *column, int64_t n)
{
    double values[BLOCK];
    for (int64_t p = 0; p < n; p += BLOCK) {
        const int64_t size = n - p < BLOCK ? n - p : BLOCK;
        double worst = 0.0; /* NaN or infinite once one of them is */
        urn__numbers_read(column->numbers, p, size, values);
        for (int64_t i = 0; i < size; i++)
            worst += values[i] - values[i];
        if (!(worst == 0.0))
            return false;
    }
    return true;
}

/* A column that has finite numbers, or NULL with *error filled. */
static urn__column *finite_column(const urn_dataset *data, int table, const char *column,
                                  urn_error *error)
{
    urn__column *c = urn__dataset_require(data, table, column, error);
    if (!c)
        return NULL;
    char called[160];
    urn__dataset_call(column, c->name, called, sizeof called);
    if (c->kind == URN__COLUMN_TEXT) {
        not_a_number(data, table, c, called, error);
        return NULL;
    }
    if (!urn__column_make_numbers(data, c)) {
        urn__fail_memory(error, c->name, (size_t)data->tables[table].n_rows * sizeof(double));
        return NULL;
    }
    c->finite =
        c->finite || c->kind == URN__COLUMN_INT || all_finite(c, data->tables[table].n_rows);
    if (!c->finite)
        not_finite(data, table, c, called, error);
    return c->finite ? c : NULL;
}

static void release_numbers(void *numbers)
{
    urn__numbers_release(numbers);
}

urn__numbers *urn__dataset_numbers(const urn_dataset *data, int table, const char *column,
                                   urn__arena *arena, urn_error *error)
{
    urn__dataset_lock(data);
    const urn__column *c = finite_column(data, table, column, error);
    urn__numbers *numbers = c ? urn__numbers_share(c->numbers) : NULL;
    urn__dataset_unlock(data);
    if (!numbers || urn__arena_keep(arena, numbers, release_numbers))
        return numbers;
    urn__fail_memory(error, column, sizeof(double));
    return NULL;
}

/* Values by row, held from now on; NULL: out of memory. */
static const double *shown_values(const urn_dataset *data, const urn__table *t, urn__column *c)
{
    if (c->shown)
        return urn__numbers_doubles(c->shown);
    if (!urn__column_make_numbers(data, c))
        return NULL;
    if (!t->held_out) {
        c->shown = urn__numbers_share(c->numbers);
        return urn__numbers_doubles(c->shown);
    }
    const size_t n = t->n_rows ? (size_t)t->n_rows : 1;
    double *values = urn__alloc(data->allocator, n * sizeof *values);
    for (int64_t r = 0; values && r < t->n_rows; r++)
        urn__numbers_read(c->numbers, urn__table_place(t, r), 1, &values[r]);
    c->shown = values ? urn__numbers_new(data->allocator, URN__DOUBLE, t->n_rows, values) : NULL;
    if (!c->shown)
        urn__free(data->allocator, values);
    return c->shown ? values : NULL;
}

const double *urn__dataset_column(const urn_dataset *data, int table, const char *column,
                                  urn_error *error)
{
    urn__dataset_lock(data);
    urn__column *c = finite_column(data, table, column, error);
    const double *values = c ? shown_values(data, &data->tables[table], c) : NULL;
    urn__dataset_unlock(data);
    if (c && !values)
        urn__fail_memory(error, column, (size_t)data->tables[table].n_rows * sizeof *values);
    return values;
}

bool urn__dataset_number(const urn_dataset *data, int table, const char *column, int64_t row,
                         double *number)
{
    const urn__table *t = &data->tables[table];
    urn__column *c = urn__dataset_find_column(t, column);
    if (!c || c->kind == URN__COLUMN_TEXT)
        return false;
    urn__dataset_lock(data);
    const int64_t place = urn__table_place(t, row);
    if (c->numbers)
        urn__numbers_read(c->numbers, place, 1, number);
    else
        *number = (double)c->codes->labels->ints[c->codes->code[place]];
    urn__dataset_unlock(data);
    return true;
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

/* The training rows' places come first. Compensated (Neumaier): the mean is used as data. */
static double compensated_sum(urn__numbers *numbers, int64_t n)
{
    double sum = 0.0, lost = 0.0, values[BLOCK];
    for (int64_t i = 0; i < n; i++) {
        if (i % BLOCK == 0)
            urn__numbers_read(numbers, i, n - i < BLOCK ? n - i : BLOCK, values);
        const double value = values[i % BLOCK], next = sum + value;
        lost += fabs(sum) >= fabs(value) ? (sum - next) + value : (value - next) + sum;
        sum = next;
    }
    return sum + lost;
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
    const urn__table *t = &data->tables[table];
    urn__dataset_lock(data);
    const urn__column *c = finite_column(data, table, column, error);
    urn__numbers *numbers = c ? urn__numbers_share(c->numbers) : NULL;
    urn__dataset_unlock(data);
    if (!numbers)
        return error ? error->status : URN_ERR_DATA;
    const double sum = compensated_sum(numbers, t->n_training);
    urn__numbers_release(numbers);
    if (t->n_training == 0)
        return urn__fail(error, URN_ERR_DATA, t->sources[0].name, NULL, NULL,
                         "column \"%s\" has no training rows to take a mean of", name);
    *mean = sum / (double)t->n_training;
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
    urn__column *c = urn__dataset_find_column(t, urn__dataset_mapped(data, column));
    if (!c || c->kind == URN__COLUMN_TEXT)
        return NULL;
    urn__dataset_lock(data);
    const double *values = shown_values(data, t, c);
    urn__dataset_unlock(data);
    return values;
}

const char *urn_dataset_source(const urn_dataset *data, const char *table)
{
    const urn__table *t = look(data, table);
    return t ? t->sources[0].name : NULL;
}

const unsigned char *urn_dataset_held_out(const urn_dataset *data, const char *table)
{
    const int i = data ? urn__dataset_table(data, table) : -1;
    urn__table *t = i < 0 ? NULL : &data->tables[i];
    if (!t || t->n_training == t->n_rows)
        return NULL;
    urn__dataset_lock(data);
    if (!t->flags && (t->flags = urn__alloc(data->allocator, (size_t)t->n_rows)))
        urn__table_flags(t, t->flags);
    urn__dataset_unlock(data);
    return t->flags;
}

size_t urn_dataset_memory(const urn_dataset *data)
{
    size_t bytes = 0;
    if (!data)
        return 0;
    urn__dataset_lock(data);
    for (size_t i = 0; i < data->n_tables; i++)
        bytes += urn__table_bytes(&data->tables[i]);
    for (size_t i = 0; i < data->n_entries; i++) {
        size_t n = 1;
        for (int k = 0; k < data->entries[i].rank; k++)
            n *= (size_t)data->entries[i].dims[k];
        bytes += n * sizeof(double);
    }
    urn__dataset_unlock(data);
    return bytes;
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
