/* urn models, urn engines: what there is to choose from. */
#include "../models/models.h"
#include "cli.h"

urn_status cli_models(const cli_args *args, urn_error *error)
{
    const urn_model_def *def;
    if (!cli_flag(args, "json")) {
        for (int i = 0; (def = urn__builtin_at(i)) != NULL; i++)
            printf("%s%-12s%s %s\n", cli_bold(), def->name, cli_plain(), def->summary);
        return URN_OK;
    }
    json_t *list = json_array();
    for (int i = 0; (def = urn__builtin_at(i)) != NULL; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s}", "name", def->name, "summary", def->summary));
    return cli_print_json(json_pack("{s:o}", "models", list), error);
}

static const char *const type_names[] = {"int", "real", "choice", "flag", "text"};

static json_t *engine_json(const urn_engine *engine)
{
    json_t *options = json_array();
    for (const urn_option_spec *s = urn_engine_options(engine); s->name != NULL; s++)
        json_array_append_new(options,
                              json_pack("{s:s,s:s,s:s?,s:s?,s:s?}", "name", s->name, "type",
                                        type_names[s->type], "default", s->fallback, "choices",
                                        s->choices, "help", s->help));
    return json_pack("{s:s,s:s,s:o}", "name", urn_engine_name(engine), "summary",
                     urn_engine_summary(engine), "options", options);
}

urn_status cli_engines(const cli_args *args, urn_error *error)
{
    const int n = urn_engine_count();
    if (!cli_flag(args, "json")) {
        for (int i = 0; i < n; i++)
            printf("%s%-12s%s %s\n", cli_bold(), urn_engine_name(urn_engine_at(i)), cli_plain(),
                   urn_engine_summary(urn_engine_at(i)));
        printf("\n\"urn fit --help\" lists their options.\n");
        return URN_OK;
    }
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, engine_json(urn_engine_at(i)));
    return cli_print_json(json_pack("{s:o}", "engines", list), error);
}
