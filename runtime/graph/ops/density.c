/* Log density of a site: `density` gives the value, `density_all` value and partials in one pass.
 */
#include "density.h"
#include <stdio.h>
#include <string.h>

/* The shape of a partial: the argument's own, or one value a row where rows differ. */
static urn__shape partial_shape(const urn__density_attr *a, int k, const urn__shape *arg,
                                const urn__shape *grid)
{
    const urn__shape own = urn__density_grid(a, k, arg);
    const urn__walk w = urn__walk_of(&own, grid);
    if (w.kind == URN__WALK_FULL || urn__density_reduced(a, &w))
        return *arg;
    int64_t dims[URN__MAX_DIMS] = {0};
    const int rank = urn__density_arg_rank(a, k);
    for (int i = 0; i < grid->n_event; i++)
        dims[i] = grid->dim[grid->n_plates + i];
    for (int i = 0; i < rank && grid->n_event + i < URN__MAX_DIMS; i++)
        dims[grid->n_event + i] = arg->dim[arg->n_plates + arg->n_event - rank + i];
    return urn__shape_with_event(grid, grid->n_event + rank, dims);
}

static bool arguments_fit(urn__shape_query *q, const urn__density_attr *a, const urn__shape *grid)
{
    for (int k = 1; k <= a->n_given; k++) {
        if (a->given[k - 1] == a->producer)
            continue;
        const urn__shape own = urn__density_grid(a, k, q->in[urn__density_input(a, k)]);
        urn__shape both;
        if (urn__shape_broadcast(&own, grid, &both) && urn__shape_equal(&both, grid))
            continue;
        (void)snprintf(q->why, q->why_size, "parameter %s does not fit the value",
                       a->family->params[a->given[k - 1]].word);
        return false;
    }
    return true;
}

static bool density_shape(urn__shape_query *q)
{
    const urn__density_attr *a = q->attr;
    const urn__shape grid = urn__density_grid(a, 0, q->in[0]);
    if (!arguments_fit(q, a, &grid))
        return false;
    q->out[0] = a->rowwise ? grid : urn__shape_scalar();
    return true;
}

static bool density_all_shape(urn__shape_query *q)
{
    const urn__density_attr *a = q->attr;
    if (!density_shape(q))
        return false;
    const urn__shape grid = urn__density_grid(a, 0, q->in[0]);
    for (int k = 0; k <= a->n_given; k++) {
        if (!urn__density_wanted(a, k))
            continue;
        const bool produced = k > 0 && a->given[k - 1] == a->producer;
        const urn__shape *arg = produced ? &grid : q->in[urn__density_input(a, k)];
        q->out[q->n_out++] = partial_shape(a, k, arg, &grid);
    }
    return true;
}

/* The sum over all rows is a term of the log density. */
static bool density_wide(const urn__node *n, int k)
{
    return k == 0 && !((const urn__density_attr *)n->attr)->rowwise;
}

/* Which arguments have a partial at all: x of a continuous family, every parameter. */
static int32_t differentiable(const urn__density_attr *a, const bool *wanted)
{
    int32_t mask = wanted[0] && !a->family->support()->discrete ? 1 : 0;
    for (int k = 1; k <= a->n_given; k++)
        if (wanted[k])
            mask |= (int32_t)1 << (a->given[k - 1] + 1);
    return mask;
}

/* The adjoint of the density, one a row, lifted to the event dims of a partial. */
static urn__id lift(urn__graph *g, urn__id d, const urn__shape *partial)
{
    const urn__shape *s = urn__graph_shape(g, d);
    int64_t dims[URN__MAX_DIMS] = {0};
    if (s->n_plates + s->n_event == 0)
        return d;
    for (int i = 0; i < partial->n_event; i++)
        dims[i] = i < s->n_event ? s->dim[s->n_plates + i] : 1;
    return urn__reshape_event(g, d, partial->n_event, dims);
}

static void density_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    urn__density_attr a = *(const urn__density_attr *)n.attr;
    a.wanted = differentiable(&a, wanted);
    if (a.wanted == 0)
        return;
    const urn__id all = urn__emit(g, &urn__op_density_all, n.n_in, n.in, &a, sizeof a);
    int out = 1;
    for (int k = 0; all != 0 && k <= a.n_given; k++) {
        if (!urn__density_wanted(&a, k))
            continue;
        const urn__id partial = urn__output(g, all, out++);
        const urn__id scaled =
            urn__times(g, lift(g, d_out[0], urn__graph_shape(g, partial)), partial);
        d_in[k] = urn__sum_to(g, scaled, urn__graph_shape(g, n.in[k]));
    }
}

