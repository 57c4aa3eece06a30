/* Order, constants, and where every value lives: first fit over lifetimes, 64-byte alignment. One
 * slab serves values and adjoints, because a value's memory is free for an adjoint after its last
 * use. */
#include "plan.h"
#include <string.h>

typedef struct planner {
    struct urn__plan *p;
    const urn__graph *g;
    urn__arena *arena;   /* the plan's */
    urn__arena *scratch; /* gone afterwards */
    uint32_t count;
    bool *needed;
    urn__id *instr, *batch_column, *batch_index;
    int32_t *last_use; /* by place: instruction after which it is free */
} planner;

static const size_t ALIGN = 8; /* doubles */

int32_t urn__plan_place(const struct urn__plan *p, urn__id id)
{
    return p->place_of[(size_t)id * URN__MAX_OUT];
}

static size_t slot(urn__id id, int k)
{
    return (size_t)id * URN__MAX_OUT + (size_t)k;
}

static int32_t new_place(planner *pl, urn__id id, int k, urn__place_kind kind, int64_t at,
                         double *fixed)
{
    struct urn__plan *p = pl->p;
    const int32_t n = ++p->n_places;
    p->place[n] = (urn__place){.kind = kind, .at = at, .fixed = fixed, .root = -1};
    p->place_of[slot(id, k)] = n;
    return n;
}

/* ---- leaves and constants ---- */

static double *without_const(const double *values)
{
    union {
        const double *in;
        double *out;
    } u = {.in = values}; /* places are written by their own node only; leaves never */
    return u.out;
}

/* false: out of memory. */
static bool place_values(planner *pl, urn__id id)
{
    const urn__values_attr *a = urn__graph_node(pl->g, id)->attr;
    if (a->batch) {
        pl->batch_column[pl->p->n_batch_columns] = id;
        new_place(pl, id, 0, URN__PLACE_BATCH, pl->p->n_batch_columns++, NULL);
        return true;
    }
    const double *values = urn__values_doubles(a);
    new_place(pl, id, 0, URN__PLACE_FIXED, 0, without_const(values));
    return values != NULL;
}

static void place_leaf(planner *pl, urn__id id)
{
    const urn__node *n = urn__graph_node(pl->g, id);
    if (n->op == &urn__op_index) {
        if (((const urn__index_attr *)n->attr)->batch)
            pl->batch_index[pl->p->n_batch_indices++] = id;
    } else {
        const urn__slot_attr *a = n->attr;
        const bool position = n->op == &urn__op_coordinate;
        new_place(pl, id, 0, position ? URN__PLACE_POSITION : URN__PLACE_INPUT, a->slot, NULL);
    }
}

/* Fills a call whose inputs are all at fixed places. */
static void constant_call(const planner *pl, urn__id id, urn__exec *exec, urn__call *c)
{
    const urn__node *n = urn__graph_node(pl->g, id);
    *c = (urn__call){.run = n->op->run,
                     .node = n,
                     .attr = n->attr,
                     .n_in = n->n_in,
                     .n_out = n->n_out,
                     .out_shape = n->shape,
                     .exec = exec};
    for (int k = 0; k < n->n_in; k++) {
        const urn__node *in = urn__graph_node(pl->g, n->in[k]);
        c->in_shape[k] = in->shape;
        if (in->op == &urn__op_index)
            c->index[k] = ((const urn__index_attr *)in->attr)->index;
        else
            c->in[k] = pl->p->place[urn__plan_place(pl->p, n->in[k])].fixed;
    }
    for (int k = 0; k < n->n_out; k++)
        c->out[k] = pl->p->place[pl->p->place_of[slot(id, k)]].fixed;
}

