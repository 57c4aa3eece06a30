/* Fusion of factor models: the density of ratings over gain * link(U[iu] . V[iv] +
 * offset) + shift becomes one node (factor_density) that gives the sums over ratings for both
 * factors as well. */
#include "graph.h"
#include <string.h>

/* ---- before the backward pass ---- */

#define MOST_TERMS 8 /* of a mean */

typedef struct mean_terms {
    urn__id dot;    /* the gather_dot */
    urn__id offset; /* sum of the others, 0: none */
    double gain, shift;
    int32_t link;
} mean_terms;

/* Leaves of a tree of additions; false when there are too many. */
static bool list_terms(const urn__graph *g, urn__id id, urn__id *term, int *n)
{
    const urn__node *node = urn__graph_node(g, id);
    if (node->op == &urn__op_add)
        return list_terms(g, node->in[0], term, n) && list_terms(g, node->in[1], term, n);
    if (*n == MOST_TERMS)
        return false;
    term[(*n)++] = id;
    return true;
}

/* Takes sums and products with numbers off `id`, which is gain * (what is returned) + shift. */
static urn__id without_numbers(const urn__graph *g, urn__id id, double *gain, double *shift)
{
    *gain = 1.0;
    *shift = 0.0;
    for (int i = 0; i < MOST_TERMS; i++) {
        const urn__node *n = urn__graph_node(g, id);
        const bool add = n->op == &urn__op_add, mul = n->op == &urn__op_mul;
        double value;
        if (!add && !mul)
            return id;
        const int number = urn__number_of(g, n->in[1], &value) ? 1 : 0;
        if (number == 0 && !urn__number_of(g, n->in[0], &value))
            return id;
        *shift += add ? *gain * value : 0.0;
        *gain *= mul ? value : 1.0;
        id = n->in[1 - number];
    }
    return id;
}

static int32_t link_of(const urn__node *node)
{
    const bool known = node->op == &urn__op_sigmoid || node->op == &urn__op_exp ||
                       node->op == &urn__op_tanh || node->op == &urn__op_softplus;
    return known ? node->op->map : -1;
}

static bool is_row_or_number(const urn__shape *s, const urn__shape *rows)
{
    return urn__shape_equal(s, rows) || (s->n_plates == 0 && urn__shape_size(s) == 1);
}

/* Takes a mean apart; false when it is none of a factor model. */
static bool find_terms(urn__graph *g, urn__id mean, const urn__shape *rows, mean_terms *t)
{
    urn__id term[MOST_TERMS];
    int n = 0;
    *t = (mean_terms){.gain = 1.0};
    double gain, shift;
    const urn__id inner = without_numbers(g, mean, &gain, &shift);
    t->link = link_of(urn__graph_node(g, inner));
    if (t->link >= 0 || gain > 1.0 || gain < 1.0) {
        t->gain = gain;
        t->shift = shift;
        mean = t->link >= 0 ? urn__graph_node(g, inner)->in[0] : inner;
    }
    if (!urn__shape_equal(urn__graph_shape(g, mean), rows) || !list_terms(g, mean, term, &n))
        return false;
    for (int i = 0; i < n; i++) {
        const urn__node *node = urn__graph_node(g, term[i]);
        const bool dot = t->dot == 0 && node->op == &urn__op_gather_dot;
        if (dot)
            t->dot = term[i];
        else if (!is_row_or_number(node->shape, rows))
            return false;
        else
            t->offset = urn__plus(g, t->offset, term[i]);
    }
    return t->dot != 0;
}

static bool rows_sorted(const urn__graph *g, urn__id index)
{
    const urn__index_attr *a = urn__graph_node(g, index)->attr;
    return !a->batch && a->index != NULL && a->index->sorted;
}

/* Factors without plates of their own rows cannot be summed by row. */
static bool factors_fit(const urn__graph *g, const urn__node *dot)
{
    for (int k = 0; k < 2; k++) {
        const urn__shape *s = urn__graph_shape(g, dot->in[k]);
        if (s->n_plates != 1 || s->n_event != 1)
            return false;
    }
    return true;
}

