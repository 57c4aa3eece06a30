/* urn describe: what a model is made of. */
#include "data.h"
#include "load.h"
#include "plan.h"
#include <string.h>

const cli_option cli_describe_options[] = {
    CLI_DATA_OPTIONS, CLI_SET_OPTION, CLI_HANDLER_OPTIONS, CLI_SIZE_OPTIONS, CLI_END,
};

static const char *family_name(const urn_site_info *site)
{
    return site->family != NULL ? site->family->name : "-";
}

static const char *support_name(const urn_site_info *site)
{
    return site->family != NULL && site->family->support != NULL ? site->family->support()->name
                                                                 : "-";
}

static void print_sites(const urn_model *model)
{
    printf("%s%-14s %-9s %-14s %-14s %s%s\n", cli_bold(), "site", "role", "family", "support",
           "shape", cli_plain());
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        char shape[160];
        urn_model_site(model, i, &site);
        printf("%-14s %-9s %-14s %-14s %s\n", site.name, cli_role(site.role), family_name(&site),
               support_name(&site), cli_shape(&site, shape, sizeof shape));
    }
}

static void print_plates(const urn_model *model)
{
    printf("\n%s%-14s %-8s %10s  %s%s\n", cli_bold(), "plate", "kind", "size", "from", cli_plain());
    for (int i = 0; i < urn_model_plate_count(model); i++) {
        urn_plate_info plate;
        urn_model_plate(model, i, &plate);
        const char *from = plate.column != NULL  ? plate.column
                           : plate.table != NULL ? plate.table
                                                 : "";
        printf("%-14s %-8s %10lld  %s%s\n", plate.name, plate.kind, (long long)plate.size,
               plate.column != NULL  ? "column "
               : plate.table != NULL ? "table "
                                     : "",
               from);
    }
}

static const char *form_of(const urn_site_info *site)
{
    return site->noncentred ? "noncentred" : site->hierarchical ? "centred" : NULL;
}

/* Sites with a choice of coordinates, and those whose density is scaled. */
static void print_forms(const urn_model *model)
{
    bool begun = false;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        const char *form = form_of(&site);
        if (form == NULL && site.weight == 1.0)
            continue;
        if (!begun)
            printf("\n%s%-14s %-11s %-8s %s%s\n", cli_bold(), "site", "form", "weight", "because",
                   cli_plain());
        begun = true;
        printf("%-14s %-11s %-8g %s\n", site.name, form != NULL ? form : "-", site.weight,
               site.noncentred     ? "--reparam"
               : site.hierarchical ? "its loc and scale depend on latent sites; see --reparam"
                                   : "--scale");
    }
}

static void print_rest(const urn_model *model)
{
    if (urn_model_option_count(model) > 0)
        printf("\n%s%-14s %-8s %-14s %s%s\n", cli_bold(), "option", "type", "value", "meaning",
               cli_plain());
    for (int i = 0; i < urn_model_option_count(model); i++) {
        urn_option_info option;
        urn_model_option(model, i, &option);
        printf("%-14s %-8s %-14s %s", option.name, option.type, option.value,
               option.help != NULL ? option.help : "");
        if (option.choices != NULL && *option.choices != '\0')
            printf(" (%s)", option.choices);
        putchar('\n');
    }
    if (urn_model_data_count(model) > 0)
        printf("\n%s%-14s %-8s %-14s %s%s\n", cli_bold(), "data", "kind", "table", "observed at",
               cli_plain());
    for (int i = 0; i < urn_model_data_count(model); i++) {
        urn_data_info info;
        urn_model_data(model, i, &info);
        printf("%-14s %-8s %-14s %s\n", info.name, info.kind, info.table != NULL ? info.table : "",
               info.observed != NULL ? info.observed : "");
    }
}

static json_t *sites_json(const urn_model *model)
{
    json_t *list = json_array();
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        json_t *dims = json_array(), *plates = json_array();
        for (int d = 0; d < site.n_dims; d++)
            json_array_append_new(dims, json_integer((json_int_t)site.dims[d]));
        for (int d = 0; d < site.n_plates; d++)
            json_array_append_new(plates, json_string(site.plates[d]));
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:I,s:s?,s:s?,s:f}", "name",
                                              site.name, "role", cli_role(site.role), "family",
                                              family_name(&site), "support", support_name(&site),
                                              "plates", plates, "dims", dims, "size",
                                              (json_int_t)site.size, "where", site.where, "form",
                                              form_of(&site), "weight", site.weight));
    }
    return list;
}

