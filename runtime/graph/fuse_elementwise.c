/* Groups chains of elementwise nodes of one shape, and sums of what they make or read. A group runs
 * where its first member stood, so a node may join only if its other inputs were there before. */
#include "graph.h"
#include <string.h>

#define SMALLEST 2  /* scalars are left alone */
#define LOOK_BACK 8 /* groups that a node may join for a shared input's sake */

typedef struct group {
    urn__id first;
    int n_members, n_in, n_out;
    urn__id member[URN__FUSED_MAX];
    urn__id in[URN__MAX_IN];
    urn__id out[URN__MAX_OUT];
    struct group *before; /* the group started before this one */
} group;

typedef struct fusion {
    urn__graph *g;
    urn__arena *scratch;
    uint32_t count;
    int most_members;
    bool *needed, *root, *output;
    group **of; /* of a node, or NULL */
    group *last;
    urn__id *new_id;
} fusion;

static bool is_scalar(const urn__shape *s)
{
    return s->n_plates + s->n_event == 0;
}

/* A sum of all elements: it reads a group's registers, but is none. */
static bool is_sum(const urn__node *n)
{
    return n->op == &urn__op_total || (n->op == &urn__op_sum_to && is_scalar(n->shape));
}

/* The shape that the node runs over. */
static const urn__shape *extent(const fusion *f, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    return is_sum(n) ? urn__graph_shape(f->g, n->in[0]) : n->shape;
}

static bool fusible(const fusion *f, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    const bool op = (n->op->flags & URN__OP_ELEMENTWISE) != 0 || n->op == &urn__op_broadcast;
    return (op || is_sum(n)) && !n->constant && urn__shape_size(extent(f, id)) >= SMALLEST;
}

/* Where a value is there: constants, which need constants alone, come before everything. */
static urn__id position(const fusion *f, urn__id id)
{
    if (urn__graph_node(f->g, id)->constant)
        return 0;
    return f->of[id] != NULL ? f->of[id]->first : id;
}

static bool contains(const urn__id *list, int n, urn__id id)
{
    for (int k = 0; k < n; k++)
        if (list[k] == id)
            return true;
    return false;
}

/* Can node `id` join the group? Its other inputs must be there where the group runs. */
static bool can_join(const fusion *f, const group *gr, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    int added = 0;
    if (gr->n_members >= f->most_members || !urn__shape_equal(extent(f, id), extent(f, gr->first)))
        return false;
    for (int k = 0; k < n->n_in; k++) {
        if (f->of[n->in[k]] == gr && !is_sum(urn__graph_node(f->g, n->in[k])))
            continue;
        if (position(f, n->in[k]) >= gr->first)
            return false;
        added += !contains(gr->in, gr->n_in, n->in[k]);
    }
    return gr->n_in + added <= URN__MAX_IN;
}

/* Does the node read something of its full extent that the group reads, too? */
static bool shares_input(const fusion *f, const group *gr, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    for (int k = 0; k < n->n_in; k++)
        if (contains(gr->in, gr->n_in, n->in[k]) &&
            urn__shape_equal(urn__graph_shape(f->g, n->in[k]), extent(f, id)))
            return true;
    return false;
}

static void join(fusion *f, group *gr, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    gr->member[gr->n_members++] = id;
    for (int k = 0; k < n->n_in; k++)
        if (f->of[n->in[k]] != gr && !contains(gr->in, gr->n_in, n->in[k]))
            gr->in[gr->n_in++] = n->in[k];
    f->of[id] = gr;
}

/* The group of an input; else one that reads what the node reads. */
static group *group_for(const fusion *f, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    for (int k = 0; k < n->n_in; k++)
        if (f->of[n->in[k]] != NULL && can_join(f, f->of[n->in[k]], id))
            return f->of[n->in[k]];
    group *gr = f->last;
    for (int k = 0; k < LOOK_BACK && gr != NULL; k++, gr = gr->before)
        if (shares_input(f, gr, id) && can_join(f, gr, id))
            return gr;
    return NULL;
}

static bool place(fusion *f, urn__id id)
{
    group *gr = group_for(f, id);
    if (gr == NULL) {
        gr = urn__arena_alloc(f->scratch, 1, sizeof *gr);
        if (gr == NULL)
            return false;
        gr->first = id;
        gr->before = f->last;
        f->last = gr;
    }
    join(f, gr, id);
    return true;
}

/* Members seen from outside: roots, sums, and inputs of nodes elsewhere. */
static void find_outputs(fusion *f)
{
    memcpy(f->output, f->root, ((size_t)f->count + 1) * sizeof *f->output);
    for (urn__id id = 1; id <= f->count; id++) {
        const urn__node *n = urn__graph_node(f->g, id);
        for (int k = 0; f->needed[id] && k < n->n_in; k++) {
            const group *gr = f->of[n->in[k]];
            if (gr != NULL && gr != f->of[id])
                f->output[n->in[k]] = true;
        }
        f->output[id] = f->output[id] || (f->of[id] != NULL && is_sum(n));
    }
    for (urn__id id = 1; id <= f->count; id++) {
        group *gr = f->of[id];
        if (gr == NULL || !f->output[id])
            continue;
        if (gr->n_out < URN__MAX_OUT)
            gr->out[gr->n_out] = id;
        gr->n_out++;
    }
}

static bool worthwhile(const group *gr)
{
    return gr->n_members > 1;
}

