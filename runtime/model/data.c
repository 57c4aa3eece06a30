/* Data by name: columns, scalars, arrays, index columns. */
#include "trace.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Reports an error that the dataset found. */
static urn_var data_error(urn_model *m, const urn_error *e)
{
    return urn__model_error(m, e->status, e->where[0] ? e->where : NULL, NULL, e->hint, "%s",
                            e->message);
}

static urn__plate *rows_plate(urn_plate rows, const char *what)
{
    urn__plate *p = urn__plate_at(rows);
    if (rows.model == NULL || !urn__model_ok(rows.model))
        return NULL;
    if (p == NULL || p->kind != URN__PLATE_ROWS) {
        (void)urn__model_error(rows.model, URN_ERR_MODEL, NULL, NULL,
                               "give it the plate that urn_plate_rows returned",
                               "%s of a plate that is not the rows of a table", what);
        return NULL;
    }
    return p;
}

static urn__id cached(const urn__column *list, size_t n, const urn__plate *p, uint32_t plate,
                      const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].table == p->table && list[i].plate == plate && strcmp(list[i].name, name) == 0)
            return list[i].id;
    return 0;
}

/* A data node of `width` columns; `values` has size x width elements and lives with the model. */
static urn__id data_node(urn_model *m, const urn__plate *p, uint32_t plate, const double *values,
                         int64_t width, bool vector)
{
    const urn__shape rows = urn__plate_shape(m, plate);
    const urn__values_attr attr = {.values = values,
                                   .width = width,
                                   .batch = p->seen != p->size,
                                   .shape = urn__shape_with_event(&rows, vector ? 1 : 0, &width)};
    return urn__emit(m->graph, &urn__op_data, 0, NULL, &attr, sizeof attr);
}

/* A data node that reads the dataset's own column. */
static urn__id column_node(urn_model *m, const urn__plate *p, uint32_t plate, urn__numbers *numbers)
{
    const urn__values_attr attr = {.numbers = numbers,
                                   .first = p->view.first,
                                   .width = 1,
                                   .batch = p->seen != p->size,
                                   .shape = urn__plate_shape(m, plate)};
    return urn__emit(m->graph, &urn__op_data, 0, NULL, &attr, sizeof attr);
}

static urn_var remember(urn_model *m, const urn__plate *p, uint32_t plate, const char *name,
                        urn__id id)
{
    if (id == 0)
        return urn__var(m, 0);
    urn__column *c = urn__model_append(m, (void **)&m->column, sizeof *m->column, &m->n_columns,
                                       &m->column_capacity);
    if (c != NULL)
        *c = (urn__column){
            .table = p->table, .plate = plate, .name = urn__arena_strdup(m->arena, name), .id = id};
    return urn__var(m, id);
}

/* The numbers of a column by place, or NULL with the error reported. */
static urn__numbers *column_numbers(urn_model *m, const urn__plate *p, const char *name)
{
    urn_error error = {0};
    urn__numbers *numbers = urn__dataset_numbers(m->data, p->table, name, m->arena, &error);
    if (numbers == NULL)
        (void)data_error(m, &error);
    return numbers;
}

/* Copies a column's rows of the view into every `width`-th place. */
static bool copy_column(urn_model *m, const urn__plate *p, const char *name, double *to,
                        int64_t width)
{
    enum { BLOCK = 512 };
    double block[BLOCK];
    if (p->view.by_row) {
        urn_error error = {0};
        const double *all = urn__dataset_column(m->data, p->table, name, &error);
        for (int64_t r = 0; all != NULL && r < p->size; r++)
            to[r * width] = all[r];
        if (all == NULL)
            (void)data_error(m, &error);
        return all != NULL;
    }
    urn__numbers *numbers = column_numbers(m, p, name);
    for (int64_t r = 0; numbers != NULL && r < p->size; r++) {
        if (r % BLOCK == 0)
            urn__numbers_read(numbers, p->view.first + r, p->size - r < BLOCK ? p->size - r : BLOCK,
                              block);
        to[r * width] = block[r % BLOCK];
    }
    return numbers != NULL;
}

