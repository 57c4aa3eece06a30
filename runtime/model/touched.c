/* Plates of which a mini-batch touches a few rows.
 *
 * A plate that the rows of a mini-batch reach through index columns (users and items of ratings)
 * mostly has rows that no row of the batch refers to. Where the density needs a row of such a plate
 * only to gather it, and for terms of its own, a step may evaluate and update the touched rows
 * alone, provided that their own terms (priors) are weighted so that batches average to the whole:
 * see touched_rows.h. This file says which plates these are. */
#include "trace.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_over(const urn__shape *s, uint32_t plate)
{
    for (int i = 0; i < s->n_plates; i++)
        if (s->plate[i] == (int32_t)plate)
            return true;
    return false;
}

uint32_t urn__touched_plate(const urn_model *m, const urn__site *site)
{
    if (m->of == NULL || site->shape.n_plates != 1)
        return 0;
    const uint32_t plate = (uint32_t)site->shape.plate[0];
    return m->plate[plate - 1].room > 0 ? plate : 0;
}

int64_t urn__touched_room(const urn_model *m, const urn__plate *plate)
{
    for (size_t i = 0; m->of != NULL && i < m->of->n_plates; i++) {
        const urn__plate *p = &m->of->plate[i];
        if (p->kind == plate->kind && p->room > 0 && strcmp(p->name, plate->name) == 0)
            return p->room;
    }
    return 0;
}

/* ---- what the density reads ---- */

static void mark_sites(const urn_model *m, bool *needed)
{
    for (size_t i = 0; i < m->n_sites; i++) {
        const urn__site *s = &m->site[i];
        if (s->part == URN__PART_RECORD)
            continue;
        needed[s->value] = needed[s->mask] = needed[s->low] = needed[s->high] = true;
        for (int k = 0; k < s->n_given; k++)
            needed[s->param[k]] = true;
    }
    needed[0] = false;
}

static void mark_inputs(const urn_model *m, bool *needed)
{
    for (urn__id id = urn__graph_count(m->graph); id >= 1; id--) {
        const urn__node *n = urn__graph_node(m->graph, id);
        for (int k = 0; needed[id] && k < n->n_in; k++)
            needed[n->in[k]] = true;
    }
}

/* ---- may it be? ---- */

typedef struct search {
    urn_model *m;
    uint32_t plate;
    int64_t n_index; /* columns of the mini-batch that lead to the plate */
    char why[160];   /* it may not be; empty: it may, as far as known */
} search;

static void refuse(search *s, const char *format, ...) URN_PRINTF(2, 3);

static void refuse(search *s, const char *format, ...)
{
    va_list args;
    if (s->why[0] != '\0')
        return;
    va_start(args, format);
    (void)vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
}

/* A site over the plate must be made of coordinates that its rows do not share. */
static void check_site(search *s, const urn__site *site)
{
    if (!is_over(&site->shape, s->plate) || site->part == URN__PART_RECORD)
        return;
    if (site->part != URN__PART_COORDINATE)
        refuse(s, "site \"%s\" over it is no latent site", site->name);
    else if (site->shape.n_plates != 1)
        refuse(s, "site \"%s\" is over a nest of it", site->name);
    else if (site->support != urn_support_real())
        refuse(s, "the values of site \"%s\" are bounded", site->name);
    else if (site->noncentred)
        refuse(s, "site \"%s\" is in its non-centred form", site->name);
    else if (site->mask != 0)
        refuse(s, "site \"%s\" has a mask", site->name);
}

static void check_index(search *s, const urn__index_attr *a)
{
    if (a->rows_plate == (int32_t)s->plate)
        refuse(s, "it has index columns of its own");
    if (a->target_plate != (int32_t)s->plate)
        return;
    if (a->rows_plate == (int32_t)s->m->batch_plate && a->batch)
        s->n_index++;
    else
        refuse(s, "plate \"%s\", which is not mini-batched, refers to it",
               s->m->plate[a->rows_plate - 1].name);
}

