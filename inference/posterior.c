/* Posteriors: where draws of the position come from. */
#include "driver.h"
#include "guides/guides.h"

#include <math.h>
#include <string.h>

struct urn_posterior {
    const urn_allocator *allocator;
    urn_posterior_kind kind;
    int64_t size, chains, draws;
    uint64_t seed;
    const urn__kernels *kernels;
    double *loc;            /* stored draws: chains x draws x size; else size */
    double *scale;          /* NORMAL only */
    urn__normal_form *form; /* NORMAL whose coordinates depend on each other; else NULL */
};

static bool is_stored(urn_posterior_kind kind)
{
    return kind == URN_POSTERIOR_DRAWS || kind == URN_POSTERIOR_INDEPENDENT;
}

/* ---- memory ---- */

static urn_status check_shape(urn_posterior_kind kind, int64_t size, int64_t chains, int64_t draws,
                              urn_error *error)
{
    const bool stored = is_stored(kind);
    if (size < 1 || (stored && (chains < 1 || draws < 1)))
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, NULL,
            "a posterior needs at least one element and one draw: size %lld, %lld chains "
            "of %lld draws",
            (long long)size, (long long)chains, (long long)draws);
    return URN_OK;
}

urn_status urn__posterior_check(const urn_posterior *posterior, urn_error *error)
{
    const double *scale = posterior->scale;
    for (int64_t i = 0; scale && i < posterior->size; i++)
        if (!(scale[i] >= 0.0) || !isfinite(scale[i]))
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                             "scale %lld of a normal posterior is %g; scales must be finite and "
                             "not negative",
                             (long long)i, scale[i]);
    return URN_OK;
}

urn_status urn__posterior_room(const urn_allocator *allocator, urn_posterior_kind kind,
                               int64_t size, int64_t chains, int64_t draws, uint64_t seed,
                               const char *cpu, double **loc, double **scale,
                               urn_posterior **posterior, urn_error *error)
{
    *posterior = NULL;
    *loc = *scale = NULL;
    URN_TRY(check_shape(kind, size, chains, draws, error));
    const bool stored = is_stored(kind), normal = kind == URN_POSTERIOR_NORMAL;
    int64_t n = size;
    if (stored && (__builtin_mul_overflow(n, chains, &n) || __builtin_mul_overflow(n, draws, &n)))
        return urn__fail_memory(error, "posterior draws", SIZE_MAX);
    const urn__kernels *kernels;
    URN_TRY(urn__kernels_select(cpu, &kernels, error));
    urn_posterior *p = urn__calloc(allocator, 1, sizeof *p);
    if (!p)
        return urn__fail_memory(error, "a posterior", sizeof *p);
    *p =
        (urn_posterior){.allocator = allocator,
                        .kind = kind,
                        .size = size,
                        .chains = stored ? chains : 1,
                        .draws = stored ? draws : 0,
                        .seed = seed,
                        .kernels = kernels,
                        .loc = urn__calloc(allocator, (size_t)n, sizeof(double)),
                        .scale = normal ? urn__calloc(allocator, (size_t)n, sizeof(double)) : NULL};
    if (!p->loc || (normal && !p->scale)) {
        urn_posterior_free(p);
        return urn__fail_memory(error, "posterior arrays", (size_t)n * sizeof(double));
    }
    *loc = p->loc;
    *scale = p->scale;
    *posterior = p;
    return URN_OK;
}

void urn__posterior_keep(urn_posterior *posterior, int n, const int *chains, int64_t draws)
{
    const int64_t size = posterior->size, chain = posterior->draws * size;
    for (int k = 0; k < n; k++)
        memmove(posterior->loc + k * draws * size, posterior->loc + chains[k] * chain,
                (size_t)(draws * size) * sizeof *posterior->loc);
    posterior->chains = n;
    posterior->draws = draws;
}

urn_status urn__posterior_fits(const urn_posterior *posterior, const urn_model *model,
                               urn_error *error)
{
    const int64_t size =
        is_stored(posterior->kind) ? urn_model_state_size(model) : urn_model_position_size(model);
    if (posterior->size == size)
        return URN_OK;
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "use the options and ids of the fit",
                     "the posterior has %lld coordinates, but the model has %lld",
                     (long long)posterior->size, (long long)size);
}

urn_status urn__posterior_make(const urn_allocator *allocator, urn_posterior_kind kind,
                               int64_t size, int64_t chains, int64_t draws, const double *loc,
                               const double *scale, uint64_t seed, urn_posterior **posterior,
                               urn_error *error)
{
    double *own_loc, *own_scale;
    *posterior = NULL;
    if (!loc || (kind == URN_POSTERIOR_NORMAL && !scale))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "a posterior needs locations, and a normal one scales too");
    urn_posterior *p;
    URN_TRY(urn__posterior_room(allocator, kind, size, chains, draws, seed, NULL, &own_loc,
                                &own_scale, &p, error));
    memcpy(own_loc, loc, (size_t)(size * (p->draws > 0 ? chains * draws : 1)) * sizeof *loc);
    if (own_scale)
        memcpy(own_scale, scale, (size_t)size * sizeof *scale);
    const urn_status status = urn__posterior_check(p, error);
    if (status == URN_OK)
        *posterior = p;
    else
        urn_posterior_free(p);
    return status;
}

