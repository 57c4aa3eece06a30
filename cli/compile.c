/* Compiles model files with the user's compiler. */
#include "compile.h"
#include "cli.h"
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Set by the build: where the headers are in the tree, and after installation. */
#ifndef URN_BUILD_DIR
#define URN_BUILD_DIR ""
#endif
#ifndef URN_SOURCE_INCLUDE
#define URN_SOURCE_INCLUDE ""
#endif
#ifndef URN_INSTALLED_INCLUDE
#define URN_INSTALLED_INCLUDE ""
#endif
#ifndef URN_INSTALLED_LIB
#define URN_INSTALLED_LIB ""
#endif

static bool has(const char *dir, const char *name)
{
    char path[PATH_MAX];
    return *dir != '\0' && snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

static bool has_headers(const char *dir)
{
    return has(dir, "urn/urn.h");
}

/* The directory of this program, "" if the system does not say. */
static void program_dir(char dir[PATH_MAX])
{
    char path[PATH_MAX] = "";
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    snprintf(dir, PATH_MAX, "%s", n > 0 ? dirname(path) : "");
}

/* Is this program the one in the tree it was built in? */
static bool in_tree(const char *dir)
{
    const size_t built = strlen(URN_BUILD_DIR);
    return built > 0 && strncmp(dir, URN_BUILD_DIR, built) == 0 &&
           (dir[built] == '\0' || dir[built] == '/');
}

static bool add_installed(cli_exec *c)
{
    cli_exec asked = {0};
    urn__text flags = {0};
    cli_exec_add_words(&asked, "pkg-config --cflags urn");
    const bool known = cli_exec_read(&asked, true, &flags) == 0;
    if (known && flags.data != NULL)
        cli_exec_add_words(c, flags.data);
    urn__text_clear(&flags);
    return known;
}

/* Adds -I for <urn/urn.h>: URN_INCLUDE; the tree this program was built in; ../include beside an
 * installed program; pkg-config; where the headers were installed. */
static void add_headers(cli_exec *c)
{
    const char *given = getenv("URN_INCLUDE");
    char dir[PATH_MAX], beside[PATH_MAX + 16];
    program_dir(dir);
    snprintf(beside, sizeof beside, "%s/../include", dir);
    if (given != NULL && *given != '\0')
        cli_exec_add_joined(c, "-I", given);
    else if (in_tree(dir) && has_headers(URN_SOURCE_INCLUDE))
        cli_exec_add_joined(c, "-I", URN_SOURCE_INCLUDE);
    else if (has_headers(beside))
        cli_exec_add_joined(c, "-I", beside);
    else if (!add_installed(c) && has_headers(URN_INSTALLED_INCLUDE))
        cli_exec_add_joined(c, "-I", URN_INSTALLED_INCLUDE);
}

/* Enforced warnings are part of the model language. */
void cli_compile_command(cli_exec *c)
{
    const char *cc = getenv("CC");
    *c = (cli_exec){0};
    cli_exec_add_words(c, cc != NULL && *cc != '\0' ? cc : "cc");
    cli_exec_add_words(c, "-std=c17 -O2 -fPIC -Wall -Wextra -Werror -DURN_MODEL_SHARED");
    add_headers(c);
}

urn_status cli_compile_failed(const cli_exec *c, int code, const char *source, urn_error *error)
{
    urn__text text = {0};
    for (int i = 0; i < c->n; i++)
        urn__text_add(&text, "%s%s", i > 0 ? " " : "", c->words[i]);
    if (code == 127)
        cli_fail(error, URN_ERR_MODEL, "install a C compiler, or set CC to yours",
                 "the compiler \"%s\" cannot be run; the command was: %s", c->words[0],
                 text.data != NULL ? text.data : "");
    else
        cli_fail(error, URN_ERR_MODEL, "the compiler's own message is above",
                 "%s does not compile; the command was: %s", source,
                 text.data != NULL ? text.data : "");
    urn__text_clear(&text);
    return URN_ERR_MODEL;
}

/* A file as it would be made without mkstemp's caution: others may read a shared object. */
static void open_to_others(const char *path)
{
    const mode_t mask = umask(0);
    umask(mask);
    chmod(path, 0777 & ~mask);
}

/* The object is made under another name and renamed when whole. `before` and `after` are words
 * around the source; NULL ends them. */
static urn_status compile(const char *source, const char *output, const char *const *before,
                          const char *const *after, urn_error *error)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", output) >= (int)sizeof temporary)
        return cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", output);
    const int file = mkstemp(temporary);
    if (file < 0)
        return cli_fail(error, URN_ERR_IO, NULL, "%s cannot be written: %s", output,
                        strerror(errno));
    close(file);
    cli_exec c;
    cli_compile_command(&c);
    for (; *before != NULL; before++)
        cli_exec_add(&c, *before);
    cli_exec_add(&c, "-shared");
    cli_exec_add(&c, "-o");
    cli_exec_add(&c, temporary);
    cli_exec_add(&c, source);
    for (; *after != NULL; after++)
        cli_exec_add(&c, *after);
    const int code = cli_exec_run(&c);
    if (code != 0) {
        unlink(temporary);
        return cli_compile_failed(&c, code, source, error);
    }
    open_to_others(temporary);
    if (rename(temporary, output) != 0) {
        const int cause = errno;
        unlink(temporary);
        return cli_fail(error, URN_ERR_IO, NULL, "%s cannot be written: %s", output,
                        strerror(cause));
    }
    return URN_OK;
}

