#include "models.h"
#include <stddef.h>
#include <string.h>

#define URN_BUILTIN(name) const urn_model_def *urn_model_##name(void);
#include "models.def"
#undef URN_BUILTIN

static const urn_model_def *(*const builtins[])(void) = {
#define URN_BUILTIN(name) urn_model_##name,
#include "models.def"
#undef URN_BUILTIN
};

const urn_model_def *urn__builtin_at(int i)
{
    const int n = (int)(sizeof builtins / sizeof builtins[0]);
    return i >= 0 && i < n ? builtins[i]() : NULL;
}

const urn_model_def *urn__builtin_find(const char *name)
{
    const urn_model_def *def;
    for (int i = 0; (def = urn__builtin_at(i)) != NULL; i++)
        if (strcmp(def->name, name) == 0)
            return def;
    return NULL;
}
