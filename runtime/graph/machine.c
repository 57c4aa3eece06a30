/* Replays a plan: buffers of one owner, pointers resolved once, no allocation while running. */
#include "plan.h"
#include <string.h>
#include <time.h>

struct urn__machine {
    const struct urn__plan *p;
    urn__arena *arena;
    urn__exec exec;
    urn__call *call;
    char *slab;
    size_t slab_bytes, scratch_doubles;
    void **at; /* by place */
    const void *position;
    const void **input; /* by slot */
    int64_t n_inputs;
    void **bound; /* by root: the caller's memory, or NULL */
    bool dirty;   /* pointers have changed since the calls were resolved */
    void **batch_values;
    urn__index *batch_index;
    int64_t batch_rows;
    double *seconds; /* by instruction, when profiled; else NULL */
    int64_t runs;    /* profiled ones */
};

/* ---- mini-batches ---- */

static void new_batch_buffers(urn__machine *m)
{
    const struct urn__plan *p = m->p;
    m->batch_values =
        urn__arena_alloc(m->arena, (size_t)p->n_batch_columns + 1, sizeof *m->batch_values);
    m->batch_index =
        urn__arena_alloc(m->arena, (size_t)p->n_batch_indices + 1, sizeof *m->batch_index);
    for (int k = 0; k < p->n_batch_columns && m->batch_values != NULL; k++) {
        const urn__shape *s = urn__graph_shape(p->g, p->batch_column[k]);
        m->batch_values[k] = urn__arena_alloc(m->arena, (size_t)urn__shape_size(s) + 1, p->element);
    }
    for (int k = 0; k < p->n_batch_indices && m->batch_index != NULL; k++) {
        const urn__index_attr *a = urn__graph_node(p->g, p->batch_index[k])->attr;
        urn__index *ix = &m->batch_index[k];
        ix->n = m->batch_rows = a->n;
        ix->n_targets = a->n_targets;
        ix->row = urn__arena_alloc(m->arena, (size_t)a->n + 1, sizeof *ix->row);
        ix->order = urn__arena_alloc(m->arena, (size_t)a->n + 1, sizeof *ix->order);
        ix->start = urn__arena_alloc(m->arena, (size_t)a->n_targets + 2, sizeof *ix->start);
    }
}

