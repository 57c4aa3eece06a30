/* The table of built-in models. */
#ifndef URN_MODELS_H
#define URN_MODELS_H

#include <urn/model.h>

/* The i-th model of models.def, NULL past the last. */
const urn_model_def *urn__builtin_at(int i);

/* The model called `name`, NULL if there is none. */
const urn_model_def *urn__builtin_find(const char *name);

#endif
