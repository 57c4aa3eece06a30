/* Errors and results: tables for people, JSON for programs. */
#include "../io/io.h"
#include "../runtime/base/base.h"
#include "cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

urn_status cli_fail(urn_error *error, urn_status status, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    urn__vfail(error, status, NULL, NULL, hint, format, args);
    va_end(args);
    return status;
}

urn_status cli_fail_memory(urn_error *error)
{
    return cli_fail(error, URN_ERR_MEMORY, NULL, "out of memory");
}

urn_status cli_fail_unknown(urn_error *error, const char *what, const char *name,
                            const char *const *names, size_t n)
{
    urn__text list = {0};
    for (size_t i = 0; i < n; i++)
        urn__text_add(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    const char *near = urn__nearest(name, names, n);
    char hint[160] = "";
    if (near != NULL)
        snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
    cli_fail(error, URN_ERR_USAGE, hint, "unknown %s \"%s\"; known: %s", what, name,
             list.data != NULL ? list.data : "none");
    urn__text_clear(&list);
    return URN_ERR_USAGE;
}

urn_status cli_print_json(json_t *object, urn_error *error)
{
    json_t *whole = json_pack("{s:i}", "schema_version", CLI_SCHEMA_VERSION);
    if (whole == NULL || object == NULL || json_object_update(whole, object) != 0) {
        json_decref(whole);
        json_decref(object);
        return cli_fail_memory(error);
    }
    char *text = urn__io_json_text(whole, 2);
    json_decref(whole);
    json_decref(object);
    if (text == NULL)
        return cli_fail_memory(error);
    puts(text); /* the caller of the command looks at stdout's state */
    free(text);
    return URN_OK;
}

const char *cli_number(double value, char text[32])
{
    if (!isfinite(value))
        return isnan(value) ? "-" : value > 0.0 ? "inf" : "-inf";
    const double size = fabs(value);
    if (size != 0.0 && (size < 1e-3 || size >= 1e6))
        snprintf(text, 32, "%.3e", value);
    else if (size >= 1000.0)
        snprintf(text, 32, "%.1f", value);
    else
        snprintf(text, 32, "%.4g", value);
    return text;
}

bool cli_colour(FILE *out)
{
    const char *none = getenv("NO_COLOR");
    return (none == NULL || *none == '\0') && isatty(fileno(out));
}

const char *cli_bold(void)
{
    return cli_colour(stdout) ? "\033[1m" : "";
}

const char *cli_plain(void)
{
    return cli_colour(stdout) ? "\033[0m" : "";
}
