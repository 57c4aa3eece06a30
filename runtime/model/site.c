/* sample, observe, record, factor, param: the sentences that make sites. */
#include "../graph/family_single.h"
#include "made.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- parameter words ---- */

typedef struct word {
    const char *name;
    size_t at;
} word;

#define WORD(name)                                                                                 \
    {                                                                                              \
#name, offsetof(urn_site, name)                                                            \
    }
static const word WORDS[] = {
    WORD(loc),
    WORD(scale),
    WORD(variance),
    WORD(precision),
    WORD(covariance),
    WORD(scale_tril),
    WORD(precision_tril),
    WORD(shape),
    WORD(rate),
    WORD(concentration),
    WORD(df),
    WORD(probs),
    WORD(logits),
    WORD(low),
    WORD(high),
    WORD(total),
    WORD(concentration1),
    WORD(concentration0),
    WORD(cutpoints),
    WORD(log_rate),
    WORD(mixture),
    WORD(mixture_logits),
    WORD(truncate_below),
    WORD(truncate_above),
    WORD(censor_below),
    WORD(censor_above),
};
enum { N_WORDS = sizeof WORDS / sizeof WORDS[0] };

static urn_var word_value(const urn_site *site, int w)
{
    urn_var v;
    memcpy(&v, (const char *)site + WORDS[w].at, sizeof v);
    return v;
}

/* ---- what is being declared ---- */

typedef struct sentence {
    urn_model *m;
    const char *where, *name;
    const urn_family *family;
    urn_site given;
    bool observed, unnamed; /* unnamed: a log density that is a value */
    urn__site site;
} sentence;

static urn_var fail(const sentence *s, const char *hint, const char *format, ...) URN_PRINTF(3, 4);

static urn_var fail(const sentence *s, const char *hint, const char *format, ...)
{
    char message[sizeof s->m->error.message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return urn__model_error(s->m, URN_ERR_MODEL, s->where, s->name, hint, "(%s): %s",
                            s->family != NULL ? s->family->name : "value", message);
}

/* An op that failed while the arguments were computed knows only the file; the sentence knows the
 * line. */
static void complete_error(urn_model *m, const char *where, const char *name)
{
    if (m->error.status == URN_ERR_MODEL && !m->own_error && m->error.site[0] == '\0' &&
        strcmp(m->error.where, m->def->file) == 0) {
        (void)snprintf(m->error.where, sizeof m->error.where, "%s", where);
        (void)snprintf(m->error.site, sizeof m->error.site, "%s", name);
    }
}

static const urn_family_alternative *alternative(const urn_family *f, const char *name)
{
    const urn_family_alternative *a = f->alternatives;
    while (a != NULL && a->word != NULL && strcmp(a->word, name) != 0)
        a++;
    return a != NULL && a->word != NULL ? a : NULL;
}

static int parameter(const urn_family *f, const char *name)
{
    for (int k = 0; k < URN_FAMILY_PARAMS && f->params[k].word != NULL; k++)
        if (strcmp(f->params[k].word, name) == 0)
            return k;
    return -1;
}

/* "loc, scale (or variance, precision)" */
static void list_words(const urn_family *f, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int k = 0; k < URN_FAMILY_PARAMS && f->params[k].word != NULL && at < size; k++) {
        at += (size_t)snprintf(text + at, size - at, "%s%s", k == 0 ? "" : ", ", f->params[k].word);
        const char *open = " (or ";
        const urn_family_alternative *a = f->alternatives;
        for (; a != NULL && a->word != NULL && at < size; a++)
            if (strcmp(a->becomes, f->params[k].word) == 0) {
                at += (size_t)snprintf(text + at, size - at, "%s%s", open, a->word);
                open = ", ";
            }
        if (open[0] == ',' && at < size)
            at += (size_t)snprintf(text + at, size - at, ")");
    }
    if (at == 0)
        (void)snprintf(text, size, "no parameters");
}

static bool valid_handle(const sentence *s, urn_var v, const char *word_name)
{
    const char *what = NULL;
    if (v.model != s->m)
        what = v.model == NULL ? "a handle without a model" : "a handle of another model";
    else if (v.id == 0 || v.id > urn__graph_count(s->m->graph))
        what = "a handle that no call returned";
    else if (urn__graph_node(s->m->graph, v.id)->op == &urn__op_index)
        what = "what urn_index returned, which serves urn_gather only";
    if (what != NULL && urn__model_ok(s->m))
        (void)fail(s, "pass what a call of this model returned", ".%s is %s", word_name, what);
    return what == NULL;
}

