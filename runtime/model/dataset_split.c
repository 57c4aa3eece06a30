/* Rows and places: which rows are held out, where each is kept, and the line it stood on. */
#include "dataset_parts.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORD = 64, BLOCK = 512, WORDS = BLOCK / WORD };

/* ---- counting bits ---- */

bool urn__table_is_held_out(const urn__table *table, int64_t row)
{
    return table->held_out ? table->held_out[row / WORD] >> (row % WORD) & 1
                           : row >= table->n_training;
}

/* Rows held out before `row`. */
static int64_t held_out_before(const urn__table *table, int64_t row)
{
    const int64_t block = row / BLOCK, word = row / WORD;
    int64_t n = table->n_held_out[block];
    for (int64_t w = block * WORDS; w < word; w++)
        n += __builtin_popcountll(table->held_out[w]);
    const uint64_t before = (UINT64_C(1) << (row % WORD)) - 1;
    return n + __builtin_popcountll(table->held_out[word] & before);
}

int64_t urn__table_place(const urn__table *table, int64_t row)
{
    if (!table->held_out)
        return row;
    const int64_t before = held_out_before(table, row);
    return urn__table_is_held_out(table, row) ? table->n_training + before : row - before;
}

/* Rows before row 512 `block` that are of the view asked for. */
static int64_t of_view_before(const urn__table *table, int64_t block, bool held_out)
{
    const int64_t n = table->n_held_out[block];
    return held_out ? n : block * BLOCK - n;
}

/* Row number `at` of a view. */
static int64_t select_row(const urn__table *table, int64_t at, bool held_out)
{
    int64_t low = 0, high = (table->n_rows - 1) / BLOCK;
    while (low < high) { /* the last block with at most `at` rows of the view before it */
        const int64_t middle = high - (high - low) / 2;
        if (of_view_before(table, middle, held_out) <= at)
            low = middle;
        else
            high = middle - 1;
    }
    at -= of_view_before(table, low, held_out);
    for (int64_t w = low * WORDS;; w++) {
        uint64_t bits = held_out ? table->held_out[w] : ~table->held_out[w];
        const int n = __builtin_popcountll(bits);
        if (at >= n) {
            at -= n;
            continue;
        }
        for (; at > 0; at--)
            bits &= bits - 1;
        return w * WORD + __builtin_ctzll(bits);
    }
}

int64_t urn__table_row(const urn__table *table, int64_t place)
{
    if (!table->held_out)
        return place;
    return place < table->n_training ? select_row(table, place, false)
                                     : select_row(table, place - table->n_training, true);
}

void urn__table_flags(const urn__table *table, unsigned char *to)
{
    for (int64_t r = 0; r < table->n_rows; r++)
        to[r] = urn__table_is_held_out(table, r);
}

/* ---- lines ---- */

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
    if (table->lines.n == 0) {
        const urn__source *source = source_of(table, row);
        return source->first_line > 0 ? source->first_line + (row - source->first_row) : 0;
    }
    size_t low = 0, high = table->lines.n - 1;
    while (low < high) { /* the last run that starts at or before the row */
        const size_t middle = high - (high - low) / 2;
        if (table->lines.run[middle].row <= row)
            low = middle;
        else
            high = middle - 1;
    }
    const urn__line_run *run = &table->lines.run[low];
    return run->line ? run->line + (row - run->row) : 0; /* 0: rows without lines */
}

