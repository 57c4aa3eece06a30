/* The terms of sites of which a program has the rows a mini-batch touches: each row has a weight,
 * so that they stand for those of all rows (see touched_rows.h). */
#include "../family/family.h"
#include "touched_rows.h"

static urn__id input_of(urn_program *p, urn__touched_input what, uint32_t plate)
{
    urn__slot_attr attr = {.slot = urn__touched_slot(p->m, what, plate)};
    attr.shape = what == URN__TOUCHED_EXCESS ? urn__shape_scalar() : urn__plate_shape(p->m, plate);
    return urn__emit(p->graph, &urn__op_input, 0, NULL, &attr, sizeof attr);
}

static urn__id total(urn_program *p, double factor, urn__id rows)
{
    const urn__total_attr attr = {.factor = factor};
    return urn__emit(p->graph, &urn__op_total, 1, &rows, &attr, sizeof attr);
}

/* Row by row, times the weights. */
static urn__id row_by_row(urn_program *p, int site, const urn__site_ids *ids, uint32_t plate)
{
    const urn__id rows = urn__site_density(p, site, ids, true);
    return total(p, p->m->site[site].weight,
                 urn__times(p->graph, rows, input_of(p, URN__TOUCHED_WEIGHT, plate)));
}

/* A multivariate normal all of whose rows have one matrix? */
static bool has_one_matrix(const urn_program *p, const urn__site *s, const urn__site_ids *ids)
{
    if (s->family != urn_family_mvn() || s->shape.n_event != 1 || ids->mask != 0 || s->n_given != 2)
        return false;
    return urn__graph_shape(p->graph, ids->param[1])->n_plates == 0 && s->given[0] == 0;
}

/* Row by row the partials of the matrix would be a matrix for each row. But
 *   sum of w log N(x; loc, S) = sum of log N(sqrt(w) (x - loc); 0, S) + (sum of w - rows) log N(0;
 * 0, S) whose first term is a density of plain rows. */
static void of_one_matrix(urn_program *p, int site, const urn__site_ids *ids, uint32_t plate,
                          urn__id terms[2])
{
    const urn__site *s = &p->m->site[site];
    urn__graph *g = p->graph;
    const urn__shape event = urn__shape_with_event(&(urn__shape){0}, 1, &s->dim);
    const urn__id zeros = urn__broadcast(g, urn__number(g, 0.0), &event);
    const urn__id away = urn__emit2(g, &urn__op_sub, ids->value, ids->param[0]);
    urn__site_ids own = *ids;
    own.param[0] = zeros;
    own.value = urn__times(g, away, input_of(p, URN__TOUCHED_ROOT, plate));
    terms[0] = urn__site_density(p, site, &own, false);
    own.value = zeros;
    const urn__id one = urn__site_density(p, site, &own, false);
    terms[1] = total(p, 1.0, urn__times(g, one, input_of(p, URN__TOUCHED_EXCESS, plate)));
}

void urn__touched_terms(urn_program *p, int site, const urn__site_ids *ids, urn__id terms[2])
{
    const urn__site *s = &p->m->site[site];
    const uint32_t plate = urn__touched_plate(p->m, s);
    terms[0] = terms[1] = 0;
    if (has_one_matrix(p, s, ids))
        of_one_matrix(p, site, ids, plate, terms);
    else
        terms[0] = row_by_row(p, site, ids, plate);
}
