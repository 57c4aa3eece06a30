/* Nodes, hash-consing and the shorthands that build them. */
#include "graph.h"
#include <stdio.h>
#include <string.h>

#define MAX_PLATES 64
#define MESSAGE_SIZE 768

struct urn__graph {
    urn__arena *arena;
    urn__node *node; /* [0] is the poison */
    uint32_t count, capacity;
    uint32_t *bucket; /* open addressing: node ids */
    uint32_t n_buckets;
    const void **interned; /* open addressing: blobs */
    uint32_t n_interned, interned_capacity;
    struct kept *kept;
    const char *plate_name[MAX_PLATES];
    char error[MESSAGE_SIZE];
};

/* An interned blob starts with its size. */
typedef struct blob {
    size_t size;
    uint64_t hash;
    char bytes[];
} blob;

/* Values of a constant, for later plans. */
typedef struct kept {
    urn__id id;
    int32_t output;
    const urn__kernels *kernels;
    urn_precision precision;
    const void *values;
    struct kept *next;
} kept;

urn__graph *urn__graph_new(urn__arena *arena)
{
    urn__graph *g = urn__arena_alloc(arena, 1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->arena = arena;
    g->capacity = 64;
    g->n_buckets = 256;
    g->interned_capacity = 128;
    g->node = urn__arena_alloc(arena, g->capacity, sizeof *g->node);
    g->bucket = urn__arena_alloc(arena, g->n_buckets, sizeof *g->bucket);
    g->interned = urn__arena_alloc(arena, g->interned_capacity, sizeof *g->interned);
    return urn__arena_failed(arena) ? NULL : g;
}

urn__arena *urn__graph_arena(const urn__graph *g)
{
    return g->arena;
}

uint32_t urn__graph_count(const urn__graph *g)
{
    return g->count;
}

const urn__node *urn__graph_node(const urn__graph *g, urn__id id)
{
    return &g->node[id];
}

const urn__shape *urn__graph_shape(const urn__graph *g, urn__id id)
{
    return g->node[id].shape;
}

void urn__graph_name_plate(urn__graph *g, int32_t plate, const char *name)
{
    if (plate >= 0 && plate < MAX_PLATES)
        g->plate_name[plate] = name;
}

const char *urn__graph_plate_name(const urn__graph *g, int32_t plate)
{
    const bool known = plate >= 0 && plate < MAX_PLATES && g->plate_name[plate] != NULL;
    return known ? g->plate_name[plate] : "plate";
}

const char *urn__shape_text(const urn__graph *g, const urn__shape *s, char *text, size_t size)
{
    size_t at = 0;
    const int rank = s->n_plates + s->n_event;
    if (rank == 0)
        (void)snprintf(text, size, "scalar");
    for (int i = 0; i < rank && at < size; i++) {
        const char *separator = i == 0 ? "" : " x ";
        const char *name = i < s->n_plates ? urn__graph_plate_name(g, s->plate[i]) : "";
        const char *format = i < s->n_plates ? "%s%s[%lld]" : "%s%s%lld";
        const int n = snprintf(text + at, size - at, format, separator, name, (long long)s->dim[i]);
        at += n > 0 ? (size_t)n : 0;
    }
    return text;
}

const char *urn__graph_error(const urn__graph *g)
{
    return g->error;
}

void urn__graph_clear_error(urn__graph *g)
{
    g->error[0] = '\0';
}

static urn__id out_of_memory(urn__graph *g)
{
    if (g->error[0] == '\0')
        (void)snprintf(g->error, sizeof g->error, "out of memory while building the graph");
    return 0;
}

/* ---- interning ---- */

static bool interned_grow(urn__graph *g)
{
    const uint32_t capacity = 2 * g->interned_capacity;
    const void **table = urn__arena_alloc(g->arena, capacity, sizeof *table);
    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < g->interned_capacity; i++) {
        const blob *b = g->interned[i];
        if (b == NULL)
            continue;
        uint32_t at = (uint32_t)b->hash & (capacity - 1);
        while (table[at] != NULL)
            at = (at + 1) & (capacity - 1);
        table[at] = b;
    }
    g->interned = table;
    g->interned_capacity = capacity;
    return true;
}

const void *urn__graph_intern(urn__graph *g, const void *bytes, size_t size)
{
    if (2 * (g->n_interned + 1) > g->interned_capacity && !interned_grow(g))
        return NULL;
    const uint64_t hash = urn__hash_bytes(size, bytes, size);
    uint32_t at = (uint32_t)hash & (g->interned_capacity - 1);
    for (const blob *b; (b = g->interned[at]) != NULL; at = (at + 1) & (g->interned_capacity - 1))
        if (b->hash == hash && b->size == size && memcmp(b->bytes, bytes, size) == 0)
            return b->bytes;
    blob *b = urn__arena_alloc(g->arena, 1, sizeof *b + size);
    if (b == NULL)
        return NULL;
    b->size = size;
    b->hash = hash;
    memcpy(b->bytes, bytes, size);
    g->interned[at] = b;
    g->n_interned++;
    return b->bytes;
}