/* Stores a canonical parameter; a second one for the same place, or for its group, is an error. */
static bool set_parameter(sentence *s, int k, urn__id id, const char *word_name)
{
    urn__site *site = &s->site;
    for (int i = 0; i < site->n_given; i++) {
        const int other = site->given[i];
        const bool same_group = s->family->params[k].group > 0 &&
                                s->family->params[other].group == s->family->params[k].group;
        if (other != k && !same_group)
            continue;
        (void)fail(s, "keep one of them", "%s and %s are two parameterisations of the same thing",
                   site->word[i].word, word_name);
        return false;
    }
    int at = site->n_given++;
    for (; at > 0 && site->given[at - 1] > k; at--) { /* in family order */
        site->given[at] = site->given[at - 1];
        site->param[at] = site->param[at - 1];
        site->word[at] = site->word[at - 1];
    }
    site->given[at] = k;
    site->param[at] = id;
    site->word[at] = (urn__given){.word = word_name};
    return true;
}

static bool take_word(sentence *s, int w)
{
    const urn_var v = word_value(&s->given, w);
    const char *name = WORDS[w].name;
    char list[256], hint[300];
    if (v.model == NULL && v.id == 0)
        return true;
    int k = parameter(s->family, name);
    const urn_family_alternative *a = alternative(s->family, name);
    if (k < 0 && a == NULL) {
        list_words(s->family, list, sizeof list);
        (void)snprintf(hint, sizeof hint, "%s takes %s", s->family->name, list);
        (void)fail(s, hint, "it has no parameter %s", name);
        return false;
    }
    if (!valid_handle(s, v, name))
        return false;
    urn_var canonical = a != NULL ? a->convert(v) : v;
    if (a != NULL)
        k = parameter(s->family, a->becomes);
    canonical = urn__made_parameter(s->family, &s->given, k, canonical);
    if (!urn__model_ok(s->m)) {
        complete_error(s->m, s->where, s->name);
        return false;
    }
    if (!set_parameter(s, k, canonical.id, name))
        return false;
    for (int i = 0; i < s->site.n_given; i++)
        if (s->site.given[i] == k)
            s->site.word[i].id = v.id;
    return true;
}

static bool is_given(const urn__site *site, int k)
{
    for (int i = 0; i < site->n_given; i++)
        if (site->given[i] == k)
            return true;
    return false;
}

/* Parameter k, or another way to give the same thing, is missing. */
static void fail_missing(const sentence *s, int k)
{
    const urn_family *f = s->family;
    char list[256], hint[300], ways[200] = "";
    list_words(f, list, sizeof list);
    (void)snprintf(hint, sizeof hint, "%s takes %s", f->name, list);
    size_t at = 0;
    for (int j = k; j < URN_FAMILY_PARAMS && f->params[j].word != NULL && at < sizeof ways; j++)
        if (j == k || (f->params[k].group > 0 && f->params[j].group == f->params[k].group))
            at += (size_t)snprintf(ways + at, sizeof ways - at, "%s%s", j == k ? "" : " or ",
                                   f->params[j].word);
    (void)fail(s, hint, "parameter %s is missing", ways);
}

static bool all_parameters(sentence *s)
{
    const urn_family *f = s->family;
    for (int k = 0; k < URN_FAMILY_PARAMS && f->params[k].word != NULL; k++) {
        bool found = f->params[k].group < 0 || is_given(&s->site, k);
        for (int j = 0; f->params[k].group > 0 && j < URN_FAMILY_PARAMS; j++)
            found = found || (f->params[j].word != NULL &&
                              f->params[j].group == f->params[k].group && is_given(&s->site, j));
        if (found)
            continue;
        fail_missing(s, k);
        return false;
    }
    return true;
}

/* ---- shapes ---- */

static const urn__shape *shape_of(const sentence *s, urn__id id)
{
    return urn__graph_shape(s->m->graph, id);
}

