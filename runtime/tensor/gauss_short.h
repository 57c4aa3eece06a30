/* Sums over vectors of 2 to 16 numbers, which are read in place: all sums are in registers at once.
 * For AVX-512, whose masks read what a vector has and no more; included by kernels_gauss.c.
 *
 * A vector is a low part of up to 8 numbers and a high part of up to 8, or, where 4 are enough, of
 * half a register, whose products take half the time. */
#include <immintrin.h>

typedef struct short_masks {
    __mmask8 low, high;
} short_masks;

typedef struct short_vector {
    __m512d low, high;
    __m256d half;
} short_vector;

/* The sums: of low numbers times low and high parts, of high numbers times high parts, of targets
 * times parts. Those not needed are never made. */
typedef struct short_state {
    __m512d low[8], across[8], high[8], shift_low, shift_high;
    __m256d across_half[8], high_half[4], shift_half;
} short_state;

URN__INLINE void short_load(int d, short_masks m, const double *x, short_vector *v)
{
    v->low = _mm512_maskz_loadu_pd(m.low, x);
    if (d > 12)
        v->high = _mm512_maskz_loadu_pd(m.high, x + 8);
    else if (d > 8)
        v->half = _mm256_maskz_loadu_pd(m.high, x + 8);
}

/* x is where the vector is; v what its numbers are multiplied with. */
URN__INLINE void short_add(int d, const double *x, double t, const short_vector *v, short_state *s)
{
    URN__UNROLL
    for (int q = 0; q < (d < 8 ? d : 8); q++) {
        const __m512d a = _mm512_set1_pd(x[q]);
        s->low[q] = _mm512_fmadd_pd(a, v->low, s->low[q]);
        if (d > 12)
            s->across[q] = _mm512_fmadd_pd(a, v->high, s->across[q]);
        else if (d > 8)
            s->across_half[q] =
                _mm256_fmadd_pd(_mm512_castpd512_pd256(a), v->half, s->across_half[q]);
    }
    URN__UNROLL
    for (int q = 0; q < d - 8; q++) {
        if (d > 12)
            s->high[q] = _mm512_fmadd_pd(_mm512_set1_pd(x[8 + q]), v->high, s->high[q]);
        else
            s->high_half[q] = _mm256_fmadd_pd(_mm256_set1_pd(x[8 + q]), v->half, s->high_half[q]);
    }
    const __m512d a = _mm512_set1_pd(t);
    s->shift_low = _mm512_fmadd_pd(a, v->low, s->shift_low);
    if (d > 12)
        s->shift_high = _mm512_fmadd_pd(a, v->high, s->shift_high);
    else if (d > 8)
        s->shift_half = _mm256_fmadd_pd(_mm512_castpd512_pd256(a), v->half, s->shift_half);
}

URN__INLINE void short_clear(short_state *s)
{
    URN__UNROLL
    for (int q = 0; q < 8; q++) {
        s->low[q] = s->across[q] = s->high[q] = _mm512_setzero_pd();
        s->across_half[q] = _mm256_setzero_pd();
        if (q < 4)
            s->high_half[q] = _mm256_setzero_pd();
    }
    s->shift_low = s->shift_high = _mm512_setzero_pd();
    s->shift_half = _mm256_setzero_pd();
}

URN__INLINE void put8(bool add, const __m512d *v, double *to)
{
    _mm512_store_pd(to, add ? _mm512_add_pd(*v, _mm512_load_pd(to)) : *v);
}

URN__INLINE void put4(bool add, const __m256d *v, double *to)
{
    _mm256_store_pd(to, add ? _mm256_add_pd(*v, _mm256_load_pd(to)) : *v);
}

URN__INLINE void short_store(int d, bool add, const short_state *s, double *sums)
{
    const int p = d > 8 ? 16 : 8;
    URN__UNROLL
    for (int q = 0; q < (d < 8 ? d : 8); q++) {
        put8(add, &s->low[q], sums + q * p);
        if (d > 12)
            put8(add, &s->across[q], sums + q * p + 8);
        else if (d > 8)
            put4(add, &s->across_half[q], sums + q * p + 8);
    }
    URN__UNROLL
    for (int q = 0; q < d - 8; q++) {
        if (d > 12)
            put8(add, &s->high[q], sums + (8 + q) * p + 8);
        else
            put4(add, &s->high_half[q], sums + (8 + q) * p + 8);
    }
    put8(add, &s->shift_low, sums + p * p);
    if (d > 12)
        put8(add, &s->shift_high, sums + p * p + 8);
    else if (d > 8)
        put4(add, &s->shift_half, sums + p * p + 8);
}

URN__INLINE void short_weigh(int d, double weight, short_vector *v)
{
    v->low = _mm512_mul_pd(v->low, _mm512_set1_pd(weight));
    if (d > 12)
        v->high = _mm512_mul_pd(v->high, _mm512_set1_pd(weight));
    else if (d > 8)
        v->half = _mm256_mul_pd(v->half, _mm256_set1_pd(weight));
}

URN__INLINE void short_sums(int d, bool weighted, const urn__gauss_vectors *vectors, bool add,
                            double *sums)
{
    const short_masks m = {(__mmask8)(d >= 8 ? 0xff : (1 << d) - 1),
                           (__mmask8)(d > 8 ? (1 << (d - 8)) - 1 : 0)};
    short_state s;
    short_clear(&s);
    for (int64_t i = 0; i < vectors->n; i++) {
        const double *x = vectors->x;
        if (vectors->row != NULL) {
            if (i + AHEAD < vectors->readable) {
                const double *later = x + vectors->row[i + AHEAD] * vectors->stride;
                __builtin_prefetch(later);
                __builtin_prefetch(later + d - 1);
            }
            x += vectors->row[i] * vectors->stride;
        } else {
            x += i * vectors->stride;
        }
        short_vector v;
        short_load(d, m, x, &v);
        if (weighted)
            short_weigh(d, vectors->weight[i], &v);
        short_add(d, x, vectors->target[i], &v, &s);
    }
    short_store(d, add, &s, sums);
}