size_t urn__interned_size(const void *interned)
{
    if (interned == NULL)
        return 0;
    const char *bytes = interned;
    return ((const blob *)(const void *)(bytes - offsetof(blob, bytes)))->size;
}

/* ---- hash-consing ---- */

static uint64_t node_hash(const urn__node *n)
{
    uint64_t h = urn__hash_u64((uint64_t)(uintptr_t)n->op, (uint64_t)(uintptr_t)n->attr);
    for (int i = 0; i < n->n_in; i++)
        h = urn__hash_u64(h, n->in[i]);
    return h;
}

static bool node_equal(const urn__node *a, const urn__node *b)
{
    return a->op == b->op && a->attr == b->attr && a->n_in == b->n_in &&
           memcmp(a->in, b->in, (size_t)a->n_in * sizeof a->in[0]) == 0;
}

static bool buckets_grow(urn__graph *g)
{
    const uint32_t n = 2 * g->n_buckets;
    uint32_t *table = urn__arena_alloc(g->arena, n, sizeof *table);
    if (table == NULL)
        return false;
    for (uint32_t id = 1; id <= g->count; id++) {
        uint32_t at = (uint32_t)node_hash(&g->node[id]) & (n - 1);
        while (table[at] != 0)
            at = (at + 1) & (n - 1);
        table[at] = id;
    }
    g->bucket = table;
    g->n_buckets = n;
    return true;
}

static bool nodes_grow(urn__graph *g)
{
    if (g->count + 1 < g->capacity)
        return true;
    urn__node *node = urn__arena_alloc(g->arena, 2 * (size_t)g->capacity, sizeof *node);
    if (node == NULL)
        return false;
    memcpy(node, g->node, g->capacity * sizeof *node);
    g->node = node;
    g->capacity *= 2;
    return true;
}

static void write_shape_error(urn__graph *g, const urn__shape_query *q, const char *op,
                              const char *why)
{
    size_t at = (size_t)snprintf(g->error, sizeof g->error, "%s of", op);
    for (int i = 0; i < q->n_in && at < sizeof g->error; i++) {
        char shape[160];
        urn__shape_text(g, q->in[i], shape, sizeof shape);
        at += (size_t)snprintf(g->error + at, sizeof g->error - at, "%s %s", i == 0 ? "" : " and",
                               shape);
    }
    if (at < sizeof g->error)
        (void)snprintf(g->error + at, sizeof g->error - at, ": %s", why);
}

static bool infer_shapes(urn__graph *g, urn__node *n)
{
    char why[MESSAGE_SIZE / 2] = "";
    urn__shape_query q = {.graph = g,
                          .attr = n->attr,
                          .n_in = n->n_in,
                          .id = n->in,
                          .n_out = 1,
                          .why = why,
                          .why_size = sizeof why};
    n->constant = (n->op->flags & URN__OP_VARIES) == 0;
    for (int i = 0; i < n->n_in; i++) {
        q.in[i] = g->node[n->in[i]].shape;
        n->constant = n->constant && g->node[n->in[i]].constant;
    }
    if (!n->op->shape(&q)) {
        if (g->error[0] == '\0')
            write_shape_error(g, &q, n->op->name, why);
        return false;
    }
    n->n_out = q.n_out;
    n->shape = urn__graph_intern(g, q.out, (size_t)q.n_out * sizeof q.out[0]);
    return n->shape != NULL || out_of_memory(g) != 0;
}

/* Mini-batch leaves vary although their op does not always. */
static bool leaf_varies(const urn__node *n)
{
    if (n->op == &urn__op_data)
        return ((const urn__values_attr *)n->attr)->batch != 0;
    if (n->op == &urn__op_index)
        return ((const urn__index_attr *)n->attr)->batch != 0;
    return false;
}

urn__id urn__emit(urn__graph *g, const urn__op *op, int n_in, const urn__id *in, const void *attr,
                  size_t attr_size)
{
    urn__node n = {.op = op, .n_in = n_in};
    for (int i = 0; i < n_in; i++) {
        if (in[i] == 0)
            return 0;
        n.in[i] = in[i];
    }
    if (attr_size > 0 && (n.attr = urn__graph_intern(g, attr, attr_size)) == NULL)
        return out_of_memory(g);
    if (2 * (g->count + 1) > g->n_buckets && !buckets_grow(g))
        return out_of_memory(g);
    uint32_t at = (uint32_t)node_hash(&n) & (g->n_buckets - 1);
    for (; g->bucket[at] != 0; at = (at + 1) & (g->n_buckets - 1))
        if (node_equal(&g->node[g->bucket[at]], &n))
            return g->bucket[at];
    if (!nodes_grow(g))
        return out_of_memory(g);
    if (!infer_shapes(g, &n))
        return 0;
    n.constant = n.constant && !leaf_varies(&n);
    g->node[++g->count] = n;
    g->bucket[at] = g->count;
    return g->count;
}

/* ---- constants ---- */

