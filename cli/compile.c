/* Compiles model files with the user's compiler; keeps the results in a cache keyed by content. */
#include "../io/io.h"
#include "../runtime/base/base.h"
#include "cli.h"
#include "load.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

enum { MAX_WORDS = 64 };

/* A command under construction; its words point into `text` or at constants. */
typedef struct command {
    const char *words[MAX_WORDS + 1];
    int n;
    char text[8192];
    size_t used;
} command;

static void add(command *c, const char *word)
{
    if (c->n < MAX_WORDS)
        c->words[c->n++] = word;
}

/* Adds the blank-separated words of `text`. */
static void add_words(command *c, const char *text)
{
    while (*(text += strspn(text, " \t\n")) != '\0') {
        const size_t length = strcspn(text, " \t\n");
        if (c->used + length + 1 > sizeof c->text)
            return;
        char *word = memcpy(c->text + c->used, text, length);
        word[length] = '\0';
        c->used += length + 1;
        add(c, word);
        text += length;
    }
}

/* Runs a command, its output into `out` (a file descriptor; -1: left alone), quietly or not.
 * Returns its exit code, 127 if it could not be started. */
static int run(const command *c, int out, bool quiet)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child < 0)
        return 127;
    if (child == 0) {
        const int nowhere = quiet ? open("/dev/null", O_WRONLY) : -1;
        if (nowhere >= 0)
            dup2(nowhere, STDERR_FILENO);
        dup2(out >= 0 ? out : STDERR_FILENO, STDOUT_FILENO);
        execvp(c->words[0], (char *const *)(uintptr_t)c->words);
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* What a command prints, up to `size` - 1 bytes; false if it fails. */
static bool output_of(const command *c, char *text, size_t size)
{
    FILE *file = tmpfile();
    if (file == NULL)
        return false;
    const bool ok = run(c, fileno(file), true) == 0;
    rewind(file);
    text[ok ? fread(text, 1, size - 1, file) : 0] = '\0';
    fclose(file);
    return ok;
}

static bool has_headers(const char *dir)
{
    char path[PATH_MAX];
    return *dir != '\0' && snprintf(path, sizeof path, "%s/urn/urn.h", dir) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

/* The directory of this program, "" if the system does not say. */
static void program_dir(char dir[PATH_MAX])
{
    char path[PATH_MAX] = "";
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    snprintf(dir, PATH_MAX, "%s", n > 0 ? dirname(path) : "");
}

static void add_include(command *c, const char *dir)
{
    char text[PATH_MAX + 32];
    snprintf(text, sizeof text, "-I%s", dir);
    if (c->used + strlen(text) + 1 > sizeof c->text)
        return;
    char *word = strcpy(c->text + c->used, text);
    c->used += strlen(text) + 1;
    add(c, word);
}

/* Adds -I for <urn/urn.h>: URN_INCLUDE; the tree this program was built in; ../include beside an
 * installed program; pkg-config; where the headers were installed. */
static void add_headers(command *c)
{
    const char *given = getenv("URN_INCLUDE");
    char dir[PATH_MAX], beside[PATH_MAX + 16], flags[4096];
    program_dir(dir);
    snprintf(beside, sizeof beside, "%s/../include", dir);
    const size_t built = strlen(URN_BUILD_DIR);
    const bool in_tree = built > 0 && strncmp(dir, URN_BUILD_DIR, built) == 0 &&
                         (dir[built] == '\0' || dir[built] == '/');
    command asked = {0};
    add_words(&asked, "pkg-config --cflags urn");
    if (given != NULL && *given != '\0')
        add_include(c, given);
    else if (in_tree && has_headers(URN_SOURCE_INCLUDE))
        add_include(c, URN_SOURCE_INCLUDE);
    else if (has_headers(beside))
        add_include(c, beside);
    else if (output_of(&asked, flags, sizeof flags))
        add_words(c, flags);
    else if (has_headers(URN_INSTALLED_INCLUDE))
        add_include(c, URN_INSTALLED_INCLUDE);
}

/* The compiler and the flags of every model; enforced warnings are part of the model language. */
static void start(command *c)
{
    const char *cc = getenv("CC");
    *c = (command){0};
    add_words(c, cc != NULL && *cc != '\0' ? cc : "cc");
    add_words(c, "-std=c17 -O2 -fPIC -Wall -Wextra -Werror -DURN_MODEL_SHARED");
    add_headers(c);
}

static urn_status fail_compile(const command *c, int code, const char *source, urn_error *error)
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

urn_status cli_compile(const char *source, const char *output, urn_error *error)
{
    command c;
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.%ld.tmp", output, (long)getpid()) >=
        (int)sizeof temporary)
        return cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", output);
    start(&c);
    add(&c, "-shared");
    add(&c, "-o");
    add(&c, temporary);
    add(&c, source);
    const int code = run(&c, -1, false);
    if (code != 0) {
        unlink(temporary);
        return fail_compile(&c, code, source, error);
    }
    if (rename(temporary, output) != 0) {
        const int cause = errno;
        unlink(temporary);
        return cli_fail(error, URN_ERR_IO, NULL, "%s cannot be written: %s", output,
                        strerror(cause));
    }
    return URN_OK;
}

/* mkdir -p. */
static bool make_dirs(char *path)
{
    for (char *p = path + 1;; p++) {
        const char kept = *p;
        if (kept != '/' && kept != '\0')
            continue;
        *p = '\0';
        const bool failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        *p = kept;
        if (failed || kept == '\0')
            return !failed;
    }
}

static urn_status cache_dir(char dir[PATH_MAX], urn_error *error)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (base != NULL && *base == '/')
        snprintf(dir, PATH_MAX, "%s/urn", base);
    else if (home != NULL && *home != '\0')
        snprintf(dir, PATH_MAX, "%s/.cache/urn", home);
    else
        snprintf(dir, PATH_MAX, "/tmp/urn-cache-%ld", (long)getuid());
    if (make_dirs(dir) && access(dir, W_OK) == 0)
        return URN_OK;
    return cli_fail(error, URN_ERR_IO, "set XDG_CACHE_HOME to a directory you may write to",
                    "the cache of compiled models, %s, cannot be written: %s", dir,
                    strerror(errno));
}

