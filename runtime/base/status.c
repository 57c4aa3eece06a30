/* Statuses, and how an error is filled in and put into one line. */
#include "base.h"

#include <stdio.h>
#include <string.h>

const char *urn_status_text(urn_status status)
{
    switch (status) {
#define STATUS_TEXT(name, exit_code, text)                                                         \
    case URN_##name:                                                                               \
        return text;
        URN_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

int urn_status_exit_code(urn_status status)
{
    switch (status) {
#define STATUS_EXIT_CODE(name, exit_code, text)                                                    \
    case URN_##name:                                                                               \
        return exit_code;
        URN_STATUS_LIST(STATUS_EXIT_CODE)
#undef STATUS_EXIT_CODE
    }
    return 1;
}

/* Copies what fits; a text that was cut ends in "..." so that nobody takes it for the whole. */
static void copy_text(char *to, size_t size, const char *from)
{
    const int length = snprintf(to, size, "%s", from ? from : "");
    if (length >= 0 && (size_t)length >= size)
        memcpy(to + size - 4, "...", 4);
}

urn_status urn__vfail(urn_error *error, urn_status status, const char *where, const char *site,
                      const char *hint, const char *format, va_list args)
{
    if (!error)
        return status;
    error->status = status;
    /* The message first, and by way of a buffer: the arguments may point into *error (a message
     * that wraps an earlier one). */
    char message[sizeof error->message];
    const int length = vsnprintf(message, sizeof message, format, args);
    if (length >= 0 && (size_t)length >= sizeof message)
        memcpy(message + sizeof message - 4, "...", 4);
    char text[sizeof error->hint];
    copy_text(text, sizeof error->where, where);
    memcpy(error->where, text, sizeof error->where);
    copy_text(text, sizeof error->site, site);
    memcpy(error->site, text, sizeof error->site);
    copy_text(text, sizeof error->hint, hint);
    memcpy(error->hint, text, sizeof error->hint);
    copy_text(error->message, sizeof error->message, length >= 0 ? message : format);
    return status;
}

urn_status urn__fail(urn_error *error, urn_status status, const char *where, const char *site,
                     const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    urn__vfail(error, status, where, site, hint, format, args);
    va_end(args);
    return status;
}

urn_status urn__fail_memory(urn_error *error, const char *what, size_t size)
{
    return urn__fail(
        error, URN_ERR_MEMORY, NULL, NULL,
        "use a smaller model, fewer rows or mini-batches, or a machine with more memory",
        "out of memory: %s needs %zu bytes", what, size);
}

void urn_error_format(const urn_error *error, char *text, size_t size)
{
    if (!text || size == 0)
        return;
    text[0] = '\0';
    if (!error)
        return;
    const char *message = error->message[0] ? error->message : urn_status_text(error->status);
    const int length =
        snprintf(text, size, "%s%s%s%s%s%s%s%s", error->where, error->where[0] ? ": " : "",
                 error->site[0] ? "site \"" : "", error->site, error->site[0] ? "\": " : "",
                 message, error->hint[0] ? "; " : "", error->hint);
    if (length >= 0 && (size_t)length >= size && size > 4)
        memcpy(text + size - 4, "...", 4);
}
