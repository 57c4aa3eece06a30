/* Run directories that appear whole or not at all. */
#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 1000 };

struct urn__io_run {
    const urn_allocator *allocator;
    char *dir;       /* without trailing slashes */
    char *temporary; /* NULL once it is in place */
    char *asked;     /* what urn__io_run_path returned last */
    bool force;
};

static void free_run(urn__io_run *run)
{
    urn__free(run->allocator, run->dir);
    urn__free(run->allocator, run->temporary);
    urn__free(run->allocator, run->asked);
    urn__free(run->allocator, run);
}

static char *join(const urn_allocator *allocator, const char *dir, const char *name)
{
    const size_t size = strlen(dir) + strlen(name) + 2;
    char *path = urn__alloc(allocator, size);
    if (path)
        snprintf(path, size, "%s/%s", dir, name);
    return path;
}

/* Calls `each` for the names in a directory. 0, errno, or what `each` returned. */
static int walk(const char *dir, int (*each)(int directory, const char *name, void *context),
                void *context)
{
    DIR *open_dir = opendir(dir);
    if (!open_dir)
        return errno;
    int failure = 0;
    const struct dirent *entry;
    while (!failure && (entry = readdir(open_dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            failure = each(dirfd(open_dir), entry->d_name, context);
    closedir(open_dir);
    return failure;
}

typedef struct contents {
    bool has_fit, only_files;
    int n;
} contents;

static int look(int directory, const char *name, void *context)
{
    contents *found = context;
    struct stat about;
    found->n++;
    if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
        found->only_files = false;
    if (strcmp(name, "fit.json") == 0)
        found->has_fit = true;
    return 0;
}

static int remove_entry(int directory, const char *name, void *context)
{
    (void)context;
    return unlinkat(directory, name, 0) != 0 && errno != ENOENT ? errno : 0;
}

/* A run directory holds plain files only, so nothing below it is ever removed. */
static void remove_directory(const char *dir)
{
    walk(dir, remove_entry, NULL);
    rmdir(dir);
}

static urn_status check_existing(const char *dir, bool force, urn_error *error)
{
    struct stat about;
    if (lstat(dir, &about) != 0)
        return URN_OK;
    if (!force)
        return urn__fail(error, URN_ERR_USAGE, dir, NULL,
                         "choose another name, or replace it with --force",
                         "this %s exists already", S_ISDIR(about.st_mode) ? "directory" : "file");
    contents found = {.only_files = true};
    const int failure = S_ISDIR(about.st_mode) ? walk(dir, look, &found) : ENOTDIR;
    if (failure)
        return urn__fail(error, URN_ERR_USAGE, dir, NULL, "choose another name",
                         "this exists and cannot be replaced by a run: %s", strerror(failure));
    if (found.n > 0 && (!found.has_fit || !found.only_files))
        return urn__fail(error, URN_ERR_USAGE, dir, NULL, "choose another name",
                         "this directory exists and is not a run (%s), so --force leaves it alone",
                         found.has_fit ? "it holds more than plain files" : "it has no fit.json");
    return URN_OK;
}

/* Makes the sibling directory; errno, or -1 when memory runs out. */
static int make_temporary(urn__io_run *run)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        run->temporary = urn__io_temporary_name(run->allocator, run->dir, attempt);
        if (!run->temporary)
            return -1;
        if (mkdir(run->temporary, 0777) == 0)
            return 0;
        const int failure = errno;
        urn__free(run->allocator, run->temporary);
        run->temporary = NULL;
        if (failure != EEXIST)
            return failure;
    }
    return EEXIST;
}

urn_status urn__io_run_open(const char *dir, bool force, const urn_allocator *allocator,
                            urn__io_run **run, urn_error *error)
{
    *run = NULL;
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (n == 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "the run directory's name is empty");
    urn__io_run *made = urn__calloc(allocator, 1, sizeof *made);
    if (!made || !(made->dir = urn__calloc(allocator, n + 1, 1))) {
        urn__free(allocator, made);
        return urn__fail_memory(error, dir, n);
    }
    made->allocator = allocator;
    made->force = force;
    memcpy(made->dir, dir, n);
    urn_status status = check_existing(made->dir, force, error);
    if (status == URN_OK) {
        const int failure = make_temporary(made);
        if (failure < 0)
            status = urn__fail_memory(error, dir, n);
        else if (failure > 0)
            status = urn__io_fail_errno(error, dir, "make this directory", failure);
    }
    if (status != URN_OK)
        free_run(made);
    else
        *run = made;
    return status;
}

const char *urn__io_run_path(urn__io_run *run, const char *name)
{
    urn__free(run->allocator, run->asked);
    run->asked = join(run->allocator, run->temporary, name);
    return run->asked;
}

static int sync_entry(int directory, const char *name, void *context)
{
    (void)context;
    const int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    const int failure = fsync(file) != 0 && errno != EINVAL ? errno : 0;
    close(file);
    return failure;
}

/* Names change in one step where the system can swap two; else the old run is set aside for the
 * moment between two renames, and comes back if the second fails. */
static int replace(const char *temporary, const char *dir, const char *aside)
{
#ifdef RENAME_EXCHANGE
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, dir, RENAME_EXCHANGE) == 0) {
        remove_directory(temporary); /* the old run has this name now */
        return 0;
    }
#endif
    if (rename(dir, aside) != 0)
        return errno;
    if (rename(temporary, dir) == 0) {
        remove_directory(aside);
        return 0;
    }
    const int failure = errno;
    rename(aside, dir);
    return failure;
}

/* All of it on disk, then the name. */
static int put_in_place(const urn__io_run *run, const char *aside)
{
    struct stat about;
    int failure = walk(run->temporary, sync_entry, NULL);
    if (!failure)
        failure = urn__io_sync_directory(run->temporary);
    if (failure)
        return failure;
    if (lstat(run->dir, &about) == 0)
        return replace(run->temporary, run->dir, aside);
    return rename(run->temporary, run->dir) == 0 ? 0 : errno;
}

urn_status urn__io_run_commit(urn__io_run *run, urn_error *error)
{
    char *parent = urn__io_directory_of(run->allocator, run->dir);
    char *aside = urn__io_temporary_name(run->allocator, run->dir, ATTEMPTS);
    urn_status status = parent && aside
                            ? check_existing(run->dir, run->force, error) /* things change */
                            : urn__fail_memory(error, run->dir, strlen(run->dir) + 48);
    const int failure = status == URN_OK && aside ? put_in_place(run, aside) : 0;
    if (failure)
        status = urn__io_fail_errno(error, run->dir, "put this directory in place", failure);
    if (status == URN_OK && parent) {
        urn__free(run->allocator, run->temporary);
        run->temporary = NULL;
        urn__io_sync_directory(parent); /* the run is there: nothing left to undo on failure */
    }
    urn__free(run->allocator, parent);
    urn__free(run->allocator, aside);
    urn__io_run_abort(run);
    return status;
}

void urn__io_run_abort(urn__io_run *run)
{
    if (!run)
        return;
    if (run->temporary)
        remove_directory(run->temporary);
    free_run(run);
}
