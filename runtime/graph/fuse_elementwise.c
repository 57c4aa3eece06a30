/* Groups chains of elementwise nodes of one shape. A group runs where its first member stood, so a
 * node may join only if its other inputs were there before. */
#include "graph.h"
#include <string.h>

#define SMALLEST 2 /* scalars are left alone */

typedef struct group {
    urn__id first;
    int n_members, n_in, n_out;
    urn__id member[URN__FUSED_MAX];
    urn__id in[URN__MAX_IN];
    urn__id out[URN__MAX_OUT];
    struct group *next;
} group;

typedef struct fusion {
    urn__graph *g;
    urn__arena *scratch;
    uint32_t count;
    bool *needed, *root;
    group **of; /* of a node, or NULL */
    urn__id *new_id;
} fusion;

static bool fusible(const fusion *f, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    const bool op = (n->op->flags & URN__OP_ELEMENTWISE) != 0 || n->op == &urn__op_broadcast;
    return op && !n->constant && urn__shape_size(n->shape) >= SMALLEST;
}

static urn__id position(const fusion *f, urn__id id)
{
    return f->of[id] != NULL ? f->of[id]->first : id;
}

static bool contains(const urn__id *list, int n, urn__id id)
{
    for (int k = 0; k < n; k++)
        if (list[k] == id)
            return true;
    return false;
}

/* Can node `id` join the group, and how many inputs would that add? */
static bool can_join(const fusion *f, const group *gr, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    int added = 0;
    if (gr->n_members >= URN__FUSED_MAX ||
        !urn__shape_equal(n->shape, urn__graph_shape(f->g, gr->first)))
        return false;
    for (int k = 0; k < n->n_in; k++) {
        if (f->of[n->in[k]] == gr)
            continue;
        if (position(f, n->in[k]) >= gr->first)
            return false;
        added += !contains(gr->in, gr->n_in, n->in[k]);
    }
    return gr->n_in + added <= URN__MAX_IN;
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

static bool place(fusion *f, urn__id id)
{
    const urn__node *n = urn__graph_node(f->g, id);
    for (int k = 0; k < n->n_in; k++) {
        group *gr = f->of[n->in[k]];
        if (gr != NULL && can_join(f, gr, id)) {
            join(f, gr, id);
            return true;
        }
    }
    group *gr = urn__arena_alloc(f->scratch, 1, sizeof *gr);
    if (gr == NULL)
        return false;
    gr->first = id;
    join(f, gr, id);
    return true;
}

/* Members seen from outside: roots and inputs of nodes elsewhere. */
static void find_outputs(fusion *f)
{
    for (urn__id id = 1; id <= f->count; id++) {
        const urn__node *n = urn__graph_node(f->g, id);
        for (int k = 0; f->needed[id] && k < n->n_in; k++) {
            group *gr = f->of[n->in[k]];
            if (gr != NULL && gr != f->of[id])
                f->root[n->in[k]] = true;
        }
    }
    for (urn__id id = 1; id <= f->count; id++) {
        group *gr = f->of[id];
        if (gr == NULL || !f->root[id])
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

static int register_of(const group *gr, urn__id id)
{
    for (int k = 0; k < gr->n_in; k++)
        if (gr->in[k] == id)
            return k;
    for (int k = 0; k < gr->n_members; k++)
        if (gr->member[k] == id)
            return gr->n_in + k;
    return -1;
}

static bool emit_group(fusion *f, const group *gr)
{
    urn__fused_attr a;
    urn__id in[URN__MAX_IN];
    memset(&a, 0, sizeof a);
    a.shape = *urn__graph_shape(f->g, gr->first);
    a.n_instr = gr->n_members;
    a.n_out = gr->n_out;
    for (int k = 0; k < gr->n_in; k++)
        in[k] = f->new_id[gr->in[k]];
    for (int k = 0; k < gr->n_members; k++) {
        const urn__node *n = urn__graph_node(f->g, gr->member[k]);
        const bool copied = n->op == &urn__op_broadcast;
        a.instr[k].arity = copied ? 0 : n->n_in;
        a.instr[k].map = copied ? 0 : n->op->map;
        a.instr[k].a = register_of(gr, n->in[0]);
        a.instr[k].b = n->n_in > 1 ? register_of(gr, n->in[1]) : 0;
    }
    for (int k = 0; k < gr->n_out; k++)
        a.out[k] = register_of(gr, gr->out[k]);
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

/* Members of such a group would run later than the groups beside it were promised: leave the graph
 * as it is. */
static bool too_many_outputs(const fusion *f)
{
    for (urn__id id = 1; id <= f->count; id++)
        if (f->of[id] != NULL && f->of[id]->n_out > URN__MAX_OUT)
            return true;
    return false;
}

static bool run(fusion *f, int n, urn__id *root)
{
    for (int k = 0; k < n; k++) {
        f->needed[root[k]] = root[k] != 0;
        f->root[root[k]] = true;
    }
    for (urn__id id = f->count; id >= 1; id--) {
        const urn__node *node = urn__graph_node(f->g, id);
        for (int k = 0; f->needed[id] && k < node->n_in; k++)
            f->needed[node->in[k]] = true;
    }
    for (urn__id id = 1; id <= f->count; id++)
        if (f->needed[id] && fusible(f, id) && !place(f, id))
            return false;
    find_outputs(f);
    if (too_many_outputs(f))
        return true;
    for (urn__id id = 1; id <= f->count; id++)
        if (f->needed[id] && !rebuild_node(f, id))
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
