/* Planning the children of a Gaussian block. */
#include "gaussian.h"
#include <string.h>

static urn_family const *family_of(const urn__gibbs_block *b, int site)
{
    return b->g->m->site[site].family;
}

static bool is_mvn(const urn__gibbs_block *b, int site)
{
    return family_of(b, site) == urn_family_mvn();
}

static const urn__shape *x_shape(const urn__gibbs_block *b)
{
    return &b->g->m->site[b->site[0]].shape;
}

/* Position of a canonical parameter among those given; -1: it is not. */
static int given(const urn__site *s, const char *word)
{
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->family->params[s->given[k]].word, word) == 0)
            return k;
    return -1;
}

static urn__id param(const urn__gibbs_block *b, int site, const char *word)
{
    const int k = given(&b->g->m->site[site], word);
    return k < 0 ? 0 : b->g->nodes->site[site].param[k];
}

static urn__id said(const urn__gibbs_block *b, int site, const char *word)
{
    const urn__site *s = &b->g->m->site[site];
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->word[k].word, word) == 0)
            return b->g->nodes->site[site].word[k];
    return 0;
}

/* ---- what a child is ---- */

/* location - value = products with x - target. */
static urn__id take_apart(urn__gibbs_block *b, urn__gauss_child *c)
{
    urn__nodes *nodes = b->g->nodes;
    const urn__form *forms = b->g->plan->form[b->site[0]];
    const urn__affine value = urn__take_apart(nodes, b->site[0], forms, nodes->site[c->site].value);
    const urn__affine loc = urn__take_apart(nodes, b->site[0], forms, param(b, c->site, "loc"));
    const urn__affine back = urn__affine_sum(nodes->graph, &value, &loc, -1.0);
    c->sum = urn__affine_sum(nodes->graph, &loc, &value, -1.0);
    if (c->sum.known && !urn__affine_join(nodes, &c->sum))
        c->sum.known = false;
    return back.rest != 0 ? back.rest : urn__number(nodes->graph, 0.0);
}

static void join_links(const urn__gibbs_block *b, urn__gauss_child *c)
{
    const urn__gibbs_plan *plan = b->g->plan;
    c->reach = (urn__form){.reach = URN__REACH_NONE};
    for (int i = 0; i < plan->n_links[b->site[0]]; i++) {
        const urn__link *link = &plan->link[b->site[0]][i];
        if (link->site != c->site)
            continue;
        if (c->reach.reach == URN__REACH_NONE)
            c->reach = link->form;
        else if (c->reach.reach != link->form.reach || c->reach.index != link->form.index)
            c->reach.reach = URN__REACH_SEVERAL;
    }
}

/* Is the number of elements of a row of x that of every product? */
static bool products_fit(const urn__gibbs_block *b, const urn__gauss_child *c)
{
    const urn__gauss_block *own = b->own;
    for (int i = 0; i < c->sum.n; i++)
        if (!c->sum.term[i].dot && own->d != 1)
            return false;
    return c->sum.known;
}

static bool is_shared(const urn__gibbs_block *b, urn__id id, int rank)
{
    const urn__shape *s = urn__graph_shape(b->g->nodes->graph, id);
    return s->n_plates == 0 && s->n_event == rank;
}

/* mvn rows around x itself, or around it times numbers, with one precision. */
static bool is_vector(const urn__gibbs_block *b, const urn__gauss_child *c)
{
    const urn__gauss_block *own = b->own;
    const urn__id gain = c->sum.known && c->sum.n == 1 ? c->sum.term[0].gain : 0;
    const urn__id tril = param(b, c->site, "precision_tril") != 0
                             ? param(b, c->site, "precision_tril")
                             : param(b, c->site, "scale_tril");
    return is_mvn(b, c->site) && c->sum.known && c->sum.n == 1 && !c->sum.term[0].dot &&
           !own->elements && x_shape(b)->n_event == 1 && own->d == c->dim &&
           is_shared(b, tril, 2) &&
           (gain == 0 || urn__graph_shape(b->g->nodes->graph, gain)->n_event == 0);
}

/* ---- wants ---- */

static urn__shape child_grid(const urn__gibbs_block *b, const urn__gauss_child *c)
{
    return urn__shape_drop_event(&b->g->m->site[c->site].shape, family_of(b, c->site)->event_rank);
}

/* The grid of the child with an event vector of k. */
static urn__shape grid_with(const urn__gibbs_block *b, const urn__gauss_child *c, int64_t k)
{
    const urn__shape grid = child_grid(b, c);
    int64_t dims[URN__MAX_DIMS + 1] = {0};
    for (int i = 0; i < grid.n_event; i++)
        dims[i] = grid.dim[grid.n_plates + i];
    dims[grid.n_event] = k;
    return urn__shape_with_event(&grid, grid.n_event + 1, dims);
}