static void pick_rows(const urn__values_attr *a, int64_t n, const int32_t *rows, double *to)
{
    if (a->numbers != NULL) {
        urn__numbers_pick(a->numbers, a->first, n, rows, to);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(to + i * a->width, a->values + rows[i] * a->width, (size_t)a->width * sizeof *to);
}

static void pick_rows_single(const urn__values_attr *a, int64_t n, const int32_t *rows, float *to)
{
    if (a->numbers != NULL) {
        urn__numbers_pick_single(a->numbers, a->first, n, rows, to);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < a->width; k++)
            to[i * a->width + k] = (float)a->values[rows[i] * a->width + k];
}

urn_status urn__machine_batch(urn__machine *m, int64_t n, const int32_t *rows,
                              const int32_t *const *place)
{
    const struct urn__plan *p = m->p;
    for (int k = 0; k < p->n_batch_columns; k++) {
        const urn__values_attr *a = urn__graph_node(p->g, p->batch_column[k])->attr;
        if (p->precision == URN_PRECISION_SINGLE)
            pick_rows_single(a, n, rows, m->batch_values[k]);
        else
            pick_rows(a, n, rows, m->batch_values[k]);
    }
    for (int k = 0; k < p->n_batch_indices; k++) {
        const urn__index_attr *a = urn__graph_node(p->g, p->batch_index[k])->attr;
        if (m->batch_index[k].n != n)
            return URN_ERR_INTERNAL;
        const int32_t *to = place == NULL ? NULL : place[a->target_plate];
        for (int64_t i = 0; i < n; i++) {
            const int32_t row = a->index == NULL ? rows[i] : a->index->row[rows[i]];
            m->batch_index[k].row[i] = to == NULL ? row : to[row];
        }
        urn__index_sort(&m->batch_index[k]);
    }
    return URN_OK;
}

/* ---- pointers ---- */

static const urn__index *index_of(const urn__machine *m, urn__id id)
{
    for (int k = 0; k < m->p->n_batch_indices; k++)
        if (m->p->batch_index[k] == id)
            return &m->batch_index[k];
    return ((const urn__index_attr *)urn__graph_node(m->p->g, id)->attr)->index;
}

static void *without_const(const void *values)
{
    union {
        const void *in;
        void *out;
    } u = {.in = values}; /* places are written by their own node only; leaves never */
    return u.out;
}

static void *resolve(const urn__machine *m, const urn__place *place)
{
    switch (place->kind) {
    case URN__PLACE_SLAB:
        return place->root >= 0 && m->bound[place->root] != NULL ? m->bound[place->root]
                                                                 : m->slab + place->at;
    case URN__PLACE_FIXED:
        return without_const(place->fixed);
    case URN__PLACE_POSITION:
        if (m->position == NULL)
            return NULL;
        return without_const((const char *)m->position + place->at * (int64_t)m->p->element);
    case URN__PLACE_INPUT:
        return without_const(m->input[place->at]);
    case URN__PLACE_BATCH:
        return m->batch_values[place->at];
    case URN__PLACE_NONE:
        break;
    }
    return NULL;
}

static void resolve_all(urn__machine *m)
{
    const struct urn__plan *p = m->p;
    for (int k = 1; k <= p->n_places; k++)
        m->at[k] = resolve(m, &p->place[k]);
    for (int i = 0; i < p->n_instr; i++) {
        urn__call *c = &m->call[i];
        for (int k = 0; k < c->n_in; k++)
            c->in[k] = m->at[urn__plan_place(p, c->node->in[k])];
        for (int k = 0; k < c->n_out; k++)
            c->out[k] = m->at[p->place_of[(size_t)p->instr[i] * URN__MAX_OUT + (size_t)k]];
        const urn__op *op = urn__plan_op(p, c->node);
        if (op->bind != NULL)
            op->bind(c);
    }
    m->dirty = false;
}

static void fill_call(urn__machine *m, int i)
{
    const struct urn__plan *p = m->p;
    const urn__node *n = urn__graph_node(p->g, p->instr[i]);
    const urn__op *op = urn__plan_op(p, n);
    urn__call *c = &m->call[i];
    *c = (urn__call){.run = op->run,
                     .node = n,
                     .attr = n->attr,
                     .n_in = n->n_in,
                     .n_out = n->n_out,
                     .out_shape = n->shape,
                     .exec = &m->exec};
    for (int k = 0; k < n->n_in; k++) {
        c->in_shape[k] = urn__graph_shape(p->g, n->in[k]);
        if (urn__graph_node(p->g, n->in[k])->op == &urn__op_index)
            c->index[k] = index_of(m, n->in[k]);
        if (p->place[urn__plan_place(p, n->in[k])].kind == URN__PLACE_FIXED)
            c->fixed |= UINT32_C(1) << k;
        if (k == op->column && p->place[urn__plan_place(p, n->in[k])].fixed == NULL)
            c->column = urn__plan_column(p, n, k);
    }
    const size_t extra = op->state_extra == NULL ? 0 : op->state_extra(p->g, n);
    c->state = urn__arena_alloc(m->arena, op->state_size + extra + 1, 1);
    if (op->prepare != NULL && c->state != NULL)
        op->prepare(c);
}

/* ---- life ---- */

static int64_t scratch_needed(const struct urn__plan *p, int threads)
{
    int64_t most = 8;
    for (int i = 0; i < p->n_instr; i++) {
        const urn__node *n = urn__graph_node(p->g, p->instr[i]);
        const urn__op *op = urn__plan_op(p, n);
        const int64_t own = op->scratch == NULL ? 0 : op->scratch(p->g, n, threads);
        most = own > most ? own : most;
    }
    return most;
}

size_t urn__machine_bytes(const urn__plan *plan, int threads)
{
    return (size_t)plan->slab + (size_t)scratch_needed(plan, threads) * sizeof(double);
}

static void take_memory(urn__machine *m, const urn__machine *lender)
{
    m->slab_bytes = (size_t)m->p->slab + 64;
    m->scratch_doubles = (size_t)scratch_needed(m->p, m->exec.threads);
    if (lender != NULL && lender->slab_bytes >= m->slab_bytes)
        m->slab = lender->slab;
    else
        m->slab = urn__arena_alloc(m->arena, m->slab_bytes, 1);
    if (lender != NULL && lender->scratch_doubles >= m->scratch_doubles)
        m->exec.scratch = lender->exec.scratch;
    else
        m->exec.scratch = urn__arena_alloc(m->arena, m->scratch_doubles, sizeof(double));
}

static bool fill(urn__machine *m, int threads, const urn__machine *lender)
{
    const struct urn__plan *p = m->p;
    m->exec = (urn__exec){.kernels = p->kernels,
                          .kernels_single = urn__kernels_in_single(p->kernels),
                          .threads = threads < 1 ? 1 : threads};
    take_memory(m, lender);
    m->call = urn__arena_alloc(m->arena, (size_t)p->n_instr + 1, sizeof *m->call);
    m->at = urn__arena_alloc(m->arena, (size_t)p->n_places + 1, sizeof *m->at);
    m->bound = urn__arena_alloc(m->arena, (size_t)p->n_root + 1, sizeof *m->bound);
    for (int k = 1; k <= p->n_places; k++)
        if (p->place[k].kind == URN__PLACE_INPUT && p->place[k].at >= m->n_inputs)
            m->n_inputs = p->place[k].at + 1;
    m->input = urn__arena_alloc(m->arena, (size_t)m->n_inputs + 1, sizeof *m->input);
    new_batch_buffers(m);
    if (urn__arena_failed(m->arena))
        return false;
    for (int i = 0; i < p->n_instr; i++)
        fill_call(m, i);
    m->dirty = true;
    return !urn__arena_failed(m->arena);
}

urn_status urn__machine_new(const urn__plan *plan, const urn_allocator *allocator, int threads,
                            const urn__machine *lender, urn__machine **machine, urn_error *error)
{
    *machine = NULL;
    urn__arena *arena = urn__arena_new(allocator);
    urn__machine *m = arena == NULL ? NULL : urn__arena_alloc(arena, 1, sizeof *m);
    if (m != NULL) {
        m->p = plan;
        m->arena = arena;
    }
    if (m == NULL || !fill(m, threads, lender)) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "the buffers of a replay", (size_t)plan->slab);
    }
    *machine = m;
    return URN_OK;
}

