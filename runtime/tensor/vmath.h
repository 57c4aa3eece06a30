/* Math functions declared with vector variants (libmvec), so that plain loops over them are
 * compiled to full-width calls. At most 4 ulp off. Kernel sources include this in place of relying
 * on <math.h> alone; other compilers and machines fall back to the scalar functions. */
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
#endif
#endif

#endif
