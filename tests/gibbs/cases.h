/* Small models with what gibbs is to make of each site. All see one table of N_ROWS rows with the
 * columns y, t (numbers), g, h, user, item (ids), w (positive), on (0 or 1) and x1, x2, x3. */
#ifndef URN_TESTS_GIBBS_CASES_H
#define URN_TESTS_GIBBS_CASES_H

#include "tests/gibbs/conditionals.h"

enum { N_ROWS = 30 };

/* Expected of a site: its rule, or the kind of its fallback, or NULL for none of either. */
typedef struct expected {
    const char *site, *rule, *kind;
    bool sequential;
    const char *why; /* part of the reason; NULL: any */
} expected;

typedef struct gibbs_case {
    const urn_model_def *def;
    expected site[6];
} gibbs_case;

#define CASE_DEF(function)                                                                         \
    (&(const urn_model_def){.bytes = sizeof(urn_model_def),                                        \
                            .abi = URN_ABI_VERSION,                                                \
                            .name = #function,                                                     \
                            .file = __FILE__,                                                      \
                            .trace = function})

static inline urn_dataset *case_data(void)
{
    static double column[11][N_ROWS];
    static const char *const names[] = {"y",  "t",  "g",  "h",    "w",   "on",
                                        "x1", "x2", "x3", "user", "item"};
    const double *columns[11];
    for (int r = 0; r < N_ROWS; r++) {
        column[0][r] = 1.5 * sin(1.7 * r) + 0.3;
        column[1][r] = cos(2.3 * r);
        column[2][r] = r * r % 5;
        column[3][r] = (r + 2) * (r + 1) % 5;
        column[4][r] = 0.5 + (double)(r % 7) / 4.0;
        column[5][r] = r % 3 != 1;
        for (int k = 0; k < 3; k++)
            column[6 + k][r] = sin(0.9 * r * (k + 1)) + 0.2 * k;
        column[9][r] = r % 6;
        column[10][r] = r * 7 % 11 % 7;
    }
    for (int k = 0; k < 11; k++)
        columns[k] = column[k];
    return dataset_of(N_ROWS, names, columns, 11);
}

static inline const urn__gibbs_block *block_of_site(const urn__gibbs *g, const char *site)
{
    const int i = urn_model_site_find(g->m, site);
    for (int b = 0; b < g->n_blocks; b++)
        for (int k = 0; k < g->block[b].n_sites; k++)
            if (g->block[b].site[k] == i)
                return &g->block[b];
    fail_msg("site %s has no block", site);
    return NULL;
}

static inline void check_site(const urn__gibbs *g, const char *model, const expected *e)
{
    const urn__gibbs_block *b = block_of_site(g, e->site);
    const char *rule = b->rule != NULL ? b->rule->name : NULL;
    const char *kind = b->kind != NULL ? b->kind->name : NULL;
    if ((e->rule == NULL) != (rule == NULL) || (rule != NULL && strcmp(rule, e->rule) != 0))
        fail_msg("%s, site %s: rule %s, not %s (%s)", model, e->site, rule ? rule : "none",
                 e->rule ? e->rule : "none", b->why);
    if (e->kind != NULL && (kind == NULL || strcmp(kind, e->kind) != 0))
        fail_msg("%s, site %s: %s, not %s (%s)", model, e->site, kind ? kind : "nothing", e->kind,
                 b->why);
    if (rule != NULL && b->sequential != e->sequential)
        fail_msg("%s, site %s: %s", model, e->site, b->sequential ? "sequential" : "parallel");
    if (e->why != NULL && strstr(b->why, e->why) == NULL)
        fail_msg("%s, site %s: \"%s\" is not in \"%s\"", model, e->site, e->why, b->why);
}

static inline void run_case(const gibbs_case *c, const urn_dataset *data)
{
    urn_error error = {0};
    urn_model *model = trace_rows(c->def, data, URN_ROWS_TRAINING);
    urn__gibbs *g = derive(model, 2);
    for (const expected *e = c->site; e->site != NULL; e++)
        check_site(g, c->def->name, e);
    assert_ok(urn__gibbs_open(g, &error), &error);
    (void)check_conditionals(g, c->def->name, 4);
    urn__gibbs_free(g);
    urn_model_free(model);
}

#endif
