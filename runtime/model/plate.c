/* Plates. */
#include "trace.h"
#include <stdio.h>
#include <string.h>

static const int64_t MOST_ROWS = 2147483646; /* row numbers are 32 bit */

urn__plate *urn__plate_at(urn_plate plate)
{
    return plate.model == NULL || plate.id == 0 ? NULL : &plate.model->plate[plate.id - 1];
}

bool urn__plate_known(const urn_model *m, urn_plate plate)
{
    return plate.model == m && plate.id >= 1 && plate.id <= m->n_plates;
}

int64_t urn__asked_size(const urn_model *m, const char *plate)
{
    int64_t size = -1;
    for (size_t i = 0; i < m->options.n_plate_sizes; i++)
        if (strcmp(m->options.plate_sizes[i].name, plate) == 0 &&
            !urn__parse_int(m->options.plate_sizes[i].value, &size))
            size = 0;
    return size;
}

static urn_plate no_plate(urn_model *m)
{
    return (urn_plate){.model = m};
}

static urn_plate add(urn_model *m, urn__plate plate)
{
    if (!urn__model_ok(m))
        return no_plate(m);
    if (plate.kind != URN__PLATE_NESTED && (plate.size < 0 || plate.size > MOST_ROWS)) {
        (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, "give it at least one row",
                               "plate \"%s\" has size %lld", plate.name, (long long)plate.size);
        return no_plate(m);
    }
    urn__plate *p = urn__model_append(m, (void **)&m->plate, sizeof *m->plate, &m->n_plates,
                                      &m->plate_capacity);
    if (p == NULL)
        return no_plate(m);
    *p = plate;
    p->name = urn__arena_strdup(m->arena, plate.name);
    if (plate.kind != URN__PLATE_NESTED) {
        p->room = urn__touched_room(m, p);
        p->seen = p->seen > 0 ? p->seen : p->room > 0 ? p->room : p->size;
        p->n_levels = 1;
        p->level[0] = (int32_t)m->n_plates;
    }
    urn__graph_name_plate(m->graph, (int32_t)m->n_plates, p->name);
    return (urn_plate){.model = m, .id = (uint32_t)m->n_plates};
}

static uint32_t find(const urn_model *m, urn__plate_kind kind, const char *name)
{
    for (size_t i = 0; i < m->n_plates; i++)
        if (m->plate[i].kind == kind && strcmp(m->plate[i].name, name) == 0)
            return (uint32_t)(i + 1);
    return 0;
}

/* ---- rows of a table ---- */

static bool any_held_out(const urn_dataset *data)
{
    for (int i = 0; i < urn_dataset_table_count(data); i++)
        if (urn__dataset_held_out_count(data, i) > 0)
            return true;
    return false;
}

/* Where rows of one table are held out, tables without are seen whole in every view. */
static void select_rows(const urn_model *m, urn__plate *p)
{
    p->all_views = urn__dataset_held_out_count(m->data, p->table) == 0 && any_held_out(m->data);
    p->view = urn__dataset_view(m->data, p->table, p->all_views ? URN_ROWS_ALL : m->options.rows);
    p->size = p->view.n;
}

int64_t urn__plate_table_row(const urn_model *m, const urn__plate *plate, int64_t row)
{
    return plate->table < 0 ? row : urn__dataset_row(m->data, plate->table, &plate->view, row);
}

static void missing_table(urn_model *m, const char *table)
{
    char list[512] = "";
    if (m->data != NULL)
        urn__dataset_list(m->data, list, sizeof list);
    (void)urn__model_error(m, URN_ERR_DATA, NULL, NULL,
                           m->data == NULL || urn_dataset_table_count(m->data) == 0
                               ? "give data with --data FILE"
                               : "name a table with --data TABLE=FILE",
                           "the model wants the rows of a table \"%s\"; the data has %s", table,
                           list[0] == '\0' ? "nothing" : list);
}

static void start_batch(urn_model *m, urn__plate *p, uint32_t number)
{
    if (m->options.batch_plate == NULL || strcmp(m->options.batch_plate, p->name) != 0)
        return;
    if (m->options.batch_size < 1 || m->options.batch_size > p->size) {
        (void)urn__model_error(m, URN_ERR_USAGE, NULL, NULL, NULL,
                               "a mini-batch of %lld rows of plate \"%s\", which has %lld",
                               (long long)m->options.batch_size, p->name, (long long)p->size);
        return;
    }
    p->seen = m->options.batch_size;
    m->batch_plate = number;
    m->batch_factor = (double)p->size / (double)p->seen;
}

urn_plate urn_plate_rows(urn_model *m, const char *table)
{
    const uint32_t known = find(m, URN__PLATE_ROWS, table);
    if (known != 0)
        return (urn_plate){.model = m, .id = known};
    if (!urn__model_ok(m))
        return no_plate(m);
    urn__plate p = {.kind = URN__PLATE_ROWS, .name = table, .table = -1};
    if (m->data != NULL)
        p.table = urn__dataset_table(m->data, table);
    if (p.table >= 0) {
        select_rows(m, &p);
    } else if (urn__asked_size(m, table) >= 0) {
        p.size = urn__asked_size(m, table);
    } else if (urn__asked_size(m, "rows") >= 0) { /* every table without a size of its own */
        p.size = urn__asked_size(m, "rows");
    } else {
        missing_table(m, table);
        return no_plate(m);
    }
    p.n_known = p.size;
    start_batch(m, &p, (uint32_t)m->n_plates + 1);
    return add(m, p);
}

