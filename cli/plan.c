/* The plan of a Gibbs sampler in words: site, rule or fallback, parallel or sequential, and why. */
#include "plan.h"
#include <stdio.h>
#include <string.h>

const char *cli_plan_sites(const urn__gibbs_block *block, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int k = 0; k < block->n_sites && at < size; k++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", k == 0 ? "" : ",",
                               block->g->m->site[block->site[k]].name);
    return text;
}

static const char *update_of(const urn__gibbs_block *b, char *text, size_t size)
{
    if (b->kind == NULL)
        (void)snprintf(text, size, "none");
    else if (b->rule != NULL)
        (void)snprintf(text, size, "%s (%s)", b->kind->name, b->rule->name);
    else
        (void)snprintf(text, size, "%s", b->kind->name);
    return text;
}

static const char *rows_of(const urn__gibbs_block *b, char *text, size_t size)
{
    if (b->kind == NULL || !b->kind->exact || b->rows <= 1)
        (void)snprintf(text, size, "%s", b->kind != NULL && b->rows > 1 ? "all together" : "one");
    else
        (void)snprintf(text, size, "%lld %s", (long long)b->rows,
                       b->sequential ? "in turn" : "in parallel");
    return text;
}

static void print_block(const urn__gibbs_block *b)
{
    char sites[200], update[120], rows[64];
    printf("%-14s %-30s %-22s %s\n", cli_plan_sites(b, sites, sizeof sites),
           update_of(b, update, sizeof update), rows_of(b, rows, sizeof rows), b->why);
}

/* *g is NULL, and *refused filled, for models gibbs does not take. */
static urn_status derive(const urn_model *model, urn__gibbs **g, urn_error *refused,
                         urn_error *error)
{
    const urn_status status = urn__gibbs_new(model, NULL, 1, NULL, g, refused);
    if (status == URN_OK || status == URN_ERR_MODEL)
        return URN_OK;
    *error = *refused;
    return status;
}

urn_status cli_plan_print(const urn_model *model, urn_error *error)
{
    urn__gibbs *g;
    urn_error refused = {0};
    URN_TRY(derive(model, &g, &refused, error));
    printf("\n%s%-14s %-30s %-22s %s%s\n", cli_bold(), "gibbs updates", "by", "rows", "because",
           cli_plain());
    for (int i = 0; g != NULL && i < g->n_blocks; i++)
        print_block(&g->block[i]);
    if (g == NULL)
        printf("nothing: %s%s%s\n", refused.site, refused.site[0] != '\0' ? ": " : "",
               refused.message);
    urn__gibbs_free(g);
    return URN_OK;
}

static json_t *block_json(const urn__gibbs_block *b)
{
    json_t *sites = json_array();
    for (int k = 0; k < b->n_sites; k++)
        json_array_append_new(sites, json_string(b->g->m->site[b->site[k]].name));
    return json_pack("{s:o,s:s?,s:s?,s:I,s:b,s:s}", "sites", sites, "update",
                     b->kind != NULL ? b->kind->name : NULL, "rule",
                     b->rule != NULL ? b->rule->name : NULL, "rows", (json_int_t)b->rows,
                     "parallel", b->kind != NULL && b->kind->exact && !b->sequential, "because",
                     b->why);
}

urn_status cli_plan_json(const urn_model *model, json_t **json, urn_error *error)
{
    urn__gibbs *g;
    urn_error refused = {0};
    URN_TRY(derive(model, &g, &refused, error));
    if (g == NULL) {
        *json = json_pack("{s:s}", "refused", refused.message);
        return URN_OK;
    }
    *json = json_array();
    for (int i = 0; i < g->n_blocks; i++)
        json_array_append_new(*json, block_json(&g->block[i]));
    urn__gibbs_free(g);
    return URN_OK;
}
