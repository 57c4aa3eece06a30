/* The values of a model in a program's graph: latent sites become coordinates, inputs or draws. */
#include "../family/family.h"
#include "program.h"
#include <string.h>

typedef struct rewriting {
    urn_program *p;
    urn__site_ids *ids;
    urn_error *error;
    urn_status status;
} rewriting;

/* ---- how a site gets its value ---- */

typedef enum source {
    FROM_COORDINATE,
    FROM_INPUT,
    FROM_DRAW,
    FROM_CENTRE,
    FROM_INPUT_AND_DRAW
} source;

/* Rows of the site that the fit knew. */
static int64_t known_rows(const urn_program *p, const urn__site *s)
{
    const urn_model *m = p->m;
    if (s->plate == 0)
        return s->full_rows;
    const urn__plate *plate = &m->plate[s->plate - 1];
    if (plate->kind == URN__PLATE_ROWS)
        return m->options.rows == URN_ROWS_TRAINING || plate->all_views ? plate->size : 0;
    return plate->kind == URN__PLATE_IDS ? plate->n_known : s->full_rows;
}

static source source_of(const urn_program *p, const urn__site *s)
{
    switch (p->options.kind) {
    case URN_PROGRAM_SIMULATE:
        return s->part == URN__PART_INPUT ? FROM_INPUT : FROM_DRAW;
    case URN_PROGRAM_CENTRE:
        return FROM_CENTRE;
    case URN_PROGRAM_PREDICT:
        return known_rows(p, s) == s->full_rows ? FROM_INPUT
               : known_rows(p, s) == 0          ? FROM_DRAW
                                                : FROM_INPUT_AND_DRAW;
    case URN_PROGRAM_DENSITY:
    case URN_PROGRAM_VALUES:
        break;
    }
    if (p->held != NULL && p->held[s - p->m->site] && s->support->discrete)
        return FROM_INPUT;
    return s->part == URN__PART_INPUT   ? FROM_INPUT
           : s->part == URN__PART_DRAWN ? FROM_DRAW
                                        : FROM_COORDINATE;
}

static urn__id leaf(urn_program *p, const urn__op *op, int64_t slot, const urn__shape *shape)
{
    const urn__slot_attr attr = {.slot = slot, .shape = *shape};
    return urn__emit(p->graph, op, 0, NULL, &attr, sizeof attr);
}

/* The site's shape with the rows of the first plate replaced. */
static urn__shape with_rows(const urn__shape *shape, int64_t rows)
{
    urn__shape s = *shape;
    if (s.n_plates > 0)
        s.dim[0] = rows;
    return s;
}

static urn__shape full_shape(const urn__site *s)
{
    return s->local ? with_rows(&s->shape, s->full_rows) : s->shape;
}

/* ---- coordinates ---- */

static urn__shape free_shape(const urn__site *s, const urn__shape *value)
{
    const int rank = s->family->event_rank;
    int64_t dims[URN__MAX_DIMS] = {0};
    const int lead = value->n_event - rank;
    for (int i = 0; i < lead; i++)
        dims[i] = value->dim[value->n_plates + i];
    if (rank > 0)
        dims[lead] = s->free_row;
    return urn__shape_with_event(value, rank > 0 ? lead + 1 : lead, dims);
}

/* The leaf of a site's coordinates: a slice of the position, or an input where the site is held. */
static urn__id coordinates(rewriting *r, const urn__site *s, urn__site_ids *ids,
                           const urn__shape *shape)
{
    urn_program *p = r->p;
    const int64_t site = s - p->m->site;
    if (p->held == NULL || !p->held[site])
        return ids->coordinate = leaf(p, &urn__op_coordinate, p->offset[site], shape);
    p->input_size[site] = urn__shape_size(shape);
    return leaf(p, &urn__op_input, site, shape);
}

static bool is_identity(const urn__site *s)
{
    return s->support == urn_support_real();
}

