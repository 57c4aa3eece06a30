/* A bridge's life, its pool of replays, densities and their derivatives. */
#include "../io/io.h"
#include "../runtime/tensor/tensor.h"
#include "parts.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

struct urn__bridge_pool {
    pthread_mutex_t lock; /* guards all that follows */
    urn_program *program[URN__BRIDGE_PROGRAMS];
    urn__bridge_slot *idle[URN__BRIDGE_PROGRAMS];
};

/* ---- the pool ---- */

static void free_slot(urn__bridge_slot *slot)
{
    urn_replay_free(slot->replay);
    urn__free(NULL, slot);
}

static void free_pool(void *object)
{
    urn__bridge_pool *pool = object;
    for (int k = 0; k < URN__BRIDGE_PROGRAMS; k++) {
        for (urn__bridge_slot *slot = pool->idle[k], *next; slot != NULL; slot = next) {
            next = slot->next;
            free_slot(slot);
        }
        urn_program_free(pool->program[k]);
    }
    pthread_mutex_destroy(&pool->lock);
    urn__free(NULL, pool);
}

static urn_status new_pool(urn_bridge *b, urn_error *error)
{
    urn__bridge_pool *pool = urn__calloc(NULL, 1, sizeof *pool);
    if (pool == NULL || pthread_mutex_init(&pool->lock, NULL) != 0) {
        urn__free(NULL, pool);
        return urn__fail_memory(error, "a bridge", sizeof *pool);
    }
    b->pool = pool;
    return URN_OK;
}

static urn_status compile(const urn_bridge *b, urn__bridge_program k, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options,
                                         .kind = k == URN__BRIDGE_VALUES ? URN_PROGRAM_VALUES
                                                                         : URN_PROGRAM_DENSITY,
                                         .no_jacobian = k == URN__BRIDGE_BARE};
    return urn_program_compile(b->model, &options, &b->pool->program[k], error);
}

static urn_status new_slot(const urn_bridge *b, urn__bridge_program k, urn__bridge_slot **slot,
                           urn_error *error)
{
    if (b->pool->program[k] == NULL)
        URN_TRY(compile(b, k, error));
    urn__bridge_slot *s = urn__calloc(NULL, 1, sizeof *s);
    if (s == NULL)
        return urn__fail_memory(error, "a bridge", sizeof *s);
    const urn_status status = urn_replay_new(b->pool->program[k], 1, &s->replay, error);
    if (status == URN_OK)
        *slot = s;
    else
        urn__free(NULL, s);
    return status;
}

urn_status urn__bridge_take(const urn_bridge *b, urn__bridge_program k, urn__bridge_slot **slot,
                            urn_error *error)
{
    urn__bridge_pool *pool = b->pool;
    urn_status status = URN_OK;
    pthread_mutex_lock(&pool->lock);
    *slot = pool->idle[k];
    if (*slot != NULL)
        pool->idle[k] = (*slot)->next;
    else
        status = new_slot(b, k, slot, error);
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void urn__bridge_give(const urn_bridge *b, urn__bridge_program k, urn__bridge_slot *slot)
{
    pthread_mutex_lock(&b->pool->lock);
    slot->next = b->pool->idle[k];
    b->pool->idle[k] = slot;
    pthread_mutex_unlock(&b->pool->lock);
}

/* ---- life ---- */

static urn_status read_data(urn_bridge *b, const char *data, urn_error *error)
{
    b->data = urn_dataset_new(NULL);
    if (b->data == NULL)
        return urn__fail_memory(error, "a bridge", sizeof *b);
    const size_t blank = data != NULL ? strspn(data, " \t\r\n") : 0;
    if (data == NULL || data[blank] == '\0')
        return URN_OK;
    if (data[blank] == '{' || data[blank] == '[')
        return urn__io_read_json_text(data, "data", b->data, error);
    return urn__io_read(data, "", b->data, NULL, error);
}

static urn_status refuse_site(const urn_site_info *info, urn_error *error)
{
    if (info->role == URN_SITE_PARAM)
        return urn__fail(error, URN_ERR_MODEL, info->where, info->name,
                         "give it a prior with urn_sample",
                         "it is a parameter without a distribution, and a sampler draws from "
                         "distributions");
    return urn__fail(error, URN_ERR_MODEL, info->where, info->name,
                     "sum the site out of the model, or fit it with urn's own engine gibbs",
                     "the latent site is discrete, but samplers that follow gradients take "
                     "continuous sites only");
}

static urn_status check_sites(const urn_bridge *b, urn_error *error)
{
    for (int i = 0; i < urn_model_site_count(b->model); i++) {
        urn_site_info info;
        urn_model_site(b->model, i, &info);
        const bool discrete = info.role == URN_SITE_LATENT && info.offset >= b->size;
        if (discrete || info.role == URN_SITE_PARAM)
            return refuse_site(&info, error);
    }
    if (b->size > 0)
        return URN_OK;
    return urn__fail(error, URN_ERR_MODEL, NULL, NULL, NULL,
                     "the model has no latent site: there is nothing to sample");
}

static urn_status open_bridge(urn_bridge *b, const urn_model_def *def, const char *data,
                              const urn_setting *settings, size_t n_settings, urn_error *error)
{
    URN_TRY(new_pool(b, error));
    URN_TRY(read_data(b, data, error));
    const urn_trace_options options = {
        .bytes = sizeof options, .data = b->data, .settings = settings, .n_settings = n_settings};
    URN_TRY(urn_model_trace(def, &options, &b->model, error));
    b->size = urn_model_position_size(b->model);
    URN_TRY(check_sites(b, error));
    URN_TRY(urn__bridge_describe(b, error));
    /* what cannot be compiled is said now, and the first draw does not wait for it */
    URN_TRY(compile(b, URN__BRIDGE_DENSITY, error));
    return URN_OK;
}

urn_status urn_bridge_new(const urn_model_def *def, const char *data, const urn_setting *settings,
                          size_t n_settings, urn_bridge **bridge, urn_error *error)
{
    *bridge = NULL;
    urn__arena *arena = urn__arena_new(NULL);
    urn_bridge *b = arena != NULL ? urn__arena_alloc(arena, 1, sizeof *b) : NULL;
    if (b == NULL) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "a bridge", sizeof *b);
    }
    b->arena = arena;
    const urn_status status = open_bridge(b, def, data, settings, n_settings, error);
    if (status == URN_OK)
        *bridge = b;
    else
        urn_bridge_free(b);
    return status;
}

