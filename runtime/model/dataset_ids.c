/* The ids of a plate: the distinct values of a column over all tables that have it. The columns are
 * turned into codes of these ids on the way, which is all that is kept of them. */
#include "dataset_ids.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to here a real number tells its neighbours apart. */
static const double exact_limit = 9007199254740992.0; /* 2^53 */

/* ---- the ids a fit knew ---- */

urn_status urn_dataset_set_ids(urn_dataset *data, const char *column, int64_t n,
                               const int64_t *ints, const char *const *texts, urn_error *error)
{
    if (n < 0 || (ints != NULL) == (texts != NULL))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "ids of \"%s\": give either integers or texts", column);
    size_t bytes = texts ? 1 : 0;
    for (int64_t i = 0; texts && i < n; i++)
        bytes += strlen(texts[i]) + 1;
    urn__labels *labels = urn__labels_new(data->allocator, n, bytes);
    char *name = labels ? urn__dataset_strdup(data, column) : NULL;
    if (!name || !urn__grow(data->allocator, (void **)&data->known, sizeof *data->known,
                            &data->known_capacity, data->n_known + 1)) {
        urn__free(data->allocator, name);
        urn__labels_release(labels);
        return urn__fail_memory(error, "the ids of a plate", (size_t)n * sizeof(int64_t));
    }
    char *to = labels->bytes;
    for (int64_t i = 0; i < n; i++) {
        if (ints) {
            labels->ints[i] = ints[i];
            continue;
        }
        labels->texts[i] = to;
        const size_t size = strlen(texts[i]) + 1;
        memcpy(to, texts[i], size);
        to += size;
    }
    data->known[data->n_known++] = (urn__known){name, labels};
    urn__dataset_forget(data);
    return URN_OK;
}

/* What the last urn_dataset_set_ids said about a column of the file. */
static const urn__labels *find_known(const urn_dataset *data, const char *column)
{
    for (size_t i = data->n_known; i-- > 0;)
        if (strcmp(urn__dataset_mapped(data, data->known[i].column), column) == 0)
            return data->known[i].labels;
    return NULL;
}

/* ---- one id ---- */

urn_status urn__id_bad(const urn__gather *g, int table, int64_t row, const char *expected)
{
    char where[256], called[160], found[160];
    const urn__table *t = &g->data->tables[table];
    const urn__column *c = urn__dataset_find_column(t, g->column);
    const int64_t place = urn__table_place(t, row);
    urn__dataset_where(g->data, table, row, where, sizeof where);
    urn__dataset_call(g->name, g->column, called, sizeof called);
    if (c->kind == URN__COLUMN_TEXT && !*urn__column_text(c, place))
        snprintf(found, sizeof found, "an empty field");
    else
        urn__column_format(c, place, found, sizeof found);
    return urn__fail(g->error, URN_ERR_DATA, where, NULL, NULL, "%s: found %s, expected %s", called,
                     found, expected);
}

/* Strict UTF-8: labels end up in JSON and netCDF files. */
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        const int more = *p < 0x80 ? 0 : *p < 0xC2 ? -1 : *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : 3;
        if (more < 0 || *p > 0xF4 || (*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] > 0x9F) ||
            (*p == 0xF0 && p[1] < 0x90) || (*p == 0xF4 && p[1] > 0x8F))
            return false;
        for (int i = 1; i <= more; i++)
            if ((p[i] & 0xC0) != 0x80)
                return false;
        p += 1 + more;
    }
    return true;
}

static const char *text_problem(const char *text)
{
    return !*text ? "an id" : !is_utf8(text) ? "text in UTF-8 (iconv converts files)" : NULL;
}

static const char *real_problem(double value)
{
    if (!isfinite(value) || value != floor(value))
        return "a whole number (or text in every row)";
    if (value < 0)
        return "an id of at least 0";
    return value > exact_limit
               ? "an id of at most 9007199254740992 (9223372036854775807 where all are written "
                 "as whole numbers)"
               : NULL;
}

const char *urn__id_problem(const urn__column *c, int64_t place)
{
    if (c->kind == URN__COLUMN_TEXT)
        return text_problem(urn__column_text(c, place));
    if (c->kind == URN__COLUMN_REAL)
        return real_problem(urn__column_real(c, place));
    return urn__column_int(c, place) < 0 ? "an id of at least 0" : NULL;
}

urn_status urn__id_first_bad(const urn__gather *g, int table, const urn__column *c)
{
    const urn__table *t = &g->data->tables[table];
    for (int64_t r = 0; r < t->n_rows; r++) {
        const char *problem = urn__id_problem(c, urn__table_place(t, r));
        if (problem)
            return urn__id_bad(g, table, r, problem);
    }
    return urn__fail(g->error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                     "column \"%s\": a bad id is gone", g->column);
}

