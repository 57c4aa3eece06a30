/* Columns of numbers, held once. A column is kept in the smallest type that is exact for all of its
 * values, shared by counted references (a dataset's and those of the models that read it), and
 * given out in the type that kernels want. Private to the library. */
#ifndef URN_RUNTIME_NUMBERS_H
#define URN_RUNTIME_NUMBERS_H

#include "base.h"

typedef enum urn__number_type { URN__INT32, URN__INT64, URN__FLOAT, URN__DOUBLE } urn__number_type;

typedef struct urn__numbers urn__numbers;

size_t urn__number_size(urn__number_type type);
/* Takes over `cells`, n numbers of `type` from `allocator`; NULL when memory runs out, with `cells`
 * still the caller's. The caller has the first reference. */
urn__numbers *urn__numbers_new(const urn_allocator *allocator, urn__number_type type, int64_t n,
                               void *cells);
/* A copy of values in the smallest type that is exact for all; NULL when memory runs out. */
urn__numbers *urn__numbers_of_doubles(const urn_allocator *allocator, int64_t n,
                                      const double *values);
urn__numbers *urn__numbers_of_ints(const urn_allocator *allocator, int64_t n,
                                   const int64_t *values);
/* Numbers first + rows[0], first + rows[1], ..., n in all, in a store of their own. */
urn__numbers *urn__numbers_arranged(urn__numbers *numbers, int64_t first, int64_t n,
                                    const int32_t *rows);
/* Does a float hold this very value? */
bool urn__is_single(double value);
/* One reference more, which is also returned; one less. Both take NULL. */
urn__numbers *urn__numbers_share(urn__numbers *numbers);
void urn__numbers_release(urn__numbers *numbers);

int64_t urn__numbers_count(const urn__numbers *numbers);
bool urn__numbers_shared(const urn__numbers *numbers); /* more than one reference */
size_t urn__numbers_bytes(urn__numbers *numbers);      /* held now */

/* All of them, rounded where the type cannot hold them; NULL when memory runs out. They stay where
 * they are as long as there are references. A smaller store of the same numbers that nobody was
 * given goes when doubles are asked for. These and the reads below may be called from several
 * threads. */
const double *urn__numbers_doubles(urn__numbers *numbers);
const float *urn__numbers_singles(urn__numbers *numbers);

/* to[i] = number first + i, and to[i] = number first + rows[i], for i < n. */
void urn__numbers_read(urn__numbers *numbers, int64_t first, int64_t n, double *to);
void urn__numbers_pick(urn__numbers *numbers, int64_t first, int64_t n, const int32_t *rows,
                       double *to);
void urn__numbers_pick_single(urn__numbers *numbers, int64_t first, int64_t n, const int32_t *rows,
                              float *to);
/* to[i] = number first + i of whole numbers, exactly. */
void urn__numbers_read_ints(urn__numbers *numbers, int64_t first, int64_t n, int64_t *to);
/* Numbers as they are stored, which is where they stay as long as there are references: for whoever
 * reads them a piece at a time. */
typedef struct urn__cells {
    const void *cells;
    urn__number_type type;
} urn__cells;
urn__cells urn__numbers_cells(urn__numbers *numbers);
/* to[i] = number first + i, or with `rows` first + rows[i]. */
void urn__cells_read(urn__cells cells, int64_t first, int64_t n, const int32_t *rows, double *to);
void urn__cells_read_single(urn__cells cells, int64_t first, int64_t n, const int32_t *rows,
                            float *to);
/* Exact where the values are whole numbers of 64 bits. */
int64_t urn__numbers_int(urn__numbers *numbers, int64_t at);

#endif
