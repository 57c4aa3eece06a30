/* Rewrites that make fewer, larger nodes. The unfused graph computes the same and is the tests'
 * oracle. */
#include "family_single.h"
#include "graph.h"
#include <string.h>

/* ---- row_dot(gather, gather) -> gather_dot ---- */

static urn__id to_gather_dot(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                             const urn__id *in, const urn__id *new_id)
{
    (void)context, (void)new_id;
    if (urn__graph_node(from, id)->op != &urn__op_row_dot)
        return 0;
    const urn__node *a = urn__graph_node(to, in[0]), *b = urn__graph_node(to, in[1]);
    if (a->op != &urn__op_gather || b->op != &urn__op_gather || a->shape->n_event != 1 ||
        b->shape->n_event != 1 || !urn__shape_same_plates(a->shape, b->shape))
        return 0;
    const urn__id inputs[4] = {a->in[0], b->in[0], a->in[1], b->in[1]};
    return urn__emit(to, &urn__op_gather_dot, 4, inputs, NULL, 0);
}

urn_status urn__fuse_gather(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    return urn__graph_rewrite(g, g, n, root, to_gather_dot, NULL, error);
}

/* ---- densities ---- */

/* The partials wanted by some density_all on the same arguments as density node `id`, 0 if none. */
static int32_t wanted_by_adjoint(const urn__graph *g, uint32_t count, urn__id id)
{
    const urn__node *n = urn__graph_node(g, id);
    for (urn__id other = id + 1; other <= count; other++) {
        const urn__node *o = urn__graph_node(g, other);
        if (o->op != &urn__op_density_all || o->n_in != n->n_in ||
            memcmp(o->in, n->in, sizeof n->in) != 0)
            continue;
        urn__density_attr a = *(const urn__density_attr *)o->attr;
        const int32_t wanted = a.wanted;
        a.wanted = 0;
        if (memcmp(&a, n->attr, sizeof a) == 0)
            return wanted;
    }
    return 0;
}

/* Moves a gather_dot that feeds a parameter of a scalar family into the node. */
static int absorb_producer(const urn__graph *g, urn__density_attr *a, int n_in, urn__id *in)
{
    if (a->family->event_rank != 0 || a->dim != 1 || urn__family_components(a->family) > 0 ||
        a->producer >= 0 || n_in + 3 > URN__MAX_IN)
        return n_in;
    for (int k = 1; k <= a->n_given; k++) {
        const urn__node *p = urn__graph_node(g, in[k]);
        if (p->op != &urn__op_gather_dot || !urn__shape_equal(p->shape, urn__graph_shape(g, in[0])))
            continue;
        a->producer = a->given[k - 1];
        memmove(in + k + 4, in + k + 1, (size_t)(n_in - k - 1) * sizeof *in);
        memcpy(in + k, p->in, 4 * sizeof *in);
        return n_in + 3;
    }
    return n_in;
}

static urn__id merge_density(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                             const urn__id *new_in, const urn__id *new_id)
{
    (void)new_id;
    const uint32_t count = *(const uint32_t *)context;
    const urn__node *n = urn__graph_node(from, id);
    if (n->op != &urn__op_density && n->op != &urn__op_density_all)
        return 0;
    urn__density_attr a = *(const urn__density_attr *)n->attr;
    urn__id in[URN__MAX_IN] = {0};
    memcpy(in, new_in, (size_t)n->n_in * sizeof *in);
    if (n->op == &urn__op_density)
        a.wanted = wanted_by_adjoint(from, count, id);
    const int n_in = absorb_producer(to, &a, n->n_in, in);
    if (a.wanted == 0)
        return urn__emit(to, &urn__op_density, n_in, in, &a, sizeof a);
    const urn__id all = urn__emit(to, &urn__op_density_all, n_in, in, &a, sizeof a);
    return n->op == &urn__op_density ? urn__output(to, all, 0) : all;
}

urn_status urn__fuse_density(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    uint32_t count = urn__graph_count(g);
    return urn__graph_rewrite(g, g, n, root, merge_density, &count, error);
}
