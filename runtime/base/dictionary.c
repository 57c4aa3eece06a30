/* Distinct texts, numbered in the order they were added. */
#include "dictionary.h"

#include <string.h>

void urn__dictionary_init(urn__dictionary *d, const urn_allocator *allocator)
{
    *d = (urn__dictionary){.allocator = allocator};
}

void urn__dictionary_clear(urn__dictionary *d)
{
    urn__free(d->allocator, d->bytes);
    urn__free(d->allocator, d->at);
    urn__free(d->allocator, d->slots);
    urn__dictionary_init(d, d->allocator);
}

const char *urn__dictionary_text(const urn__dictionary *d, int64_t i)
{
    return d->bytes + d->at[i];
}

/* The slot of a text, or the empty one it would go to. */
static size_t slot_of(const urn__dictionary *d, const char *text, size_t n)
{
    size_t at = (size_t)urn__hash_bytes(0, text, n) & (d->n_slots - 1);
    for (; d->slots[at]; at = (at + 1) & (d->n_slots - 1)) {
        const char *there = urn__dictionary_text(d, d->slots[at] - 1);
        if (strncmp(there, text, n) == 0 && there[n] == 0)
            break;
    }
    return at;
}

/* Twice as many slots, so that at most half of them are taken. */
static bool rehash(urn__dictionary *d)
{
    const size_t n_slots = d->n_slots ? d->n_slots * 2 : 64;
    uint32_t *slots = urn__calloc(d->allocator, n_slots, sizeof *slots);
    if (!slots)
        return false;
    urn__free(d->allocator, d->slots);
    d->slots = slots;
    d->n_slots = n_slots;
    for (int64_t i = 0; i < d->n; i++) {
        const char *text = urn__dictionary_text(d, i);
        slots[slot_of(d, text, strlen(text))] = (uint32_t)(i + 1);
    }
    return true;
}

int32_t urn__dictionary_find(const urn__dictionary *d, const char *text, size_t n)
{
    return d->n_slots ? (int32_t)d->slots[slot_of(d, text, n)] - 1 : -1;
}

int32_t urn__dictionary_add(urn__dictionary *d, const char *text, size_t n)
{
    const int32_t known = urn__dictionary_find(d, text, n);
    if (known >= 0)
        return known;
    if (d->n >= INT32_MAX - 1)
        return -1;
    if (((size_t)d->n * 2 >= d->n_slots && !rehash(d)) ||
        !urn__grow(d->allocator, (void **)&d->bytes, 1, &d->bytes_capacity, d->n_bytes + n + 1) ||
        !urn__grow(d->allocator, (void **)&d->at, sizeof *d->at, &d->at_capacity, (size_t)d->n + 1))
        return -1;
    memcpy(d->bytes + d->n_bytes, text, n);
    d->bytes[d->n_bytes + n] = 0;
    d->at[d->n++] = d->n_bytes;
    d->n_bytes += n + 1;
    d->slots[slot_of(d, text, n)] = (uint32_t)d->n;
    return (int32_t)(d->n - 1);
}

void urn__dictionary_close(urn__dictionary *d)
{
    urn__free(d->allocator, d->slots);
    d->slots = NULL;
    d->n_slots = 0;
}