/* Sums have no register. */
static int register_of(const fusion *f, const group *gr, urn__id id)
{
    for (int k = 0; k < gr->n_in; k++)
        if (gr->in[k] == id)
            return k;
    int reg = gr->n_in;
    for (int k = 0; k < gr->n_members && gr->member[k] != id; k++)
        reg += !is_sum(urn__graph_node(f->g, gr->member[k]));
    return reg;
}

static void add_instruction(const fusion *f, const group *gr, urn__id id, urn__fused_attr *a)
{
    const urn__node *n = urn__graph_node(f->g, id);
    const bool copied = n->op == &urn__op_broadcast;
    if (is_sum(n))
        return;
    const int k = a->n_instr++;
    a->instr[k].arity = copied ? 0 : n->n_in;
    a->instr[k].map = copied ? 0 : n->op->map;
    a->instr[k].a = register_of(f, gr, n->in[0]);
    a->instr[k].b = n->n_in > 1 ? register_of(f, gr, n->in[1]) : 0;
}

static void add_output(const fusion *f, const group *gr, urn__id id, urn__fused_attr *a)
{
    const urn__node *n = urn__graph_node(f->g, id);
    const int k = a->n_out++;
    const bool total = n->op == &urn__op_total;
    a->kind[k] = total ? URN__FUSED_TOTAL : is_sum(n) ? URN__FUSED_SUM : URN__FUSED_VALUE;
    a->out[k] = register_of(f, gr, is_sum(n) ? n->in[0] : id);
    a->factor[k] = total ? ((const urn__total_attr *)n->attr)->factor : 1.0;
}

static bool emit_group(fusion *f, const group *gr)
{
    urn__fused_attr a;
    urn__id in[URN__MAX_IN];
    memset(&a, 0, sizeof a);
    a.shape = *extent(f, gr->first);
    for (int k = 0; k < gr->n_in; k++)
        in[k] = f->new_id[gr->in[k]];
    for (int k = 0; k < gr->n_members; k++)
        add_instruction(f, gr, gr->member[k], &a);
    for (int k = 0; k < gr->n_out; k++)
        add_output(f, gr, gr->out[k], &a);
    const urn__id fused = urn__emit(f->g, &urn__op_fused, gr->n_in, in, &a, sizeof a);
    for (int k = 0; fused != 0 && k < gr->n_out; k++)
        f->new_id[gr->out[k]] = gr->n_out == 1 ? fused : urn__output(f->g, fused, k);
    return fused != 0;
}

static bool rebuild_node(fusion *f, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    const group *gr = f->of[id];
    urn__id in[URN__MAX_IN];
    if (gr != NULL && worthwhile(gr))
        return gr->first == id ? emit_group(f, gr) : true;
    for (int k = 0; k < n->n_in; k++)
        in[k] = f->new_id[n->in[k]];
    f->new_id[id] = urn__emit(f->g, n->op, n->n_in, in, n->attr, urn__interned_size(n->attr));
    return f->new_id[id] != 0;
}

static bool too_many_outputs(const fusion *f)
{
    for (const group *gr = f->last; gr != NULL; gr = gr->before)
        if (gr->n_out > URN__MAX_OUT)
            return true;
    return false;
}

/* A group runs where its first member stood, so a single group cannot be taken apart afterwards:
 * where one has too many outputs, all are made anew and kept small enough. */
static bool make_groups(fusion *f, int most_members)
{
    f->most_members = most_members;
    f->last = NULL;
    memset(f->of, 0, ((size_t)f->count + 1) * sizeof(group *));
    for (urn__id id = 1; id <= f->count; id++)
        if (f->needed[id] && fusible(f, id) && !place(f, id))
            return false;
    find_outputs(f);
    return !too_many_outputs(f) || make_groups(f, URN__MAX_OUT);
}

static bool run(fusion *f, int n, urn__id *root)
{
    urn__mark_needed(f->g, n, root, f->needed);
    for (int k = 0; k < n; k++)
        f->root[root[k]] = true;
    if (!make_groups(f, URN__FUSED_MAX))
        return false;
    for (int constants = 1; constants >= 0; constants--)
        for (urn__id id = 1; id <= f->count; id++)
            if (f->needed[id] && urn__graph_node(f->g, id)->constant == (constants != 0) &&
                !rebuild_node(f, id))
                return false;
    for (int k = 0; k < n; k++)
        root[k] = f->new_id[root[k]];
    return true;
}

urn_status urn__fuse_elementwise(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    fusion f = {.g = g, .count = urn__graph_count(g)};
    const size_t count = (size_t)f.count + 1;
    f.scratch = urn__arena_new(urn__arena_allocator(urn__graph_arena(g)));
    if (f.scratch == NULL)
        return urn__fail_memory(error, "fusion", count);
    f.needed = urn__arena_alloc(f.scratch, count, sizeof *f.needed);
    f.root = urn__arena_alloc(f.scratch, count, sizeof *f.root);
    f.output = urn__arena_alloc(f.scratch, count, sizeof *f.output);
    f.of = urn__arena_alloc(f.scratch, count, sizeof(group *));
    f.new_id = urn__arena_alloc(f.scratch, count, sizeof *f.new_id);
    const bool ok = !urn__arena_failed(f.scratch) && run(&f, n, root);
    const bool memory = urn__arena_failed(f.scratch) || urn__arena_failed(urn__graph_arena(g));
    urn__arena_free(f.scratch);
    if (ok)
        return URN_OK;
    return memory ? urn__fail_memory(error, "fusion", count)
                  : urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "while fusing: %s",
                              urn__graph_error(g));
}
