/* Affine nodes taken apart: sums of products of a site with nodes that are free of it. The products
 * stay products: gathered factors are named, not multiplied out. */
#include "gibbs.h"
#include <string.h>

typedef struct apart {
    urn__graph *g;
    const urn__shape *x;
    urn__id site;
    const urn__form *forms;
} apart;

static urn__affine take(const apart *a, urn__id id);

static urn__affine unknown(void)
{
    return (urn__affine){.known = false};
}

static const urn__shape *shape_of(const apart *a, urn__id id)
{
    return urn__graph_shape(a->g, id);
}

static bool is_free(const apart *a, urn__id id)
{
    return a->forms[id].kind == URN__FORM_FREE;
}

static urn__id product(urn__graph *g, urn__id a, urn__id b)
{
    return a == 0 ? b : b == 0 ? a : urn__times(g, a, b);
}

/* A value with one more event dim, of size 1. */
static urn__id with_last(urn__graph *g, urn__id x)
{
    const urn__shape s = *urn__graph_shape(g, x);
    int64_t dims[URN__MAX_DIMS + 1] = {0};
    if (s.n_plates + s.n_event >= URN__MAX_DIMS)
        return 0;
    for (int i = 0; i < s.n_event; i++)
        dims[i] = s.dim[s.n_plates + i];
    dims[s.n_event] = 1;
    return urn__reshape_event(g, x, s.n_event + 1, dims);
}

/* ---- sums ---- */

static urn__id scaled(urn__graph *g, urn__id x, double factor)
{
    if (x == 0 || factor == 1.0)
        return x;
    return factor == -1.0 ? urn__negate(g, x) : urn__times(g, x, urn__number(g, factor));
}

urn__affine urn__affine_sum(urn__graph *g, const urn__affine *a, const urn__affine *b,
                            double factor)
{
    urn__affine sum = *a;
    if (!a->known || !b->known || a->n + b->n > URN__AFFINE_TERMS)
        return unknown();
    for (int i = 0; i < b->n; i++) {
        sum.term[sum.n] = b->term[i];
        sum.term[sum.n++].factor *= factor;
    }
    if (a->rest != 0 && b->rest != 0 && factor == -1.0)
        sum.rest = urn__emit2(g, &urn__op_sub, a->rest, b->rest);
    else
        sum.rest = urn__plus(g, a->rest, scaled(g, b->rest, factor));
    return sum;
}

/* ---- products ---- */

static bool number_of(const apart *a, urn__id id, double *value)
{
    const urn__node *n = urn__graph_node(a->g, id);
    return urn__number_of(a->g, n->op == &urn__op_broadcast ? n->in[0] : id, value);
}

/* Every term and the rest times `f`, which is free. */
static urn__affine multiplied(const apart *a, urn__affine s, urn__id f, bool divided)
{
    double number;
    const bool is_number = number_of(a, f, &number);
    if (!s.known)
        return s;
    if (divided && !is_number)
        f = urn__emit1(a->g, &urn__op_reciprocal, f);
    for (int i = 0; i < s.n; i++) {
        if (is_number)
            s.term[i].factor *= divided ? 1.0 / number : number;
        else
            s.term[i].gain = product(a->g, s.term[i].gain, f);
    }
    if (s.rest != 0 && is_number)
        s.rest = scaled(a->g, s.rest, divided ? 1.0 / number : number);
    else if (s.rest != 0)
        s.rest = urn__times(a->g, s.rest, f);
    return s;
}

/* Terms element by element become sums over the last event dim, times `f` (0: ones). */
static bool contract(const apart *a, urn__affine *s, urn__id f)
{
    if (!s->known || a->x->n_event != 1)
        return false;
    for (int i = 0; i < s->n; i++) {
        urn__affine_term *t = &s->term[i];
        if (t->dot)
            return false;
        t->coefficient = product(a->g, t->gain, f);
        t->gain = 0;
        t->dot = true;
    }
    return true;
}

static urn__affine dot_with(const apart *a, urn__id x, urn__id f)
{
    urn__affine s = take(a, x);
    const urn__shape *fs = shape_of(a, f);
    if (a->x->n_event != 1 || urn__shape_last(fs) != a->x->dim[a->x->n_plates] ||
        !contract(a, &s, f))
        return unknown();
    if (s.rest != 0)
        s.rest = urn__emit2(a->g, &urn__op_row_dot, s.rest, f);
    return s;
}

/* ---- ops over one input ---- */

static bool has_plate(const urn__shape *s, int32_t plate)
{
    for (int i = 0; i < s->n_plates; i++)
        if (s->plate[i] == plate)
            return true;
    return false;
}

static urn__id gathered(const apart *a, urn__id id, urn__id index)
{
    const urn__index_attr *at = urn__graph_node(a->g, index)->attr;
    if (id == 0 || !has_plate(shape_of(a, id), at->target_plate))
        return id;
    return urn__emit2(a->g, &urn__op_gather, id, index);
}

static urn__affine gather(const apart *a, urn__id x, urn__id index)
{
    urn__affine s = take(a, x);
    const urn__index_attr *at = urn__graph_node(a->g, index)->attr;
    for (int i = 0; s.known && i < s.n; i++) {
        urn__affine_term *t = &s.term[i];
        if (t->index != 0)
            return unknown();
        if (has_plate(a->x, at->target_plate))
            t->index = index;
        t->coefficient = gathered(a, t->coefficient, index);
        t->gain = gathered(a, t->gain, index);
    }
    if (s.known)
        s.rest = gathered(a, s.rest, index);
    return s;
}

