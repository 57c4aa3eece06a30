/* The stores of columns: numbers in their smallest exact type, codes with their labels. */
#include "dataset_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels and codes ---- */

urn__labels *urn__labels_new(const urn_allocator *allocator, int64_t n, size_t bytes)
{
    const size_t room = n > 0 ? (size_t)n : 1;
    urn__labels *labels = urn__calloc(allocator, 1, sizeof *labels);
    if (!labels)
        return NULL;
    labels->allocator = allocator;
    atomic_init(&labels->references, 1);
    labels->n = labels->n_known = n;
    if (bytes) {
        labels->texts = urn__calloc(allocator, room, sizeof *labels->texts);
        labels->bytes = urn__alloc(allocator, bytes);
        labels->n_bytes = bytes;
    } else {
        labels->ints = urn__alloc(allocator, room * sizeof *labels->ints);
    }
    if (bytes ? labels->texts && labels->bytes : labels->ints != NULL)
        return labels;
    urn__labels_release(labels);
    return NULL;
}

urn__labels *urn__labels_of_texts(const urn_allocator *allocator, urn__dictionary *texts)
{
    urn__labels *labels = urn__labels_new(allocator, texts->n, 1);
    if (!labels)
        return NULL;
    for (int64_t i = 0; i < texts->n; i++)
        labels->texts[i] = urn__dictionary_text(texts, i);
    if (texts->bytes) {
        urn__free(allocator, labels->bytes);
        labels->bytes = texts->bytes;
        labels->n_bytes = texts->bytes_capacity;
        texts->bytes = NULL;
    }
    urn__dictionary_clear(texts);
    return labels;
}

urn__labels *urn__labels_share(urn__labels *labels)
{
    if (labels)
        atomic_fetch_add(&labels->references, 1);
    return labels;
}

void urn__labels_release(urn__labels *labels)
{
    if (!labels || atomic_fetch_sub(&labels->references, 1) > 1)
        return;
    urn__free(labels->allocator, labels->ints);
    urn__free(labels->allocator, labels->texts);
    urn__free(labels->allocator, labels->bytes);
    urn__free(labels->allocator, labels);
}

urn__codes *urn__codes_new(const urn_allocator *allocator, int64_t n, int32_t *code,
                           urn__labels *labels, int64_t n_targets)
{
    urn__codes *codes = urn__calloc(allocator, 1, sizeof *codes);
    if (!codes)
        return NULL;
    codes->allocator = allocator;
    atomic_init(&codes->references, 1);
    codes->n = n;
    codes->code = code;
    codes->labels = urn__labels_share(labels);
    codes->n_targets = n_targets;
    return codes;
}

urn__codes *urn__codes_share(urn__codes *codes)
{
    if (codes)
        atomic_fetch_add(&codes->references, 1);
    return codes;
}

void urn__codes_release(urn__codes *codes)
{
    if (!codes || atomic_fetch_sub(&codes->references, 1) > 1)
        return;
    while (codes->views) {
        urn__index_view *next = codes->views->next;
        urn__index_free(codes->views->index);
        urn__free(codes->allocator, codes->views);
        codes->views = next;
    }
    urn__labels_release(codes->labels);
    urn__free(codes->allocator, codes->code);
    urn__free(codes->allocator, codes);
}

void urn__column_clear(const urn_allocator *allocator, urn__column *column)
{
    urn__free(allocator, column->name);
    urn__numbers_release(column->numbers);
    urn__numbers_release(column->shown);
    urn__codes_release(column->codes);
    urn__codes_release(column->other);
}

/* ---- what stands in a place ---- */

const char *urn__column_text(const urn__column *column, int64_t place)
{
    return column->codes->labels->texts[column->codes->code[place]];
}

/* Of a column other than text: the code's label where there are no numbers. */
int64_t urn__column_int(const urn__column *column, int64_t place)
{
    return column->numbers ? urn__numbers_int(column->numbers, place)
                           : column->codes->labels->ints[column->codes->code[place]];
}

double urn__column_real(const urn__column *column, int64_t place)
{
    double value;
    if (!column->numbers)
        return (double)urn__column_int(column, place);
    urn__numbers_read(column->numbers, place, 1, &value);
    return value;
}

