/* The ids of a plate: the distinct values of a column, and the code of every row. */
#include "dataset_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to here a real number tells its neighbours apart. */
static const double exact_limit = 9007199254740992.0; /* 2^53 */

urn_status urn_dataset_set_ids(urn_dataset *data, const char *column, int64_t n,
                               const int64_t *ints, const char *const *texts, urn_error *error)
{
    if (n < 0 || (ints != NULL) == (texts != NULL))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "ids of \"%s\": give either integers or texts", column);
    if (!urn__grow(data->allocator, (void **)&data->known, sizeof *data->known,
                   &data->known_capacity, data->n_known + 1))
        return urn__fail_memory(error, "the ids of a plate", sizeof *data->known);
    urn__known *known = &data->known[data->n_known];
    *known = (urn__known){.n = n, .column = urn__dataset_strdup(data, column)};
    if (texts)
        known->texts = urn__dataset_copy_texts(data, n, texts, &known->blob);
    else
        known->ints = urn__alloc(data->allocator, (size_t)(n > 0 ? n : 1) * sizeof *ints);
    if (!known->column || (!known->texts && !known->ints)) {
        urn__free(data->allocator, known->column);
        urn__free(data->allocator, known->texts);
        urn__free(data->allocator, known->blob);
        urn__free(data->allocator, known->ints);
        return urn__fail_memory(error, "the ids of a plate", (size_t)n * sizeof(int64_t));
    }
    if (ints && n)
        memcpy(known->ints, ints, (size_t)n * sizeof *ints);
    data->n_known++;
    return URN_OK;
}

/* What the last urn_dataset_set_ids said about a column of the file. */
static const urn__known *find_known(const urn_dataset *data, const char *column)
{
    for (size_t i = data->n_known; i-- > 0;)
        if (strcmp(urn__dataset_mapped(data, data->known[i].column), column) == 0)
            return &data->known[i];
    return NULL;
}

/* A collection of ids: the model's name and the file's column, whose tables hold them. */
typedef struct gather {
    const urn_dataset *data;
    const char *name, *column;
    const urn__known *known;
    bool text; /* ids are texts; integer columns are then read as text */
    urn_error *error;
} gather;

static urn_status bad_id(const gather *g, int table, int64_t row, const char *expected)
{
    char where[256], called[160], found[160];
    const urn__column *c = urn__dataset_find_column(&g->data->tables[table], g->column);
    urn__dataset_where(g->data, table, row, where, sizeof where);
    urn__dataset_call(g->name, g->column, called, sizeof called);
    if (c->kind == URN__COLUMN_TEXT && !c->texts[row][0])
        snprintf(found, sizeof found, "an empty field");
    else
        urn__column_format(c, row, found, sizeof found);
    return urn__fail(g->error, URN_ERR_DATA, where, NULL, NULL, "%s: found %s, expected %s", called,
                     found, expected);
}

/* The integer id in a row of a numeric column. */
static urn_status int_id(const gather *g, int table, const urn__column *c, int64_t row, int64_t *id)
{
    if (c->kind == URN__COLUMN_INT) {
        *id = c->ints ? c->ints[row] : (int64_t)c->values[row];
        return *id >= 0 ? URN_OK : bad_id(g, table, row, "an id of at least 0");
    }
    const double value = c->values[row];
    if (!isfinite(value) || value != floor(value))
        return bad_id(g, table, row, "a whole number (or text in every row)");
    if (value < 0)
        return bad_id(g, table, row, "an id of at least 0");
    if (value > exact_limit)
        return bad_id(
            g, table, row,
            "an id of at most 9007199254740992 (9223372036854775807 where all are written "
            "as whole numbers)");
    *id = (int64_t)value;
    return URN_OK;
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

/* The text id in a row; integers are written into `buffer`. */
static urn_status text_id(const gather *g, int table, const urn__column *c, int64_t row,
                          char buffer[32], const char **id)
{
    if (c->kind != URN__COLUMN_TEXT) {
        int64_t value = 0;
        URN_TRY(int_id(g, table, c, row, &value));
        snprintf(buffer, 32, "%" PRId64, value);
        *id = buffer;
        return URN_OK;
    }
    *id = c->texts[row];
    if (!**id)
        return bad_id(g, table, row, "an id");
    if (!is_utf8(*id))
        return bad_id(g, table, row, "text in UTF-8 (iconv converts files)");
    return URN_OK;
}

/* Decides between integers and texts. A table of each kind is an error, unless the fit knew texts:
 * then whole numbers are texts that happen to look so. */
static urn_status choose_kind(gather *g)
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
                urn__column_format(c, 0, list, sizeof list);
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

/* One past the largest integer id if an array over all of them is worth it, else 0. */
static urn_status direct_size(const gather *g, int64_t *direct)
{
    int64_t top = 0, rows = 0;
    for (int64_t i = 0; g->known && i < g->known->n; i++)
        top = g->known->ints[i] > top ? g->known->ints[i] : top;
    for (int t = 0; t < (int)g->data->n_tables; t++) {
        const urn__column *c = urn__dataset_find_column(&g->data->tables[t], g->column);
        const int64_t n = c ? g->data->tables[t].n_rows : 0;
        rows += n;
        for (int64_t r = 0; r < n; r++) {
            int64_t id = 0;
            URN_TRY(int_id(g, t, c, r, &id));
            top = id > top ? id : top;
        }
    }
    *direct = top < 4 * rows + 1024 ? top + 1 : 0;
    return URN_OK;
}

static urn_status too_many(const gather *g, const urn__keys *keys)
{
    if (keys->n >= INT32_MAX - 1)
        return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                         "column \"%s\" has more than %d distinct ids", g->column, INT32_MAX - 1);
    return urn__fail_memory(g->error, "the ids of a plate", (size_t)keys->n * 32);
}

