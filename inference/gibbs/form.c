/* Forms: what each node of the graph is in one site x, found in one pass in order of ids.
 *
 * A form is only claimed where it holds for every value of x and of the other sites. Powers are of
 * positive sites: sqrt(square(x)) is x for those alone. */
#include "gibbs.h"
#include <stdio.h>
#include <string.h>

typedef struct forming {
    urn__graph *g;
    const urn__shape *x; /* the site's */
    bool positive;
    urn__form *form;
} forming;

static const urn__node *node_of(const forming *f, urn__id id)
{
    return urn__graph_node(f->g, id);
}

static urn__form other(const forming *f, const urn__form *like, const char *format,
                       const char *name)
{
    urn__form form = {.kind = URN__FORM_OTHER, .reach = like->reach, .index = like->index};
    form.why = urn__arena_printf(urn__graph_arena(f->g), format, name);
    return form;
}

/* ---- reach ---- */

static bool has_plate(const urn__shape *s, int32_t plate)
{
    for (int i = 0; i < s->n_plates; i++)
        if (s->plate[i] == plate)
            return true;
    return false;
}

static void several(urn__form *form, const char *why)
{
    form->reach = URN__REACH_SEVERAL;
    form->index = 0;
    form->why = why;
}

static void join_reach(urn__form *a, const urn__form *b)
{
    if (b->reach == URN__REACH_NONE || (a->reach == b->reach && a->index == b->index))
        return;
    if (a->reach == URN__REACH_NONE) {
        a->reach = b->reach;
        a->index = b->index;
        a->why = b->why;
        return;
    }
    several(a, a->reach == URN__REACH_SEVERAL   ? a->why
               : b->reach == URN__REACH_SEVERAL ? b->why
                                                : "by two index columns");
}

/* A node over fewer plates than its input sums over some. */
static void reduce_reach(const forming *f, urn__form *form, const urn__shape *out)
{
    if (form->reach == URN__REACH_OWN) {
        for (int i = 0; i < f->x->n_plates; i++)
            if (!has_plate(out, f->x->plate[i]))
                several(form, "a sum over its rows");
    } else if (form->reach == URN__REACH_INDEX) {
        const urn__index_attr *a = node_of(f, form->index)->attr;
        if (!has_plate(out, a->rows_plate))
            several(form, "a sum over the rows of an index column");
    }
}

static void gather_reach(const forming *f, urn__form *form, urn__id index)
{
    const urn__index_attr *a = node_of(f, index)->attr;
    if (form->reach == URN__REACH_OWN && has_plate(f->x, a->target_plate)) {
        form->reach = URN__REACH_INDEX;
        form->index = index;
    } else if (form->reach == URN__REACH_INDEX) {
        const urn__index_attr *first = node_of(f, form->index)->attr;
        if (first->rows_plate == a->target_plate)
            several(form, "an index column of an index column");
    }
}

/* Ops that mix elements of a row but not rows. */
static bool keeps_rows(const urn__op *op)
{
    static const urn__op *const ops[] = {
        &urn__op_row_dot,   &urn__op_row_scale, &urn__op_slice,     &urn__op_concat,
        &urn__op_reshape,   &urn__op_matmul,    &urn__op_transpose, &urn__op_cholesky,
        &urn__op_tri_solve, &urn__op_tril,      &urn__op_diagonal,  &urn__op_diagonal_matrix,
        &urn__op_logsumexp, &urn__op_broadcast, &urn__op_pad,       &urn__op_sum_to,
        &urn__op_total};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (op == ops[i])
            return true;
    return (op->flags & URN__OP_ELEMENTWISE) != 0;
}

static void set_reach(const forming *f, const urn__node *n, urn__form *form)
{
    if (n->op == &urn__op_gather)
        gather_reach(f, form, n->in[1]);
    else if (keeps_rows(n->op))
        reduce_reach(f, form, n->shape);
    else if (form->reach != URN__REACH_SHARED)
        several(form, "an op over rows");
}

/* ---- powers ---- */

static urn__id one_if_none(const forming *f, urn__id coefficient)
{
    return coefficient != 0 ? coefficient : urn__number(f->g, 1.0);
}

