/* Math functions declared with vector variants (libmvec), so that plain loops over them are
 * compiled to full-width calls. At most 4 ulp off. Kernel sources include this in place of relying
 * on <math.h> alone; other compilers and machines fall back to the scalar functions.
 *
 * Sources written once for both precisions (see real.h) say urn__exp_real(x), and so on, which is
 * exp, or expf where URN_SINGLE is defined: a plain exp in float code would silently convert. */
#ifndef URN_TENSOR_VMATH_H
#define URN_TENSOR_VMATH_H

#include "vexp.h"

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) &&       \
    !defined(URN_NO_LIBMVEC)
#if __GLIBC_PREREQ(2, 35)
#define URN__HAVE_LIBMVEC 1
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
#define URN__MATH_OWN(name) urn__##name##_float
#else
#define URN__MATH_REAL double
#define URN__MATH_NAME(name) name
#define URN__MATH_OWN(name) urn__##name##_double
#endif
#define URN__MATH_REAL_ONE(name, function)                                                         \
    static inline __attribute__((always_inline))                                                   \
    URN__MATH_REAL urn__##name##_real(URN__MATH_REAL x)                                            \
    {                                                                                              \
        return function(x);                                                                        \
    }
#define URN__MATH_ONE(name) URN__MATH_REAL_ONE(name, URN__MATH_NAME(name))
#define URN__MATH_TWO(name)                                                                        \
    static inline __attribute__((always_inline))                                                   \
    URN__MATH_REAL urn__##name##_real(URN__MATH_REAL x, URN__MATH_REAL y)                          \
    {                                                                                              \
        return URN__MATH_NAME(name)(x, y);                                                         \
    }
/* Our own where they are faster, and where there is no libmvec. */
#if !defined(URN__HAVE_LIBMVEC) || URN_CPU == 2
URN__MATH_REAL_ONE(exp, URN__MATH_OWN(exp))
#else
URN__MATH_REAL_ONE(exp, URN__MATH_NAME(exp))
#endif
#if !defined(URN__HAVE_LIBMVEC)
URN__MATH_REAL_ONE(log, URN__MATH_OWN(log))
#else
URN__MATH_REAL_ONE(log, URN__MATH_NAME(log))
#endif
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
#undef URN__MATH_REAL_ONE
#undef URN__MATH_OWN
#undef URN__MATH_TWO
#undef URN__MATH_NAME
#undef URN__MATH_REAL

#endif
