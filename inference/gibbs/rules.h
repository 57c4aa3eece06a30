/* Between the table of rules and the plan. */
#ifndef URN_INFERENCE_GIBBS_RULES_H
#define URN_INFERENCE_GIBBS_RULES_H

#include "gibbs.h"

/* Does the rule take the site? Fills the block's rule, kind, sites and children, or says why not
 * ("" where the rule has nothing to do with such a prior). */
bool urn__rule_match(urn__gibbs_plan *plan, const urn__rule *rule, int site,
                     urn__gibbs_block *block, char *why, size_t size);
bool urn__rule_takes_prior(const urn__rule *rule, const urn_family *family);

/* In words: "itself", "its square root"; "rows by index of users". Return `text`. */
const char *urn__form_text(const urn__form *form, char *text, size_t size);
const char *urn__reach_text(const urn__nodes *nodes, const urn__form *form, char *text,
                            size_t size);

#endif
