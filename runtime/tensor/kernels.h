/* What the kernel sources share. Each of them is compiled once per CPU path (URN_CPU 0: base, 1:
 * v3, 2: v4), so every non-static name carries the path. */
#ifndef URN_TENSOR_KERNELS_H
#define URN_TENSOR_KERNELS_H

#include "tensor.h"

#ifndef URN_CPU
#define URN_CPU 0
#endif

#if URN_CPU == 0
#define URN__KERNEL(name) urn__##name##_base
#define URN__CPU_NAME "base"
#elif URN_CPU == 1
#define URN__KERNEL(name) urn__##name##_v3
#define URN__CPU_NAME "v3"
#else
#define URN__KERNEL(name) urn__##name##_v4
#define URN__CPU_NAME "v4"
#endif

/* Before a loop whose iterations are independent. Clang warns where it finds no vector version of a
 * function called in the loop, so it is left to find out by itself. */
#if defined(__clang__)
#define URN__SIMD
#else
#define URN__SIMD _Pragma("omp simd")
#endif

#define URN__INLINE static inline __attribute__((always_inline))

/* Elements handled together. The widest path has eight doubles a register; the others split it. The
 * same on all paths, so that sums associate in the same way everywhere. */
#define URN__LANES 8
typedef double urn__lanes __attribute__((vector_size(URN__LANES * sizeof(double))));
typedef uint64_t urn__word_lanes __attribute__((vector_size(URN__LANES * sizeof(uint64_t))));

/* The part of n that is whole groups of lanes. */
#define URN__WHOLE(n) ((n) & ~(int64_t)(URN__LANES - 1))

/* The elementwise kernels: enumerator's end, kernel. */
#define URN__MAP1_LIST(X)                                                                          \
    X(NEG, map_neg)                                                                                \
    X(EXP, map_exp)                                                                                \
    X(LOG, map_log)                                                                                \
    X(LOG1P, map_log1p)                                                                            \
    X(EXPM1, map_expm1)                                                                            \
    X(SQRT, map_sqrt)                                                                              \
    X(SQUARE, map_square)                                                                          \
    X(RECIPROCAL, map_reciprocal)                                                                  \
    X(ABS, map_abs)                                                                                \
    X(SIGMOID, map_sigmoid)                                                                        \
    X(SOFTPLUS, map_softplus)                                                                      \
    X(TANH, map_tanh)                                                                              \
    X(SIN, map_sin)                                                                                \
    X(COS, map_cos)                                                                                \
    X(LGAMMA, map_lgamma)                                                                          \
    X(DIGAMMA, map_digamma)                                                                        \
    X(TRIGAMMA, map_trigamma)                                                                      \
    X(ERF, map_erf)                                                                                \
    X(RELU, map_relu)                                                                              \
    X(SIGN, map_sign)                                                                              \
    X(STEP, map_step)
#define URN__MAP2_LIST(X)                                                                          \
    X(ADD, map_add)                                                                                \
    X(SUB, map_sub)                                                                                \
    X(MUL, map_mul)                                                                                \
    X(DIV, map_div)                                                                                \
    X(POW, map_pow)

#define URN__MAP1_DECLARE(word, kernel)                                                            \
    void URN__KERNEL(kernel)(int64_t n, const double *x, double *y);
#define URN__MAP2_DECLARE(word, kernel)                                                            \
    void URN__KERNEL(kernel)(int64_t n, const double *a, int64_t stride_a, const double *b,        \
                             int64_t stride_b, double *y);
URN__MAP1_LIST(URN__MAP1_DECLARE)
URN__MAP2_LIST(URN__MAP2_DECLARE)
#undef URN__MAP1_DECLARE
#undef URN__MAP2_DECLARE

double URN__KERNEL(sum)(int64_t n, const double *x);
double URN__KERNEL(dot)(int64_t n, const double *a, const double *b);
void URN__KERNEL(weigh_rows)(int64_t from, int64_t to, int64_t d, const double *weight,
                             const double *x, double *out);
void URN__KERNEL(axpy)(int64_t n, double a, const double *x, double *y);
void URN__KERNEL(row_dot)(int64_t from, int64_t to, int64_t d, const double *a, const int32_t *ia,
                          int64_t stride_a, const double *b, const int32_t *ib, int64_t stride_b,
                          double *y);
void URN__KERNEL(scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const double *weight, const double *x,
                               const int32_t *ix, double *out);
void URN__KERNEL(gather_rows)(int64_t from, int64_t to, int64_t d, const double *x,
                              const int32_t *index, double *y);
void URN__KERNEL(normals)(const urn__stream *stream, int64_t first, int64_t n, double *z);
void URN__KERNEL(guide_sample)(int64_t n, const double *loc, const double *log_scale,
                               const double *eps, double *scale_out, double *z);
void URN__KERNEL(adam)(int64_t n, const urn__adam *adam, const double *g, double *m, double *v,
                       double *p);
void URN__KERNEL(momentum)(int64_t n, double lr, double momentum, const double *g, double *velocity,
                           double *p);
void URN__KERNEL(guide_adam)(int64_t n, const urn__adam *adam, double factor, const double *g,
                             const double *eps, const double *scale, double *loc, double *m_loc,
                             double *v_loc, double *log_scale, double *m_scale, double *v_scale);

/* The tables of the paths; those not built in are declared all the same, and not referred to. */
const urn__kernels *urn__kernels_table_base(void);
const urn__kernels *urn__kernels_table_v3(void);
const urn__kernels *urn__kernels_table_v4(void);

#endif
