/* One update of all rows of a block: see gauss_rows.h. */
#include "gauss_parts.h"

#include <math.h>
#include <string.h>

/* Targets asked of the cache before their turn. */
#define AHEAD 32

/* What a run is, to all its tasks. */
typedef struct job {
    urn__gauss_rows *b;
    const urn__gauss_run *run;
    double scale;      /* of the sums: the weight, where there is one term with one weight */
    bool one_weight;   /* so it is */
    bool fast_squares; /* residuals' squares follow from the sums */
} job;

/* ---- sums over child rows ---- */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void gather_numbers(int64_t first, int64_t n, const int32_t *order, int64_t total,
                           const double *x, double *y)
{
    for (int64_t i = 0; i < n; i++) {
        if (first + i + AHEAD < total)
            __builtin_prefetch(x + order[first + i + AHEAD]);
        y[i] = x[order[first + i]];
    }
}

/* The targets of child rows [first, first + n), n <= URN__GAUSS_GATHER where they are not in order.
 */
static const double *targets_of(const job *j, int64_t k, int64_t first, int64_t n,
                                urn__gauss_scratch *s)
{
    const urn__gauss_children *c = &j->b->children[k];
    const double *target = j->run->terms[k].target;
    if (c->own_targets != NULL)
        return c->own_targets + first;
    if (c->order == NULL)
        return target + first;
    gather_numbers(first, n, c->order, c->n, target, s->target);
    return s->target;
}

/* Their weights; NULL where all are the scale. */
static const double *weights_of(const job *j, int64_t k, int64_t first, int64_t n,
                                urn__gauss_scratch *s)
{
    const urn__gauss_children *c = &j->b->children[k];
    const urn__gauss_term *term = &j->run->terms[k];
    if (j->one_weight)
        return NULL;
    if (term->weight_stride == 1 && c->order == NULL)
        return term->weight + first;
    if (term->weight_stride == 1)
        gather_numbers(first, n, c->order, c->n, term->weight, s->weight);
    else
        for (int64_t i = 0; i < n; i++)
            s->weight[i] = term->weight != NULL ? *term->weight : 1.0;
    return s->weight;
}

/* a_r of child row r. */
static void vector_of(const urn__gauss_rows *b, const urn__gauss_term *term, int64_t r, double *a)
{
    const double gain = term->gain != NULL ? term->gain[r] : 1.0;
    for (int k = 0; k < b->n_parts; k++) {
        const urn__gauss_coefficient *c = &term->coefficient[k];
        const double factor = gain * c->factor;
        const double *x = c->x != NULL ? c->x + (c->row != NULL ? c->row[r] : r) * c->stride : NULL;
        for (int64_t i = 0; i < b->dim[k]; i++)
            a[i] = x != NULL ? factor * x[i] : factor;
        a += b->dim[k];
    }
}

static int64_t child_row(const urn__gauss_children *c, int64_t i)
{
    return c->order != NULL ? c->order[i] : i;
}

/* Where the vectors of the child rows are: in place, or in scratch. */
static urn__gauss_vectors vectors_of(const job *j, int64_t k, int64_t first, int64_t n,
                                     urn__gauss_scratch *s)
{
    const urn__gauss_rows *b = j->b;
    const urn__gauss_children *c = &b->children[k];
    const urn__gauss_coefficient *a = &j->run->terms[k].coefficient[0];
    urn__gauss_vectors v = {.n = n, .d = b->d, .x = a->x, .stride = a->stride};
    if (c->table != NULL) {
        v.x = c->table;
        v.stride = b->padded;
        v.row = c->at + first;
        v.readable = c->n - first;
        return v;
    }
    if (c->one_part && a->x == NULL && b->d == 1) {
        v.x = &a->factor;
        v.stride = 0;
        return v;
    }
    if (c->one_part && a->x != NULL && a->factor == 1.0) {
        if (c->at != NULL) {
            v.row = c->at + first;
            v.readable = c->n - first;
        } else {
            v.x += first * a->stride;
        }
        return v;
    }
    for (int64_t i = 0; i < n; i++)
        vector_of(b, &j->run->terms[k], child_row(c, first + i), s->vectors + i * b->padded);
    v.x = s->vectors;
    v.stride = b->padded;
    return v;
}

/* May all child rows of a range be taken at once? */
static bool at_once(const job *j, int64_t k)
{
    const urn__gauss_children *c = &j->b->children[k];
    const urn__gauss_term *term = &j->run->terms[k];
    const urn__gauss_coefficient *a = &term->coefficient[0];
    const bool in_place =
        c->table != NULL || (c->one_part && (a->x == NULL ? j->b->d == 1 : a->factor == 1.0));
    return in_place && (c->own_targets != NULL || c->order == NULL) &&
           (j->one_weight || (term->weight_stride == 1 && c->order == NULL));
}