static urn__id map_coefficient(const forming *f, const urn__op *op, urn__id coefficient)
{
    return coefficient == 0 ? 0 : urn__emit1(f->g, op, coefficient);
}

/* f(c x^p) for maps that give such a form again; false for the others. */
static bool map_power(const forming *f, const urn__op *op, urn__form *form)
{
    if (op == &urn__op_neg) {
        form->coefficient = urn__negate(f->g, one_if_none(f, form->coefficient));
        return true;
    }
    const double factor = op == &urn__op_sqrt         ? 0.5
                          : op == &urn__op_square     ? 2.0
                          : op == &urn__op_reciprocal ? -1.0
                                                      : 0.0;
    if (factor == 0.0 || !f->positive)
        return false;
    form->power *= factor;
    form->coefficient = map_coefficient(f, op, form->coefficient);
    return true;
}

static bool power_of_power(const forming *f, urn__form *form, urn__id exponent)
{
    double k;
    if (!f->positive || !urn__number_of(f->g, exponent, &k) || k == 0.0)
        return false;
    if (form->coefficient != 0)
        form->coefficient = urn__emit2(f->g, &urn__op_pow, form->coefficient, exponent);
    form->power *= k;
    return true;
}

/* a / b and a * b where both or one are powers; a free side has kind FREE. */
static bool product_power(const forming *f, const urn__node *n, const urn__form *a,
                          const urn__form *b, urn__form *form)
{
    const bool divides = n->op == &urn__op_div;
    const bool two = a->kind == URN__FORM_POWER && b->kind == URN__FORM_POWER;
    const double power =
        (a->kind == URN__FORM_POWER ? a->power : 0.0) + (b->kind != URN__FORM_POWER ? 0.0
                                                         : divides                  ? -b->power
                                                                                    : b->power);
    if (((two || (divides && b->kind == URN__FORM_POWER)) && !f->positive) || power == 0.0)
        return false;
    const urn__id left = a->kind == URN__FORM_FREE ? n->in[0] : one_if_none(f, a->coefficient);
    const urn__id right = b->kind == URN__FORM_FREE ? n->in[1] : one_if_none(f, b->coefficient);
    form->power = power;
    form->coefficient =
        divides ? urn__emit2(f->g, &urn__op_div, left, right) : urn__times(f->g, left, right);
    return true;
}

/* The coefficient of gathered rows. */
static void gather_coefficient(const forming *f, urn__form *form, urn__id index)
{
    const urn__index_attr *a = node_of(f, index)->attr;
    if (form->coefficient != 0 &&
        has_plate(urn__graph_shape(f->g, form->coefficient), a->target_plate))
        form->coefficient = urn__emit2(f->g, &urn__op_gather, form->coefficient, index);
}

static bool same_size(const urn__shape *a, const urn__shape *b)
{
    return urn__shape_size(a) == urn__shape_size(b);
}

/* Does an op over one input leave c x^p such a form? */
static bool keeps_power(const forming *f, const urn__node *n, urn__form *form)
{
    if (n->op == &urn__op_gather) {
        gather_coefficient(f, form, n->in[1]);
        return true;
    }
    if (n->op == &urn__op_broadcast)
        return true;
    if (n->op == &urn__op_sum_to)
        return same_size(n->shape, urn__graph_shape(f->g, n->in[0])) && form->coefficient == 0;
    if (n->op == &urn__op_pow)
        return power_of_power(f, form, n->in[1]);
    return map_power(f, n->op, form);
}

/* ---- one node ---- */

static bool adds(const urn__op *op)
{
    return op == &urn__op_add || op == &urn__op_sub || op == &urn__op_concat;
}

static bool is_affine(const urn__form *form)
{
    return form->kind == URN__FORM_FREE || form->kind == URN__FORM_AFFINE ||
           (form->kind == URN__FORM_POWER && form->power == 1.0);
}

static urn__form affine_like(const urn__form *reach)
{
    return (urn__form){
        .kind = URN__FORM_AFFINE, .reach = reach->reach, .index = reach->index, .why = reach->why};
}

