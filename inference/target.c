/* Targets: log densities as engines see them, and those made of a model. */
#include "../runtime/model/program.h"
#include "../runtime/model/touched_rows.h"
#include "engine.h"
#include "replays.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double urn__target_log_density(const urn__target *target, const void *position, void *gradient)
{
    if (target->precision == URN_PRECISION_SINGLE)
        return target->log_density_single(target->context, position, gradient);
    return target->log_density(target->context, position, gradient);
}

urn_status urn__target_address(const urn__target *target, uint64_t seed, uint64_t chain,
                               int64_t step, urn_error *error)
{
    if (!target->address)
        return URN_OK;
    const urn_status status = target->address(target->context, seed, chain, step);
    if (status != URN_OK)
        return urn__fail(error, status, NULL, NULL, NULL,
                         "the mini-batch of step %lld could not be picked", (long long)step);
    return URN_OK;
}

urn_status urn__target_varies(const urn__target *target, uint64_t seed, const void *position,
                              bool *varies, urn_error *error)
{
    const bool single = target->precision == URN_PRECISION_SINGLE;
    double value[2] = {0.0, 0.0};
    *varies = false;
    if (!target->address)
        return URN_OK;
    if (target->seen) { /* a batch of fewer than all rows */
        *varies = true;
        return URN_OK;
    }
    for (int i = 0; i < 2; i++) {
        URN_TRY(
            urn__target_address(target, seed, urn__chain_for(URN__USE_EVALUATION, 0), i, error));
        value[i] = urn__target_log_density(target, position, NULL);
    }
    /* The same rows in another order round differently: that is not a change. */
    const double rounding = single ? 1e-6 : 1e-9;
    *varies = fabs(value[0] - value[1]) > rounding * (fabs(value[0]) + fabs(value[1]));
    return URN_OK;
}

urn_status urn__target_fail_density(const urn__target *target, const double *position,
                                    const char *what, urn_error *error)
{
    char text[512] = "";
    if (target->explain)
        URN_TRY(target->explain(target->context, position, text, sizeof text, error));
    if (text[0] == '\0')
        snprintf(
            text, sizeof text, "%s",
            "every term is finite where looked at alone, so it is their gradient or their sum");
    return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL,
                     "check the priors, lower --lr, or start elsewhere with --init",
                     "the log density is not finite %s: %s", what, text);
}

urn_status urn__require_continuous(const char *engine, const urn__target *target, urn_error *error)
{
    for (int i = 0; i < target->n_blocks; i++) {
        const urn__block *block = &target->blocks[i];
        if (block->discrete)
            return urn__fail(
                error, URN_ERR_MODEL, block->where, block->name,
                "sum the site out by hand, or observe it",
                "the latent site is discrete, but engine \"%s\" needs gradients and fits "
                "continuous sites only",
                engine);
    }
    if (target->size == 0)
        return urn__fail(error, URN_ERR_MODEL, NULL, NULL, NULL,
                         "the model has no latent site: engine \"%s\" has nothing to fit", engine);
    return URN_OK;
}

urn_status urn__require_distributions(const char *engine, const urn__target *target,
                                      urn_error *error)
{
    URN_TRY(urn__require_continuous(engine, target, error));
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__block *block = &target->blocks[b];
        if (block->point)
            return urn__fail(error, URN_ERR_MODEL, block->where, block->name,
                             "give it a prior with urn_sample, or fit with svi or map",
                             "it is a parameter without a distribution, and engine \"%s\" draws "
                             "from distributions",
                             engine);
    }
    return URN_OK;
}

urn_status urn__require_mode(const char *engine, const urn__target *target, urn_error *error)
{
    for (int i = 0; i < target->n_blocks; i++) {
        const urn__block *block = &target->blocks[i];
        if (block->no_mode != NULL)
            return urn__fail(
                error, URN_ERR_MODEL, block->where, block->name,
                "use an engine that gives the site a distribution, or hold it fixed",
                "engine \"%s\" looks for the mode of the joint density, but while this "
                "site is free there is no mode worth finding: %s",
                engine, block->no_mode);
    }
    return URN_OK;
}

/* ---- targets made of a model ---- */

static double model_log_density(void *context, const double *position, double *gradient)
{
    const urn__model_target *mt = context;
    return urn_replay_log_density(mt->replay, position, gradient);
}

