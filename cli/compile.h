/* Compiling model files with the user's compiler, and the cache of what was compiled. */
#ifndef URN_CLI_COMPILE_H
#define URN_CLI_COMPILE_H

#include "exec.h"
#include <limits.h>
#include <urn/run.h>

/* The compiler and the flags of every model, without a source. */
void cli_compile_command(cli_exec *c);
/* The error of a command that ended with this exit code. */
urn_status cli_compile_failed(const cli_exec *c, int code, const char *source, urn_error *error);

/* Compiles a model file into a shared object, which is whole or absent. The compiler's messages go
 * to stderr. */
urn_status cli_compile(const char *source, const char *output, urn_error *error);

/* The same with BridgeStan's functions (<urn/bridgestan.h>), these settings, and linked with Urn's
 * library, so that any program can load it. */
urn_status cli_compile_bridgestan(const char *source, const char *output,
                                  const urn_setting *settings, size_t n, urn_error *error);

/* A compiled model that is there to be loaded. */
typedef struct cli_object {
    char path[PATH_MAX];
    bool temporary; /* not in the cache: to be removed once it is loaded */
} cli_object;

/* The same into the cache, unless it is there. A cache that cannot be written is no error. */
urn_status cli_compile_cached(const char *source, cli_object *object, urn_error *error);

#endif
