/* The kernel of factor_density. First pass: tasks of whole rows of U, their ratings in CSR order a
 * block at a time, small enough that the rows of V met for the mean are still in the first cache
 * when they are added to the partial of U. Second pass: tasks of whole rows of V. What a task is
 * depends on the data alone, and so do all sums. */
#include "factor_density.h"
#include "family_block.h"
#include <string.h>

#define TASK 4096        /* ratings and rows a task is made for */
#define MOST_TASKS 1024  /* beyond it tasks grow */
#define NEAR_BYTES 16384 /* rows of V a block meets, where all of V is not far */
#define FAR_BYTES 131072 /* where it is: the blocks' first rows come late */
#define FAR_FROM 524288  /* bytes of V from which on it is */
#define LEAST_BLOCK 32
#define MOST_BLOCK 512
#define RATINGS_A_ROW 24 /* of V, for each copy of its partial */
#define MOST_COPIES 8
#define COPY_ROWS 256
#define AT_ONCE 8         /* row numbers */
#define SQUARES_A_ROW 32  /* ratings of a row of U from which on one pass over them pays */
#define NEAR_PAIRS 524288 /* bytes that need not be asked of the cache ahead of time */

typedef struct factor_param {
    int input, number; /* of the call; of the family */
    bool a_row;        /* one a row; else one number */
    int out;           /* of the partial, -1: not wanted */
} factor_param;

typedef struct factor_job {
    const urn__call *call;
    const urn__factor_attr *a;
    int64_t n, n_u, n_v, d; /* ratings, rows of U and V, their length */
    int64_t block, tasks_u, tasks_v, copies;
    int n_params, n_sums; /* of the family but the producer; per task: density, one a parameter */
    factor_param param[URN_FAMILY_PARAMS];
    bool offset_a_row, sorted; /* ratings by row of U */
    bool by_block; /* a rating's weight is wanted while its block is at hand, and never again */
    bool squares;  /* nor that: a pass over squared residuals does everything */
    bool x_stored; /* the observations are read as they are stored, from x_first on */
    urn__cells x;
    int64_t x_first;
    int64_t thread_size; /* doubles of a thread's scratch */
    int out_u, out_v, out_offset;
    urn__family_runner runner;
    /* of the current run */
    urn_quadratic quadratic;
    double offset;     /* if all ratings share it */
    urn__real *weight; /* d log density / d mean, by rating; NULL: none, or by block */
    double *sums, *threads, *copy;
} factor_job;

_Static_assert(sizeof(factor_job) <= URN__FACTOR_STATE, "room for what is prepared");

/* ---- layout ---- */

static int64_t tasks_for(int64_t n, int64_t rows)
{
    const int64_t tasks = (n + rows) / TASK + 1;
    return tasks < MOST_TASKS ? tasks : MOST_TASKS;
}

static int64_t block_of(int64_t n_v, int64_t d)
{
    const int64_t row = (int64_t)sizeof(urn__real) * (d < 1 ? 1 : d);
    const int64_t fits = (n_v * row < FAR_FROM ? NEAR_BYTES : FAR_BYTES) / row;
    const int64_t block = fits / 16 * 16;
    return block < LEAST_BLOCK ? LEAST_BLOCK : block > MOST_BLOCK ? MOST_BLOCK : block;
}

/* Numbers of a cache line. */
enum { LINE = 64 / sizeof(urn__real) };

/* Copies of the partial of V, 0: it has a pass of its own, as short rows always do. Making and
 * adding a copy costs as much as a few ratings a row do. */
static int64_t copies_for(int64_t n, int64_t n_v, int64_t d)
{
    if (d < URN__FACTOR_LONG)
        return 0;
    const int64_t copies = n / (RATINGS_A_ROW * (n_v < 1 ? 1 : n_v));
    return copies < 2 ? 0 : copies < MOST_COPIES ? copies : MOST_COPIES;
}

