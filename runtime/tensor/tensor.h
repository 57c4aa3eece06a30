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
                         URN__MAP1_COUNT
} urn__map1;
typedef enum urn__map2 { /* y = f(a, b) */
                         URN__MAP_ADD,
                         URN__MAP_SUB,
                         URN__MAP_MUL,
                         URN__MAP_DIV,
                         URN__MAP_POW,
                         URN__MAP2_COUNT
} urn__map2;

/* Diagonal normal guide: one block's worth of the SVI sweep; see inference/svi. */
typedef struct urn__adam {
    double lr, beta1, beta2, epsilon;
    double correction1, correction2; /* 1 - beta^t */
    double weight_decay;             /* decoupled (AdamW) */
} urn__adam;

typedef struct urn__kernels {
    const char *name;                                                     /* "base", "v3", "v4" */
    void (*map1[URN__MAP1_COUNT])(int64_t n, const double *x, double *y); /* y may be x */
    void (*map2[URN__MAP2_COUNT])(int64_t n, const double *a, int64_t stride_a,  /* 0 or 1 */
                                  const double *b, int64_t stride_b, double *y); /* y may be a, b */
    double (*sum)(int64_t n, const double *x);
    double (*dot)(int64_t n, const double *a, const double *b);
    void (*axpy)(int64_t n, double a, const double *x, double *y); /* y += a x */
    /* rows [from, to): y[i] = sum_k a[i_a k] b[i_b k], with row i of a at a + ia(i) * d, where ia
     * is an index array, or NULL for i itself, or the stride is 0 (same row for all) */
    void (*row_dot)(int64_t from, int64_t to, int64_t d, const double *a, const int32_t *ia,
                    int64_t stride_a, const double *b, const int32_t *ib, int64_t stride_b,
                    double *y);
    /* Targets [from, to) in CSR order: out[t] = sum over r in rows order[start[t] .. start[t+1]) of
     * weight[r] * x[ix ? ix[r] : r]; weight NULL means 1, x NULL means 1 (then d = 1). */
    void (*scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                         const int32_t *order, const double *weight, const double *x,
                         const int32_t *ix, double *out);
    /* out[k] += sum over rows i of [from, to), in order, of weight[i] * x[i d + k] */
    void (*weigh_rows)(int64_t from, int64_t to, int64_t d, const double *weight, const double *x,
                       double *out);
    void (*gather_rows)(int64_t from, int64_t to, int64_t d, const double *x, const int32_t *index,
                        double *y);
    /* Standard normals number first .. first + n - 1 of the stream; first is a multiple of
     * URN__NORMAL_BLOCK. */
    void (*normals)(const urn__stream *stream, int64_t first, int64_t n, double *z);
    /* z = loc + exp(log_scale) * eps; scale_out = exp(log_scale) kept for the gradient */
    void (*guide_sample)(int64_t n, const double *loc, const double *log_scale, const double *eps,
                         double *scale_out, double *z);
    /* p += step of Adam on gradient g (of the loss), moments m, v */
    void (*adam)(int64_t n, const urn__adam *adam, const double *g, double *m, double *v,
                 double *p);
    void (*momentum)(int64_t n, double lr, double momentum, const double *g, double *velocity,
                     double *p);
    /* One sweep over a diagonal guide: gradient of the loss from the density's gradient g and the
     * kept eps, scale, then Adam on loc and log_scale. loss = -(log p + entropy) * factor. */
    void (*guide_adam)(int64_t n, const urn__adam *adam, double factor, const double *g,
                       const double *eps, const double *scale, double *loc, double *m_loc,
                       double *v_loc, double *log_scale, double *m_scale, double *v_scale);
} urn__kernels;

/* The table called `name`, or the best one the machine supports for NULL. URN_ERR_USAGE with the
 * list of what the machine supports otherwise. */
urn_status urn__kernels_select(const char *name, const urn__kernels **kernels, urn_error *error);

/* Runs body(context, chunk, thread) for chunk = 0 .. n_chunks - 1 on up to `threads` threads. Which
 * thread gets which chunk must not matter. Runs on the caller alone when threads <= 1 or n_chunks
 * <= 1. */
void urn__parallel(int threads, int64_t n_chunks,
                   void (*body)(void *context, int64_t chunk, int thread), void *context);
/* Threads to use when the caller asked for `wanted` (0: all the machine has). At least 1. */
int urn__thread_count(int wanted);

/* Dense helpers, d x d row-major; leading dimension d. Return false when not positive definite. */
bool urn__cholesky(int64_t d, const double *a, double *l); /* lower, upper part zeroed */
void urn__tri_solve(int64_t d, int64_t n, const double *l, bool transposed,
                    double *b); /* b: d x n, in place */
void urn__matmul(int64_t r, int64_t k, int64_t c, const double *a, bool a_transposed,
                 const double *b, bool b_transposed, double *out,
                 bool accumulate); /* CBLAS, one thread */

#endif
