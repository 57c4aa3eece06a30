/* Names, natural values and first positions of a bridge. */
#include "../inference/engine.h"
#include "../io/io.h"
#include "../runtime/base/rng.h"
#include "parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <urn/urn.h>

/* ---- what there is ---- */

static urn_site_info info_of(const urn_bridge *b, int k)
{
    urn_site_info info;
    urn_model_site(b->model, b->sites[k], &info);
    return info;
}

static void collect(urn_bridge *b, urn_site_role role)
{
    for (int i = 0; i < urn_model_site_count(b->model); i++) {
        urn_site_info info;
        urn_model_site(b->model, i, &info);
        if (info.role == role)
            b->sites[b->n_sites++] = i;
    }
}

static void add_indices(urn__text *text, const urn_site_info *info, int first, int last,
                        const int64_t *index)
{
    if (text->length > 0)
        urn__text_add(text, ",");
    urn__text_add(text, "%s", info->name);
    for (int d = first; d < last; d++)
        urn__text_add(text, ".%lld", (long long)index[d] + 1);
}

static void add_value_names(urn__text *text, const urn_site_info *info)
{
    int64_t index[4];
    for (int64_t k = 0; k < info->size; k++) {
        urn__io_column_major(info->n_dims, info->dims, k, index);
        add_indices(text, info, 0, info->n_dims, index);
    }
}

/* Rows of coordinates: as many as the row has elements, then they have their indices; else those of
 * the row, and a number. */
static void add_position_names(urn__text *text, const urn_site_info *info)
{
    const int64_t row = info->rows > 0 ? info->free_size / info->rows : 0;
    const bool elements = row * info->rows == info->size;
    const int rank = elements ? info->n_dims : info->n_plates + 1;
    int64_t dims[5], index[5];
    memcpy(dims, info->dims, sizeof info->dims);
    if (!elements)
        dims[info->n_plates] = row;
    for (int64_t i = 0; i < info->free_size; i++) {
        int64_t left = i;
        for (int d = rank - 1; d >= 0; d--) {
            const int64_t extent = dims[d] > 0 ? dims[d] : 1;
            index[d] = left % extent;
            left /= extent;
        }
        add_indices(text, info, 0, rank, index);
    }
}

static const char *keep(urn_bridge *b, urn__text *text)
{
    const char *kept =
        text->failed ? NULL : urn__arena_strdup(b->arena, text->data != NULL ? text->data : "");
    urn__text_clear(text);
    return kept;
}

static const char *names_of(urn_bridge *b, int n_sites)
{
    urn__text text = {0};
    for (int k = 0; k < n_sites; k++) {
        const urn_site_info info = info_of(b, k);
        add_value_names(&text, &info);
    }
    return keep(b, &text);
}

static const char *coordinates_of(urn_bridge *b)
{
    urn__text text = {0};
    for (int k = 0; k < b->n_latent; k++) {
        const urn_site_info info = info_of(b, k);
        add_position_names(&text, &info);
    }
    return keep(b, &text);
}

urn_status urn__bridge_describe(urn_bridge *b, urn_error *error)
{
    const size_t n = (size_t)urn_model_site_count(b->model);
    b->sites = urn__arena_alloc(b->arena, n + 1, sizeof *b->sites);
    if (b->sites == NULL)
        return urn__fail_memory(error, "a bridge", n);
    collect(b, URN_SITE_LATENT);
    b->n_latent = b->n_sites;
    collect(b, URN_SITE_RECORDED);
    for (int k = 0; k < b->n_sites; k++) {
        const int64_t size = info_of(b, k).size;
        b->n_values[0] += k < b->n_latent ? size : 0;
        b->n_values[1] += size;
    }
    b->names = coordinates_of(b);
    b->value_names[0] = names_of(b, b->n_latent);
    b->value_names[1] = names_of(b, b->n_sites);
    b->info = urn__arena_printf(b->arena, "urn_version=%s\nmodel=%s\nSTAN_THREADS=true\n",
                                URN_VERSION, urn_model_name(b->model));
    if (b->names == NULL || b->value_names[0] == NULL || b->value_names[1] == NULL ||
        b->info == NULL)
        return urn__fail_memory(error, "names of values", (size_t)b->n_values[1]);
    return URN_OK;
}

