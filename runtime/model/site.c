/* sample, observe, record, factor, param: the sentences that make sites. */
#include "made.h"
#include "sentence.h"
#include <string.h>

/* ---- the bijection of a latent site ---- */

static urn__id bound(const urn__sentence *s, const char *word_name)
{
    for (int i = 0; word_name != NULL && i < s->site.n_given; i++)
        if (strcmp(s->family->params[s->site.given[i]].word, word_name) == 0)
            return s->site.param[i];
    return 0;
}

static void set_support(urn__sentence *s)
{
    urn__site *site = &s->site;
    site->support = s->family->support();
    site->low = bound(s, s->family->low_word);
    site->high = bound(s, s->family->high_word);
    if (site->support == urn_support_bounded() && site->low == 0 && site->high == 0)
        site->support = urn_support_real();
    site->value_size = site->event;
    const int64_t elements = urn__shape_size(&site->shape);
    const int64_t seen = urn__shape_rows(&site->shape);
    site->full_rows = seen;
    if (site->local)
        site->full_rows = s->m->plate[s->m->batch_plate - 1].size;
    const int64_t full = seen == 0 ? 0 : elements / seen * site->full_rows;
    site->support_rows = site->event == 0 ? 0 : full / site->event;
    if (site->support->discrete)
        return;
    site->free_row = site->support->free_size == NULL
                         ? site->event
                         : site->support->free_size(site->dim, site->event);
    site->free_size = site->support_rows * site->free_row;
}

/* Do all rows have the same bounds? */
static bool same_bounds(const urn__sentence *s)
{
    return (s->site.low == 0 || urn__sentence_shape_of(s, s->site.low)->n_plates == 0) &&
           (s->site.high == 0 || urn__sentence_shape_of(s, s->site.high)->n_plates == 0);
}

/* ---- sample and observe ---- */

static bool valid_plate(const urn__sentence *s)
{
    const urn_plate p = s->given.plate;
    if ((p.model == NULL && p.id == 0) || urn__plate_known(s->m, p))
        return true;
    (void)urn__sentence_fail(s, "pass what a call of this model returned", ".plate is a plate %s",
                             p.model == NULL   ? "without a model"
                             : p.model != s->m ? "of another model"
                                               : "that no call returned");
    return false;
}

/* Some words make another family of the one that is named. */
static bool make_family(urn__sentence *s)
{
    const char *why;
    if (s->family == NULL)
        return true;
    const urn_family *made = urn__made_family(s->m, s->family, &s->given, s->observed, &why);
    if (made == NULL) {
        if (why != NULL)
            (void)urn__sentence_fail(s, NULL, "%s", why);
        return false;
    }
    s->family = s->site.family = made;
    urn__made_defaults(s->m, made, &s->given);
    return true;
}

static bool begin(urn__sentence *s, const urn_site *given)
{
    urn_model *m = s->m;
    if (!urn__model_ok(m)) {
        urn__sentence_complete_error(m, s->where, s->name);
        return false;
    }
    if (given->bytes > sizeof s->given) {
        (void)urn__sentence_fail(
            s, "rebuild the model with this library's headers, or update urn",
            "the sentence was compiled against a newer Urn header, which has more words");
        return false;
    }
    memcpy(&s->given, given, given->bytes);
    const int other = s->unnamed ? -1 : urn__site_find(m, s->name);
    if (other >= 0) {
        (void)urn__sentence_fail(s, "give every site its own name",
                                 "the name is taken by the site at %s", m->site[other].where);
        return false;
    }
    if (s->name[0] == '\0' || strlen(s->name) > 63) {
        (void)urn__sentence_fail(s, NULL, "a site's name must have 1 to 63 bytes");
        return false;
    }
    if (!valid_plate(s))
        return false;
    s->site.name = urn__arena_strdup(m->arena, s->name);
    s->site.where = urn__arena_strdup(m->arena, s->where);
    s->site.family = s->family;
    s->site.plate = s->given.plate.id;
    s->site.weight = 1.0;
    if (s->site.plate != 0 && m->batch_plate != 0) {
        const urn__plate *p = &m->plate[s->site.plate - 1];
        for (int i = 0; i < p->n_levels; i++)
            s->site.local = s->site.local || (uint32_t)p->level[i] == m->batch_plate;
    }
    return (!urn__arena_failed(m->arena) || urn__var(m, 0).id != 0) && make_family(s);
}

