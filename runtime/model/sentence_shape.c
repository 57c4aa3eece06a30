/* Shapes in a sentence: of its parameters, its value and its mask against the site's. */
#include "../graph/family_single.h"
#include "sentence.h"
#include <stdio.h>
#include <string.h>

/* The event's side: from the parameter that says so, or from .size. */
static bool find_dim(urn__sentence *s)
{
    const urn_family *f = s->family;
    s->site.dim = 1;
    for (int i = 0; i < s->site.n_given; i++)
        if (f->size_from != NULL && strcmp(f->params[s->site.given[i]].word, f->size_from) == 0)
            s->site.dim = urn__shape_last(urn__sentence_shape_of(s, s->site.param[i]));
    if (f->size_from == NULL && f->event_rank > 0) {
        if (s->given.size < 1) {
            (void)urn__sentence_fail(s, "set .size", ".size is %lld; at least 1 is needed",
                                     (long long)s->given.size);
            return false;
        }
        s->site.dim = s->given.size;
    } else if (s->given.size != 0 && f->event_rank == 0) {
        (void)urn__sentence_fail(s, "use a plate for several of them",
                                 ".size is %lld, but the family is of single numbers",
                                 (long long)s->given.size);
        return false;
    } else if (s->given.size != 0 && s->given.size != s->site.dim) {
        (void)urn__sentence_fail(s, "leave .size out", ".size is %lld, but %s has %lld elements",
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
static bool fail_side(const urn__sentence *s, int i)
{
    char found[160], reference[64] = "";
    const char *from = "size";
    event_text(urn__sentence_shape_of(s, s->site.param[i]),
               s->family->params[s->site.given[i]].event_rank, found, sizeof found);
    for (int j = 0; j < s->site.n_given; j++)
        if (s->family->size_from != NULL &&
            strcmp(s->family->params[s->site.given[j]].word, s->family->size_from) == 0) {
            from = s->site.word[j].word;
            event_text(urn__sentence_shape_of(s, s->site.param[j]),
                       s->family->params[s->site.given[j]].event_rank, reference, sizeof reference);
        }
    (void)urn__sentence_fail(s, NULL, "%s %s but %s %s; both need the same last dimension", from,
                             reference, s->site.word[i].word, found);
    return false;
}

/* Parameter i has the event dims its family wants: a vector of dim, a dim x dim matrix; in a
 * mixture of vectors, one of them a component. */
static bool check_event(const urn__sentence *s, int i)
{
    const int k = s->site.given[i], rank = urn__param_rank(s->family, k);
    const int own = s->family->params[k].event_rank;
    const int64_t components = urn__family_components(s->family);
    const urn__shape *shape = urn__sentence_shape_of(s, s->site.param[i]);
    char found[160];
    if (rank == 0)
        return true;
    if (shape->n_event < rank) {
        (void)urn__sentence_fail(s, NULL, "%s must be a %s%s; its shape is %s",
                                 s->site.word[i].word,
                                 own == 0   ? "number"
                                 : own == 1 ? "vector"
                                            : "matrix",
                                 components > 0 ? " for each component" : "",
                                 urn__shape_text(s->m->graph, shape, found, sizeof found));
        return false;
    }
    const int64_t *d = shape->dim + shape->n_plates + shape->n_event - rank;
    if (components > 0 && d[0] != components) {
        (void)urn__sentence_fail(s, NULL, "the mixture has %lld components, but %s is of %lld",
                                 (long long)components, s->site.word[i].word, (long long)d[0]);
        return false;
    }
    for (int j = rank - own; j < rank; j++)
        if (d[j] != s->site.dim)
            return fail_side(s, i);
    return true;
}

/* A shape without the event dims of the family's own; what is left must fit the site's plates. */
static bool fit_batch(const urn__sentence *s, const char *what, const urn__shape *shape, int rank,
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
    (void)urn__sentence_fail(
        s,
        within ? NULL
               : "declare the site in that plate with .plate, or index the value with "
                 "urn_gather",
        "%s has shape %s, which does not fit the site's %s %s", what, found,
        within ? "shape" : "plates", plates.n_plates == 0 && !within ? "(none)" : expected);
    return false;
}

static bool find_shape(urn__sentence *s)
{
    urn__shape grid = urn__plate_shape(s->m, s->site.plate);
    for (int i = 0; i < s->site.n_given; i++) {
        const int rank = urn__param_rank(s->family, s->site.given[i]);
        if (!check_event(s, i) ||
            !fit_batch(s, s->site.word[i].word, urn__sentence_shape_of(s, s->site.param[i]), rank,
                       &grid))
            return false;
    }
    if (s->observed &&
        urn__sentence_shape_of(s, s->given.value.id)->n_event >= s->family->event_rank &&
        !fit_batch(s, "value", urn__sentence_shape_of(s, s->given.value.id), s->family->event_rank,
                   &grid))
        return false;
    int64_t dims[URN__MAX_DIMS] = {0};
    const int rank = s->family->event_rank;
    if (grid.n_plates + grid.n_event + rank > URN__MAX_DIMS) {
        (void)urn__sentence_fail(s, NULL, "the site would have %d dims; at most %d are allowed",
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

static bool check_value(const urn__sentence *s)
{
    const urn__shape *v = urn__sentence_shape_of(s, s->given.value.id);
    char found[160], expected[160];
    if (urn__shape_equal(v, &s->site.shape))
        return true;
    urn__shape_text(s->m->graph, v, found, sizeof found);
    urn__shape_text(s->m->graph, &s->site.shape, expected, sizeof expected);
    (void)urn__sentence_fail(s, "an observed value must have exactly the shape of its site",
                             "value has shape %s, the site %s", found, expected);
    return false;
}

static bool take_mask(urn__sentence *s)
{
    if (s->given.mask.model == NULL && s->given.mask.id == 0)
        return true;
    if (!urn__sentence_valid_handle(s, s->given.mask, "mask"))
        return false;
    const urn__shape *shape = urn__sentence_shape_of(s, s->given.mask.id);
    const urn__shape plates = urn__plate_shape(s->m, s->site.plate);
    if (!urn__shape_equal(shape, &plates)) {
        char found[160], expected[160];
        (void)urn__sentence_fail(s, "give 0/1 data over the site's plate",
                                 "mask has shape %s; the site's plates are %s",
                                 urn__shape_text(s->m->graph, shape, found, sizeof found),
                                 plates.n_plates == 0 ? "(none)"
                                                      : urn__shape_text(s->m->graph, &plates,
                                                                        expected, sizeof expected));
        return false;
    }
    s->site.mask = s->given.mask.id;
    return true;
}

bool urn__sentence_take_shape(urn__sentence *s)
{
    return find_dim(s) && find_shape(s) && take_mask(s) &&
           (!s->observed || s->unnamed || check_value(s));
}
