/* Order, and where every value lives: first fit over lifetimes, 64-byte alignment. One slab serves
 * values and adjoints, because a value's memory is free for an adjoint after its last use. */
#include "plan.h"
#include <string.h>

typedef struct planner {
    struct urn__plan *p;
    const urn__graph *g;
    urn__arena *arena;   /* the plan's */
    urn__arena *scratch; /* gone afterwards */
    uint32_t count;
    bool *needed;
    urn__id *instr, *fold, *batch_column, *batch_index;
    int n_fold;
    int32_t *last_use; /* by place: instruction after which it is free */
} planner;

static const int64_t ALIGN = 64; /* bytes */

int32_t urn__plan_place(const struct urn__plan *p, urn__id id)
{
    return p->place_of[(size_t)id * URN__MAX_OUT];
}

static size_t slot(urn__id id, int k)
{
    return (size_t)id * URN__MAX_OUT + (size_t)k;
}

static int32_t new_place(planner *pl, urn__id id, int k, urn__place_kind kind, int64_t at)
{
    struct urn__plan *p = pl->p;
    const urn__node *node = urn__graph_node(pl->g, id);
    const int32_t n = ++p->n_places;
    p->place[n] = (urn__place){.kind = kind,
                               .wide = urn__is_wide(node, k),
                               .at = at,
                               .size = urn__shape_size(&node->shape[k]),
                               .root = -1};
    p->place_of[slot(id, k)] = n;
    return n;
}

const urn__op *urn__plan_op(const struct urn__plan *p, const urn__node *node)
{
    return p->precision == URN_PRECISION_SINGLE ? urn__op_in_single(node->op) : node->op;
}

/* ---- leaves ---- */

static void place_leaf(planner *pl, urn__id id)
{
    const urn__node *n = urn__graph_node(pl->g, id);
    if (n->op == &urn__op_constant || n->op == &urn__op_data) {
        const bool batch = ((const urn__values_attr *)n->attr)->batch != 0;
        if (batch)
            pl->batch_column[pl->p->n_batch_columns] = id;
        new_place(pl, id, 0, batch ? URN__PLACE_BATCH : URN__PLACE_FIXED,
                  batch ? pl->p->n_batch_columns++ : 0);
    } else if (n->op == &urn__op_index) {
        if (((const urn__index_attr *)n->attr)->batch)
            pl->batch_index[pl->p->n_batch_indices++] = id;
    } else {
        const urn__slot_attr *a = n->attr;
        const bool position = n->op == &urn__op_coordinate;
        new_place(pl, id, 0, position ? URN__PLACE_POSITION : URN__PLACE_INPUT, a->slot);
    }
}

static unsigned of_all(const planner *pl, const urn__node *n,
                       unsigned (*some)(const urn__graph *graph, const urn__node *node))
{
    return some == NULL ? ~0U : some(pl->g, n);
}

/* Ops that go by target have the rows of their indices sorted by then. */
static bool order_indices(const planner *pl, const urn__node *n)
{
    const unsigned by_row = of_all(pl, n, n->op->by_row);
    const unsigned by_target =
        n->op->flags & URN__OP_ROWS_ONLY ? 0 : of_all(pl, n, n->op->by_target);
    for (int k = 0; k < n->n_in; k++) {
        const urn__node *in = urn__graph_node(pl->g, n->in[k]);
        const urn__index_attr *a = in->op == &urn__op_index ? in->attr : NULL;
        if (a == NULL || a->batch)
            continue;
        if (((by_target >> k) & 1) && !urn__index_need(a->index))
            return false;
        if (((by_row >> k) & 1) && !urn__index_need_rows(a->index))
            return false;
    }
    return true;
}

/* ---- order and lifetimes ---- */

static void place_node(planner *pl, urn__id id)
{
    struct urn__plan *p = pl->p;
    const urn__node *n = urn__graph_node(pl->g, id);
    if (n->op->flags & URN__OP_LEAF) {
        place_leaf(pl, id);
    } else if (n->op->flags & URN__OP_ALIAS) {
        p->place_of[slot(id, 0)] = urn__plan_place(p, n->in[0]);
    } else if (n->op == &urn__op_output) {
        const int k = (int)((const urn__ints_attr *)n->attr)->a;
        p->place_of[slot(id, 0)] = p->place_of[slot(n->in[0], k)];
    } else {
        for (int k = 0; k < n->n_out; k++)
            pl->last_use[new_place(pl, id, k, n->constant ? URN__PLACE_FIXED : URN__PLACE_SLAB,
                                   0)] = p->n_instr;
        if (n->constant)
            pl->fold[pl->n_fold++] = id;
        else
            pl->instr[p->n_instr++] = id;
    }
}