urn_status cli_compile(const char *source, const char *output, urn_error *error)
{
    const char *const none[] = {NULL};
    return compile(source, output, none, none, error);
}

/* ---- with BridgeStan's functions, and the library behind them ---- */

/* The folder of liburn.so: URN_LIB; the tree this program was built in; ../lib beside an installed
 * program; where it was installed; pkg-config. False if it is in none of these. */
static bool find_library(char found[PATH_MAX])
{
    const char *given = getenv("URN_LIB");
    char dir[PATH_MAX];
    program_dir(dir);
    if (given != NULL && *given != '\0')
        snprintf(found, PATH_MAX, "%s", given);
    else if (in_tree(dir))
        snprintf(found, PATH_MAX, "%s/.libs", URN_BUILD_DIR);
    else if (snprintf(found, PATH_MAX, "%s/../lib", dir) >= PATH_MAX || !has(found, "liburn.so"))
        snprintf(found, PATH_MAX, "%s", URN_INSTALLED_LIB);
    if (has(found, "liburn.so"))
        return true;
    cli_exec asked = {0};
    urn__text text = {0};
    cli_exec_add_words(&asked, "pkg-config --variable=libdir urn");
    if (cli_exec_read(&asked, true, &text) == 0 && text.data != NULL)
        snprintf(found, PATH_MAX, "%.*s", (int)strcspn(text.data, "\n"), text.data);
    urn__text_clear(&text);
    return has(found, "liburn.so");
}

static void add_quoted(urn__text *text, const char *word)
{
    urn__text_add(text, "\"");
    for (; *word != '\0'; word++)
        urn__text_add(text, *word == '"' || *word == '\\' ? "\\%c" : "%c", *word);
    urn__text_add(text, "\"");
}

/* The settings as a macro the header knows. */
static void add_settings(urn__text *text, const urn_setting *settings, size_t n)
{
    urn__text_add(text, "-DURN_BRIDGESTAN_SETTINGS=");
    for (size_t i = 0; i < n; i++) {
        urn__text_add(text, "%s{", i > 0 ? "," : "");
        add_quoted(text, settings[i].name);
        urn__text_add(text, ",");
        add_quoted(text, settings[i].value);
        urn__text_add(text, "}");
    }
}

urn_status cli_compile_bridgestan(const char *source, const char *output,
                                  const urn_setting *settings, size_t n, urn_error *error)
{
    char dir[PATH_MAX], whole[PATH_MAX];
    if (!find_library(dir) || realpath(dir, whole) == NULL)
        return cli_fail(error, URN_ERR_MODEL,
                        "install Urn's library, or set URN_LIB to the folder that has it",
                        "liburn.so is not found: with BridgeStan's functions a model is linked "
                        "with Urn's library");
    urn__text macro = {0}, search = {0}, path = {0};
    add_settings(&macro, settings, n);
    urn__text_add(&search, "-L%s", whole);
    urn__text_add(&path, "-Wl,-rpath,%s", whole);
    urn_status status = URN_OK;
    if (macro.failed || search.failed || path.failed) {
        status = cli_fail_memory(error);
    } else {
        const char *const before[] = {"-include", "urn/bridgestan.h", n > 0 ? macro.data : NULL,
                                      NULL};
        const char *const after[] = {search.data, path.data, "-Wl,-Bsymbolic", "-lurn", NULL};
        status = compile(source, output, before, after, error);
    }
    urn__text_clear(&macro);
    urn__text_clear(&search);
    urn__text_clear(&path);
    return status;
}
