/* A diagonal and a rank: covariance scale (1 + P P') scale, P of size x rank (Ong, Nott and Smith,
 * Gaussian variational approximation with a factor covariance structure, 2018). All that is said of
 * the whole goes through C = 1 + P'P, of rank x rank:
 *   log |1 + P P'| = log |C|, its gradient 2 P C^-1, and (1 + P P')^-1 = 1 - P C^-1 P'. */
#include "guides.h"

#include <math.h>
#include <string.h>

#define MOST_RANK 1024
#define MOST_NUMBERS 1e8
#define LEAST_SLAB 1024 /* coordinates */
#define MOST_SLABS 16

static urn_status lay_out(const urn__target *target, int64_t rank, urn_normal_block *blocks,
                          urn__layout *layout, urn_error *error)
{
    const double size = (double)target->size;
    const int64_t wanted = rank > 0 ? rank : (int64_t)lround(sqrt(size));
    (void)blocks;
    if (wanted > target->size)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "use a lower --rank, or --guide full",
                         "--guide low-rank of rank %lld was asked for, but the model has %lld "
                         "coordinates",
                         (long long)wanted, (long long)target->size);
    if (wanted > MOST_RANK || size * (double)wanted > MOST_NUMBERS)
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, "give a lower --rank, or use --guide rows",
            "--guide low-rank of rank %lld%s over %lld coordinates would learn %.3g numbers (at "
            "most %.3g, and rank %d), %.3g GB with the optimiser's",
            (long long)wanted, rank > 0 ? "" : " (the root of the number of coordinates)",
            (long long)target->size, size * (double)wanted, MOST_NUMBERS, MOST_RANK,
            3.0 * 8.0 * size * (double)wanted / 1e9);
    layout->rank = wanted;
    return URN_OK;
}

/* Normals of variance 1 / rank, so that half of a coordinate's variance comes from P: at 0 the
 * gradient would be 0. Scales are lowered by as much: what was asked for is the sd of the whole. */
static void start(urn__guide *guide)
{
    urn__factor *f = guide->factor;
    const int64_t r = f->layout.rank;
    double *log_scale = guide->arrays.log_scale;
    const urn__stream stream =
        urn__stream_at(guide->seed, urn__chain_for(URN__USE_START, 0), "guide of a rank", 0);
    guide->target->kernels->normals(&stream, 0, f->layout.n_factor, f->p);
    for (int c = 0; c < guide->n_chunks; c++) {
        const urn__chunk *chunk = &guide->chunks[c];
        for (int64_t i = chunk->offset; i < chunk->offset + chunk->n; i++) {
            double squares = 0.0, *row = f->p + i * r;
            for (int64_t k = 0; k < r; k++) {
                row[k] = chunk->random ? row[k] / sqrt((double)r) : 0.0;
                squares += row[k] * row[k];
            }
            if (chunk->random)
                log_scale[i] -= 0.5 * log1p(squares);
        }
    }
}

/* ---- 1 + P'P ---- */

static int64_t slabs_of(const urn__layout *layout)
{
    const int64_t n = (layout->size + LEAST_SLAB - 1) / LEAST_SLAB;
    return n < MOST_SLABS ? n : MOST_SLABS;
}

/* Coordinates are cut into the same slabs on any number of threads. */
static void multiply_slab(void *context, int64_t slab, int thread)
{
    const urn__factor *f = context;
    const int64_t r = f->layout.rank, size = f->layout.size, n = slabs_of(&f->layout);
    const int64_t from = size * slab / n, to = size * (slab + 1) / n;
    const double *p = f->p + from * r;
    (void)thread;
    urn__matmul(r, to - from, r, p, true, p, false, f->part + slab * r * r, false);
}

static void prepare(urn__guide *guide)
{
    urn__factor *f = guide->factor;
    const int64_t r = f->layout.rank, slabs = slabs_of(&f->layout);
    urn__parallel(guide->target->threads, slabs, multiply_slab, f);
    memset(f->inverse, 0, (size_t)(r * r) * sizeof *f->inverse);
    memset(f->gram, 0, (size_t)(r * r) * sizeof *f->gram);
    for (int64_t slab = 0; slab < slabs; slab++)
        for (int64_t k = 0; k < r * r; k++)
            f->gram[k] += f->part[slab * r * r + k];
    for (int64_t k = 0; k < r; k++) {
        f->gram[k * r + k] += 1.0;
        f->inverse[k * r + k] = 1.0;
    }
    f->entropy = (double)NAN;
    if (!urn__cholesky(r, f->gram, f->gram))
        return;
    urn__tri_solve(r, r, f->gram, false, f->inverse);
    urn__tri_solve(r, r, f->gram, true, f->inverse);
    f->entropy = 0.0;
    for (int64_t k = 0; k < r; k++)
        f->entropy += log(f->gram[k * r + k]);
}

static void entropy_gradient(const urn__factor *f, const urn__piece *piece, double *out)
{
    const int64_t r = f->layout.rank;
    urn__matmul(piece->end - piece->first, r, r, f->p + piece->at, false, f->inverse, false, out,
                false);
}

static double squares(const urn__guide *guide)
{
    const urn__factor *f = guide->factor;
    const urn__kernels *kernels = guide->target->kernels;
    const int64_t r = f->layout.rank, size = f->layout.size;
    double sum = 0.0, *t = f->vector;
    memset(t, 0, (size_t)r * sizeof *t);
    for (int64_t i = 0; i < size; i++) {
        const double *row = f->p + i * r;
        const double u = f->noise[i] + kernels->dot(r, row, f->noise + size);
        sum += u * u;
        kernels->axpy(r, u, row, t);
    }
    urn__tri_solve(r, 1, f->gram, false, t);
    return sum - kernels->dot(r, t, t);
}

const urn__guide_kind urn__guide_low_rank = {.name = "low-rank",
                                             .normal = true,
                                             .lay_out = lay_out,
                                             .start = start,
                                             .prepare = prepare,
                                             .entropy_gradient = entropy_gradient,
                                             .squares = squares};