static urn__id constrained(rewriting *r, const urn__site *s, urn__site_ids *ids,
                           const urn__id *new_id)
{
    urn__constrain_attr a;
    memset(&a, 0, sizeof a);
    a.support = s->support;
    a.dim = s->dim;
    a.value_size = s->value_size;
    a.free_size = s->free_row;
    a.rows = s->support_rows;
    a.has_low = s->low != 0;
    a.has_high = s->high != 0;
    a.value_shape = full_shape(s);
    a.free_shape = free_shape(s, &a.value_shape);
    urn__id in[3] = {coordinates(r, s, ids, &a.free_shape)};
    int n = 1;
    if (s->low != 0)
        in[n++] = new_id[s->low];
    if (s->high != 0)
        in[n++] = new_id[s->high];
    const urn__id both = urn__emit(r->p->graph, &urn__op_constrain, n, in, &a, sizeof a);
    ids->jacobian = urn__output(r->p->graph, both, 1);
    return urn__output(r->p->graph, both, 0);
}

/* Rows of the mini-batch, if there are any, out of a value over the whole plate. */
static urn__id batch_rows(rewriting *r, const urn__site *s, urn__id full)
{
    if (!s->local || s->shape.dim[0] == s->full_rows)
        return full;
    const urn__index_attr attr = {.rows_plate = s->shape.plate[0],
                                  .target_plate = s->shape.plate[0],
                                  .n = s->shape.dim[0],
                                  .batch = 1,
                                  .n_targets = s->full_rows};
    const urn__id index = urn__emit(r->p->graph, &urn__op_index, 0, NULL, &attr, sizeof attr);
    return urn__emit2(r->p->graph, &urn__op_gather, full, index);
}

/* scale z, or L z. */
static urn__id stretch(urn__graph *g, const urn__site *s, urn__id scale, urn__id z)
{
    if (s->family != urn_family_mvn())
        return urn__emit2(g, &urn__op_mul, scale, z);
    const int64_t column[2] = {s->dim, 1};
    const urn__ints_attr attr = {0};
    const urn__id in[2] = {scale, urn__reshape_event(g, z, 2, column)};
    return urn__reshape_event(g, urn__emit(g, &urn__op_matmul, 2, in, &attr, sizeof attr), 1,
                              column);
}

/* Non-centred: the coordinates are of the standardised value, and so is the density, whose scale
 * cancels with that of the Jacobian. */
static urn__id from_standard(rewriting *r, const urn__site *s, urn__site_ids *ids)
{
    int loc, scale;
    urn__graph *g = r->p->graph;
    const urn__shape shape = full_shape(s);
    (void)urn__loc_scale(s, &loc, &scale);
    ids->standard = batch_rows(r, s, coordinates(r, s, ids, &shape));
    const urn__id stretched = stretch(g, s, ids->param[scale], ids->standard);
    const urn__id value = urn__emit2(g, &urn__op_add, ids->param[loc], stretched);
    return s->family == urn_family_log_normal() ? urn__emit1(g, &urn__op_exp, value) : value;
}

static urn__id from_coordinate(rewriting *r, const urn__site *s, urn__site_ids *ids,
                               const urn__id *new_id)
{
    if (s->support->discrete && r->p->options.kind == URN_PROGRAM_VALUES) {
        const urn__shape whole = full_shape(s);
        ids->coordinate = leaf(r->p, &urn__op_coordinate, s->offset, &whole);
        return batch_rows(r, s, ids->coordinate);
    }
    if (s->support->discrete) {
        r->status = urn__fail(r->error, URN_ERR_MODEL, s->where, s->name,
                              "use an engine for discrete sites, or sum the site out of the model",
                              "(%s): the site is discrete and has no gradient", s->family->name);
        return 0;
    }
    if (s->noncentred)
        return from_standard(r, s, ids);
    const urn__shape shape = full_shape(s);
    urn__id full;
    if (is_identity(s))
        full = coordinates(r, s, ids, &shape);
    else
        full = constrained(r, s, ids, new_id);
    return full != 0 ? batch_rows(r, s, full) : full;
}

/* ---- inputs and draws ---- */

static urn__id from_input(rewriting *r, int site, int64_t rows)
{
    const urn__site *s = &r->p->m->site[site];
    const urn__shape shape = with_rows(&s->shape, rows);
    r->p->input_size[site] = urn__shape_size(&shape);
    return leaf(r->p, &urn__op_input, site, &shape);
}