/* Sums over child rows [first, last) of term k; squares of targets go to *squares. */
static void sum_children(const job *j, int64_t k, int64_t first, int64_t last, bool add,
                         urn__gauss_scratch *s, double *sums, double *squares)
{
    const bool wanted = j->fast_squares && !j->b->children[k].fixed;
    const int64_t most = at_once(j, k) ? last - first : URN__GAUSS_GATHER;
    for (int64_t i = first; i < last; i += most, add = true) {
        const int64_t n = smaller(most, last - i);
        urn__gauss_vectors v = vectors_of(j, k, i, n, s);
        v.target = targets_of(j, k, i, n, s);
        v.weight = weights_of(j, k, i, n, s);
        j->b->gauss->sum(&v, add, s->pack, sums);
        if (wanted)
            *squares += j->b->kernels->dot(n, v.target, v.target);
    }
}

/* ---- squares of residuals ---- */

/* x^T S x - 2 x . (sum of t a). */
static double squares_from_sums(const urn__gauss_rows *b, const double *sums, const double *x)
{
    const int64_t d = b->d, p = b->padded;
    double total = 0.0;
    for (int64_t k = 0; k < d; k++) {
        const double *row = sums + k * p;
        const double beyond = b->kernels->dot(d - k - 1, row + k + 1, x + k + 1);
        total += x[k] * (row[k] * x[k] + 2.0 * beyond - 2.0 * sums[p * p + k]);
    }
    return total;
}

/* The same by its definition. */
static double squares_of_row(const job *j, int64_t k, int64_t row, const double *x,
                             urn__gauss_scratch *s)
{
    const urn__gauss_rows *b = j->b;
    const urn__gauss_children *c = &b->children[k];
    const urn__gauss_term *term = &j->run->terms[k];
    const int64_t last = urn__gauss_first(b, c, row + 1);
    double total = 0.0;
    for (int64_t i = urn__gauss_first(b, c, row); i < last; i++) {
        const int64_t r = child_row(c, i);
        vector_of(b, term, r, s->vectors);
        const double e = term->target[r] - b->kernels->dot(b->d, s->vectors, x);
        total += e * e;
    }
    return total;
}

static void add_squares(const job *j, int64_t row, const double *sums, const double *x,
                        urn__gauss_scratch *s, double *squares)
{
    if (j->fast_squares && sums != NULL)
        squares[0] += squares_from_sums(j->b, sums, x);
    for (int k = 0; k < j->b->n_terms && !j->fast_squares; k++)
        if (j->run->terms[k].squares != NULL)
            squares[k] += squares_of_row(j, k, row, x, s);
}

/* ---- solutions ---- */

/* The normals of rows [row, row + n), of a task up to row `end`. */
static const double *normals_of(const job *j, int64_t row, int64_t n, int64_t end,
                                urn__gauss_scratch *s)
{
    const urn__gauss_rows *b = j->b;
    const int64_t from = row * b->d, to = (row + n) * b->d, block = URN__NORMAL_BLOCK;
    if (j->run->stream == NULL)
        return NULL;
    if (from < s->z_from || to > s->z_to) {
        const int64_t last = (end * b->d + block - 1) / block * block;
        s->z_from = from / block * block;
        s->z_to = smaller(s->z_from + b->z_room / block * block, last);
        b->kernels->normals(j->run->stream, s->z_from, s->z_to - s->z_from, s->z);
    }
    return s->z + (from - s->z_from);
}

/* Adds row i's own prior: what is left to solve has the scale 1 and no prior. */
static void add_own_prior(const job *j, int64_t i, bool empty, double *sums)
{
    const urn__gauss_rows *b = j->b;
    const urn__gauss_prior *prior = &j->run->prior;
    const int64_t d = b->d, p = b->padded;
    const double *own = prior->precision + i * prior->precision_stride;
    if (empty)
        memset(sums, 0, (size_t)urn__gauss_sums_size(d) * sizeof *sums);
    for (int64_t k = 0; k < d; k++) {
        double *row = sums + k * p;
        for (int64_t m = k; m < d; m++)
            row[m] =
                j->scale * row[m] + (prior->diagonal ? (m == k ? own[k] : 0.0) : own[m * d + k]);
        sums[p * p + k] *= j->scale;
    }
}

static void note_bad_row(urn__gauss_rows *b, int64_t row)
{
    long long known = atomic_load(&b->bad_row);
    while (row < known && !atomic_compare_exchange_weak(&b->bad_row, &known, row)) {
    }
}

static void write_row(const job *j, int64_t row, const double *x)
{
    const urn__gauss_rows *b = j->b;
    for (int k = 0; k < b->n_parts; k++) {
        memcpy(j->run->value[k] + row * j->run->value_stride[k], x, (size_t)b->dim[k] * sizeof *x);
        x += b->dim[k];
    }
}

