/* Rows by the codes of their ids: what index columns are made of. */
#include "dataset_ids.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char not_among[] = "one of the plate's ids";

/* ---- codes of ids ---- */

/* Keys whose numbers are the positions of ints. */
static bool keys_of(const urn_allocator *allocator, const urn__ids *ids, int64_t rows,
                    urn__keys *keys)
{
    int64_t top = -1;
    for (int64_t i = 0; i < ids->n; i++)
        top = ids->ints[i] > top ? ids->ints[i] : top;
    bool ok = urn__keys_init(keys, allocator, top >= 0 && top < rows + ids->n + 1024 ? top + 1 : 0);
    for (int64_t i = 0; ok && i < ids->n; i++)
        ok = urn__keys_add(keys, ids->ints[i]);
    return ok;
}

/* The first row without a code; there is one. */
static urn_status report_missing(const urn__gather *g, int table, const urn__column *c,
                                 const int32_t *code)
{
    const urn__table *t = &g->data->tables[table];
    for (int64_t r = 0; r < t->n_rows; r++) {
        const int64_t place = urn__table_place(t, r);
        if (code[place] >= 0)
            continue;
        const char *problem = urn__id_problem(c, place);
        return urn__id_bad(g, table, r, problem ? problem : not_among);
    }
    return urn__fail(g->error, URN_ERR_INTERNAL, NULL, NULL, NULL, "column \"%s\": an id is gone",
                     g->column);
}

/* By the labels of a column that is codes already: to[place] = of_label[code]. */
static void by_label(const urn__codes *codes, const int32_t *of_label, int32_t *to)
{
    for (int64_t p = 0; p < codes->n; p++)
        to[p] = of_label[codes->code[p]];
}

/* Integers in place of integers. */
static bool code_ints(const urn_allocator *allocator, const urn__column *c, const urn__ids *ids,
                      int64_t n, int32_t *to)
{
    urn__keys keys;
    int64_t block[URN__ID_BLOCK];
    const int64_t n_labels = c->codes ? c->codes->labels->n : 0;
    int32_t *of_label = urn__alloc(allocator, (size_t)(n_labels + 1) * sizeof *of_label);
    const bool ok = keys_of(allocator, ids, n, &keys) && of_label != NULL;
    for (int64_t i = 0; ok && i < n_labels; i++)
        of_label[i] = urn__keys_find(&keys, c->codes->labels->ints[i]);
    if (ok && c->codes)
        by_label(c->codes, of_label, to);
    for (int64_t p = 0; ok && !c->codes && p < n; p += URN__ID_BLOCK) {
        const int64_t size = urn__id_block(n, p);
        const bool good = urn__id_read(c, p, size, block);
        for (int64_t i = 0; i < size; i++)
            to[p + i] = good && keys.direct && block[i] < keys.n_direct ? keys.direct[block[i]] - 1
                        : good || !urn__id_problem(c, p + i) ? urn__keys_find(&keys, block[i])
                                                             : -1;
    }
    urn__free(allocator, of_label);
    urn__keys_clear(&keys);
    return ok;
}

/* Texts in place of texts, or of integers. */
static bool code_texts(const urn_allocator *allocator, const urn__column *c, const urn__ids *ids,
                       int64_t n, int32_t *to)
{
    urn__dictionary texts;
    urn__dictionary_init(&texts, allocator);
    const int64_t n_labels = c->codes ? c->codes->labels->n : 0;
    int32_t *of_label = urn__alloc(allocator, (size_t)(n_labels + 1) * sizeof *of_label);
    bool ok = of_label != NULL;
    for (int64_t i = 0; ok && i < ids->n; i++)
        ok = urn__dictionary_add(&texts, ids->texts[i], strlen(ids->texts[i])) == i;
    char text[32];
    for (int64_t i = 0; ok && i < n_labels; i++) {
        const urn__labels *own = c->codes->labels;
        if (own->ints)
            snprintf(text, sizeof text, "%" PRId64, own->ints[i]);
        const char *label = own->ints ? text : own->texts[i];
        of_label[i] = urn__dictionary_find(&texts, label, strlen(label));
    }
    if (ok && c->codes)
        by_label(c->codes, of_label, to);
    for (int64_t p = 0; ok && !c->codes && p < n; p++) {
        const bool good = !urn__id_problem(c, p);
        const int length =
            snprintf(text, sizeof text, "%" PRId64, good ? urn__column_int(c, p) : 0);
        to[p] = good ? urn__dictionary_find(&texts, text, (size_t)length) : -1;
    }
    urn__free(allocator, of_label);
    urn__dictionary_clear(&texts);
    return ok;
}

