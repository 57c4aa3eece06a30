/* Distinct integers, numbered in the order they were added. */
#include "dataset_parts.h"

#include <string.h>

#define MAX_KEYS (INT32_MAX - 1)

bool urn__keys_init(urn__keys *keys, const urn_allocator *allocator, int64_t direct)
{
    *keys = (urn__keys){.allocator = allocator};
    if (direct > 0) {
        keys->direct = urn__calloc(allocator, (size_t)direct, sizeof *keys->direct);
        keys->n_direct = keys->direct ? direct : 0;
        return keys->direct != NULL;
    }
    keys->n_slots = 64;
    keys->slots = urn__calloc(allocator, keys->n_slots, sizeof *keys->slots);
    return keys->slots != NULL;
}

void urn__keys_clear(urn__keys *keys)
{
    urn__free(keys->allocator, keys->ints);
    urn__free(keys->allocator, keys->slots);
    urn__free(keys->allocator, keys->direct);
    *keys = (urn__keys){0};
}

/* Where a key is, or the empty slot it would go to. */
static size_t slot_of(const urn__keys *keys, int64_t key)
{
    size_t at = (size_t)urn__hash_u64(0, (uint64_t)key) & (keys->n_slots - 1);
    while (keys->slots[at] && keys->ints[keys->slots[at] - 1] != key)
        at = (at + 1) & (keys->n_slots - 1);
    return at;
}

int32_t urn__keys_find(const urn__keys *keys, int64_t key)
{
    if (keys->direct)
        return key >= 0 && key < keys->n_direct ? keys->direct[key] - 1 : -1;
    return keys->slots[slot_of(keys, key)] - 1;
}

/* Twice as many slots, so that at most half of them are taken. */
static bool rehash(urn__keys *keys)
{
    const size_t n_slots = keys->n_slots * 2;
    int32_t *slots = urn__calloc(keys->allocator, n_slots, sizeof *slots);
    if (!slots)
        return false;
    urn__free(keys->allocator, keys->slots);
    keys->slots = slots;
    keys->n_slots = n_slots;
    for (int32_t i = 0; i < (int32_t)keys->n; i++)
        slots[slot_of(keys, keys->ints[i])] = i + 1;
    return true;
}

/* Room for one more key. */
static bool make_room(urn__keys *keys)
{
    if (keys->n >= MAX_KEYS)
        return false;
    if (!keys->direct && (size_t)keys->n * 2 >= keys->n_slots && !rehash(keys))
        return false;
    return urn__grow(keys->allocator, (void **)&keys->ints, sizeof *keys->ints, &keys->capacity,
                     (size_t)keys->n + 1);
}

bool urn__keys_add(urn__keys *keys, int64_t key)
{
    if (keys->direct && (key < 0 || key >= keys->n_direct))
        return false;
    if (urn__keys_find(keys, key) >= 0)
        return true;
    if (!make_room(keys))
        return false;
    keys->ints[keys->n++] = key;
    if (keys->direct)
        keys->direct[key] = (int32_t)keys->n;
    else
        keys->slots[slot_of(keys, key)] = (int32_t)keys->n;
    return true;
}