/* Doubles that hold n numbers of this precision, whole cache lines. */
static int64_t doubles_for(int64_t n)
{
    const int64_t bytes = n * (int64_t)sizeof(urn__real);
    return (bytes + 63) / 64 * 8;
}

static int64_t family_scratch(const factor_job *job)
{
    return URN__REAL(family_block_scratch)(job->a->density.family, job->block, 1);
}

/* Is the log density quadratic in the mean, with parameters that all ratings share, and the rest of
 * what the one pass is written for? */
static bool is_squares(const factor_job *job)
{
    const urn__factor_attr *a = job->a;
    bool shared = true;
    for (int k = 0; k < job->n_params; k++)
        shared = shared && !job->param[k].a_row;
    return job->by_block && shared && job->n >= SQUARES_A_ROW * job->n_u &&
           a->density.family->quadratic != NULL && a->density.producer == 0 && !job->offset_a_row &&
           (a->link < 0 || a->link == URN__MAP_SIGMOID) && job->d <= URN__SQUARES_MOST_LINES * LINE;
}

/* Of a thread: mean, value, density, partial of the mean, link's slope, two of each parameter, the
 * family's own; and two lists of row numbers. */
static void lay_out(factor_job *job, const urn__factor_attr *a, const urn__shape *const *in,
                    bool sorted)
{
    *job = (factor_job){.a = a, .n = urn__shape_size(in[URN__FACTOR_X])};
    job->n_u = urn__shape_rows(in[URN__FACTOR_U]);
    job->n_v = urn__shape_rows(in[URN__FACTOR_V]);
    job->d = urn__shape_event(in[URN__FACTOR_U]);
    job->block = block_of(job->n_v, job->d);
    job->copies = a->wanted_u && a->wanted_v ? copies_for(job->n, job->n_v, job->d) : 0;
    job->tasks_u = job->copies > 0 ? job->copies : tasks_for(job->n, job->n_u);
    job->tasks_v = tasks_for(job->n, job->n_v);
    int out = 1;
    job->out_u = a->wanted_u ? out++ : -1;
    job->out_v = a->wanted_v ? out++ : -1;
    job->out_offset = a->wanted_offset ? out++ : -1;
    job->sorted = sorted;
    job->by_block = job->copies > 0 && sorted && !a->wanted_offset;
    if (a->has_offset)
        job->offset_a_row = in[URN__REAL(factor_offset_input)(a)]->n_plates > 0;
    for (int k = 0; k < a->density.n_given; k++) {
        if (a->density.given[k] == a->density.producer)
            continue;
        const int input = URN__REAL(factor_input)(a, k);
        job->param[job->n_params++] =
            (factor_param){.input = input,
                           .number = a->density.given[k],
                           .a_row = in[input]->n_plates > 0,
                           .out = URN__REAL(factor_wanted)(a, k) ? out++ : -1};
    }
    job->n_sums = 1 + job->n_params;
    job->squares = is_squares(job);
    job->thread_size = doubles_for(job->block) * (5 + 2 * job->n_params) +
                       (family_scratch(job) + 7) / 8 * 8 + job->block + AT_ONCE;
}

/* Doubles of a copy of the partial of V, whose rows are whole cache lines; for squared residuals
 * the row itself is before its sums. */
static int64_t copy_size(const factor_job *job)
{
    return job->n_v * doubles_for(job->d) * (job->squares ? 2 : 1);
}

/* Numbers of a row of whole cache lines, and those of them before the last line. */
static int64_t padded_row(const factor_job *job)
{
    return (job->d + LINE - 1) / LINE * LINE;
}

static int64_t whole_lines(const factor_job *job)
{
    return job->d > 0 ? padded_row(job) - LINE : 0;
}

/* Puts a row of numbers where scatter_both and squares_both have it: what does not fill a line is
 * at the end of the last one. */
