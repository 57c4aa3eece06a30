/* What handlers make of a latent site. */
#include "trace.h"
#include <string.h>

static void condition(urn_model *m, urn__site *site, const urn_handler *h)
{
    const int64_t n = urn__shape_size(&site->shape);
    if (h->n_values != n) {
        (void)urn__model_error(m, URN_ERR_USAGE, site->where, site->name, NULL,
                               "condition gives %lld elements; the site has %lld",
                               (long long)h->n_values, (long long)n);
        return;
    }
    site->role = URN_SITE_OBSERVED;
    site->part = URN__PART_OBSERVED;
    site->value = urn__constant(m->graph, &site->shape, h->values);
    if (site->value == 0)
        (void)urn__var(m, 0);
}

void urn__apply_handlers(urn_model *m, urn__site *site)
{
    for (size_t i = 0; i < m->options.n_handlers; i++) {
        const urn_handler *h = &m->options.handlers[i];
        if (strcmp(h->site, site->name) != 0)
            continue;
        site->handled = true;
        if (h->kind == URN_HANDLER_CONDITION)
            condition(m, site, h);
        else
            site->part = h->kind == URN_HANDLER_BLOCK ? URN__PART_DRAWN : URN__PART_INPUT;
    }
}
