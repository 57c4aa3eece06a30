/* See ratings.h. */
#include "bench/ratings.h"
#include "bench/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define LARGE_PAGE ((size_t)2 << 20)
#define BUFFER ((size_t)1 << 20)

void bench_fail(const char *what, const char *detail)
{
    fprintf(stderr, "bench: %s%s\n", what, detail);
    exit(1);
}

void *bench_zeros(int64_t n, size_t size)
{
    const size_t bytes = (size_t)(n > 0 ? n : 1) * size;
    const size_t unit = bytes < 4 * LARGE_PAGE ? 64 : LARGE_PAGE;
    const size_t rounded = (bytes + unit - 1) / unit * unit;
    void *memory = aligned_alloc(unit, rounded);
    if (!memory)
        bench_fail("out of memory", "");
    if (unit == LARGE_PAGE)
        (void)madvise(memory, rounded, MADV_HUGEPAGE);
    return memset(memory, 0, bytes);
}

uint64_t bench_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double bench_uniform(uint64_t *state)
{
    return (double)(bench_word(state) >> 11) * 0x1p-53;
}

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- reading ---- */

/* A file, a buffer at a time. */
typedef struct source {
    FILE *file;
    char *buffer;
    size_t at, n;
} source;

static int next_char(source *s)
{
    if (s->at == s->n) {
        s->n = fread(s->buffer, 1, BUFFER, s->file);
        s->at = 0;
        if (s->n == 0)
            return EOF;
    }
    return (unsigned char)s->buffer[s->at++];
}

/* A decimal number without exponent, up to the delimiter or line end behind it, which is returned;
 * exact as long as all its digits are below 2^53. *digits counts them. */
static int number(source *s, double *value, int *digits)
{
    uint64_t whole = 0, power = 1;
    bool minus = false, point = false;
    int c = next_char(s);
    *digits = 0;
    if (c == '-') {
        minus = true;
        c = next_char(s);
    }
    for (; (c >= '0' && c <= '9') || (c == '.' && !point); c = next_char(s)) {
        if (c == '.') {
            point = true;
            continue;
        }
        whole = whole * 10 + (uint64_t)(c - '0');
        power *= point ? 10 : 1;
        ++*digits;
    }
    *value = (minus ? -1.0 : 1.0) * (double)whole / (double)power;
    return c;
}

static int skip_to(source *s, int c, bool line)
{
    while (c != EOF && c != '\n' && (line || c != ','))
        c = next_char(s);
    return c;
}

/* False at the end of the file. */
static bool next_line(source *s, const int64_t *column, double found[3], const char *path)
{
    int seen = 0, digits, c = 0;
    for (int64_t field = 0; c != '\n' && c != EOF; field++) {
        double value;
        c = number(s, &value, &digits);
        if (field == 0 && digits == 0 && c == EOF)
            return false;
        for (int k = 0; k < 3; k++)
            if (column[k] == field) {
                found[k] = value;
                seen += digits > 0 && (c == ',' || c == '\n' || c == '\r' || c == EOF);
            }
        c = skip_to(s, c, false);
    }
    if (seen != 3)
        bench_fail("a line without two ids and a rating in ", path);
    return true;
}

/* Replaces ids by their rank among the distinct ids; returns how many there are. */
static int64_t rank_ids(int64_t n, int32_t *id)
{
    int64_t top = 0, distinct = 0;
    for (int64_t i = 0; i < n; i++)
        top = id[i] > top ? id[i] : top;
    int32_t *rank = bench_zeros(top + 1, sizeof *rank);
    for (int64_t i = 0; i < n; i++)
        rank[id[i]] = 1;
    for (int64_t i = 0; i <= top; i++)
        if (rank[i])
            rank[i] = (int32_t)distinct++;
    for (int64_t i = 0; i < n; i++)
        id[i] = rank[id[i]];
    free(rank);
    return distinct;
}

static void *grown(void *memory, int64_t n, size_t size)
{
    memory = realloc(memory, (size_t)n * size);
    if (!memory)
        bench_fail("out of memory", "");
    return memory;
}

