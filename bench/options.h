/* The command line of the floors. */
#ifndef URN_BENCH_OPTIONS_H
#define URN_BENCH_OPTIONS_H

#include "bench/ratings.h"
#include <stdbool.h>

typedef struct floor_options {
    const char *path, *random;
    int64_t column[3];
    double holdout, lr;
    int64_t dim, steps;
    uint64_t seed;
    int threads;
    bool center, check;
} floor_options;

/* Ends the program with `usage` where they make no sense. */
floor_options floor_parse(int argc, char **argv, const char *usage);
/* The training ratings asked for; seconds it took to read them go to *read_s. */
ratings floor_data(const floor_options *o, double *read_s);
/* Prints one line of JSON: what was run, the median and least time of a step, losses per rating
 * (the first ten, and the mean of the last hundred), peak memory. Sorts `seconds`. */
void floor_report(const char *program, const floor_options *o, const ratings *d, double *seconds,
                  const double *loss, double read_s);

#endif