static void lay_row(const factor_job *job, const urn__real *from, urn__real *to)
{
    const int64_t whole = whole_lines(job), rest = job->d - whole;
    memcpy(to, from, (size_t)whole * sizeof *to);
    memcpy(to + whole + LINE - rest, from + whole, (size_t)rest * sizeof *to);
}

/* Are the weights of all ratings kept between the passes, in scratch? */
static bool keeps_weights(const factor_job *job)
{
    return (job->out_u >= 0 || job->out_v >= 0) && job->out_offset < 0 && !job->by_block;
}

/* Those of mini-batches are another order each time, whatever the one at hand is. */
static bool in_order(const urn__index *ix)
{
    return ix->own != NULL && ix->sorted;
}

/* Before there is a call. Rows picked by a mini-batch come in no order. */
static factor_job job_of(const urn__graph *g, const urn__node *n)
{
    const urn__shape *in[URN__MAX_IN];
    const urn__index_attr *rows = urn__graph_node(g, n->in[URN__FACTOR_IU])->attr;
    factor_job job;
    for (int k = 0; k < n->n_in; k++)
        in[k] = urn__graph_shape(g, n->in[k]);
    lay_out(&job, n->attr, in, !rows->batch && in_order(rows->index));
    return job;
}

int64_t URN__REAL(factor_scratch)(const urn__graph *g, const urn__node *n, int threads)
{
    const factor_job job = job_of(g, n);
    return (keeps_weights(&job) ? doubles_for(job.n) : 0) + job.thread_size * threads +
           job.copies * copy_size(&job) + job.tasks_u * job.n_sums;
}

static bool has_second_pass(const factor_job *job)
{
    return job->out_v >= 0 && job->copies == 0;
}

unsigned URN__REAL(factor_by_target)(const urn__graph *g, const urn__node *n)
{
    const factor_job job = job_of(g, n);
    return 1U << URN__FACTOR_IU | (has_second_pass(&job) ? 1U << URN__FACTOR_IV : 0U);
}

unsigned URN__REAL(factor_by_row)(const urn__graph *g, const urn__node *n)
{
    const factor_job job = job_of(g, n);
    const bool all = has_second_pass(&job) || !job.sorted;
    return 1U << URN__FACTOR_IV | (all ? 1U << URN__FACTOR_IU : 0U);
}

void URN__REAL(factor_prepare)(const urn__call *c)
{
    factor_job *job = c->state;
    const urn__index *rows = c->index[URN__FACTOR_IU];
    lay_out(job, c->attr, c->in_shape, in_order(rows));
    if (c->column != NULL) {
        job->x_stored = true;
        job->x = urn__numbers_cells(c->column->numbers);
        job->x_first = c->column->first;
    }
    job->runner = URN__REAL(family_runner_of)(job->a->density.family, c->exec);
}

/* ---- the first pass ---- */

/* One thread's blocks: `urn__real` arrays of `block` numbers. */
typedef struct room {
    urn__real *mean, *x, *density, *d_mean, *slope, *value[URN_FAMILY_PARAMS];
    urn__real *partial[URN_FAMILY_PARAMS];
    double *family;
    int32_t *u, *v;
} room;

static urn__real *carve(double **at, int64_t n)
{
    double *here = *at;
    *at += doubles_for(n);
    return (urn__real *)(void *)here;
}

static room room_of(const factor_job *job, int thread)
{
    double *at = job->threads + thread * job->thread_size;
    room r = {.mean = carve(&at, job->block),
              .x = carve(&at, job->block),
              .density = carve(&at, job->block),
              .d_mean = carve(&at, job->block),
              .slope = carve(&at, job->block)};
    for (int k = 0; k < job->n_params; k++) {
        r.value[k] = carve(&at, job->block);
        r.partial[k] = carve(&at, job->block);
    }
    r.family = at;
    r.u = (int32_t *)(void *)(at + (family_scratch(job) + 7) / 8 * 8);
    r.v = r.u + job->block + AT_ONCE;
    return r;
}

