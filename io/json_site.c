/* Values of sites from JSON, and the order in which Stan's programs count elements. */
#include "parts.h"
#include <stdio.h>

int64_t urn__io_column_major(int rank, const int64_t *dims, int64_t k, int64_t *index)
{
    int64_t at = 0;
    for (int d = 0; d < rank; d++) {
        index[d] = k % dims[d];
        k /= dims[d];
    }
    for (int d = 0; d < rank; d++)
        at = at * dims[d] + index[d];
    return at;
}

static int64_t flatten(const json_t *json, double *values, int64_t most, int64_t n)
{
    if (json_is_number(json)) {
        if (n < most)
            values[n] = json_number_value(json);
        return n + 1;
    }
    for (size_t i = 0; i < json_array_size(json); i++)
        n = flatten(json_array_get(json, i), values, most, n);
    return n;
}

int64_t urn__io_json_flatten(const json_t *json, double *values, int64_t most)
{
    return flatten(json, values, most, 0);
}

/* "user=40 x 2", or "scalar". */
static const char *shape_text(const urn_site_info *info, char *text, size_t size)
{
    size_t used = 0;
    for (int d = 0; d < info->n_dims && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%lld", d > 0 ? " x " : "",
                                 d < info->n_plates ? info->plates[d] : "",
                                 d < info->n_plates ? "=" : "", (long long)info->dims[d]);
    return info->n_dims == 0 ? "scalar" : text;
}

urn_status urn__io_json_site_values(const char *where, const urn_model *model, int site,
                                    const json_t *json, double **values, urn_error *error)
{
    urn_site_info info;
    urn_model_site(model, site, &info);
    *values = urn__calloc(NULL, (size_t)info.size + 1, sizeof **values);
    if (!*values)
        return urn__fail_memory(error, info.name, (size_t)info.size * sizeof **values);
    const int64_t n = flatten(json, *values, info.size, 0);
    char shape[128];
    if (n == info.size)
        return URN_OK;
    urn__free(NULL, *values);
    *values = NULL;
    return urn__fail(error, URN_ERR_DATA, where, NULL, NULL,
                     "site \"%s\" has %lld numbers, and takes %lld (%s)", info.name, (long long)n,
                     (long long)info.size, shape_text(&info, shape, sizeof shape));
}

urn_status urn__io_json_unconstrain(const char *where, const urn_model *model, int site,
                                    const json_t *json, double *position, urn_error *error)
{
    double *values;
    URN_TRY(urn__io_json_site_values(where, model, site, json, &values, error));
    const urn_status status = urn_model_unconstrain(model, site, values, position, error);
    urn__free(NULL, values);
    return status;
}