/* A large system by itself. */
static bool solve_large(const urn__gauss_systems *y, int64_t p)
{
    const int64_t d = y->d;
    double *l = y->work, *x = y->x;
    const double *sums = y->sums[0];
    for (int64_t k = 0, at = 0; k < d; k++) {
        for (int64_t i = k; i < d; i++, at++)
            l[i * d + k] = (sums != NULL ? y->scale * sums[k * p + i] : 0.0) +
                           (y->prior != NULL ? y->prior[at] : 0.0);
        x[k] = (sums != NULL ? y->scale * sums[p * p + k] : 0.0) +
               (y->shift != NULL ? y->shift[k] : 0.0);
    }
    if (!urn__cholesky(d, l, l))
        return false;
    urn__tri_solve(d, 1, l, false, x);
    for (int64_t k = 0; k < d && y->z != NULL; k++)
        x[k] += y->z[k];
    urn__tri_solve(d, 1, l, true, x);
    bool finite = true;
    for (int64_t k = 0; k < d; k++)
        finite = finite && isfinite(x[k]);
    return finite;
}

/* Rows [row, row + n), at most as many as lanes, whose sums are there (NULL: no child rows). */
static void solve_rows(const job *j, int64_t row, int64_t n, int64_t end, double *const *sums,
                       urn__gauss_scratch *s, double *squares)
{
    urn__gauss_rows *b = j->b;
    const urn__gauss_prior *prior = &j->run->prior;
    const bool own = prior->precision_stride != 0;
    urn__gauss_systems y = {
        .n = n, .d = b->d, .scale = own ? 1.0 : j->scale, .x = s->x, .work = s->work};
    y.z = normals_of(j, row, n, end, s);
    y.prior = own ? NULL : b->prior;
    y.shift = prior->shift != NULL ? prior->shift + row * prior->shift_stride : NULL;
    y.shift_stride = prior->shift_stride;
    for (int64_t l = 0; l < n; l++) {
        y.sums[l] = sums[l];
        if (own) {
            double *to = s->sums + l * urn__gauss_sums_size(b->d);
            add_own_prior(j, row + l, sums[l] == NULL, to);
            y.sums[l] = to;
        }
    }
    const uint32_t bad =
        b->d > URN__GAUSS_LARGE ? !solve_large(&y, b->padded) : b->gauss->solve(&y);
    for (int64_t l = 0; l < n; l++) {
        if (bad >> l & 1)
            note_bad_row(b, row + l);
        write_row(j, row + l, s->x + l * b->padded);
        add_squares(j, row + l, sums[l], s->x + l * b->padded, s, squares);
    }
}

/* ---- tasks ---- */

static void run_rows(const job *j, const urn__gauss_task *t, urn__gauss_scratch *s, double *squares)
{
    const urn__gauss_rows *b = j->b;
    const int64_t lanes = b->d > URN__GAUSS_LARGE ? 1 : b->gauss->lanes;
    for (int64_t row = t->from; row < t->to; row += lanes) {
        const int64_t n = smaller(lanes, t->to - row);
        double *sums[URN__GAUSS_LANES] = {NULL};
        for (int64_t l = 0; l < n; l++) {
            double *to = s->sums + l * urn__gauss_sums_size(b->d);
            for (int k = 0; k < b->n_terms; k++) {
                const int64_t first = urn__gauss_first(b, &b->children[k], row + l);
                const int64_t last = urn__gauss_first(b, &b->children[k], row + l + 1);
                if (first == last)
                    continue;
                sum_children(j, k, first, last, sums[l] != NULL, s, to, &squares[k]);
                sums[l] = to;
            }
        }
        solve_rows(j, row, n, t->to, sums, s, squares);
    }
}

/* Whoever sums the last piece of a row solves it. */
static void run_piece(const job *j, const urn__gauss_task *t, urn__gauss_scratch *s,
                      double *squares)
{
    urn__gauss_rows *b = j->b;
    urn__gauss_split *split = &b->splits[t->split];
    const int64_t size = urn__gauss_sums_size(b->d), d = b->d, p = b->padded;
    sum_children(j, t->term, t->first, t->last, false, s, b->pieces + t->piece * size,
                 &squares[t->term]);
    if (atomic_fetch_sub(&split->left, 1) != 1)
        return;
    double *sums = s->sums;
    memcpy(sums, b->pieces + split->first_piece * size, (size_t)size * sizeof *sums);
    for (int64_t i = 1; i < split->n_pieces; i++) {
        const double *piece = b->pieces + (split->first_piece + i) * size;
        for (int64_t k = 0; k < d; k++) {
            for (int64_t m = k; m < d; m++)
                sums[k * p + m] += piece[k * p + m];
            sums[p * p + k] += piece[p * p + k];
        }
    }
    /* the row's squares, as those of the pieces' targets, in a place that does not depend on who
     * came last */
    double *const one[1] = {sums};
    solve_rows(j, split->row, 1, split->row + 1, one, s,
               b->squares + (b->n_tasks + t->split) * b->n_terms);
}