const char *urn_bridge_name(const urn_bridge *b)
{
    return urn_model_name(b->model);
}

const char *urn_bridge_info(const urn_bridge *b)
{
    return b->info;
}

int64_t urn_bridge_position_size(const urn_bridge *b)
{
    return b->size;
}

int64_t urn_bridge_value_size(const urn_bridge *b, bool recorded)
{
    return b->n_values[recorded];
}

const char *urn_bridge_position_names(const urn_bridge *b)
{
    return b->names;
}

const char *urn_bridge_value_names(const urn_bridge *b, bool recorded)
{
    return b->value_names[recorded];
}

/* ---- position to values ---- */

urn_status urn_bridge_constrain(const urn_bridge *b, bool recorded, const double *position,
                                double *values, urn_error *error)
{
    urn__bridge_slot *slot;
    int64_t index[4];
    URN_TRY(urn__bridge_take(b, URN__BRIDGE_VALUES, &slot, error));
    urn_replay_run(slot->replay, position);
    for (int k = 0; k < (recorded ? b->n_sites : b->n_latent); k++) {
        const urn_site_info info = info_of(b, k);
        const double *from = urn_replay_result(slot->replay, b->sites[k], URN_RESULT_VALUE);
        for (int64_t i = 0; i < info.size; i++)
            *values++ = from[urn__io_column_major(info.n_dims, info.dims, i, index)];
    }
    urn__bridge_give(b, URN__BRIDGE_VALUES, slot);
    return URN_OK;
}

/* ---- values to position ---- */

/* Puts the k-th site where its values, row-major, say. What it depends on is declared before it,
 * and has been put into the position. */
static urn_status place(const urn_bridge *b, int k, const double *value, double *position,
                        urn_error *error)
{
    const urn_site_info info = info_of(b, k);
    urn_status status =
        urn_model_unconstrain(b->model, b->sites[k], value, position + info.offset, error);
    if (status != URN_ERR_MODEL) /* bounds, or loc and scale, that depend on other sites */
        return status;
    urn__bridge_slot *slot;
    URN_TRY(urn__bridge_take(b, URN__BRIDGE_VALUES, &slot, error));
    urn_replay_run(slot->replay, position);
    status =
        urn_model_unconstrain_among(b->model, slot->replay, b->sites[k], value, position, error);
    urn__bridge_give(b, URN__BRIDGE_VALUES, slot);
    return status;
}

urn_status urn_bridge_unconstrain(const urn_bridge *b, const double *values, double *position,
                                  urn_error *error)
{
    const size_t bytes = (size_t)b->n_values[0] * sizeof(double);
    double *own = urn__alloc(NULL, bytes + 1);
    urn_status status = own != NULL ? URN_OK : urn__fail_memory(error, "values", bytes);
    int64_t index[4];
    memset(position, 0, (size_t)b->size * sizeof *position);
    for (int k = 0; k < b->n_latent && status == URN_OK; k++) {
        const urn_site_info info = info_of(b, k);
        for (int64_t i = 0; i < info.size; i++)
            own[urn__io_column_major(info.n_dims, info.dims, i, index)] = *values++;
        status = place(b, k, own, position, error);
    }
    urn__free(NULL, own);
    return status;
}

/* ---- JSON ---- */

static urn_status parse(const char *json, json_t **parsed, urn_error *error)
{
    json_error_t why = {.text = "nothing was given"};
    *parsed = json != NULL ? json_loads(json, JSON_REJECT_DUPLICATES, &why) : NULL;
    char where[64];
    snprintf(where, sizeof where, "values:%d", why.line > 0 ? why.line : 1);
    if (*parsed == NULL)
        return urn__fail(error, URN_ERR_DATA, where, NULL, NULL, "this is not JSON: %s", why.text);
    if (json_is_object(*parsed))
        return URN_OK;
    json_decref(*parsed);
    *parsed = NULL;
    return urn__fail(error, URN_ERR_DATA, "values", NULL, NULL,
                     "expected one JSON object with the sites' names as members");
}