void urn__column_format(const urn__column *column, int64_t place, char *text, size_t size)
{
    if (column->kind == URN__COLUMN_TEXT) {
        snprintf(text, size, "\"%.120s\"", urn__column_text(column, place));
        return;
    }
    const double value = urn__column_real(column, place);
    if (column->kind == URN__COLUMN_INT)
        snprintf(text, size, "%" PRId64, urn__column_int(column, place));
    else if (isnan(value))
        snprintf(text, size, "NaN");
    else
        snprintf(text, size, "%.15g", value);
}

/* ---- numbers of ids ---- */

bool urn__column_make_numbers(const urn_dataset *data, urn__column *column)
{
    if (column->numbers)
        return true;
    const urn__codes *codes = column->codes;
    const urn__labels *labels = codes->labels;
    bool narrow = true;
    for (int64_t i = 0; i < labels->n; i++)
        narrow = narrow && labels->ints[i] <= INT32_MAX && labels->ints[i] >= INT32_MIN;
    const urn__number_type type = narrow ? URN__INT32 : URN__INT64;
    const size_t n = codes->n > 0 ? (size_t)codes->n : 1;
    void *cells = urn__alloc(data->allocator, n * urn__number_size(type));
    for (int64_t p = 0; cells && p < codes->n; p++) {
        const int64_t value = labels->ints[codes->code[p]];
        if (narrow)
            ((int32_t *)cells)[p] = (int32_t)value;
        else
            ((int64_t *)cells)[p] = value;
    }
    column->numbers = cells ? urn__numbers_new(data->allocator, type, codes->n, cells) : NULL;
    if (!column->numbers)
        urn__free(data->allocator, cells);
    return column->numbers != NULL;
}

/* ---- other places ---- */

static urn__codes *arranged_codes(const urn_dataset *data, const urn__codes *codes, int64_t n,
                                  const int32_t *from)
{
    int32_t *code = urn__alloc(data->allocator, (n > 0 ? (size_t)n : 1) * sizeof *code);
    for (int64_t p = 0; code && p < n; p++)
        code[p] = codes->code[from[p]];
    urn__codes *made =
        code ? urn__codes_new(data->allocator, n, code, codes->labels, codes->n_targets) : NULL;
    if (!made)
        urn__free(data->allocator, code);
    return made;
}

bool urn__column_arrange(const urn_dataset *data, urn__column *column, int64_t n,
                         const int32_t *from)
{
    urn__numbers *numbers = NULL;
    urn__codes *codes = NULL;
    if (column->numbers && !(numbers = urn__numbers_arranged(column->numbers, 0, n, from)))
        return false;
    if (column->codes && !(codes = arranged_codes(data, column->codes, n, from))) {
        urn__numbers_release(numbers);
        return false;
    }
    urn__numbers_release(column->numbers);
    urn__codes_release(column->codes);
    urn__codes_release(column->other);
    column->numbers = numbers;
    column->codes = codes;
    column->other = NULL;
    return true;
}

/* ---- what is held ---- */

static size_t codes_bytes(const urn__codes *codes)
{
    if (!codes)
        return 0;
    size_t bytes = (size_t)codes->n * sizeof *codes->code;
    for (const urn__index_view *v = codes->views; v; v = v->next)
        bytes += urn__index_bytes(v->index);
    if (codes->labels) /* of which a column has its own, or shares them */
        bytes += (size_t)codes->labels->n * sizeof(int64_t) + codes->labels->n_bytes;
    return bytes;
}

size_t urn__table_bytes(const urn__table *table)
{
    size_t bytes = table->lines.capacity * sizeof *table->lines.run;
    if (table->held_out)
        bytes += (size_t)table->n_rows / 8 + (size_t)table->n_rows / 64;
    if (table->flags)
        bytes += (size_t)table->n_rows;
    for (size_t i = 0; i < table->n_columns; i++) {
        const urn__column *c = &table->columns[i];
        bytes += codes_bytes(c->codes) + codes_bytes(c->other);
        if (c->numbers)
            bytes += urn__numbers_bytes(c->numbers);
        if (c->shown && c->shown != c->numbers)
            bytes += urn__numbers_bytes(c->shown);
    }
    return bytes;
}
