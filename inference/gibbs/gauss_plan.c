/* The tasks of a block of Gaussian rows: ranges of rows of about equal work, heaviest first, so
 * that threads that take the next one when they are done finish together. A row with a large share
 * of all child rows is split into pieces. All of it follows from the data, not from the threads. */
#include "gauss_parts.h"

#include <stdlib.h>

/* Work is shared by tasks of about 1 / SHARES of all of it, none of less than LEAST cycles. */
#define SHARES 128
#define LEAST 20000.0
/* Pieces of a split row have this many child rows at least. */
#define PIECE 4096
#define PIECE_SHARES 64

/* Cycles of a child row and of a row's solution, roughly; what counts is how one is to the other.
 */
static double cost_of_child(int64_t d)
{
    return 10.0 + (double)(d * (d + 3)) / 16.0;
}

static double cost_of_row(int64_t d)
{
    const double x = (double)d;
    return 50.0 + 10.0 * x + x * x * (x + 6.0) / 40.0;
}

static int64_t children_of(const urn__gauss_rows *b, int64_t row)
{
    int64_t n = 0;
    for (int k = 0; k < b->n_terms; k++)
        n += urn__gauss_first(b, &b->children[k], row + 1) -
             urn__gauss_first(b, &b->children[k], row);
    return n;
}

static int64_t pieces_of(int64_t n, int64_t piece)
{
    return (n + piece - 1) / piece;
}

typedef struct planner {
    urn__gauss_rows *b;
    int64_t piece;
    double share;
    bool count_only; /* first how many there are, then the tasks themselves */
} planner;

static void put_task(planner *p, urn__gauss_task task)
{
    if (!p->count_only)
        p->b->tasks[p->b->n_tasks] = task;
    p->b->n_tasks++;
}

static void split_row(planner *p, int64_t row)
{
    urn__gauss_rows *b = p->b;
    const int64_t first_piece = b->n_pieces;
    for (int k = 0; k < b->n_terms; k++) {
        const int64_t first = urn__gauss_first(b, &b->children[k], row);
        const int64_t n = urn__gauss_first(b, &b->children[k], row + 1) - first;
        const int64_t parts = pieces_of(n, p->piece);
        for (int64_t i = 0; i < parts; i++) {
            const int64_t from = first + n * i / parts, to = first + n * (i + 1) / parts;
            put_task(p, (urn__gauss_task){.from = row,
                                          .to = row + 1,
                                          .split = b->n_splits,
                                          .piece = b->n_pieces++,
                                          .term = k,
                                          .first = from,
                                          .last = to,
                                          .cost = (double)(to - from) * cost_of_child(b->d)});
        }
    }
    if (!p->count_only) {
        urn__gauss_split *s = &b->splits[b->n_splits];
        s->row = row;
        s->first_piece = first_piece;
        s->n_pieces = b->n_pieces - first_piece;
    }
    b->n_splits++;
}

static void put_rows(planner *p, int64_t from, int64_t to, double cost)
{
    if (from < to)
        put_task(p, (urn__gauss_task){.from = from, .to = to, .split = -1, .cost = cost});
}

static void walk(planner *p)
{
    urn__gauss_rows *b = p->b;
    const double child = cost_of_child(b->d), row_cost = cost_of_row(b->d);
    b->n_tasks = b->n_splits = b->n_pieces = 0;
    int64_t from = 0;
    double cost = 0.0;
    for (int64_t row = 0; row < b->n_rows; row++) {
        const int64_t n = children_of(b, row);
        if (n > 2 * p->piece) {
            put_rows(p, from, row, cost);
            split_row(p, row);
            from = row + 1;
            cost = 0.0;
            continue;
        }
        cost += row_cost + (double)n * child;
        if (cost >= p->share) {
            put_rows(p, from, row + 1, cost);
            from = row + 1;
            cost = 0.0;
        }
    }
    put_rows(p, from, b->n_rows, cost);
}

static int heavier(const void *a, const void *b)
{
    const urn__gauss_task *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? 1 : -1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->piece < y->piece ? -1 : x->piece > y->piece;
}

urn_status urn__gauss_plan(urn__gauss_rows *b, urn_error *error)
{
    int64_t children = 0;
    for (int k = 0; k < b->n_terms; k++)
        children += b->children[k].n;
    const double all =
        (double)children * cost_of_child(b->d) + (double)b->n_rows * cost_of_row(b->d);
    planner p = {.b = b, .count_only = true};
    p.piece = pieces_of(children, PIECE_SHARES) > PIECE ? pieces_of(children, PIECE_SHARES) : PIECE;
    p.share = all / SHARES > LEAST ? all / SHARES : LEAST;
    walk(&p);
    const size_t sums = (size_t)(b->n_pieces * urn__gauss_sums_size(b->d)) * sizeof(double);
    b->tasks = urn__calloc(b->allocator, (size_t)b->n_tasks + 1, sizeof *b->tasks);
    b->splits = urn__calloc(b->allocator, (size_t)b->n_splits + 1, sizeof *b->splits);
    b->pieces = urn__alloc(b->allocator, sums + 64);
    b->squares = urn__calloc(b->allocator, (size_t)((b->n_tasks + b->n_splits) * b->n_terms) + 1,
                             sizeof *b->squares);
    if (b->tasks == NULL || b->splits == NULL || b->pieces == NULL || b->squares == NULL)
        return urn__fail_memory(error, "the tasks of a Gaussian block", sums);
    p.count_only = false;
    walk(&p);
    qsort(b->tasks, (size_t)b->n_tasks, sizeof *b->tasks, heavier);
    return URN_OK;
}
