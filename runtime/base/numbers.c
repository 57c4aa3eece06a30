/* Columns of numbers, held once and given out in the type asked for. */
#include "numbers.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct urn__numbers {
    const urn_allocator *allocator;
    atomic_long references;
    pthread_mutex_t lock; /* of all below */
    int64_t n;
    urn__number_type type; /* of `cells`, which are exact */
    void *cells;
    bool given;   /* cells were given out: they stay */
    double *real; /* further stores, given out */
    float *single;
};

size_t urn__number_size(urn__number_type type)
{
    return type == URN__INT32 || type == URN__FLOAT ? 4 : 8;
}

urn__numbers *urn__numbers_new(const urn_allocator *allocator, urn__number_type type, int64_t n,
                               void *cells)
{
    urn__numbers *numbers = urn__calloc(allocator, 1, sizeof *numbers);
    if (numbers == NULL || pthread_mutex_init(&numbers->lock, NULL) != 0) {
        urn__free(allocator, numbers);
        return NULL;
    }
    numbers->allocator = allocator;
    atomic_init(&numbers->references, 1);
    numbers->n = n;
    numbers->type = type;
    numbers->cells = cells;
    return numbers;
}

/* Numbers over new cells for n of `type`; *cells is to be filled. */
static urn__numbers *with_cells(const urn_allocator *allocator, urn__number_type type, int64_t n,
                                void **cells)
{
    *cells = urn__alloc(allocator, (n > 0 ? (size_t)n : 1) * urn__number_size(type));
    urn__numbers *numbers = *cells == NULL ? NULL : urn__numbers_new(allocator, type, n, *cells);
    if (numbers == NULL)
        urn__free(allocator, *cells);
    return numbers;
}

bool urn__is_single(double value)
{
    return fabs(value) <= (double)FLT_MAX ? (double)(float)value == value : !isfinite(value);
}

urn__numbers *urn__numbers_of_doubles(const urn_allocator *allocator, int64_t n,
                                      const double *values)
{
    bool single = true;
    for (int64_t i = 0; i < n && single; i++)
        single = urn__is_single(values[i]);
    void *cells;
    urn__numbers *numbers = with_cells(allocator, single ? URN__FLOAT : URN__DOUBLE, n, &cells);
    for (int64_t i = 0; numbers != NULL && i < n; i++)
        if (single)
            ((float *)cells)[i] = (float)values[i];
        else
            ((double *)cells)[i] = values[i];
    return numbers;
}

urn__numbers *urn__numbers_of_ints(const urn_allocator *allocator, int64_t n, const int64_t *values)
{
    bool narrow = true;
    for (int64_t i = 0; i < n && narrow; i++)
        narrow = values[i] >= INT32_MIN && values[i] <= INT32_MAX;
    void *cells;
    urn__numbers *numbers = with_cells(allocator, narrow ? URN__INT32 : URN__INT64, n, &cells);
    for (int64_t i = 0; numbers != NULL && i < n; i++)
        if (narrow)
            ((int32_t *)cells)[i] = (int32_t)values[i];
        else
            ((int64_t *)cells)[i] = values[i];
    return numbers;
}

urn__numbers *urn__numbers_arranged(urn__numbers *numbers, int64_t first, int64_t n,
                                    const int32_t *rows)
{
    void *cells;
    pthread_mutex_lock(&numbers->lock);
    urn__numbers *made = with_cells(numbers->allocator, numbers->type, n, &cells);
    if (made != NULL && urn__number_size(numbers->type) == sizeof(uint32_t))
        for (int64_t i = 0; i < n; i++) /* bits, whatever they mean */
            memcpy((char *)cells + 4 * i, (const char *)numbers->cells + 4 * (first + rows[i]), 4);
    else if (made != NULL)
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)cells + 8 * i, (const char *)numbers->cells + 8 * (first + rows[i]), 8);
    pthread_mutex_unlock(&numbers->lock);
    return made;
}

urn__numbers *urn__numbers_share(urn__numbers *numbers)
{
    if (numbers != NULL)
        atomic_fetch_add(&numbers->references, 1);
    return numbers;
}

void urn__numbers_release(urn__numbers *numbers)
{
    if (numbers == NULL || atomic_fetch_sub(&numbers->references, 1) > 1)
        return;
    const urn_allocator *allocator = numbers->allocator;
    pthread_mutex_destroy(&numbers->lock);
    urn__free(allocator, numbers->cells);
    urn__free(allocator, numbers->real);
    urn__free(allocator, numbers->single);
    urn__free(allocator, numbers);
}

int64_t urn__numbers_count(const urn__numbers *numbers)
{
    return numbers->n;
}

bool urn__numbers_shared(const urn__numbers *numbers)
{
    return atomic_load(&numbers->references) > 1;
}

size_t urn__numbers_bytes(urn__numbers *numbers)
{
    pthread_mutex_lock(&numbers->lock);
    const size_t row = (numbers->cells ? urn__number_size(numbers->type) : 0) +
                       (numbers->real ? sizeof(double) : 0) + (numbers->single ? sizeof(float) : 0);
    pthread_mutex_unlock(&numbers->lock);
    return row * (size_t)numbers->n + sizeof *numbers;
}

/* ---- conversions ---- */

