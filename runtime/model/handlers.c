/* What handlers make of a site, while the model is traced. */
#include "trace.h"
#include <math.h>
#include <string.h>

/* ---- what acts where ---- */

/* Kinds that say where a site's value comes from: at most one a site. */
static bool sets_value(urn_handler_kind kind)
{
    return kind != URN_HANDLER_SCALE && kind != URN_HANDLER_MASK;
}

static bool acts_on(urn_handler_kind kind, urn_site_role role)
{
    switch (kind) {
    case URN_HANDLER_SCALE:
        return role == URN_SITE_LATENT || role == URN_SITE_OBSERVED || role == URN_SITE_FACTOR;
    case URN_HANDLER_DO:
    case URN_HANDLER_MASK:
        return role == URN_SITE_LATENT || role == URN_SITE_OBSERVED;
    case URN_HANDLER_CONDITION:
    case URN_HANDLER_SUBSTITUTE:
    case URN_HANDLER_BLOCK:
    case URN_HANDLER_NONCENTRED:
        return role == URN_SITE_LATENT;
    }
    return false;
}

static const char *sites_of(urn_handler_kind kind)
{
    return kind == URN_HANDLER_SCALE ? "this one acts on latent and observed sites and factors"
           : kind == URN_HANDLER_DO || kind == URN_HANDLER_MASK
               ? "this one acts on latent and observed sites"
               : "handlers act on latent sites";
}

/* A name, or the beginning of one and a star. */
static bool names(const urn_handler *h, const char *site)
{
    const size_t n = strlen(h->site);
    if (h->kind == URN_HANDLER_SCALE && n > 0 && h->site[n - 1] == '*')
        return strncmp(h->site, site, n - 1) == 0;
    return strcmp(h->site, site) == 0;
}

/* ---- the kinds ---- */

static void fail(urn_model *m, const urn__site *site, const char *hint, const char *message)
{
    (void)urn__model_error(m, URN_ERR_USAGE, site->where, site->name, hint, "%s", message);
}

/* The handler's values in the site's shape; one value stands for all. 0 after an error. */
static urn__id given_value(urn_model *m, const urn__site *site, const urn_handler *h)
{
    const int64_t n = urn__shape_size(&site->shape);
    if (h->n_values != n && h->n_values != 1) {
        (void)urn__model_error(m, URN_ERR_USAGE, site->where, site->name, NULL,
                               "%s gives %lld elements; the site has %lld",
                               h->kind == URN_HANDLER_DO ? "do" : "condition",
                               (long long)h->n_values, (long long)n);
        return 0;
    }
    const urn__id id =
        h->n_values == n
            ? urn__constant(m->graph, &site->shape, h->values)
            : urn__broadcast(m->graph, urn__number(m->graph, h->values[0]), &site->shape);
    if (id == 0)
        (void)urn__var(m, 0);
    return id;
}

static void condition(urn_model *m, urn__site *site, const urn_handler *h)
{
    site->value = given_value(m, site, h);
    site->role = URN_SITE_OBSERVED;
    site->part = URN__PART_OBSERVED;
}

/* An intervention: what gave the site its value before has no say any more. */
static void intervene(urn_model *m, urn__site *site, const urn_handler *h)
{
    site->value = given_value(m, site, h);
    site->role = URN_SITE_RECORDED;
    site->part = URN__PART_RECORD;
}

static void scale(urn_model *m, urn__site *site, const urn_handler *h)
{
    if (h->n_values == 1 && h->values[0] > 0.0 && isfinite(h->values[0]))
        site->weight *= h->values[0];
    else
        fail(m, site, "a mask leaves rows out", "scale takes one number greater than 0");
}

