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
    run->sweeps = true;
    return urn__gibbs_set_position(map->blocks, map->position, error);
}

/* The gradient decides when to stop, and nothing else: it is looked at after as many sweeps as half
 * of those it takes to get small at the rate at which it shrank since the last look. The density,
 * which is far cheaper, is evaluated after every sweep. */
static int64_t next_look(urn__map_state *map, int64_t sweep, double excess)
{
    const double rate = log(map->excess / excess) / (double)(sweep - map->looked);
    const double half = 0.5 * log(excess) / rate;
    const bool falls = map->looked > 0 && rate > 0.0 && half > 1.0;
    const int64_t wait = falls ? (int64_t)fmin(half, (double)(sweep - map->looked) * 2.0) : 1;
    map->excess = excess;
    map->looked = sweep;
    return sweep + (wait > 1 ? wait : 1);
}

static urn_status look(urn__map_state *map, int64_t sweep, double *value, urn_error *error)
{
    const urn__target *target = map->run->target;
    const bool gradient =
        map->tolerance > 0.0 && (sweep >= map->next_look || sweep == map->run->n_steps);
    *value = urn__target_log_density(target, map->position, gradient ? map->gradient : NULL);
    if (!isfinite(*value))
        return urn__target_fail_density(target, map->position, "after a sweep", error);
    if (!gradient)
        return URN_OK;
    const double norm = urn__map_norm(map, map->gradient);
    const double wanted = map->tolerance * fmax(1.0, urn__map_norm(map, map->position));
    map->converged = norm < wanted;
    if (!map->converged)
        map->next_look = next_look(map, sweep, norm / wanted);
    return URN_OK;
}

static urn_status step(urn__map_state *map, int64_t number, urn__step_info *info, urn_error *error)
{
    const urn__target *target = map->run->target;
    double value;
    urn__gibbs_threads(map->blocks, target->threads);
    for (int i = 0; i < map->blocks->n_blocks; i++)
        URN_TRY(urn__gibbs_mode(map->blocks, i, number, error));
    urn__gibbs_state(map->blocks, map->position);
    URN_TRY(look(map, number, &value, error));
    info->loss = -value / target->observations;
    info->done = map->converged;
    return URN_OK;
}

static urn_status hand_over(urn__map_state *map, int64_t number, urn_error *error)
{
    urn__run *run = map->run;
    const urn_fit_options *options = run->options;
    const urn_draw draw = {.draw = number - 1, .n_draws = run->n_steps, .state = map->position};
    if (options->draw == NULL)
        return URN_OK;
    const double since = urn__clock_now();
    URN_TRY(options->draw(options->context, &draw, error));
    urn__step_clock_leave_out(&run->clock, urn__clock_now() - since);
    return URN_OK;
}

urn_status urn__map_blocks(urn__map_state *map, urn_error *error)
{
    urn__run *run = map->run;
    for (int64_t number = 1; number <= run->n_steps; number++) {
        urn__step_info info = {0};
        URN_TRY(step(map, number, &info, error));
        URN_TRY(hand_over(map, number, error));
        if (!urn__run_after_step(run, &info))
            break;
    }
    return URN_OK;
}