/* Row numbers instead of ids; -1 for what is none. */
static void code_numbers(const urn__column *c, int64_t size, int64_t n, int32_t *to)
{
    double block[URN__ID_BLOCK];
    for (int64_t p = 0; p < n; p += URN__ID_BLOCK) {
        const int64_t length = urn__id_block(n, p);
        if (c->numbers)
            urn__numbers_read(c->numbers, p, length, block);
        for (int64_t i = 0; i < length; i++) {
            const double value = c->numbers ? block[i] : urn__column_real(c, p + i);
            const bool good = value >= 0 && value < (double)size && value == floor(value);
            to[p + i] = good ? (int32_t)value : -1;
        }
    }
}

static urn_status report_number(const urn__gather *g, int table, int64_t size, const int32_t *code)
{
    const urn__table *t = &g->data->tables[table];
    char expected[96];
    snprintf(expected, sizeof expected, "a row number from 0 to %" PRId64, size - 1);
    int64_t row = 0;
    while (row + 1 < t->n_rows && code[urn__table_place(t, row)] >= 0)
        row++;
    return urn__id_bad(g, table, row, expected);
}

static urn_status fill_codes(const urn__gather *g, int table, const urn__column *c,
                             const urn__ids *ids, int64_t size, int32_t *to)
{
    const urn_allocator *allocator = g->data->allocator;
    const int64_t n = g->data->tables[table].n_rows;
    if (!ids)
        code_numbers(c, size, n, to);
    else if (ids->texts ? !code_texts(allocator, c, ids, n, to)
                        : !code_ints(allocator, c, ids, n, to))
        return urn__fail_memory(g->error, "the codes of a column",
                                (size_t)(16 * ids->n) * sizeof(int32_t));
    int32_t least = 0;
    for (int64_t p = 0; p < n; p++)
        least = to[p] < least ? to[p] : least;
    if (least >= 0)
        return URN_OK;
    return ids ? report_missing(g, table, c, to) : report_number(g, table, size, to);
}

urn_status urn__codes_make(const urn__gather *g, int table, const urn__column *c,
                           const urn__ids *ids, int64_t size, urn__codes **codes)
{
    const urn_allocator *allocator = g->data->allocator;
    const int64_t n = g->data->tables[table].n_rows;
    *codes = NULL;
    if (c->kind == URN__COLUMN_TEXT && !(ids && ids->texts))
        return n ? urn__id_bad(g, table, 0, ids ? "an integer id" : "a row number")
                 : urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL, "column \"%s\" holds text",
                             c->name);
    if (!ids && size > INT32_MAX - 1)
        return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                         "column \"%s\" indexes %" PRId64 " rows, at most %d are possible", c->name,
                         size, INT32_MAX - 1);
    int32_t *code = urn__alloc(allocator, (n > 0 ? (size_t)n : 1) * sizeof *code);
    if (!code)
        return urn__fail_memory(g->error, "the codes of a column", (size_t)n * sizeof *code);
    urn_status status = fill_codes(g, table, c, ids, size, code);
    if (status == URN_OK) {
        *codes = urn__codes_new(allocator, n, code, ids ? ids->labels : NULL, ids ? ids->n : size);
        status = *codes ? URN_OK : urn__fail_memory(g->error, "the codes of a column", (size_t)n);
    }
    if (status != URN_OK)
        urn__free(allocator, code);
    return status;
}

/* ---- codes that are there already ---- */

static bool is_of(const urn__codes *codes, const urn__ids *ids, int64_t size)
{
    if (!codes)
        return false;
    return ids ? ids->labels && codes->labels == ids->labels
               : !codes->labels && codes->n_targets == size;
}

