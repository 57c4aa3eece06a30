/* The density of a factor model's ratings in one pass over the ratings and one over the second
 * factor's rows: mean, density and all partials. */
#include "factor_density.h"
#include <stdio.h>

int URN__REAL(factor_input)(const urn__factor_attr *a, int k)
{
    int at = URN__FACTOR_X + 1;
    for (int i = 0; i < k; i++)
        at += a->density.given[i] != a->density.producer;
    return at;
}

int URN__REAL(factor_offset_input)(const urn__factor_attr *a)
{
    return URN__FACTOR_X + a->density.n_given;
}

int URN__REAL(factor_base_input)(const urn__factor_attr *a, bool of_v)
{
    return URN__REAL(factor_offset_input)(a) + a->has_offset + (of_v ? a->base_u : 0);
}

bool URN__REAL(factor_wanted)(const urn__factor_attr *a, int k)
{
    const int32_t p = a->density.given[k];
    return p != a->density.producer && ((a->density.wanted >> (p + 1)) & 1);
}

static int inputs_of(const urn__factor_attr *a)
{
    return URN__REAL(factor_offset_input)(a) + a->has_offset + a->base_u + a->base_v;
}

static bool fits_rows(urn__shape_query *q, const urn__shape *rows, int input, const char *word)
{
    if (urn__shape_size(q->in[input]) == 1 && q->in[input]->n_plates == 0)
        return true;
    if (urn__shape_equal(q->in[input], rows))
        return true;
    (void)snprintf(q->why, q->why_size, "%s is neither one number nor one a row", word);
    return false;
}

static bool bases_fit(urn__shape_query *q, const urn__factor_attr *a)
{
    const bool u_fits =
        !a->base_u ||
        urn__shape_equal(q->in[URN__REAL(factor_base_input)(a, false)], q->in[URN__FACTOR_U]);
    const bool v_fits = !a->base_v || urn__shape_equal(q->in[URN__REAL(factor_base_input)(a, true)],
                                                       q->in[URN__FACTOR_V]);
    if (!u_fits || !v_fits)
        (void)snprintf(q->why, q->why_size, "what is added to a partial must have its shape");
    return u_fits && v_fits;
}

static bool factor_shape(urn__shape_query *q)
{
    const urn__factor_attr *a = q->attr;
    if (q->n_in != inputs_of(a))
        return false;
    const urn__node *iu = urn__graph_node(q->graph, q->id[URN__FACTOR_IU]);
    const urn__node *iv = urn__graph_node(q->graph, q->id[URN__FACTOR_IV]);
    if (iu->op != &urn__op_index || iv->op != &urn__op_index) {
        (void)snprintf(q->why, q->why_size, "inputs 3 and 4 must come from urn_index");
        return false;
    }
    const urn__index_attr *rows_of = iu->attr;
    const urn__shape rows = {.n_plates = 1, .plate = {rows_of->rows_plate}, .dim = {rows_of->n}};
    if (!urn__shape_equal(q->in[URN__FACTOR_X], &rows)) {
        (void)snprintf(q->why, q->why_size, "there must be one value a row of the index");
        return false;
    }
    if (!bases_fit(q, a))
        return false;
    q->out[0] = urn__shape_scalar();
    if (a->wanted_u)
        q->out[q->n_out++] = *q->in[URN__FACTOR_U];
    if (a->wanted_v)
        q->out[q->n_out++] = *q->in[URN__FACTOR_V];
    if (a->has_offset && !fits_rows(q, &rows, URN__REAL(factor_offset_input)(a), "the offset"))
        return false;
    if (a->wanted_offset)
        q->out[q->n_out++] = rows;
    for (int k = 0; k < a->density.n_given; k++) {
        if (a->density.given[k] == a->density.producer)
            continue;
        const int input = URN__REAL(factor_input)(a, k);
        if (!fits_rows(q, &rows, input, a->density.family->params[a->density.given[k]].word))
            return false;
        if (URN__REAL(factor_wanted)(a, k))
            q->out[q->n_out++] = *q->in[input];
    }
    return true;
}

/* The log density is a double in either precision. */
static bool factor_wide(const urn__node *n, int k)
{
    (void)n;
    return k == 0;
}

/* The adjoint of input `input`: output number *out of `all`, times the adjoint of the density. */
static urn__id partial_of(urn__graph *g, urn__id all, int *out, urn__id d_out, urn__id input)
{
    const urn__id partial = urn__output(g, all, (*out)++);
    return urn__sum_to(g, urn__times(g, d_out, partial), urn__graph_shape(g, input));
}

