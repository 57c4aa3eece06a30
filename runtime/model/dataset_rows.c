/* Rows that repeat: finding them, and merging them. */
#include "dataset_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_KEY_COLUMNS = 16 };

/* The columns that identify a row. */
typedef struct key {
    const urn__table *table;
    int n;
    const urn__column *columns[MAX_KEY_COLUMNS];
} key;

/* Reads "user,item". */
static urn_status parse_columns(const urn_dataset *data, int table, const char *columns, key *k,
                                urn_error *error)
{
    *k = (key){.table = &data->tables[table]};
    for (const char *p = columns; *p;) {
        const char *start = p + strspn(p, " ,");
        size_t n = strcspn(start, ",");
        p = start + n;
        while (n > 0 && start[n - 1] == ' ')
            n--;
        if (n == 0)
            continue;
        char name[128];
        if (n >= sizeof name || k->n == MAX_KEY_COLUMNS)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                             "\"%s\": at most %d column names of %zu letters are possible", columns,
                             MAX_KEY_COLUMNS, sizeof name - 1);
        memcpy(name, start, n);
        name[n] = 0;
        k->columns[k->n] = urn__dataset_require(data, table, name, error);
        if (!k->columns[k->n++])
            return URN_ERR_DATA;
    }
    if (k->n == 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "no columns are named that identify a row");
    return URN_OK;
}

/* Held-out rows are compared among themselves: a test row may repeat a training row. */
static uint64_t hash_row(const key *k, int64_t row)
{
    uint64_t h = k->table->held_out ? k->table->held_out[row] : 0;
    for (int i = 0; i < k->n; i++) {
        const urn__column *c = k->columns[i];
        if (c->kind == URN__COLUMN_TEXT) {
            h = urn__hash_text(h, c->texts[row]);
        } else if (c->ints) {
            h = urn__hash_u64(h, (uint64_t)c->ints[row]);
        } else {
            const double value = c->values[row] + 0.0; /* one zero */
            uint64_t bits;
            memcpy(&bits, &value, sizeof bits);
            h = urn__hash_u64(h, bits);
        }
    }
    return h;
}

static bool same_row(const key *k, int64_t a, int64_t b)
{
    if (k->table->held_out && k->table->held_out[a] != k->table->held_out[b])
        return false;
    for (int i = 0; i < k->n; i++) {
        const urn__column *c = k->columns[i];
        if (c->kind == URN__COLUMN_TEXT ? strcmp(c->texts[a], c->texts[b]) != 0
            : c->ints                   ? c->ints[a] != c->ints[b]
                                        : c->values[a] != c->values[b])
            return false;
    }
    return true;
}

/* Tells, for one row after the other, the first row that is like it. */
typedef struct seen {
    uint32_t *slots; /* row + 1, 0 empty */
    size_t n_slots;  /* a power of two */
} seen;

static bool seen_init(seen *s, const urn_allocator *allocator, int64_t n_rows)
{
    *s = (seen){.n_slots = 16};
    while (s->n_slots < 2 * (size_t)n_rows)
        s->n_slots *= 2;
    s->slots = n_rows < UINT32_MAX ? urn__calloc(allocator, s->n_slots, sizeof *s->slots) : NULL;
    return s->slots != NULL;
}

static int64_t seen_first(seen *s, const key *k, int64_t row)
{
    size_t at = (size_t)hash_row(k, row) & (s->n_slots - 1);
    while (s->slots[at] && !same_row(k, (int64_t)s->slots[at] - 1, row))
        at = (at + 1) & (s->n_slots - 1);
    if (!s->slots[at])
        s->slots[at] = (uint32_t)(row + 1);
    return (int64_t)s->slots[at] - 1;
}

static urn_status repeated(const urn_dataset *data, int table, const key *k, int64_t row,
                           int64_t first, urn_error *error)
{
    char here[256], there[256], names[160] = "", values[320] = "";
    urn__dataset_where(data, table, row, here, sizeof here);
    urn__dataset_where(data, table, first, there, sizeof there);
    for (int i = 0; i < k->n; i++) {
        char value[160];
        urn__column_format(k->columns[i], row, value, sizeof value);
        const size_t n = strlen(names), v = strlen(values);
        snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", k->columns[i]->name);
        snprintf(values + v, sizeof values - v, "%s%s", i ? ", " : "", value);
    }
    return urn__fail(error, URN_ERR_DATA, here, NULL,
                     "keep one of them, or merge such rows with --duplicates mean or "
                     "--duplicates last",
                     "(%s) = (%s) stands in %s already; the model takes each combination once",
                     names, values, there);
}

urn_status urn__dataset_check_unique(const urn_dataset *data, int table, const char *columns,
                                     urn_error *error)
{
    key k;
    URN_TRY(parse_columns(data, table, columns, &k, error));
    const int64_t n = data->tables[table].n_rows;
    seen s;
    if (!seen_init(&s, data->allocator, n))
        return urn__fail_memory(error, "the check for repeated rows", s.n_slots * sizeof *s.slots);
    urn_status status = URN_OK;
    for (int64_t r = 0; r < n && status == URN_OK; r++) {
        const int64_t first = seen_first(&s, &k, r);
        if (first != r)
            status = repeated(data, table, &k, r, first, error);
    }
    urn__free(data->allocator, s.slots);
    return status;
}

/* ---- merging ---- */

/* Where the rows go. */
typedef struct plan {
    int64_t *first;  /* per row: the first row like it */
    int64_t *count;  /* per first row: how many there are */
    int64_t *keeper; /* per first row: the row whose place the merged one takes */
    int64_t *lines;
    double *sums;
    unsigned char *differs; /* per first row: whether the values of one column do */
} plan;

