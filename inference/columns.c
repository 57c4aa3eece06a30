/* Quantiles of columns of draws: see columns.h. */
#include "columns.h"

#include "replays.h"

#include <math.h>
#include <stdbool.h>

#define TOGETHER 8 /* columns sorted side by side: doubles of a line of the cache */

int64_t urn__columns_scratch(int threads, int64_t n)
{
    return threads * n * TOGETHER;
}

/* Columns at .. at + count - 1 into an array of TOGETHER, whose last ones are padded by zeros. */
static void gather(const urn__columns *c, int64_t at, int64_t count, double *own, bool *is_number)
{
    for (int64_t k = 0; k < TOGETHER; k++)
        is_number[k] = true;
    for (int64_t s = 0; s < c->n; s++) {
        for (int64_t k = 0; k < count; k++) {
            own[s * TOGETHER + k] = c->block[s * c->rows + at + k];
            is_number[k] = is_number[k] && !isnan(own[s * TOGETHER + k]);
        }
        for (int64_t k = count; k < TOGETHER; k++)
            own[s * TOGETHER + k] = 0.0;
    }
}

static void sort_chunk(void *context, int64_t chunk, int thread)
{
    const urn__columns *c = context;
    const int64_t at = chunk * TOGETHER, left = c->rows - at;
    const int64_t count = left < TOGETHER ? left : TOGETHER;
    double *own = c->scratch + urn__columns_scratch(thread, c->n);
    bool is_number[TOGETHER];
    gather(c, at, count, own, is_number);
    c->kernels->sort_columns(c->n, TOGETHER, own);
    for (int p = 0; p < c->n_probs; p++)
        for (int64_t k = 0; k < count; k++)
            c->out[p][at + k] = is_number[k]
                                    ? urn__sorted_quantile(c->n, own + k, TOGETHER, c->probs[p])
                                    : (double)NAN;
}

void urn__columns_quantiles(const urn__columns *columns)
{
    urn__columns own = *columns;
    urn__parallel(own.threads, (own.rows + TOGETHER - 1) / TOGETHER, sort_chunk, &own);
}