bool urn__id_read(const urn__column *c, int64_t first, int64_t n, int64_t *ids)
{
    bool good = true;
    if (c->kind == URN__COLUMN_INT) {
        if (c->numbers)
            urn__numbers_read_ints(c->numbers, first, n, ids);
        for (int64_t i = 0; i < n && !c->numbers; i++)
            ids[i] = urn__column_int(c, first + i);
        for (int64_t i = 0; i < n; i++)
            good = good && ids[i] >= 0;
        return good;
    }
    double values[URN__ID_BLOCK];
    if (c->numbers)
        urn__numbers_read(c->numbers, first, n, values);
    for (int64_t i = 0; i < n && !c->numbers; i++)
        values[i] = urn__column_real(c, first + i);
    for (int64_t i = 0; i < n && good; i++) {
        good = !real_problem(values[i]);
        ids[i] = good ? (int64_t)values[i] : 0;
    }
    return good;
}

/* ---- what ids there are ---- */

/* Decides between integers and texts. A table of each kind is an error, unless the fit knew texts:
 * then whole numbers are texts that happen to look so. */
static urn_status choose_kind(urn__gather *g)
{
    int first = -1;
    for (int t = 0; t < (int)g->data->n_tables; t++) {
        const urn__column *c = urn__dataset_find_column(&g->data->tables[t], g->column);
        if (!c)
            continue;
        const bool text = c->kind == URN__COLUMN_TEXT;
        if (g->known && g->known->ints && text) {
            char called[160], list[160] = "none";
            urn__dataset_call(g->name, g->column, called, sizeof called);
            if (g->data->tables[t].n_rows)
                urn__column_format(c, urn__table_place(&g->data->tables[t], 0), list, sizeof list);
            return urn__fail(g->error, URN_ERR_DATA, g->data->tables[t].sources[0].name, NULL, NULL,
                             "%s holds text (%s, ...), but the ids known to the fit are integers",
                             called, list);
        }
        if (first >= 0 && text != g->text && !g->known)
            return urn__fail(g->error, URN_ERR_DATA, g->data->tables[t].sources[0].name, NULL, NULL,
                             "column \"%s\" holds %s here but %s in %s: ids must be of one kind",
                             g->column, text ? "text" : "integers", text ? "integers" : "text",
                             g->data->tables[first].sources[0].name
                                 ? g->data->tables[first].sources[0].name
                                 : "another table");
        if (first < 0)
            g->text = text;
        first = t;
    }
    if (g->known)
        g->text = g->known->texts != NULL;
    if (first < 0 && !g->known) {
        char list[640], called[160];
        urn__dataset_list(g->data, list, sizeof list);
        urn__dataset_call(g->name, g->column, called, sizeof called);
        return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, "map it with --map name=column",
                         "no table has a %s of ids; the data have: %s", called, list);
    }
    return URN_OK;
}

/* The largest integer id, over tables whose columns are not codes yet, and their rows. Checks all.
 */
static urn_status find_top(const urn__gather *g, int64_t *top, int64_t *rows)
{
    int64_t ids[URN__ID_BLOCK];
    for (int t = 0; t < (int)g->data->n_tables; t++) {
        const urn__column *c = urn__dataset_find_column(&g->data->tables[t], g->column);
        const int64_t n = c && c->kind != URN__COLUMN_TEXT ? g->data->tables[t].n_rows : 0;
        *rows += n;
        for (int64_t p = 0; p < n && !c->codes; p += URN__ID_BLOCK) {
            const int64_t size = urn__id_block(n, p);
            if (!urn__id_read(c, p, size, ids))
                return urn__id_first_bad(g, t, c);
            for (int64_t i = 0; i < size; i++)
                *top = ids[i] > *top ? ids[i] : *top;
        }
        for (int64_t i = 0; n && c->codes && i < c->codes->labels->n; i++) {
            const int64_t id = c->codes->labels->ints[i];
            *top = id > *top ? id : *top;
        }
    }
    return URN_OK;
}

static urn_status too_many(const urn__gather *g, int64_t n)
{
    if (n >= INT32_MAX - 1)
        return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                         "column \"%s\" has more than %d distinct ids", g->column, INT32_MAX - 1);
    return urn__fail_memory(g->error, "the ids of a plate", (size_t)n * 32);
}

/* Which labels of a column of codes stand in a row; to be freed. NULL: out of memory. */
static bool *find_used(const urn__gather *g, const urn__codes *codes)
{
    const size_t n = codes->labels->n > 0 ? (size_t)codes->labels->n : 1;
    bool *used = urn__calloc(g->data->allocator, n, sizeof *used);
    for (int64_t p = 0; used && p < codes->n; p++)
        used[codes->code[p]] = true;
    return used;
}