static void mask(urn_model *m, urn__site *site, const urn_handler *h)
{
    const urn__shape plates = urn__plate_shape(m, site->plate);
    const int64_t n = urn__shape_size(&plates);
    if (h->n_values != n) {
        (void)urn__model_error(m, URN_ERR_USAGE, site->where, site->name, NULL,
                               "mask gives %lld elements; the site has %lld rows",
                               (long long)h->n_values, (long long)n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        if (h->values[i] != 0.0 && h->values[i] != 1.0) {
            fail(m, site, NULL, "a mask is of zeros and ones");
            return;
        }
    if (site->local && site->full_rows != urn__shape_rows(&site->shape)) {
        fail(m, site, "give the mask as data, with .mask", "its rows are mini-batched");
        return;
    }
    const urn__id own = urn__constant(m->graph, &plates, h->values);
    site->mask = site->mask == 0 ? own : urn__emit2(m->graph, &urn__op_mul, site->mask, own);
    if (site->mask == 0)
        (void)urn__var(m, 0);
}

/* ---- the non-centred form ---- */

bool urn__loc_scale(const urn__site *site, int *loc, int *scale_at)
{
    const urn_family *const families[] = {urn_family_normal(),   urn_family_student_t(),
                                          urn_family_cauchy(),   urn_family_laplace(),
                                          urn_family_logistic(), urn_family_log_normal()};
    bool known = site->family == urn_family_mvn() && site->shape.n_event == 1;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        known = known || site->family == families[i];
    *loc = *scale_at = -1;
    for (int k = 0; known && k < site->n_given; k++) {
        const char *word = site->family->params[site->given[k]].word;
        *loc = strcmp(word, "loc") == 0 ? k : *loc;
        *scale_at = strcmp(word, "scale") == 0 || strcmp(word, "scale_tril") == 0 ? k : *scale_at;
    }
    return *loc >= 0 && *scale_at >= 0;
}

static void noncentre(urn_model *m, urn__site *site)
{
    int loc, scale_at;
    site->noncentred = urn__loc_scale(site, &loc, &scale_at);
    if (!site->noncentred)
        (void)urn__model_error(m, URN_ERR_USAGE, site->where, site->name,
                               "normal, log_normal, student_t, cauchy, laplace and logistic have "
                               "one, and mvn by its covariance or scale_tril",
                               "(%s): the family has no non-centred form", site->family->name);
}

/* Its density is then that of the standardised value, which is only so for the whole of it. */
static void check_form(urn_model *m, const urn__site *site)
{
    if (site->noncentred && (site->weight != 1.0 || site->mask != 0))
        fail(m, site, "leave it centred",
             "a site that is scaled or masked has no non-centred form");
}

/* ---- all of them ---- */

static void apply(urn_model *m, urn__site *site, const urn_handler *h)
{
    site->handled = site->handled || (sets_value(h->kind) && h->kind != URN_HANDLER_NONCENTRED);
    switch (h->kind) {
    case URN_HANDLER_CONDITION:
        condition(m, site, h);
        break;
    case URN_HANDLER_DO:
        intervene(m, site, h);
        break;
    case URN_HANDLER_SUBSTITUTE:
        site->part = URN__PART_INPUT;
        break;
    case URN_HANDLER_BLOCK:
        site->part = URN__PART_DRAWN;
        break;
    case URN_HANDLER_SCALE:
        scale(m, site, h);
        break;
    case URN_HANDLER_MASK:
        mask(m, site, h);
        break;
    case URN_HANDLER_NONCENTRED:
        noncentre(m, site);
        break;
    }
}

void urn__apply_handlers(urn_model *m, urn__site *site)
{
    const urn_site_role role = site->role;
    for (size_t i = 0; i < m->options.n_handlers && urn__model_ok(m); i++) {
        const urn_handler *h = &m->options.handlers[i];
        if (!names(h, site->name) || !acts_on(h->kind, role))
            continue;
        m->acted[i] = true;
        apply(m, site, h);
    }
    check_form(m, site);
}

/* ---- handlers that do not fit ---- */

/* It acted; else its site is not there, or is one that such handlers leave alone. */
static urn_status check_acted(urn_model *m, const urn_handler *h)
{
    static const char *const words[] = {"latent", "observed", "recorded", "a parameter",
                                        "a factor"};
    const int site = urn__site_find(m, h->site);
    if (m->acted[h - m->options.handlers])
        return URN_OK;
    if (site < 0)
        return urn__fail(&m->error, URN_ERR_USAGE, NULL, h->site, NULL,
                         "a handler names this site, but model %s has none of that name",
                         m->def->name);
    return urn__fail(&m->error, URN_ERR_USAGE, m->site[site].where, h->site, NULL,
                     "a handler names this site, but it is %s; %s", words[m->site[site].role],
                     sites_of(h->kind));
}

static urn_status check_single(urn_model *m, const urn_handler *h)
{
    const int site = urn__site_find(m, h->site);
    for (const urn_handler *other = m->options.handlers; other < h; other++)
        if (strcmp(other->site, h->site) == 0 && sets_value(other->kind) && sets_value(h->kind))
            return urn__fail(&m->error, URN_ERR_USAGE, m->site[site].where, h->site,
                             "keep one of them", "two handlers name this site");
    return URN_OK;
}

urn_status urn__check_handlers(urn_model *m)
{
    for (size_t i = 0; i < m->options.n_handlers; i++) {
        URN_TRY(check_acted(m, &m->options.handlers[i]));
        URN_TRY(check_single(m, &m->options.handlers[i]));
    }
    return URN_OK;
}