/* First row t with start[t] + t at or after share `task` of all ratings and rows. */
static int64_t task_from(const int64_t *start, int64_t rows, int64_t task, int64_t tasks)
{
    const int64_t all = start[rows] + rows, goal = all / tasks * task + all % tasks * task / tasks;
    int64_t low = 0, high = rows;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (start[middle] + middle < goal)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Numbers order[0 .. n) of `from`, or the first n where there is no order. */
static const urn__real *pick(int64_t n, const int32_t *order, const urn__real *from, urn__real *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = from[order[i]];
    return to;
}

static void fill(int64_t n, urn__real value, urn__real *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = value;
}

/* Ratings at positions from .. from + n - 1 of U's CSR order. `order` is NULL where that is the
 * order of the rows. */
typedef struct stretch {
    const factor_job *job;
    const room *r;
    const urn__kernels_real *kernels;
    int64_t from, n;
    const int32_t *order; /* of the stretch */
    double *sums;         /* of the task */
    urn__real *copy;      /* of the task: partial of V; NULL without */
    const urn__real *x;   /* observations of the stretch, for squared residuals */
} stretch;

/* One number a rating of the stretch, from an input of one a row. */
static const urn__real *rows_of(const stretch *s, int input, urn__real *to)
{
    const urn__real *in = s->job->call->in[input];
    return s->order == NULL ? in + s->from : pick(s->n, s->order, in, to);
}

static const urn__real *observations(const stretch *s)
{
    const factor_job *job = s->job;
    if (!job->x_stored)
        return rows_of(s, URN__FACTOR_X, s->r->x);
    const int64_t first = job->x_first + (s->order == NULL ? s->from : 0);
    URN__REAL(cells_read)(job->x, first, s->n, s->order, s->r->x);
    return s->r->x;
}

/* Slope of the link, from its value y. */
static void link_slope(const stretch *s, urn__real *slope)
{
    const urn__real one = 1;
    const urn__real *y = s->r->mean;
    const urn__kernels_real *k = s->kernels;
    switch (s->job->a->link) {
    case URN__MAP_SIGMOID: /* y (1 - y) */
        k->map2[URN__MAP_SUB](s->n, &one, 0, y, 1, slope);
        k->map2[URN__MAP_MUL](s->n, slope, 1, y, 1, slope);
        break;
    case URN__MAP_TANH: /* 1 - y^2 */
        k->map1[URN__MAP_SQUARE](s->n, y, slope);
        k->map2[URN__MAP_SUB](s->n, &one, 0, slope, 1, slope);
        break;
    case URN__MAP_SOFTPLUS: /* 1 - exp(-y) */
        k->map1[URN__MAP_NEG](s->n, y, slope);
        k->map1[URN__MAP_EXPM1](s->n, slope, slope);
        k->map1[URN__MAP_NEG](s->n, slope, slope);
        break;
    default: /* exp: y */
        memcpy(slope, y, (size_t)s->n * sizeof *slope);
    }
}

/* Rows of U of ratings that are sorted by them. Most rows have few: some are written at once, and
 * the next row writes over what was too many. */
static const int32_t *rows_from_starts(const stretch *s)
{
    const int64_t *start = s->job->call->index[URN__FACTOR_IU]->start;
    int32_t *restrict u = s->r->u;
    int64_t low = 0, high = s->job->n_u - 1; /* the last one to start at `from` or before */
    while (low < high) {
        const int64_t middle = high - (high - low) / 2;
        if (start[middle] <= s->from)
            low = middle;
        else
            high = middle - 1;
    }
    for (int64_t i = 0; i < s->n; low++) {
        const int64_t end = start[low + 1] - s->from, to = end < s->n ? end : s->n;
        do
            for (int k = 0; k < AT_ONCE; k++)
                u[i + k] = (int32_t)low;
        while ((i += AT_ONCE) < to);
        i = to;
    }
    return u;
}

static void means(const stretch *s)
{
    const factor_job *job = s->job;
    const urn__call *c = job->call;
    const int32_t *u = c->index[URN__FACTOR_IU]->row, *v = c->index[URN__FACTOR_IV]->row;
    const urn__real *all_u = c->in[URN__FACTOR_U], *all_v = c->in[URN__FACTOR_V];
    if (s->order == NULL) {
        u = u == NULL ? rows_from_starts(s) : u + s->from;
        v += s->from;
    } else {
        for (int64_t i = 0; i < s->n; i++) {
            s->r->u[i] = u[s->order[i]];
            s->r->v[i] = v[s->order[i]];
        }
        u = s->r->u;
        v = s->r->v;
    }
    s->kernels->row_dot(0, s->n, job->d, all_u, u, job->d, all_v, v, job->d, s->r->mean);
    if (job->a->has_offset) {
        const int input = URN__REAL(factor_offset_input)(job->a);
        const urn__real *offset = job->offset_a_row ? rows_of(s, input, s->r->slope) : c->in[input];
        s->kernels->map2[URN__MAP_ADD](s->n, s->r->mean, 1, offset, job->offset_a_row, s->r->mean);
    }
    if (job->a->link >= 0) {
        s->kernels->map1[job->a->link](s->n, s->r->mean, s->r->mean);
        link_slope(s, s->r->slope);
    }
    const urn__real gain = (urn__real)job->a->gain, shift = (urn__real)job->a->shift;
    if (gain > 1 || gain < 1)
        s->kernels->map2[URN__MAP_MUL](s->n, s->r->mean, 1, &gain, 0, s->r->mean);
    if (shift > 0 || shift < 0)
        s->kernels->map2[URN__MAP_ADD](s->n, s->r->mean, 1, &shift, 0, s->r->mean);
}

/* From what the family gave for the mean to the weights of the stretch's ratings. */
static void settle_weights(const stretch *s, urn__real *d_mean)
{
    const factor_job *job = s->job;
    const urn__real factor = (urn__real)(job->a->density.weight * job->a->gain);
    if (job->a->link >= 0)
        s->kernels->map2[URN__MAP_MUL](s->n, d_mean, 1, s->r->slope, 1, d_mean);
    if (factor > 1 || factor < 1)
        s->kernels->map2[URN__MAP_MUL](s->n, d_mean, 1, &factor, 0, d_mean);
    for (int64_t i = 0; s->order != NULL && job->weight != NULL && i < s->n; i++)
        job->weight[s->order[i]] = d_mean[i];
}

static void settle_param(const stretch *s, int k)
{
    const factor_param *p = &s->job->param[k];
    const urn__real factor = (urn__real)s->job->a->density.weight;
    urn__real *d = s->r->partial[k];
    if (p->out < 0)
        return;
    if (!p->a_row) {
        s->sums[1 + k] += s->kernels->sum(s->n, d);
        return;
    }
    urn__real *out = s->job->call->out[p->out];
    for (int64_t i = 0; i < s->n; i++)
        out[s->order == NULL ? s->from + i : s->order[i]] = factor * d[i];
}

static void run_stretch(const stretch *s)
{
    const factor_job *job = s->job;
    const urn__density_attr *a = &job->a->density;
    const bool weights = job->weight != NULL || job->by_block;
    urn__real *d_mean = !weights                                  ? NULL
                        : job->weight == NULL || s->order != NULL ? s->r->d_mean
                                                                  : job->weight + s->from;
    means(s);
    urn__family_call call = {.n = s->n,
                             .dim = 1,
                             .event = 1,
                             .x = observations(s),
                             .x_stride = 1,
                             .log_density = s->r->density};
    call.param[a->producer] = s->r->mean;
    call.stride[a->producer] = 1;
    call.d_param[a->producer] = d_mean;
    for (int k = 0; k < job->n_params; k++) {
        const factor_param *p = &job->param[k];
        call.param[p->number] = p->a_row ? rows_of(s, p->input, s->r->value[k]) : s->r->value[k];
        call.stride[p->number] = 1;
        call.d_param[p->number] = p->out < 0 ? NULL : s->r->partial[k];
    }
    URN__REAL(family_block)(&job->runner, &call, s->r->family);
    s->sums[0] += s->kernels->sum(s->n, s->r->density);
    if (weights)
        settle_weights(s, d_mean);
    for (int k = 0; k < job->n_params; k++)
        settle_param(s, k);
}

/* What ratings of squared residuals add to the task's sums. */
static void add_squares(const stretch *s, int64_t n, double squares)
{
    const factor_job *job = s->job;
    const urn_quadratic *q = &job->quadratic;
    s->sums[0] += (double)n * q->constant - 0.5 * q->precision * squares;
    for (int k = 0; k < job->n_params; k++) {
        const int number = job->param[k].number;
        s->sums[1 + k] +=
            (double)n * q->d_constant[number] - 0.5 * q->d_precision[number] * squares;
    }
}

/* Rows 0 .. n - 1 of `own` and `out`, whose ratings are at start[t] .. start[t + 1] of the block at
 * hand. */
static void add_some(const stretch *s, int64_t n, const int64_t *start, const urn__real *own,
                     const urn__real *base, urn__real *out)
{
    const factor_job *job = s->job;
    const urn__call *c = job->call;
    const urn__factor_attr *a = job->a;
    const int32_t *ix = c->index[URN__FACTOR_IV]->row + s->from;
    const urn__squares mean = {.sigmoid = a->link >= 0,
                               .far = copy_size(job) * (int64_t)sizeof(double) > NEAR_PAIRS,
                               .offset = job->offset,
                               .gain = a->gain,
                               .shift = a->shift,
                               .weight = a->density.weight * job->quadratic.precision};
    if (!job->squares)
        s->kernels->scatter_both(0, n, job->d, start, NULL, s->r->d_mean, c->in[URN__FACTOR_V], ix,
                                 own, base, out, s->copy);
    else
        add_squares(s, start[n] - start[0],
                    s->kernels->squares_both(0, n, job->d, start, &mean, job->n - s->from, ix, s->x,
                                             own, base, out, s->copy));
}

/* add_rows with the ratings of the block at hand: positions count from its start. */
static void add_block(const stretch *s, int64_t from, int64_t to, const int64_t *start,
                      const urn__real *base, urn__real *out)
{
    enum { SOME = 64 };
    const int64_t d = s->job->d;
    const urn__real *own = (const urn__real *)s->job->call->in[URN__FACTOR_U] + from * d;
    int64_t within[SOME + 1];
    for (int64_t t = 0; t < to - from; t += SOME) {
        const int64_t n = to - from - t < SOME ? to - from - t : SOME;
        for (int64_t k = 0; k <= n; k++)
            within[k] = start[t + k] - s->from;
        add_some(s, n, within, own + t * d, base == NULL ? NULL : base + t * d, out + t * d);
    }
}

/* Adds weighted rows of V to rows from .. to - 1 of the partial of U; their ratings are those of
 * `start`, which is the whole list or the part of one row. */
static void add_rows(const stretch *s, int64_t from, int64_t to, const int64_t *start, bool first)
{
    const factor_job *job = s->job;
    const urn__call *c = job->call;
    const int64_t d = job->d;
    urn__real *out = (urn__real *)c->out[job->out_u] + from * d;
    const urn__real *base = out;
    if (first)
        base =
            job->a->base_u
                ? (const urn__real *)c->in[URN__REAL(factor_base_input)(job->a, false)] + from * d
                : NULL;
    const int32_t *order = s->order == NULL ? NULL : c->index[URN__FACTOR_IU]->order;
    const int32_t *other = c->index[URN__FACTOR_IV]->row;
    if (job->by_block)
        add_block(s, from, to, start, base, out);
    else if (s->copy != NULL)
        s->kernels->scatter_both(0, to - from, d, start, order, job->weight, c->in[URN__FACTOR_V],
                                 other, (const urn__real *)c->in[URN__FACTOR_U] + from * d, base,
                                 out, s->copy);
    else
        s->kernels->scatter_rows(0, to - from, d, start, order, job->weight, c->in[URN__FACTOR_V],
                                 other, base, out);
}

/* After ratings up to position `to` have their weights: the rows of U they belong to. *row is the
 * row reached, of which the ratings before `from` are there already. */
static void add_stretch(const stretch *s, int64_t from, int64_t to, int64_t end, int64_t *row)
{
    const int64_t *start = s->job->call->index[URN__FACTOR_IU]->start;
    int64_t t = *row;
    if (t < end && start[t] < from && from < start[t + 1]) {
        const int64_t last = start[t + 1] < to ? start[t + 1] : to;
        add_rows(s, t, t + 1, (int64_t[]){from, last}, false);
        t += last == start[t + 1];
    }
    const int64_t whole = t;
    while (t < end && start[t + 1] <= to)
        t++;
    if (t > whole)
        add_rows(s, whole, t, start + whole, true);
    if (t < end && start[t] < to && start[t] >= from)
        add_rows(s, t, t + 1, (int64_t[]){start[t], to}, true);
    *row = t;
}

/* Numbers that all ratings share are put where families read one a rating, once a task. */
static void fill_shared(const factor_job *job, const room *r)
{
    for (int k = 0; k < job->n_params; k++)
        if (!job->param[k].a_row)
            fill(job->block, *(const urn__real *)job->call->in[job->param[k].input], r->value[k]);
}

/* Empty sums, of a task. */
static urn__real *new_copy(const factor_job *job, int64_t task)
{
    double *copy = job->copy + task * copy_size(job);
    urn__real *row = (urn__real *)(void *)copy;
    memset(copy, 0, (size_t)copy_size(job) * sizeof *copy);
    for (int64_t i = 0; job->squares && i < job->n_v; i++, row += 2 * padded_row(job))
        lay_row(job, (const urn__real *)job->call->in[URN__FACTOR_V] + i * job->d, row);
    return (urn__real *)(void *)copy;
}

static void first_task(void *context, int64_t task, int thread)
{
    const factor_job *job = context;
    const urn__index *iu = job->call->index[URN__FACTOR_IU];
    const int64_t first = task_from(iu->start, job->n_u, task, job->tasks_u);
    const int64_t end = task_from(iu->start, job->n_u, task + 1, job->tasks_u);
    const room r = room_of(job, thread);
    fill_shared(job, &r);
    stretch s = {.job = job,
                 .r = &r,
                 .kernels = urn__exec_kernels(job->call->exec),
                 .sums = job->sums + task * job->n_sums};
    memset(s.sums, 0, (size_t)job->n_sums * sizeof *s.sums);
    if (job->copies > 0)
        s.copy = new_copy(job, task);
    int64_t row = first, from = iu->start[first];
    for (; from < iu->start[end]; from += s.n) {
        s.from = from;
        s.n = iu->start[end] - from < job->block ? iu->start[end] - from : job->block;
        s.order = iu->sorted ? NULL : iu->order + from;
        if (job->squares)
            s.x = observations(&s);
        else
            run_stretch(&s);
        if (job->out_u >= 0)
            add_stretch(&s, from, from + s.n, end, &row);
    }
    if (job->out_u >= 0 && row < end) /* rows without ratings */
        add_rows(&s, row, end, iu->start + row, true);
}

/* ---- the second pass ---- */

static void second_task(void *context, int64_t task, int thread)
{
    (void)thread;
    const factor_job *job = context;
    const urn__call *c = job->call;
    const urn__index *iv = c->index[URN__FACTOR_IV];
    const int64_t first = task_from(iv->start, job->n_v, task, job->tasks_v);
    const int64_t end = task_from(iv->start, job->n_v, task + 1, job->tasks_v);
    const urn__real *base =
        job->a->base_v ? c->in[URN__REAL(factor_base_input)(job->a, true)] : NULL;
    urn__exec_kernels(c->exec)->scatter_rows(
        first, end, job->d, iv->start, iv->sorted ? NULL : iv->order, job->weight,
        c->in[URN__FACTOR_U], c->index[URN__FACTOR_IU]->row, base, c->out[job->out_v]);
}

/* Or: the copies, added in the order of the tasks. */
static void add_copies(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const factor_job *job = context;
    const urn__call *c = job->call;
    const int64_t d = job->d, whole = whole_lines(job), shift = padded_row(job) - d;
    const int64_t end = (chunk + 1) * COPY_ROWS < job->n_v ? (chunk + 1) * COPY_ROWS : job->n_v;
    const int64_t pitch = copy_size(job) / job->n_v;
    const urn__real *base =
        job->a->base_v ? c->in[URN__REAL(factor_base_input)(job->a, true)] : NULL;
    for (int64_t row = chunk * COPY_ROWS; row < end; row++) {
        urn__real *restrict out = (urn__real *)c->out[job->out_v] + row * d;
        for (int64_t k = 0; k < d; k++)
            out[k] = base == NULL ? 0 : base[row * d + k];
        for (int64_t i = 0; i < job->copies; i++) {
            const double *copy = job->copy + i * copy_size(job) + row * pitch;
            const urn__real *from = (const urn__real *)(const void *)copy;
            from += job->squares ? padded_row(job) : 0;
            for (int64_t k = 0; k < whole; k++)
                out[k] += from[k];
            from += shift;
            for (int64_t k = whole; k < d; k++)
                out[k] += from[k];
        }
    }
}

/* ---- the node ---- */

/* Sums of the tasks in their order. */
static void collect(const factor_job *job)
{
    const double weight = job->a->density.weight;
    for (int k = 0; k < job->n_sums; k++) {
        const int out_of = k == 0 ? 0 : job->param[k - 1].out;
        double sum = 0.0;
        for (int64_t task = 0; task < job->tasks_u; task++)
            sum += job->sums[task * job->n_sums + k];
        if (out_of < 0 || (k > 0 && job->param[k - 1].a_row))
            continue;
        if (k == 0)
            *(double *)job->call->out[0] = weight * sum; /* wide */
        else
            *(urn__real *)job->call->out[out_of] = (urn__real)(weight * sum);
    }
}

/* At the parameters' current values. */
static void find_quadratic(factor_job *job)
{
    double param[URN_FAMILY_PARAMS] = {0};
    for (int k = 0; k < job->n_params; k++)
        param[job->param[k].number] =
            (double)*(const urn__real *)job->call->in[job->param[k].input];
    if (job->a->has_offset)
        job->offset =
            (double)*(const urn__real *)job->call->in[URN__REAL(factor_offset_input)(job->a)];
    job->quadratic = (urn_quadratic){0};
    job->a->density.family->quadratic(param, &job->quadratic);
}

void URN__REAL(factor_run)(const urn__call *c)
{
    factor_job *job = c->state;
    job->call = c;
    double *at = c->exec->scratch;
    job->weight = job->out_offset >= 0 ? c->out[job->out_offset]
                  : keeps_weights(job) ? carve(&at, job->n)
                                       : NULL;
    job->copy = at;
    job->threads = job->copy + job->copies * copy_size(job);
    job->sums = job->threads + job->thread_size * c->exec->threads;
    if (job->squares)
        find_quadratic(job);
    urn__parallel(c->exec->threads, job->tasks_u, first_task, job);
    if (job->copies > 0)
        urn__parallel(c->exec->threads, (job->n_v + COPY_ROWS - 1) / COPY_ROWS, add_copies, job);
    else if (has_second_pass(job))
        urn__parallel(c->exec->threads, job->tasks_v, second_task, job);
    collect(job);
}
