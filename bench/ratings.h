/* Ratings for the floors of bench/: read, made up, sorted. Failures end the program. */
#ifndef URN_BENCH_RATINGS_H
#define URN_BENCH_RATINGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ratings {
    int64_t n, n_users, n_items;
    int64_t *start; /* of each user's ratings, which are sorted by user; one more than users */
    int32_t *user, *item;
    double *rating;
} ratings;

/* Prints what and detail and exits. */
void bench_fail(const char *what, const char *detail);
/* n zeroed elements, 64-byte aligned. */
void *bench_zeros(int64_t n, size_t size);
/* The next of a sequence of random words (splitmix64). */
uint64_t bench_word(uint64_t *state);

/* Reads columns (user id, item id, rating; from 0) of a CSV file with a header. Integer ids are
 * replaced by their rank. */
ratings ratings_read(const char *path, const int64_t *column);
/* Users in order, as in most files; items and ratings (0.5 to 5) at random. */
ratings ratings_random(int64_t n_users, int64_t n_items, int64_t n);
/* The held-out rows go: row i if ((i * 2654435761) mod 2^32) / 2^32 is below the share. Their ids
 * keep their numbers. */
void ratings_hold_out(ratings *r, double share);
/* Sorts by user and fills `start`; those of one user keep their order. */
void ratings_sort(ratings *r);
void ratings_free(ratings *r);

#endif
