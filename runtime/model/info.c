/* Looking at a trace: sites, options, plates. */
#include "trace.h"
#include <string.h>

int urn__site_find(const urn_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_sites; i++)
        if (strcmp(m->site[i].name, name) == 0)
            return (int)i;
    return -1;
}

int urn_model_site_count(const urn_model *model)
{
    return (int)model->n_sites;
}

int urn_model_site_find(const urn_model *model, const char *name)
{
    return urn__site_find(model, name);
}

void urn_model_site(const urn_model *model, int i, urn_site_info *info)
{
    const urn__site *s = &model->site[i];
    *info = (urn_site_info){.name = s->name,
                            .where = s->where,
                            .role = s->role,
                            .family = s->family,
                            .n_dims = s->shape.n_plates + s->shape.n_event,
                            .n_plates = s->shape.n_plates,
                            .size = 1,
                            .rows = 1,
                            .offset = s->offset,
                            .free_size = s->offset < 0 ? 0 : s->free_size,
                            .no_mode = s->no_mode,
                            .noncentred = s->noncentred,
                            .hierarchical = s->hierarchical,
                            .weight = s->weight};
    if (s->offset >= 0 && s->support->discrete)
        info->free_size = s->support_rows * s->value_size;
    for (int k = 0; k < info->n_dims; k++) {
        const bool plate = k < s->shape.n_plates;
        const urn__plate *p = plate ? &model->plate[s->shape.plate[k] - 1] : NULL;
        info->dims[k] = plate ? p->size : s->shape.dim[k];
        info->plates[k] = plate ? p->name : NULL;
        info->size *= info->dims[k];
        info->rows *= plate ? info->dims[k] : 1;
    }
}

int64_t urn_model_position_size(const urn_model *model)
{
    return model->position_size;
}

int64_t urn_model_state_size(const urn_model *model)
{
    return model->state_size;
}

int64_t urn_model_observation_count(const urn_model *model)
{
    return model->n_observations;
}

const char *urn_model_name(const urn_model *model)
{
    return model->def->name;
}

int urn_model_option_count(const urn_model *model)
{
    return (int)model->n_options;
}

void urn_model_option(const urn_model *model, int i, urn_option_info *info)
{
    const urn__model_option *o = &model->option[i];
    *info = (urn_option_info){.name = o->name,
                              .type = o->type,
                              .value = o->value,
                              .fallback = o->fallback,
                              .help = o->help,
                              .choices = o->choices};
}

int urn_model_plate_count(const urn_model *model)
{
    return (int)model->n_plates;
}

void urn_model_plate(const urn_model *model, int i, urn_plate_info *info)
{
    static const char *const kinds[] = {"rows", "ids", "size", "nested"};
    const urn__plate *p = &model->plate[i];
    *info = (urn_plate_info){.name = p->name,
                             .kind = kinds[p->kind],
                             .size = p->size,
                             .n_known = p->n_known,
                             .int_labels = p->ids.ints,
                             .text_labels = p->ids.texts};
    if (p->kind == URN__PLATE_IDS)
        info->column = p->column;
    if (p->kind == URN__PLATE_ROWS)
        info->table = p->table < 0 ? p->name : urn_dataset_table_name(model->data, p->table);
}

int64_t urn_model_table_row(const urn_model *model, const char *plate, int64_t row)
{
    for (size_t i = 0; i < model->n_plates; i++) {
        const urn__plate *p = &model->plate[i];
        if (p->kind == URN__PLATE_ROWS && strcmp(p->name, plate) == 0)
            return row < 0 || row >= p->size ? -1 : urn__plate_table_row(model, p, row);
    }
    return -1;
}

const char *urn_model_unique(const urn_model *model, int i, const char **table)
{
    if (i < 0 || (size_t)i >= model->n_unique)
        return NULL;
    if (table != NULL)
        *table = model->unique[i].table;
    return model->unique[i].columns;
}