/* Without the table, or in a simulation that makes the column: zeros. */
static bool is_made_up(const urn_model *m, const urn__plate *p, const char *name)
{
    if (p->table < 0)
        return true;
    const char *table = urn_dataset_table_name(m->data, p->table);
    const char *file_name = urn__dataset_mapped(m->data, name);
    for (int i = 0; i < urn_dataset_column_count(m->data, table); i++)
        if (strcmp(urn_dataset_column_name(m->data, table, i), file_name) == 0)
            return false;
    return m->options.n_plate_sizes > 0;
}

urn_var urn_data(urn_plate rows, const char *column)
{
    urn_model *m = rows.model;
    const urn__plate *p = rows_plate(rows, "a column");
    if (p == NULL)
        return urn__poison(m);
    const urn__id known = cached(m->column, m->n_columns, p, rows.id, column);
    if (known != 0)
        return urn__var(m, known);
    const bool made_up = is_made_up(m, p, column);
    urn__id id = 0;
    if (made_up || p->view.by_row) {
        double *values = urn__arena_alloc(m->arena, (size_t)p->size + 1, sizeof *values);
        if (values == NULL)
            return urn__var(m, 0);
        if (!made_up && !copy_column(m, p, column, values, 1))
            return urn__poison(m);
        id = data_node(m, p, rows.id, values, 1, false);
    } else {
        urn__numbers *numbers = column_numbers(m, p, column);
        if (numbers == NULL)
            return urn__poison(m);
        id = column_node(m, p, rows.id, numbers);
    }
    urn__note_read(m, "column", column, rows.id, id);
    return remember(m, p, rows.id, column, id);
}

urn_var urn_data_columns(urn_plate rows, const char *pattern)
{
    enum { MOST = 4096 };
    urn_model *m = rows.model;
    const urn__plate *p = rows_plate(rows, "columns");
    if (p == NULL)
        return urn__poison(m);
    const urn__id known = cached(m->column, m->n_columns, p, rows.id, pattern);
    if (known != 0)
        return urn__var(m, known);
    const char **name = urn__arena_alloc(m->arena, MOST, sizeof *name);
    if (name == NULL)
        return urn__var(m, 0);
    const int n = p->table < 0 ? 0 : urn__dataset_match(m->data, p->table, pattern, name, MOST);
    if (n < 1 || n > MOST)
        return urn__model_error(m, URN_ERR_DATA, NULL, NULL, NULL,
                                "%d columns match \"%s\"; 1 to %d are needed", n, pattern, MOST);
    double *values = urn__arena_alloc(m->arena, (size_t)p->size * (size_t)n + 1, sizeof *values);
    if (values == NULL)
        return urn__var(m, 0);
    for (int k = 0; k < n; k++)
        if (!copy_column(m, p, name[k], values + k, n))
            return urn__poison(m);
    urn__note_read(m, "columns", pattern, rows.id, 0);
    return remember(m, p, rows.id, pattern, data_node(m, p, rows.id, values, n, true));
}

urn_var urn_data_mean(urn_plate rows, const char *column)
{
    urn_model *m = rows.model;
    const urn__plate *p = rows_plate(rows, "a mean");
    double mean = 0;
    urn_error error = {0};
    if (p == NULL)
        return urn__poison(m);
    if (!is_made_up(m, p, column) &&
        urn__dataset_mean(m->data, p->table, column, &mean, &error) != URN_OK)
        return data_error(m, &error);
    urn__note_read(m, "mean", column, rows.id, 0);
    return urn__var(m, urn__number(m->graph, mean));
}

/* ---- scalars and arrays ---- */

static const double *named_array(urn_model *m, const char *name, int *rank, const int64_t **dims)
{
    const double *values = m->data == NULL ? NULL : urn__dataset_array(m->data, name, rank, dims);
    if (values != NULL)
        return values;
    char list[512] = "";
    if (m->data != NULL)
        urn__dataset_list(m->data, list, sizeof list);
    (void)urn__model_error(m, URN_ERR_DATA, NULL, NULL, "give it in a JSON file with --data FILE",
                           "the model wants \"%s\"; the data has %s", name,
                           list[0] == '\0' ? "nothing" : list);
    return NULL;
}

urn_var urn_data_real(urn_model *m, const char *name)
{
    int rank = 0;
    const int64_t *dims;
    if (!urn__model_ok(m))
        return urn__poison(m);
    const double *v = named_array(m, name, &rank, &dims);
    if (v == NULL)
        return urn__poison(m);
    if (rank != 0)
        return urn__model_error(m, URN_ERR_DATA, NULL, NULL, "read it with urn_data_array",
                                "\"%s\" has %d dims; a single number is expected", name, rank);
    if (!isfinite(v[0]))
        return urn__model_error(m, URN_ERR_DATA, NULL, NULL, NULL,
                                "\"%s\" is %g; a finite number is expected", name, v[0]);
    urn__note_read(m, "real", name, 0, 0);
    return urn__var(m, urn__number(m->graph, v[0]));
}