/* Ratings a row of the smaller factor from which on one pass serves both (see the kernel). */
#define RATINGS_A_ROW 48

static int64_t rows_of(const urn__graph *g, urn__id index)
{
    return ((const urn__index_attr *)urn__graph_node(g, index)->attr)->n_targets;
}

/* The first factor is the larger one where one pass serves both, else the one whose rows the
 * ratings are sorted by. */
static bool second_first(const urn__graph *g, const urn__node *dot)
{
    const int64_t n = ((const urn__index_attr *)urn__graph_node(g, dot->in[2])->attr)->n;
    const int64_t n_u = rows_of(g, dot->in[2]), n_v = rows_of(g, dot->in[3]);
    const bool few = (n_u < n_v ? n_u : n_v) <= n / RATINGS_A_ROW;
    if (few && urn__shape_last(urn__graph_shape(g, dot->in[0])) >= URN__FACTOR_LONG)
        return n_v > n_u;
    return !rows_sorted(g, dot->in[2]) && rows_sorted(g, dot->in[3]);
}

static void put_factors(const urn__graph *g, const urn__node *dot, urn__id *in)
{
    const int swap = second_first(g, dot);
    for (int k = 0; k < 4; k++)
        in[k] = dot->in[k ^ swap];
}

static bool params_fit(const urn__graph *g, const urn__density_attr *a, const urn__id *in,
                       const urn__shape *rows)
{
    for (int k = 1; k <= a->n_given; k++)
        if (!is_row_or_number(urn__graph_shape(g, in[k]), rows))
            return false;
    return true;
}

static bool is_data(const urn__graph *g, urn__id id)
{
    const urn__node *n = urn__graph_node(g, id);
    return n->constant || n->op == &urn__op_data;
}

/* ---- rows in the order of the first factor ---- */

/* Copies of what rows are made of, in another order of the rows. The order of a sum over rows is
 * free, and ratings in the order of the first factor's rows are read one after another. */
typedef struct reordering {
    urn__graph *g;
    const int32_t *order;
    int64_t n;
    urn__shape rows;
} reordering;

static bool in_rows(const reordering *r, urn__id id)
{
    const urn__shape *s = urn__graph_shape(r->g, id);
    return s->n_plates == 1 && s->plate[0] == r->rows.plate[0] && s->dim[0] == r->n;
}

/* Can rows of `id` be computed in another order? */
static bool can_reorder(const reordering *r, urn__id id, int depth)
{
    const urn__node *n = urn__graph_node(r->g, id);
    if (n->op == &urn__op_index)
        return !((const urn__index_attr *)n->attr)->batch;
    if (!in_rows(r, id))
        return true; /* the same for all rows */
    if (n->op == &urn__op_data)
        return !((const urn__values_attr *)n->attr)->batch;
    const bool by_row = (n->op->flags & URN__OP_ELEMENTWISE) || n->op == &urn__op_gather ||
                        n->op == &urn__op_gather_dot;
    bool can = by_row && depth < MOST_TERMS;
    for (int k = 0; can && k < n->n_in; k++)
        can = can_reorder(r, n->in[k], depth + 1);
    return can;
}

static void release_numbers(void *numbers)
{
    urn__numbers_release(numbers);
}

/* A column stays what it is: numbers in their smallest type. */
static urn__id reorder_numbers(const reordering *r, const urn__values_attr *from)
{
    urn__numbers *numbers = urn__numbers_arranged(from->numbers, from->first, r->n, r->order);
    if (numbers == NULL || !urn__arena_keep(urn__graph_arena(r->g), numbers, release_numbers))
        return 0;
    const urn__values_attr attr = {.numbers = numbers, .width = 1, .shape = from->shape};
    return urn__emit(r->g, &urn__op_data, 0, NULL, &attr, sizeof attr);
}

