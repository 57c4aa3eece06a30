/* Words that make another family of a sentence's: truncation, censoring, mixture, order. */
#include "../family/made.h"
#include "made.h"
#include <math.h>
#include <stdio.h>
#include <urn/ops.h>

static bool given(urn_var v)
{
    return v.model != NULL || v.id != 0;
}

typedef const char *make(urn__made *made, const urn_family *base, bool observed);

/* What the sentence says; *kinds counts the things said. */
static make *make_of(const urn_site *site, int *kinds)
{
    make *found = NULL;
    *kinds = 0;
    if (given(site->truncate_below) || given(site->truncate_above))
        found = urn__make_truncated, ++*kinds;
    if (given(site->censor_below) || given(site->censor_above))
        found = urn__make_censored, ++*kinds;
    if (given(site->mixture) || given(site->mixture_logits))
        found = urn__make_mixture, ++*kinds;
    if (site->ordered)
        found = urn__make_ordered, ++*kinds;
    return found;
}

/* As many as there are weights. */
static bool count_components(urn_model *m, const urn_site *site, urn_family *family)
{
    const urn_var weights = given(site->mixture) ? site->mixture : site->mixture_logits;
    family->components = weights.model == m && weights.id != 0 ? urn_last_dim(weights) : 1;
    return urn__model_ok(m);
}

const urn_family *urn__made_family(urn_model *m, const urn_family *family, const urn_site *site,
                                   bool observed, const char **why)
{
    int kinds;
    make *function = make_of(site, &kinds);
    *why = NULL;
    if (kinds == 0)
        return family;
    if (kinds > 1) {
        *why = "truncation, censoring, mixture and order are said one at a time";
        return NULL;
    }
    urn__made *made = urn__arena_alloc(m->arena, 1, sizeof *made);
    if (made == NULL) {
        (void)urn__var(m, 0);
        return NULL;
    }
    *why = function(made, family, observed);
    if (made->family.components > 0 && !count_components(m, site, &made->family))
        return NULL;
    return *why == NULL ? &made->family : NULL;
}

/* ---- values of the words ---- */

/* Are all elements known, and none of them below 0? */
static bool known_not_negative(const urn_model *m, urn_var v)
{
    const double *known = urn__known_values(m, v.id);
    const int64_t n = known == NULL ? 0 : urn__shape_size(urn__graph_shape(m->graph, v.id));
    for (int64_t i = 0; i < n; i++)
        if (!(known[i] >= 0.0))
            return false;
    return known != NULL;
}

void urn__made_defaults(urn_model *m, const urn_family *family, urn_site *site)
{
    if (!URN__FAMILY_HAS(family, base) || family->low_word == NULL ||
        !urn__starts_at_zero(family->base))
        return;
    urn_var *low = &site->truncate_below;
    if (!given(*low))
        *low = urn_real(m, 0.0);
    else if (low->model == m && urn__model_ok(m) && low->id != 0 && !known_not_negative(m, *low))
        *low = urn_maximum(*low, urn_real(m, 0.0));
}

/* What is not given for each component is the same for all. */
static urn_var for_each_component(const urn_family *family, int k, urn_var value)
{
    urn__graph *g = value.model->graph;
    const urn__shape *shape = urn__graph_shape(g, value.id);
    const int rank = family->params[k].event_rank;
    int64_t dims[URN__MAX_DIMS] = {family->components};
    if (shape->n_event != rank || family->base->params[k].word == NULL || rank >= URN__MAX_DIMS)
        return value;
    for (int i = 0; i < rank; i++)
        dims[1 + i] = shape->dim[shape->n_plates + i];
    const urn__shape none = {0}, wanted = urn__shape_with_event(&none, rank + 1, dims);
    const urn__id zeros = urn__broadcast(g, urn__number(g, 0.0), &wanted);
    return urn__var(value.model, urn__emit2(g, &urn__op_add, value.id, zeros));
}

urn_var urn__made_parameter(const urn_family *family, const urn_site *site, int k, urn_var value)
{
    int64_t size = 0;
    if (!URN__FAMILY_HAS(family, base) || !urn__model_ok(value.model))
        return value;
    if (urn__family_components(family) > 0)
        return for_each_component(family, k, value);
    if (family->params[k].event_rank != 1 || family->base->params[k].word == NULL)
        return value;
    if (urn__graph_shape(value.model->graph, value.id)->n_event > 0)
        return value;
    if (family->size_from == NULL)
        size = site->size;
    else
        size = urn_last_dim(given(site->mixture) ? site->mixture : site->mixture_logits);
    return size < 1 ? value : urn_add(value, urn_zeros(value.model, size));
}

/* ---- truncation that leaves nothing ---- */

/* Parameter number k as one known number. */
static bool known_number(const urn_model *m, const urn__site *s, int k, double *value)
{
    for (int i = 0; i < s->n_given; i++) {
        if (s->given[i] != k)
            continue;
        const double *v = urn__known_values(m, s->param[i]);
        if (v == NULL || urn__shape_size(urn__graph_shape(m->graph, s->param[i])) != 1)
            return false;
        *value = v[0];
        return true;
    }
    return false;
}

void urn__check_truncation(urn_model *m, const urn__site *s)
{
    const urn_family *f = s->family;
    double param[URN_FAMILY_PARAMS] = {0}, bound[2] = {0}, x = 0.0, out = 0.0;
    const bool of_normal = f == urn_family_truncated_normal();
    if (!of_normal && (!URN__FAMILY_HAS(f, base) || f->low_word == NULL))
        return;
    const urn_family *base = of_normal ? urn_family_normal() : f->base;
    const int n = urn__param_count(base);
    urn_draw_call row = {.n = 1, .dim = 1, .event = 1, .x = &x, .out = &out, .family = base};
    for (int k = 0; k < n; k++) {
        if (!known_number(m, s, k, &param[k]))
            return;
        row.param[k] = &param[k];
        row.stride[k] = 1;
    }
    const bool low = known_number(m, s, n, &bound[0]), high = known_number(m, s, n + 1, &bound[1]);
    if ((s->low != 0 && !low) || (s->high != 0 && !high))
        return;
    const int64_t room = urn__family_scratch(base, 1, 1);
    row.scratch = urn__calloc(m->allocator, (size_t)room + 1, sizeof *row.scratch);
    if (row.scratch == NULL) {
        (void)urn__model_error(m, URN_ERR_MEMORY, s->where, s->name, NULL, "out of memory");
        return;
    }
    const double mass =
        urn__log_mass_at(base, &row, low ? &bound[0] : NULL, high ? &bound[1] : NULL);
    urn__free(m->allocator, row.scratch);
    if (mass > -(double)INFINITY)
        return;
    char from[40] = "-infinity", to[40] = "infinity";
    if (low)
        (void)snprintf(from, sizeof from, "%g", bound[0]);
    if (high)
        (void)snprintf(to, sizeof to, "%g", bound[1]);
    (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name,
                           "move the bounds to where the family has values",
                           "(%s): nothing is left between %s = %s and %s = %s: the probability "
                           "there is 0",
                           f->name, f->low_word, from, f->high_word, to);
}
