/* All continuous sites that are left, in one block: a transition of the no-U-turn sampler on the
 * density of these sites with the others held at their values. Step size and metric are learnt in
 * the sweeps of warm-up. */
#include "../mcmc/hmc.h"
#include "coordinates.h"
#include "gibbs.h"

/* Doublings of a trajectory: blocks are small, and other sites move in between. */
enum { DEPTH = 8 };

typedef struct gradient_block {
    urn__model_target target;
    urn__hmc *hmc;
    double *state, *position;
} gradient_block;

static urn_status prepare(urn__gibbs_block *b, bool *able, urn_error *error)
{
    b->own = urn__arena_alloc(b->arena, 1, sizeof(gradient_block));
    if (b->own == NULL)
        return urn__fail_memory(error, "a block", sizeof(gradient_block));
    *able = true;
    for (int k = 0; k < b->n_sites; k++)
        if (b->g->m->site[b->site[k]].support->discrete) {
            *able = false;
            b->why = urn__block_say(b, "%s; %s is discrete, and has no gradient", b->why,
                                    b->g->m->site[b->site[k]].name);
        }
    return URN_OK;
}

static urn_status open_target(urn__gibbs_block *b, gradient_block *own, urn_error *error)
{
    const urn__gibbs *g = b->g;
    bool *held = urn__arena_alloc(b->arena, g->m->n_sites + 1, sizeof *held);
    if (held == NULL)
        return urn__fail_memory(error, "a block", g->m->n_sites);
    for (size_t i = 0; i < g->m->n_sites; i++)
        held[i] = g->value[i] != NULL;
    for (int k = 0; k < b->n_sites; k++)
        held[b->site[k]] = false;
    URN_TRY(urn__model_target_describe_held(&own->target, g->m, held, URN_PRECISION_DOUBLE,
                                            g->allocator, error));
    URN_TRY(urn__model_target_compile(&own->target, false, g->nodes->kernels->name, g->most_threads,
                                      error));
    return urn__model_target_open(&own->target, error);
}

static urn_status open_block(urn__gibbs_block *b, urn_error *error)
{
    gradient_block *own = b->own;
    const urn__gibbs *g = b->g;
    URN_TRY(open_target(b, own, error));
    own->state = urn__arena_alloc(b->arena, (size_t)g->m->state_size + 1, sizeof *own->state);
    own->position =
        urn__arena_alloc(b->arena, (size_t)own->target.target.size + 1, sizeof *own->position);
    if (urn__arena_failed(b->arena))
        return urn__fail_memory(error, "a block", (size_t)g->m->state_size);
    urn__hmc_options options = urn__hmc_defaults(g->m->site[b->site[0]].name, g->seed, g->chain);
    options.n_warmup = g->n_warmup;
    options.max_depth = DEPTH;
    return urn__hmc_new(&own->target.target, &options, &own->hmc, error);
}

/* The sites in order, for the bounds of one may depend on those before it. */
static void take_position(urn__gibbs_block *b, const double *position)
{
    const gradient_block *own = b->own;
    for (int k = 0; k < own->target.target.n_blocks; k++) {
        const urn__block *part = &own->target.target.blocks[k];
        const urn__site *s = &b->g->m->site[part->site];
        if (s->low != 0 || s->high != 0)
            urn__gibbs_find_bounds(b->g);
        urn__gibbs_constrain(b->g, part->site, position + part->offset, NULL);
    }
}

static urn_status update(urn__gibbs_block *b, urn_error *error)
{
    gradient_block *own = b->own;
    urn__target *target = &own->target.target;
    urn__hmc_info info;
    if (target->threads != b->g->threads)
        target->set_threads(target->context, b->g->threads);
    urn__gibbs_state(b->g, own->state);
    urn__model_target_hold(&own->target, own->state);
    urn__model_target_gather(&own->target, own->state, own->position);
    if (!urn__hmc_place(own->hmc, own->position))
        return urn__target_fail_density(target, own->state, "in a sweep", error);
    URN_TRY(urn__hmc_step(own->hmc, b->g->step, &info, error));
    take_position(b, urn__hmc_position(own->hmc));
    return URN_OK;
}

static void close_block(urn__gibbs_block *b)
{
    gradient_block *own = b->own;
    if (own == NULL)
        return;
    urn__hmc_free(own->hmc);
    urn__model_target_close(&own->target);
}

const urn__block_kind urn__kind_gradient = {.name = "gradient",
                                            .prepare = prepare,
                                            .open = open_block,
                                            .update = update,
                                            .close = close_block};