urn_status urn_posterior_new(urn_posterior_kind kind, int64_t size, int64_t chains, int64_t draws,
                             const double *loc, const double *scale, uint64_t seed,
                             urn_posterior **posterior, urn_error *error)
{
    return urn__posterior_make(NULL, kind, size, chains, draws, loc, scale, seed, posterior, error);
}

/* ---- normals with a form ---- */

urn_status urn__posterior_take_form(urn_posterior *posterior, urn__normal_form *form,
                                    urn_error *error)
{
    posterior->form = form;
    URN_TRY(urn__normal_form_scales(form, posterior->scale, error));
    return urn__posterior_check(posterior, error);
}

static urn_status copy_form(const urn_allocator *allocator, int64_t size,
                            const urn_normal_form *given, urn__normal_form **form, urn_error *error)
{
    URN_TRY(urn__normal_form_room(allocator, size, given->rank, given->n_blocks, given->blocks,
                                  form, error));
    urn__normal_form *f = *form;
    if (f->layout.n_factor != given->n_factor || !given->own || !given->factor) {
        const long long wanted = f->layout.n_factor;
        urn__normal_form_free(f);
        *form = NULL;
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "the form of a normal posterior has %lld numbers in its factor, but its "
                         "rank or blocks ask for %lld, and for a diagonal",
                         (long long)given->n_factor, wanted);
    }
    memcpy(f->own, given->own, (size_t)size * sizeof *f->own);
    memcpy(f->factor, given->factor, (size_t)given->n_factor * sizeof *f->factor);
    return URN_OK;
}

urn_status urn__posterior_make_normal(const urn_allocator *allocator, int64_t size,
                                      const double *loc, const urn_normal_form *form, uint64_t seed,
                                      urn_posterior **posterior, urn_error *error)
{
    double *own_loc, *own_scale;
    urn__normal_form *own_form;
    urn_posterior *p;
    *posterior = NULL;
    if (!loc || !form)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "a normal posterior needs locations and a form");
    URN_TRY(copy_form(allocator, size, form, &own_form, error));
    urn_status status = urn__posterior_room(allocator, URN_POSTERIOR_NORMAL, size, 1, 0, seed, NULL,
                                            &own_loc, &own_scale, &p, error);
    if (!p) {
        urn__normal_form_free(own_form);
        return status;
    }
    memcpy(own_loc, loc, (size_t)size * sizeof *loc);
    status = urn__posterior_take_form(p, own_form, error);
    if (status == URN_OK)
        *posterior = p;
    else
        urn_posterior_free(p);
    return status;
}

urn_status urn_posterior_new_normal(int64_t size, const double *loc, const urn_normal_form *form,
                                    uint64_t seed, urn_posterior **posterior, urn_error *error)
{
    return urn__posterior_make_normal(NULL, size, loc, form, seed, posterior, error);
}

bool urn_posterior_form(const urn_posterior *posterior, urn_normal_form *form)
{
    const urn__normal_form *own = posterior->form;
    if (!own)
        return false;
    *form = (urn_normal_form){.bytes = form->bytes,
                              .rank = own->layout.rank,
                              .n_blocks = own->layout.n_blocks,
                              .blocks = own->blocks,
                              .n_factor = own->layout.n_factor,
                              .own = own->own,
                              .factor = own->factor};
    return true;
}

void urn_posterior_free(urn_posterior *posterior)
{
    if (!posterior)
        return;
    urn__normal_form_free(posterior->form);
    urn__free(posterior->allocator, posterior->loc);
    urn__free(posterior->allocator, posterior->scale);
    urn__free(posterior->allocator, posterior);
}

const urn_allocator *urn__posterior_allocator(const urn_posterior *posterior)
{
    return posterior->allocator;
}

urn_posterior_kind urn_posterior_kind_of(const urn_posterior *posterior)
{
    return posterior->kind;
}

int64_t urn_posterior_size(const urn_posterior *posterior)
{
    return posterior->size;
}

int64_t urn_posterior_chains(const urn_posterior *posterior)
{
    return posterior->chains;
}

int64_t urn_posterior_draws(const urn_posterior *posterior)
{
    return posterior->draws;
}

bool urn_posterior_stored(const urn_posterior *posterior)
{
    return is_stored(posterior->kind);
}

const double *urn_posterior_loc(const urn_posterior *posterior)
{
    return posterior->loc;
}