static urn_status add_known_ints(const urn__gather *g, urn__keys *keys)
{
    for (int64_t i = 0; g->known && i < g->known->n; i++) {
        if (g->known->ints[i] < 0)
            return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                             "the known ids of \"%s\" have %" PRId64 " among them", g->name,
                             g->known->ints[i]);
        if (!urn__keys_add(keys, g->known->ints[i]))
            return too_many(g, keys->n);
        if (keys->n != i + 1)
            return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                             "the known ids of \"%s\" repeat one", g->name);
    }
    return URN_OK;
}

/* Adds the integers of a table's column. */
static urn_status add_ints(const urn__gather *g, int table, urn__keys *keys)
{
    const urn__column *c = urn__dataset_find_column(&g->data->tables[table], g->column);
    const int64_t n = c ? g->data->tables[table].n_rows : 0;
    int64_t ids[URN__ID_BLOCK];
    bool added = true;
    if (n && c->codes) {
        bool *used = find_used(g, c->codes);
        added = used != NULL;
        for (int64_t i = 0; added && i < c->codes->labels->n; i++)
            added = !used[i] || urn__keys_add(keys, c->codes->labels->ints[i]);
        urn__free(g->data->allocator, used);
        return added ? URN_OK : too_many(g, keys->n);
    }
    for (int64_t p = 0; p < n; p += URN__ID_BLOCK) {
        const int64_t size = urn__id_block(n, p);
        if (!urn__id_read(c, p, size, ids))
            return urn__id_first_bad(g, table, c);
        for (int64_t i = 0; i < size && added; i++)
            added = (keys->direct && keys->direct[ids[i]]) || urn__keys_add(keys, ids[i]);
        if (!added)
            return too_many(g, keys->n);
    }
    return URN_OK;
}

static urn_status add_known_texts(const urn__gather *g, urn__dictionary *texts)
{
    for (int64_t i = 0; g->known && i < g->known->n; i++) {
        const char *text = g->known->texts[i];
        if (urn__dictionary_add(texts, text, strlen(text)) < 0)
            return too_many(g, texts->n);
        if (texts->n != i + 1)
            return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                             "the known ids of \"%s\" repeat one", g->name);
    }
    return URN_OK;
}

/* Adds integers as texts. */
static urn_status add_printed(const urn__gather *g, int table, urn__dictionary *texts)
{
    urn__keys keys;
    if (!urn__keys_init(&keys, g->data->allocator, 0))
        return too_many(g, 0);
    urn_status status = add_ints(g, table, &keys);
    for (int64_t i = 0; status == URN_OK && i < keys.n; i++) {
        char text[32];
        const int n = snprintf(text, sizeof text, "%" PRId64, keys.ints[i]);
        if (urn__dictionary_add(texts, text, (size_t)n) < 0)
            status = too_many(g, texts->n);
    }
    urn__keys_clear(&keys);
    return status;
}

static urn_status add_texts(const urn__gather *g, int table, urn__dictionary *texts)
{
    const urn__column *c = urn__dataset_find_column(&g->data->tables[table], g->column);
    if (!c || g->data->tables[table].n_rows == 0)
        return URN_OK;
    if (c->kind != URN__COLUMN_TEXT)
        return add_printed(g, table, texts);
    bool *used = find_used(g, c->codes), good = true, added = used != NULL;
    for (int64_t i = 0; added && good && i < c->codes->labels->n; i++) {
        const char *text = c->codes->labels->texts[i];
        good = !used[i] || !text_problem(text);
        added = !used[i] || !good || urn__dictionary_add(texts, text, strlen(text)) >= 0;
    }
    urn__free(g->data->allocator, used);
    if (!good)
        return urn__id_first_bad(g, table, c);
    return added ? URN_OK : too_many(g, texts->n);
}

/* ---- labels, those after the known ones in ascending order ---- */