void urn__machine_free(urn__machine *m)
{
    if (m != NULL)
        urn__arena_free(m->arena);
}

urn__exec *urn__machine_exec(urn__machine *m)
{
    return &m->exec;
}

void urn__machine_position(urn__machine *m, const void *position)
{
    m->dirty = m->dirty || m->position != position;
    m->position = position;
}

void urn__machine_bind_input(urn__machine *m, int64_t slot, const void *values)
{
    if (slot < 0 || slot >= m->n_inputs)
        return; /* the plan does not read it */
    m->dirty = m->dirty || m->input[slot] != values;
    m->input[slot] = values;
}

bool urn__machine_bind_root(urn__machine *m, int k, void *out)
{
    if (m->p->root[k] == 0 || m->p->place[urn__plan_place(m->p, m->p->root[k])].root != k)
        return false;
    m->dirty = m->dirty || m->bound[k] != out;
    m->bound[k] = out;
    return true;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_profiled(urn__machine *m)
{
    double before = now();
    for (int i = 0; i < m->p->n_instr; i++) {
        m->call[i].run(&m->call[i]);
        const double after = now();
        m->seconds[i] += after - before;
        before = after;
    }
    m->runs++;
}

urn_status urn__machine_profile(urn__machine *m, urn_error *error)
{
    const size_t n = (size_t)m->p->n_instr + 1;
    if (m->seconds == NULL)
        m->seconds = urn__arena_alloc(m->arena, n, sizeof *m->seconds);
    return m->seconds != NULL ? URN_OK : urn__fail_memory(error, "a profile", n * sizeof(double));
}

bool urn__machine_profile_at(const urn__machine *m, int i, urn__id *node, int64_t *runs,
                             double *seconds)
{
    if (m->seconds == NULL || i < 0 || i >= m->p->n_instr)
        return false;
    *node = m->p->instr[i];
    *runs = m->runs;
    *seconds = m->seconds[i];
    return true;
}

void urn__machine_run(urn__machine *m)
{
    if (m->dirty)
        resolve_all(m);
    if (m->seconds != NULL) {
        run_profiled(m);
        return;
    }
    for (int i = 0; i < m->p->n_instr; i++)
        m->call[i].run(&m->call[i]);
}

const void *urn__machine_root(const urn__machine *m, int k)
{
    return m->p->root[k] == 0 ? NULL : m->at[urn__plan_place(m->p, m->p->root[k])];
}

double urn__machine_sum(const urn__machine *m, int n)
{
    double total = 0.0;
    for (int k = 0; k < n; k++) {
        const double *term = m->at[m->p->place_of[(size_t)m->p->root[k] * URN__MAX_OUT]];
        total += *term;
    }
    return total;
}