/* Of a matrix without coefficient in its elements. */
static bool cholesky_form(const forming *f, const urn__form *in, urn__form *form)
{
    if (in->kind != URN__FORM_POWER || in->power != 1.0)
        return false;
    if (in->coefficient != 0 && urn__graph_shape(f->g, in->coefficient)->n_event != 0)
        return false;
    *form = *in;
    form->kind = URN__FORM_CHOLESKY;
    return true;
}

static urn__form form_of_one(const forming *f, const urn__node *n, int k)
{
    const urn__form in = f->form[n->in[k]];
    urn__form form = in;
    if (n->op == &urn__op_cholesky && cholesky_form(f, &in, &form))
        return form;
    if (in.kind == URN__FORM_CHOLESKY &&
        (n->op == &urn__op_gather || n->op == &urn__op_broadcast)) {
        if (n->op == &urn__op_gather)
            gather_coefficient(f, &form, n->in[1]);
        return form;
    }
    if (in.kind == URN__FORM_POWER && k == 0 && keeps_power(f, n, &form))
        return form;
    if (is_affine(&in) && (adds(n->op) || (n->op->linear >> k & 1u) != 0))
        return affine_like(&in);
    return in.kind == URN__FORM_OTHER ? in : other(f, &in, "through %s", n->op->name);
}

static urn__form form_of_node(const forming *f, urn__id id)
{
    const urn__node copy = *node_of(f, id), *n = &copy; /* nodes are added meanwhile */
    urn__form reach = {.kind = URN__FORM_FREE}, form;
    int depends = 0, last = 0;
    bool affine = true;
    for (int k = 0; k < n->n_in; k++) {
        const urn__form *in = &f->form[n->in[k]];
        affine = affine && is_affine(in);
        if (in->kind == URN__FORM_FREE)
            continue;
        depends++;
        last = k;
        join_reach(&reach, in);
    }
    if (depends == 0)
        return reach;
    const bool product = n->op == &urn__op_mul || n->op == &urn__op_div;
    form = reach;
    form.kind = URN__FORM_POWER;
    form.coefficient = 0;
    if (product &&
        (f->form[n->in[0]].kind == URN__FORM_POWER || f->form[n->in[0]].kind == URN__FORM_FREE) &&
        (f->form[n->in[1]].kind == URN__FORM_POWER || f->form[n->in[1]].kind == URN__FORM_FREE) &&
        product_power(f, n, &f->form[n->in[0]], &f->form[n->in[1]], &form))
        ;
    else if (depends == 1)
        form = form_of_one(f, n, last);
    else if (adds(n->op) && affine)
        form = affine_like(&reach);
    else
        form = other(f, &reach, "through %s of it and itself", n->op->name);
    form.reach = reach.reach;
    form.index = reach.index;
    if (reach.reach == URN__REACH_SEVERAL && form.kind != URN__FORM_OTHER)
        form.why = reach.why;
    set_reach(f, n, &form);
    return form;
}

/* Sites whose values are positive: powers of them compose. */
static bool is_positive(const urn__site *s)
{
    return s->support == urn_support_positive() || s->support == urn_support_non_negative();
}

/* Nodes that are made on the way are free of x, and stand after all that is looked at. */
urn_status urn__derive_forms(urn__nodes *nodes, int site, urn__form **forms, urn_error *error)
{
    const urn__site *s = &nodes->m->site[site];
    const uint32_t count = urn__graph_count(nodes->graph);
    forming f = {.g = nodes->graph, .x = &s->shape, .positive = is_positive(s)};
    *forms = f.form = urn__arena_alloc(nodes->arena, (size_t)count + 1, sizeof *f.form);
    if (f.form == NULL)
        return urn__fail_memory(error, "the forms of a graph", count);
    const urn__id x = nodes->site[site].value;
    for (urn__id id = 1; id <= count; id++) {
        if (id != x) {
            f.form[id] = form_of_node(&f, id);
            continue;
        }
        f.form[id] =
            (urn__form){.kind = URN__FORM_POWER,
                        .power = 1.0,
                        .reach = s->shape.n_plates > 0 ? URN__REACH_OWN : URN__REACH_SHARED};
    }
    if (urn__arena_failed(nodes->arena))
        return urn__fail_memory(error, "the forms of a graph", count);
    return URN_OK;
}
