/* The words of a sentence: parameters, other ways to give them, handles. */
#include "sentence.h"
#include "made.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

urn_var urn__sentence_fail(const urn__sentence *s, const char *hint, const char *format, ...)
{
    char message[sizeof s->m->error.message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return urn__model_error(s->m, URN_ERR_MODEL, s->where, s->name, hint, "(%s): %s",
                            s->family != NULL ? s->family->name : "value", message);
}

void urn__sentence_complete_error(urn_model *m, const char *where, const char *name)
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

bool urn__sentence_valid_handle(const urn__sentence *s, urn_var v, const char *word_name)
{
    const char *what = NULL;
    if (v.model != s->m)
        what = v.model == NULL ? "a handle without a model" : "a handle of another model";
    else if (v.id == 0 || v.id > urn__graph_count(s->m->graph))
        what = "a handle that no call returned";
    else if (urn__graph_node(s->m->graph, v.id)->op == &urn__op_index)
        what = "what urn_index returned, which serves urn_gather only";
    if (what != NULL && urn__model_ok(s->m))
        (void)urn__sentence_fail(s, "pass what a call of this model returned", ".%s is %s",
                                 word_name, what);
    return what == NULL;
}

/* Stores a canonical parameter; a second one for the same place, or for its group, is an error. */
static bool set_parameter(urn__sentence *s, int k, urn__id id, const char *word_name)
{
    urn__site *site = &s->site;
    for (int i = 0; i < site->n_given; i++) {
        const int other = site->given[i];
        const bool same_group = s->family->params[k].group > 0 &&
                                s->family->params[other].group == s->family->params[k].group;
        if (other != k && !same_group)
            continue;
        (void)urn__sentence_fail(s, "keep one of them",
                                 "%s and %s are two parameterisations of the same thing",
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

static bool take_word(urn__sentence *s, int w)
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
        (void)urn__sentence_fail(s, hint, "it has no parameter %s", name);
        return false;
    }
    if (!urn__sentence_valid_handle(s, v, name))
        return false;
    urn_var canonical = a != NULL ? a->convert(v) : v;
    if (a != NULL)
        k = parameter(s->family, a->becomes);
    canonical = urn__made_parameter(s->family, &s->given, k, canonical);
    if (!urn__model_ok(s->m)) {
        urn__sentence_complete_error(s->m, s->where, s->name);
        return false;
    }
    if (!set_parameter(s, k, canonical.id, name))
        return false;
    for (int i = 0; i < s->site.n_given; i++)
        if (s->site.given[i] == k)
            s->site.word[i].id = v.id;
    return true;
}

bool urn__sentence_take_words(urn__sentence *s)
{
    for (int w = 0; w < N_WORDS; w++)
        if (!take_word(s, w))
            return false;
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
static void fail_missing(const urn__sentence *s, int k)
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
    (void)urn__sentence_fail(s, hint, "parameter %s is missing", ways);
}

bool urn__sentence_all_parameters(const urn__sentence *s)
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