/* ---- examples ---- */

static urn__id scalar_density(urn__example *e, const urn_family *family, bool rowwise, bool masked,
                              urn__shape x, urn__shape loc, urn__shape scale)
{
    urn__graph *g = urn__example_graph(e);
    urn__density_attr a = {.family = family,
                           .dim = 1,
                           .event = 1,
                           .weight = rowwise ? 1.0 : 1.5,
                           .n_given = 2,
                           .given = {0, 1},
                           .has_mask = masked,
                           .rowwise = rowwise,
                           .producer = -1};
    urn__id in[4] = {urn__example_input(e, x, URN_DOMAIN_REAL),
                     urn__example_input(e, loc, URN_DOMAIN_REAL),
                     urn__example_input(e, scale, URN_DOMAIN_POSITIVE)};
    if (masked) {
        double bits[64];
        for (int i = 0; i < 64; i++)
            bits[i] = i % 3 != 1;
        in[3] = urn__constant(g, &x, bits);
    }
    return urn__emit(g, &urn__op_density, masked ? 4 : 3, in, &a, sizeof a);
}

static urn__id mvn_density(urn__example *e, bool rowwise, urn__shape rows)
{
    const int64_t d = 3;
    const urn__shape x = urn__shape_with_event(&rows, 1, &d);
    const urn__density_attr a = {.family = urn_family_mvn(),
                                 .dim = d,
                                 .event = d,
                                 .weight = 1.0,
                                 .n_given = 2,
                                 .given = {0, 1},
                                 .rowwise = rowwise,
                                 .producer = -1};
    const urn__id in[3] = {urn__example_input(e, x, URN_DOMAIN_REAL),
                           urn__example_input(e, urn__shape_vector(d), URN_DOMAIN_REAL),
                           urn__example_input(e, urn__shape_matrix(d, d), URN_DOMAIN_TRIL)};
    return urn__emit(urn__example_graph(e), &urn__op_density, 3, in, &a, sizeof a);
}

static urn__id density_example(urn__example *e, int variant)
{
    const int64_t size = urn__example_size(e), n = size < 21 ? size : 21;
    const urn__shape rows = {.n_plates = 1, .plate = {1}, .dim = {n}};
    const urn__shape grid = {.n_plates = 1, .n_event = 1, .plate = {1}, .dim = {n, 3}};
    const urn__shape one = urn__shape_scalar(), three = urn__shape_vector(3);
    switch (variant) {
    case 0:
        return scalar_density(e, urn_family_normal(), false, false, rows, rows, one);
    case 1:
        return scalar_density(e, urn_family_normal(), false, false, grid, three, rows);
    case 2:
        return scalar_density(e, urn_family_normal(), true, false, rows, one, rows);
    case 3:
        return scalar_density(e, urn_family_normal(), false, true, rows, rows, one);
    case 4:
        return scalar_density(e, urn_family_normal(), true, true, grid, three, one);
    case 5:
        return mvn_density(e, false, rows);
    case 6:
        return mvn_density(e, true, rows);
    default:
        return 0;
    }
}

const urn__op URN__OP(density) = {.name = "density",
                                  .arity = -1,
                                  .flags = URN__OP_ROWS_ONLY,
                                  .shape = density_shape,
                                  .run = URN__REAL(density_run),
                                  .state_size = URN__DENSITY_STATE,
                                  .state_extra = URN__REAL(density_extra),
                                  .prepare = URN__REAL(density_prepare),
                                  .bind = URN__REAL(density_bind),
                                  .scratch = URN__REAL(density_scratch),
                                  .wide = density_wide,
                                  .vjp = density_vjp,
                                  .example = density_example};
/* What the adjoint of a density is made of; itself never differentiated. */
const urn__op URN__OP(density_all) = {.name = "density_all",
                                      .arity = -1,
                                      .flags = URN__OP_NOT_DIFFERENTIABLE | URN__OP_ROWS_ONLY,
                                      .shape = density_all_shape,
                                      .run = URN__REAL(density_run),
                                      .state_size = URN__DENSITY_STATE,
                                      .state_extra = URN__REAL(density_extra),
                                      .prepare = URN__REAL(density_prepare),
                                      .bind = URN__REAL(density_bind),
                                      .scratch = URN__REAL(density_scratch),
                                      .wide = density_wide};
