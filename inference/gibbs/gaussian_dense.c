/* Children of a Gaussian block that gauss_rows does not read as they are: vectors around x itself,
 * which come down to counts and sums, and whatever else is affine, by evaluation. */
#include "gaussian.h"
#include <string.h>

/* ---- vectors ---- */

enum { CHUNK = 2048, ROWS_PER_TASK = 64 };

typedef struct vector_job {
    const urn__gibbs_block *b;
    urn__gauss_child *c;
    const double *target, *mask, *gain;
    double *partial; /* rows == 1: a chunk's sums, then its count */
} vector_job;

static void add_vector_row(const vector_job *job, int64_t r, double *sums, double *count)
{
    const urn__gauss_child *c = job->c;
    if (job->mask != NULL && job->mask[r / c->per_mask] == 0.0)
        return;
    const double a = c->product[0].factor * (job->gain != NULL ? job->gain[r] : 1.0);
    const double *t = job->target + r * c->dim;
    for (int64_t k = 0; k < c->dim; k++)
        sums[k] += a * t[k];
    *count += a * a;
}

static void sum_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const vector_job *job = context;
    const int64_t d = job->c->dim, from = chunk * CHUNK;
    const int64_t to = from + CHUNK < job->c->n ? from + CHUNK : job->c->n;
    double *sums = job->partial + chunk * (d + 1);
    memset(sums, 0, (size_t)(d + 1) * sizeof *sums);
    for (int64_t r = from; r < to; r++)
        add_vector_row(job, r, sums, sums + d);
}

static void sum_rows(void *context, int64_t task, int thread)
{
    (void)thread;
    const vector_job *job = context;
    const urn__gauss_child *c = job->c;
    const urn__gauss_block *own = job->b->own;
    const urn__index *ix = c->product[0].index;
    const int64_t last =
        (task + 1) * ROWS_PER_TASK < own->rows ? (task + 1) * ROWS_PER_TASK : own->rows;
    for (int64_t row = task * ROWS_PER_TASK; row < last; row++) {
        double *sums = c->sums + row * c->dim, count = 0.0;
        const int64_t per = c->n / own->rows;
        const int64_t first = ix != NULL ? ix->start[row] : row * per;
        const int64_t end = ix != NULL ? ix->start[row + 1] : first + per;
        memset(sums, 0, (size_t)c->dim * sizeof *sums);
        for (int64_t k = first; k < end; k++)
            add_vector_row(job, ix != NULL && ix->order != NULL ? ix->order[k] : k, sums, &count);
        c->counts[row] = count;
    }
}

static int64_t chunks_of(const urn__gauss_child *c)
{
    return (c->n + CHUNK - 1) / CHUNK;
}

urn_status urn__gauss_open_vector(urn__gibbs_block *b, urn__gauss_child *c, urn_error *error)
{
    const urn__gauss_block *own = b->own;
    const size_t d = (size_t)c->dim;
    const size_t partial = own->rows == 1 ? (size_t)chunks_of(c) * (d + 1) : 0;
    c->counts = urn__arena_alloc(b->arena, (size_t)own->rows + 1, sizeof(double));
    c->sums = urn__arena_alloc(b->arena, (size_t)own->rows * d + partial + 1, sizeof(double));
    c->matrix = urn__arena_alloc(b->arena, 2 * d * d, sizeof(double));
    return urn__arena_failed(b->arena)
               ? urn__fail_memory(error, "sums of rows", (size_t)own->rows * d * sizeof(double))
               : URN_OK;
}

static void sum_all(vector_job *job)
{
    urn__gauss_child *c = job->c;
    const int64_t d = c->dim, n = chunks_of(c);
    job->partial = c->sums + d;
    urn__parallel(job->b->g->threads, n, sum_chunk, job);
    memset(c->sums, 0, (size_t)d * sizeof *c->sums);
    c->counts[0] = 0.0;
    for (int64_t k = 0; k < n; k++) {
        for (int64_t i = 0; i < d; i++)
            c->sums[i] += job->partial[k * (d + 1) + i];
        c->counts[0] += job->partial[k * (d + 1) + d];
    }
}

