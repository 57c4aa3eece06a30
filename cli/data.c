/* Data files, tracing and plates, as the options of a command say. */
#include "data.h"
#include "../io/io.h"
#include "../runtime/model/dataset.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

cli_source cli_source_of(const char *text)
{
    cli_source source = {.path = text};
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || access(text, F_OK) == 0)
        return source;
    const size_t n = (size_t)(equals - text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return source;
    if (n < sizeof source.table) {
        memcpy(source.table, text, n);
        source.path = equals + 1;
    }
    return source;
}

urn_status cli_apply_maps(const cli_args *args, urn_dataset *data, urn_error *error)
{
    urn_setting *maps = NULL;
    size_t n = 0;
    URN_TRY(cli_settings(args, "map", &maps, &n, error));
    urn_status status = URN_OK;
    for (size_t i = 0; i < n && status == URN_OK; i++)
        status = urn_dataset_map(data, maps[i].name, maps[i].value, error);
    cli_settings_free(maps);
    return status;
}

bool cli_is_single(const cli_args *args)
{
    const char *precision = cli_text(args, "precision");
    return precision != NULL && strcmp(precision, "single") == 0;
}

urn_status cli_read_data(const cli_args *args, const char *test, const urn_allocator *allocator,
                         urn_dataset **data, urn_error *error)
{
    *data = urn_dataset_new(allocator);
    if (*data == NULL)
        return cli_fail_memory(error);
    urn_status status = URN_OK;
    const char *text;
    for (int i = 0; status == URN_OK && (text = cli_text_at(args, "data", i)) != NULL; i++) {
        const cli_source source = cli_source_of(text);
        const urn__io_options options = {.allocator = allocator,
                                         .single = cli_is_single(args),
                                         .test_path = i == 0 ? test : NULL};
        status = urn__io_read(source.path, source.table, *data, &options, error);
    }
    if (status == URN_OK)
        status = cli_apply_maps(args, *data, error);
    if (status != URN_OK) {
        urn_dataset_free(*data);
        *data = NULL;
    }
    return status;
}

urn_status cli_check_maps(const urn_dataset *data, const urn_model *model, urn_error *error)
{
    const char *unused = urn_dataset_unused_map(data, 0), *names[128];
    if (unused == NULL)
        return URN_OK;
    size_t n = 0;
    urn__text list = {0};
    for (int i = 0; i < urn_model_data_count(model) && n < 128; i++) {
        urn_data_info info;
        bool listed = false;
        urn_model_data(model, i, &info);
        for (size_t k = 0; k < n; k++)
            listed = listed || strcmp(names[k], info.name) == 0;
        if (listed)
            continue;
        urn__text_add(&list, "%s%s", n > 0 ? ", " : "", info.name);
        names[n++] = info.name;
    }
    const char *near = urn__nearest(unused, names, n);
    char hint[160] = "";
    if (near != NULL)
        snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
    cli_fail(error, URN_ERR_USAGE, hint, "--map %s=%s has no effect: the model reads %s", unused,
             urn__dataset_mapped(data, unused), list.data != NULL ? list.data : "no data");
    urn__text_clear(&list);
    return URN_ERR_USAGE;
}

/* ---- settings ---- */

urn_status cli_setup_init(const cli_args *args, bool with_sizes, cli_setup *setup, urn_error *error)
{
    *setup = (cli_setup){0};
    urn_status status = cli_settings(args, "set", &setup->settings, &setup->n_settings, error);
    if (status == URN_OK)
        status = cli_handlers_read(args, &setup->handlers, error);
    if (status != URN_OK || !with_sizes) {
        if (status != URN_OK)
            cli_setup_clear(setup);
        return status;
    }
    status = cli_settings(args, "plate", &setup->sizes, &setup->n_sizes, error);
    for (size_t i = 0; i < setup->n_sizes && status == URN_OK; i++) {
        int64_t n = 0;
        if (!urn__parse_int(setup->sizes[i].value, &n) || n < 1)
            status = cli_fail(error, URN_ERR_USAGE, NULL,
                              "option --plate gives %s the size \"%s\"; a size is a whole number "
                              "of at least 1",
                              setup->sizes[i].name, setup->sizes[i].value);
    }
    if (status == URN_OK) {
        setup->all_sizes = calloc(setup->n_sizes + 1, sizeof *setup->all_sizes);
        if (setup->all_sizes == NULL)
            status = cli_fail_memory(error);
    }
    if (status != URN_OK) {
        cli_setup_clear(setup);
        return status;
    }
    for (size_t i = 0; i < setup->n_sizes; i++)
        setup->all_sizes[i] = setup->sizes[i];
    if (cli_given_at_all(args, "rows"))
        setup->all_sizes[setup->n_sizes++] = (urn_setting){"rows", cli_text(args, "rows")};
    return URN_OK;
}

void cli_setup_clear(cli_setup *setup)
{
    cli_settings_free(setup->settings);
    cli_settings_free(setup->sizes);
    free(setup->all_sizes);
    cli_handlers_clear(&setup->handlers);
    *setup = (cli_setup){0};
}

