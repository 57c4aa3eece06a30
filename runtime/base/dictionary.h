/* Distinct texts, numbered in the order they were added, in one block of memory. Private to the
 * library. */
#ifndef URN_RUNTIME_DICTIONARY_H
#define URN_RUNTIME_DICTIONARY_H

#include "base.h"

typedef struct urn__dictionary {
    const urn_allocator *allocator;
    int64_t n;
    char *bytes; /* the texts, each ended by a zero */
    size_t n_bytes, bytes_capacity;
    size_t *at; /* where text i starts */
    size_t at_capacity;
    uint32_t *slots; /* open addressing: number + 1, 0 empty */
    size_t n_slots;  /* a power of two, or 0 */
} urn__dictionary;

void urn__dictionary_init(urn__dictionary *d, const urn_allocator *allocator);
void urn__dictionary_clear(urn__dictionary *d);
/* The number of a text of n bytes that holds no zero, added if it is new; -1: out of memory, or
 * 2^31 - 2 texts are there. */
int32_t urn__dictionary_add(urn__dictionary *d, const char *text, size_t n);
/* -1 if it is not there. */
int32_t urn__dictionary_find(const urn__dictionary *d, const char *text, size_t n);
/* Moves with the next addition. */
const char *urn__dictionary_text(const urn__dictionary *d, int64_t i);
/* No texts come any more: drops what served to find them. */
void urn__dictionary_close(urn__dictionary *d);

#endif