/* for every i: to[i] = (T)cells[at(i)], whatever the type of the cells */
#define CONVERT(numbers, n, T, to, at)                                                             \
    do {                                                                                           \
        const void *const cells_ = (numbers)->cells;                                               \
        switch ((numbers)->type) {                                                                 \
        case URN__INT32:                                                                           \
            for (int64_t i = 0; i < (n); i++)                                                      \
                (to)[i] = (T)((const int32_t *)cells_)[at];                                        \
            break;                                                                                 \
        case URN__INT64:                                                                           \
            for (int64_t i = 0; i < (n); i++)                                                      \
                (to)[i] = (T)((const int64_t *)cells_)[at];                                        \
            break;                                                                                 \
        case URN__FLOAT:                                                                           \
            for (int64_t i = 0; i < (n); i++)                                                      \
                (to)[i] = (T)((const float *)cells_)[at];                                          \
            break;                                                                                 \
        case URN__DOUBLE:                                                                          \
            for (int64_t i = 0; i < (n); i++)                                                      \
                (to)[i] = (T)((const double *)cells_)[at];                                         \
            break;                                                                                 \
        }                                                                                          \
    } while (0)

void urn__numbers_read(urn__numbers *numbers, int64_t first, int64_t n, double *to)
{
    pthread_mutex_lock(&numbers->lock);
    CONVERT(numbers, n, double, to, first + i);
    pthread_mutex_unlock(&numbers->lock);
}

void urn__numbers_pick(urn__numbers *numbers, int64_t first, int64_t n, const int32_t *rows,
                       double *to)
{
    pthread_mutex_lock(&numbers->lock);
    CONVERT(numbers, n, double, to, first + rows[i]);
    pthread_mutex_unlock(&numbers->lock);
}

void urn__numbers_pick_single(urn__numbers *numbers, int64_t first, int64_t n, const int32_t *rows,
                              float *to)
{
    pthread_mutex_lock(&numbers->lock);
    CONVERT(numbers, n, float, to, first + rows[i]);
    pthread_mutex_unlock(&numbers->lock);
}

void urn__numbers_read_ints(urn__numbers *numbers, int64_t first, int64_t n, int64_t *to)
{
    pthread_mutex_lock(&numbers->lock);
    CONVERT(numbers, n, int64_t, to, first + i);
    pthread_mutex_unlock(&numbers->lock);
}

int64_t urn__numbers_int(urn__numbers *numbers, int64_t at)
{
    int64_t value = 0;
    urn__numbers_read_ints(numbers, at, 1, &value);
    return value;
}

urn__cells urn__numbers_cells(urn__numbers *numbers)
{
    pthread_mutex_lock(&numbers->lock);
    numbers->given = true;
    const urn__cells found = {numbers->cells, numbers->type};
    pthread_mutex_unlock(&numbers->lock);
    return found;
}

void urn__cells_read(urn__cells cells, int64_t first, int64_t n, const int32_t *rows, double *to)
{
    if (rows == NULL)
        CONVERT(&cells, n, double, to, first + i);
    else
        CONVERT(&cells, n, double, to, first + rows[i]);
}

void urn__cells_read_single(urn__cells cells, int64_t first, int64_t n, const int32_t *rows,
                            float *to)
{
    if (rows == NULL)
        CONVERT(&cells, n, float, to, first + i);
    else
        CONVERT(&cells, n, float, to, first + rows[i]);
}

/* ---- whole stores ---- */

/* Do doubles hold every value? */
static bool fits_doubles(const urn__numbers *numbers)
{
    const int64_t limit = INT64_C(1) << 53;
    if (numbers->type != URN__INT64)
        return true;
    for (int64_t i = 0; i < numbers->n; i++) {
        const int64_t value = ((const int64_t *)numbers->cells)[i];
        if (value > limit || value < -limit)
            return false;
    }
    return true;
}

/* Doubles become the exact cells where they can and nobody has the old ones. */
static const double *make_doubles(urn__numbers *numbers)
{
    const size_t n = numbers->n > 0 ? (size_t)numbers->n : 1;
    double *made = urn__alloc(numbers->allocator, n * sizeof *made);
    if (made == NULL)
        return NULL;
    CONVERT(numbers, numbers->n, double, made, i);
    if (numbers->given || !fits_doubles(numbers)) {
        numbers->real = made;
        return made;
    }
    urn__free(numbers->allocator, numbers->cells);
    numbers->cells = made;
    numbers->type = URN__DOUBLE;
    numbers->given = true;
    return made;
}

const double *urn__numbers_doubles(urn__numbers *numbers)
{
    pthread_mutex_lock(&numbers->lock);
    const double *doubles = numbers->real;
    if (doubles == NULL && numbers->type == URN__DOUBLE) {
        numbers->given = true;
        doubles = numbers->cells;
    } else if (doubles == NULL) {
        doubles = make_doubles(numbers);
    }
    pthread_mutex_unlock(&numbers->lock);
    return doubles;
}

const float *urn__numbers_singles(urn__numbers *numbers)
{
    const size_t n = numbers->n > 0 ? (size_t)numbers->n : 1;
    pthread_mutex_lock(&numbers->lock);
    const float *singles = numbers->single;
    if (singles == NULL && numbers->type == URN__FLOAT) {
        numbers->given = true;
        singles = numbers->cells;
    } else if (singles == NULL) {
        float *made = urn__alloc(numbers->allocator, n * sizeof *made);
        if (made != NULL)
            CONVERT(numbers, numbers->n, float, made, i);
        singles = numbers->single = made;
    }
    pthread_mutex_unlock(&numbers->lock);
    return singles;
}
