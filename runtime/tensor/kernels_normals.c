/* Bulk standard normals: see normals.h. */
#include "normals.h"

void URN__KERNEL(normals)(const urn__stream *stream, int64_t first, int64_t n, urn__real *z)
{
    urn__normal_lanes l;
    urn__normals_start(&l, stream, (uint64_t)first);
    for (; n >= URN__NORMAL_BLOCK; n -= URN__NORMAL_BLOCK, z += URN__NORMAL_BLOCK)
        urn__normals_block(&l, z);
    if (n > 0) {
        urn__real last[URN__NORMAL_BLOCK] __attribute__((aligned(64)));
        urn__normals_block(&l, last);
        memcpy(z, last, (size_t)n * sizeof *z);
    }
}