static int compare_ints(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static urn_status int_labels(const urn__gather *g, urn__labels **labels)
{
    const int64_t known = g->known ? g->known->n : 0;
    int64_t top = -1, rows = 0;
    for (int64_t i = 0; i < known; i++)
        top = g->known->ints[i] > top ? g->known->ints[i] : top;
    URN_TRY(find_top(g, &top, &rows));
    urn__keys keys;
    const bool direct = top >= 0 && top < rows + known + 1024;
    if (!urn__keys_init(&keys, g->data->allocator, direct ? top + 1 : 0))
        return urn__fail_memory(g->error, "the ids of a plate", (size_t)top * sizeof(int32_t));
    urn_status status = add_known_ints(g, &keys);
    for (int t = 0; status == URN_OK && t < (int)g->data->n_tables; t++)
        status = add_ints(g, t, &keys);
    if (status == URN_OK) {
        *labels = urn__labels_new(g->data->allocator, keys.n, 0);
        status = *labels ? URN_OK : too_many(g, keys.n);
    }
    if (status == URN_OK && keys.n) {
        memcpy((*labels)->ints, keys.ints, (size_t)keys.n * sizeof *keys.ints);
        qsort((*labels)->ints + known, (size_t)(keys.n - known), sizeof *keys.ints, compare_ints);
    }
    urn__keys_clear(&keys);
    return status;
}

static urn_status text_labels(const urn__gather *g, urn__labels **labels)
{
    const int64_t known = g->known ? g->known->n : 0;
    urn__dictionary texts;
    urn__dictionary_init(&texts, g->data->allocator);
    urn_status status = add_known_texts(g, &texts);
    for (int t = 0; status == URN_OK && t < (int)g->data->n_tables; t++)
        status = add_texts(g, t, &texts);
    if (status == URN_OK) {
        *labels = urn__labels_of_texts(g->data->allocator, &texts);
        status = *labels ? URN_OK : too_many(g, texts.n);
    }
    if (status == URN_OK)
        qsort((*labels)->texts + known, (size_t)((*labels)->n - known), sizeof(char *),
              compare_texts);
    urn__dictionary_clear(&texts);
    return status;
}

/* ---- codes in place of the columns ---- */

/* Integers that are ids as texts stay integers, with the codes beside them. */
static void put_codes(urn__column *c, urn__codes *codes)
{
    const bool own = (codes->labels->texts != NULL) == (c->kind == URN__COLUMN_TEXT);
    urn__codes **place = own ? &c->codes : &c->other;
    urn__codes_release(*place);
    *place = codes;
    if (own) {
        urn__numbers_release(c->numbers);
        c->numbers = NULL;
    }
}

static urn_status code_columns(const urn__gather *g, urn__labels *labels)
{
    const urn__ids ids = urn__ids_of(labels);
    for (int t = 0; t < (int)g->data->n_tables; t++) {
        urn__column *c = urn__dataset_find_column(&g->data->tables[t], g->column);
        urn__codes *codes = NULL;
        if (!c)
            continue;
        URN_TRY(urn__codes_make(g, t, c, &ids, labels->n, &codes));
        put_codes(c, codes);
    }
    return URN_OK;
}

static urn__labels *find_set(const urn_dataset *data, const char *column)
{
    const urn__lookups *lookups = data->lookups;
    for (size_t i = 0; i < lookups->n_sets; i++)
        if (strcmp(lookups->sets[i].column, column) == 0)
            return lookups->sets[i].labels;
    return NULL;
}

static urn_status add_set(const urn__gather *g, urn__labels *labels)
{
    urn__lookups *lookups = g->data->lookups;
    char *name = urn__dataset_strdup(g->data, g->column);
    if (!name || !urn__grow(g->data->allocator, (void **)&lookups->sets, sizeof *lookups->sets,
                            &lookups->sets_capacity, lookups->n_sets + 1)) {
        urn__free(g->data->allocator, name);
        return too_many(g, labels->n);
    }
    lookups->sets[lookups->n_sets++] = (urn__id_set){name, urn__labels_share(labels)};
    return URN_OK;
}

/* The labels, with a reference for the caller. */
static urn_status find_ids(urn__gather *g, urn__labels **labels)
{
    *labels = urn__labels_share(find_set(g->data, g->column));
    if (*labels)
        return URN_OK;
    g->known = find_known(g->data, g->column);
    URN_TRY(choose_kind(g));
    URN_TRY(g->text ? text_labels(g, labels) : int_labels(g, labels));
    if (g->known)
        (*labels)->n_known = g->known->n;
    const urn_status status = code_columns(g, *labels);
    return status == URN_OK ? add_set(g, *labels) : status;
}

static void release_labels(void *labels)
{
    urn__labels_release(labels);
}

urn_status urn__dataset_ids(const urn_dataset *data, const char *column, urn__arena *arena,
                            urn__ids *ids, urn_error *error)
{
    urn__gather g = {
        .data = data, .name = column, .column = urn__dataset_resolve(data, column), .error = error};
    urn__labels *labels = NULL;
    urn__dataset_lock(data);
    const urn_status status = find_ids(&g, &labels);
    urn__dataset_unlock(data);
    if (status != URN_OK) {
        urn__labels_release(labels);
        return status;
    }
    *ids = urn__ids_of(labels);
    return urn__arena_keep(arena, labels, release_labels)
               ? URN_OK
               : urn__fail_memory(error, "the ids of a plate", sizeof *labels);
}
