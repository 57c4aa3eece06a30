/* A site that enters no other: its conditional is its prior, whatever the family. */
#include "../gibbs.h"
#include <string.h>

static bool match(urn__gibbs_plan *plan, int site, urn__gibbs_block *b, char *why, size_t size)
{
    (void)why, (void)size;
    b->n_sites = 1;
    b->site[0] = site;
    return plan->n_links[site] == 0 && plan->g->m->site[site].family->draw != NULL;
}

static urn_status prepare(urn__gibbs_block *b, bool *able, urn_error *error)
{
    *able = urn__block_want(b, urn__nodes_draw(b->g->nodes, b->site[0])) == 0;
    return urn__block_want_density(b, error);
}

static urn_status update(urn__gibbs_block *b, urn_error *error)
{
    const urn__gibbs *g = b->g;
    const size_t n = (size_t)urn__shape_size(&g->m->site[b->site[0]].shape);
    (void)error;
    urn__evaluation_address(b->evaluation, g->seed, g->chain, (uint64_t)g->step);
    urn__block_evaluate(b);
    memcpy(urn__block_value(b, 0), urn__block_got(b, 0), n * sizeof(double));
    return URN_OK;
}

static urn_status collect(urn__gibbs_block *b, int64_t part, urn_error *error)
{
    (void)b, (void)part, (void)error;
    return URN_OK;
}

static double log_conditional(urn__gibbs_block *b, int64_t part)
{
    (void)part;
    return urn__block_density(b);
}

static const urn__block_kind kind = {.name = "closed form",
                                     .exact = true,
                                     .prepare = prepare,
                                     .update = update,
                                     .collect = collect,
                                     .log_conditional = log_conditional};

const urn__rule urn__rule_prior = {
    .name = "prior", .summary = "a site that enters no other", .match = match, .kind = &kind};
