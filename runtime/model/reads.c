/* What a model reads from its data, and the values it observes. */
#include "trace.h"
#include <string.h>

void urn__note_read(urn_model *m, const char *kind, const char *name, uint32_t plate, urn__id id)
{
    for (size_t i = 0; i < m->n_reads; i++)
        if (m->read[i].plate == plate && strcmp(m->read[i].kind, kind) == 0 &&
            strcmp(m->read[i].name, name) == 0)
            return;
    urn__read *r =
        urn__model_append(m, (void **)&m->read, sizeof *m->read, &m->n_reads, &m->read_capacity);
    if (r != NULL)
        *r = (urn__read){urn__arena_strdup(m->arena, name), kind, plate, id};
}

int urn_model_data_count(const urn_model *model)
{
    return (int)model->n_reads;
}

/* The site observed with the very value of a column. */
static const char *observed_at(const urn_model *m, urn__id id)
{
    for (size_t i = 0; id != 0 && i < m->n_sites; i++)
        if (m->site[i].role == URN_SITE_OBSERVED && m->site[i].value == id)
            return m->site[i].name;
    return NULL;
}

void urn_model_data(const urn_model *model, int i, urn_data_info *info)
{
    const urn__read *r = &model->read[i];
    *info =
        (urn_data_info){.name = r->name, .kind = r->kind, .observed = observed_at(model, r->id)};
    if (r->plate == 0)
        return;
    const urn__plate *p = &model->plate[r->plate - 1];
    info->table = p->table < 0 ? p->name : urn_dataset_table_name(model->data, p->table);
}

const double *urn_model_observed(const urn_model *model, int site)
{
    if (model->full != NULL)
        model = model->full;
    const urn__site *s = &model->site[site];
    return s->role == URN_SITE_OBSERVED && !s->local ? urn__known_values(model, s->value) : NULL;
}
