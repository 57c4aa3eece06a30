/* No-U-turn trajectories, without recursion: a leaf is made at a time, and stretches of equal depth
 * are joined at once, so at most one of each depth waits. */
#include "chain.h"

#include <math.h>

#define MOST_SHIFT 300.0

/* ---- where a trajectory turns ---- */

/* Do ends a and b of a stretch still move apart, given the sum of momenta p + q? */
static bool apart(const urn__hmc *h, const double *a, const double *b, const double *p,
                  const double *q)
{
    enum { BLOCK = URN__BLOCK };
    const urn__kernels *k = h->target->kernels;
    double sum[BLOCK] __attribute__((aligned(64)));
    double along_a = 0.0, along_b = 0.0;
    for (int64_t i = 0; i < h->size; i += BLOCK) {
        const int64_t n = h->size - i < BLOCK ? h->size - i : BLOCK;
        k->map2[URN__MAP_ADD](n, p + i, 1, q + i, 1, sum);
        along_a += k->dot(n, a + i, sum);
        along_b += k->dot(n, b + i, sum);
    }
    return along_a > 0.0 && along_b > 0.0;
}

static const double *momentum_at(const urn__hmc *h, int i)
{
    return urn__pool_at(&h->momenta, i);
}

/* The criterion for two neighbouring stretches as a whole, and for each with the nearest point of
 * the other: without these a trajectory may turn by half a period between the stretches unseen. */
static bool turns(const urn__hmc *h, const urn__tree *a, const urn__tree *b)
{
    if (a->depth == 0 && b->depth == 0) {
        const double across =
            h->target->kernels->dot(h->size, momentum_at(h, a->sum), momentum_at(h, b->sum));
        return !(a->square + across > 0.0 && b->square + across > 0.0);
    }
    const double *first = momentum_at(h, a->begin), *last = momentum_at(h, b->end);
    const double *left = momentum_at(h, a->end), *right = momentum_at(h, b->begin);
    const double *sum_a = momentum_at(h, a->sum), *sum_b = momentum_at(h, b->sum);
    return !(apart(h, first, last, sum_a, sum_b) && apart(h, first, right, sum_a, right) &&
             apart(h, left, last, sum_b, left));
}

/* ---- joining ---- */

/* The sum of momenta of both, in a vector that is a's alone. */
static void add_sums(urn__hmc *h, urn__tree *a, const urn__tree *b)
{
    const urn__kernels *k = h->target->kernels;
    if (a->depth == 0) {
        const int sum = urn__pool_take(&h->momenta);
        k->map2[URN__MAP_ADD](h->size, momentum_at(h, a->sum), 1, momentum_at(h, b->sum), 1,
                              urn__pool_at(&h->momenta, sum));
        urn__pool_drop(&h->momenta, a->sum);
        a->sum = sum;
    } else {
        k->axpy(h->size, 1.0, momentum_at(h, b->sum), urn__pool_at(&h->momenta, a->sum));
    }
    urn__pool_drop(&h->momenta, b->sum);
}

/* Stretch a followed by b, as a; the sample is b's if `take`. */
static void join(urn__hmc *h, urn__tree *a, const urn__tree *b, bool take)
{
    add_sums(h, a, b);
    urn__pool_drop(&h->momenta, a->end);
    urn__pool_drop(&h->momenta, b->begin);
    a->end = b->end;
    urn__pool_drop(&h->positions, take ? a->sample : b->sample);
    if (take)
        a->sample = b->sample;
    a->weight += b->weight;
    a->depth++;
}

static void drop_tree(urn__hmc *h, const urn__tree *t)
{
    urn__pool_drop(&h->momenta, t->begin);
    urn__pool_drop(&h->momenta, t->end);
    urn__pool_drop(&h->momenta, t->sum);
    urn__pool_drop(&h->positions, t->sample);
}

/* ---- growing ---- */

/* A point at which the trajectory goes on: position and momentum. */
typedef struct end {
    int position, momentum;
} end;

/* Weights are kept relative to the lowest energy met, where it is far below that of the start. */
static double weigh(urn__hmc *h, double lost, urn__tree *whole, int n_waiting)
{
    if (lost - h->shift > MOST_SHIFT) {
        const double factor = exp(h->shift - lost);
        whole->weight *= factor;
        for (int i = 0; i < n_waiting; i++)
            h->stack[i].weight *= factor;
        h->shift = lost;
    }
    return exp(lost - h->shift);
}