/* The event's side: from the parameter that says so, or from .size. */
static bool find_dim(sentence *s)
{
    const urn_family *f = s->family;
    s->site.dim = 1;
    for (int i = 0; i < s->site.n_given; i++)
        if (f->size_from != NULL && strcmp(f->params[s->site.given[i]].word, f->size_from) == 0)
            s->site.dim = urn__shape_last(shape_of(s, s->site.param[i]));
    if (f->size_from == NULL && f->event_rank > 0) {
        if (s->given.size < 1) {
            (void)fail(s, "set .size", ".size is %lld; at least 1 is needed",
                       (long long)s->given.size);
            return false;
        }
        s->site.dim = s->given.size;
    } else if (s->given.size != 0 && f->event_rank == 0) {
        (void)fail(s, "use a plate for several of them",
                   ".size is %lld, but the family is of single numbers", (long long)s->given.size);
        return false;
    } else if (s->given.size != 0 && s->given.size != s->site.dim) {
        (void)fail(s, "leave .size out", ".size is %lld, but %s has %lld elements",
                   (long long)s->given.size, f->size_from, (long long)s->site.dim);
        return false;
    }
    s->site.event = f->event_rank == 0   ? 1
                    : f->event_rank == 1 ? s->site.dim
                                         : s->site.dim * s->site.dim;
    return true;
}

static void event_text(const urn__shape *shape, int rank, char *text, size_t size)
{
    const int64_t *d = shape->dim + shape->n_plates + shape->n_event - rank;
    if (rank == 2)
        (void)snprintf(text, size, "is %lld x %lld", (long long)d[0], (long long)d[1]);
    else
        (void)snprintf(text, size, "has %lld elements", (long long)d[0]);
}

/* Says which two parameters disagree about the event's side. */
static bool fail_side(const sentence *s, int i)
{
    char found[160], reference[64] = "";
    const char *from = "size";
    event_text(shape_of(s, s->site.param[i]), s->family->params[s->site.given[i]].event_rank, found,
               sizeof found);
    for (int j = 0; j < s->site.n_given; j++)
        if (s->family->size_from != NULL &&
            strcmp(s->family->params[s->site.given[j]].word, s->family->size_from) == 0) {
            from = s->site.word[j].word;
            event_text(shape_of(s, s->site.param[j]),
                       s->family->params[s->site.given[j]].event_rank, reference, sizeof reference);
        }
    (void)fail(s, NULL, "%s %s but %s %s; both need the same last dimension", from, reference,
               s->site.word[i].word, found);
    return false;
}

/* Parameter i has the event dims its family wants: a vector of dim, a dim x dim matrix; in a
 * mixture of vectors, one of them a component. */
static bool check_event(const sentence *s, int i)
{
    const int k = s->site.given[i], rank = urn__param_rank(s->family, k);
    const int own = s->family->params[k].event_rank;
    const int64_t components = urn__family_components(s->family);
    const urn__shape *shape = shape_of(s, s->site.param[i]);
    char found[160];
    if (rank == 0)
        return true;
    if (shape->n_event < rank) {
        (void)fail(s, NULL, "%s must be a %s%s; its shape is %s", s->site.word[i].word,
                   own == 0   ? "number"
                   : own == 1 ? "vector"
                              : "matrix",
                   components > 0 ? " for each component" : "",
                   urn__shape_text(s->m->graph, shape, found, sizeof found));
        return false;
    }
    const int64_t *d = shape->dim + shape->n_plates + shape->n_event - rank;
    if (components > 0 && d[0] != components) {
        (void)fail(s, NULL, "the mixture has %lld components, but %s is of %lld",
                   (long long)components, s->site.word[i].word, (long long)d[0]);
        return false;
    }
    for (int j = rank - own; j < rank; j++)
        if (d[j] != s->site.dim)
            return fail_side(s, i);
    return true;
}

/* A shape without the event dims of the family's own; what is left must fit the site's plates. */
static bool fit_batch(const sentence *s, const char *what, const urn__shape *shape, int rank,
                      urn__shape *grid)
{
    const urn__shape own =
        urn__shape_with_event(shape, shape->n_event - rank, shape->dim + shape->n_plates);
    const urn__shape plates = urn__plate_shape(s->m, s->site.plate);
    char found[160], expected[160];
    urn__shape both;
    const bool within = urn__shape_plates_within(&own, &plates);
    if (within && urn__shape_broadcast(&own, grid, &both) && both.n_plates == plates.n_plates) {
        *grid = both;
        return true;
    }
    urn__shape_text(s->m->graph, shape, found, sizeof found);
    urn__shape_text(s->m->graph, within ? grid : &plates, expected, sizeof expected);
    (void)fail(s,
               within ? NULL
                      : "declare the site in that plate with .plate, or index the value with "
                        "urn_gather",
               "%s has shape %s, which does not fit the site's %s %s", what, found,
               within ? "shape" : "plates", plates.n_plates == 0 && !within ? "(none)" : expected);
    return false;
}

