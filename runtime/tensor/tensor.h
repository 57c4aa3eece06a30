/* Raw kernels on double arrays, one table per CPU path, and the parallel loop they run in. Private
 * to the library. The kernel sources are compiled once per path (base, v3 = AVX2, v4 = AVX-512), so
 * one binary runs anywhere and uses what the machine has; results have the same bits for any number
 * of threads on one path. */
#ifndef URN_TENSOR_TENSOR_H
#define URN_TENSOR_TENSOR_H

#include "../base/base.h"
#include "../base/rng.h"

/* Elements a chunk of work holds: the unit of threading and of fixed-order reduction. */
#define URN__CHUNK 4096
/* Elements an elementwise block holds (stays in the first-level cache). */
#define URN__BLOCK 512
/* Normals come in blocks of this many: block b of a stream is independent of all others. */
#define URN__NORMAL_BLOCK 512

typedef enum urn__map1 { /* y = f(x) */
                         URN__MAP_NEG,
                         URN__MAP_EXP,
                         URN__MAP_LOG,
                         URN__MAP_LOG1P,
                         URN__MAP_EXPM1,
                         URN__MAP_SQRT,
                         URN__MAP_SQUARE,
                         URN__MAP_RECIPROCAL,
                         URN__MAP_ABS,
                         URN__MAP_SIGMOID,
                         URN__MAP_SOFTPLUS,
                         URN__MAP_TANH,
                         URN__MAP_SIN,
                         URN__MAP_COS,
                         URN__MAP_LGAMMA,
                         URN__MAP_DIGAMMA,
                         URN__MAP_TRIGAMMA,
                         URN__MAP_ERF,
                         URN__MAP_RELU,
                         URN__MAP_SIGN,
                         URN__MAP_STEP,
                         URN__MAP_LOG1M_EXP,
                         URN__MAP_PHI,
                         URN__MAP_LOG_PHI,
                         URN__MAP1_COUNT
} urn__map1;
typedef enum urn__map2 { /* y = f(a, b) */
                         URN__MAP_ADD,
                         URN__MAP_SUB,
                         URN__MAP_MUL,
                         URN__MAP_DIV,
                         URN__MAP_POW,
                         URN__MAP_MAXIMUM,
                         URN__MAP_MINIMUM,
                         URN__MAP2_COUNT
} urn__map2;

/* Diagonal normal guide: one block's worth of the SVI sweep; see inference/svi. */
typedef struct urn__adam {
    double lr, beta1, beta2, epsilon;
    double correction1, correction2; /* 1 - beta^t */
    double weight_decay;             /* decoupled (AdamW) */
} urn__adam;

/* Ratings with means gain * (u . v + offset) + shift, or gain * sigmoid(u . v + offset) + shift,
 * and the log density constant - weight / 2 * residual^2. */
typedef struct urn__squares {
    bool sigmoid;
    bool far; /* rows are better asked of the cache ahead of time */
    double offset, gain, shift, weight;
} urn__squares;
#define URN__SQUARES_MOST_LINES 8 /* a row's lines of the cache, at most */
#define URN__SQUARES_OWN_LINES 4  /* of rows that have code of their own */

#define URN__T double
#define URN__TABLE urn__kernels
#include "table.h"
#undef URN__T
#undef URN__TABLE
#define URN__T float
#define URN__TABLE urn__kernels_single
#include "table.h"
#undef URN__T
#undef URN__TABLE

/* The table called `name`, or the best one the machine supports for NULL. URN_ERR_USAGE with the
 * list of what the machine supports otherwise. */
urn_status urn__kernels_select(const char *name, const urn__kernels **kernels, urn_error *error);

/* The single-precision table of the same CPU path. */
const urn__kernels_single *urn__kernels_in_single(const urn__kernels *kernels);

/* Runs body(context, chunk, thread) for chunk = 0 .. n_chunks - 1 on up to `threads` threads. Which
 * thread gets which chunk must not matter. Runs on the caller alone when threads <= 1 or n_chunks
 * <= 1. */
void urn__parallel(int threads, int64_t n_chunks,
                   void (*body)(void *context, int64_t chunk, int thread), void *context);
/* Threads to use when the caller asked for `wanted` (0: all the machine has). At least 1. */
int urn__thread_count(int wanted);

/* Dense helpers, d x d row-major; leading dimension d. Return false when not positive definite. */
bool urn__cholesky(int64_t d, const double *a, double *l); /* lower, upper part zeroed */
void urn__symmetrise(int64_t d, double *a); /* both halves become their mean; never fails */
void urn__tri_solve(int64_t d, int64_t n, const double *l, bool transposed,
                    double *b); /* b: d x n, in place */
void urn__matmul(int64_t r, int64_t k, int64_t c, const double *a, bool a_transposed,
                 const double *b, bool b_transposed, double *out,
                 bool accumulate); /* CBLAS, one thread */

#endif