static urn__id drawn(rewriting *r, int site, urn__draw_what what, int64_t known)
{
    const urn__site *s = &r->p->m->site[site];
    if (s->role == URN_SITE_PARAM && known == 0) {
        const urn__id start = urn__number(r->p->graph, s->start);
        return urn__broadcast(r->p->graph, start, &s->shape);
    }
    if (s->family == NULL || (what == URN__DRAW_RANDOM && s->family->draw == NULL)) {
        r->status = urn__fail(r->error, URN_ERR_MODEL, s->where, s->name,
                              "give it a proper prior, or a value", "(%s): it cannot be drawn from",
                              s->family == NULL ? "parameter" : s->family->name);
        return 0;
    }
    const urn__id from = known > 0 ? from_input(r, site, known) : 0;
    return urn__site_draw(r->p, site, &r->ids[site], what, from, known);
}

static urn__id site_value(rewriting *r, int site, const urn__id *new_id)
{
    const urn__site *s = &r->p->m->site[site];
    urn__site_ids *ids = &r->ids[site];
    for (int k = 0; k < s->n_given; k++)
        ids->param[k] = new_id[s->param[k]];
    switch (source_of(r->p, s)) {
    case FROM_COORDINATE:
        return from_coordinate(r, s, ids, new_id);
    case FROM_INPUT:
        return batch_rows(r, s,
                          from_input(r, site,
                                     s->shape.n_plates == 0 ? 0
                                     : s->local             ? s->full_rows
                                                            : s->shape.dim[0]));
    case FROM_DRAW:
        return drawn(r, site, URN__DRAW_RANDOM, 0);
    case FROM_CENTRE:
        return drawn(r, site, URN__DRAW_CENTRE, 0);
    case FROM_INPUT_AND_DRAW:
        return drawn(r, site, URN__DRAW_RANDOM, known_rows(r->p, s));
    }
    return 0;
}

/* The build of a family for the program's CPU path; one made of another has that built so. */
static const urn_family *family_on_path(urn_program *p, const urn_family *family)
{
    if (!URN__FAMILY_HAS(family, base))
        return urn__family_for_cpu(family, p->kernels->name);
    urn_family *made = urn__arena_alloc(p->arena, 1, sizeof *made);
    if (made == NULL)
        return family; /* the arena's failure is reported */
    *made = *family;
    made->base = urn__family_for_cpu(family->base, p->kernels->name);
    return made;
}

/* A log density that is a value of the model runs on the program's CPU path, too. */
static urn__id rewrite_density(urn_program *p, const urn__node *n, const urn__id *in)
{
    urn__density_attr a = *(const urn__density_attr *)n->attr;
    a.family = family_on_path(p, a.family);
    return urn__emit(p->graph, &urn__op_density, n->n_in, in, &a, sizeof a);
}

static urn__id rewrite_site(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                            const urn__id *in, const urn__id *new_id)
{
    (void)to, (void)in;
    rewriting *r = context;
    const urn__node *n = urn__graph_node(from, id);
    if (n->op == &urn__op_density && r->status == URN_OK)
        return rewrite_density(r->p, n, in);
    if (n->op != &urn__op_site || r->status != URN_OK)
        return 0;
    return site_value(r, (int)((const urn__slot_attr *)n->attr)->slot, new_id);
}

/* ---- all of them ---- */

enum { PER_SITE = 4 + URN_FAMILY_PARAMS };

static void list_roots(const urn_model *m, urn__id *root)
{
    for (size_t i = 0; i < m->n_sites; i++) {
        const urn__site *s = &m->site[i];
        urn__id *r = root + i * PER_SITE;
        r[0] = s->value;
        r[1] = s->mask;
        r[2] = s->low;
        r[3] = s->high;
        for (int k = 0; k < s->n_given; k++)
            r[4 + k] = s->param[k];
    }
}

