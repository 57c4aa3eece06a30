/* Families made of another scalar one when a sentence says so: truncated, censored, mixed, ordered.
 * Each has the other's parameters, a few words more, and `base`; its functions find that through
 * call->family. They are built once, not per CPU path: their base may be the build of a path. */
#ifndef URN_FAMILY_MADE_H
#define URN_FAMILY_MADE_H

#include "../graph/family_single.h"
#include "family.h"

#define URN__MADE_ALTERNATIVES 8
typedef struct urn__made {
    urn_family family;
    urn_family_alternative alternatives[URN__MADE_ALTERNATIVES];
    char name[80];
} urn__made;

/* Each fills `made`, which must live where it is, and returns NULL, or why it cannot be. */
const char *urn__make_truncated(urn__made *made, const urn_family *base, bool observed);
const char *urn__make_censored(urn__made *made, const urn_family *base, bool observed);
const char *urn__make_mixture(urn__made *made, const urn_family *base, bool observed);
const char *urn__make_ordered(urn__made *made, const urn_family *base, bool observed);

/* A mixture of a family of vectors or matrices, or with parameters that are. `components` is 1
 * until somebody counts the weights. */
const char *urn__make_event_mixture(urn__made *made, const urn_family *base);

/* Is it a family of single numbers whose parameters are single numbers? NULL, or what it is. */
const char *urn__not_single(const urn_family *family);

/* Does the family's support start at 0? Truncation from above keeps that bound. */
bool urn__starts_at_zero(const urn_family *family);

/* ---- for the files of such families ---- */

int urn__param_count(const urn_family *family);
/* A copy of the base under the name "<kind> <base>", without functions; `extra` more parameters. Of
 * any base but a made one; */
const char *urn__copy_of(urn__made *made, const urn_family *base, const char *kind, int extra);
/* of a family of single numbers. */
const char *urn__make_of(urn__made *made, const urn_family *base, const char *kind, int extra);

/* A truncated family with the words of its bounds as parameters n and n + 1 of the descriptor. */
void urn__truncated_functions(urn_family *family);
/* log P(low <= X <= high) of one row; bounds may be NULL. */
double urn__log_mass_at(const urn_family *base, const urn_draw_call *row, const double *low,
                        const double *high);

/* A call for row `i` alone, of the base, with x and out of one row at `x` and `out`. */
urn_draw_call urn__row_of(const urn_draw_call *c, int64_t i, double *x, double *out);
double urn__row_cdf(const urn_draw_call *row, double x);
double urn__row_quantile(const urn_draw_call *row, double p);

/* Integral of quantile(p)^power over p from `from` to `to`, by the double exponential rule. */
double urn__quantile_moment(double (*quantile)(const void *context, double p), const void *context,
                            double from, double to, int power);

#endif