/* Nodes over the plate must be made row by row; what leaves it must leave by a gather. */
static void check_node(search *s, const urn__node *n)
{
    const urn__graph *g = s->m->graph;
    if (n->op == &urn__op_index) {
        check_index(s, n->attr);
    } else if (is_over(n->shape, s->plate)) {
        if (n->shape->n_plates != 1)
            refuse(s, "a value is over a nest of it");
        else if (n->op == &urn__op_data || n->op == &urn__op_constant)
            refuse(s, "there are data over it");
        else if (n->op != &urn__op_site && !(n->op->flags & URN__OP_ELEMENTWISE))
            refuse(s, "a value over it is computed by %s", n->op->name);
    } else {
        for (int k = 0; k < n->n_in; k++)
            if (is_over(urn__graph_shape(g, n->in[k]), s->plate) &&
                (n->op != &urn__op_gather || k != 0))
                refuse(s, "%s works on all of its rows", n->op->name);
    }
}

/* Rows a mini-batch touches at most: those it leads to, and its share of those no row leads to. */
static int64_t room_of(const search *s)
{
    const urn__plate *batch = &s->m->plate[s->m->batch_plate - 1];
    const int64_t size = s->m->plate[s->plate - 1].size;
    const double most = (double)batch->seen * (double)s->n_index +
                        (double)batch->seen / (double)batch->size * (double)size + 1.0;
    return most < (double)size ? (int64_t)most : size;
}

static void look_at(urn_model *m, uint32_t plate, const bool *needed)
{
    urn__plate *p = &m->plate[plate - 1];
    search s = {.m = m, .plate = plate};
    if (p->kind != URN__PLATE_IDS && p->kind != URN__PLATE_SIZE)
        return;
    for (urn__id id = 1; id <= urn__graph_count(m->graph); id++)
        if (needed[id])
            check_node(&s, urn__graph_node(m->graph, id));
    for (size_t i = 0; i < m->n_sites; i++)
        check_site(&s, &m->site[i]);
    if (s.n_index == 0 || p->size == 0)
        return; /* the batch does not reach it */
    if (s.why[0] != '\0') {
        p->whole = urn__arena_strdup(m->arena, s.why);
        return;
    }
    const int64_t room = room_of(&s);
    if (room < p->size || m->options.batch_updates == URN_BATCH_TOUCHED)
        p->room = room;
}

static urn_status insist(const urn_model *m, urn_error *error)
{
    char list[512] = "";
    for (size_t i = 0; i < m->n_plates; i++) {
        if (m->plate[i].room > 0)
            return URN_OK;
        const size_t at = strlen(list);
        if (m->plate[i].whole != NULL && at < sizeof list)
            (void)snprintf(list + at, sizeof list - at, "%splate \"%s\": %s", at == 0 ? "" : "; ",
                           m->plate[i].name, m->plate[i].whole);
    }
    return urn__fail(error, URN_ERR_MODEL, NULL, NULL, "leave --batch-updates out",
                     "no plate allows that only the rows a mini-batch touches are updated: %s",
                     list[0] == '\0' ? "the rows of the batch lead to none" : list);
}

urn_status urn__touched_find(urn_model *m, urn_error *error)
{
    if (m->options.batch_updates == URN_BATCH_ALL)
        return URN_OK;
    bool *needed =
        urn__calloc(m->allocator, (size_t)urn__graph_count(m->graph) + 1, sizeof *needed);
    if (needed == NULL)
        return urn__fail_memory(error, "the trace of a model", urn__graph_count(m->graph));
    mark_sites(m, needed);
    mark_inputs(m, needed);
    for (uint32_t plate = 1; plate <= m->n_plates; plate++)
        look_at(m, plate, needed);
    urn__free(m->allocator, needed);
    if (urn__arena_failed(m->arena))
        return urn__fail_memory(error, "the trace of a model", 0);
    return m->options.batch_updates == URN_BATCH_TOUCHED ? insist(m, error) : URN_OK;
}
