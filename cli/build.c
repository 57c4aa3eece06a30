/* urn build: a model file into a shared object. */
#include "cli.h"
#include "compile.h"
#include "load.h"
#include <string.h>
#include <unistd.h>

const cli_option cli_build_options[] = {
    CLI_OUT("MODEL.so", "where to write it (default: the model's name with .so, or _model.so for "
                        "BridgeStan, here)"),
    CLI_FLAG("bridgestan", 0,
             "with BridgeStan's C functions, so that samplers made for Stan run the model"),
    CLI_LIST("set", "NAME=VALUE", "--bridgestan: a model option; commas or repeats"),
    CLI_END,
};

/* The file's name without its folder, ".c" replaced. */
static void default_output(const char *source, const char *ending, char output[PATH_MAX])
{
    const char *slash = strrchr(source, '/'), *base = slash != NULL ? slash + 1 : source;
    size_t n = strlen(base);
    if (n > 2 && strcmp(base + n - 2, ".c") == 0)
        n -= 2;
    snprintf(output, PATH_MAX, "%.*s%s", (int)n, base, ending);
}

static urn_status compile(const cli_args *args, const char *source, const char *output,
                          urn_error *error)
{
    if (!cli_flag(args, "bridgestan")) {
        if (cli_given_at_all(args, "set"))
            return cli_fail(error, URN_ERR_USAGE, "give it to urn fit",
                            "--set is for --bridgestan: other models get their options when they "
                            "are fitted");
        return cli_compile(source, output, error);
    }
    urn_setting *settings = NULL;
    size_t n = 0;
    URN_TRY(cli_settings(args, "set", &settings, &n, error));
    const urn_status status = cli_compile_bridgestan(source, output, settings, n, error);
    cli_settings_free(settings);
    return status;
}

urn_status cli_build(const cli_args *args, urn_error *error)
{
    const char *source = args->operands[0], *given = cli_text(args, "out");
    char output[PATH_MAX];
    if (given != NULL)
        snprintf(output, sizeof output, "%s", given);
    else
        default_output(source, cli_flag(args, "bridgestan") ? "_model.so" : ".so", output);
    if (access(source, R_OK) != 0)
        return cli_fail(error, URN_ERR_IO, "check the model's path", "%s: no such file", source);
    urn_status status = compile(args, source, output, error);
    if (status != URN_OK)
        return status;
    char loadable[PATH_MAX + 2];
    snprintf(loadable, sizeof loadable, "%s%s", strchr(output, '/') == NULL ? "./" : "", output);
    cli_model model;
    status = cli_load(loadable, &model, error);
    if (status != URN_OK) {
        unlink(output);
        return status;
    }
    if (cli_flag(args, "json"))
        status =
            cli_print_json(json_pack("{s:s,s:s}", "model", model.def.name, "file", output), error);
    else
        printf("%s: model %s (%s)\n", output, model.def.name, model.def.summary);
    cli_unload(&model);
    return status;
}