static json_t *describe_json(const urn_model *model, json_t *plan)
{
    json_t *plates = json_array(), *options = json_array(), *data = json_array();
    for (int i = 0; i < urn_model_plate_count(model); i++) {
        urn_plate_info p;
        urn_model_plate(model, i, &p);
        json_array_append_new(plates, json_pack("{s:s,s:s,s:I,s:s?,s:s?}", "name", p.name, "kind",
                                                p.kind, "size", (json_int_t)p.size, "column",
                                                p.column, "table", p.table));
    }
    for (int i = 0; i < urn_model_option_count(model); i++) {
        urn_option_info o;
        urn_model_option(model, i, &o);
        json_array_append_new(options, json_pack("{s:s,s:s,s:s,s:s?,s:s?,s:s?}", "name", o.name,
                                                 "type", o.type, "value", o.value, "default",
                                                 o.fallback, "choices", o.choices, "help", o.help));
    }
    for (int i = 0; i < urn_model_data_count(model); i++) {
        urn_data_info d;
        urn_model_data(model, i, &d);
        json_array_append_new(data, json_pack("{s:s,s:s,s:s?,s:s?}", "name", d.name, "kind", d.kind,
                                              "table", d.table, "observed", d.observed));
    }
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:I,s:o}", "model", urn_model_name(model), "sites",
                     sites_json(model), "plates", plates, "options", options, "data", data,
                     "position_size", (json_int_t)urn_model_position_size(model), "gibbs", plan);
}

static urn_status describe(const cli_args *args, const cli_model *source, const urn_model *model,
                           urn_error *error)
{
    if (cli_flag(args, "json")) {
        json_t *plan;
        URN_TRY(cli_plan_json(model, &plan, error));
        return cli_print_json(describe_json(model, plan), error);
    }
    printf("%s%s%s: %s\n\n", cli_bold(), urn_model_name(model), cli_plain(), source->def.summary);
    print_sites(model);
    print_forms(model);
    print_plates(model);
    print_rest(model);
    printf("\n%lld unconstrained coordinates\n", (long long)urn_model_position_size(model));
    return cli_plan_print(model, error);
}

/* The pilot is that of a fit by nuts with the default seed. */
static urn_status settle_forms(cli_setup *setup, const cli_model *source,
                               urn_trace_options *options, urn_error *error)
{
    const urn_fit_options fit = {.bytes = sizeof fit, .engine = urn_engine_find("nuts"), .seed = 1};
    if (setup->handlers.automatic && options->data == NULL)
        return cli_fail(error, URN_ERR_USAGE, "give data with --data FILE",
                        "--reparam auto needs data: a pilot fit decides");
    URN_TRY(cli_handlers_settle(&setup->handlers, &source->def, options, &fit, false, error));
    options->handlers = setup->handlers.list;
    options->n_handlers = setup->handlers.n;
    return URN_OK;
}

urn_status cli_describe(const cli_args *args, urn_error *error)
{
    cli_model source;
    cli_setup setup = {0};
    urn_dataset *data = NULL;
    urn_model *model = NULL;
    URN_TRY(cli_load(args->operands[0], &source, error));
    urn_status status = cli_setup_init(args, true, &setup, error);
    if (status == URN_OK && cli_text_at(args, "data", 0) != NULL)
        status = cli_read_data(args, NULL, NULL, &data, error);
    urn_trace_options options = cli_trace_options(&setup, data);
    if (status == URN_OK)
        status = settle_forms(&setup, &source, &options, error);
    if (status == URN_OK)
        status = urn_model_trace(&source.def, &options, &model, error);
    if (status != URN_OK)
        cli_hint_sizes(data, error);
    if (status == URN_OK && data != NULL)
        status = cli_check_maps(data, model, error);
    if (status == URN_OK)
        status = describe(args, &source, model, error);
    urn_model_free(model);
    urn_dataset_free(data);
    cli_setup_clear(&setup);
    cli_unload(&source);
    return status;
}
