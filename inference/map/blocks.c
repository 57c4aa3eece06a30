/* Block coordinate ascent: each block of sites in turn is set to the mode of its conditional, which
 * gibbs derived from the model. On a matrix factorisation these are alternating least squares. The
 * density never falls, at no half of a sweep. */
#include "map.h"

#include <math.h>

/* Every block needs a conditional in closed form that has a mode. */
static urn_status require_modes(const urn__gibbs *g, urn_error *error)
{
    for (int i = 0; i < g->n_blocks; i++) {
        const urn__gibbs_block *b = &g->block[i];
        const urn__site *s = &g->m->site[b->site[0]];
        if (urn__block_has_mode(b))
            continue;
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "use --method lbfgs or adam",
                         "engine \"map\", method blocks: the site's conditional has no mode in "
                         "closed form (%s)",
                         b->rule != NULL ? b->rule->name : b->why);
    }
    return URN_OK;
}

urn_status urn__map_prepare_blocks(urn__map_state *map, urn_error *error)
{
    urn__run *run = map->run;
    const urn__target *target = run->target;
    if (target->model == NULL)
        return urn__fail(error, URN_ERR_MODEL, NULL, NULL, "use --method lbfgs or adam",
                         "engine \"map\": method blocks needs a model");
    URN_TRY(urn__gibbs_new(target->model, target->kernels->name, target->threads, run->allocator,
                           &map->blocks, error));
    URN_TRY(require_modes(map->blocks, error));
    URN_TRY(urn__gibbs_open(map->blocks, error));
    URN_TRY(urn__gibbs_check_all(map->blocks, URN__CHECK_AFFORDABLE, error));
    return urn__gibbs_set_position(map->blocks, map->position, error);
}

static urn_status step(urn__map_state *map, int64_t number, urn__step_info *info, urn_error *error)
{
    const urn__target *target = map->run->target;
    urn__gibbs_threads(map->blocks, target->threads);
    for (int i = 0; i < map->blocks->n_blocks; i++)
        URN_TRY(urn__gibbs_mode(map->blocks, i, number, error));
    urn__gibbs_state(map->blocks, map->position);
    const double value = urn__target_log_density(target, map->position, map->gradient);
    if (!isfinite(value))
        return urn__target_fail_density(target, map->position, "after a sweep", error);
    info->loss = -value / target->observations;
    info->done = map->converged =
        urn__map_flat(map, urn__map_norm(map, map->gradient), urn__map_norm(map, map->position));
    return URN_OK;
}

urn_status urn__map_blocks(urn__map_state *map, urn_error *error)
{
    urn__run *run = map->run;
    for (int64_t number = 1; number <= run->n_steps; number++) {
        urn__step_info info = {0};
        URN_TRY(step(map, number, &info, error));
        if (!urn__run_after_step(run, &info))
            break;
    }
    return URN_OK;
}
