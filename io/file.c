/* Files that appear whole or not at all. */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, ATTEMPTS = 1000 };

struct urn__io_file {
    const urn_allocator *allocator;
    char *path;
    char *temporary; /* NULL: written directly */
    int descriptor;
    int failure; /* errno of the first failure, 0 */
    bool no_memory;
    size_t used;
    char buffer[BUFFER];
};

char *urn__io_temporary_name(const urn_allocator *allocator, const char *path, int attempt)
{
    const size_t size = strlen(path) + 48;
    char *name = urn__alloc(allocator, size);
    if (name)
        snprintf(name, size, "%s.partial-%ld-%d", path, (long)getpid(), attempt);
    return name;
}

char *urn__io_directory_of(const urn_allocator *allocator, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) + (slash == path) : 1;
    char *name = urn__alloc(allocator, n + 1);
    if (name) {
        memcpy(name, slash ? path : ".", n);
        name[n] = 0;
    }
    return name;
}

int urn__io_sync_directory(const char *path)
{
    const int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno == EACCES ? 0 : errno; /* searchable but not readable: names may be made */
    const int failure = fsync(directory) != 0 ? errno : 0;
    close(directory);
    return failure == EINVAL || failure == ENOTSUP || failure == EROFS ? 0 : failure;
}

/* Opens a new file next to the path; errno, or -1 when memory runs out. */
static int open_temporary(urn__io_file *file)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        file->temporary = urn__io_temporary_name(file->allocator, file->path, attempt);
        if (!file->temporary)
            return -1;
        file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->descriptor >= 0)
            return 0;
        const int failure = errno;
        urn__free(file->allocator, file->temporary);
        file->temporary = NULL;
        if (failure != EEXIST)
            return failure;
    }
    return EEXIST;
}

/* Not to be replaced: the standard output, pipes and devices; also /dev/stdout where it is a link
 * to a plain file, which other writers hold open. */
static bool is_direct(const char *path, const struct stat *about)
{
    if (strcmp(path, "-") == 0)
        return true;
    return about != NULL && (!S_ISREG(about->st_mode) || strncmp(path, "/dev/", 5) == 0 ||
                             strncmp(path, "/proc/", 6) == 0);
}