static bool plan_init(plan *p, const urn_dataset *data, const key *k)
{
    const urn_allocator *allocator = data->allocator;
    const size_t n = k->table->n_rows ? (size_t)k->table->n_rows : 1;
    seen s;
    p->first = urn__calloc(allocator, n, sizeof *p->first);
    p->count = urn__calloc(allocator, n, sizeof *p->count);
    p->keeper = urn__calloc(allocator, n, sizeof *p->keeper);
    p->lines = urn__calloc(allocator, n, sizeof *p->lines);
    p->sums = urn__calloc(allocator, n, sizeof *p->sums);
    p->differs = urn__calloc(allocator, n, 1);
    if (!p->first || !p->count || !p->keeper || !p->lines || !p->sums || !p->differs ||
        !seen_init(&s, allocator, k->table->n_rows))
        return false;
    for (int64_t r = 0; r < k->table->n_rows; r++) {
        p->first[r] = seen_first(&s, k, r);
        p->count[p->first[r]]++;
    }
    urn__free(allocator, s.slots);
    return true;
}

static void plan_clear(plan *p, const urn_allocator *allocator)
{
    urn__free(allocator, p->first);
    urn__free(allocator, p->count);
    urn__free(allocator, p->keeper);
    urn__free(allocator, p->lines);
    urn__free(allocator, p->sums);
    urn__free(allocator, p->differs);
}

static bool same_value(const urn__column *c, int64_t a, int64_t b)
{
    return c->ints ? c->ints[a] == c->ints[b] : c->values[a] == c->values[b];
}

/* Puts the mean of each group into the row that stays; where all its values are equal they are the
 * mean, without rounding. A column of integers whose means are not whole becomes real. */
static void average(urn__column *c, plan *p, int64_t n_rows, const urn_allocator *allocator)
{
    memset(p->sums, 0, (size_t)n_rows * sizeof *p->sums);
    memset(p->differs, 0, (size_t)n_rows);
    for (int64_t r = 0; r < n_rows; r++) {
        p->sums[p->first[r]] += c->values[r];
        p->differs[p->first[r]] |= !same_value(c, r, p->first[r]);
    }
    bool whole = true;
    for (int64_t r = 0; r < n_rows; r++) {
        if (p->first[r] != r || !p->differs[r])
            continue;
        const double mean = p->sums[r] / (double)p->count[r];
        c->values[p->keeper[r]] = mean;
        whole = whole && !c->ints && mean == floor(mean);
    }
    if (c->kind == URN__COLUMN_INT && !whole) {
        c->kind = URN__COLUMN_REAL;
        urn__free(allocator, c->ints);
        c->ints = NULL;
    }
}

static bool is_key(const key *k, const urn__column *c)
{
    for (int i = 0; i < k->n; i++)
        if (k->columns[i] == c)
            return true;
    return false;
}

static void move_row(urn__table *t, int64_t from, int64_t to)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        urn__column *c = &t->columns[i];
        if (c->values)
            c->values[to] = c->values[from];
        if (c->ints)
            c->ints[to] = c->ints[from];
        if (c->texts)
            c->texts[to] = c->texts[from];
    }
    if (t->held_out)
        t->held_out[to] = t->held_out[from];
}

/* Drops all rows but the keepers. */
static void compact(urn__table *t, plan *p)
{
    int64_t kept = 0;
    size_t source = 1;
    const int64_t n = t->n_rows;
    for (int64_t r = 0; r < n; r++) /* before rows and files move */
        p->lines[r] = urn__table_line(t, r);
    for (int64_t r = 0; r < n; r++) {
        for (; source < t->n_sources && t->sources[source].first_row == r; source++)
            t->sources[source].first_row = kept;
        if (p->keeper[p->first[r]] != r)
            continue;
        p->lines[kept] = p->lines[r];
        move_row(t, r, kept++);
    }
    t->n_rows = kept;
}

urn_status urn_dataset_merge(urn_dataset *data, const char *table, const char *columns,
                             const char *mode, int64_t *n_merged, urn_error *error)
{
    const bool mean = strcmp(mode, "mean") == 0;
    if (!mean && strcmp(mode, "last") != 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "give mean or last",
                         "there is no way \"%s\" to merge rows", mode);
    const int index = urn__dataset_table(data, table);
    if (index < 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL, "there is no table \"%s\"",
                         table ? table : "");
    urn__table *t = &data->tables[index];
    key k;
    URN_TRY(parse_columns(data, index, columns, &k, error));
    plan p;
    if (!plan_init(&p, data, &k)) {
        plan_clear(&p, data->allocator);
        return urn__fail_memory(error, "the merging of repeated rows",
                                (size_t)t->n_rows * 6 * sizeof(int64_t));
    }
    const int64_t before = t->n_rows;
    for (int64_t r = 0; r < before; r++)
        if (!mean || p.first[r] == r)
            p.keeper[p.first[r]] = r;
    for (size_t i = 0; mean && i < t->n_columns; i++)
        if (t->columns[i].values && !is_key(&k, &t->columns[i]))
            average(&t->columns[i], &p, before, data->allocator);
    compact(t, &p);
    if (t->n_rows < before) {
        urn__free(data->allocator, t->lines);
        t->lines = p.lines;
        p.lines = NULL;
    }
    *n_merged = before - t->n_rows;
    plan_clear(&p, data->allocator);
    return URN_OK;
}
