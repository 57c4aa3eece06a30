/* Normal and mvn priors (and flat ones), with normal and mvn children around something affine. */
#include "../gibbs.h"

static const char *const priors[] = {"normal", "mvn", "improper_uniform", NULL};

static const urn__rule_child children[] = {
    {.family = "normal", .word = "loc", .form = URN__FORM_AFFINE},
    {.family = "normal", .word = "value", .form = URN__FORM_AFFINE},
    {.family = "mvn", .word = "loc", .form = URN__FORM_AFFINE},
    {.family = "mvn", .word = "value", .form = URN__FORM_AFFINE},
    {0},
};

const urn__rule urn__rule_gaussian = {
    .name = "gaussian",
    .summary = "normal or mvn prior; normal or mvn children around something affine in the site",
    .priors = priors,
    .children = children,
    .kind = &urn__kind_gaussian,
};