urn_status urn__program_values(urn_program *p, urn__site_ids *ids, urn_error *error)
{
    const urn_model *m = p->m;
    const int n = (int)m->n_sites * PER_SITE;
    rewriting r = {.p = p, .ids = ids, .error = error, .status = URN_OK};
    urn__id *root = urn__calloc(p->allocator, (size_t)n + 1, sizeof *root);
    if (root == NULL)
        return urn__fail_memory(error, "the program", (size_t)n);
    list_roots(m, root);
    urn_error rewrite_error = {0};
    urn_status status =
        urn__graph_rewrite(m->graph, p->graph, n, root, rewrite_site, &r, &rewrite_error);
    if (r.status != URN_OK)
        status = r.status;
    else if (status != URN_OK && error != NULL)
        *error = rewrite_error;
    for (size_t i = 0; status == URN_OK && i < m->n_sites; i++) {
        ids[i].value = root[i * PER_SITE];
        ids[i].mask = root[i * PER_SITE + 1];
        for (int k = 0; k < m->site[i].n_given; k++)
            ids[i].param[k] = root[i * PER_SITE + 4 + (size_t)k];
    }
    urn__free(p->allocator, root);
    return status;
}

/* ---- densities and draws of a site ---- */

urn__id urn__density_node(urn__graph *g, const urn__site *s, const urn_family *family,
                          urn__id value, urn__id mask, const urn__id *param, double weight,
                          bool rowwise)
{
    urn__density_attr a;
    urn__id in[URN__MAX_IN] = {value};
    memset(&a, 0, sizeof a);
    a.family = family;
    a.dim = s->dim;
    a.event = s->event;
    a.weight = weight;
    a.n_given = s->n_given;
    a.has_mask = mask != 0;
    a.rowwise = rowwise;
    a.producer = -1;
    for (int k = 0; k < s->n_given; k++) {
        a.given[k] = s->given[k];
        in[1 + k] = param[k];
    }
    int n = 1 + s->n_given;
    if (mask != 0)
        in[n++] = mask;
    return urn__emit(g, &urn__op_density, n, in, &a, sizeof a);
}

/* That of the standardised value. */
static urn__id standard_density(urn_program *p, const urn__site *s, const urn__site_ids *ids,
                                double weight)
{
    int loc, scale;
    urn__id param[URN_FAMILY_PARAMS];
    urn__site of = {.dim = 1, .event = 1, .n_given = s->n_given, .family = s->family};
    memcpy(of.given, s->given, sizeof of.given);
    if (s->family == urn_family_log_normal() || s->family == urn_family_mvn())
        of.family = urn_family_normal(); /* whose first parameters are loc and scale, too */
    (void)urn__loc_scale(s, &loc, &scale);
    memcpy(param, ids->param, sizeof param);
    param[loc] = urn__number(p->graph, 0.0);
    param[scale] = urn__number(p->graph, 1.0);
    return urn__density_node(p->graph, &of, family_on_path(p, of.family), ids->standard, 0, param,
                             weight, false);
}

urn__id urn__site_density(urn_program *p, int site, const urn__site_ids *ids, bool rowwise)
{
    const urn__site *s = &p->m->site[site];
    const double weight = rowwise ? 1.0 : (s->local ? p->m->batch_factor : 1.0) * s->weight;
    if (ids->standard != 0 && !rowwise && !p->options.no_jacobian)
        return standard_density(p, s, ids, weight);
    return urn__density_node(p->graph, s, family_on_path(p, s->family), ids->value, ids->mask,
                             ids->param, weight, rowwise);
}

urn__id urn__site_draw(urn_program *p, int site, const urn__site_ids *ids, urn__draw_what what,
                       urn__id from, int64_t known)
{
    const urn__site *s = &p->m->site[site];
    urn__draw_attr a;
    urn__id in[URN__MAX_IN] = {0};
    memset(&a, 0, sizeof a);
    a.family = s->family;
    a.site = s->name;
    a.dim = s->dim;
    a.event = s->event;
    a.shape = s->shape;
    a.n_given = s->n_given;
    a.what = (int32_t)what;
    if (s->full_rows > 0) /* rows of the family: several a plate row for sites of many numbers */
        a.known = known * (urn__shape_size(&s->shape) / s->event / s->full_rows);
    for (int k = 0; k < s->n_given; k++) {
        a.given[k] = s->given[k];
        in[k] = ids->param[k];
    }
    int n = s->n_given;
    if (what == URN__DRAW_CDF)
        in[n++] = ids->value;
    else if (from != 0)
        in[n++] = from;
    return urn__emit(p->graph, &urn__op_draw, n, in, &a, sizeof a);
}