void cli_hint_sizes(const urn_dataset *data, urn_error *error)
{
    if (data == NULL && error != NULL && error->status == URN_ERR_DATA)
        snprintf(
            error->hint, sizeof error->hint,
            "give data with --data FILE, or sizes: --rows N for tables, --plate NAME=N for ids");
}

urn_trace_options cli_trace_options(const cli_setup *setup, const urn_dataset *data)
{
    return (urn_trace_options){.bytes = sizeof(urn_trace_options),
                               .data = data,
                               .settings = setup->settings,
                               .n_settings = setup->n_settings,
                               .handlers = setup->handlers.list,
                               .n_handlers = setup->handlers.n,
                               .plate_sizes = setup->all_sizes,
                               .n_plate_sizes = setup->n_sizes};
}

/* ---- looking at a traced model ---- */

bool cli_plate_find(const urn_model *model, const char *name, urn_plate_info *plate)
{
    for (int i = 0; name != NULL && i < urn_model_plate_count(model); i++) {
        urn_model_plate(model, i, plate);
        if (strcmp(plate->name, name) == 0)
            return true;
    }
    return false;
}

bool cli_plate_of_ids(const urn_model *model, int k, urn_plate_info *plate)
{
    for (int i = 0; i < urn_model_plate_count(model); i++) {
        urn_model_plate(model, i, plate);
        if (strcmp(plate->kind, "ids") == 0 && k-- == 0)
            return true;
    }
    return false;
}

int cli_observed_site(const urn_model *model, int k, urn_plate_info *plate)
{
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (site.role == URN_SITE_OBSERVED && site.n_plates == 1 &&
            cli_plate_find(model, site.plates[0], plate) && strcmp(plate->kind, "rows") == 0 &&
            k-- == 0)
            return i;
    }
    return -1;
}

const char *cli_label(const urn_plate_info *plate, int64_t i, char text[32])
{
    if (plate->text_labels != NULL)
        return plate->text_labels[i];
    snprintf(text, 32, "%lld", (long long)(plate->int_labels != NULL ? plate->int_labels[i] : i));
    return text;
}

int64_t cli_label_find(const urn_plate_info *plate, const char *id)
{
    int64_t number = 0;
    if (plate->text_labels == NULL && !urn__parse_int(id, &number))
        return -1;
    for (int64_t i = 0; i < plate->size; i++) {
        const bool same = plate->text_labels != NULL  ? strcmp(plate->text_labels[i], id) == 0
                          : plate->int_labels != NULL ? plate->int_labels[i] == number
                                                      : i == number;
        if (same)
            return i;
    }
    return -1;
}

const char *cli_shape(const urn_site_info *site, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int d = 0; d < site->n_dims && used < size; d++) {
        const int n = d < site->n_plates
                          ? snprintf(text + used, size - used, "%s%s=%lld", d > 0 ? " x " : "",
                                     site->plates[d], (long long)site->dims[d])
                          : snprintf(text + used, size - used, "%s%lld", d > 0 ? " x " : "",
                                     (long long)site->dims[d]);
        used += (size_t)n;
    }
    return site->n_dims == 0 ? "scalar" : text;
}

const char *cli_role(urn_site_role role)
{
    switch (role) {
    case URN_SITE_LATENT:
        return "latent";
    case URN_SITE_OBSERVED:
        return "observed";
    case URN_SITE_RECORDED:
        return "recorded";
    case URN_SITE_PARAM:
        return "param";
    case URN_SITE_FACTOR:
        return "factor";
    }
    return "?";
}

urn_status cli_codes(const urn_dataset *data, const urn_model *model, const urn_plate_info *rows,
                     const urn_plate_info *ids, urn__arena *arena, const int32_t **codes,
                     urn_error *error)
{
    *codes = NULL;
    const int table = urn__dataset_table(data, rows->table);
    if (table < 0)
        return URN_OK;
    const char *file_column = urn__dataset_mapped(data, ids->name);
    bool has = false;
    for (int i = 0; i < urn_dataset_column_count(data, rows->table); i++)
        has = has || strcmp(urn_dataset_column_name(data, rows->table, i), file_column) == 0;
    if (!has)
        return URN_OK;
    const urn__ids labels = {.n = ids->size,
                             .n_known = ids->n_known,
                             .ints = ids->int_labels,
                             .texts = ids->text_labels};
    int32_t *of_table = NULL;
    URN_TRY(
        urn__dataset_codes(data, table, ids->name, &labels, ids->size, arena, &of_table, error));
    int32_t *own = urn__arena_alloc(arena, (size_t)rows->size + 1, sizeof *own);
    if (own == NULL)
        return cli_fail_memory(error);
    for (int64_t r = 0; r < rows->size; r++)
        own[r] = of_table[urn_model_table_row(model, rows->name, r)];
    *codes = own;
    return URN_OK;
}
