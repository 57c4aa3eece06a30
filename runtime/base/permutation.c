/* See permutation.h. */
#include "permutation.h"

urn__permutation urn__permutation_of(const urn__stream *stream, int64_t n)
{
    urn__permutation p = {.n = n};
    urn__pcg64 rng = stream->base;
    int bits = 0;
    while (bits < 62 && (INT64_C(1) << bits) < n)
        bits++;
    p.left = bits / 2;
    p.right = bits - p.left;
    p.rounds = bits < URN__PERMUTATION_SMALL ? URN__PERMUTATION_MOST : URN__PERMUTATION_ROUNDS;
    for (int k = 0; k < p.rounds; k++)
        p.key[k] = urn__pcg64_next(&rng);
    return p;
}

/* The high bits of two rounds of multiplying and folding, which depend on all bits of x and key. */
static uint64_t mixed(uint64_t x, uint64_t key)
{
    uint64_t h = (x ^ key) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return h >> 32;
}

static uint64_t below(int bits)
{
    return (UINT64_C(1) << bits) - 1;
}

static uint64_t through(const urn__permutation *p, uint64_t x)
{
    uint64_t a = x >> p->right, b = x & below(p->right);
    int of_a = p->left, of_b = p->right;
    for (int k = 0; k < p->rounds; k++) {
        const uint64_t next = a ^ (mixed(b, p->key[k]) & below(of_a));
        const int bits = of_a;
        a = b;
        b = next;
        of_a = of_b;
        of_b = bits;
    }
    return a << p->right | b;
}

int64_t urn__permutation_at(const urn__permutation *p, int64_t i)
{
    uint64_t x = (uint64_t)i;
    do
        x = through(p, x);
    while (x >= (uint64_t)p->n);
    return (int64_t)x;
}
