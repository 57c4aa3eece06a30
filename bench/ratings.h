/* Ratings for the floors of bench/: read, made up, sorted. Failures end the program. */
#ifndef URN_BENCH_RATINGS_H
#define URN_BENCH_RATINGS_H

#include "bench/real.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct ratings {
    int64_t n, n_users, n_items;
    int64_t *start; /* of each user's ratings, which are sorted by user; one more than users */
    int32_t *user, *item;
    real *rating;
} ratings;

/* Prints what and detail and exits. */
void bench_fail(const char *what, const char *detail);
/* n zeroed elements, 64-byte aligned; on large pages where that is possible and pays. */
void *bench_zeros(int64_t n, size_t size);
/* The next of a sequence of random words (splitmix64). */
uint64_t bench_word(uint64_t *state);
/* The same as a number in [0, 1). */
double bench_uniform(uint64_t *state);
/* Seconds of a clock that only runs forward. */
double bench_seconds(void);

/* Reads columns (user id, item id, rating; from 0) of a CSV file with a header, without quotes.
 * Integer ids are replaced by their rank. */
ratings ratings_read(const char *path, const int64_t *column);
/* Users in order, as in most files; items and ratings (0.5 to 5) at random. */
ratings ratings_random(int64_t n_users, int64_t n_items, int64_t n);
/* Is row i held out? If ((i * 2654435761) mod 2^32) / 2^32 is below the share. */
bool ratings_held_out(int64_t i, double share);
/* The held-out rows go; their ids keep their numbers. */
void ratings_hold_out(ratings *r, double share);
/* Subtracts the mean of the ratings from each. */
void ratings_center(ratings *r);
/* Sorts by user and fills `start`; those of one user keep their order. There is room behind the
 * last item for looking ahead. */
void ratings_sort(ratings *r);
/* Users in ranges of about equal work: thread t has [bound[t], bound[t + 1]). */
void ratings_share(const ratings *r, int threads, int64_t *bound);
void ratings_free(ratings *r);

#endif
