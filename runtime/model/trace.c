/* Life of a trace, its errors, and options. */
#include "trace.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

bool urn__model_ok(const urn_model *m)
{
    return m->error.status == URN_OK;
}

urn_var urn__poison(urn_model *m)
{
    return (urn_var){.model = m};
}

urn_var urn__model_error(urn_model *m, urn_status status, const char *where, const char *site,
                         const char *hint, const char *format, ...)
{
    va_list args;
    if (urn__model_ok(m)) {
        va_start(args, format);
        (void)urn__vfail(&m->error, status, where != NULL ? where : m->def->file, site, hint,
                         format, args);
        va_end(args);
    }
    return urn__poison(m);
}

urn_var urn__var(urn_model *m, urn__id id)
{
    if (id == 0 && urn__arena_failed(m->arena))
        return urn__model_error(m, URN_ERR_MEMORY, NULL, NULL, NULL,
                                "out of memory while tracing the model");
    if (id == 0)
        return urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL, "%s",
                                urn__graph_error(m->graph));
    return (urn_var){.model = m, .id = id};
}

void *urn__model_append(urn_model *m, void **array, size_t element, size_t *count, size_t *capacity)
{
    if (*count == *capacity) {
        const size_t wanted = *capacity == 0 ? 8 : 2 * *capacity;
        void *grown = urn__arena_alloc(m->arena, wanted, element);
        if (grown == NULL) {
            (void)urn__model_error(m, URN_ERR_MEMORY, NULL, NULL, NULL,
                                   "out of memory while tracing the model");
            return NULL;
        }
        if (*count > 0)
            memcpy(grown, *array, *count * element);
        *array = grown;
        *capacity = wanted;
    }
    return (char *)*array + (*count)++ * element;
}

void urn_model_fail(urn_model *m, const char *message)
{
    m->own_error = m->own_error || urn__model_ok(m);
    (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL, "%s", message);
}

/* ---- options ---- */

static const char *setting_of(const urn_model *m, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < m->options.n_settings; i++)
        if (strcmp(m->options.settings[i].name, name) == 0)
            value = m->options.settings[i].value;
    return value;
}

static const char *declare(urn_model *m, const char *name, const char *type, const char *fallback,
                           const char *help, const char *choices)
{
    if (!urn__model_ok(m))
        return NULL;
    for (size_t i = 0; i < m->n_options; i++)
        if (strcmp(m->option[i].name, name) == 0)
            return m->option[i].value;
    const char *given = setting_of(m, name);
    urn__model_option *o = urn__model_append(m, (void **)&m->option, sizeof *m->option,
                                             &m->n_options, &m->option_capacity);
    if (o == NULL)
        return NULL;
    *o = (urn__model_option){.name = urn__arena_strdup(m->arena, name),
                             .type = type,
                             .value = urn__arena_strdup(m->arena, given ? given : fallback),
                             .fallback = urn__arena_strdup(m->arena, fallback),
                             .help = urn__arena_strdup(m->arena, help ? help : ""),
                             .choices = choices ? urn__arena_strdup(m->arena, choices) : NULL};
    return o->value;
}

int64_t urn_option_int(urn_model *m, const char *name, int64_t fallback, const char *help)
{
    char text[32];
    int64_t value = fallback;
    (void)snprintf(text, sizeof text, "%lld", (long long)fallback);
    const char *given = declare(m, name, "integer", text, help, NULL);
    if (given != NULL && !urn__parse_int(given, &value))
        (void)urn__model_error(m, URN_ERR_USAGE, NULL, NULL, help,
                               "option %s: \"%s\" is not a whole number", name, given);
    return value;
}

double urn_option_real(urn_model *m, const char *name, double fallback, const char *help)
{
    char text[40];
    double value = fallback;
    (void)snprintf(text, sizeof text, "%.12g", fallback);
    const char *given = declare(m, name, "number", text, help, NULL);
    if (given != NULL && !urn__parse_real(given, &value))
        (void)urn__model_error(m, URN_ERR_USAGE, NULL, NULL, help,
                               "option %s: \"%s\" is not a number", name, given);
    return value;
}