static urn_status compute_constant(planner *pl, urn__id id, urn_error *error)
{
    const urn__node *n = urn__graph_node(pl->g, id);
    urn__exec exec = {.kernels = pl->p->kernels, .threads = 1};
    urn__call call;
    const int64_t doubles = n->op->scratch == NULL ? 0 : n->op->scratch(pl->g, n, 1);
    const urn_allocator *allocator = urn__arena_allocator(pl->arena);
    exec.scratch = urn__calloc(allocator, (size_t)doubles + 8, sizeof(double));
    for (int k = 0; k < n->n_out; k++)
        new_place(
            pl, id, k, URN__PLACE_FIXED, 0,
            urn__arena_alloc(pl->arena, (size_t)urn__shape_size(&n->shape[k]) + 1, sizeof(double)));
    void *state = urn__arena_alloc(pl->scratch, n->op->state_size + 1, 1);
    const bool ok = exec.scratch != NULL && state != NULL && !urn__arena_failed(pl->arena);
    if (ok) {
        constant_call(pl, id, &exec, &call);
        call.state = state;
        if (n->op->prepare != NULL)
            n->op->prepare(&call);
        call.run(&call);
    }
    urn__free(allocator, exec.scratch);
    return ok ? URN_OK : urn__fail_memory(error, "constants of the model", (size_t)doubles);
}

/* ---- order and lifetimes ---- */

static urn_status place_node(planner *pl, urn__id id, urn_error *error)
{
    struct urn__plan *p = pl->p;
    const urn__node *n = urn__graph_node(pl->g, id);
    if (n->op == &urn__op_constant || n->op == &urn__op_data) {
        if (!place_values(pl, id))
            return urn__fail_memory(error, "the data of the model", sizeof(double));
    } else if (n->op->flags & URN__OP_LEAF) {
        place_leaf(pl, id);
    } else if (n->op->flags & URN__OP_ALIAS) {
        p->place_of[slot(id, 0)] = urn__plan_place(p, n->in[0]);
    } else if (n->op == &urn__op_output) {
        const int k = (int)((const urn__ints_attr *)n->attr)->a;
        p->place_of[slot(id, 0)] = p->place_of[slot(n->in[0], k)];
    } else if (n->constant) {
        return compute_constant(pl, id, error);
    } else {
        for (int k = 0; k < n->n_out; k++) {
            const int32_t place = new_place(pl, id, k, URN__PLACE_SLAB, 0, NULL);
            pl->last_use[place] = p->n_instr;
        }
        pl->instr[p->n_instr++] = id;
    }
    return URN_OK;
}

static void find_last_uses(planner *pl)
{
    struct urn__plan *p = pl->p;
    for (int i = 0; i < p->n_instr; i++) {
        const urn__node *n = urn__graph_node(pl->g, pl->instr[i]);
        for (int k = 0; k < n->n_in; k++)
            pl->last_use[urn__plan_place(p, n->in[k])] = i;
    }
    for (int k = 0; k < p->n_root; k++)
        if (p->root[k] != 0)
            pl->last_use[urn__plan_place(p, p->root[k])] = p->n_instr;
}

static int64_t doubles_of(const planner *pl, urn__id id, int k)
{
    const size_t n = (size_t)urn__shape_size(&urn__graph_node(pl->g, id)->shape[k]);
    return (int64_t)((n + ALIGN) / ALIGN * ALIGN);
}

/* ---- first fit ---- */

typedef struct lease {
    int64_t from, to;
    int32_t until; /* instruction after which it ends */
} lease;

/* The lowest gap of `size` among leases sorted by address. */
static int64_t take(lease *leases, int *n, int64_t size, int32_t until)
{
    int64_t at = 0;
    int i = 0;
    while (i < *n && leases[i].from - at < size) {
        at = leases[i].to;
        i++;
    }
    memmove(leases + i + 1, leases + i, (size_t)(*n - i) * sizeof *leases);
    leases[i] = (lease){.from = at, .to = at + size, .until = until};
    ++*n;
    return at;
}

static void end_leases(lease *leases, int *n, int32_t now)
{
    int kept = 0;
    for (int i = 0; i < *n; i++)
        if (leases[i].until >= now)
            leases[kept++] = leases[i];
    *n = kept;
}

static void fit(planner *pl, lease *leases)
{
    struct urn__plan *p = pl->p;
    int n = 0;
    for (int i = 0; i < p->n_instr; i++) {
        const urn__id id = pl->instr[i];
        end_leases(leases, &n, i);
        for (int k = 0; k < urn__graph_node(pl->g, id)->n_out; k++) {
            const int32_t place = p->place_of[slot(id, k)];
            const int64_t size = doubles_of(pl, id, k);
            p->place[place].at = take(leases, &n, size, pl->last_use[place]);
            if (p->place[place].at + size > p->slab)
                p->slab = p->place[place].at + size;
        }
    }
}

