/* Reverse-mode differentiation, graph to graph: adjoints are nodes like any other. */
#include "graph.h"
#include <string.h>

typedef struct sweep {
    urn__graph *g;
    uint32_t count;   /* nodes of the forward graph */
    bool *depends;    /* on one of the variables */
    urn__id *adjoint; /* of the first output, or of an output node */
    urn__id *extra;   /* of outputs of nodes with several: [id * URN__MAX_OUT + k] */
} sweep;

static void mark_dependent(sweep *s, int n, const urn__id *wrt)
{
    for (int k = 0; k < n; k++)
        s->depends[wrt[k]] = true;
    for (urn__id id = 1; id <= s->count; id++) {
        const urn__node *node = urn__graph_node(s->g, id);
        for (int k = 0; k < node->n_in; k++)
            s->depends[id] = s->depends[id] || s->depends[node->in[k]];
    }
}

/* Adjoints of the outputs of a node; false when nothing flows back through it. */
static bool collect(const sweep *s, urn__id id, urn__id *d_out)
{
    const urn__node *node = urn__graph_node(s->g, id);
    bool any = false;
    for (int k = 0; k < node->n_out; k++) {
        d_out[k] = s->extra[id * URN__MAX_OUT + (uint32_t)k];
        if (node->n_out == 1)
            d_out[k] = s->adjoint[id];
        any = any || d_out[k] != 0;
    }
    return any;
}

static void pass_to_output(sweep *s, urn__id id)
{
    const urn__node *node = urn__graph_node(s->g, id);
    const urn__ints_attr *k = node->attr;
    urn__id *slot = &s->extra[node->in[0] * URN__MAX_OUT + (uint32_t)k->a];
    *slot = urn__plus(s->g, *slot, s->adjoint[id]);
}

static urn_status pass_back(sweep *s, urn__id id, urn_error *error)
{
    const urn__node *node = urn__graph_node(s->g, id);
    urn__id d_out[URN__MAX_OUT] = {0}, d_in[URN__MAX_IN] = {0};
    bool wanted[URN__MAX_IN] = {0};
    if (node->op == &urn__op_output) {
        if (s->adjoint[id] != 0)
            pass_to_output(s, id);
        return URN_OK;
    }
    if (!collect(s, id, d_out) || node->n_in == 0)
        return URN_OK;
    if (node->op->vjp == NULL)
        return urn__fail(error, URN_ERR_MODEL, NULL, NULL,
                         "use an engine that needs no gradients, or another op",
                         "op %s has no derivative", node->op->name);
    for (int k = 0; k < node->n_in; k++)
        wanted[k] = s->depends[node->in[k]];
    node->op->vjp(s->g, id, d_out, wanted, d_in);
    for (int k = 0; k < node->n_in; k++)
        if (wanted[k] && d_in[k] != 0)
            s->adjoint[node->in[k]] = urn__plus(s->g, s->adjoint[node->in[k]], d_in[k]);
    return URN_OK;
}

static urn_status run(sweep *s, urn__id root, urn_error *error)
{
    s->adjoint[root] = urn__number(s->g, 1.0);
    for (urn__id id = root; id >= 1; id--)
        if (s->depends[id])
            URN_TRY(pass_back(s, id, error));
    if (urn__arena_failed(urn__graph_arena(s->g)))
        return urn__fail_memory(error, "the derivative graph", 0);
    if (urn__graph_error(s->g)[0] != '\0')
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                         "while building the derivative: %s", urn__graph_error(s->g));
    return URN_OK;
}

urn_status urn__backward(urn__graph *g, urn__id root, int n, const urn__id *wrt, urn__id *grad,
                         urn_error *error)
{
    const urn_allocator *allocator = urn__arena_allocator(urn__graph_arena(g));
    const size_t count = (size_t)urn__graph_count(g) + 1;
    sweep s = {.g = g, .count = urn__graph_count(g)};
    s.depends = urn__calloc(allocator, count, sizeof *s.depends);
    s.adjoint = urn__calloc(allocator, count, sizeof *s.adjoint);
    s.extra = urn__calloc(allocator, count * URN__MAX_OUT, sizeof *s.extra);
    urn_status status = URN_OK;
    if (s.depends == NULL || s.adjoint == NULL || s.extra == NULL)
        status = urn__fail_memory(error, "the derivative graph", count);
    if (status == URN_OK) {
        mark_dependent(&s, n, wrt);
        status = run(&s, root, error);
    }
    for (int k = 0; status == URN_OK && k < n; k++)
        grad[k] = s.adjoint[wrt[k]];
    urn__free(allocator, s.depends);
    urn__free(allocator, s.adjoint);
    urn__free(allocator, s.extra);
    return status;
}