static bool find_shape(sentence *s)
{
    urn__shape grid = urn__plate_shape(s->m, s->site.plate);
    for (int i = 0; i < s->site.n_given; i++) {
        const int rank = urn__param_rank(s->family, s->site.given[i]);
        if (!check_event(s, i) ||
            !fit_batch(s, s->site.word[i].word, shape_of(s, s->site.param[i]), rank, &grid))
            return false;
    }
    if (s->observed && shape_of(s, s->given.value.id)->n_event >= s->family->event_rank &&
        !fit_batch(s, "value", shape_of(s, s->given.value.id), s->family->event_rank, &grid))
        return false;
    int64_t dims[URN__MAX_DIMS] = {0};
    const int rank = s->family->event_rank;
    if (grid.n_plates + grid.n_event + rank > URN__MAX_DIMS) {
        (void)fail(s, NULL, "the site would have %d dims; at most %d are allowed",
                   grid.n_plates + grid.n_event + rank, URN__MAX_DIMS);
        return false;
    }
    for (int i = 0; i < grid.n_event; i++)
        dims[i] = grid.dim[grid.n_plates + i];
    for (int i = 0; i < rank; i++)
        dims[grid.n_event + i] = s->site.dim;
    s->site.shape = urn__shape_with_event(&grid, grid.n_event + rank, dims);
    return true;
}

static bool check_value(const sentence *s)
{
    const urn__shape *v = shape_of(s, s->given.value.id);
    char found[160], expected[160];
    if (urn__shape_equal(v, &s->site.shape))
        return true;
    urn__shape_text(s->m->graph, v, found, sizeof found);
    urn__shape_text(s->m->graph, &s->site.shape, expected, sizeof expected);
    (void)fail(s, "an observed value must have exactly the shape of its site",
               "value has shape %s, the site %s", found, expected);
    return false;
}

static bool take_mask(sentence *s)
{
    if (s->given.mask.model == NULL && s->given.mask.id == 0)
        return true;
    if (!valid_handle(s, s->given.mask, "mask"))
        return false;
    const urn__shape *shape = shape_of(s, s->given.mask.id);
    const urn__shape plates = urn__plate_shape(s->m, s->site.plate);
    if (!urn__shape_equal(shape, &plates)) {
        char found[160], expected[160];
        (void)fail(s, "give 0/1 data over the site's plate",
                   "mask has shape %s; the site's plates are %s",
                   urn__shape_text(s->m->graph, shape, found, sizeof found),
                   plates.n_plates == 0
                       ? "(none)"
                       : urn__shape_text(s->m->graph, &plates, expected, sizeof expected));
        return false;
    }
    s->site.mask = s->given.mask.id;
    return true;
}

/* ---- the bijection of a latent site ---- */

static urn__id bound(const sentence *s, const char *word_name)
{
    for (int i = 0; word_name != NULL && i < s->site.n_given; i++)
        if (strcmp(s->family->params[s->site.given[i]].word, word_name) == 0)
            return s->site.param[i];
    return 0;
}

static void set_support(sentence *s)
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
static bool same_bounds(const sentence *s)
{
    return (s->site.low == 0 || shape_of(s, s->site.low)->n_plates == 0) &&
           (s->site.high == 0 || shape_of(s, s->site.high)->n_plates == 0);
}

/* ---- sample and observe ---- */

static bool valid_plate(const sentence *s)
{
    const urn_plate p = s->given.plate;
    if ((p.model == NULL && p.id == 0) || urn__plate_known(s->m, p))
        return true;
    (void)fail(s, "pass what a call of this model returned", ".plate is a plate %s",
               p.model == NULL   ? "without a model"
               : p.model != s->m ? "of another model"
                                 : "that no call returned");
    return false;
}

/* Some words make another family of the one that is named. */
static bool make_family(sentence *s)
{
    const char *why;
    if (s->family == NULL)
        return true;
    const urn_family *made = urn__made_family(s->m, s->family, &s->given, s->observed, &why);
    if (made == NULL) {
        if (why != NULL)
            (void)fail(s, NULL, "%s", why);
        return false;
    }
    s->family = s->site.family = made;
    urn__made_defaults(s->m, made, &s->given);
    return true;
}