static void work(void *context, int64_t chunk, int thread)
{
    const job *j = context;
    urn__gauss_rows *b = j->b;
    urn__gauss_scratch *s = &b->scratch[thread];
    s->z_from = s->z_to = 0;
    (void)chunk;
    for (;;) {
        const int64_t i = atomic_fetch_add(&b->next, 1);
        if (i >= b->n_tasks)
            return;
        const urn__gauss_task *t = &b->tasks[i];
        if (t->split >= 0)
            run_piece(j, t, s, b->squares + i * b->n_terms);
        else
            run_rows(j, t, s, b->squares + i * b->n_terms);
    }
}

/* The lower triangle of a shared prior by columns. */
static void pack_prior(urn__gauss_rows *b, const urn__gauss_prior *prior)
{
    const int64_t d = b->d;
    for (int64_t k = 0, at = 0; k < d; k++)
        for (int64_t i = k; i < d; i++, at++)
            b->prior[at] = !prior->diagonal ? prior->precision[i * d + k]
                                            : (i == k ? prior->precision[k] : 0.0);
}

enum { TABLE_ROWS = 1024 };

typedef struct table_job {
    const urn__gauss_rows *b;
    const urn__gauss_term *term;
    const urn__gauss_children *c;
} table_job;

static void fill_rows(void *context, int64_t chunk, int thread)
{
    const table_job *t = context;
    const int64_t last = smaller((chunk + 1) * TABLE_ROWS, t->c->n_table);
    (void)thread;
    for (int64_t r = chunk * TABLE_ROWS; r < last; r++) {
        double *to = t->c->table + r * t->b->padded;
        for (int k = 0; k < t->b->n_parts; k++) {
            const urn__gauss_coefficient *a = &t->term->coefficient[k];
            for (int64_t i = 0; i < t->b->dim[k]; i++)
                *to++ = a->x != NULL ? a->factor * a->x[r * a->stride + i] : a->factor;
        }
    }
}

static void fill_tables(const job *j, int threads)
{
    for (int k = 0; k < j->b->n_terms; k++) {
        const urn__gauss_children *c = &j->b->children[k];
        table_job t = {.b = j->b, .term = &j->run->terms[k], .c = c};
        if (c->table != NULL)
            urn__parallel(threads, (c->n_table + TABLE_ROWS - 1) / TABLE_ROWS, fill_rows, &t);
    }
}

static void start(job *j)
{
    urn__gauss_rows *b = j->b;
    const urn__gauss_run *run = j->run;
    j->one_weight = b->n_terms == 1 && run->terms[0].weight_stride == 0;
    j->scale = j->one_weight && run->terms[0].weight != NULL ? *run->terms[0].weight : 1.0;
    j->fast_squares =
        j->one_weight && run->prior.precision_stride == 0 && run->terms[0].squares != NULL;
    if (run->prior.precision_stride == 0)
        pack_prior(b, &run->prior);
    memset(b->squares, 0, (size_t)((b->n_tasks + b->n_splits) * b->n_terms) * sizeof *b->squares);
    for (int64_t i = 0; i < b->n_splits; i++)
        atomic_store(&b->splits[i].left, b->splits[i].n_pieces);
    atomic_store(&b->next, 0);
    atomic_store(&b->bad_row, INT64_MAX);
}

static void put_squares(const job *j)
{
    const urn__gauss_rows *b = j->b;
    for (int k = 0; k < b->n_terms; k++) {
        if (j->run->terms[k].squares == NULL)
            continue;
        double sum = j->fast_squares && b->children[k].fixed ? b->children[k].fixed_squares : 0.0;
        for (int64_t i = 0; i < b->n_tasks + b->n_splits; i++)
            sum += b->squares[i * b->n_terms + k];
        *j->run->terms[k].squares = fmax(sum, 0.0);
    }
}

urn_status urn__gauss_rows_run(urn__gauss_rows *b, const urn__gauss_run *run, urn_error *error)
{
    job j = {.b = b, .run = run};
    const int threads = (int)smaller(run->threads > 1 ? run->threads : 1, b->threads);
    start(&j);
    fill_tables(&j, threads);
    urn__parallel(threads, threads, work, &j);
    const int64_t bad = atomic_load(&b->bad_row);
    if (bad != INT64_MAX)
        return urn__gauss_fail(b, run, bad, error);
    put_squares(&j);
    return URN_OK;
}