const double *urn_posterior_scale(const urn_posterior *posterior)
{
    return posterior->scale;
}

const urn__kernels *urn__posterior_kernels(const urn_posterior *posterior)
{
    return posterior->kernels;
}

/* ---- draws ---- */

/* Draw `s` of a posterior, elements first .. first + n - 1 of it. */
typedef struct part {
    const urn_posterior *posterior;
    urn__stream stream;
    urn__stream further; /* of the normals of a rank */
    int64_t first, n;
    double *position; /* of the whole draw */
} part;

/* Elements from .. to - 1, `from` being where a block of normals begins. */
static void draw_normals(const part *p, int64_t from, int64_t to)
{
    const urn_posterior *posterior = p->posterior;
    const urn__normal_form *form = posterior->form;
    const double *scale = form ? form->own : posterior->scale;
    const int64_t first = from > p->first ? from : p->first;
    double z[URN__CHUNK];
    posterior->kernels->normals(&p->stream, from, to - from, z);
    for (int64_t i = first; i < to; i++)
        p->position[i] = posterior->loc[i] + scale[i] * z[i - from];
    if (form)
        urn__normal_form_add(form, posterior->kernels, &p->stream, &p->further, first, to - first,
                             p->position);
}

static void draw_chunk(void *context, int64_t chunk, int thread)
{
    const part *p = context;
    const int64_t start = p->first / URN__NORMAL_BLOCK * URN__NORMAL_BLOCK;
    const int64_t from = start + chunk * URN__CHUNK, end = p->first + p->n;
    (void)thread;
    draw_normals(p, from, from + URN__CHUNK < end ? from + URN__CHUNK : end);
}

static void draw_part(const urn_posterior *posterior, int64_t s, int64_t first, int64_t n,
                      int threads, double *position)
{
    const size_t bytes = (size_t)n * sizeof *position;
    const int64_t kept = posterior->chains * posterior->draws;
    if (is_stored(posterior->kind)) {
        memcpy(position + first, posterior->loc + (s % kept) * posterior->size + first, bytes);
        return;
    }
    if (posterior->kind == URN_POSTERIOR_POINT) {
        memcpy(position + first, posterior->loc + first, bytes);
        return;
    }
    part p = {.posterior = posterior, .first = first, .n = n, .position = position};
    p.stream = urn__stream_at(posterior->seed, urn__chain_for(URN__USE_POSTERIOR, 0), "posterior",
                              (uint64_t)s);
    p.further = urn__stream_at(posterior->seed, urn__chain_for(URN__USE_POSTERIOR, 0),
                               "posterior of a rank", (uint64_t)s);
    const int64_t length = first % URN__NORMAL_BLOCK + n;
    urn__parallel(threads, (length + URN__CHUNK - 1) / URN__CHUNK, draw_chunk, &p);
}

void urn_posterior_draw(const urn_posterior *posterior, int64_t s, double *position)
{
    draw_part(posterior, s, 0, posterior->size, 1, position);
}

void urn_posterior_draw_part(const urn_posterior *posterior, int64_t s, int64_t first, int64_t n,
                             double *position)
{
    draw_part(posterior, s, first, n, 1, position);
}

void urn__posterior_draw(const urn_posterior *posterior, int64_t s, int threads, double *position)
{
    draw_part(posterior, s, 0, posterior->size, threads, position);
}

/* ---- of a guide ---- */

static urn_status fill_form(const urn__guide *guide, double *loc, urn_posterior *p,
                            urn_error *error)
{
    const urn__layout *layout = &guide->factor->layout;
    urn__normal_form *form;
    URN_TRY(urn__normal_form_room(p->allocator, layout->size, layout->rank, layout->n_blocks,
                                  layout->blocks, &form, error));
    urn__guide_export(guide, loc, form->own);
    urn__factor_export(guide, form->own, form->factor);
    return urn__posterior_take_form(p, form, error);
}

urn_status urn__guide_posterior(const urn__run *run, const urn__guide *guide,
                                urn_posterior **posterior, urn_error *error)
{
    const urn__target *target = run->target;
    const bool depends = guide->factor && guide->factor->layout.n_factor > 0;
    double *loc, *scale;
    *posterior = NULL;
    urn_posterior *p;
    URN_TRY(urn__posterior_room(
        run->allocator, guide->normal ? URN_POSTERIOR_NORMAL : URN_POSTERIOR_POINT, target->size, 1,
        0, run->seed, target->kernels->name, &loc, &scale, &p, error));
    urn_status status = URN_OK;
    if (depends) {
        status = fill_form(guide, loc, p, error);
    } else {
        urn__guide_export(guide, loc, scale);
        status = urn__posterior_check(p, error);
    }
    if (status == URN_OK)
        *posterior = p;
    else
        urn_posterior_free(p);
    return status;
}
