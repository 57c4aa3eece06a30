/* What the kernel sources share. Each of them is compiled once per CPU path (URN_CPU 0: base, 1:
 * v3, 2: v4) and precision (plain, and with URN_SINGLE), so every non-static name carries both. */
#ifndef URN_TENSOR_KERNELS_H
#define URN_TENSOR_KERNELS_H

#include "real.h"

#include <string.h>

#ifndef URN_CPU
#define URN_CPU 0
#endif

#if URN_CPU == 0
#define URN__KERNEL_DOUBLE(name) urn__##name##_base
#define URN__KERNEL_SINGLE(name) urn__##name##_base_single
#define URN__CPU_NAME "base"
#elif URN_CPU == 1
#define URN__KERNEL_DOUBLE(name) urn__##name##_v3
#define URN__KERNEL_SINGLE(name) urn__##name##_v3_single
#define URN__CPU_NAME "v3"
#else
#define URN__KERNEL_DOUBLE(name) urn__##name##_v4
#define URN__KERNEL_SINGLE(name) urn__##name##_v4_single
#define URN__CPU_NAME "v4"
#endif
#ifdef URN_SINGLE
#define URN__KERNEL(name) URN__KERNEL_SINGLE(name)
#else
#define URN__KERNEL(name) URN__KERNEL_DOUBLE(name)
#endif

/* Before a loop whose iterations are independent. Clang warns where it finds no vector version of a
 * function called in the loop, so it is left to find out by itself. */
#if defined(__clang__)
#define URN__SIMD
#else
#define URN__SIMD _Pragma("omp simd")
#endif

#define URN__INLINE static inline __attribute__((always_inline))

/* A constant of the kernels' own type: 0.5 alone would make a float expression double. */
#define URN__C(x) ((urn__real)(x))

/* Elements handled together. The widest path has 64 bytes a register; the others split it. The same
 * on all paths, so that sums associate in the same way everywhere. */
#ifdef URN_SINGLE
#define URN__LANES 16
#else
#define URN__LANES 8
#endif
typedef urn__real urn__lanes __attribute__((vector_size(URN__LANES * sizeof(urn__real))));

/* What sums are kept in: eight doubles, and eight numbers to add to them. */
#define URN__SUM_LANES 8
typedef double urn__sum_lanes __attribute__((vector_size(URN__SUM_LANES * sizeof(double))));
typedef urn__real urn__eight __attribute__((vector_size(URN__SUM_LANES * sizeof(urn__real))));

/* Vectors go through pointers: passing them by value would depend on the machine's calling rules.
 */
URN__INLINE void urn__load_eight(const urn__real *x, urn__sum_lanes *v)
{
    urn__eight u;
    memcpy(&u, x, sizeof u);
    *v = __builtin_convertvector(u, urn__sum_lanes);
}

/* Halves added until one number is left. */
URN__INLINE urn__real urn__sum_of_lanes(const urn__lanes *v)
{
    urn__real s[URN__LANES];
    memcpy(s, v, sizeof s);
    for (int half = URN__LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            s[k] += s[k + half];
    return s[0];
}

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
    X(STEP, map_step)                                                                              \
    X(LOG1M_EXP, map_log1m_exp)                                                                    \
    X(PHI, map_phi)                                                                                \
    X(LOG_PHI, map_log_phi)
#define URN__MAP2_LIST(X)                                                                          \
    X(ADD, map_add)                                                                                \
    X(SUB, map_sub)                                                                                \
    X(MUL, map_mul)                                                                                \
    X(DIV, map_div)                                                                                \
    X(POW, map_pow)                                                                                \
    X(MAXIMUM, map_maximum)                                                                        \
    X(MINIMUM, map_minimum)

#define URN__MAP1_DECLARE(word, kernel)                                                            \
    void URN__KERNEL(kernel)(int64_t n, const urn__real *x, urn__real *y);
#define URN__MAP2_DECLARE(word, kernel)                                                            \
    void URN__KERNEL(kernel)(int64_t n, const urn__real *a, int64_t stride_a, const urn__real *b,  \
                             int64_t stride_b, urn__real *y);
URN__MAP1_LIST(URN__MAP1_DECLARE)
URN__MAP2_LIST(URN__MAP2_DECLARE)
#undef URN__MAP1_DECLARE
#undef URN__MAP2_DECLARE

double URN__KERNEL(sum)(int64_t n, const urn__real *x);
double URN__KERNEL(dot)(int64_t n, const urn__real *a, const urn__real *b);
void URN__KERNEL(weigh_rows)(int64_t from, int64_t to, int64_t d, const urn__real *weight,
                             const urn__real *x, double *out);
void URN__KERNEL(axpy)(int64_t n, urn__real a, const urn__real *x, urn__real *y);
void URN__KERNEL(row_dot)(int64_t from, int64_t to, int64_t d, const urn__real *a,
                          const int32_t *ia, int64_t stride_a, const urn__real *b,
                          const int32_t *ib, int64_t stride_b, urn__real *y);
void URN__KERNEL(scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const urn__real *weight, const urn__real *x,
                               const int32_t *ix, const urn__real *base, urn__real *out);
void URN__KERNEL(scatter_both)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const urn__real *weight, const urn__real *x,
                               const int32_t *ix, const urn__real *own, const urn__real *base,
                               urn__real *out, urn__real *other);
double URN__KERNEL(squares_both)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                                 const urn__squares *mean, int64_t n, const int32_t *ix,
                                 const urn__real *x, const urn__real *own, const urn__real *base,
                                 urn__real *out, urn__real *pairs);
void URN__KERNEL(gather_rows)(int64_t from, int64_t to, int64_t d, const urn__real *x,
                              const int32_t *index, urn__real *y);
void URN__KERNEL(sort_columns)(int64_t n, int64_t width, urn__real *x);
void URN__KERNEL(normals)(const urn__stream *stream, int64_t first, int64_t n, urn__real *z);
void URN__KERNEL(guide_sample)(const urn__stream *stream, int64_t first, int64_t n,
                               const urn__real *loc, const urn__real *log_scale, urn__real *z,
                               double sums[2]);
void URN__KERNEL(adam)(int64_t n, const urn__adam *adam, const urn__real *g, urn__real *m,
                       urn__real *v, urn__real *p);
void URN__KERNEL(momentum)(int64_t n, double lr, double momentum, const urn__real *g,
                           urn__real *velocity, urn__real *p);
void URN__KERNEL(guide_adam)(int64_t n, const urn__adam *adam, double factor, double weight,
                             const urn__real *g, const urn__real *z, urn__real *loc,
                             urn__real *m_loc, urn__real *v_loc, urn__real *log_scale,
                             urn__real *m_scale, urn__real *v_scale);

/* The tables of the paths; those not built in are declared all the same, and not referred to. */
const urn__kernels *urn__kernels_table_base(void);
const urn__kernels *urn__kernels_table_v3(void);
const urn__kernels *urn__kernels_table_v4(void);
const urn__kernels_single *urn__kernels_table_base_single(void);
const urn__kernels_single *urn__kernels_table_v3_single(void);
const urn__kernels_single *urn__kernels_table_v4_single(void);

#endif