ratings ratings_read(const char *path, const int64_t *column)
{
    source s = {.file = fopen(path, "r"), .buffer = bench_zeros((int64_t)BUFFER, 1)};
    if (!s.file)
        bench_fail("cannot open ", path);
    ratings d = {0};
    int64_t capacity = 0;
    double found[3] = {0};
    skip_to(&s, 0, true);
    while (next_line(&s, column, found, path)) {
        if (d.n == capacity) {
            capacity = capacity ? capacity * 2 : 1 << 16;
            d.user = grown(d.user, capacity, sizeof *d.user);
            d.item = grown(d.item, capacity, sizeof *d.item);
            d.rating = grown(d.rating, capacity, sizeof *d.rating);
        }
        for (int k = 0; k < 2; k++)
            if (found[k] < 0.0 || found[k] > (double)INT32_MAX)
                bench_fail("an id that is negative or above 2^31 - 1 in ", path);
        d.user[d.n] = (int32_t)found[0];
        d.item[d.n] = (int32_t)found[1];
        d.rating[d.n++] = (real)found[2];
    }
    if (d.n == 0)
        bench_fail("no ratings in ", path);
    fclose(s.file);
    free(s.buffer);
    d.n_users = rank_ids(d.n, d.user);
    d.n_items = rank_ids(d.n, d.item);
    return d;
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
        d.rating[i] = (real)(0.5 * (double)(1 + bench_word(&state) % 10));
    }
    return d;
}

/* ---- what becomes of them ---- */

bool ratings_held_out(int64_t i, double share)
{
    return (double)(uint32_t)((uint64_t)i * UINT64_C(2654435761)) / 4294967296.0 < share;
}

void ratings_hold_out(ratings *r, double share)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if (ratings_held_out(i, share))
            continue;
        r->user[kept] = r->user[i];
        r->item[kept] = r->item[i];
        r->rating[kept++] = r->rating[i];
    }
    r->n = kept;
}

void ratings_center(ratings *r)
{
    double sum = 0.0;
    for (int64_t i = 0; i < r->n; i++)
        sum += (double)r->rating[i];
    for (int64_t i = 0; i < r->n; i++)
        r->rating[i] = (real)((double)r->rating[i] - sum / (double)r->n);
}

static void reorder(ratings *r)
{
    int64_t *next = bench_zeros(r->n_users + 1, sizeof *next);
    memcpy(next, r->start, (size_t)r->n_users * sizeof *next);
    ratings sorted = {.user = bench_zeros(r->n, sizeof *sorted.user),
                      .item = bench_zeros(r->n, sizeof *sorted.item),
                      .rating = bench_zeros(r->n, sizeof *sorted.rating)};
    for (int64_t i = 0; i < r->n; i++) {
        const int64_t at = next[r->user[i]]++;
        sorted.user[at] = r->user[i];
        sorted.item[at] = r->item[i];
        sorted.rating[at] = r->rating[i];
    }
    free(next);
    free(r->user);
    free(r->item);
    free(r->rating);
    r->user = sorted.user;
    r->item = sorted.item;
    r->rating = sorted.rating;
}

void ratings_sort(ratings *r)
{
    bool in_order = true;
    r->start = bench_zeros(r->n_users + 1, sizeof *r->start);
    for (int64_t i = 0; i < r->n; i++) {
        r->start[r->user[i] + 1]++;
        in_order = in_order && (i == 0 || r->user[i - 1] <= r->user[i]);
    }
    for (int64_t u = 0; u < r->n_users; u++)
        r->start[u + 1] += r->start[u];
    if (!in_order)
        reorder(r);
    r->item = grown(r->item, r->n + AHEAD, sizeof *r->item);
    memset(r->item + r->n, 0, AHEAD * sizeof *r->item);
}

/* A rating costs about as much as half a user. */
void ratings_share(const ratings *r, int threads, int64_t *bound)
{
    const double all = (double)r->n + 0.5 * (double)r->n_users;
    int64_t user = 0;
    for (int t = 0; t < threads; t++) {
        while (user < r->n_users && (double)r->start[user] + 0.5 * (double)user < all * t / threads)
            user++;
        bound[t] = user;
    }
    bound[threads] = r->n_users;
}

void ratings_free(ratings *r)
{
    free(r->start);
    free(r->user);
    free(r->item);
    free(r->rating);
}