static urn_status add_known(const gather *g, urn__keys *keys)
{
    for (int64_t i = 0; g->known && i < g->known->n; i++) {
        if (!g->text && g->known->ints[i] < 0)
            return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                             "the known ids of \"%s\" have %" PRId64 " among them", g->name,
                             g->known->ints[i]);
        const bool added = g->text ? urn__keys_add_text(keys, g->known->texts[i])
                                   : urn__keys_add_int(keys, g->known->ints[i]);
        if (!added)
            return too_many(g, keys);
        if (keys->n != i + 1)
            return urn__fail(g->error, URN_ERR_DATA, NULL, NULL, NULL,
                             "the known ids of \"%s\" repeat one", g->name);
    }
    return URN_OK;
}

/* Adds a table's ids. Texts made from integers are kept in the arena. */
static urn_status add_rows(const gather *g, int table, urn__arena *arena, urn__keys *keys)
{
    const urn__column *c = urn__dataset_find_column(&g->data->tables[table], g->column);
    const int64_t n = c ? g->data->tables[table].n_rows : 0;
    for (int64_t r = 0; r < n; r++) {
        bool added = true;
        if (g->text) {
            char buffer[32];
            const char *id = NULL;
            URN_TRY(text_id(g, table, c, r, buffer, &id));
            if (urn__keys_find_text(keys, id) < 0) {
                const char *kept = id == buffer ? urn__arena_strdup(arena, id) : id;
                added = kept && urn__keys_add_text(keys, kept);
            }
        } else {
            int64_t id = 0;
            URN_TRY(int_id(g, table, c, r, &id));
            added = urn__keys_add_int(keys, id);
        }
        if (!added)
            return too_many(g, keys);
    }
    return URN_OK;
}