/* ---- ids of a column ---- */

urn_plate urn_plate_of(urn_model *m, const char *column)
{
    const uint32_t known = find(m, URN__PLATE_IDS, column);
    if (known != 0)
        return (urn_plate){.model = m, .id = known};
    if (!urn__model_ok(m))
        return no_plate(m);
    urn__plate p = {.kind = URN__PLATE_IDS, .name = column, .table = -1, .column = column};
    p.size = urn__asked_size(m, column);
    if (p.size < 0 && m->data == NULL) {
        (void)urn__model_error(m, URN_ERR_DATA, NULL, NULL, "give data with --data FILE",
                               "the model wants the ids in column \"%s\"", column);
        return no_plate(m);
    }
    if (p.size < 0) {
        urn_error error = {0};
        const urn_status status = urn__dataset_ids(m->data, column, m->arena, &p.ids, &error);
        if (status != URN_OK) {
            (void)urn__model_error(m, status, error.where[0] ? error.where : NULL, NULL, error.hint,
                                   "%s", error.message);
            return no_plate(m);
        }
        p.size = p.ids.n;
        p.column = urn__arena_strdup(m->arena, urn__dataset_mapped(m->data, column));
    }
    p.n_known = p.ids.n > 0 ? p.ids.n_known : p.size;
    return add(m, p);
}

urn_plate urn_plate_size(urn_model *m, const char *name, int64_t size)
{
    const uint32_t known = find(m, URN__PLATE_SIZE, name);
    if (known != 0 && m->plate[known - 1].size != size)
        (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, "give every plate its own name",
                               "plate \"%s\" has size %lld here and %lld before", name,
                               (long long)size, (long long)m->plate[known - 1].size);
    if (known != 0)
        return (urn_plate){.model = m, .id = known};
    if (urn__model_ok(m) && size < 1)
        (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, "give it at least one row",
                               "plate \"%s\" has size %lld", name, (long long)size);
    return add(
        m, (urn__plate){
               .kind = URN__PLATE_SIZE, .name = name, .size = size, .n_known = size, .table = -1});
}

/* ---- nesting ---- */

urn_plate urn_plate_nest(urn_plate outer, urn_plate inner)
{
    urn_model *m = outer.model != NULL ? outer.model : inner.model;
    const urn__plate *a = urn__plate_at(outer), *b = urn__plate_at(inner);
    if (m == NULL)
        return (urn_plate){0};
    if (!urn__model_ok(m))
        return no_plate(m);
    if (!urn__plate_known(m, outer) || !urn__plate_known(m, inner)) {
        (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                               "urn_plate_nest needs two plates of this model");
        return no_plate(m);
    }
    for (int i = 0; i < a->n_levels * b->n_levels; i++)
        if (a->level[i / b->n_levels] == b->level[i % b->n_levels]) {
            (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                   "plate \"%s\" is nested in itself",
                                   m->plate[b->level[i % b->n_levels] - 1].name);
            return no_plate(m);
        }
    urn__plate p = {.kind = URN__PLATE_NESTED, .table = -1, .size = a->size * b->size};
    p.n_levels = a->n_levels + b->n_levels;
    if (p.n_levels > URN__MAX_LEVELS) {
        (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                               "plates \"%s\" and \"%s\" nest to %d levels; at most %d are allowed",
                               a->name, b->name, p.n_levels, URN__MAX_LEVELS);
        return no_plate(m);
    }
    memcpy(p.level, a->level, (size_t)a->n_levels * sizeof p.level[0]);
    memcpy(p.level + a->n_levels, b->level, (size_t)b->n_levels * sizeof p.level[0]);
    p.seen = a->seen * b->seen;
    p.n_known = p.size;
    char name[160];
    (void)snprintf(name, sizeof name, "%s/%s", a->name, b->name);
    p.name = name;
    const uint32_t known = find(m, URN__PLATE_NESTED, name);
    return known != 0 ? (urn_plate){.model = m, .id = known} : add(m, p);
}

int64_t urn_plate_rows_count(urn_plate plate)
{
    const urn__plate *p = urn__plate_at(plate);
    return p == NULL || !urn__model_ok(plate.model) ? 0 : p->size;
}

urn__shape urn__plate_shape(const urn_model *m, uint32_t plate)
{
    urn__shape s = {0};
    if (plate == 0)
        return s;
    const urn__plate *p = &m->plate[plate - 1];
    s.n_plates = p->n_levels;
    for (int i = 0; i < p->n_levels; i++) {
        s.plate[i] = p->level[i];
        s.dim[i] = m->plate[p->level[i] - 1].seen;
    }
    return s;
}
