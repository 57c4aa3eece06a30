/* Math functions declared with vector variants (libmvec), so that plain loops over them are
 * compiled to full-width calls. At most 4 ulp off. Kernel sources include this in place of relying
 * on <math.h> alone; other compilers and machines fall back to the scalar functions.
 *
 * Sources written once for both precisions (see real.h) say urn__exp_real(x), and so on, which is
 * exp, or expf where URN_SINGLE is defined: a plain exp in float code would silently convert. */
#ifndef URN_TENSOR_VMATH_H
#define URN_TENSOR_VMATH_H

#include <math.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) &&       \
    !defined(URN_NO_LIBMVEC)
#if __GLIBC_PREREQ(2, 35)
#define URN__VECTOR __attribute__((simd("notinbranch")))
URN__VECTOR double exp(double);
URN__VECTOR double log(double);
URN__VECTOR double log1p(double);
URN__VECTOR double expm1(double);
URN__VECTOR double tanh(double);
URN__VECTOR double sin(double);
URN__VECTOR double cos(double);
URN__VECTOR double erf(double);
URN__VECTOR double atan(double);
URN__VECTOR double pow(double, double);
URN__VECTOR float expf(float);
URN__VECTOR float logf(float);
URN__VECTOR float log1pf(float);
URN__VECTOR float expm1f(float);
URN__VECTOR float tanhf(float);
URN__VECTOR float sinf(float);
URN__VECTOR float cosf(float);
URN__VECTOR float erff(float);
URN__VECTOR float atanf(float);
URN__VECTOR float powf(float, float);
#endif
#endif

#ifdef URN_SINGLE
#define URN__MATH_REAL float
#define URN__MATH_NAME(name) name##f
#else
#define URN__MATH_REAL double
#define URN__MATH_NAME(name) name
#endif
#define URN__MATH_ONE(name)                                                                        \
    static inline __attribute__((always_inline))                                                   \
    URN__MATH_REAL urn__##name##_real(URN__MATH_REAL x)                                            \
    {                                                                                              \
        return URN__MATH_NAME(name)(x);                                                            \
    }
#define URN__MATH_TWO(name)                                                                        \
    static inline __attribute__((always_inline))                                                   \
    URN__MATH_REAL urn__##name##_real(URN__MATH_REAL x, URN__MATH_REAL y)                          \
    {                                                                                              \
        return URN__MATH_NAME(name)(x, y);                                                         \
    }
URN__MATH_ONE(exp)
URN__MATH_ONE(log)
URN__MATH_ONE(log1p)
URN__MATH_ONE(expm1)
URN__MATH_ONE(tanh)
URN__MATH_ONE(sin)
URN__MATH_ONE(cos)
URN__MATH_ONE(erf)
URN__MATH_ONE(atan)
URN__MATH_ONE(sqrt)
URN__MATH_ONE(fabs)
URN__MATH_ONE(rint)
URN__MATH_ONE(floor)
URN__MATH_TWO(pow)
URN__MATH_TWO(fmin)
URN__MATH_TWO(fmax)
URN__MATH_TWO(copysign)
#undef URN__MATH_ONE
#undef URN__MATH_TWO
#undef URN__MATH_NAME
#undef URN__MATH_REAL

#endif
