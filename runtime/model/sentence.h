/* A sentence: what urn_sample, urn_observe, urn_log_density and their like say, while it is made
 * into a site. Every check that fails leaves its message in the model. Private to this folder. */
#ifndef URN_MODEL_SENTENCE_H
#define URN_MODEL_SENTENCE_H

#include "trace.h"

typedef struct urn__sentence {
    urn_model *m;
    const char *where, *name;
    const urn_family *family;
    urn_site given;
    bool observed, unnamed; /* unnamed: a log density that is a value */
    urn__site site;
} urn__sentence;

/* Fails the model at the sentence, unless it has failed; returns a poisoned handle. */
urn_var urn__sentence_fail(const urn__sentence *s, const char *hint, const char *format, ...)
    URN_PRINTF(3, 4);

/* An op that failed while the arguments were computed knows only the file; the sentence knows the
 * line. */
void urn__sentence_complete_error(urn_model *m, const char *where, const char *name);

/* Is v what a call of this model returned, and a value? */
bool urn__sentence_valid_handle(const urn__sentence *s, urn_var v, const char *word_name);

/* Takes every parameter that was given, in the family's terms. */
bool urn__sentence_take_words(urn__sentence *s);

/* Is no parameter missing? */
bool urn__sentence_all_parameters(const urn__sentence *s);

/* The event's side and the site's shape, from parameters, plates and the value; the mask; and
 * whether an observed value has that shape. */
bool urn__sentence_take_shape(urn__sentence *s);

static inline const urn__shape *urn__sentence_shape_of(const urn__sentence *s, urn__id id)
{
    return urn__graph_shape(s->m->graph, id);
}

#endif