static void add_to_prior(void *context, int64_t task, int thread)
{
    (void)thread;
    const vector_job *job = context;
    const urn__gauss_child *c = job->c;
    urn__gauss_block *own = job->b->own;
    const int64_t d = own->d;
    const int64_t last =
        (task + 1) * ROWS_PER_TASK < own->rows ? (task + 1) * ROWS_PER_TASK : own->rows;
    for (int64_t row = task * ROWS_PER_TASK; row < last; row++) {
        double *p = own->precision + row * own->precision_stride;
        double *h = own->shift + row * own->shift_stride;
        for (int64_t i = 0; i < d; i++) {
            double sum = 0.0;
            for (int64_t k = 0; k < d; k++)
                sum += c->matrix[i * d + k] * c->sums[row * d + k];
            h[i] += sum;
        }
        for (int64_t i = 0; i < d * d; i++)
            p[i] += c->counts[row] * c->matrix[i];
    }
}

void urn__gauss_add_vector(urn__gibbs_block *b, urn__gauss_child *c)
{
    const urn__gauss_block *own = b->own;
    const int64_t d = own->d, tasks = (own->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    vector_job job = {.b = b,
                      .c = c,
                      .target = urn__block_got(b, c->target),
                      .mask = urn__block_got(b, c->mask),
                      .gain = urn__block_got(b, c->product[0].gain)};
    if (c->precision >= 0)
        memcpy(c->matrix, urn__block_got(b, c->precision), (size_t)(d * d) * sizeof(double));
    else
        urn__gauss_precision_of(d, urn__block_got(b, c->tril), c->by_precision, c->matrix + d * d,
                                c->matrix);
    if (own->rows == 1)
        sum_all(&job);
    else
        urn__parallel(b->g->threads, tasks, sum_rows, &job);
    urn__parallel(b->g->threads, tasks, add_to_prior, &job);
}

/* ---- anything affine ---- */

static urn__id residual_node(const urn__gibbs_block *b, const urn__gauss_child *c)
{
    const urn__site *s = &b->g->m->site[c->site];
    const urn__node_site *at = &b->g->nodes->site[c->site];
    urn__id loc = 0;
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->family->params[s->given[k]].word, "loc") == 0)
            loc = at->param[k];
    const urn__id e = urn__emit2(b->g->nodes->graph, &urn__op_sub, at->value, loc);
    return urn__broadcast(b->g->nodes->graph, e, &s->shape);
}

/* The index of the child's single numbers, of which a row has dim. */
static urn_status spread_index(urn__gibbs_block *b, urn__gauss_child *c, urn_error *error)
{
    const urn__gauss_block *own = b->own;
    const urn__index *ix = c->product[0].index;
    const int64_t n = c->n * c->dim;
    if (ix == NULL || c->dim == 1)
        return URN_OK;
    int32_t *row = urn__arena_alloc(b->arena, (size_t)n + 1, sizeof *row);
    for (int64_t i = 0; row != NULL && i < n; i++)
        row[i] = ix->row[i / c->dim];
    urn__index *spread =
        row == NULL ? NULL : urn__index_new(urn__arena_allocator(b->arena), n, own->rows, row);
    if (spread == NULL || !urn__arena_keep(b->arena, spread, (void (*)(void *))urn__index_free) ||
        !urn__index_need(spread))
        return urn__fail_memory(error, "an index of rows", (size_t)n);
    c->product[0].index = spread;
    return URN_OK;
}