/* A root may be written straight to the caller's memory when no other root shares its place. */
static void mark_roots(struct urn__plan *p)
{
    for (int k = 0; k < p->n_root; k++) {
        if (p->root[k] == 0)
            continue;
        urn__place *place = &p->place[urn__plan_place(p, p->root[k])];
        place->root = place->root == -1 && place->kind == URN__PLACE_SLAB ? k : -2;
    }
}

/* ---- the plan ---- */

static void mark_needed(planner *pl, int n, const urn__id *root)
{
    for (int k = 0; k < n; k++)
        pl->needed[root[k]] = root[k] != 0;
    for (urn__id id = pl->count; id >= 1; id--) {
        const urn__node *node = urn__graph_node(pl->g, id);
        for (int k = 0; pl->needed[id] && k < node->n_in; k++)
            pl->needed[node->in[k]] = true;
    }
}

static bool allocate(planner *pl, int n, const urn__id *root)
{
    struct urn__plan *p = pl->p;
    const size_t count = (size_t)pl->count + 1, slots = count * URN__MAX_OUT;
    p->place = urn__arena_alloc(pl->arena, slots, sizeof *p->place);
    p->place_of = urn__arena_alloc(pl->arena, slots, sizeof *p->place_of);
    pl->instr = urn__arena_alloc(pl->arena, count, sizeof *pl->instr);
    pl->batch_column = urn__arena_alloc(pl->arena, count, sizeof *pl->batch_column);
    pl->batch_index = urn__arena_alloc(pl->arena, count, sizeof *pl->batch_index);
    urn__id *roots = urn__arena_alloc(pl->arena, (size_t)n + 1, sizeof *roots);
    pl->needed = urn__arena_alloc(pl->scratch, count, sizeof *pl->needed);
    pl->last_use = urn__arena_alloc(pl->scratch, slots, sizeof *pl->last_use);
    if (urn__arena_failed(pl->arena) || urn__arena_failed(pl->scratch))
        return false;
    memcpy(roots, root, (size_t)n * sizeof *roots);
    p->root = roots;
    p->n_root = n;
    p->instr = pl->instr;
    p->batch_column = pl->batch_column;
    p->batch_index = pl->batch_index;
    return true;
}

static urn_status build(planner *pl, int n, const urn__id *root, urn_error *error)
{
    if (!allocate(pl, n, root))
        return urn__fail_memory(error, "the plan", pl->count);
    mark_needed(pl, n, root);
    for (urn__id id = 1; id <= pl->count; id++)
        if (pl->needed[id])
            URN_TRY(place_node(pl, id, error));
    find_last_uses(pl);
    lease *leases = urn__arena_alloc(pl->scratch, (size_t)pl->p->n_places + 2, sizeof *leases);
    if (leases == NULL)
        return urn__fail_memory(error, "the plan", pl->count);
    fit(pl, leases);
    mark_roots(pl->p);
    return URN_OK;
}

urn_status urn__plan_new(const urn__graph *g, int n, const urn__id *root,
                         const urn__kernels *kernels, urn__plan **plan, urn_error *error)
{
    planner pl = {.g = g, .arena = urn__graph_arena(g), .count = urn__graph_count(g)};
    pl.p = urn__arena_alloc(pl.arena, 1, sizeof *pl.p);
    pl.scratch = urn__arena_new(urn__arena_allocator(pl.arena));
    urn_status status = URN_OK;
    if (pl.p == NULL || pl.scratch == NULL) {
        status = urn__fail_memory(error, "the plan", sizeof *pl.p);
    } else {
        pl.p->g = g;
        pl.p->kernels = kernels;
        status = build(&pl, n, root, error);
    }
    urn__arena_free(pl.scratch);
    *plan = status == URN_OK ? pl.p : NULL;
    return status;
}

int64_t urn__plan_slab(const urn__plan *plan)
{
    return plan->slab;
}

int urn__plan_length(const urn__plan *plan)
{
    return plan->n_instr;
}
