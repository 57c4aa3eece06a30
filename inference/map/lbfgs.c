/* Modes by L-BFGS. */
#include "../lbfgs.h"
#include "map.h"

typedef struct map_search {
    urn__map_state *map;
    urn__lbfgs lbfgs;
} map_search;

static bool after_step(void *context)
{
    const map_search *s = context;
    urn__run *run = s->map->run;
    const urn__step_info info = {.loss = -s->lbfgs.log_density / run->target->observations};
    return urn__run_after_step(run, &info);
}

urn_status urn__map_lbfgs(urn__map_state *map, urn_error *error)
{
    map_search s = {.map = map,
                    .lbfgs = {.target = map->run->target,
                              .history = map->history,
                              .most_steps = map->run->n_steps,
                              .tolerance = map->tolerance,
                              .position = map->position,
                              .gradient = map->gradient,
                              .scratch = map->gradient,
                              .iterate = after_step,
                              .context = &s}};
    URN_TRY(urn__lbfgs_check(map->run, map->position, "add --method adam", error));
    URN_TRY(urn__lbfgs_run(&s.lbfgs, error));
    map->converged = s.lbfgs.converged;
    map->stalled = s.lbfgs.stalled;
    return URN_OK;
}
