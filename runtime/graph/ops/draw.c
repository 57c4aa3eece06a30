/* Draws from a family, its centre, mean or cdf: programs that simulate and predict are made of
 * these. Random numbers are addressed by (seed, chain, site, step) and row. Families draw in
 * double; in single, rows are converted a chunk at a time. */
#include "../family_single.h"
#include "convert.h"
#include <math.h>
#include <string.h>

#define ROWS 256 /* rows a chunk */

typedef struct draw_arg {
    const urn__real *in;
    int64_t event, stride, buffer_at;
    urn__walk walk;
    bool spread;
} draw_arg;

typedef struct draw_job {
    const urn__call *call;
    const urn__draw_attr *a;
    draw_arg arg[URN_FAMILY_PARAMS];
    int64_t rows, thread_size, family_at, out_at, value_at;
    const urn__real *value; /* cdf: at this value; known rows: these */
    urn__stream stream;
} draw_job;

static bool draw_shape(urn__shape_query *q)
{
    const urn__draw_attr *a = q->attr;
    q->out[0] = a->what == URN__DRAW_CDF ? urn__shape_drop_event(&a->shape, a->family->event_rank)
                                         : a->shape;
    return true;
}

static void lay_out(draw_job *job, const urn__draw_attr *a, const urn__shape *const *in)
{
    job->a = a;
    const urn__shape grid = urn__shape_drop_event(&a->shape, a->family->event_rank);
    job->rows = urn__shape_size(&grid);
    for (int k = 0; k < a->n_given; k++) {
        draw_arg *arg = &job->arg[k];
        const int rank = urn__param_rank(a->family, a->given[k]);
        const urn__shape own = urn__shape_drop_event(in[k], rank);
        arg->event = urn__param_elements(a->family, a->given[k], a->dim);
        arg->walk = urn__walk_of(&own, &grid);
        arg->spread = URN__CONVERTED || arg->walk.kind == URN__WALK_GENERAL ||
                      (arg->walk.kind == URN__WALK_SCALAR && rank == 0);
        arg->stride = arg->walk.kind == URN__WALK_SCALAR && !arg->spread ? 0 : arg->event;
        arg->buffer_at = job->thread_size;
        job->thread_size += arg->spread ? ROWS * arg->event : 0;
    }
    job->out_at = job->thread_size;
    job->value_at = job->out_at + URN__CONVERTED * ROWS * a->event;
    job->thread_size = job->value_at + URN__CONVERTED * ROWS * a->event;
    job->family_at = (job->thread_size + 7) / 8 * 8;
    job->thread_size = job->family_at;
    job->thread_size += (urn__family_scratch(a->family, ROWS, a->dim) + 7) / 8 * 8;
}

static int64_t draw_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    const urn__shape *in[URN__MAX_IN];
    draw_job job = {0};
    for (int k = 0; k < n->n_in; k++)
        in[k] = urn__graph_shape(g, n->in[k]);
    lay_out(&job, n->attr, in);
    return job.thread_size * threads;
}

static const double *fetch(const draw_arg *arg, int64_t from, int64_t n, double *scratch)
{
    double *to = scratch + arg->buffer_at;
    if (!arg->spread)
        return doubles_of(0, arg->in + from * arg->stride, NULL);
    if (arg->walk.kind == URN__WALK_SCALAR && arg->event == 1) {
        for (int64_t i = 0; i < n; i++)
            to[i] = (double)arg->in[0];
        return to;
    }
    for (int64_t i = 0; i < n; i++) {
        const urn__real *row = arg->in + urn__walk_offset(&arg->walk, from + i) * arg->event;
        for (int64_t k = 0; k < arg->event; k++)
            to[i * arg->event + k] = (double)row[k];
    }
    return to;
}

/* What urn_rng_normal makes of the same rows, up to rounding: Box and Muller's transform. */
static void fill_normals(const draw_job *job, int64_t from, int64_t n, double *z)
{
    const urn__kernels *kernels = job->call->exec->kernels;
    double turn[ROWS];
    urn__row_uniforms(&job->stream, from, n, z, turn);
    kernels->map1[URN__MAP_LOG](n, z, z);
    for (int64_t i = 0; i < n; i++)
        turn[i] *= 2.0 * M_PI;
    kernels->map1[URN__MAP_COS](n, turn, turn);
    for (int64_t i = 0; i < n; i++)
        z[i] = sqrt(-2.0 * z[i]) * turn[i];
}

