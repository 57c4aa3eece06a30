/* The blocks that gibbs derives, against the joint density. */
#ifndef URN_TESTS_GIBBS_CONDITIONALS_H
#define URN_TESTS_GIBBS_CONDITIONALS_H

#include "inference/gibbs/gibbs.h"
#include "inference/gibbs/verify.h"
#include "tests/inference/models.h"

static inline urn__gibbs *derive(const urn_model *model, int threads)
{
    urn_error error = {0};
    urn__gibbs *g;
    assert_ok(urn__gibbs_new(model, NULL, threads, NULL, &g, &error), &error);
    return g;
}

/* Every closed-form block equals the joint density, at a few random points. */
static inline int check_conditionals(urn__gibbs *g, const char *model, int points)
{
    int checked = 0;
    for (int b = 0; b < g->n_blocks; b++) {
        const urn__gibbs_block *block = &g->block[b];
        if (block->kind == NULL || !block->kind->exact)
            continue;
        for (int p = 0; p < points; p++) {
            urn__block_check check;
            urn_error error = {0};
            assert_ok(urn__gibbs_check(g, b, 7, p, &check, &error), &error);
            const double moved = fabs(check.joint[0] - check.joint[1]);
            /* two draws may be the same, and a prior without children may be uniform */
            const bool still = g->m->site[block->site[0]].support->discrete ||
                               (block->rule != NULL && strcmp(block->rule->name, "prior") == 0);
            if (!check.agrees || !(moved > 1e-6 || still))
                fail_msg("%s, block of %s, point %d: differences %.12g and %.12g (allowed %.3g)",
                         model, g->m->site[block->site[0]].name, p, check.joint[0] - check.joint[1],
                         check.conditional[0] - check.conditional[1], check.allowed);
            checked++;
        }
    }
    return checked;
}

#endif
