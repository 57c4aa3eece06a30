/* Families in single precision, as graphs call them; runtime/family fills this in. */
#ifndef URN_GRAPH_FAMILY_SINGLE_H
#define URN_GRAPH_FAMILY_SINGLE_H

#include <stddef.h>
#include <urn/families.h>

/* Is the member set? A descriptor compiled against an older header ends before some of them. */
#define URN__FAMILY_HAS(family, member)                                                            \
    ((family)->bytes >= offsetof(urn_family, member) + sizeof(void *) && (family)->member != NULL)

static inline int64_t urn__family_components(const urn_family *family)
{
    return family->bytes >= offsetof(urn_family, components) + sizeof family->components
               ? family->components
               : 0;
}

/* Event dims of a parameter, and elements in them, for events of side `dim`. */
static inline int urn__param_rank(const urn_family *family, int k)
{
    return family->params[k].event_rank + (urn__family_components(family) > 0);
}

static inline int64_t urn__param_elements(const urn_family *family, int k, int64_t dim)
{
    const int64_t components = urn__family_components(family);
    const int rank = family->params[k].event_rank;
    const int64_t own = rank == 0 ? 1 : rank == 1 ? dim : dim * dim;
    return components > 0 ? own * components : own;
}

/* Doubles of scratch its functions need for n rows. */
static inline int64_t urn__family_scratch(const urn_family *family, int64_t n, int64_t dim)
{
    if (URN__FAMILY_HAS(family, scratch_of))
        return family->scratch_of(family, n, dim);
    return family->scratch_doubles == NULL ? 0 : family->scratch_doubles(n, dim);
}

/* urn_density_call in single precision: the same members, floats. */
typedef struct urn__density_call_single {
    int64_t n, dim, event;
    const float *x;
    int64_t x_stride;
    const float *param[URN_FAMILY_PARAMS];
    int64_t stride[URN_FAMILY_PARAMS];
    float *log_density;
    float *d_x;
    float *d_param[URN_FAMILY_PARAMS];
    float *scratch; /* as many floats as the family's scratch_doubles(n, dim), 64-byte aligned */
} urn__density_call_single;
typedef void urn__density_single(const urn__density_call_single *call);

/* The single-precision log density of a built-in family for a CPU path; NULL where the family has
 * none (its double one is then used on converted blocks). */
urn__density_single *urn__family_single(const urn_family *family, const char *cpu);

#endif