/* Gathered rows are read where they are, when the child has just the rows of the column. */
static bool want_in_place(urn__gibbs_block *b, const urn__gauss_child *c, urn__id id,
                          urn__gauss_product *p)
{
    const urn__node n = *urn__graph_node(b->g->nodes->graph, id);
    const urn__shape grid = child_grid(b, c);
    if (n.op != &urn__op_gather || grid.n_plates != 1 || grid.n_event != 0)
        return false;
    const urn__index_attr *a = urn__graph_node(b->g->nodes->graph, n.in[1])->attr;
    p->want = urn__block_want(b, n.in[0]);
    p->row = a->index->row;
    return true;
}

static bool want_coefficients(urn__gibbs_block *b, const urn__gauss_child *c,
                              const urn__affine_term *t, urn__gauss_product *p)
{
    urn__graph *g = b->g->nodes->graph;
    double number;
    p->want = -1;
    if (!t->dot || t->coefficient == 0)
        return true;
    if (urn__number_of(g, t->coefficient, &number)) {
        p->factor *= number;
        return true;
    }
    const urn__gauss_block *own = b->own;
    p->stride = own->d;
    if (want_in_place(b, c, t->coefficient, p))
        return p->want >= 0;
    const urn__shape full = grid_with(b, c, own->d);
    if (full.n_plates + full.n_event > URN__MAX_DIMS)
        return false;
    if (is_shared(b, t->coefficient, 1) &&
        urn__shape_last(urn__graph_shape(g, t->coefficient)) == own->d) {
        p->stride = 0;
        p->want = urn__block_want(b, t->coefficient);
    } else {
        p->want = urn__block_want(b, urn__broadcast(g, t->coefficient, &full));
    }
    return p->want >= 0;
}

static urn_status want_product(urn__gibbs_block *b, const urn__gauss_child *c, int i,
                               urn__gauss_product *p, bool *fits, urn_error *error)
{
    const urn__affine_term *t = &c->sum.term[i];
    const urn__gauss_block *own = b->own;
    const urn__shape *x = x_shape(b);
    urn__graph *g = b->g->nodes->graph;
    const urn__shape grid = child_grid(b, c);
    double number;
    *p = (urn__gauss_product){.factor = t->factor, .gain = -1};
    const urn__form form = {.reach = t->index != 0     ? URN__REACH_INDEX
                                     : x->n_plates > 0 ? URN__REACH_OWN
                                                       : URN__REACH_SHARED,
                            .index = t->index};
    URN_TRY(urn__reach_rows(b->g->nodes, b->site[0], own->elements ? 0 : x->n_event, c->site,
                            family_of(b, c->site)->event_rank, &form, b->arena, &p->index, fits,
                            error));
    *fits = *fits && want_coefficients(b, c, t, p);
    if (t->gain != 0 && urn__number_of(g, t->gain, &number))
        p->factor *= number;
    else if (t->gain != 0)
        p->gain = urn__block_want(b, urn__broadcast(g, t->gain, &grid));
    return URN_OK;
}

static urn_status want_products(urn__gibbs_block *b, urn__gauss_child *c, bool *fits,
                                urn_error *error)
{
    c->n_products = c->sum.n;
    *fits = true;
    for (int i = 0; *fits && i < c->sum.n; i++)
        URN_TRY(want_product(b, c, i, &c->product[i], fits, error));
    return URN_OK;
}

static void want_noise(urn__gibbs_block *b, urn__gauss_child *c)
{
    urn__graph *g = b->g->nodes->graph;
    const urn__site *s = &b->g->m->site[c->site];
    c->weight = c->tril = c->precision = -1;
    c->mask = urn__block_want(b, b->g->nodes->site[c->site].mask);
    c->per_mask = 1;
    if (c->mask >= 0) {
        const int64_t masks = urn__shape_size(urn__graph_shape(g, b->want[c->mask]));
        c->per_mask = masks > 0 ? c->n / masks : 1;
    }
    if (!is_mvn(b, c->site)) {
        const urn__id square = urn__emit1(g, &urn__op_square, param(b, c->site, "scale"));
        c->weight = urn__block_want_rows(b, urn__emit1(g, &urn__op_reciprocal, square), c->site, 0,
                                         &c->weight_stride);
        return;
    }
    c->by_precision = given(s, "precision_tril") >= 0;
    c->tril = urn__block_want_rows(
        b, param(b, c->site, c->by_precision ? "precision_tril" : "scale_tril"), c->site, 2,
        &c->tril_stride);
    if (c->way == URN__GAUSS_VECTOR && said(b, c->site, "precision") != 0)
        c->precision = urn__block_want(b, said(b, c->site, "precision"));
}

/* ---- a child ---- */

