/* The addressed normals of Urn's guides (see runtime/tensor/kernels_normals.c for their
 * definition), written again for the floors. */
#ifndef URN_BENCH_NORMALS_H
#define URN_BENCH_NORMALS_H

#include "bench/real.h"

#define NORMAL_BLOCK 512

/* Normals number first .. first + n - 1 of the stream of a site at a step; both are multiples of
 * NORMAL_BLOCK. In single precision they are the double ones, rounded within a few ulp. */
void floor_normals(uint64_t key, uint64_t key2, int64_t first, int64_t n, real *z);

#endif