int64_t urn_data_int(urn_model *m, const char *name)
{
    int rank = 0;
    const int64_t *dims;
    if (!urn__model_ok(m))
        return 0;
    const double *v = named_array(m, name, &rank, &dims);
    if (v == NULL)
        return 0;
    const bool whole = rank == 0 && fabs(v[0]) < 9e15 && floor(v[0]) >= v[0];
    if (!whole)
        (void)urn__model_error(m, URN_ERR_DATA, NULL, NULL, NULL,
                               "\"%s\" is %g; a whole number is expected", name, v[0]);
    urn__note_read(m, "int", name, 0, 0);
    return whole ? (int64_t)v[0] : 0;
}

static urn_var array_error(urn_model *m, const char *name, int rank, const int64_t *dims,
                           const urn__shape *want)
{
    char found[160] = "", expected[160];
    for (int i = 0; i < rank; i++) {
        const size_t at = strlen(found);
        (void)snprintf(found + at, sizeof found - at, "%s%lld", i == 0 ? "" : " x ",
                       (long long)dims[i]);
    }
    urn__shape_text(m->graph, want, expected, sizeof expected);
    return urn__model_error(m, URN_ERR_DATA, NULL, NULL, NULL,
                            "\"%s\" has dims (%s); its leading ones must be %s, and at most %d in "
                            "all",
                            name, found, expected, URN__MAX_DIMS);
}

urn_var urn_data_array(urn_model *m, const char *name, urn_plate plate)
{
    int rank = 0;
    const int64_t *dims = NULL;
    if (!urn__model_ok(m))
        return urn__poison(m);
    if ((plate.model != NULL || plate.id != 0) && !urn__plate_known(m, plate))
        return urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                "urn_data_array of \"%s\" got a plate of another model", name);
    const double *v = named_array(m, name, &rank, &dims);
    if (v == NULL)
        return urn__poison(m);
    urn__shape s = urn__plate_shape(m, plate.id);
    bool fits = rank >= s.n_plates && rank <= URN__MAX_DIMS;
    for (int i = 0; i < s.n_plates && fits; i++)
        fits = dims[i] == s.dim[i];
    if (!fits)
        return array_error(m, name, rank, dims, &s);
    s.n_event = rank - s.n_plates;
    for (int i = s.n_plates; i < rank; i++)
        s.dim[i] = dims[i];
    const int64_t n = urn__shape_size(&s);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return urn__model_error(m, URN_ERR_DATA, NULL, NULL, NULL,
                                    "\"%s\": element %lld (0-based, row-major) is %g; finite "
                                    "numbers are expected",
                                    name, (long long)i, v[i]);
    double *copy = urn__arena_alloc(m->arena, (size_t)n + 1, sizeof *copy);
    if (copy == NULL)
        return urn__var(m, 0);
    memcpy(copy, v, (size_t)n * sizeof *copy);
    const urn__values_attr attr = {.values = copy, .width = urn__shape_event(&s), .shape = s};
    const urn__id id = urn__emit(m->graph, &urn__op_data, 0, NULL, &attr, sizeof attr);
    urn__note_read(m, "array", name, 0, id);
    return urn__var(m, id);
}

/* ---- index columns ---- */

static urn__index *new_index(urn_model *m, int64_t n, int64_t n_targets)
{
    urn__index *ix = urn__arena_alloc(m->arena, 1, sizeof *ix);
    if (ix == NULL)
        return NULL;
    ix->n = n;
    ix->n_targets = n_targets;
    ix->row = urn__arena_alloc(m->arena, (size_t)n + 1, sizeof *ix->row);
    ix->order = urn__arena_alloc(m->arena, (size_t)n + 1, sizeof *ix->order);
    ix->start = urn__arena_alloc(m->arena, (size_t)n_targets + 2, sizeof *ix->start);
    return urn__arena_failed(m->arena) ? NULL : ix;
}

