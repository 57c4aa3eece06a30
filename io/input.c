/* Files into memory, and the first look at them. */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

urn_status urn__io_fail_errno(urn_error *error, const char *path, const char *verb, int number)
{
    const char *hint = NULL;
    if (number == ENOENT)
        hint = "check the name; relative names count from the current directory";
    else if (number == EACCES || number == EPERM || number == EROFS)
        hint = "check the permissions of the file and of its directory";
    else if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        hint = "make room, or write to another place";
    return urn__fail(error, URN_ERR_IO, path, NULL, hint, "cannot %s: %s", verb, strerror(number));
}

void urn__io_bytes_clear(urn__io_bytes *bytes)
{
    urn__free(bytes->allocator, bytes->data);
    bytes->data = NULL;
    bytes->n = 0;
}

/* Makes room for `size` bytes and the two after them. */
static bool reserve(urn__io_bytes *bytes, size_t size, size_t *capacity)
{
    if (size + 2 <= *capacity)
        return true;
    char *data = urn__alloc(bytes->allocator, size + 2);
    if (!data)
        return false;
    if (bytes->n)
        memcpy(data, bytes->data, bytes->n);
    urn__free(bytes->allocator, bytes->data);
    bytes->data = data;
    *capacity = size + 2;
    return true;
}

/* Whole-file reads rather than mmap: a file that shrinks meanwhile must not end in SIGBUS. */
static urn_status read_all(int file, size_t expected, const char *path, urn__io_bytes *bytes,
                           urn_error *error)
{
    size_t capacity = 0, wanted = expected + 1; /* one more, to see the end */
    for (;;) {
        if (!reserve(bytes, wanted, &capacity))
            return urn__fail_memory(error, path, wanted);
        const ssize_t got = read(file, bytes->data + bytes->n, capacity - 2 - bytes->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return urn__io_fail_errno(error, path, "read this file", errno);
        if (got == 0)
            break;
        bytes->n += (size_t)got;
        if (bytes->n + 2 >= capacity)
            wanted = capacity * 2;
    }
    bytes->data[bytes->n] = '\n';
    bytes->data[bytes->n + 1] = 0;
    return URN_OK;
}

urn_status urn__io_slurp(const char *path, const urn_allocator *allocator, urn__io_bytes *bytes,
                         urn_error *error)
{
    *bytes = (urn__io_bytes){.allocator = allocator};
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return urn__io_fail_errno(error, path, "read this file", errno);
    struct stat about;
    urn_status status = URN_OK;
    if (fstat(file, &about) != 0)
        status = urn__io_fail_errno(error, path, "read this file", errno);
    else if (S_ISDIR(about.st_mode))
        status = urn__fail(error, URN_ERR_IO, path, NULL, "give a file in it",
                           "cannot read this file: it is a directory");
    else
        status = read_all(file, S_ISREG(about.st_mode) ? (size_t)about.st_size : 65534, path, bytes,
                          error);
    close(file);
    if (status != URN_OK)
        urn__io_bytes_clear(bytes);
    return status;
}

int64_t urn__io_line_of(const char *data, size_t at)
{
    int64_t line = 1;
    for (size_t i = 0; i < at; i++)
        if (data[i] == '\n' ? !(i > 0 && data[i - 1] == '\r') : data[i] == '\r')
            line++;
    return line;
}

urn_status urn__io_fail_zero(const char *path, const char *data, size_t at, int64_t line,
                             urn_error *error)
{
    char where[256];
    snprintf(where, sizeof where, "%.220s:%lld", path,
             (long long)line - 1 + (long long)urn__io_line_of(data, at));
    return urn__fail(error, URN_ERR_DATA, where, NULL, NULL,
                     "found a zero byte: this is not a text file, or it is damaged");
}

urn_status urn__io_check_text(const char *path, const char *data, size_t n, bool all, size_t *start,
                              urn_error *error)
{
    *start = n >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (all && strspn(data + *start, " \t\r\n") >= n - *start)
        return urn__fail(error, URN_ERR_DATA, path, NULL, NULL, "the file is empty");
    if (n >= 2 && (memcmp(data, "\xFF\xFE", 2) == 0 || memcmp(data, "\xFE\xFF", 2) == 0))
        return urn__fail(error, URN_ERR_DATA, path, NULL, "convert it: iconv -f utf-16 -t utf-8",
                         "the file is UTF-16, expected UTF-8 or ASCII text");
    const char *zero = memchr(data, 0, n);
    return zero ? urn__io_fail_zero(path, data, (size_t)(zero - data), 1, error) : URN_OK;
}

/* ---- formats ---- */

static urn__io_format format_of_content(const char *text)
{
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    if (strncasecmp(text, "%%MatrixMarket", 14) == 0)
        return URN__IO_MATRIX_MARKET;
    return text[strspn(text, " \t\r\n")] == '{' ? URN__IO_JSON : URN__IO_CSV;
}

/* The first bytes tell; a pipe cannot be looked at twice, so it is CSV. */
static urn_status look_inside(const char *path, urn__io_format *found, urn_error *error)
{
    char head[4096];
    struct stat about;
    *found = URN__IO_CSV;
    if (stat(path, &about) != 0)
        return urn__io_fail_errno(error, path, "read this file", errno);
    if (!S_ISREG(about.st_mode))
        return URN_OK;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return urn__io_fail_errno(error, path, "read this file", errno);
    const ssize_t got = read(file, head, sizeof head - 1);
    close(file);
    head[got > 0 ? got : 0] = 0;
    *found = format_of_content(head);
    return URN_OK;
}

urn_status urn__io_format_of(const char *path, urn__io_format *format, urn_error *error)
{
    static const struct {
        const char *ending;
        urn__io_format format;
    } endings[] = {{".csv", URN__IO_CSV},           {".tsv", URN__IO_CSV},
                   {".tab", URN__IO_CSV},           {".json", URN__IO_JSON},
                   {".mtx", URN__IO_MATRIX_MARKET}, {".mm", URN__IO_MATRIX_MARKET}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i].ending) == 0) {
            *format = endings[i].format;
            return URN_OK;
        }
    return look_inside(path, format, error);
}

urn_status urn__io_read(const char *path, const char *table, urn_dataset *data,
                        const urn__io_options *options, urn_error *error)
{
    urn__io_format found = URN__IO_CSV;
    URN_TRY(urn__io_format_of(path, &found, error));
    if (found == URN__IO_JSON)
        return urn__io_read_json(path, table, data, options, error);
    return found == URN__IO_MATRIX_MARKET
               ? urn__io_read_matrix_market(path, table, data, options, error)
               : urn__io_read_csv(path, table, data, options, error);
}

urn_status urn__io_rows_read(const char *path, const urn_allocator *kept,
                             const urn__io_options *options, urn__io_rows *rows, urn_error *error)
{
    urn__io_format found = URN__IO_CSV;
    URN_TRY(urn__io_format_of(path, &found, error));
    if (found == URN__IO_JSON)
        return urn__io_json_rows(path, kept, options, rows, error);
    return found == URN__IO_MATRIX_MARKET
               ? urn__io_matrix_market_rows(path, kept, options, rows, error)
               : urn__io_csv_rows(path, kept, options, rows, error);
}
