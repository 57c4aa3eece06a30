/* Copying graphs node by node, checking them, and printing them. */
#include "graph.h"
#include <string.h>

typedef struct copy {
    const urn__graph *from;
    urn__graph *to;
    urn__id *new_id;
    bool *needed;
} copy;

void urn__mark_needed(const urn__graph *g, int n, const urn__id *root, bool *needed)
{
    const uint32_t count = urn__graph_count(g);
    memset(needed, 0, ((size_t)count + 1) * sizeof *needed);
    for (int k = 0; k < n; k++)
        if (root[k] != 0)
            needed[root[k]] = true;
    for (urn__id id = count; id >= 1; id--) {
        const urn__node *node = urn__graph_node(g, id);
        for (int k = 0; needed[id] && k < node->n_in; k++)
            needed[node->in[k]] = true;
    }
}

static urn_status copy_error(const urn__graph *to, urn_error *error)
{
    if (urn__arena_failed(urn__graph_arena(to)))
        return urn__fail_memory(error, "the graph", 0);
    return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "while rewriting the graph: %s",
                     urn__graph_error(to));
}

static urn_status copy_node(copy *c, urn__id id, urn__rewrite *rewrite, void *context,
                            urn_error *error)
{
    const urn__node *node = urn__graph_node(c->from, id);
    urn__id in[URN__MAX_IN] = {0};
    for (int k = 0; k < node->n_in; k++)
        in[k] = c->new_id[node->in[k]];
    if (rewrite != NULL)
        c->new_id[id] = rewrite(context, c->to, c->from, id, in, c->new_id);
    if (c->new_id[id] == 0)
        c->new_id[id] =
            urn__emit(c->to, node->op, node->n_in, in, node->attr, urn__interned_size(node->attr));
    return c->new_id[id] != 0 ? URN_OK : copy_error(c->to, error);
}

urn_status urn__graph_rewrite(const urn__graph *from, urn__graph *to, int n, urn__id *root,
                              urn__rewrite *rewrite, void *context, urn_error *error)
{
    return urn__graph_rewrite_late(from, to, n, root, NULL, rewrite, context, error);
}

static urn_status copy_round(copy *c, uint32_t count, const bool *late, bool round,
                             urn__rewrite *rewrite, void *context, urn_error *error)
{
    urn_status status = URN_OK;
    for (urn__id id = 1; status == URN_OK && id <= count; id++)
        if (c->needed[id] && (late != NULL && late[id]) == round)
            status = copy_node(c, id, rewrite, context, error);
    return status;
}

urn_status urn__graph_rewrite_late(const urn__graph *from, urn__graph *to, int n, urn__id *root,
                                   const bool *late, urn__rewrite *rewrite, void *context,
                                   urn_error *error)
{
    const urn_allocator *allocator = urn__arena_allocator(urn__graph_arena(to));
    const uint32_t count = urn__graph_count(from);
    copy c = {.from = from, .to = to};
    c.new_id = urn__calloc(allocator, (size_t)count + 1, sizeof *c.new_id);
    c.needed = urn__calloc(allocator, (size_t)count + 1, sizeof *c.needed);
    urn_status status = URN_OK;
    if (c.new_id == NULL || c.needed == NULL)
        status = urn__fail_memory(error, "the graph", count);
    else
        urn__mark_needed(from, n, root, c.needed);
    for (int round = 0; status == URN_OK && round < 2; round++)
        status = copy_round(&c, count, late, round == 1, rewrite, context, error);
    for (int k = 0; status == URN_OK && k < n; k++)
        root[k] = c.new_id[root[k]];
    urn__free(allocator, c.new_id);
    urn__free(allocator, c.needed);
    return status;
}

/* ---- narrow ---- */

static bool gives_wide(const urn__graph *g, urn__id id)
{
    const urn__node *n = urn__graph_node(g, id);
    if (n->op == &urn__op_output)
        return urn__is_wide(urn__graph_node(g, n->in[0]),
                            (int)((const urn__ints_attr *)n->attr)->a);
    return urn__is_wide(n, 0);
}

static urn__id read_narrow(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                           const urn__id *new_in, const urn__id *new_id)
{
    (void)context, (void)new_id;
    const urn__node *n = urn__graph_node(from, id);
    urn__id in[URN__MAX_IN];
    if (n->op == &urn__op_output || n->op == &urn__op_narrow)
        return 0;
    for (int k = 0; k < n->n_in; k++)
        in[k] = gives_wide(to, new_in[k]) ? urn__emit1(to, &urn__op_narrow, new_in[k]) : new_in[k];
    return urn__emit(to, n->op, n->n_in, in, n->attr, urn__interned_size(n->attr));
}

urn_status urn__narrow(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    return urn__graph_rewrite(g, g, n, root, read_narrow, NULL, error);
}