static double model_log_density_single(void *context, const float *position, float *gradient)
{
    const urn__model_target *mt = context;
    return urn_replay_log_density_single(mt->replay, position, gradient);
}

static void model_set_threads(void *context, int threads)
{
    urn__model_target *mt = context;
    mt->target.threads = threads;
    if (mt->replay)
        urn_replay_set_threads(mt->replay, threads);
}

static urn_status model_profile(void *context, urn_error *error)
{
    return urn_replay_profile(((urn__model_target *)context)->replay, error);
}

static bool model_profile_at(void *context, int i, urn_profile_entry *entry)
{
    return urn_replay_profile_at(((urn__model_target *)context)->replay, i, entry);
}

/* What the batch touches. */
static void see(const urn__model_target *mt)
{
    for (int b = 0; mt->seen && b < mt->target.n_blocks; b++) {
        const urn__touched_rows *touched =
            urn__replay_touched(mt->replay, mt->target.blocks[b].site);
        if (!touched)
            continue;
        mt->seen[b].n = touched->n;
        mt->seen[b].rows = touched->row;
        mt->seen[b].weight = touched->weight;
    }
}

static urn_status model_address(void *context, uint64_t seed, uint64_t chain, int64_t step)
{
    const urn__model_target *mt = context;
    urn_replay_seed(mt->replay, seed, chain, (uint64_t)step);
    URN_TRY(urn_replay_batch(mt->replay, seed, step));
    see(mt);
    return URN_OK;
}

static urn_status model_explain(void *context, const double *position, char *text, size_t size,
                                urn_error *error)
{
    const urn__model_target *mt = context;
    if (!mt->held)
        return urn_model_explain(mt->model, position, text, size, error);
    const size_t n = (size_t)urn_model_state_size(mt->model);
    double *whole = urn__calloc(mt->target.allocator, n + 1, sizeof *whole);
    if (!whole)
        return urn__fail_memory(error, "a state", n * sizeof *whole);
    if (mt->state)
        memcpy(whole, mt->state, n * sizeof *whole);
    urn__model_target_scatter(mt, position, whole);
    const urn_status status = urn_model_explain(mt->model, whole, text, size, error);
    urn__free(mt->target.allocator, whole);
    return status;
}

static bool all_finite(int64_t n, const double *x)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static urn_status find_centre(const urn__model_target *mt, urn__runner *runner, uint64_t seed,
                              double *position, bool *usable, urn_error *error)
{
    urn_replay_seed(runner->replay, seed, urn__chain_for(URN__USE_START, 0), 0);
    urn_replay_run(runner->replay, NULL);
    for (int b = 0; b < mt->target.n_blocks; b++) {
        const urn__block *block = &mt->target.blocks[b];
        double *slice = position + block->offset;
        if (block->size == 0)
            continue;
        const double *value = urn_replay_result(runner->replay, block->site, URN_RESULT_VALUE);
        urn_error outside = {0};
        usable[b] = block->noncentred;
        if (usable[b]) {
            memset(slice, 0, (size_t)block->size * sizeof *slice);
            continue;
        }
        usable[b] =
            value &&
            urn_model_unconstrain(mt->model, block->site, value, slice, &outside) == URN_OK &&
            all_finite(block->size, slice);
        if (outside.status == URN_ERR_MEMORY) {
            if (error)
                *error = outside;
            return URN_ERR_MEMORY;
        }
        if (!usable[b])
            memset(slice, 0, (size_t)block->size * sizeof *slice);
    }
    return URN_OK;
}

/* Prior medians need a program of their own, which is asked once. */
static urn_status model_centre(void *context, uint64_t seed, double *position, bool *usable,
                               urn_error *error)
{
    const urn__model_target *mt = context;
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_CENTRE, .cpu = mt->cpu};
    urn__runner runner;
    urn_status status = urn__runner_open(&runner, mt->model, &options, mt->target.threads, error);
    if (status == URN_OK)
        status = find_centre(mt, &runner, seed, position, usable, error);
    urn__runner_close(&runner);
    return status;
}

/* Shares what was compiled. */
static urn_status model_fork(void *context, int threads, urn__target **own, urn_error *error)
{
    const urn__model_target *mt = context;
    urn__model_target *copy = urn__calloc(mt->target.allocator, 1, sizeof *copy);
    *own = NULL;
    if (!copy)
        return urn__fail_memory(error, "the target of a chain", sizeof *copy);
    *copy = *mt;
    copy->replay = NULL;
    copy->target.context = copy;
    copy->target.threads = threads;
    const urn_status status = urn__model_target_open(copy, error);
    if (status == URN_OK)
        *own = &copy->target;
    else
        urn__free(mt->target.allocator, copy);
    return status;
}