urn_status urn__io_file_open(const char *path, const urn_allocator *allocator, urn__io_file **file,
                             urn_error *error)
{
    *file = NULL;
    struct stat about;
    const bool exists = stat(path, &about) == 0;
    if (exists && S_ISDIR(about.st_mode))
        return urn__io_fail_errno(error, path, "write this file", EISDIR);
    urn__io_file *made = urn__calloc(allocator, 1, sizeof *made);
    if (!made)
        return urn__fail_memory(error, path, sizeof *made);
    made->allocator = allocator;
    made->descriptor = -1;
    made->path = urn__calloc(allocator, strlen(path) + 1, 1);
    if (!made->path) {
        urn__io_file_abort(made);
        return urn__fail_memory(error, path, strlen(path) + 1);
    }
    memcpy(made->path, path, strlen(path));
    int failure = 0;
    if (is_direct(path, exists ? &about : NULL)) {
        made->descriptor = strcmp(path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                                  : open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        failure = made->descriptor < 0 ? errno : 0;
    } else {
        failure = open_temporary(made);
    }
    if (failure) {
        urn__io_file_abort(made);
        return failure < 0 ? urn__fail_memory(error, path, strlen(path))
                           : urn__io_fail_errno(error, path, "write this file", failure);
    }
    *file = made;
    return URN_OK;
}

static void put(urn__io_file *file, const char *bytes, size_t n)
{
    while (n > 0 && !file->failure) {
        const ssize_t done = write(file->descriptor, bytes, n);
        if (done < 0 && errno != EINTR)
            file->failure = errno;
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
}

void urn__io_file_flush(urn__io_file *file)
{
    put(file, file->buffer, file->used);
    file->used = 0;
}

void urn__io_file_write(urn__io_file *file, const void *bytes, size_t n)
{
    if (urn__io_file_failed(file))
        return;
    if (n > sizeof file->buffer - file->used)
        urn__io_file_flush(file);
    if (n > sizeof file->buffer) {
        put(file, bytes, n);
        return;
    }
    memcpy(file->buffer + file->used, bytes, n);
    file->used += n;
}

void urn__io_file_print(urn__io_file *file, const char *format, ...)
{
    char text[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof text) {
        urn__io_file_write(file, text, (size_t)n);
    } else if (n >= 0) {
        char *longer = urn__alloc(file->allocator, (size_t)n + 1);
        if (longer) {
            vsnprintf(longer, (size_t)n + 1, format, again);
            urn__io_file_write(file, longer, (size_t)n);
        }
        file->no_memory = file->no_memory || !longer;
        urn__free(file->allocator, longer);
    }
    va_end(again);
}

bool urn__io_file_failed(const urn__io_file *file)
{
    return file->failure != 0 || file->no_memory;
}

/* fsync, where the file can be synced at all, and close: network file systems report there. */
static void finish(urn__io_file *file)
{
    if (file->temporary && !file->failure && fsync(file->descriptor) != 0 && errno != EINVAL)
        file->failure = errno;
    if (close(file->descriptor) != 0 && !file->failure && errno != EINTR)
        file->failure = errno;
    file->descriptor = -1;
}

/* Once renamed the file is there and whole, even if its directory then cannot be synced. */
static void put_in_place(urn__io_file *file)
{
    char *directory = urn__io_directory_of(file->allocator, file->path);
    file->no_memory = directory == NULL;
    if (directory && rename(file->temporary, file->path) != 0) {
        file->failure = errno;
    } else if (directory) {
        urn__free(file->allocator, file->temporary);
        file->temporary = NULL;
        file->failure = urn__io_sync_directory(directory);
    }
    urn__free(file->allocator, directory);
}

urn_status urn__io_file_commit(urn__io_file *file, urn_error *error)
{
    if (!urn__io_file_failed(file))
        urn__io_file_flush(file);
    finish(file);
    if (file->temporary && !urn__io_file_failed(file))
        put_in_place(file);
    urn_status status = URN_OK;
    if (file->failure)
        status = urn__io_fail_errno(error, file->path, "write this file", file->failure);
    else if (file->no_memory)
        status = urn__fail_memory(error, file->path, BUFFER);
    urn__io_file_abort(file);
    return status;
}

void urn__io_file_abort(urn__io_file *file)
{
    if (!file)
        return;
    if (file->descriptor >= 0)
        close(file->descriptor);
    if (file->temporary)
        unlink(file->temporary);
    urn__free(file->allocator, file->temporary);
    urn__free(file->allocator, file->path);
    urn__free(file->allocator, file);
}

/* ---- CSV ---- */

static void separate(urn__io_csv *csv)
{
    if (csv->inside)
        urn__io_file_write(csv->file, ",", 1);
    csv->inside = true;
}

void urn__io_csv_text(urn__io_csv *csv, const char *text)
{
    const bool first = !csv->inside;
    separate(csv);
    /* An empty first field of a record could be the whole of a blank line. */
    const bool quotes = strpbrk(text, ",\"\r\n") || (first && !*text) || *text == ' ' ||
                        (*text && text[strlen(text) - 1] == ' ');
    if (!quotes) {
        urn__io_file_write(csv->file, text, strlen(text));
        return;
    }
    urn__io_file_write(csv->file, "\"", 1);
    for (const char *p = text; *p;) {
        const size_t n = strcspn(p, "\"");
        urn__io_file_write(csv->file, p, n);
        if (p[n])
            urn__io_file_write(csv->file, "\"\"", 2);
        p += n + (p[n] != 0);
    }
    urn__io_file_write(csv->file, "\"", 1);
}

void urn__io_csv_int(urn__io_csv *csv, int64_t value)
{
    separate(csv);
    urn__io_file_print(csv->file, "%lld", (long long)value);
}

void urn__io_csv_real(urn__io_csv *csv, double value)
{
    char text[32];
    separate(csv);
    urn__io_format_real(value, text);
    urn__io_file_write(csv->file, text, strlen(text));
}

void urn__io_csv_end(urn__io_csv *csv)
{
    urn__io_file_write(csv->file, "\n", 1);
    csv->inside = false;
}
