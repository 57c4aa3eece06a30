/* Kernels of rows of Gaussian vectors: sums of squares of gathered vectors, and the solution of
 * many small systems at once. In double only, one table per CPU path as in tensor.h. */
#ifndef URN_TENSOR_GAUSS_H
#define URN_TENSOR_GAUSS_H

#include "tensor.h"

/* Vectors gathered at a time. */
#define URN__GAUSS_BATCH 64
/* The most systems solved at a time. */
#define URN__GAUSS_LANES 8

/* d rounded up to whole vectors of the widest path: the stride of what kernels pack and sum. */
static inline int64_t urn__gauss_padded(int64_t d)
{
    return (d + URN__GAUSS_LANES - 1) / URN__GAUSS_LANES * URN__GAUSS_LANES;
}

/* Vectors a_j, j = 0 .. n - 1, of d numbers at x + (row ? row[j] : j) * stride. */
typedef struct urn__gauss_vectors {
    int64_t n, d;
    const double *x;
    int64_t stride;
    const int32_t *row;
    int64_t readable; /* how many of row may be read: those past n are fetched ahead */
    const double *target;
    const double *weight; /* NULL: 1 */
} urn__gauss_vectors;

/* Sums over vectors, p = padded d: of w a a^T in `sums` as p rows of p, of which k >= j of row j is
 * meant (other elements of the rows below d may be written, too), then of w t a (p). */
static inline int64_t urn__gauss_sums_size(int64_t d)
{
    const int64_t p = urn__gauss_padded(d);
    return (p + 1) * p;
}
/* Doubles the kernel packs into. */
static inline int64_t urn__gauss_pack_size(int64_t d)
{
    return 2 * URN__GAUSS_BATCH * urn__gauss_padded(d) + 2 * URN__GAUSS_BATCH;
}

/* Up to `lanes` systems Q x = h + L z, Q = L L^T, of size d: those of Q = prior + scale * sums, h =
 * shift + scale * (the sums of w t a). */
typedef struct urn__gauss_systems {
    int64_t n, d;
    const double *sums[URN__GAUSS_LANES]; /* as above; NULL: zeros */
    double scale;
    const double *prior; /* the lower triangle by columns; NULL: zeros */
    const double *shift; /* d, of system l at l * shift_stride; NULL: zeros */
    int64_t shift_stride;
    const double *z; /* n rows of d, and as many doubles as lanes behind; NULL: zeros */
    double *x;       /* out: n rows of padded d */
    double *work;    /* urn__gauss_work_size(d) */
} urn__gauss_systems;

static inline int64_t urn__gauss_work_size(int64_t d)
{
    return URN__GAUSS_LANES * ((d + 1) * (d + 2) / 2 + 4 * d + 16);
}

typedef struct urn__gauss_kernels {
    int lanes; /* systems a call of `solve` takes at most */
    /* sums = (add: sums +) the sums over the vectors; pack: urn__gauss_pack_size(d) doubles,
     * 64-byte aligned, as sums. */
    void (*sum)(const urn__gauss_vectors *v, bool add, double *pack, double *sums);
    /* Bit l is set where Q of system l is not positive definite, or x not finite. */
    uint32_t (*solve)(const urn__gauss_systems *systems);
} urn__gauss_kernels;

/* Those of the same CPU path. */
const urn__gauss_kernels *urn__kernels_gauss(const urn__kernels *kernels);
/* A path's table and kernels. */
#define URN__GAUSS_DECLARE(path)                                                                   \
    const urn__gauss_kernels *urn__kernels_gauss_##path(void);                                     \
    void urn__gauss_sum_##path(const urn__gauss_vectors *v, bool add, double *pack, double *sums); \
    uint32_t urn__gauss_solve_##path(const urn__gauss_systems *systems);
URN__GAUSS_DECLARE(base)
URN__GAUSS_DECLARE(v3)
URN__GAUSS_DECLARE(v4)
#undef URN__GAUSS_DECLARE

#endif