/* A sum over the one event dim of x. */
static urn__affine sum_event(const apart *a, const urn__node *n)
{
    const urn__shape in = *shape_of(a, n->in[0]);
    const urn__shape plates = urn__shape_plates_of(&in);
    urn__affine s = take(a, n->in[0]);
    if (in.n_event != 1 || !urn__shape_equal(n->shape, &plates) ||
        urn__shape_last(&in) != urn__shape_last(a->x) || !contract(a, &s, 0))
        return unknown();
    if (s.rest != 0) {
        s.rest = urn__broadcast(a->g, s.rest, &in);
        s.rest = urn__sum_to(a->g, s.rest, &plates);
    }
    return s;
}

/* One element of x, as urn_element makes it: its product with a unit vector. */
static urn__affine element(const apart *a, const urn__node *n)
{
    const urn__node slice = *urn__graph_node(a->g, n->in[0]);
    if (slice.op != &urn__op_slice || a->x->n_event != 1 || n->shape->n_event != 0)
        return unknown();
    const urn__ints_attr *at = slice.attr;
    const int64_t dim = urn__shape_last(a->x);
    double *unit =
        at->b == 1 ? urn__arena_alloc(urn__graph_arena(a->g), (size_t)dim, sizeof *unit) : NULL;
    urn__affine s = take(a, slice.in[0]);
    if (unit == NULL || !s.known || s.rest != 0)
        return unknown();
    unit[at->a] = 1.0;
    const urn__shape vector = urn__shape_vector(dim);
    return contract(a, &s, urn__constant(a->g, &vector, unit)) ? s : unknown();
}

static urn__affine take_one(const apart *a, const urn__node *n)
{
    if (n->op == &urn__op_neg) {
        const urn__affine s = take(a, n->in[0]), nothing = {.known = true};
        return urn__affine_sum(a->g, &nothing, &s, -1.0);
    }
    if (n->op == &urn__op_gather)
        return gather(a, n->in[0], n->in[1]);
    if (n->op == &urn__op_broadcast)
        return take(a, n->in[0]);
    if (n->op == &urn__op_sum_to)
        return sum_event(a, n);
    if (n->op == &urn__op_reshape)
        return element(a, n);
    return unknown();
}

static urn__affine take_two(const apart *a, const urn__node *n)
{
    const urn__id x = n->in[0], y = n->in[1];
    if (n->op == &urn__op_add || n->op == &urn__op_sub) {
        const urn__affine left = take(a, x), right = take(a, y);
        return urn__affine_sum(a->g, &left, &right, n->op == &urn__op_add ? 1.0 : -1.0);
    }
    if (n->op == &urn__op_mul && is_free(a, x))
        return multiplied(a, take(a, y), x, false);
    if (n->op == &urn__op_mul && is_free(a, y))
        return multiplied(a, take(a, x), y, false);
    if (n->op == &urn__op_div && is_free(a, y))
        return multiplied(a, take(a, x), y, true);
    if (n->op == &urn__op_row_dot && is_free(a, x))
        return dot_with(a, y, x);
    if (n->op == &urn__op_row_dot && is_free(a, y))
        return dot_with(a, x, y);
    return n->op == &urn__op_gather ? take_one(a, n) : unknown();
}

static urn__affine take(const apart *a, urn__id id)
{
    const urn__node n = *urn__graph_node(a->g, id);
    if (id == a->site)
        return (urn__affine){.known = true, .n = 1, .term = {{.factor = 1.0}}};
    if (is_free(a, id))
        return (urn__affine){.known = true, .rest = id};
    const urn__form_kind kind = a->forms[id].kind;
    if (kind != URN__FORM_AFFINE && kind != URN__FORM_POWER)
        return unknown();
    return n.n_in == 1 ? take_one(a, &n) : n.n_in == 2 ? take_two(a, &n) : unknown();
}

urn__affine urn__take_apart(urn__nodes *nodes, int site, const urn__form *forms, urn__id id)
{
    const apart a = {.g = nodes->graph,
                     .x = &nodes->m->site[site].shape,
                     .site = nodes->site[site].value,
                     .forms = forms};
    return take(&a, id);
}

/* Two terms of one index as one: their coefficients (or gains) are added. */
bool urn__affine_join(urn__nodes *nodes, urn__affine *s)
{
    urn__graph *g = nodes->graph;
    for (int i = 0; i < s->n; i++)
        for (int j = s->n - 1; j > i; j--) {
            urn__affine_term *a = &s->term[i], *b = &s->term[j];
            urn__id sum[2];
            if (a->index != b->index)
                continue;
            if (a->dot != b->dot)
                return false;
            for (int k = 0; k < 2; k++) {
                const urn__affine_term *t = k == 0 ? a : b;
                const urn__id gain = t->dot && t->gain != 0 ? with_last(g, t->gain) : t->gain;
                if (t->dot && t->gain != 0 && gain == 0)
                    return false;
                sum[k] = product(g, product(g, t->coefficient, gain), urn__number(g, t->factor));
            }
            const urn__id both = urn__emit2(g, &urn__op_add, sum[0], sum[1]);
            *a = (urn__affine_term){.dot = a->dot, .factor = 1.0, .index = a->index};
            if (a->dot)
                a->coefficient = both;
            else
                a->gain = both;
            s->term[j] = s->term[--s->n];
        }
    return true;
}