static bool may_be_general(urn__gibbs_block *b, const urn__gauss_child *c)
{
    const urn__gauss_block *own = b->own;
    const char *name = b->g->m->site[c->site].name;
    if (c->reach.reach == URN__REACH_SEVERAL || c->reach.reach == URN__REACH_NONE) {
        b->why = urn__block_say(b, "enters %s by several rows (%s), not as a sum of products", name,
                                c->reach.why != NULL ? c->reach.why : "of its own");
        return false;
    }
    if (c->n * c->dim * own->d > URN__GAUSS_MOST_COEFFICIENTS) {
        b->why = urn__block_say(b, "enters %s in a way that takes %lld coefficients", name,
                                (long long)c->n * (long long)c->dim * (long long)own->d);
        return false;
    }
    return true;
}

static urn_status plan_general(urn__gibbs_block *b, urn__gauss_child *c, bool *able,
                               urn_error *error)
{
    const urn__gauss_block *own = b->own;
    c->way = URN__GAUSS_GENERAL;
    *able = may_be_general(b, c);
    if (!*able)
        return URN_OK;
    c->n_products = 1;
    c->product[0] = (urn__gauss_product){.factor = 1.0, .want = -1, .gain = -1};
    URN_TRY(urn__reach_rows(b->g->nodes, b->site[0], own->elements ? 0 : x_shape(b)->n_event,
                            c->site, family_of(b, c->site)->event_rank, &c->reach, b->arena,
                            &c->product[0].index, able, error));
    if (!*able)
        b->why = urn__block_say(b, "rows of %s do not match its own", b->g->m->site[c->site].name);
    return URN_OK;
}

static urn_status plan_child(urn__gibbs_block *b, urn__gauss_child *c, bool *able, urn_error *error)
{
    urn__graph *g = b->g->nodes->graph;
    const urn__id target = take_apart(b, c);
    bool fits = false;
    const bool term = !is_mvn(b, c->site) && products_fit(b, c);
    c->way = term ? URN__GAUSS_TERM : URN__GAUSS_VECTOR;
    c->target = -1;
    *able = true;
    join_links(b, c);
    if (term || is_vector(b, c))
        URN_TRY(want_products(b, c, &fits, error));
    if (!fits || (!term && c->n_products > 1))
        URN_TRY(plan_general(b, c, able, error));
    if (c->way != URN__GAUSS_GENERAL) {
        const urn__id full = urn__broadcast(g, target, &b->g->m->site[c->site].shape);
        c->target_fixed = full != 0 && urn__graph_node(g, full)->constant;
        c->target = urn__block_want(b, full);
        b->sequential = b->sequential || c->n_products > 1;
    }
    if (*able)
        want_noise(b, c);
    return URN_OK;
}

/* Rows are single elements where every child and the prior take them one by one. */
static bool by_elements(const urn__gibbs_block *b)
{
    const urn__gauss_block *own = b->own;
    if (is_mvn(b, b->site[0]) || x_shape(b)->n_event == 0)
        return false;
    for (int i = 0; i < own->n_children; i++) {
        urn__gauss_child c = own->child[i];
        urn__gibbs_block copy = *b;
        (void)take_apart(&copy, &c);
        if (!c.sum.known || is_mvn(b, c.site))
            return false;
        for (int k = 0; k < c.sum.n; k++)
            if (c.sum.term[k].dot)
                return false;
    }
    return true;
}

urn_status urn__gauss_plan_children(urn__gibbs_block *b, bool *able, urn_error *error)
{
    urn__gauss_block *own = b->own;
    const urn__shape *x = x_shape(b);
    *able = true;
    own->n_children = b->n_children;
    for (int i = 0; i < b->n_children; i++) {
        const urn__site *s = &b->g->m->site[b->child[i].site];
        own->child[i].site = b->child[i].site;
        own->child[i].dim = s->family->event_rank == 0 ? 1 : s->dim;
        own->child[i].n = urn__site_family_rows(s);
    }
    own->per_row = urn__shape_event(x);
    own->elements = by_elements(b);
    own->d = own->elements ? 1 : own->per_row;
    own->rows = urn__shape_size(x) / (own->d > 0 ? own->d : 1);
    b->rows = own->rows;
    if (own->d > URN__GAUSS_MOST_DIM || own->d < 1) {
        b->why = urn__block_say(b, "rows of %lld numbers", (long long)own->d);
        *able = false;
    }
    for (int i = 0; *able && i < own->n_children; i++)
        URN_TRY(plan_child(b, &own->child[i], able, error));
    for (int i = 0; *able && b->sequential && i < own->n_children; i++)
        if (own->child[i].way != URN__GAUSS_TERM) {
            b->why = urn__block_say(b,
                                    "several of its rows enter one row of another site, and %s "
                                    "is not normal with products of it",
                                    b->g->m->site[own->child[i].site].name);
            *able = false;
        }
    return URN_OK;
}