static urn__id reorder_data(const reordering *r, const urn__values_attr *from)
{
    if (from->numbers != NULL)
        return reorder_numbers(r, from);
    urn__arena *arena = urn__graph_arena(r->g);
    const int64_t width = from->width;
    double *values = urn__arena_alloc(arena, (size_t)(r->n * width) + 1, sizeof *values);
    if (values == NULL)
        return 0;
    for (int64_t i = 0; i < r->n; i++)
        memcpy(values + i * width, from->values + r->order[i] * width,
               (size_t)width * sizeof *values);
    const urn__values_attr attr = {.values = values, .width = width, .shape = from->shape};
    return urn__emit(r->g, &urn__op_data, 0, NULL, &attr, sizeof attr);
}

static void release_index(void *index)
{
    urn__index_free(index);
}

static urn__id reorder_index(const reordering *r, const urn__index_attr *from)
{
    urn__arena *arena = urn__graph_arena(r->g);
    int32_t *row = urn__arena_alloc(arena, (size_t)r->n + 1, sizeof *row);
    for (int64_t i = 0; row != NULL && i < r->n; i++)
        row[i] = from->index->row[r->order[i]];
    urn__index *ix = row == NULL
                         ? NULL
                         : urn__index_new(urn__arena_allocator(arena), r->n, from->n_targets, row);
    if (ix == NULL || !urn__arena_keep(arena, ix, release_index))
        return 0;
    urn__index_attr attr = *from;
    attr.index = ix;
    return urn__emit(r->g, &urn__op_index, 0, NULL, &attr, sizeof attr);
}

/* The first factor's: where its rows start says it all. */
static urn__id sorted_index(const reordering *r, urn__id id)
{
    urn__arena *arena = urn__graph_arena(r->g);
    urn__index_attr attr = *(const urn__index_attr *)urn__graph_node(r->g, id)->attr;
    attr.index = urn__index_in_order(attr.index, urn__arena_allocator(arena));
    if (attr.index == NULL || !urn__arena_keep(arena, attr.index, release_index))
        return 0;
    return urn__emit(r->g, &urn__op_index, 0, NULL, &attr, sizeof attr);
}

static urn__id reorder(const reordering *r, urn__id id)
{
    const urn__node n = *urn__graph_node(r->g, id);
    urn__id in[URN__MAX_IN] = {0};
    if (n.op == &urn__op_index)
        return reorder_index(r, n.attr);
    if (!in_rows(r, id))
        return id;
    if (n.op == &urn__op_data)
        return reorder_data(r, n.attr);
    for (int k = 0; k < n.n_in; k++)
        in[k] = reorder(r, n.in[k]);
    return urn__emit(r->g, n.op, n.n_in, in, n.attr, urn__interned_size(n.attr));
}

/* Puts the inputs of a node in the order of its first index, where that is possible. Each distinct
 * column is copied once a node: equal copies of columns are rare, and graphs small. */
static void sort_rows(urn__graph *g, const urn__shape *rows, int n_in, urn__id *in)
{
    const urn__index_attr *first = urn__graph_node(g, in[2])->attr;
    if (first->batch || first->index == NULL || first->index->sorted)
        return;
    reordering r = {.g = g, .n = first->index->n, .rows = *rows};
    for (int k = 2; k < n_in; k++)
        if (!can_reorder(&r, in[k], 0))
            return;
    const urn_allocator *allocator = urn__arena_allocator(urn__graph_arena(g));
    int32_t *order = urn__index_order(first->index, allocator);
    r.order = order;
    for (int k = 2; k < n_in; k++)
        in[k] = order == NULL ? 0 : k == 2 ? sorted_index(&r, in[k]) : reorder(&r, in[k]);
    for (int k = 2; k < n_in; k++)
        if (in[k] == 0) /* not a reason to leave the node as it was */
            urn__arena_fail(urn__graph_arena(g));
    urn__free(allocator, order);
}

/* ---- the node ---- */