/* The key is of all the compiler will see: the preprocessed source (so that headers count), the
 * command and the compiler's version. */
static urn_status cache_key(const char *source, char key[33], urn_error *error)
{
    char path[] = "/tmp/urn-model-XXXXXX", version[4096] = "";
    const int file = mkstemp(path);
    if (file < 0)
        return cli_fail(error, URN_ERR_IO, NULL, "no temporary file can be made: %s",
                        strerror(errno));
    command c, asked = {0};
    start(&c);
    add(&c, "-E");
    add(&c, source);
    const int code = run(&c, file, false);
    close(file);
    urn_status status =
        code == 0 ? urn__io_hash_file(path, key, error) : fail_compile(&c, code, source, error);
    unlink(path);
    if (status != URN_OK)
        return status;
    add(&asked, c.words[0]);
    add(&asked, "--version");
    output_of(&asked, version, sizeof version);
    uint64_t h[2] = {1, 2};
    for (int i = 0; i < 2; i++) {
        h[i] = urn__hash_text(urn__hash_text(h[i], key), version);
        for (int w = 0; w < c.n; w++)
            h[i] = urn__hash_text(h[i], c.words[w]);
    }
    snprintf(key, 33, "%016llx%016llx", (unsigned long long)h[0], (unsigned long long)h[1]);
    return URN_OK;
}

urn_status cli_compile_cached(const char *source, char cached[PATH_MAX], urn_error *error)
{
    char dir[PATH_MAX], key[33];
    URN_TRY(cache_dir(dir, error));
    URN_TRY(cache_key(source, key, error));
    if (snprintf(cached, PATH_MAX, "%s/%s.so", dir, key) >= PATH_MAX)
        return cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", dir);
    return access(cached, R_OK) == 0 ? URN_OK : cli_compile(source, cached, error);
}