static bool take_arguments(urn__sentence *s)
{
    if (!urn__sentence_take_words(s))
        return false;
    const bool has_value = s->given.value.model != NULL || s->given.value.id != 0;
    if (s->observed != has_value) {
        (void)urn__sentence_fail(s, NULL, "%s",
                                 s->unnamed    ? "urn_log_density needs .value"
                                 : s->observed ? "urn_observe needs .value"
                                               : "urn_sample takes no .value; use urn_observe");
        return false;
    }
    if (s->observed && !urn__sentence_valid_handle(s, s->given.value, "value"))
        return false;
    return urn__sentence_all_parameters(s) && urn__sentence_take_shape(s);
}

static urn_var keep(urn__sentence *s)
{
    urn_model *m = s->m;
    urn__site *kept =
        urn__model_append(m, (void **)&m->site, sizeof *m->site, &m->n_sites, &m->site_capacity);
    if (kept == NULL)
        return urn__poison(m);
    *kept = s->site;
    urn__check_site(m, kept);
    return urn__model_ok(m) ? urn__var(m, kept->value) : urn__poison(m);
}

/* A point mass is no variable: the value is known once its parameter is. */
static urn_var keep_delta(urn__sentence *s)
{
    s->site.role = URN_SITE_RECORDED;
    s->site.part = URN__PART_RECORD;
    s->site.value = urn__broadcast(s->m->graph, s->site.param[0], &s->site.shape);
    s->site.full_rows = urn__shape_rows(&s->site.shape);
    return keep(s);
}

urn_var urn_sample_at(urn_model *m, const char *where, const char *name,
                      const struct urn_family *family, const urn_site *site)
{
    urn__sentence s = {.m = m, .where = where, .name = name, .family = family};
    if (!begin(&s, site) || !take_arguments(&s))
        return urn__poison(m);
    if (family == urn_family_delta())
        return keep_delta(&s);
    if (s.site.local && s.site.shape.n_plates != 1)
        return urn__sentence_fail(&s, "use full batches",
                                  "a latent site in a nest of the mini-batched plate");
    set_support(&s);
    if (s.site.local && !same_bounds(&s))
        return urn__sentence_fail(&s, "use full batches",
                                  "its bounds differ by row of the mini-batched plate");
    s.site.role = URN_SITE_LATENT;
    s.site.part = URN__PART_COORDINATE;
    const urn__slot_attr attr = {.slot = (int64_t)m->n_sites, .shape = s.site.shape};
    s.site.value = urn__emit(m->graph, &urn__op_site, 0, NULL, &attr, sizeof attr);
    if (s.site.value == 0)
        return urn__var(m, 0);
    urn__apply_handlers(m, &s.site);
    return urn__model_ok(m) ? keep(&s) : urn__poison(m);
}

urn_var urn_observe_at(urn_model *m, const char *where, const char *name,
                       const struct urn_family *family, const urn_site *site)
{
    urn__sentence s = {.m = m, .where = where, .name = name, .family = family, .observed = true};
    if (!begin(&s, site) || !take_arguments(&s))
        return urn__poison(m);
    set_support(&s);
    s.site.role = URN_SITE_OBSERVED;
    s.site.part = URN__PART_OBSERVED;
    s.site.value = s.given.value.id;
    urn__apply_handlers(m, &s.site);
    return urn__model_ok(m) ? keep(&s) : urn__poison(m);
}