static void draw_one_by_one(const draw_job *job, const urn_draw_call *call, int64_t from)
{
    urn__row_cursor cursor = urn__row_cursor_at(&job->stream, from);
    for (int64_t i = 0; i < call->n; i++) {
        urn_rng rng;
        urn__row_cursor_next(&cursor, &rng);
        if (from + i >= job->a->known)
            job->a->family->draw(call, i, &rng);
    }
}

static void copy_known(const draw_job *job, const urn_draw_call *call, int64_t from)
{
    const int64_t left = job->a->known - from, rows = left < call->n ? left : call->n;
    const urn__real *value = job->value + from * call->event;
    for (int64_t k = 0; k < rows * call->event; k++)
        call->x[k] = (double)value[k];
}

static void draw_rows(const draw_job *job, const urn_draw_call *call, int64_t from)
{
    if (URN__FAMILY_HAS(job->a->family, of_normals)) {
        double z[ROWS];
        urn_draw_call of_normals = *call;
        of_normals.out = z;
        fill_normals(job, from, call->n, z);
        job->a->family->of_normals(&of_normals);
    } else {
        draw_one_by_one(job, call, from);
    }
    if (from < job->a->known)
        copy_known(job, call, from);
}

/* Runs what the family has; what it has not is not a number. */
static void summarise(void (*function)(const urn_draw_call *), const urn_draw_call *call,
                      int64_t size)
{
    if (function != NULL)
        function(call);
    for (int64_t i = 0; function == NULL && i < size; i++)
        call->out[i] = NAN;
}

static void find_cdf(const draw_job *job, const urn_draw_call *call)
{
    const urn_family *family = job->a->family;
    if (!URN__FAMILY_HAS(family, to_normals)) {
        summarise(family->cdf, call, call->n);
        return;
    }
    family->to_normals(call);
    job->call->exec->kernels->map1[URN__MAP_PHI](call->n, call->out, call->out);
}

static void draw_chunk(void *context, int64_t chunk, int thread)
{
    const draw_job *job = context;
    const urn__draw_attr *a = job->a;
    const urn__call *c = job->call;
    urn__real *out = c->out[0];
    double *scratch = c->exec->scratch + thread * job->thread_size;
    const int64_t from = chunk * ROWS, n = job->rows - from < ROWS ? job->rows - from : ROWS;
    urn_draw_call call = {.n = n,
                          .dim = a->dim,
                          .event = a->event,
                          .scratch = scratch + job->family_at,
                          .family = a->family};
    for (int k = 0; k < a->n_given; k++) {
        call.param[a->given[k]] = fetch(&job->arg[k], from, n, scratch);
        call.stride[a->given[k]] = job->arg[k].stride;
    }
    const int64_t width = a->what == URN__DRAW_CDF ? 1 : a->event;
    out += from * width;
    call.out = doubles_for(out, scratch + job->out_at);
    call.x = call.out;
    if (a->what == URN__DRAW_RANDOM) {
        draw_rows(job, &call, from);
    } else if (a->what == URN__DRAW_CENTRE) {
        summarise(a->family->centre, &call, n * a->event);
    } else if (a->what == URN__DRAW_MEAN) {
        summarise(a->family->mean, &call, n * a->event);
    } else {
        union { /* cdf only reads x; the member is not const for draws */
            const double *in;
            double *out;
        } value = {
            .in = doubles_of(n * a->event, job->value + from * a->event, scratch + job->value_at)};
        call.x = value.out;
        find_cdf(job, &call);
    }
    give_back(n * width, call.out, out);
}

static void draw_run(const urn__call *c)
{
    draw_job job = {.call = c};
    lay_out(&job, c->attr, c->in_shape);
    for (int k = 0; k < job.a->n_given; k++)
        job.arg[k].in = c->in[k];
    if (c->n_in > job.a->n_given)
        job.value = c->in[job.a->n_given];
    job.stream = urn__stream_at(c->exec->seed, c->exec->chain, job.a->site, c->exec->step);
    urn__each_chunk(c->exec, (job.rows + ROWS - 1) / ROWS, draw_chunk, &job);
}

const urn__op URN__OP(draw) = {.name = "draw",
                               .arity = -1,
                               .flags = URN__OP_VARIES | URN__OP_NOT_DIFFERENTIABLE,
                               .shape = draw_shape,
                               .run = draw_run,
                               .scratch = draw_scratch};