static bool begin(sentence *s, const urn_site *given)
{
    urn_model *m = s->m;
    if (!urn__model_ok(m)) {
        complete_error(m, s->where, s->name);
        return false;
    }
    if (given->bytes > sizeof s->given) {
        (void)fail(s, "rebuild the model with this library's headers, or update urn",
                   "the sentence was compiled against a newer Urn header, which has more words");
        return false;
    }
    memcpy(&s->given, given, given->bytes);
    const int other = s->unnamed ? -1 : urn__site_find(m, s->name);
    if (other >= 0) {
        (void)fail(s, "give every site its own name", "the name is taken by the site at %s",
                   m->site[other].where);
        return false;
    }
    if (s->name[0] == '\0' || strlen(s->name) > 63) {
        (void)fail(s, NULL, "a site's name must have 1 to 63 bytes");
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

static bool take_arguments(sentence *s)
{
    for (int w = 0; w < N_WORDS; w++)
        if (!take_word(s, w))
            return false;
    const bool has_value = s->given.value.model != NULL || s->given.value.id != 0;
    if (s->observed != has_value) {
        (void)fail(s, NULL, "%s",
                   s->unnamed    ? "urn_log_density needs .value"
                   : s->observed ? "urn_observe needs .value"
                                 : "urn_sample takes no .value; use urn_observe");
        return false;
    }
    if (s->observed && !valid_handle(s, s->given.value, "value"))
        return false;
    return all_parameters(s) && find_dim(s) && find_shape(s) && take_mask(s) &&
           (!s->observed || s->unnamed || check_value(s));
}

static urn_var keep(sentence *s)
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
static urn_var keep_delta(sentence *s)
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
    sentence s = {.m = m, .where = where, .name = name, .family = family};
    if (!begin(&s, site) || !take_arguments(&s))
        return urn__poison(m);
    if (family == urn_family_delta())
        return keep_delta(&s);
    if (s.site.local && s.site.shape.n_plates != 1)
        return fail(&s, "use full batches", "a latent site in a nest of the mini-batched plate");
    set_support(&s);
    if (s.site.local && !same_bounds(&s))
        return fail(&s, "use full batches", "its bounds differ by row of the mini-batched plate");
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
    sentence s = {.m = m, .where = where, .name = name, .family = family, .observed = true};
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
    sentence s = {.m = m,
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

static bool begin_named(sentence *s, urn_plate plate)
{
    const urn_site nothing = {.bytes = sizeof nothing, .plate = plate};
    s->where = s->m->def->file;
    return begin(s, &nothing);
}

urn_var urn_record(urn_model *m, const char *name, urn_var value)
{
    sentence s = {.m = m, .name = name};
    if (!begin_named(&s, (urn_plate){0}) || !valid_handle(&s, value, "value"))
        return urn__poison(m);
    s.site.role = URN_SITE_RECORDED;
    s.site.part = URN__PART_RECORD;
    s.site.value = value.id;
    s.site.shape = *shape_of(&s, value.id);
    s.site.full_rows = urn__shape_rows(&s.site.shape);
    return keep(&s);
}

void urn_factor(urn_model *m, const char *name, urn_var log_density)
{
    sentence s = {.m = m, .name = name};
    if (!begin_named(&s, (urn_plate){0}) || !valid_handle(&s, log_density, "log_density"))
        return;
    s.site.role = URN_SITE_FACTOR;
    s.site.part = URN__PART_FACTOR;
    s.site.value = log_density.id;
    s.site.shape = *shape_of(&s, log_density.id);
    for (int i = 0; i < s.site.shape.n_plates; i++)
        s.site.local = s.site.local || (uint32_t)s.site.shape.plate[i] == m->batch_plate;
    urn__apply_handlers(m, &s.site);
    if (urn__model_ok(m))
        (void)keep(&s);
}

urn_var urn_param(urn_model *m, const char *name, double start, int64_t size, urn_plate plate)
{
    sentence s = {.m = m, .name = name};
    if (!begin_named(&s, plate))
        return urn__poison(m);
    if (s.site.local) {
        (void)fail(&s, NULL, "a parameter cannot be over the mini-batched plate");
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
