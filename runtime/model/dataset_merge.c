/* Rows that repeat: merging them. */
#include "dataset_unique.h"

#include <math.h>
#include <string.h>

/* Where the rows go. Arrays are by place. */
typedef struct plan {
    const urn_allocator *allocator;
    const urn__table *table;
    uint32_t *first;  /* the first place of its like */
    uint32_t *keeper; /* of firsts: the place whose row the merged one takes */
    int32_t *from;    /* by new place: the keepers */
    int64_t n_kept;
    int64_t n_merged;
} plan;

static void plan_clear(plan *p)
{
    urn__free(p->allocator, p->first);
    urn__free(p->allocator, p->keeper);
    urn__free(p->allocator, p->from);
}

static void note(void *context, int64_t place, int64_t first)
{
    plan *p = context;
    p->first[place] = (uint32_t)first;
    p->n_merged++;
}

static bool plan_init(plan *p, const urn_dataset *data, const urn__key *k, bool last)
{
    const urn__table *t = k->table;
    const size_t n = t->n_rows ? (size_t)t->n_rows : 1;
    *p = (plan){.allocator = data->allocator, .table = t};
    p->first = urn__alloc(p->allocator, n * sizeof *p->first);
    p->keeper = urn__alloc(p->allocator, n * sizeof *p->keeper);
    p->from = urn__alloc(p->allocator, n * sizeof *p->from);
    if (!p->first || !p->keeper || !p->from)
        return false;
    for (int64_t i = 0; i < t->n_rows; i++)
        p->first[i] = (uint32_t)i;
    if (!urn__key_repeats(data, k, 0, t->n_training, note, p) ||
        !urn__key_repeats(data, k, t->n_training, t->n_rows - t->n_training, note, p))
        return false;
    for (int64_t i = 0; i < t->n_rows; i++)
        if (last || p->first[i] == i)
            p->keeper[p->first[i]] = (uint32_t)i;
    for (int64_t i = 0; i < t->n_rows; i++)
        if (p->keeper[p->first[i]] == i)
            p->from[p->n_kept++] = (int32_t)i;
    return true;
}

/* ---- means ---- */

/* Sums of the groups of one column, by the place of their first row. */
typedef struct sums {
    double *sum;
    uint32_t *count;
    bool *differs; /* whether the values of a group do; where they are equal they are the mean */
} sums;

static bool sums_init(sums *s, const urn_allocator *allocator, size_t n)
{
    s->sum = urn__calloc(allocator, n, sizeof *s->sum);
    s->count = urn__calloc(allocator, n, sizeof *s->count);
    s->differs = urn__calloc(allocator, n, sizeof *s->differs);
    return s->sum && s->count && s->differs;
}

static void sums_clear(sums *s, const urn_allocator *allocator)
{
    urn__free(allocator, s->sum);
    urn__free(allocator, s->count);
    urn__free(allocator, s->differs);
}

static bool equal(const urn__column *c, int64_t a, int64_t b)
{
    if (c->kind == URN__COLUMN_INT)
        return urn__column_int(c, a) == urn__column_int(c, b);
    const double x = urn__column_real(c, a), y = urn__column_real(c, b);
    return x >= y && x <= y;
}

static void add_up(const plan *p, const urn__column *c, sums *s)
{
    for (int64_t i = 0; i < p->table->n_rows; i++) {
        const uint32_t first = p->first[i];
        s->sum[first] += urn__column_real(c, i);
        s->count[first]++;
        s->differs[first] = s->differs[first] || !equal(c, i, first);
    }
}

/* Do all means of an integer column stay whole numbers that doubles hold? */
static bool stays_whole(const plan *p, const urn__column *c, const sums *s)
{
    const double limit = 9007199254740992.0; /* 2^53 */
    bool whole = true, exact = true;
    for (int64_t i = 0; i < p->table->n_rows; i++) {
        exact = exact && fabs(urn__column_real(c, i)) < limit;
        const double mean = s->sum[i] / (double)s->count[i];
        whole = whole && (!s->differs[i] || mean == floor(mean));
    }
    bool any = false;
    for (int64_t i = 0; i < p->table->n_rows; i++)
        any = any || s->differs[i];
    return !any || (whole && exact);
}

/* The column's numbers after the merge, by new place. */
static urn__numbers *means_of(const plan *p, const urn__column *c, const sums *s, bool whole)
{
    const size_t n = p->n_kept ? (size_t)p->n_kept : 1;
    double *reals = whole ? NULL : urn__alloc(p->allocator, n * sizeof *reals);
    int64_t *ints = whole ? urn__alloc(p->allocator, n * sizeof *ints) : NULL;
    urn__numbers *made = NULL;
    for (int64_t i = 0; (reals || ints) && i < p->n_kept; i++) {
        const int64_t place = p->from[i];
        const double mean = s->sum[place] / (double)s->count[place];
        if (reals)
            reals[i] = s->differs[place] ? mean : urn__column_real(c, place);
        else
            ints[i] = s->differs[place] ? (int64_t)mean : urn__column_int(c, place);
    }
    if (reals)
        made = urn__numbers_of_doubles(p->allocator, p->n_kept, reals);
    if (ints)
        made = urn__numbers_of_ints(p->allocator, p->n_kept, ints);
    urn__free(p->allocator, reals);
    urn__free(p->allocator, ints);
    return made;
}