int urn_option_choice(urn_model *m, const char *name, const char *choices, const char *help)
{
    char first[64];
    const size_t length = strcspn(choices, "|");
    (void)snprintf(first, sizeof first, "%.*s", (int)length, choices);
    const char *given = declare(m, name, "choice", first, help, choices);
    int at = 0;
    for (const char *c = choices; given != NULL; at++) {
        const size_t n = strcspn(c, "|");
        if (strlen(given) == n && strncmp(c, given, n) == 0)
            return at;
        if (c[n] == '\0')
            break;
        c += n + 1;
    }
    if (given != NULL)
        (void)urn__model_error(m, URN_ERR_USAGE, NULL, NULL, help,
                               "option %s: \"%s\" is not one of %s", name, given, choices);
    return 0;
}

/* Settings that no sentence of the model asked for. */
urn_status urn__finish_options(urn_model *m)
{
    const char *names[64];
    size_t n = 0;
    char list[512] = "";
    for (; n < m->n_options && n < 64; n++) {
        names[n] = m->option[n].name;
        const size_t at = strlen(list);
        (void)snprintf(list + at, sizeof list - at, "%s%s", n == 0 ? "" : ", ", names[n]);
    }
    for (size_t i = 0; i < m->options.n_settings; i++) {
        const char *name = m->options.settings[i].name;
        bool known = false;
        for (size_t k = 0; k < m->n_options; k++)
            known = known || strcmp(m->option[k].name, name) == 0;
        if (known)
            continue;
        char hint[128] = "";
        const char *near = urn__nearest(name, names, n);
        if (near != NULL)
            (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
        return urn__fail(&m->error, URN_ERR_USAGE, NULL, NULL, hint,
                         "model %s has no option \"%s\"; it has %s", m->def->name, name,
                         n == 0 ? "none" : list);
    }
    return URN_OK;
}

/* ---- life ---- */

static urn_status check_def(const urn_model_def *def, urn_error *error)
{
    if (def->abi > URN_ABI_VERSION)
        return urn__fail(error, URN_ERR_MODEL, def->file, NULL,
                         "compile the model against the headers of this library, or use a newer "
                         "library",
                         "the model was compiled for interface version %u; this library has %d",
                         def->abi, URN_ABI_VERSION);
    if (def->bytes < offsetof(urn_model_def, trace) + sizeof def->trace || def->trace == NULL)
        return urn__fail(error, URN_ERR_MODEL, NULL, NULL, "end the model file with URN_MODEL",
                         "the model's definition has no function to trace");
    return URN_OK;
}

static urn_status check_batch(urn_model *m)
{
    if (m->options.batch_plate == NULL || m->batch_plate != 0)
        return URN_OK;
    char list[256] = "";
    for (size_t i = 0; i < m->n_plates; i++)
        if (m->plate[i].kind == URN__PLATE_ROWS) {
            const size_t at = strlen(list);
            (void)snprintf(list + at, sizeof list - at, "%s%s", at == 0 ? "" : ", ",
                           m->plate[i].name);
        }
    return urn__fail(&m->error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "no rows plate is called \"%s\"; mini-batches can be of: %s",
                     m->options.batch_plate, list[0] == '\0' ? "none" : list);
}

static bool is_discrete_latent(const urn__site *s)
{
    return s->part == URN__PART_COORDINATE && s->support->discrete;
}

/* A state is the position and then the values of discrete latent sites. */
static void finish_states(urn_model *m)
{
    m->state_size = m->position_size;
    for (size_t i = 0; i < m->n_sites; i++) {
        urn__site *s = &m->site[i];
        if (!is_discrete_latent(s))
            continue;
        s->offset = m->state_size;
        m->state_size += s->support_rows * s->value_size;
    }
}

static void finish_sites(urn_model *m)
{
    int64_t offset = 0;
    for (size_t i = 0; i < m->n_sites; i++) {
        urn__site *s = &m->site[i];
        s->offset = -1;
        if (s->part == URN__PART_COORDINATE) {
            s->offset = offset;
            offset += s->free_size;
        }
        if (s->role == URN_SITE_OBSERVED) {
            const urn__shape *shape = &s->shape;
            m->n_observations += urn__shape_size(shape) == 0 ? 0
                                 : s->local                  ? s->full_rows
                                                             : urn__shape_rows(shape);
        }
    }
    m->position_size = offset;
    finish_states(m);
}

static urn_status trace(urn_model *m)
{
    m->def->trace(m);
    if (urn__model_ok(m) && urn__arena_failed(m->arena))
        (void)urn__model_error(m, URN_ERR_MEMORY, NULL, NULL, NULL,
                               "out of memory while tracing the model");
    URN_TRY(m->error.status);
    URN_TRY(urn__finish_options(m));
    URN_TRY(urn__check_handlers(m));
    URN_TRY(check_batch(m));
    finish_sites(m);
    URN_TRY(urn__find_forms(m));
    return urn__verify(m->graph, &m->error);
}

/* `of`: see urn_model. */
static urn_status trace_one(const urn_model_def *def, const urn_trace_options *options,
                            const urn_model *of, urn_model **model, urn_error *error)
{
    *model = NULL;
    urn__arena *arena = urn__arena_new(options->allocator);
    urn_model *m = arena == NULL ? NULL : urn__arena_alloc(arena, 1, sizeof *m);
    if (m != NULL)
        m->graph = urn__graph_new(arena);
    if (m == NULL || m->graph == NULL) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "the trace of a model", sizeof *m);
    }
    m->def = def;
    m->of = of;
    m->arena = arena;
    m->allocator = options->allocator;
    m->data = options->data;
    m->batch_factor = 1.0;
    const size_t bytes = options->bytes < sizeof m->options ? options->bytes : sizeof m->options;
    memcpy(&m->options, options, bytes);
    m->acted = urn__arena_alloc(arena, m->options.n_handlers + 1, sizeof *m->acted);
    const urn_status status =
        m->acted != NULL ? trace(m) : urn__fail_memory(&m->error, "the trace of a model", 0);
    if (status != URN_OK) {
        if (error != NULL)
            *error = m->error;
        urn__arena_free(arena);
        return status;
    }
    m->options.settings = NULL; /* borrowed for the call only */
    m->options.handlers = NULL;
    m->options.plate_sizes = NULL;
    *model = m;
    return URN_OK;
}