static urn__id to_factor_density(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                                 const urn__id *in, const urn__id *new_id)
{
    (void)context, (void)new_id;
    const urn__node *n = urn__graph_node(from, id);
    const urn__density_attr *d = n->attr;
    if (n->op != &urn__op_density || d->rowwise || d->has_mask || d->producer >= 0 ||
        d->family->event_rank != 0 || d->dim != 1 || !is_data(to, in[0]))
        return 0;
    const urn__shape rows = *urn__graph_shape(to, in[0]);
    urn__factor_attr a = {.density = *d, .gain = 1.0, .link = -1};
    if (rows.n_plates != 1 || rows.n_event != 0 || !params_fit(to, d, in, &rows) ||
        d->n_given + 7 > URN__MAX_IN)
        return 0;
    for (int k = 1; k <= d->n_given; k++) {
        mean_terms t;
        if (!find_terms(to, in[k], &rows, &t))
            continue;
        const urn__node dot = *urn__graph_node(to, t.dot);
        if (!factors_fit(to, &dot))
            continue;
        a.density.producer = d->given[k - 1];
        a.link = t.link;
        a.gain = t.gain;
        a.shift = t.shift;
        a.has_offset = t.offset != 0;
        urn__id inputs[URN__MAX_IN] = {0};
        put_factors(to, &dot, inputs);
        int n_in = 4;
        inputs[n_in++] = in[0];
        for (int j = 1; j <= d->n_given; j++)
            if (j != k)
                inputs[n_in++] = in[j];
        if (t.offset != 0)
            inputs[n_in++] = t.offset;
        sort_rows(to, &rows, n_in, inputs);
        return urn__emit(to, &urn__op_factor_density, n_in, inputs, &a, sizeof a);
    }
    return 0;
}

urn_status urn__fuse_factor(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    return urn__graph_rewrite(g, g, n, root, to_factor_density, NULL, error);
}

/* ---- after it: value and partials from one node ---- */

static bool wants_any(const urn__factor_attr *a)
{
    return a->wanted_u || a->wanted_v || a->wanted_offset || a->density.wanted != 0;
}

/* The node with the partials of a node without, 0 if there is none. */
static urn__id with_partials(const urn__graph *g, urn__id id)
{
    const urn__node *n = urn__graph_node(g, id);
    for (urn__id other = id + 1; other <= urn__graph_count(g); other++) {
        const urn__node *o = urn__graph_node(g, other);
        if (o->op != &urn__op_factor_density || memcmp(o->in, n->in, sizeof n->in) != 0)
            continue;
        urn__factor_attr a = *(const urn__factor_attr *)o->attr;
        if (!wants_any(&a))
            continue;
        a.wanted_u = a.wanted_v = a.wanted_offset = a.density.wanted = 0;
        if (memcmp(&a, n->attr, sizeof a) == 0)
            return other;
    }
    return 0;
}

static urn__id merge_value(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                           const urn__id *in, const urn__id *new_id)
{
    (void)context, (void)new_id;
    const urn__node *n = urn__graph_node(from, id);
    if (n->op != &urn__op_factor_density || wants_any(n->attr))
        return 0;
    const urn__id other = with_partials(from, id);
    if (other == 0)
        return 0;
    const urn__factor_attr a = *(const urn__factor_attr *)urn__graph_node(from, other)->attr;
    return urn__output(to, urn__emit(to, &urn__op_factor_density, n->n_in, in, &a, sizeof a), 0);
}

/* ---- and what is added to a partial becomes its base ---- */

/* One addition to be absorbed: `sum` = base + an output of `node`. */
typedef struct absorption {
    urn__id node, sum, base;
    int output;
    bool of_v;
} absorption;

/* Marks what depends on `on`. */
static void mark_dependents(const urn__graph *g, urn__id on, bool *depends)
{
    const uint32_t count = urn__graph_count(g);
    memset(depends, 0, ((size_t)count + 1) * sizeof *depends);
    depends[on] = true;
    for (urn__id id = on + 1; id <= count; id++) {
        const urn__node *n = urn__graph_node(g, id);
        for (int k = 0; k < n->n_in; k++)
            depends[id] = depends[id] || depends[n->in[k]];
    }
}