/* ---- verify ---- */

static urn_status illegal(urn_error *error, urn__id id, const urn__node *n, const char *what)
{
    return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "node %u (%s): %s", id, n->op->name,
                     what);
}

static urn_status verify_node(const urn__graph *g, urn__id id, urn_error *error)
{
    const urn__node *n = urn__graph_node(g, id);
    char why[256] = "";
    urn__shape_query q = {.graph = g,
                          .attr = n->attr,
                          .n_in = n->n_in,
                          .id = n->in,
                          .n_out = 1,
                          .why = why,
                          .why_size = sizeof why};
    if (n->op->arity >= 0 && n->n_in != n->op->arity)
        return illegal(error, id, n, "wrong number of inputs");
    if (n->op->run == NULL && !(n->op->flags & (URN__OP_LEAF | URN__OP_ALIAS)) &&
        n->op != &urn__op_output)
        return illegal(error, id, n, "neither kernel nor leaf");
    for (int k = 0; k < n->n_in; k++) {
        if (n->in[k] == 0 || n->in[k] >= id)
            return illegal(error, id, n, "an input comes after the node");
        q.in[k] = urn__graph_shape(g, n->in[k]);
    }
    if (!n->op->shape(&q))
        return illegal(error, id, n, why);
    if (q.n_out != n->n_out)
        return illegal(error, id, n, "number of outputs");
    for (int k = 0; k < q.n_out; k++)
        if (!urn__shape_equal(&q.out[k], &n->shape[k]))
            return illegal(error, id, n, "its shape is not what its rule says");
    return URN_OK;
}

urn_status urn__verify(const urn__graph *g, urn_error *error)
{
    for (urn__id id = 1; id <= urn__graph_count(g); id++)
        URN_TRY(verify_node(g, id, error));
    return URN_OK;
}

/* ---- dump ---- */

static const char *map_name(int32_t arity, int32_t map)
{
    for (int i = 0; urn__op_at(i) != NULL; i++)
        if ((urn__op_at(i)->flags & URN__OP_ELEMENTWISE) && urn__op_at(i)->arity == arity &&
            urn__op_at(i)->map == map)
            return urn__op_at(i)->name;
    return "copy";
}

/* What a fused node does, e.g. "<mul, add, sum>". */
static void dump_fused(const urn__fused_attr *a, urn__text *text)
{
    static const char *const kinds[] = {[URN__FUSED_SUM] = "sum", [URN__FUSED_TOTAL] = "total"};
    const char *separator = "<";
    for (int i = 0; i < a->n_instr; i++, separator = ", ")
        urn__text_add(text, "%s%s", separator, map_name(a->instr[i].arity, a->instr[i].map));
    for (int k = 0; k < a->n_out; k++)
        if (a->kind[k] != URN__FUSED_VALUE) {
            urn__text_add(text, "%s%s", separator, kinds[a->kind[k]]);
            separator = ", ";
        }
    urn__text_add(text, ">");
}

static void dump_node(const urn__graph *g, urn__id id, urn__text *text)
{
    const urn__node *n = urn__graph_node(g, id);
    char shape[160];
    urn__text_add(text, "%%%u = %s", id, n->op->name);
    if (n->op == &urn__op_density || n->op == &urn__op_density_all) {
        const urn__density_attr *a = n->attr;
        urn__text_add(text, "<%s%s%s>", a->family->name, a->rowwise ? ", rowwise" : "",
                      a->producer >= 0 ? ", gather_dot inside" : "");
    }
    if (n->op == &urn__op_fused)
        dump_fused(n->attr, text);
    if (n->op == &urn__op_output)
        urn__text_add(text, "<%lld>", (long long)((const urn__ints_attr *)n->attr)->a);
    for (int k = 0; k < n->n_in; k++)
        urn__text_add(text, "%s%%%u", k == 0 ? " " : ", ", n->in[k]);
    for (int k = 0; k < n->n_out; k++)
        urn__text_add(text, "%s%s", k == 0 ? " : " : "; ",
                      urn__shape_text(g, &n->shape[k], shape, sizeof shape));
    urn__text_add(text, "%s\n", n->constant ? "  (constant)" : "");
}

void urn__dump(const urn__graph *g, int n, const urn__id *root, urn__text *text)
{
    const urn_allocator *allocator = urn__arena_allocator(urn__graph_arena(g));
    const uint32_t count = urn__graph_count(g);
    bool *needed = urn__calloc(allocator, (size_t)count + 1, sizeof *needed);
    if (needed == NULL) {
        text->failed = true;
        return;
    }
    urn__mark_needed(g, n, root, needed);
    for (urn__id id = 1; id <= count; id++)
        if (needed[id])
            dump_node(g, id, text);
    urn__free(allocator, needed);
}
