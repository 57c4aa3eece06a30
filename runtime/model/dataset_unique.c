/* Rows that repeat: finding them. */
#include "dataset_unique.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

urn_status urn__key_parse(const urn_dataset *data, int table, const char *columns, urn__key *k,
                          urn_error *error)
{
    *k = (urn__key){.table = &data->tables[table]};
    for (const char *p = columns; *p;) {
        const char *start = p + strspn(p, " ,");
        size_t n = strcspn(start, ",");
        p = start + n;
        while (n > 0 && start[n - 1] == ' ')
            n--;
        if (n == 0)
            continue;
        char name[128];
        if (n >= sizeof name || k->n == URN__KEY_COLUMNS)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                             "\"%s\": at most %d column names of %zu letters are possible", columns,
                             URN__KEY_COLUMNS, sizeof name - 1);
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

static uint64_t hash_of(const urn__key *k, int64_t place)
{
    uint64_t h = 0;
    for (int i = 0; i < k->n; i++) {
        const urn__column *c = k->columns[i];
        if (c->codes) {
            h = urn__hash_u64(h, (uint64_t)c->codes->code[place]);
        } else if (c->kind == URN__COLUMN_INT) {
            h = urn__hash_u64(h, (uint64_t)urn__column_int(c, place));
        } else {
            const double value = urn__column_real(c, place) + 0.0; /* one zero */
            uint64_t bits;
            memcpy(&bits, &value, sizeof bits);
            h = urn__hash_u64(h, isnan(value) ? (uint64_t)place : bits);
        }
    }
    return h;
}

/* NaN is unlike everything. */
static bool same(const urn__key *k, int64_t a, int64_t b)
{
    for (int i = 0; i < k->n; i++) {
        const urn__column *c = k->columns[i];
        if (c->codes                     ? c->codes->code[a] != c->codes->code[b]
            : c->kind == URN__COLUMN_INT ? urn__column_int(c, a) != urn__column_int(c, b)
                                         : !(urn__column_real(c, a) >= urn__column_real(c, b) &&
                                             urn__column_real(c, a) <= urn__column_real(c, b)))
            return false;
    }
    return true;
}

/* ---- groups: rows of the same code in one column ---- */

/* Places of a view, those of a group together: numbers start[g] .. start[g + 1] - 1 of a list. */
typedef struct groups {
    const urn_allocator *allocator;
    int64_t first, n, n_groups, largest;
    uint32_t *start;
    const int32_t *code; /* the group of each place; NULL: one group of all */
    bool sorted;         /* places come in groups already */
} groups;

static bool one_group(groups *g)
{
    g->n_groups = 1;
    g->largest = g->n;
    g->sorted = true;
    g->start = urn__calloc(g->allocator, 3, sizeof *g->start);
    if (g->start)
        g->start[1] = (uint32_t)g->n;
    return g->start != NULL;
}

static bool group_by(groups *g, const urn__codes *codes)
{
    const int64_t n = codes->labels->n;
    g->code = codes->code + g->first;
    g->n_groups = n;
    g->sorted = true;
    g->start = urn__calloc(g->allocator, (size_t)n + 2, sizeof *g->start);
    if (!g->start)
        return false;
    for (int64_t p = 0; p < g->n; p++) {
        g->start[g->code[p] + 1]++;
        g->sorted = g->sorted && (p == 0 || g->code[p - 1] <= g->code[p]);
    }
    for (int64_t c = 0; c < n; c++) {
        g->largest = g->start[c + 1] > g->largest ? g->start[c + 1] : g->largest;
        g->start[c + 1] += g->start[c];
    }
    return true;
}

/* The coded column of the key with most ids is left out of it, and makes the groups. */
static bool make_groups(groups *g, urn__key *k)
{
    int best = -1;
    for (int i = 0; i < k->n; i++)
        if (k->columns[i]->codes &&
            (best < 0 || k->columns[i]->codes->labels->n > k->columns[best]->codes->labels->n))
            best = i;
    if (best < 0)
        return one_group(g);
    const urn__codes *codes = k->columns[best]->codes;
    k->columns[best] = k->columns[--k->n];
    return group_by(g, codes);
}

/* Of each place the values of the key, or a hash of them, as a list by group; or the places
 * themselves. To be freed; NULL: out of memory. */
static uint32_t *list_of(groups *g, const urn__key *k, bool places)
{
    uint32_t *list = urn__alloc(g->allocator, (size_t)g->n * sizeof *list);
    const int32_t *only =
        k->n == 1 && k->columns[0]->codes ? k->columns[0]->codes->code + g->first : NULL;
    for (int64_t p = 0; list && p < g->n; p++) {
        const uint32_t value = places ? (uint32_t)p
                               : only ? (uint32_t)only[p]
                                      : (uint32_t)hash_of(k, g->first + p);
        list[g->sorted ? p : g->start[g->code[p]]++] = value; /* put back below */
    }
    for (int64_t c = g->n_groups; list && !g->sorted && c > 0; c--)
        g->start[c] = g->start[c - 1];
    g->start[0] = 0;
    return list;
}

/* ---- repeats ---- */

/* Slots for the rows of a group: at least twice as many, a power of two. */
static size_t slots_for(int64_t rows)
{
    size_t n = 4;
    while (n < 2 * (size_t)rows)
        n *= 2;
    return n;
}

/* May two rows of a group be alike? Sure where the values are hashes, else only if they are. */
static bool may_repeat(const uint32_t *value, int64_t n, uint32_t *slots)
{
    const size_t n_slots = slots_for(n);
    memset(slots, 0, n_slots * sizeof *slots);
    for (int64_t i = 0; i < n; i++) {
        size_t at = (value[i] * UINT32_C(0x9E3779B1) >> 7) & (n_slots - 1);
        while (slots[at] && value[slots[at] - 1] != value[i])
            at = (at + 1) & (n_slots - 1);
        if (slots[at])
            return true;
        slots[at] = (uint32_t)(i + 1);
    }
    return false;
}

static void find_in_group(const groups *g, const urn__key *k, const uint32_t *place, int64_t n,
                          uint32_t *slots, urn__repeat *report, void *context)
{
    const size_t n_slots = slots_for(n);
    memset(slots, 0, n_slots * sizeof *slots);
    for (int64_t i = 0; i < n; i++) {
        const int64_t p = g->first + place[i];
        size_t at = (size_t)hash_of(k, p) & (n_slots - 1);
        while (slots[at] && !same(k, g->first + place[slots[at] - 1], p))
            at = (at + 1) & (n_slots - 1);
        if (slots[at])
            report(context, p, g->first + place[slots[at] - 1]);
        else
            slots[at] = (uint32_t)(i + 1);
    }
}

/* Most data have no repeats, which a list of values by group tells without looking up their rows.
 */
static bool find_repeats(groups *g, const urn__key *k, uint32_t *slots, urn__repeat *report,
                         void *context)
{
    bool any = false;
    uint32_t *values = list_of(g, k, false);
    if (!values)
        return false;
    for (int64_t i = 0; i < g->n_groups && !any; i++)
        any = may_repeat(values + g->start[i], g->start[i + 1] - g->start[i], slots);
    urn__free(g->allocator, values);
    uint32_t *places = any ? list_of(g, k, true) : NULL;
    for (int64_t i = 0; places && i < g->n_groups; i++)
        find_in_group(g, k, places + g->start[i], g->start[i + 1] - g->start[i], slots, report,
                      context);
    urn__free(g->allocator, places);
    return !any || places;
}

bool urn__key_repeats(const urn_dataset *data, const urn__key *key, int64_t first, int64_t n,
                      urn__repeat *report, void *context)
{
    urn__key rest = *key;
    groups g = {.allocator = data->allocator, .first = first, .n = n};
    if (n == 0)
        return true;
    bool ok = make_groups(&g, &rest);
    uint32_t *slots = ok ? urn__alloc(data->allocator, slots_for(g.largest) * sizeof *slots) : NULL;
    ok = slots && find_repeats(&g, &rest, slots, report, context);
    urn__free(data->allocator, slots);
    urn__free(data->allocator, g.start);
    return ok;
}

/* ---- the check ---- */

/* The repeat that comes first in the file. */
typedef struct earliest {
    const urn__table *table;
    int64_t row, first; /* -1: none */
} earliest;

static void note(void *context, int64_t place, int64_t first)
{
    earliest *e = context;
    const int64_t row = urn__table_row(e->table, place);
    if (e->row >= 0 && e->row < row)
        return;
    e->row = row;
    e->first = urn__table_row(e->table, first);
}

static urn_status repeated(const urn_dataset *data, int table, const urn__key *k, const earliest *e,
                           urn_error *error)
{
    char here[256], there[256], names[160] = "", values[320] = "";
    urn__dataset_where(data, table, e->row, here, sizeof here);
    urn__dataset_where(data, table, e->first, there, sizeof there);
    for (int i = 0; i < k->n; i++) {
        char value[160];
        urn__column_format(k->columns[i], urn__table_place(k->table, e->row), value, sizeof value);
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

/* Held-out rows are compared among themselves: a test row may repeat a training row. */
static urn_status check(const urn_dataset *data, int table, const char *columns, urn_error *error)
{
    urn__key k;
    URN_TRY(urn__key_parse(data, table, columns, &k, error));
    const urn__table *t = k.table;
    earliest e = {.table = t, .row = -1};
    if (!urn__key_repeats(data, &k, 0, t->n_training, note, &e) ||
        !urn__key_repeats(data, &k, t->n_training, t->n_rows - t->n_training, note, &e))
        return urn__fail_memory(error, "the check for repeated rows",
                                (size_t)t->n_rows * sizeof(uint32_t));
    return e.row < 0 ? URN_OK : repeated(data, table, &k, &e, error);
}

urn_status urn__dataset_check_unique(const urn_dataset *data, int table, const char *columns,
                                     urn_error *error)
{
    urn__dataset_lock(data);
    const urn_status status = check(data, table, columns, error);
    urn__dataset_unlock(data);
    return status;
}
