/* Models by name, from a C file, or from a shared object. */
#ifndef URN_CLI_LOAD_H
#define URN_CLI_LOAD_H

#include <limits.h>
#include <urn/urn.h>

typedef struct cli_model {
    urn_model_def def;   /* as this program knows it: members an older header lacks are zero */
    const char *kind;    /* "built-in", "c" or "so" */
    char path[PATH_MAX]; /* absolute path of the file, "" for a built-in model */
    char hash[33];       /* of the file, or of the built-in model's name and version */
    void *handle;        /* of dlopen */
} cli_model;

/* `spec` is a built-in name, a .c or a .so file. Errors: URN_ERR_USAGE unknown name, URN_ERR_IO no
 * such file, URN_ERR_MODEL does not compile, is no model, or belongs to a newer header. */
urn_status cli_load(const char *spec, cli_model *model, urn_error *error);
void cli_unload(cli_model *model);

#endif
