/* The kernel of factor_density. First pass: tasks of whole rows of U, their ratings in CSR order a
 * block at a time, small enough that the rows of V met for the mean are still in the first cache
 * when they are added to the partial of U. Second pass: tasks of whole rows of V. What a task is
 * depends on the data alone, and so do all sums. */
#include "factor_job.h"
#include <string.h>

#define COPY_ROWS 256
#define SUMS_AHEAD 4      /* rows of copies that are asked of the cache */
#define NEAR_PAIRS 524288 /* bytes that need not be asked of the cache ahead of time */

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
    r.v = r.u + job->block + URN__ROWS_AT_ONCE;
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
            for (int k = 0; k < URN__ROWS_AT_ONCE; k++)
                u[i + k] = (int32_t)low;
        while ((i += URN__ROWS_AT_ONCE) < to);
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
    if (n == 0) /* times a constant that may be infinite */
        return;
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
    const int32_t *ix = c->index[URN__FACTOR_IV]->row + s->from;
    if (!job->squares)
        s->kernels->scatter_both(0, n, job->d, start, NULL, s->r->d_mean, c->in[URN__FACTOR_V], ix,
                                 own, base, out, s->copy);
    else
        add_squares(s, start[n] - start[0],
                    s->kernels->squares_both(0, n, job->d, start, &job->mean, job->n - s->from, ix,
                                             s->x, own, base, out, s->copy));
}

/* add_rows with the ratings of the block at hand: positions count from its start. */
static void add_block(const stretch *s, int64_t from, int64_t to, const int64_t *start,
                      const urn__real *base, urn__real *out)
{
    enum { SOME = 256 };
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

/* Puts a row where squares_both has it, and empty sums behind it. */
static void lay_row(const factor_job *job, const urn__real *from, urn__real *to)
{
    enum { BYTES = LINE * sizeof *to }; /* copies of a known size are no calls */
    const int64_t whole = whole_lines(job), rest = job->d - whole;
    for (int64_t k = 0; k < whole; k += LINE)
        memcpy(to + k, from + k, BYTES);
    memcpy(to + whole, from + job->d - LINE, BYTES);
    for (int64_t k = 0; k < LINE - rest; k++)
        to[whole + k] = 0;
    for (int64_t k = whole + LINE; k < 2 * (whole + LINE); k += LINE)
        memset(to + k, 0, BYTES);
}

/* A task's sums for V, which are 0; for squared residuals with the rows of V before them. */
static urn__real *new_copy(const factor_job *job, int64_t task)
{
    const urn__real *v = job->call->in[URN__FACTOR_V];
    double *copy = job->copy + task * copy_size(job);
    urn__real *rows = (urn__real *)(void *)copy;
    if (!job->squares)
        memset(copy, 0, (size_t)copy_size(job) * sizeof *copy);
    for (int64_t i = 0; job->squares && i < job->n_v; i++)
        lay_row(job, v + i * job->d, rows + i * 2 * padded_row(job));
    return rows;
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

/* The sums of a row of V in copy i. */
static const urn__real *sums_of(const factor_job *job, int64_t i, int64_t row)
{
    const double *copy = job->copy + i * copy_size(job) + row * copy_pitch(job);
    return (const urn__real *)(const void *)copy + (job->squares ? padded_row(job) : 0);
}

/* The copies of a row lie apart from each other, and what is between them is not read. */
static void ask_for_sums(const factor_job *job, int64_t row)
{
    for (int64_t i = 0; row < job->n_v && i < job->copies; i++)
        for (int64_t k = 0; k < padded_row(job); k += LINE)
            __builtin_prefetch(sums_of(job, i, row) + k);
}

/* Or: the copies, added in the order of the tasks. */
static void add_copies(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const factor_job *job = context;
    const urn__call *c = job->call;
    const int64_t d = job->d, whole = whole_lines(job), shift = padded_row(job) - d;
    const int64_t end = (chunk + 1) * COPY_ROWS < job->n_v ? (chunk + 1) * COPY_ROWS : job->n_v;
    const urn__real *base =
        job->a->base_v ? c->in[URN__REAL(factor_base_input)(job->a, true)] : NULL;
    for (int64_t row = chunk * COPY_ROWS; row < end; row++) {
        urn__real *restrict out = (urn__real *)c->out[job->out_v] + row * d;
        ask_for_sums(job, row + SUMS_AHEAD);
        for (int64_t k = 0; k < d; k++)
            out[k] = base == NULL ? 0 : base[row * d + k];
        for (int64_t i = 0; i < job->copies; i++) {
            const urn__real *from = sums_of(job, i, row);
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

static double number_in(const factor_job *job, int input)
{
    return (double)*(const urn__real *)job->call->in[input];
}

/* The quadratic form and the means at the parameters' current values. */
static void find_quadratic(factor_job *job)
{
    const urn__factor_attr *a = job->a;
    double param[URN_FAMILY_PARAMS] = {0};
    for (int k = 0; k < job->n_params; k++)
        param[job->param[k].number] = number_in(job, job->param[k].input);
    job->quadratic = (urn_quadratic){0};
    a->density.family->quadratic(param, &job->quadratic);
    job->mean = (urn__squares){
        .sigmoid = a->link >= 0,
        .far = copy_size(job) * (int64_t)sizeof(double) > NEAR_PAIRS,
        .offset = a->has_offset ? number_in(job, URN__REAL(factor_offset_input)(a)) : 0.0,
        .gain = a->gain,
        .shift = a->shift,
        .weight = a->density.weight * job->quadratic.precision};
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