static void factor_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    urn__factor_attr a = *(const urn__factor_attr *)n.attr;
    const int offset = URN__REAL(factor_offset_input)(&a);
    a.wanted_u = wanted[URN__FACTOR_U];
    a.wanted_v = wanted[URN__FACTOR_V];
    a.wanted_offset = a.has_offset && wanted[offset];
    for (int k = 0; k < a.density.n_given; k++)
        if (a.density.given[k] != a.density.producer && wanted[URN__REAL(factor_input)(&a, k)])
            a.density.wanted |= (int32_t)1 << (a.density.given[k] + 1);
    if (!a.wanted_u && !a.wanted_v && !a.wanted_offset && a.density.wanted == 0)
        return;
    const urn__id all = urn__emit(g, &urn__op_factor_density, n.n_in, n.in, &a, sizeof a);
    int out = 1;
    if (a.wanted_u)
        d_in[URN__FACTOR_U] = partial_of(g, all, &out, d_out[0], n.in[URN__FACTOR_U]);
    if (a.wanted_v)
        d_in[URN__FACTOR_V] = partial_of(g, all, &out, d_out[0], n.in[URN__FACTOR_V]);
    if (a.wanted_offset)
        d_in[offset] = partial_of(g, all, &out, d_out[0], n.in[offset]);
    for (int k = 0; k < a.density.n_given; k++) {
        const int input = URN__REAL(factor_input)(&a, k);
        if (URN__REAL(factor_wanted)(&a, k))
            d_in[input] = partial_of(g, all, &out, d_out[0], n.in[input]);
    }
}

/* ---- examples: ratings (plate 1) of users (2) and items (3) ---- */

typedef struct example_case {
    int64_t dim;
    int link;         /* urn__map1, or -1 */
    int offset;       /* 0: none, 1: one a row, 2: one number */
    bool scale_a_row; /* else one for all */
    bool bernoulli;   /* else normal */
    double gain;
} example_case;

static const example_case cases[] = {
    {5, -1, 0, false, false, 1.0},
    {1, -1, 1, true, false, 0.75},
    {17, URN__MAP_SIGMOID, 2, false, false, 4.5},
    {3, URN__MAP_EXP, 1, false, false, 1.0},
    {30, -1, 1, false, true, 1.0},
    {4, URN__MAP_TANH, 0, true, false, 0.5},
    {8, URN__MAP_SOFTPLUS, 1, false, false, 1.0},
};

static urn__id factor_example(urn__example *e, int variant)
{
    if (variant >= (int)(sizeof cases / sizeof cases[0]))
        return 0;
    const example_case *k = &cases[variant];
    urn__graph *g = urn__example_graph(e);
    const int64_t n = urn__example_size(e), n_users = n / 2 + 1, n_items = n / 3 + 1;
    const urn__shape users = {.n_plates = 1, .n_event = 1, .plate = {2}, .dim = {n_users, k->dim}};
    const urn__shape items = {.n_plates = 1, .n_event = 1, .plate = {3}, .dim = {n_items, k->dim}};
    const urn__shape rows = {.n_plates = 1, .plate = {1}, .dim = {n}}, one = urn__shape_scalar();
    urn__factor_attr a = {
        .density = {.family = k->bernoulli ? urn_family_bernoulli() : urn_family_normal(),
                    .dim = 1,
                    .event = 1,
                    .weight = 1.5,
                    .n_given = k->bernoulli ? 1 : 2,
                    .given = {0, 1},
                    .producer = 0},
        .gain = k->gain,
        .shift = k->gain < 1.0 ? 0.25 : 0.0,
        .link = k->link,
        .has_offset = k->offset > 0};
    double x[64];
    for (int i = 0; i < 64; i++)
        x[i] = k->bernoulli ? i % 2 : 0.4 + 0.1 * (i % 7);
    if (n > 64)
        return 0;
    int n_in = 5;
    urn__id in[8] = {urn__example_input(e, users, URN_DOMAIN_REAL),
                     urn__example_input(e, items, URN_DOMAIN_REAL),
                     urn__example_index(e, 2, n, n_users), urn__example_index(e, 3, n, n_items),
                     urn__constant(g, &rows, x)};
    if (!k->bernoulli)
        in[n_in++] = urn__example_input(e, k->scale_a_row ? rows : one, URN_DOMAIN_POSITIVE);
    if (k->offset > 0)
        in[n_in++] = urn__example_input(e, k->offset == 1 ? rows : one, URN_DOMAIN_REAL);
    return urn__emit(g, &urn__op_factor_density, n_in, in, &a, sizeof a);
}

const urn__op URN__OP(factor_density) = {.name = "factor_density",
                                         .arity = -1,
                                         .shape = factor_shape,
                                         .run = URN__REAL(factor_run),
                                         .state_size = URN__FACTOR_STATE,
                                         .column = URN__FACTOR_X,
                                         .by_row = URN__REAL(factor_by_row),
                                         .by_target = URN__REAL(factor_by_target),
                                         .prepare = URN__REAL(factor_prepare),
                                         .scratch = URN__REAL(factor_scratch),
                                         .wide = factor_wide,
                                         .vjp = factor_vjp,
                                         .example = factor_example};
