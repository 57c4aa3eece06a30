/* Rows of one id of a plate beside every id of another (see beside.h). */
#include "beside.h"
#include <string.h>

typedef struct job {
    const cli_run *run;
    const urn_plate_info *users, *items;
    int64_t user; /* -1: a new one */
    urn__arena *arena;
    urn_dataset *data;
} job;

static int64_t fresh_int(const urn_plate_info *plate)
{
    int64_t most = -1;
    for (int64_t i = 0; i < plate->size; i++)
        if (plate->int_labels[i] > most)
            most = plate->int_labels[i];
    for (int64_t id = 0; most == INT64_MAX; id++) { /* then some smaller number is free */
        bool taken = false;
        for (int64_t i = 0; i < plate->size && !taken; i++)
            taken = plate->int_labels[i] == id;
        if (!taken)
            return id;
    }
    return most + 1;
}

static const char *fresh_text(const job *j, const urn_plate_info *plate)
{
    const char *text = "new";
    while (text != NULL && cli_label_find(plate, text) >= 0)
        text = urn__arena_printf(j->arena, "%s_", text);
    return text;
}

/* The column of ids of a plate: item r in row r, or the same user in all. */
static urn_status add_ids(job *j, const char *table, const char *column,
                          const urn_plate_info *plate, bool users, urn_error *error)
{
    const size_t n = (size_t)j->items->size;
    if (plate->text_labels != NULL) {
        const char **texts = urn__arena_alloc(j->arena, n, sizeof *texts);
        const char *fresh = fresh_text(j, plate);
        if (texts == NULL || fresh == NULL)
            return cli_fail_memory(error);
        for (size_t r = 0; r < n; r++)
            texts[r] = !users         ? plate->text_labels[r]
                       : j->user >= 0 ? plate->text_labels[j->user]
                                      : fresh;
        return urn_dataset_add_text(j->data, table, column, texts, error);
    }
    int64_t *ints = urn__arena_alloc(j->arena, n, sizeof *ints);
    if (ints == NULL)
        return cli_fail_memory(error);
    const int64_t fresh = fresh_int(plate);
    for (size_t r = 0; r < n; r++)
        ints[r] = !users ? plate->int_labels[r] : j->user >= 0 ? plate->int_labels[j->user] : fresh;
    return urn_dataset_add_int(j->data, table, column, ints, error);
}

static bool is_column_of(const job *j, const char *column, const urn_plate_info *plate)
{
    const char *map =
        json_string_value(json_object_get(json_object_get(j->run->json, "map"), plate->name));
    return strcmp(column, map != NULL ? map : plate->name) == 0;
}

/* All other columns are as in the run's template row. */
static urn_status fill_table(job *j, const char *table, const json_t *template, urn_error *error)
{
    const char *column;
    json_t *value;
    URN_TRY(urn_dataset_add_table(j->data, table, NULL, j->items->size, 1, error));
    json_object_foreach((json_t *)(uintptr_t) template, column, value)
    {
        if (is_column_of(j, column, j->users))
            URN_TRY(add_ids(j, table, column, j->users, true, error));
        else if (is_column_of(j, column, j->items))
            URN_TRY(add_ids(j, table, column, j->items, false, error));
        else
            URN_TRY(cli_add_constant(j->data, table, column, value, error));
    }
    bool observed;
    return cli_run_prepare(j->run, j->data, &observed, error);
}

urn_status cli_beside_data(const cli_run *run, const urn_plate_info *users,
                           const urn_plate_info *items, int64_t user, urn__arena *arena,
                           urn_dataset **data, urn_error *error)
{
    json_t *template = json_object_get(run->json, "template");
    void *first = json_object_iter(template);
    job j = {run, users, items, user, arena, NULL};
    *data = NULL;
    if (json_object_size(template) != 1)
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "recommending needs a model of one table, and the run has %zu",
                        json_object_size(template));
    j.data = urn_dataset_new(NULL);
    if (j.data == NULL)
        return cli_fail_memory(error);
    const urn_status status =
        fill_table(&j, json_object_iter_key(first), json_object_iter_value(first), error);
    if (status != URN_OK)
        urn_dataset_free(j.data);
    else
        *data = j.data;
    return status;
}
