/* The tables of families and supports. */
#include "family.h"

typedef struct builds {
    const urn_family *(*base)(void), *(*v3)(void), *(*v4)(void);
} builds;

#define DECLARE(name)                                                                              \
    const urn_family *urn_family_##name##__v3(void);                                               \
    const urn_family *urn_family_##name##__v4(void);
URN_FAMILY_LIST(DECLARE)
#undef DECLARE

/* A path that is not built falls back on the base. */
#ifdef URN_HAVE_V3
#define V3(name) urn_family_##name##__v3
#else
#define V3(name) urn_family_##name
#endif
#ifdef URN_HAVE_V4
#define V4(name) urn_family_##name##__v4
#else
#define V4(name) urn_family_##name
#endif

static const builds families[] = {
#define ROW(name) {urn_family_##name, V3(name), V4(name)},
    URN_FAMILY_LIST(ROW)
#undef ROW
};

static const urn_support *(*const supports[])(void) = {
#define ROW(name) urn_support_##name,
    URN_SUPPORT_LIST(ROW)
#undef ROW
};

static const int n_families = sizeof families / sizeof families[0];
static const int n_supports = sizeof supports / sizeof supports[0];

const urn_family *urn__family_for_cpu(const urn_family *family, const char *cpu)
{
    for (int i = 0; i < n_families; i++) {
        const builds *f = &families[i];
        if (family != f->base() && family != f->v3() && family != f->v4())
            continue;
        if (strcmp(cpu, "base") == 0)
            return f->base();
        if (strcmp(cpu, "v3") == 0)
            return f->v3();
        return strcmp(cpu, "v4") == 0 ? f->v4() : family;
    }
    return family;
}

urn__density_single *urn__family_single(const urn_family *family, const char *cpu)
{
    (void)family;
    (void)cpu;
    return NULL;
}

const urn_family *urn__family_at(int i)
{
    return i >= 0 && i < n_families ? families[i].base() : NULL;
}

const urn_support *urn__support_at(int i)
{
    return i >= 0 && i < n_supports ? supports[i]() : NULL;
}