/* One more point; false if it diverges. */
static bool add_leaf(urn__hmc *h, double step, end *at, urn__tree *whole, int n_waiting)
{
    const int position = urn__pool_take(&h->positions), momentum = urn__pool_take(&h->momenta);
    const double square =
        urn__hmc_leapfrog(h, step, at->position, at->momentum, position, momentum);
    urn__pool_drop(&h->positions, at->position);
    urn__pool_drop(&h->momenta, at->momentum);
    *at = (end){position, momentum};
    const double lost = urn__hmc_count(h, position);
    if (h->diverging)
        return false;
    urn__pool_keep(&h->positions, position); /* its sample */
    for (int k = 0; k < 3; k++)              /* begin, end, sum */
        urn__pool_keep(&h->momenta, momentum);
    h->stack[n_waiting] = (urn__tree){.begin = momentum,
                                      .end = momentum,
                                      .sum = momentum,
                                      .sample = position,
                                      .square = square,
                                      .weight = weigh(h, lost, whole, n_waiting)};
    return true;
}

/* A stretch of 2^depth points beyond `at`, left on the stack's bottom. False (and an empty stack)
 * if it diverges or turns. */
static bool grow(urn__hmc *h, urn_rng *rng, double step, int depth, end *at, urn__tree *whole)
{
    int n = 0;
    bool good = true;
    for (int64_t leaf = 0; good && leaf < (int64_t)1 << depth; leaf++) {
        good = add_leaf(h, step, at, whole, n);
        n += good;
        while (good && n > 1 && h->stack[n - 1].depth == h->stack[n - 2].depth) {
            urn__tree *a = &h->stack[n - 2];
            const urn__tree *b = &h->stack[n - 1];
            good = !turns(h, a, b);
            if (!good)
                break;
            join(h, a, b, urn_rng_uniform(rng) * (a->weight + b->weight) < b->weight);
            n--;
        }
    }
    while (!good && n > 0)
        drop_tree(h, &h->stack[--n]);
    return good;
}

/* ---- a transition ---- */

static void swap(int *a, int *b)
{
    const int t = *a;
    *a = *b;
    *b = t;
}

/* The trajectory so far ends where it grows next. */
static void turn_round(urn__tree *whole, end ends[2])
{
    const end t = ends[0];
    ends[0] = ends[1];
    ends[1] = t;
    swap(&whole->begin, &whole->end);
}

/* A new half is preferred to the old one, as far as its weight allows. */
static bool prefers(urn_rng *rng, const urn__tree *whole, const urn__tree *half)
{
    return half->weight > whole->weight || urn_rng_uniform(rng) * whole->weight < half->weight;
}

void urn__nuts_transition(urn__hmc *h, urn_rng *rng, int momentum, urn__hmc_info *info)
{
    const double square =
        h->target->kernels->dot(h->size, momentum_at(h, momentum), momentum_at(h, momentum));
    urn__tree whole = {.begin = momentum,
                       .end = momentum,
                       .sum = momentum,
                       .sample = h->here,
                       .square = square,
                       .weight = 1.0};
    end ends[2] = {{h->here, momentum}, {h->here, momentum}};
    const uint64_t directions = urn__pcg64_next(&rng->pcg);
    bool forward = true;
    for (int k = 0; k < 4; k++) /* begin, end, sum are those of `whole`; two ends: one is ours */
        urn__pool_keep(&h->momenta, momentum);
    for (int k = 0; k < 2; k++)
        urn__pool_keep(&h->positions, h->here);
    bool turned = false;
    while (!turned && whole.depth < h->options.max_depth) {
        if ((directions >> whole.depth & 1) != (uint64_t)forward) {
            turn_round(&whole, ends);
            forward = !forward;
        }
        if (!grow(h, rng, forward ? h->step : -h->step, whole.depth, &ends[1], &whole))
            break;
        turned = turns(h, &whole, &h->stack[0]);
        join(h, &whole, &h->stack[0], prefers(rng, &whole, &h->stack[0]));
    }
    h->here = whole.sample;
    urn__pool_keep(&h->positions, h->here);
    drop_tree(h, &whole);
    for (int k = 0; k < 2; k++) {
        urn__pool_drop(&h->positions, ends[k].position);
        urn__pool_drop(&h->momenta, ends[k].momentum);
    }
    info->depth = whole.depth;
}
