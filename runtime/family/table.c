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
#define SINGLE_V3(name) urn__single_##name##_v3
#else
#define V3(name) urn_family_##name
#define SINGLE_V3(name) urn__single_##name##_base
#endif
#ifdef URN_HAVE_V4
#define V4(name) urn_family_##name##__v4
#define SINGLE_V4(name) urn__single_##name##_v4
#else
#define V4(name) urn_family_##name
#define SINGLE_V4(name) urn__single_##name##_base
#endif

static const builds families[] = {
#define ROW(name) {urn_family_##name, V3(name), V4(name)},
    URN_FAMILY_LIST(ROW)
#undef ROW
};

/* Families with a log density in single precision. The others compute next to nothing, or their
 * time goes into functions that are double anyway; they see converted blocks. */
#define SINGLE_LIST(X)                                                                             \
    X(bernoulli)                                                                                   \
    X(categorical)                                                                                 \
    X(cauchy)                                                                                      \
    X(exponential)                                                                                 \
    X(gamma)                                                                                       \
    X(half_cauchy)                                                                                 \
    X(half_normal)                                                                                 \
    X(inverse_gamma)                                                                               \
    X(laplace)                                                                                     \
    X(log_normal)                                                                                  \
    X(logistic)                                                                                    \
    X(mvn)                                                                                         \
    X(normal)                                                                                      \
    X(poisson)                                                                                     \
    X(student_t)                                                                                   \
    X(uniform)

#define DECLARE(name)                                                                              \
    urn__density_single urn__single_##name##_base, urn__single_##name##_v3, urn__single_##name##_v4;
SINGLE_LIST(DECLARE)
#undef DECLARE

typedef struct single_builds {
    const urn_family *(*family)(void);
    urn__density_single *base, *v3, *v4;
} single_builds;

static const single_builds singles[] = {
#define ROW(name) {urn_family_##name, urn__single_##name##_base, SINGLE_V3(name), SINGLE_V4(name)},
    SINGLE_LIST(ROW)
#undef ROW
};

static const urn_support *(*const supports[])(void) = {
#define ROW(name) urn_support_##name,
    URN_SUPPORT_LIST(ROW)
#undef ROW
};

static const int n_families = sizeof families / sizeof families[0];
static const int n_singles = sizeof singles / sizeof singles[0];
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
    const urn_family *base = urn__family_for_cpu(family, "base");
    for (int i = 0; i < n_singles; i++) {
        const single_builds *s = &singles[i];
        if (base != s->family())
            continue;
        if (strcmp(cpu, "v4") == 0)
            return s->v4;
        return strcmp(cpu, "v3") == 0 ? s->v3 : s->base;
    }
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