bool urn__lines_add(const urn_allocator *allocator, urn__lines *lines, int64_t row, int64_t line)
{
    const urn__line_run *last = lines->n > 0 ? &lines->run[lines->n - 1] : NULL;
    if (last && line == (last->line ? last->line + (row - last->row) : 0))
        return true;
    if (!urn__grow(allocator, (void **)&lines->run, sizeof *lines->run, &lines->capacity,
                   lines->n + 1))
        return false;
    lines->run[lines->n++] = (urn__line_run){row, line};
    return true;
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

/* ---- holding out ---- */

bool urn__table_to_places(const urn_dataset *data, const urn__table *table, urn__column *column)
{
    if (!table->held_out)
        return true;
    int32_t *from = urn__alloc(data->allocator, ((size_t)table->n_rows + 1) * sizeof *from);
    int64_t training = 0, held_out = table->n_training;
    for (int64_t r = 0; from && r < table->n_rows; r++)
        from[urn__table_is_held_out(table, r) ? held_out++ : training++] = (int32_t)r;
    const bool ok = from && urn__column_arrange(data, column, table->n_rows, from);
    urn__free(data->allocator, from);
    return ok;
}

/* The split a table is to have. */
typedef struct split {
    int64_t n_training;
    uint64_t *held_out; /* NULL: places are rows */
    int64_t *n_held_out;
} split;

static void split_clear(const urn_allocator *allocator, split *s)
{
    urn__free(allocator, s->held_out);
    urn__free(allocator, s->n_held_out);
    *s = (split){0};
}

/* A function that tells of each row whether it is held out. */
typedef bool is_held_out(const void *context, int64_t row);

static bool split_init(const urn_allocator *allocator, int64_t n, is_held_out *ask,
                       const void *context, split *s)
{
    *s = (split){0};
    const size_t words = (size_t)(n / WORD + 1), blocks = (size_t)(n / BLOCK + 1);
    s->held_out = urn__calloc(allocator, words, sizeof *s->held_out);
    s->n_held_out = urn__calloc(allocator, blocks + 1, sizeof *s->n_held_out);
    if (!s->held_out || !s->n_held_out) {
        split_clear(allocator, s);
        return false;
    }
    int64_t held_out = 0, last_training = -1;
    for (int64_t r = 0; r < n; r++) {
        if (r % BLOCK == 0)
            s->n_held_out[r / BLOCK] = held_out;
        if (ask(context, r)) {
            s->held_out[r / WORD] |= UINT64_C(1) << (r % WORD);
            held_out++;
        } else {
            last_training = r;
        }
    }
    s->n_training = n - held_out;
    if (last_training + 1 == s->n_training) { /* those held out are the last ones, or none */
        const int64_t n_training = s->n_training;
        split_clear(allocator, s);
        s->n_training = n_training;
    }
    return true;
}

/* from[new place] = place now. */
static int32_t *moves(const urn_dataset *data, const urn__table *t, const split *s)
{
    const size_t n = t->n_rows > 0 ? (size_t)t->n_rows : 1;
    int32_t *from = urn__alloc(data->allocator, n * sizeof *from);
    int64_t training = 0, held_out = t->n_training, to_training = 0, to_held_out = s->n_training;
    for (int64_t r = 0; from && r < t->n_rows; r++) {
        const int64_t now = urn__table_is_held_out(t, r) ? held_out++ : training++;
        const bool out = s->held_out ? s->held_out[r / WORD] >> (r % WORD) & 1 : r >= s->n_training;
        from[out ? to_held_out++ : to_training++] = (int32_t)now;
    }
    return from;
}

static void replace(const urn_dataset *data, urn__table *t, const split *s)
{
    urn__free(data->allocator, t->held_out);
    urn__free(data->allocator, t->n_held_out);
    urn__free(data->allocator, t->flags);
    t->held_out = s->held_out;
    t->n_held_out = s->n_held_out;
    t->n_training = s->n_training;
    t->flags = NULL;
}

static urn_status apply(urn_dataset *data, urn__table *t, split *s, urn_error *error)
{
    bool ok = true;
    if (t->held_out || s->held_out) {
        int32_t *from = moves(data, t, s);
        ok = from != NULL;
        for (size_t i = 0; ok && i < t->n_columns; i++)
            ok = urn__column_arrange(data, &t->columns[i], t->n_rows, from);
        urn__free(data->allocator, from);
    }
    if (!ok) {
        split_clear(data->allocator, s);
        return urn__fail_memory(error, "the held-out rows", (size_t)t->n_rows * sizeof(uint64_t));
    }
    replace(data, t, s);
    return URN_OK;
}

static urn_status hold_out(urn_dataset *data, urn__table *t, is_held_out *ask, const void *context,
                           urn_error *error)
{
    split s;
    if (!split_init(data->allocator, t->n_rows, ask, context, &s))
        return urn__fail_memory(error, "the held-out rows", (size_t)t->n_rows / 8);
    return apply(data, t, &s, error);
}

static bool is_flagged(const void *context, int64_t row)
{
    return ((const unsigned char *)context)[row] != 0;
}

urn_status urn_dataset_set_held_out(urn_dataset *data, const char *table,
                                    const unsigned char *held_out, urn_error *error)
{
    urn__table *t = urn__dataset_table_of(data, table, error);
    return t ? hold_out(data, t, is_flagged, held_out, error) : URN_ERR_USAGE;
}

static bool is_after(const void *context, int64_t row)
{
    return row >= *(const int64_t *)context;
}

urn_status urn__dataset_hold_out_after(urn_dataset *data, const char *table, int64_t first,
                                       urn_error *error)
{
    urn__table *t = urn__dataset_table_of(data, table, error);
    return t ? hold_out(data, t, is_after, &first, error) : URN_ERR_USAGE;
}

static bool is_hashed(const void *context, int64_t row)
{
    const uint32_t hash = (uint32_t)((uint64_t)row * UINT64_C(2654435761));
    return (double)hash < *(const double *)context;
}

urn_status urn__dataset_hold_out_share(urn_dataset *data, const char *table, double share,
                                       urn_error *error)
{
    const double threshold = share * 4294967296.0; /* exact: a power of two */
    urn__table *t = urn__dataset_table_of(data, table, error);
    return t ? hold_out(data, t, is_hashed, &threshold, error) : URN_ERR_USAGE;
}

/* ---- after a merge ---- */

static bool is_set(const void *context, int64_t row)
{
    return ((const uint64_t *)context)[row / WORD] >> (row % WORD) & 1;
}

bool urn__table_set_split(const urn_dataset *data, urn__table *table, int64_t n_rows,
                          const uint64_t *held_out)
{
    split s;
    if (!split_init(data->allocator, n_rows, is_set, held_out, &s))
        return false;
    table->n_rows = n_rows;
    replace(data, table, &s);
    return true;
}
