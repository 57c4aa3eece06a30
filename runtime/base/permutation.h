/* Permutations of 0 .. n - 1 that take no memory: any place is computed when it is asked for. A
 * Feistel network over the least power of two that holds n, whose outputs from n on are put in
 * again (cycle walking: Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). Named by
 * a stream, as random numbers are. */
#ifndef URN_RUNTIME_PERMUTATION_H
#define URN_RUNTIME_PERMUTATION_H

#include "rng.h"

/* Even numbers, since halves of unequal size trade places each round. Small halves mix slowly. */
enum { URN__PERMUTATION_ROUNDS = 8, URN__PERMUTATION_MOST = 32, URN__PERMUTATION_SMALL = 14 };

typedef struct urn__permutation {
    int64_t n;
    int rounds;
    int left, right; /* bits of the halves */
    uint64_t key[URN__PERMUTATION_MOST];
} urn__permutation;

/* Keys are the first numbers of the stream's generator. n is 0 or more. */
urn__permutation urn__permutation_of(const urn__stream *stream, int64_t n);
/* What stands at place i, 0 <= i < n; fewer than two walks on average. */
int64_t urn__permutation_at(const urn__permutation *permutation, int64_t i);

#endif