/* A simulation without the column goes round. */
static urn__index *round_index(urn_model *m, const urn__plate *p, const urn__plate *target)
{
    urn__index *ix = new_index(m, p->size, target->size);
    for (int64_t r = 0; ix != NULL && r < p->size; r++)
        ix->row[r] = (int32_t)(r % (target->size + (target->size == 0)));
    if (ix != NULL)
        urn__index_sort(ix);
    return ix;
}

static urn__index *column_index(urn_model *m, const urn__plate *p, const char *column,
                                const urn__plate *target)
{
    urn__index *ix = NULL;
    urn_error error = {0};
    if (is_made_up(m, p, column))
        return round_index(m, p, target);
    const urn__ids *ids = target->ids.n > 0 ? &target->ids : NULL;
    if (urn__dataset_index(m->data, p->table, column, ids, target->size, &p->view, m->arena, &ix,
                           &error) != URN_OK)
        (void)data_error(m, &error);
    return ix;
}

/* Are rows of the table left out of the view? */
static bool hides_rows(const urn_model *m, const urn__plate *p)
{
    return p->table >= 0 && p->size < urn__dataset_table_rows(m->data, p->table);
}

urn_var urn_index(urn_plate rows, const char *column, urn_plate target)
{
    urn_model *m = rows.model != NULL ? rows.model : target.model;
    const urn__plate *p = rows_plate(rows, "an index column"), *t = urn__plate_at(target);
    if (p == NULL || t == NULL || !urn__plate_known(m, target))
        return m == NULL || !urn__model_ok(m)
                   ? urn__poison(m)
                   : urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                      "urn_index of column \"%s\" needs a target plate", column);
    if (t->n_levels != 1)
        return urn__model_error(m, URN_ERR_MODEL, NULL, NULL, "index one of its levels",
                                "urn_index into plate \"%s\", which is nested", t->name);
    if (t->seen != t->size && t->room == 0)
        return urn__model_error(m, URN_ERR_MODEL, NULL, NULL, "use full batches",
                                "urn_index into plate \"%s\", of which mini-batches are taken",
                                t->name);
    if (t->kind == URN__PLATE_ROWS && hides_rows(m, t))
        return urn__model_error(
            m, URN_ERR_MODEL, NULL, NULL, "hold out rows of the other table, or index by ids",
            "urn_index into the rows of \"%s\", some of which are held out", t->name);
    for (size_t i = 0; i < m->n_index; i++)
        if (m->index[i].plate == rows.id && m->index[i].table == (int)target.id &&
            strcmp(m->index[i].name, column) == 0)
            return urn__var(m, m->index[i].id);
    urn__index *ix = column_index(m, p, column, t);
    if (ix == NULL)
        return urn__model_ok(m) ? urn__var(m, 0) : urn__poison(m);
    const urn__index_attr attr = {.index = ix,
                                  .rows_plate = p->level[0],
                                  .target_plate = t->level[0],
                                  .n = p->seen,
                                  .batch = p->seen != p->size,
                                  .n_targets = t->seen};
    const urn__id id = urn__emit(m->graph, &urn__op_index, 0, NULL, &attr, sizeof attr);
    urn__column *c =
        urn__model_append(m, (void **)&m->index, sizeof *m->index, &m->n_index, &m->index_capacity);
    if (c != NULL)
        *c = (urn__column){.table = (int)target.id,
                           .plate = rows.id,
                           .name = urn__arena_strdup(m->arena, column),
                           .id = id};
    urn__note_read(m, "index", column, rows.id, 0);
    return urn__var(m, id);
}

void urn_unique(urn_plate rows, const char *columns)
{
    urn_model *m = rows.model;
    const urn__plate *p = rows_plate(rows, "urn_unique");
    if (p == NULL)
        return;
    urn__unique *u = urn__model_append(m, (void **)&m->unique, sizeof *m->unique, &m->n_unique,
                                       &m->unique_capacity);
    if (u == NULL)
        return;
    u->columns = urn__arena_strdup(m->arena, columns);
    u->table = p->table < 0 ? p->name : urn_dataset_table_name(m->data, p->table);
    urn_error error = {0};
    const bool check = p->table >= 0 && !m->options.allow_duplicates &&
                       m->options.n_plate_sizes == 0 && m->options.rows == URN_ROWS_TRAINING;
    if (check && urn__dataset_check_unique(m->data, p->table, columns, &error) != URN_OK)
        (void)data_error(m, &error);
}