static int compare_ints(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Labels from keys: those after the known ones in ascending order. */
static urn_status make_labels(const gather *g, const urn__keys *keys, urn__arena *arena,
                              urn__ids *ids)
{
    const int64_t n_known = g->known ? g->known->n : keys->n;
    const size_t first = g->known ? (size_t)g->known->n : 0, n = (size_t)keys->n;
    *ids = (urn__ids){.n = keys->n, .n_known = n_known};
    if (g->text) {
        const char **texts = urn__arena_alloc(arena, n ? n : 1, sizeof *texts);
        if (texts && n) {
            memcpy(texts, keys->texts, n * sizeof *texts);
            qsort(texts + first, n - first, sizeof *texts, compare_texts);
        }
        ids->texts = texts;
    } else {
        int64_t *ints = urn__arena_alloc(arena, n ? n : 1, sizeof *ints);
        if (ints && n) {
            memcpy(ints, keys->ints, n * sizeof *ints);
            qsort(ints + first, n - first, sizeof *ints, compare_ints);
        }
        ids->ints = ints;
    }
    return ids->texts || ids->ints ? URN_OK
                                   : urn__fail_memory(g->error, "the ids of a plate", n * 8);
}

urn_status urn__dataset_ids(const urn_dataset *data, const char *column, urn__arena *arena,
                            urn__ids *ids, urn_error *error)
{
    gather g = {
        .data = data, .name = column, .column = urn__dataset_resolve(data, column), .error = error};
    g.known = find_known(data, g.column);
    URN_TRY(choose_kind(&g));
    int64_t direct = 0;
    if (!g.text)
        URN_TRY(direct_size(&g, &direct));
    urn__keys keys;
    if (!urn__keys_init(&keys, data->allocator, g.text, direct))
        return urn__fail_memory(error, "the ids of a plate", (size_t)direct * sizeof(int32_t));
    urn_status status = add_known(&g, &keys);
    for (int t = 0; status == URN_OK && t < (int)data->n_tables; t++)
        status = add_rows(&g, t, arena, &keys);
    if (status == URN_OK)
        status = make_labels(&g, &keys, arena, ids);
    urn__keys_clear(&keys);
    return status;
}

/* ---- codes ---- */

/* Keys whose numbers are the codes of `ids`. */
static urn_status keys_of(const gather *g, const urn__ids *ids, int64_t rows, urn__keys *keys)
{
    int64_t top = -1;
    for (int64_t i = 0; ids->ints && i < ids->n; i++)
        top = ids->ints[i] > top ? ids->ints[i] : top;
    const int64_t direct = top >= 0 && top < 4 * (rows + ids->n) + 1024 ? top + 1 : 0;
    bool ok = urn__keys_init(keys, g->data->allocator, ids->texts != NULL, direct);
    for (int64_t i = 0; ok && i < ids->n; i++)
        ok = ids->texts ? urn__keys_add_text(keys, ids->texts[i])
                        : urn__keys_add_int(keys, ids->ints[i]);
    return ok ? URN_OK
              : urn__fail_memory(g->error, "the codes of a column",
                                 (size_t)(direct + 16 * ids->n) * sizeof(int32_t));
}

static urn_status code_rows(const gather *g, int table, const urn__column *c, const urn__keys *keys,
                            int32_t *codes)
{
    const int64_t n = g->data->tables[table].n_rows;
    for (int64_t r = 0; r < n; r++) {
        if (keys->text) {
            char buffer[32];
            const char *id = NULL;
            URN_TRY(text_id(g, table, c, r, buffer, &id));
            codes[r] = urn__keys_find_text(keys, id);
        } else {
            int64_t id = 0;
            URN_TRY(int_id(g, table, c, r, &id));
            codes[r] = urn__keys_find_int(keys, id);
        }
        if (codes[r] < 0)
            return bad_id(g, table, r, "one of the plate's ids");
    }
    return URN_OK;
}

/* Row numbers instead of ids. */
static urn_status number_rows(const gather *g, int table, const urn__column *c, int64_t size,
                              int32_t *codes)
{
    const int64_t n = g->data->tables[table].n_rows;
    char expected[96];
    snprintf(expected, sizeof expected, "a row number from 0 to %" PRId64, size - 1);
    for (int64_t r = 0; r < n; r++) {
        const double value = c->values[r];
        if (!(value >= 0 && value < (double)size) || value != floor(value))
            return bad_id(g, table, r, expected);
        codes[r] = (int32_t)value;
    }
    return URN_OK;
}

urn_status urn__dataset_codes(const urn_dataset *data, int table, const char *column,
                              const urn__ids *ids, int64_t size, urn__arena *arena, int32_t **codes,
                              urn_error *error)
{
    const urn__column *c = urn__dataset_require(data, table, column, error);
    if (!c)
        return URN_ERR_DATA;
    const gather g = {.data = data, .name = column, .column = c->name, .error = error};
    const int64_t n = data->tables[table].n_rows;
    if (c->kind == URN__COLUMN_TEXT && !(ids && ids->texts))
        return n ? bad_id(&g, table, 0, ids ? "an integer id" : "a row number")
                 : urn__fail(error, URN_ERR_DATA, NULL, NULL, NULL, "column \"%s\" holds text",
                             c->name);
    if (!ids && size > INT32_MAX - 1)
        return urn__fail(error, URN_ERR_DATA, NULL, NULL, NULL,
                         "column \"%s\" indexes %" PRId64 " rows, at most %d are possible", c->name,
                         size, INT32_MAX - 1);
    int32_t *made = urn__arena_alloc(arena, n ? (size_t)n : 1, sizeof *made);
    if (!made)
        return urn__fail_memory(error, "the codes of a column", (size_t)n * sizeof *made);
    if (!ids) {
        URN_TRY(number_rows(&g, table, c, size, made));
    } else {
        urn__keys keys;
        urn_status status = keys_of(&g, ids, n, &keys);
        if (status == URN_OK)
            status = code_rows(&g, table, c, &keys, made);
        urn__keys_clear(&keys);
        URN_TRY(status);
    }
    *codes = made;
    return URN_OK;
}
