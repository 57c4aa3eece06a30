/* Models by name, from a C file, or from a shared object. */
#include "load.h"
#include "../io/io.h"
#include "../models/models.h"
#include "../runtime/base/base.h"
#include "cli.h"
#include "compile.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool ends_in(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n > m && strcmp(text + n - m, ending) == 0;
}

static urn_status load_builtin(const char *name, cli_model *model, urn_error *error)
{
    const urn_model_def *def = urn__builtin_find(name);
    if (def != NULL) {
        model->def = *def;
        model->kind = "built-in";
        uint64_t h[2] = {1, 2};
        for (int i = 0; i < 2; i++)
            h[i] = urn__hash_text(urn__hash_text(h[i], name), URN_VERSION);
        snprintf(model->hash, sizeof model->hash, "%016llx%016llx", (unsigned long long)h[0],
                 (unsigned long long)h[1]);
        return URN_OK;
    }
    const char *names[64];
    size_t n = 0;
    for (; n < 64 && (def = urn__builtin_at((int)n)) != NULL; n++)
        names[n] = def->name;
    cli_fail_unknown(error, "model", name, names, n);
    if (error != NULL && error->hint[0] == '\0')
        snprintf(
            error->hint, sizeof error->hint,
            "a model of your own is a .c or .so file; \"urn new NAME\" writes one to start from");
    return URN_ERR_USAGE;
}

static urn_status check_def(const urn_model_def *def, const char *path, cli_model *model,
                            urn_error *error)
{
    if (def == NULL || def->bytes < offsetof(urn_model_def, name))
        return cli_fail(error, URN_ERR_MODEL, NULL, "%s: urn_model_entry() gives no definition",
                        path);
    if (def->abi > URN_ABI_VERSION || def->bytes > sizeof *def)
        return cli_fail(error, URN_ERR_MODEL,
                        "rebuild it from its source with \"urn build\", or update urn",
                        "%s was built against a newer Urn header (model ABI %u, %zu bytes) than "
                        "this program (ABI %d, %zu bytes)",
                        path, (unsigned)def->abi, def->bytes, URN_ABI_VERSION, sizeof *def);
    memcpy(&model->def, def, def->bytes);
    model->def.bytes = sizeof model->def;
    if (model->def.name == NULL || model->def.trace == NULL)
        return cli_fail(error, URN_ERR_MODEL,
                        "end the model file with URN_MODEL(name, \"summary\");",
                        "%s: the definition has no name or no function", path);
    if (model->def.summary == NULL)
        model->def.summary = "";
    if (model->def.file == NULL)
        model->def.file = path;
    return URN_OK;
}

static urn_status load_shared(const char *path, const char *shown, cli_model *model,
                              urn_error *error)
{
    model->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (model->handle == NULL)
        return cli_fail(error, URN_ERR_MODEL, NULL, "%s cannot be loaded: %s", shown, dlerror());
    const urn_model_def *(*entry)(void) = NULL;
    void *symbol = dlsym(model->handle, "urn_model_entry");
    if (symbol == NULL)
        return cli_fail(error, URN_ERR_MODEL,
                        "end the file with URN_MODEL(name, \"summary\"); and build it with "
                        "\"urn build\", or with -DURN_MODEL_SHARED",
                        "%s is not a model: it has no urn_model_entry", shown);
    memcpy(&entry, &symbol, sizeof entry); /* POSIX's way from a void * to a function */
    return check_def(entry(), shown, model, error);
}

static urn_status resolve(const char *spec, char path[PATH_MAX], urn_error *error)
{
    if (realpath(spec, path) != NULL)
        return URN_OK;
    return cli_fail(error, URN_ERR_IO, "check the model's path", "%s: no such file", spec);
}

urn_status cli_load(const char *spec, cli_model *model, urn_error *error)
{
    *model = (cli_model){.kind = "so"};
    if (!ends_in(spec, ".c") && !ends_in(spec, ".so")) {
        if (strchr(spec, '/') != NULL)
            return cli_fail(error, URN_ERR_USAGE, NULL,
                            "\"%s\" is no model: a model is a built-in name, a .c or a .so file",
                            spec);
        return load_builtin(spec, model, error);
    }
    URN_TRY(resolve(spec, model->path, error));
    URN_TRY(urn__io_hash_file(model->path, model->hash, error));
    urn_status status;
    if (ends_in(spec, ".c")) {
        cli_object object;
        model->kind = "c";
        status = cli_compile_cached(model->path, &object, error);
        if (status == URN_OK) {
            status = load_shared(object.path, spec, model, error);
            if (object.temporary)
                unlink(object.path);
        }
    } else {
        status = load_shared(model->path, spec, model, error);
    }
    if (status != URN_OK)
        cli_unload(model);
    return status;
}

void cli_unload(cli_model *model)
{
    if (model->handle != NULL)
        dlclose(model->handle);
    model->handle = NULL;
}