static bool updates_touched_rows(const urn_model *m)
{
    for (size_t i = 0; i < m->n_plates; i++)
        if (m->plate[i].room > 0)
            return true;
    return false;
}

/* Values, draws and messages are of all rows: a model of mini-batches has a second trace for them.
 * A third one is of the rows a batch touches, where only these are updated. */
static urn_status trace_others(urn_model *m, const urn_trace_options *options, urn_error *error)
{
    urn_trace_options all = {0};
    const size_t bytes = options->bytes < sizeof all ? options->bytes : sizeof all;
    memcpy(&all, options, bytes);
    all.batch_plate = NULL;
    URN_TRY(trace_one(m->def, &all, NULL, &m->full, error));
    URN_TRY(urn__touched_find(m, error));
    if (!updates_touched_rows(m))
        return URN_OK;
    return trace_one(m->def, options, m, &m->touched, error);
}

urn_status urn_model_trace(const urn_model_def *def, const urn_trace_options *options,
                           urn_model **model, urn_error *error)
{
    *model = NULL;
    URN_TRY(check_def(def, error));
    URN_TRY(trace_one(def, options, NULL, model, error));
    if ((*model)->batch_factor <= 1.0)
        return URN_OK;
    const urn_status status = trace_others(*model, options, error);
    if (status != URN_OK) {
        urn_model_free(*model);
        *model = NULL;
    }
    return status;
}

void urn_model_free(urn_model *m)
{
    if (m == NULL)
        return;
    urn_model_free(m->full);
    urn_model_free(m->touched);
    urn__arena_free(m->arena);
}
