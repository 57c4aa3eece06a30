/* Makes a table of ratings of any size whose shape is that of MovieLens (Harper and Konstan 2015):
 * how many ratings users give follows a log-normal distribution, how many items get a shifted power
 * law (fitted by eye to the 20 M set: the most rated item is known to half of the users, the median
 * one to a few), rows are sorted by user and item, no pair occurs twice. The ratings themselves,
 * half stars, are item, user and noise effects: times do not depend on them.
 *
 *   simulate USERS ITEMS RATINGS [SEED] > FILE.csv */
#include "bench/ratings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SHIFT 450.0 /* of the power law, for 26,744 items */
#define POWER 2.4
#define SIGMA 1.2 /* of the logarithm of a user's number of ratings */
#define TRIES 30  /* draws of an item before the next free one is taken */

typedef struct maker {
    int64_t n_users, n_items;
    uint64_t state;
    int32_t *item_of_rank;
    double *item_effect;
    int64_t *count; /* a user */
    char *taken;    /* by the present user */
} maker;

static double normal(uint64_t *state)
{
    const double u = 1.0 - bench_uniform(state), v = bench_uniform(state);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

static int64_t bounded(double count, int64_t least, int64_t most)
{
    return count < (double)least ? least : count > (double)most ? most : (int64_t)count;
}

/* Numbers of ratings whose sum is n: a common factor is adjusted, then single users. */
static void count_ratings(maker *m, int64_t n)
{
    double *weight = bench_zeros(m->n_users, sizeof *weight), factor = 1.0;
    const int64_t least = n > 40 * m->n_users ? 20 : 1, most = m->n_items / 2;
    if (n < least * m->n_users || n > most * m->n_users)
        bench_fail("this many ratings need more users or items", "");
    for (int64_t u = 0; u < m->n_users; u++)
        weight[u] = exp(SIGMA * normal(&m->state));
    int64_t sum = 0;
    for (int round = 0; round < 40; round++) {
        sum = 0;
        for (int64_t u = 0; u < m->n_users; u++)
            sum += m->count[u] = bounded(factor * weight[u], least, most);
        factor *= (double)n / (double)sum;
    }
    for (int64_t u = 0; sum != n; u = (u + 1) % m->n_users) {
        const int64_t step = sum < n ? 1 : -1;
        if (m->count[u] + step >= least && m->count[u] + step <= most) {
            m->count[u] += step;
            sum += step;
        }
    }
    free(weight);
}

static maker maker_new(int64_t n_users, int64_t n_items, int64_t n, uint64_t seed)
{
    maker m = {.n_users = n_users, .n_items = n_items, .state = seed};
    m.item_of_rank = bench_zeros(n_items, sizeof *m.item_of_rank);
    m.item_effect = bench_zeros(n_items, sizeof *m.item_effect);
    m.taken = bench_zeros(n_items, 1);
    m.count = bench_zeros(n_users, sizeof *m.count);
    for (int64_t i = 0; i < n_items; i++) {
        const int64_t j = (int64_t)(bench_word(&m.state) % (uint64_t)(i + 1));
        m.item_of_rank[i] = m.item_of_rank[j];
        m.item_of_rank[j] = (int32_t)i;
        m.item_effect[i] = 0.5 * normal(&m.state);
    }
    count_ratings(&m, n);
    return m;
}

/* Inverse of the power law's distribution function. */
static int64_t draw_rank(maker *m)
{
    const double shift = SHIFT * (double)m->n_items / 26744.0;
    const double last = pow(1.0 + (double)m->n_items / shift, 1.0 - POWER);
    const double u = bench_uniform(&m->state);
    const int64_t rank =
        (int64_t)(shift * (pow(1.0 - u * (1.0 - last), 1.0 / (1.0 - POWER)) - 1.0));
    return rank < m->n_items ? rank : m->n_items - 1;
}

static void take_items(maker *m, int64_t n)
{
    memset(m->taken, 0, (size_t)m->n_items);
    for (; n > 0; n--) {
        int64_t rank = draw_rank(m);
        for (int i = 0; i < TRIES && m->taken[m->item_of_rank[rank]]; i++)
            rank = draw_rank(m);
        while (m->taken[m->item_of_rank[rank]])
            rank = (rank + 1) % m->n_items;
        m->taken[m->item_of_rank[rank]] = 1;
    }
}

static void write_user(maker *m, int64_t user)
{
    const double effect = 3.5 + 0.4 * normal(&m->state);
    take_items(m, m->count[user]);
    for (int64_t i = 0; i < m->n_items; i++) {
        if (!m->taken[i])
            continue;
        const double noise = bench_uniform(&m->state) + bench_uniform(&m->state) - 1.0;
        const int64_t halves = bounded(2.0 * (effect + m->item_effect[i] + 2.0 * noise), 1, 10);
        printf("%lld,%lld,%lld.%c\n", (long long)user + 1, (long long)i + 1, (long long)halves / 2,
               halves % 2 ? '5' : '0');
    }
}

int main(int argc, char **argv)
{
    int64_t n[4] = {0, 0, 0, 1};
    for (int k = 1; k < argc && k <= 4; k++)
        n[k - 1] = strtoll(argv[k], NULL, 10);
    if (argc < 4 || argc > 5 || n[0] < 1 || n[1] < 2 || n[2] < 1)
        bench_fail("usage: simulate USERS ITEMS RATINGS [SEED]", "");
    maker m = maker_new(n[0], n[1], n[2], (uint64_t)n[3]);
    printf("user,item,rating\n");
    for (int64_t u = 0; u < m.n_users; u++)
        write_user(&m, u);
    free(m.item_of_rank);
    free(m.item_effect);
    free(m.taken);
    free(m.count);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