/* The codes of a column, with a reference for the caller. */
static urn_status codes_of(const urn__gather *g, int table, urn__column *c, const urn__ids *ids,
                           int64_t size, urn__codes **codes)
{
    *codes = urn__codes_share(is_of(c->codes, ids, size)   ? c->codes
                              : is_of(c->other, ids, size) ? c->other
                                                           : NULL);
    if (*codes)
        return URN_OK;
    URN_TRY(urn__codes_make(g, table, c, ids, size, codes));
    if (ids && !ids->labels)
        return URN_OK; /* nobody else has these ids */
    urn__codes_release(c->other);
    c->other = urn__codes_share(*codes);
    return URN_OK;
}

static urn_status find_codes(const urn_dataset *data, int table, const char *column,
                             const urn__ids *ids, int64_t size, urn__codes **codes,
                             urn_error *error)
{
    urn__column *c = urn__dataset_require(data, table, column, error);
    if (!c)
        return URN_ERR_DATA;
    const urn__gather g = {.data = data, .name = column, .column = c->name, .error = error};
    return codes_of(&g, table, c, ids, size, codes);
}

urn_status urn__dataset_codes(const urn_dataset *data, int table, const char *column,
                              const urn__ids *ids, int64_t size, urn__arena *arena, int32_t **codes,
                              urn_error *error)
{
    const urn__table *t = &data->tables[table];
    urn__codes *found = NULL;
    urn__dataset_lock(data);
    const urn_status status = find_codes(data, table, column, ids, size, &found, error);
    urn__dataset_unlock(data);
    URN_TRY(status);
    int32_t *made = urn__arena_alloc(arena, t->n_rows ? (size_t)t->n_rows : 1, sizeof *made);
    for (int64_t r = 0; made && r < t->n_rows; r++)
        made[r] = found->code[urn__table_place(t, r)];
    urn__codes_release(found);
    *codes = made;
    return made
               ? URN_OK
               : urn__fail_memory(error, "the codes of a column", (size_t)t->n_rows * sizeof *made);
}

/* ---- indices ---- */

/* The index of a slice of places, made once. */
static urn__index *index_of(urn__codes *codes, const urn__view *view)
{
    for (const urn__index_view *v = codes->views; v; v = v->next)
        if (v->first == view->first && v->n == view->n)
            return v->index;
    urn__index_view *made = urn__alloc(codes->allocator, sizeof *made);
    urn__index *index = made ? urn__index_new(codes->allocator, view->n, codes->n_targets,
                                              codes->code + view->first)
                             : NULL;
    if (!index) {
        urn__free(codes->allocator, made);
        return NULL;
    }
    *made = (urn__index_view){codes->views, view->first, view->n, index};
    codes->views = made;
    return index;
}

/* An index of its own, in row order. */
static urn__index *index_by_row(const urn__table *t, const urn__codes *codes, urn__arena *arena)
{
    urn__index *ix = urn__arena_alloc(arena, 1, sizeof *ix);
    if (!ix)
        return NULL;
    ix->n = codes->n;
    ix->n_targets = codes->n_targets;
    ix->row = urn__arena_alloc(arena, (size_t)ix->n + 1, sizeof *ix->row);
    ix->order = urn__arena_alloc(arena, (size_t)ix->n + 1, sizeof *ix->order);
    ix->start = urn__arena_alloc(arena, (size_t)ix->n_targets + 2, sizeof *ix->start);
    if (urn__arena_failed(arena))
        return NULL;
    for (int64_t r = 0; r < ix->n; r++)
        ix->row[r] = codes->code[urn__table_place(t, r)];
    urn__index_sort(ix);
    return ix;
}

static void release_codes(void *codes)
{
    urn__codes_release(codes);
}

urn_status urn__dataset_index(const urn_dataset *data, int table, const char *column,
                              const urn__ids *ids, int64_t size, const urn__view *view,
                              urn__arena *arena, urn__index **index, urn_error *error)
{
    urn__codes *codes = NULL;
    *index = NULL;
    urn__dataset_lock(data);
    const urn_status status = find_codes(data, table, column, ids, size, &codes, error);
    if (status == URN_OK && !view->by_row)
        *index = index_of(codes, view);
    urn__dataset_unlock(data);
    URN_TRY(status);
    if (view->by_row)
        *index = index_by_row(&data->tables[table], codes, arena);
    const bool kept = urn__arena_keep(arena, codes, release_codes);
    return *index && kept
               ? URN_OK
               : urn__fail_memory(error, "an index column", (size_t)view->n * sizeof(int32_t));
}
