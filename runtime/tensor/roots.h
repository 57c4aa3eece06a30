/* Square roots of registers. Where the processor's own are slow, an estimate of 1 / sqrt(x) good to
 * 14 bits (AVX-512) is made a root by Newton's iteration, off by 1.3 roundings at most. */
#ifndef URN_TENSOR_ROOTS_H
#define URN_TENSOR_ROOTS_H

#include "lanes.h"

#include <float.h>
#include <math.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* A register of the kernels' own type. */
#ifdef URN_SINGLE
typedef float urn__reals __attribute__((vector_size(URN__REGISTER_BYTES)));
typedef uint32_t urn__real_words __attribute__((vector_size(URN__REGISTER_BYTES)));
#else
typedef double urn__reals __attribute__((vector_size(URN__REGISTER_BYTES)));
typedef uint64_t urn__real_words __attribute__((vector_size(URN__REGISTER_BYTES)));
#endif

/* The processor's own roots. */
URN__INLINE void urn__roots_exact(const urn__reals *x, urn__reals *root)
{
#if URN_CPU == 2 && defined(URN_SINGLE)
    *root = _mm512_sqrt_ps(*x);
#elif URN_CPU == 2
    *root = _mm512_sqrt_pd(*x);
#elif URN_CPU == 1 && defined(URN_SINGLE)
    *root = _mm256_sqrt_ps(*x);
#elif URN_CPU == 1
    *root = _mm256_sqrt_pd(*x);
#elif defined(__SSE2__) && defined(URN_SINGLE)
    *root = _mm_sqrt_ps(*x);
#elif defined(__SSE2__)
    *root = _mm_sqrt_pd(*x);
#else
    for (int l = 0; l < URN__REGISTER_LANES; l++)
        (*root)[l] = sqrt((*x)[l]);
#endif
}

/* Roots of numbers that are 0 or normal, and finite: with g -> sqrt(x) and h -> 1 / (2 sqrt(x))
 * improved together, then g once more by what it is off. */
URN__INLINE void urn__roots(const urn__reals *x, urn__reals *root)
{
#if URN_CPU == 2 && defined(URN_SINGLE)
    const __m512 half = _mm512_set1_ps(0.5f);
    const __m512 y = _mm512_rsqrt14_ps(_mm512_max_ps(*x, _mm512_set1_ps(FLT_MIN)));
    const __m512 g = _mm512_mul_ps(*x, y), h = _mm512_mul_ps(y, half);
    *root = _mm512_fmadd_ps(_mm512_fnmadd_ps(g, g, *x), h, g);
#elif URN_CPU == 2
    const __m512d half = _mm512_set1_pd(0.5);
    const __m512d y = _mm512_rsqrt14_pd(_mm512_max_pd(*x, _mm512_set1_pd(DBL_MIN)));
    const __m512d g = _mm512_mul_pd(*x, y), h = _mm512_mul_pd(y, half);
    const __m512d e = _mm512_fnmadd_pd(g, h, half);
    const __m512d g2 = _mm512_fmadd_pd(g, e, g), h2 = _mm512_fmadd_pd(h, e, h);
    *root = _mm512_fmadd_pd(_mm512_fnmadd_pd(g2, g2, *x), h2, g2);
#else
    urn__roots_exact(x, root);
#endif
}

/* The same of numbers that may be infinite: the root is a huge number then. */
URN__INLINE void urn__roots_up_to_max(const urn__reals *x, urn__reals *root)
{
#if URN_CPU == 2 && defined(URN_SINGLE)
    const urn__reals bounded = _mm512_min_ps(*x, _mm512_set1_ps(FLT_MAX));
#elif URN_CPU == 2
    const urn__reals bounded = _mm512_min_pd(*x, _mm512_set1_pd(DBL_MAX));
#else
    const urn__reals bounded = *x;
#endif
    urn__roots(&bounded, root);
}

#endif
