/* See ratings.h. */
#include "bench/ratings.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_fail(const char *what, const char *detail)
{
    fprintf(stderr, "bench: %s%s\n", what, detail);
    exit(1);
}

void *bench_zeros(int64_t n, size_t size)
{
    const size_t bytes = ((size_t)(n > 0 ? n : 1) * size + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (!memory)
        bench_fail("out of memory", "");
    return memset(memory, 0, bytes);
}

static int by_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Replaces ids by their rank among the distinct ids; returns how many there are. */
static int64_t rank_ids(int64_t n, const int64_t *id, int32_t *rank)
{
    int64_t *sorted = bench_zeros(n, sizeof *sorted), distinct = 0;
    memcpy(sorted, id, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_id);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            sorted[distinct++] = sorted[i];
    for (int64_t i = 0; i < n; i++) {
        const int64_t *at = bsearch(&id[i], sorted, (size_t)distinct, sizeof *sorted, by_id);
        rank[i] = (int32_t)(at - sorted);
    }
    free(sorted);
    return distinct;
}

static bool parse_line(char *line, const int64_t *column, int64_t *user, int64_t *item,
                       double *rating)
{
    int found = 0;
    for (int64_t c = 0; line; c++) {
        char *field = strsep(&line, ",\n"), *end = field;
        for (int k = 0; k < 3; k++) {
            if (c != column[k])
                continue;
            if (k == 2)
                *rating = strtod(field, &end);
            else
                *(k == 0 ? user : item) = strtoll(field, &end, 10);
            found += end != field;
        }
    }
    return found == 3;
}

void ratings_hold_out(ratings *r, double share)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if ((double)(uint32_t)((uint64_t)i * UINT64_C(2654435761)) / 4294967296.0 < share)
            continue;
        r->user[kept] = r->user[i];
        r->item[kept] = r->item[i];
        r->rating[kept++] = r->rating[i];
    }
    r->n = kept;
}

ratings ratings_read(const char *path, const int64_t *column)
{
    FILE *file = fopen(path, "r");
    if (!file)
        bench_fail("cannot open ", path);
    char line[4096];
    int64_t n = 0, capacity = 1 << 16;
    int64_t *user = malloc((size_t)capacity * sizeof *user);
    int64_t *item = malloc((size_t)capacity * sizeof *item);
    double *rating = malloc((size_t)capacity * sizeof *rating);
    if (!fgets(line, sizeof line, file))
        bench_fail("no header in ", path);
    while (fgets(line, sizeof line, file)) {
        if (n == capacity) {
            capacity *= 2;
            user = realloc(user, (size_t)capacity * sizeof *user);
            item = realloc(item, (size_t)capacity * sizeof *item);
            rating = realloc(rating, (size_t)capacity * sizeof *rating);
        }
        if (!user || !item || !rating)
            bench_fail("out of memory", "");
        if (!parse_line(line, column, &user[n], &item[n], &rating[n]))
            bench_fail("a line without two ids and a rating in ", path);
        n++;
    }
    fclose(file);
    ratings d = {.n = n, .rating = rating};
    d.user = bench_zeros(n, sizeof *d.user);
    d.item = bench_zeros(n, sizeof *d.item);
    d.n_users = rank_ids(n, user, d.user);
    d.n_items = rank_ids(n, item, d.item);
    free(user);
    free(item);
    return d;
}

void ratings_sort(ratings *r)
{
    ratings sorted = {.start = bench_zeros(r->n_users + 2, sizeof *sorted.start),
                      .user = bench_zeros(r->n, sizeof *sorted.user),
                      .item = bench_zeros(r->n, sizeof *sorted.item),
                      .rating = bench_zeros(r->n, sizeof *sorted.rating)};
    int64_t *next = sorted.start + 1; /* counted one further on, it ends up as the starts */
    for (int64_t i = 0; i < r->n; i++)
        next[r->user[i] + 1]++;
    for (int64_t u = 0; u < r->n_users; u++)
        next[u + 1] += next[u];
    for (int64_t i = 0; i < r->n; i++) {
        const int64_t at = next[r->user[i]]++;
        sorted.user[at] = r->user[i];
        sorted.item[at] = r->item[i];
        sorted.rating[at] = r->rating[i];
    }
    free(r->user);
    free(r->item);
    free(r->rating);
    r->start = sorted.start;
    r->user = sorted.user;
    r->item = sorted.item;
    r->rating = sorted.rating;
}

uint64_t bench_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

ratings ratings_random(int64_t n_users, int64_t n_items, int64_t n)
{
    ratings d = {.n = n, .n_users = n_users, .n_items = n_items};
    d.user = bench_zeros(n, sizeof *d.user);
    d.item = bench_zeros(n, sizeof *d.item);
    d.rating = bench_zeros(n, sizeof *d.rating);
    uint64_t state = 1;
    for (int64_t i = 0; i < n; i++) {
        d.user[i] = (int32_t)((double)i / (double)n * (double)n_users);
        d.item[i] = (int32_t)(bench_word(&state) % (uint64_t)n_items);
        d.rating[i] = 0.5 * (double)(1 + bench_word(&state) % 10);
    }
    return d;
}

void ratings_free(ratings *r)
{
    free(r->start);
    free(r->user);
    free(r->item);
    free(r->rating);
}