void urn_bridge_free(urn_bridge *b)
{
    if (b == NULL)
        return;
    if (b->pool != NULL)
        free_pool(b->pool);
    urn_model_free(b->model);
    urn_dataset_free(b->data);
    urn__arena_free(b->arena);
}

/* ---- density ---- */

static urn__bridge_program density_of(bool jacobian)
{
    return jacobian ? URN__BRIDGE_DENSITY : URN__BRIDGE_BARE;
}

urn_status urn_bridge_density(const urn_bridge *b, bool jacobian, const double *position,
                              double *value, double *gradient, urn_error *error)
{
    urn__bridge_slot *slot;
    URN_TRY(urn__bridge_take(b, density_of(jacobian), &slot, error));
    *value = urn_replay_log_density(slot->replay, position, gradient);
    urn__bridge_give(b, density_of(jacobian), slot);
    return URN_OK;
}

/* ---- second derivatives ---- */

/* Steps of a central difference of fourth order whose rounding and truncation are balanced:
 * epsilon^(1/5), on the scale of the coordinates that move. */
static double step_along(int64_t n, const double *position, const double *vector)
{
    double longest = 0.0, scale = 1.0;
    for (int64_t i = 0; i < n; i++) {
        longest = fmax(longest, fabs(vector[i]));
        if (vector[i] != 0.0)
            scale = fmax(scale, fabs(position[i]));
    }
    return longest > 0.0 ? 7.4e-4 * scale / longest : 0.0;
}

/* Adds weight * gradient(position + step * vector); `work` has room for 2 n numbers. */
static void add_gradient(urn_replay *replay, int64_t n, const double *position,
                         const double *vector, double step, double weight, double *work,
                         double *sum)
{
    double *moved = work, *gradient = work + n;
    for (int64_t i = 0; i < n; i++)
        moved[i] = position[i] + step * vector[i];
    urn_replay_log_density(replay, moved, gradient);
    for (int64_t i = 0; i < n; i++)
        sum[i] += weight * gradient[i];
}

static void product(urn_replay *replay, int64_t n, const double *position, const double *vector,
                    double *work, double *to)
{
    static const double weights[2] = {8.0, -1.0};
    const double h = step_along(n, position, vector);
    memset(to, 0, (size_t)n * sizeof *to);
    for (int k = 0; h > 0.0 && k < 2; k++)
        for (int sign = -1; sign <= 1; sign += 2)
            add_gradient(replay, n, position, vector, sign * (k + 1) * h,
                         sign * weights[k] / (12.0 * h), work, to);
}

urn_status urn_bridge_hessian_product(const urn_bridge *b, bool jacobian, const double *position,
                                      const double *vector, double *value, double *to,
                                      urn_error *error)
{
    const size_t bytes = 2 * (size_t)b->size * sizeof(double);
    double *work = urn__alloc(NULL, bytes);
    if (work == NULL)
        return urn__fail_memory(error, "a Hessian", bytes);
    urn__bridge_slot *slot;
    const urn_status status = urn__bridge_take(b, density_of(jacobian), &slot, error);
    if (status == URN_OK) {
        *value = urn_replay_log_density(slot->replay, position, NULL);
        product(slot->replay, b->size, position, vector, work, to);
        urn__bridge_give(b, density_of(jacobian), slot);
    }
    urn__free(NULL, work);
    return status;
}

urn_status urn_bridge_hessian(const urn_bridge *b, bool jacobian, const double *position,
                              double *value, double *gradient, double *hessian, urn_error *error)
{
    const int64_t n = b->size;
    const size_t bytes = 3 * (size_t)n * sizeof(double);
    double *work = urn__calloc(NULL, 3 * (size_t)n, sizeof *work), *unit = work + 2 * n;
    if (work == NULL)
        return urn__fail_memory(error, "a Hessian", bytes);
    urn__bridge_slot *slot;
    const urn_status status = urn__bridge_take(b, density_of(jacobian), &slot, error);
    if (status == URN_OK) {
        *value = urn_replay_log_density(slot->replay, position, gradient);
        for (int64_t i = 0; i < n; i++) {
            unit[i] = 1.0;
            product(slot->replay, n, position, unit, work, hessian + i * n);
            unit[i] = 0.0;
        }
        urn__bridge_give(b, density_of(jacobian), slot);
        urn__symmetrise(n, hessian); /* as differences are but for their error */
    }
    urn__free(NULL, work);
    return status;
}