static int uses_of(const urn__graph *g, const bool *needed, urn__id id)
{
    int uses = 0;
    for (urn__id user = id + 1; user <= urn__graph_count(g); user++) {
        const urn__node *n = urn__graph_node(g, user);
        for (int k = 0; needed[user] && k < n->n_in; k++)
            uses += n->in[k] == id;
    }
    return uses;
}

/* Is `id` the partial of a factor that has no base yet? */
static bool is_bare_partial(const urn__graph *g, urn__id id, absorption *found)
{
    const urn__node *n = urn__graph_node(g, id);
    if (n->op != &urn__op_output)
        return false;
    const urn__node *from = urn__graph_node(g, n->in[0]);
    if (from->op != &urn__op_factor_density || from->n_in >= URN__MAX_IN)
        return false;
    const urn__factor_attr *a = from->attr;
    const int k = (int)((const urn__ints_attr *)n->attr)->a;
    const bool of_u = a->wanted_u && k == 1 && !a->base_u;
    const bool of_v = a->wanted_v && k == 1 + a->wanted_u && !a->base_v;
    found->node = n->in[0];
    found->output = k;
    found->of_v = of_v;
    return of_u || of_v;
}

/* On success `depends` has the marks of what depends on the node found. Both hold one mark a node.
 */
static bool find_absorption(const urn__graph *g, int n, const urn__id *root, bool *needed,
                            bool *depends, absorption *found)
{
    urn__mark_needed(g, n, root, needed);
    for (urn__id id = 1; id <= urn__graph_count(g); id++) {
        const urn__node *add = urn__graph_node(g, id);
        if (!needed[id] || add->op != &urn__op_add)
            continue;
        for (int k = 0; k < 2; k++) {
            const urn__id partial = add->in[k], base = add->in[1 - k];
            if (!is_bare_partial(g, partial, found) || uses_of(g, needed, partial) != 1 ||
                !urn__shape_equal(urn__graph_shape(g, base), urn__graph_shape(g, partial)))
                continue;
            mark_dependents(g, found->node, depends);
            found->sum = id;
            found->base = base;
            if (!depends[base])
                return true;
        }
    }
    return false;
}

/* The node gets one more input, and the sum becomes its output. */
static urn__id absorb(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                      const urn__id *new_in, const urn__id *new_id)
{
    const absorption *what = context;
    if (id == what->sum)
        return urn__output(to, new_id[what->node], what->output);
    if (id != what->node)
        return 0;
    const urn__node n = *urn__graph_node(from, id);
    urn__factor_attr a = *(const urn__factor_attr *)n.attr;
    urn__id in[URN__MAX_IN] = {0};
    int at = n.n_in;
    memcpy(in, new_in, (size_t)n.n_in * sizeof *in);
    if (!what->of_v && a.base_v) { /* the base of V comes last */
        in[at] = in[at - 1];
        at--;
    }
    in[at] = new_id[what->base];
    *(what->of_v ? &a.base_v : &a.base_u) = 1;
    return urn__emit(to, n.op, n.n_in + 1, in, &a, sizeof a);
}

/* One at a time: each makes new nodes, and may be what forbids the next. The node and what needs it
 * are late, since its base may stand after it. */
static urn_status absorb_all(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    const urn_allocator *allocator = urn__arena_allocator(urn__graph_arena(g));
    bool found = true;
    urn_status status = URN_OK;
    while (found && status == URN_OK) {
        absorption what;
        const size_t marks = (size_t)urn__graph_count(g) + 1;
        bool *needed = urn__calloc(allocator, 2 * marks, sizeof *needed);
        if (needed == NULL)
            return urn__fail_memory(error, "the graph", 2 * marks);
        bool *depends = needed + marks;
        found = find_absorption(g, n, root, needed, depends, &what);
        if (found)
            status = urn__graph_rewrite_late(g, g, n, root, depends, absorb, &what, error);
        urn__free(allocator, needed);
    }
    return status;
}

urn_status urn__fuse_factor_adjoint(urn__graph *g, int n, urn__id *root, urn_error *error)
{
    URN_TRY(urn__graph_rewrite(g, g, n, root, merge_value, NULL, error));
    return absorb_all(g, n, root, error);
}
