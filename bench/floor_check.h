/* The floors against the plain formulas of their models. */
#ifndef URN_BENCH_FLOOR_CHECK_H
#define URN_BENCH_FLOOR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Prints one line of JSON; false if density or gradient are off by more than rounding. */
bool hpmf_check(int64_t dim, int threads);
bool sigmoid_check(int64_t dim, int threads);

#endif