static void model_join(urn__target *own)
{
    urn__model_target *mt = own->context;
    urn_replay_free(mt->replay);
    urn__free(own->allocator, mt);
}

static bool is_block(const urn_site_info *info)
{
    if (info->role == URN_SITE_LATENT)
        return info->family->support()->discrete || info->free_size > 0;
    return info->role == URN_SITE_PARAM && info->free_size > 0;
}

static urn__block block_of(const urn_site_info *info, int site)
{
    const bool discrete = info->role == URN_SITE_LATENT && info->family->support()->discrete;
    return (urn__block){.name = info->name,
                        .where = info->where,
                        .site = site,
                        .offset = discrete ? 0 : info->offset,
                        .size = discrete ? 0 : info->free_size,
                        .row = info->rows > 0 ? info->free_size / info->rows : 0,
                        .discrete = discrete,
                        .point = info->role == URN_SITE_PARAM,
                        .noncentred = info->noncentred,
                        .no_mode = info->no_mode};
}

static void list_blocks(urn__model_target *mt, urn__block *blocks)
{
    urn__target *target = &mt->target;
    const int n_sites = urn_model_site_count(mt->model);
    for (int i = 0; i < n_sites; i++) {
        urn_site_info info;
        urn_model_site(mt->model, i, &info);
        if (!is_block(&info) || (mt->held && mt->held[i]))
            continue;
        urn__block *block = &blocks[target->n_blocks++];
        *block = block_of(&info, i);
        if (mt->held && !block->discrete)
            block->offset = target->size;
        target->size += block->size;
    }
    target->blocks = blocks;
}

urn_status urn__model_target_describe(urn__model_target *mt, const urn_model *model,
                                      urn_precision precision, const urn_allocator *allocator,
                                      urn_error *error)
{
    return urn__model_target_describe_held(mt, model, NULL, precision, allocator, error);
}

urn_status urn__model_target_describe_held(urn__model_target *mt, const urn_model *model,
                                           const bool *held, urn_precision precision,
                                           const urn_allocator *allocator, urn_error *error)
{
    *mt = (urn__model_target){.model = model};
    urn__target *target = &mt->target;
    const int n_sites = urn_model_site_count(model);
    mt->arena = urn__arena_new(allocator);
    urn__block *blocks =
        mt->arena ? urn__arena_alloc(mt->arena, (size_t)n_sites + 1, sizeof *blocks) : NULL;
    bool *kept = blocks ? urn__arena_alloc(mt->arena, (size_t)n_sites + 1, sizeof *kept) : NULL;
    if (!kept)
        return urn__fail_memory(error, "the sites to fit", (size_t)n_sites * sizeof *blocks);
    if (held)
        mt->held = memcpy(kept, held, (size_t)n_sites * sizeof *held);
    list_blocks(mt, blocks);
    const int64_t rows = urn_model_observation_count(model);
    target->allocator = allocator;
    target->model = model;
    target->observations = rows > 0 ? (double)rows : 1.0;
    target->context = mt;
    target->precision = precision;
    if (precision == URN_PRECISION_SINGLE)
        target->log_density_single = model_log_density_single;
    else
        target->log_density = model_log_density;
    target->address = model_address;
    target->set_threads = model_set_threads;
    target->profile = model_profile;
    target->profile_at = model_profile_at;
    target->explain = model_explain;
    target->centre = held ? NULL : model_centre;
    target->fork = held ? NULL : model_fork;
    target->join = model_join;
    return URN_OK;
}

urn_status urn__model_target_bare(urn__model_target *mt, const char *cpu, int threads,
                                  urn_error *error)
{
    urn__target *target = &mt->target;
    mt->cpu = cpu;
    target->threads = urn__thread_count(threads);
    target->log_density = NULL;
    target->log_density_single = NULL;
    target->address = NULL;
    target->profile = NULL;
    target->profile_at = NULL;
    URN_TRY(urn__kernels_select(cpu, &target->kernels, error));
    target->kernels_single = urn__kernels_in_single(target->kernels);
    return URN_OK;
}

