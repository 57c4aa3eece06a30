/* JSON out and back: fit.json and --json. jansson holds and parses; the text is made here because
 * its numbers have either too few digits or too many. */
#include "parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *urn__io_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void add_line(urn__text *text, int indent, int level)
{
    if (indent > 0)
        urn__text_add(text, "\n%*s", indent * level, "");
}

static void add_real(urn__text *text, double value)
{
    char digits[32];
    urn__io_format_real(value, digits);
    urn__text_add(text, "%s%s", digits, strpbrk(digits, ".en") ? "" : ".0");
}

static void add_string(urn__text *text, const json_t *json)
{
    char *quoted = json_dumps(json, JSON_ENCODE_ANY);
    if (quoted)
        urn__text_add(text, "%s", quoted);
    else
        text->failed = true;
    free(quoted);
}

static void add_value(urn__text *text, const json_t *json, int indent, int level);

static void add_object(urn__text *text, json_t *json, int indent, int level)
{
    const char *name, *comma = "";
    json_t *value;
    urn__text_add(text, "{");
    json_object_foreach(json, name, value)
    {
        json_t *key = json_string(name);
        urn__text_add(text, "%s", comma);
        add_line(text, indent, level + 1);
        if (key)
            add_string(text, key);
        else
            text->failed = true;
        json_decref(key);
        urn__text_add(text, indent > 0 ? ": " : ":");
        add_value(text, value, indent, level + 1);
        comma = ",";
    }
    if (json_object_size(json) > 0)
        add_line(text, indent, level);
    urn__text_add(text, "}");
}

/* Arrays of plain values stand on one line. */
static void add_array(urn__text *text, const json_t *json, int indent, int level)
{
    bool plain = true;
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *element = json_array_get(json, i);
        plain = plain && !json_is_object(element) && !json_is_array(element);
    }
    urn__text_add(text, "[");
    for (size_t i = 0; i < json_array_size(json); i++) {
        urn__text_add(text, i == 0 ? "" : plain && indent > 0 ? ", " : ",");
        if (!plain)
            add_line(text, indent, level + 1);
        add_value(text, json_array_get(json, i), indent, level + 1);
    }
    if (!plain)
        add_line(text, indent, level);
    urn__text_add(text, "]");
}

static void add_value(urn__text *text, const json_t *json, int indent, int level)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: /* iterating takes the object as not const */
        add_object(text, (json_t *)json, indent, level);
        break;
    case JSON_ARRAY:
        add_array(text, json, indent, level);
        break;
    case JSON_STRING:
        add_string(text, json);
        break;
    case JSON_INTEGER:
        urn__text_add(text, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        break;
    case JSON_REAL:
        add_real(text, json_real_value(json));
        break;
    case JSON_TRUE:
        urn__text_add(text, "true");
        break;
    case JSON_FALSE:
        urn__text_add(text, "false");
        break;
    default:
        urn__text_add(text, "null");
    }
}

char *urn__io_json_text(const json_t *json, int indent)
{
    urn__text text = {0};
    add_value(&text, json, indent, 0);
    char *copy = text.failed || !text.data ? NULL : malloc(text.length + 1);
    if (copy)
        memcpy(copy, text.data, text.length + 1);
    urn__text_clear(&text);
    return copy;
}

urn_status urn__io_json_write(const json_t *json, const char *path, const urn_allocator *allocator,
                              urn_error *error)
{
    char *text = json ? urn__io_json_text(json, 2) : NULL;
    if (!text)
        return urn__fail_memory(error, path, 1024);
    urn__io_file *file = NULL;
    urn_status status = urn__io_file_open(path, allocator, &file, error);
    if (status == URN_OK) {
        urn__io_file_write(file, text, strlen(text));
        urn__io_file_write(file, "\n", 1);
        status = urn__io_file_commit(file, error);
    }
    free(text);
    return status;
}

urn_status urn__io_json_read(const char *path, const urn_allocator *allocator, json_t **json,
                             urn_error *error)
{
    urn__io_bytes bytes;
    json_error_t why;
    *json = NULL;
    URN_TRY(urn__io_slurp(path, allocator, &bytes, error));
    *json = json_loadb(bytes.data, bytes.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    urn__io_bytes_clear(&bytes);
    if (*json)
        return URN_OK;
    char where[256];
    snprintf(where, sizeof where, "%.220s:%d", path, why.line);
    return urn__fail(error, URN_ERR_DATA, where, NULL, NULL, "this is not JSON: %s", why.text);
}

const json_t *urn__io_json_get(const json_t *json, const char *path)
{
    char name[128];
    while (json && *path) {
        const size_t n = strcspn(path, ".");
        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = 0;
        json = json_object_get(json, name);
        path += n + (path[n] == '.');
    }
    return json;
}

double urn__io_json_get_real(const json_t *json, const char *path, double fallback)
{
    const json_t *found = urn__io_json_get(json, path);
    return json_is_number(found) ? json_number_value(found) : fallback;
}

int64_t urn__io_json_get_int(const json_t *json, const char *path, int64_t fallback)
{
    const json_t *found = urn__io_json_get(json, path);
    return json_is_integer(found) ? (int64_t)json_integer_value(found) : fallback;
}

const char *urn__io_json_get_text(const json_t *json, const char *path, const char *fallback)
{
    const json_t *found = urn__io_json_get(json, path);
    return json_is_string(found) ? json_string_value(found) : fallback;
}