urn_status urn__gauss_open_general(urn__gibbs_block *b, urn__gauss_child *c, urn_error *error)
{
    const urn__gauss_block *own = b->own;
    const size_t n = (size_t)(c->n * c->dim);
    const urn__id root = residual_node(b, c);
    URN_TRY(spread_index(b, c, error));
    URN_TRY(
        urn__evaluation_new(b->g->nodes, 1, &root, true, b->g->most_threads, &c->residual, error));
    urn__gibbs_bind(b->g, c->residual);
    c->probe = urn__arena_alloc(b->arena, (size_t)(own->rows * own->d) + 1, sizeof *c->probe);
    c->coefficients = urn__arena_alloc(b->arena, n * (size_t)own->d + 1, sizeof(double));
    c->own_target = urn__arena_alloc(b->arena, n + 1, sizeof(double));
    c->own_weight = urn__arena_alloc(b->arena, n + 1, sizeof(double));
    if (urn__arena_failed(b->arena))
        return urn__fail_memory(error, "coefficients", n * (size_t)own->d * sizeof(double));
    urn__evaluation_bind(c->residual, b->site[0], c->probe);
    return URN_OK;
}

/* t -> T t, with T^T T the precision of one row: its numbers become independent, of weight 1. */
static void whiten(const urn__gauss_child *c, const double *tril, int64_t columns, double *t)
{
    const int64_t m = c->dim;
    if (!c->by_precision) {
        urn__tri_solve(m, columns, tril, false, t);
        return;
    }
    for (int64_t k = 0; k < columns; k++) /* L^T t, in place from the first row on */
        for (int64_t i = 0; i < m; i++) {
            double sum = 0.0;
            for (int64_t j = i; j < m; j++)
                sum += tril[j * m + i] * t[j * columns + k];
            t[i * columns + k] = sum;
        }
}

typedef struct general_job {
    const urn__gibbs_block *b;
    const urn__gauss_child *c;
} general_job;

static void whiten_rows(void *context, int64_t task, int thread)
{
    (void)thread;
    const general_job *job = context;
    const urn__gauss_child *c = job->c;
    const urn__gauss_block *own = job->b->own;
    const double *tril = urn__block_got(job->b, c->tril);
    const double *weight = urn__block_got(job->b, c->weight);
    const double *mask = urn__block_got(job->b, c->mask);
    const int64_t m = c->dim;
    const int64_t last = (task + 1) * ROWS_PER_TASK < c->n ? (task + 1) * ROWS_PER_TASK : c->n;
    for (int64_t r = task * ROWS_PER_TASK; r < last; r++) {
        const bool masked = mask != NULL && mask[r / c->per_mask] == 0.0;
        if (tril != NULL && !masked) {
            whiten(c, tril + r * c->tril_stride, own->d, c->coefficients + r * m * own->d);
            whiten(c, tril + r * c->tril_stride, 1, c->own_target + r * m);
        }
        for (int64_t i = r * m; i < (r + 1) * m; i++) {
            c->own_weight[i] = masked ? 0.0 : weight != NULL ? weight[r * c->weight_stride] : 1.0;
            for (int64_t k = 0; masked && k < own->d; k++)
                c->coefficients[i * own->d + k] = 0.0;
            if (masked)
                c->own_target[i] = 0.0;
        }
    }
}

void urn__gauss_evaluate_general(urn__gibbs_block *b, urn__gauss_child *c)
{
    const urn__gauss_block *own = b->own;
    const int64_t n = c->n * c->dim, d = own->d, size = own->rows * d;
    general_job job = {.b = b, .c = c};
    urn__evaluation_threads(c->residual, b->g->threads);
    memset(c->probe, 0, (size_t)size * sizeof *c->probe);
    urn__evaluation_run(c->residual);
    memcpy(c->own_target, urn__evaluation_root(c->residual, 0), (size_t)n * sizeof(double));
    for (int64_t k = 0; k < d; k++) {
        for (int64_t r = 0; r < own->rows; r++)
            c->probe[r * d + k] = 1.0;
        urn__evaluation_run(c->residual);
        const double *e = urn__evaluation_root(c->residual, 0);
        for (int64_t i = 0; i < n; i++)
            c->coefficients[i * d + k] = c->own_target[i] - e[i];
        for (int64_t r = 0; r < own->rows; r++)
            c->probe[r * d + k] = 0.0;
    }
    urn__parallel(b->g->threads, (c->n + ROWS_PER_TASK - 1) / ROWS_PER_TASK, whiten_rows, &job);
}