void urn__model_target_hold(urn__model_target *mt, const double *state)
{
    const urn_program *p = mt->program;
    mt->state = state;
    for (int i = 0; mt->held && i < urn_model_site_count(mt->model); i++) {
        urn_site_info info;
        if (!mt->held[i] || p->input_size[i] == 0)
            continue;
        urn_model_site(mt->model, i, &info);
        (void)urn_replay_input(mt->replay, i, state + info.offset, p->input_size[i], NULL);
    }
}

/* Where the free coordinates are in a state, block by block. */
static int64_t offset_in_state(const urn__model_target *mt, const urn__block *block)
{
    urn_site_info info;
    urn_model_site(mt->model, block->site, &info);
    return info.offset;
}

void urn__model_target_gather(const urn__model_target *mt, const double *state, double *position)
{
    for (int b = 0; b < mt->target.n_blocks; b++) {
        const urn__block *block = &mt->target.blocks[b];
        if (block->size > 0)
            memcpy(position + block->offset, state + offset_in_state(mt, block),
                   (size_t)block->size * sizeof *position);
    }
}

void urn__model_target_scatter(const urn__model_target *mt, const double *position, double *state)
{
    for (int b = 0; b < mt->target.n_blocks; b++) {
        const urn__block *block = &mt->target.blocks[b];
        if (block->size > 0)
            memcpy(state + offset_in_state(mt, block), position + block->offset,
                   (size_t)block->size * sizeof *position);
    }
}

urn_status urn__model_target_compile(urn__model_target *mt, bool no_jacobian, const char *cpu,
                                     int threads, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options,
                                         .kind = URN_PROGRAM_DENSITY,
                                         .no_jacobian = no_jacobian,
                                         .cpu = cpu,
                                         .precision = mt->target.precision};
    mt->cpu = cpu;
    mt->target.threads = urn__thread_count(threads);
    URN_TRY(urn__kernels_select(cpu, &mt->target.kernels, error));
    mt->target.kernels_single = urn__kernels_in_single(mt->target.kernels);
    return urn__program_compile_held(mt->model, &options, mt->held, &mt->program, error);
}

/* Blocks as the model of touched rows lays them out. */
static void list_seen(const urn__model_target *mt, const urn_model *touched)
{
    for (int b = 0; b < mt->target.n_blocks; b++) {
        urn_site_info info;
        urn_model_site(touched, mt->target.blocks[b].site, &info);
        const urn__site *site = &touched->site[mt->target.blocks[b].site];
        const bool rows = urn__touched_plate(touched, site) != 0;
        mt->seen[b] = (urn__seen){.offset = info.offset,
                                  .size = info.free_size,
                                  .row = rows ? info.free_size / site->shape.dim[0] : 0};
    }
}

urn_status urn__model_target_compile_touched(urn__model_target *mt, bool no_jacobian,
                                             const char *cpu, int threads, urn_error *error)
{
    const urn_model *model = mt->model;
    if (!model->touched || mt->held)
        return urn__model_target_compile(mt, no_jacobian, cpu, threads, error);
    mt->seen = urn__arena_alloc(mt->arena, (size_t)mt->target.n_blocks + 1, sizeof *mt->seen);
    if (!mt->seen)
        return urn__fail_memory(error, "the sites to fit", (size_t)mt->target.n_blocks);
    list_seen(mt, model->touched);
    mt->target.seen = mt->seen;
    mt->target.seen_size = urn_model_position_size(model->touched);
    mt->model = model->touched;
    const urn_status status = urn__model_target_compile(mt, no_jacobian, cpu, threads, error);
    mt->model = model;
    return status;
}

int64_t urn__model_target_memory(const urn__model_target *mt)
{
    const urn_program *p = mt->program;
    if (!p)
        return 0;
    const int threads = mt->target.threads;
    const size_t bytes = urn__machine_bytes(p->plan, threads);
    const size_t value = p->value ? urn__machine_bytes(p->value, threads) : 0;
    return (int64_t)(bytes > value ? bytes : value); /* they share it */
}

urn_status urn__model_target_open(urn__model_target *mt, urn_error *error)
{
    if (!mt->program)
        return URN_OK;
    return urn_replay_new(mt->program, mt->target.threads, &mt->replay, error);
}

void urn__model_target_close(urn__model_target *mt)
{
    urn_replay_free(mt->replay);
    urn_program_free(mt->program);
    urn__arena_free(mt->arena);
    *mt = (urn__model_target){0};
}