const urn__values_attr *urn__plan_column(const struct urn__plan *p, const urn__node *node, int k)
{
    const urn__node *in = urn__graph_node(p->g, node->in[k]);
    const urn__values_attr *a = in->op == &urn__op_data ? in->attr : NULL;
    if (k == 0 || node->op->column != k || a == NULL || a->numbers == NULL || a->batch)
        return NULL;
    const bool single = p->precision == URN_PRECISION_SINGLE;
    return urn__numbers_cells(a->numbers).type == (single ? URN__FLOAT : URN__DOUBLE) ? NULL : a;
}

/* Wide values are roots, or read by `narrow`; another kernel would take them for floats. */
static bool reads_fit(const planner *pl, const urn__node *n)
{
    for (int k = 0; k < n->n_in; k++)
        if (pl->p->place[urn__plan_place(pl->p, n->in[k])].wide &&
            pl->p->precision == URN_PRECISION_SINGLE && n->op != &urn__op_narrow)
            return false;
    return true;
}

static urn_status find_uses(planner *pl, urn_error *error)
{
    struct urn__plan *p = pl->p;
    for (int i = 0; i < p->n_instr; i++) {
        const urn__node *n = urn__graph_node(pl->g, pl->instr[i]);
        for (int k = 0; k < n->n_in; k++) {
            const int32_t place = urn__plan_place(p, n->in[k]);
            pl->last_use[place] = i;
            p->place[place].visible |= urn__plan_column(p, n, k) == NULL;
        }
        if (!reads_fit(pl, n))
            return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                             "node %u (%s) reads a sum kept in double", pl->instr[i], n->op->name);
    }
    for (int k = 0; k < p->n_root; k++)
        if (p->root[k] != 0) {
            pl->last_use[urn__plan_place(p, p->root[k])] = p->n_instr;
            p->place[urn__plan_place(p, p->root[k])].visible = true;
        }
    return URN_OK;
}

static int64_t bytes_of(const planner *pl, int32_t place)
{
    const urn__place *at = &pl->p->place[place];
    const int64_t element = at->wide ? (int64_t)sizeof(double) : (int64_t)pl->p->element;
    return (at->size * element + ALIGN) / ALIGN * ALIGN; /* one byte at least */
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
            const int64_t size = bytes_of(pl, place);
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
    pl->fold = urn__arena_alloc(pl->scratch, count, sizeof *pl->fold);
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
    for (urn__id id = 1; id <= pl->count; id++) {
        if (!pl->needed[id])
            continue;
        place_node(pl, id);
        if (!order_indices(pl, urn__graph_node(pl->g, id)))
            return urn__fail_memory(error, "an index column, by target", sizeof(int32_t));
    }
    URN_TRY(find_uses(pl, error));
    URN_TRY(urn__plan_constants(pl->p, pl->n_fold, pl->fold, pl->scratch, error));
    lease *leases = urn__arena_alloc(pl->scratch, (size_t)pl->p->n_places + 2, sizeof *leases);
    if (leases == NULL)
        return urn__fail_memory(error, "the plan", pl->count);
    fit(pl, leases);
    mark_roots(pl->p);
    return URN_OK;
}

urn_status urn__plan_new(urn__graph *g, int n, const urn__id *root, const urn__kernels *kernels,
                         urn_precision precision, urn__plan **plan, urn_error *error)
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
        pl.p->precision = precision;
        pl.p->element = precision == URN_PRECISION_SINGLE ? sizeof(float) : sizeof(double);
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

bool urn__plan_root_is_wide(const urn__plan *plan, int k)
{
    return plan->root[k] != 0 && plan->place[urn__plan_place(plan, plan->root[k])].wide;
}

int urn__plan_length(const urn__plan *plan)
{
    return plan->n_instr;
}

int urn__plan_batch_indices(const urn__plan *plan)
{
    return plan->n_batch_indices;
}

const urn__index_attr *urn__plan_batch_index(const urn__plan *plan, int k)
{
    return urn__graph_node(plan->g, plan->batch_index[k])->attr;
}
