/* The table of engines. */
#include "engine.h"

#include <string.h>

static const urn_engine *const engines[] = {
#define URN_ENGINE(name) &urn__engine_##name,
#include "engines.def"
#undef URN_ENGINE
};

int urn_engine_count(void)
{
    return (int)(sizeof engines / sizeof engines[0]);
}

const urn_engine *urn_engine_at(int i)
{
    return i >= 0 && i < urn_engine_count() ? engines[i] : NULL;
}

const urn_engine *urn_engine_find(const char *name)
{
    for (int i = 0; name && i < urn_engine_count(); i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

const char *urn_engine_name(const urn_engine *engine)
{
    return engine->name;
}

const char *urn_engine_summary(const urn_engine *engine)
{
    return engine->summary;
}

const urn_option_spec *urn_engine_options(const urn_engine *engine)
{
    return engine->options;
}