const void *urn__graph_kept(const urn__graph *g, urn__id id, int k, const urn__kernels *kernels,
                            urn_precision precision)
{
    for (const kept *e = g->kept; e != NULL; e = e->next)
        if (e->id == id && e->output == k && e->kernels == kernels && e->precision == precision)
            return e->values;
    return NULL;
}

bool urn__graph_keep(urn__graph *g, urn__id id, int k, const urn__kernels *kernels,
                     urn_precision precision, const void *values)
{
    kept *e = urn__arena_alloc(g->arena, 1, sizeof *e);
    if (e == NULL)
        return false;
    *e = (kept){id, k, kernels, precision, values, g->kept};
    g->kept = e;
    return true;
}

/* ---- shorthands ---- */

urn__id urn__emit1(urn__graph *g, const urn__op *op, urn__id x)
{
    return urn__emit(g, op, 1, &x, NULL, 0);
}

urn__id urn__emit2(urn__graph *g, const urn__op *op, urn__id a, urn__id b)
{
    return urn__emit(g, op, 2, (urn__id[]){a, b}, NULL, 0);
}

/* Values of constants are interned too, so equal constants are one node. */
urn__id urn__constant(urn__graph *g, const urn__shape *shape, const double *values)
{
    const size_t size = (size_t)urn__shape_size(shape) * sizeof *values;
    const urn__values_attr attr = {.values = urn__graph_intern(g, values, size), .shape = *shape};
    if (attr.values == NULL)
        return out_of_memory(g);
    return urn__emit(g, &urn__op_constant, 0, NULL, &attr, sizeof attr);
}

urn__id urn__number(urn__graph *g, double value)
{
    const urn__shape scalar = urn__shape_scalar();
    return urn__constant(g, &scalar, &value);
}

urn__id urn__output(urn__graph *g, urn__id node, int k)
{
    const urn__ints_attr attr = {.a = k};
    return urn__emit(g, &urn__op_output, 1, &node, &attr, sizeof attr);
}

bool urn__number_of(const urn__graph *g, urn__id id, double *value)
{
    const urn__node *n = &g->node[id];
    if (n->op != &urn__op_constant || urn__shape_size(n->shape) != 1 || n->shape->n_plates > 0)
        return false;
    *value = urn__values_doubles(n->attr)[0];
    return true;
}

bool urn__is_number(const urn__graph *g, urn__id id, double value)
{
    double found;
    return urn__number_of(g, id, &found) && found <= value && found >= value;
}

urn__id urn__sum_to(urn__graph *g, urn__id x, const urn__shape *shape)
{
    if (x == 0 || urn__shape_equal(urn__graph_shape(g, x), shape))
        return x;
    const urn__shape_attr attr = {.shape = *shape};
    return urn__emit(g, &urn__op_sum_to, 1, &x, &attr, sizeof attr);
}

urn__id urn__broadcast(urn__graph *g, urn__id x, const urn__shape *shape)
{
    if (x == 0 || urn__shape_equal(urn__graph_shape(g, x), shape))
        return x;
    const urn__shape_attr attr = {.shape = *shape};
    return urn__emit(g, &urn__op_broadcast, 1, &x, &attr, sizeof attr);
}

urn__id urn__reshape_event(urn__graph *g, urn__id x, int n_event, const int64_t *dims)
{
    if (x == 0)
        return 0;
    const urn__shape_attr attr = {.shape =
                                      urn__shape_with_event(urn__graph_shape(g, x), n_event, dims)};
    if (urn__shape_equal(urn__graph_shape(g, x), &attr.shape))
        return x;
    return urn__emit(g, &urn__op_reshape, 1, &x, &attr, sizeof attr);
}

/* What `a` is a broadcast of, if `b` has the whole shape anyway. */
static urn__id without_broadcast(const urn__graph *g, urn__id a, urn__id b)
{
    const urn__node *n = &g->node[a];
    const bool same = n->op == &urn__op_broadcast && urn__shape_equal(n->shape, g->node[b].shape);
    return same ? n->in[0] : a;
}

urn__id urn__times(urn__graph *g, urn__id a, urn__id b)
{
    if (a == 0 || b == 0)
        return 0;
    const urn__id small = without_broadcast(g, a, b);
    b = small == a ? without_broadcast(g, b, a) : b;
    a = small;
    if (urn__is_number(g, a, 1.0))
        return b;
    if (urn__is_number(g, b, 1.0))
        return a;
    return urn__emit2(g, &urn__op_mul, a, b);
}

urn__id urn__negate(urn__graph *g, urn__id x)
{
    if (x == 0)
        return 0;
    const urn__node *n = &g->node[x];
    if (n->op != &urn__op_broadcast)
        return urn__emit1(g, &urn__op_neg, x);
    const urn__shape shape = *n->shape;
    return urn__broadcast(g, urn__emit1(g, &urn__op_neg, n->in[0]), &shape);
}

urn__id urn__plus(urn__graph *g, urn__id a, urn__id b)
{
    if (a == 0)
        return b;
    return b == 0 ? a : urn__emit2(g, &urn__op_add, a, b);
}