/* Means take the place of a numeric column; they stand in the places of first rows. */
static bool average(const urn_dataset *data, const plan *p, urn__column *c)
{
    sums s;
    const size_t n = p->table->n_rows ? (size_t)p->table->n_rows : 1;
    urn__numbers *made = NULL;
    if (sums_init(&s, p->allocator, n) && urn__column_make_numbers(data, c)) {
        add_up(p, c, &s);
        const bool whole = c->kind == URN__COLUMN_INT && stays_whole(p, c, &s);
        made = means_of(p, c, &s, whole);
        if (made && !whole)
            c->kind = URN__COLUMN_REAL;
    }
    sums_clear(&s, p->allocator);
    if (!made)
        return false;
    urn__numbers_release(c->numbers);
    urn__codes_release(c->codes);
    urn__codes_release(c->other);
    c->numbers = made;
    c->codes = c->other = NULL;
    return true;
}

/* ---- rows ---- */

/* What is said about rows, as it is to be. */
typedef struct about {
    urn__lines lines;
    uint64_t *held_out;
    int64_t *first_row; /* of the sources */
} about;

static void about_clear(about *a, const urn_allocator *allocator)
{
    urn__free(allocator, a->lines.run);
    urn__free(allocator, a->held_out);
    urn__free(allocator, a->first_row);
}

/* For those kept: lines, files, which are held out. */
static bool about_init(about *a, const urn_allocator *allocator, const plan *p)
{
    const urn__table *t = p->table;
    int64_t kept = 0;
    size_t source = 1;
    *a = (about){.held_out = urn__calloc(allocator, (size_t)t->n_rows / 64 + 1, sizeof(uint64_t)),
                 .first_row = urn__calloc(allocator, t->n_sources, sizeof(int64_t))};
    bool ok = a->held_out && a->first_row;
    for (int64_t r = 0; ok && r < t->n_rows; r++) {
        for (; source < t->n_sources && t->sources[source].first_row == r; source++)
            a->first_row[source] = kept;
        const int64_t place = urn__table_place(t, r);
        if (p->keeper[p->first[place]] != place)
            continue;
        if (urn__table_is_held_out(t, r))
            a->held_out[kept / 64] |= UINT64_C(1) << (kept % 64);
        ok = urn__lines_add(allocator, &a->lines, kept++, urn__table_line(t, r));
    }
    for (; ok && source < t->n_sources; source++)
        a->first_row[source] = kept;
    return ok;
}

static bool is_key(const urn__key *k, const urn__column *c)
{
    for (int i = 0; i < k->n; i++)
        if (k->columns[i] == c)
            return true;
    return false;
}

static bool move_columns(const urn_dataset *data, urn__table *t, const urn__key *k, const plan *p,
                         bool mean)
{
    bool ok = true;
    for (size_t i = 0; ok && i < t->n_columns; i++) {
        urn__column *c = &t->columns[i];
        urn__numbers_release(c->shown);
        c->shown = NULL;
        ok = mean && c->kind != URN__COLUMN_TEXT && !is_key(k, c)
                 ? average(data, p, c)
                 : urn__column_arrange(data, c, p->n_kept, p->from);
    }
    return ok;
}

static bool apply(urn_dataset *data, urn__table *t, const urn__key *k, const plan *p, bool mean)
{
    about a;
    const bool ok = about_init(&a, data->allocator, p) && move_columns(data, t, k, p, mean) &&
                    urn__table_set_split(data, t, p->n_kept, a.held_out);
    if (ok) {
        for (size_t i = 0; i < t->n_sources; i++)
            t->sources[i].first_row = a.first_row[i];
        urn__free(data->allocator, t->lines.run);
        t->lines = a.lines;
        a.lines = (urn__lines){0};
    }
    about_clear(&a, data->allocator);
    urn__dataset_forget(data);
    return ok;
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
    urn__key k;
    plan p;
    URN_TRY(urn__key_parse(data, index, columns, &k, error));
    bool ok = plan_init(&p, data, &k, !mean);
    *n_merged = p.n_merged;
    if (ok && p.n_merged > 0)
        ok = apply(data, t, &k, &p, mean);
    plan_clear(&p);
    return ok ? URN_OK
              : urn__fail_memory(error, "the merging of repeated rows",
                                 (size_t)t->n_rows * 4 * sizeof(uint32_t));
}
