/* The cache of compiled models: shared objects named by a hash of all that decides what they hold.
 */
#include "cli.h"
#include "compile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What is in it will be run, so it must be the user's alone. */
static bool is_safe(const char *dir)
{
    struct stat info;
    return stat(dir, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0 && access(dir, R_OK | X_OK) == 0;
}

/* False if there is no place for a cache. */
static bool cache_dir(char dir[PATH_MAX])
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = PATH_MAX;
    if (base != NULL && *base == '/')
        n = snprintf(dir, PATH_MAX, "%s/urn", base);
    else if (home != NULL && *home == '/')
        n = snprintf(dir, PATH_MAX, "%s/.cache/urn", home);
    if (n >= PATH_MAX - 64)
        return false;
    const mode_t mask = umask(0077);
    const bool made = make_dirs(dir);
    umask(mask);
    return made && is_safe(dir);
}

/* The key is of all the compiler will see and do: the preprocessed source (so that headers count),
 * the command, the compiler's version, and the version of Urn. */
static urn_status find_key(const char *source, char key[33], urn_error *error)
{
    cli_exec c, asked = {0};
    urn__text text = {0};
    cli_compile_command(&c);
    cli_exec_add(&c, "-E");
    cli_exec_add(&c, source);
    const int code = cli_exec_read(&c, false, &text);
    cli_exec_add(&asked, c.words[0]);
    cli_exec_add(&asked, "--version");
    if (code == 0)
        cli_exec_read(&asked, true, &text);
    uint64_t h[2] = {1, 2};
    for (int i = 0; i < 2; i++) {
        h[i] = urn__hash_text(h[i], URN_VERSION);
        h[i] = urn__hash_bytes(h[i], text.data != NULL ? text.data : "", text.length);
        for (int w = 0; w < c.n; w++)
            h[i] = urn__hash_text(h[i], c.words[w]);
    }
    const bool failed = text.failed;
    urn__text_clear(&text);
    snprintf(key, 33, "%016llx%016llx", (unsigned long long)h[0], (unsigned long long)h[1]);
    if (code != 0)
        return cli_compile_failed(&c, code, source, error);
    return failed ? cli_fail_memory(error) : URN_OK;
}

/* Without a cache: into a file that goes when it is loaded. */
static urn_status compile_once(const char *source, cli_object *object, urn_error *error)
{
    const char *dir = getenv("TMPDIR");
    dir = dir != NULL && *dir != '\0' ? dir : "/tmp";
    object->temporary = true;
    if (snprintf(object->path, PATH_MAX, "%s/urn-model-XXXXXX", dir) >= PATH_MAX - 16)
        return cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", dir);
    const int file = mkstemp(object->path);
    if (file < 0)
        return cli_fail(error, URN_ERR_IO, "set TMPDIR to a directory you may write to",
                        "no temporary file can be made in %s: %s", dir, strerror(errno));
    close(file);
    const urn_status status = cli_compile(source, object->path, error);
    if (status != URN_OK)
        unlink(object->path);
    return status;
}

urn_status cli_compile_cached(const char *source, cli_object *object, urn_error *error)
{
    char dir[PATH_MAX], key[33];
    *object = (cli_object){.temporary = false};
    if (!cache_dir(dir))
        return compile_once(source, object, error);
    URN_TRY(find_key(source, key, error));
    snprintf(object->path, PATH_MAX, "%.*s/%s.so", PATH_MAX - 64, dir, key);
    if (access(object->path, R_OK) == 0)
        return URN_OK;
    if (access(dir, W_OK) != 0)
        return compile_once(source, object, error);
    return cli_compile(source, object->path, error);
}