static urn_status place_json(const urn_bridge *b, int k, const json_t *json, double *position,
                             urn_error *error)
{
    double *values;
    URN_TRY(urn__io_json_site_values("values", b->model, b->sites[k], json, &values, error));
    const urn_status status = place(b, k, values, position, error);
    urn__free(NULL, values);
    return status;
}

/* The sites that are given, after the others have been put somewhere. */
static urn_status place_given(const urn_bridge *b, const json_t *given, double *position,
                              urn_error *error)
{
    for (int k = 0; given != NULL && k < b->n_latent; k++) {
        const json_t *value = json_object_get(given, info_of(b, k).name);
        if (value != NULL)
            URN_TRY(place_json(b, k, value, position, error));
    }
    return URN_OK;
}

urn_status urn_bridge_unconstrain_json(const urn_bridge *b, const char *json, double *position,
                                       urn_error *error)
{
    json_t *parsed;
    URN_TRY(parse(json, &parsed, error));
    urn_status status = URN_OK;
    memset(position, 0, (size_t)b->size * sizeof *position);
    for (int k = 0; k < b->n_latent && status == URN_OK; k++) {
        const char *name = info_of(b, k).name;
        if (json_object_get(parsed, name) == NULL)
            status = urn__fail(error, URN_ERR_DATA, "values", name, NULL,
                               "the site is not among the values; all latent sites are needed");
    }
    if (status == URN_OK)
        status = place_given(b, parsed, position, error);
    json_decref(parsed);
    return status;
}

/* ---- a start ---- */

/* Coordinates of the sites that `given` lacks. True if there are any. */
static bool draw_others(const urn_bridge *b, const json_t *given, uint64_t seed, uint64_t number,
                        int attempt, double radius, double *position)
{
    bool any = false;
    for (int k = 0; k < b->n_latent; k++) {
        const urn_site_info info = info_of(b, k);
        if (given != NULL && json_object_get(given, info.name) != NULL)
            continue;
        const urn__stream stream = urn__stream_at(seed, urn__chain_for(URN__USE_START, number),
                                                  info.name, (uint64_t)attempt);
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, 0);
        for (int64_t i = 0; i < info.free_size; i++)
            position[info.offset + i] = radius * (2.0 * urn_rng_uniform(&rng) - 1.0);
        any = any || info.free_size > 0;
    }
    return any;
}

static urn_status fail_start(const urn_bridge *b, const double *position, int tries,
                             urn_error *error)
{
    char text[512] = "";
    if (urn_model_explain(b->model, position, text, sizeof text, NULL) != URN_OK)
        text[0] = '\0';
    return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL,
                     "give values of more sites, or a smaller radius",
                     "the log density is not finite after %d tries, here at the last%s%s", tries,
                     text[0] != '\0' ? ": " : "", text);
}

static urn_status find_start(const urn_bridge *b, const json_t *given, uint64_t seed,
                             uint64_t number, double radius, int tries, bool jacobian,
                             double *position, urn_error *error)
{
    memset(position, 0, (size_t)b->size * sizeof *position);
    for (int attempt = 1; attempt <= tries; attempt++) {
        double value;
        const bool random = draw_others(b, given, seed, number, attempt, radius, position);
        URN_TRY(place_given(b, given, position, error));
        URN_TRY(urn_bridge_density(b, jacobian, position, &value, NULL, error));
        if (isfinite(value))
            return URN_OK;
        if (!random)
            return fail_start(b, position, attempt, error);
    }
    return fail_start(b, position, tries, error);
}

urn_status urn_bridge_start(const urn_bridge *b, const char *json, uint64_t seed, uint64_t number,
                            double radius, int tries, bool jacobian, double *position,
                            urn_error *error)
{
    if (!(radius >= 0.0) || isinf(radius) || tries < 1)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "a start within %g and %d tries were asked for; the radius is at least 0 "
                         "and finite, and there is at least one try",
                         radius, tries);
    json_t *given = NULL;
    if (json != NULL && json[strspn(json, " \t\r\n")] != '\0')
        URN_TRY(parse(json, &given, error));
    const urn_status status =
        find_start(b, given, seed, number, radius, tries, jacobian, position, error);
    json_decref(given);
    return status;
}