urn_var urn_log_density_at(urn_model *m, const char *where, const struct urn_family *family,
                           const urn_site *site)
{
    urn__sentence s = {.m = m,
                       .where = where,
                       .name = "log density",
                       .family = family,
                       .observed = true,
                       .unnamed = true};
    if (!begin(&s, site) || !take_arguments(&s))
        return urn__poison(m);
    set_support(&s);
    s.site.role = URN_SITE_OBSERVED;
    s.site.value = s.given.value.id;
    urn__check_site(m, &s.site);
    const urn__id value = urn__broadcast(m->graph, s.site.value, &s.site.shape);
    const urn__id node =
        urn__density_node(m->graph, &s.site, s.family, value, s.site.mask, s.site.param, 1.0, true);
    return urn__model_ok(m) ? urn__var(m, node) : urn__poison(m);
}

/* ---- record, factor, param ---- */

static bool begin_named(urn__sentence *s, urn_plate plate)
{
    const urn_site nothing = {.bytes = sizeof nothing, .plate = plate};
    s->where = s->m->def->file;
    return begin(s, &nothing);
}

urn_var urn_record(urn_model *m, const char *name, urn_var value)
{
    urn__sentence s = {.m = m, .name = name};
    if (!begin_named(&s, (urn_plate){0}) || !urn__sentence_valid_handle(&s, value, "value"))
        return urn__poison(m);
    s.site.role = URN_SITE_RECORDED;
    s.site.part = URN__PART_RECORD;
    s.site.value = value.id;
    s.site.shape = *urn__sentence_shape_of(&s, value.id);
    s.site.full_rows = urn__shape_rows(&s.site.shape);
    return keep(&s);
}

void urn_factor(urn_model *m, const char *name, urn_var log_density)
{
    urn__sentence s = {.m = m, .name = name};
    if (!begin_named(&s, (urn_plate){0}) ||
        !urn__sentence_valid_handle(&s, log_density, "log_density"))
        return;
    s.site.role = URN_SITE_FACTOR;
    s.site.part = URN__PART_FACTOR;
    s.site.value = log_density.id;
    s.site.shape = *urn__sentence_shape_of(&s, log_density.id);
    for (int i = 0; i < s.site.shape.n_plates; i++)
        s.site.local = s.site.local || (uint32_t)s.site.shape.plate[i] == m->batch_plate;
    urn__apply_handlers(m, &s.site);
    if (urn__model_ok(m))
        (void)keep(&s);
}

urn_var urn_param(urn_model *m, const char *name, double start, int64_t size, urn_plate plate)
{
    urn__sentence s = {.m = m, .name = name};
    if (!begin_named(&s, plate))
        return urn__poison(m);
    if (s.site.local) {
        (void)urn__sentence_fail(&s, NULL, "a parameter cannot be over the mini-batched plate");
        return urn__poison(m);
    }
    const urn__shape plates = urn__plate_shape(m, s.site.plate);
    s.site.shape = urn__shape_with_event(&plates, size > 0 ? 1 : 0, &size);
    s.site.role = URN_SITE_PARAM;
    s.site.part = URN__PART_COORDINATE;
    s.site.support = urn_support_real();
    s.site.start = start;
    s.site.dim = s.site.event = s.site.value_size = s.site.free_row = 1;
    s.site.full_rows = urn__shape_rows(&s.site.shape);
    s.site.support_rows = s.site.free_size = urn__shape_size(&s.site.shape);
    const urn__slot_attr attr = {.slot = (int64_t)m->n_sites, .shape = s.site.shape};
    s.site.value = urn__emit(m->graph, &urn__op_site, 0, NULL, &attr, sizeof attr);
    return s.site.value == 0 ? urn__var(m, 0) : keep(&s);
}

/* ---- no_mode ---- */

void urn_no_mode(urn_model *m, urn_var site, const char *reason)
{
    if (!urn__model_ok(m))
        return;
    for (size_t i = 0; i < m->n_sites && site.model == m; i++) {
        urn__site *s = &m->site[i];
        if (s->value != site.id || s->family == NULL)
            continue;
        s->no_mode = urn__arena_strdup(m->arena, reason != NULL ? reason : "");
        if (s->no_mode == NULL)
            (void)urn__var(m, 0);
        return;
    }
    (void)urn__model_error(m, URN_ERR_MODEL, m->def->file, NULL, "pass what urn_sample returned",
                           "urn_no_mode was given a value that is no site's");
}
