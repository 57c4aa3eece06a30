/* For the files of this folder. Each is compiled once per CPU path (URN_CPU = 0 base, 1 v3, 2 v4),
 * so that the density loops are vectorised at full width; the base build defines the public
 * urn_family_<name>, the others urn_family_<name>__v3 and __v4. */
#ifndef URN_FAMILY_FAMILY_H
#define URN_FAMILY_FAMILY_H

#include "../graph/family_single.h"
#include "../tensor/vmath.h"
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>
#include <urn/families.h>

#define URN__LOG_2PI 1.8378770664093454836
#define URN__LOG_2 0.69314718055994530942
#define URN__LOG_PI 1.1447298858494001741

#ifndef URN_CPU
#define URN_CPU 0
#endif
#if URN_CPU == 1
#define URN__FAMILY_FUNCTION(name) urn_family_##name##__v3
#define URN__SINGLE_FUNCTION(name) urn__single_##name##_v3
#elif URN_CPU == 2
#define URN__FAMILY_FUNCTION(name) urn_family_##name##__v4
#define URN__SINGLE_FUNCTION(name) urn__single_##name##_v4
#else
#define URN__FAMILY_FUNCTION(name) urn_family_##name
#define URN__SINGLE_FUNCTION(name) urn__single_##name##_base
#endif

/* Ends a family file: the accessor of the descriptor. */
#define URN__FAMILY_DEFINE(name, descriptor)                                                       \
    const urn_family *URN__FAMILY_FUNCTION(name)(void);                                            \
    const urn_family *URN__FAMILY_FUNCTION(name)(void)                                             \
    {                                                                                              \
        return &(descriptor);                                                                      \
    }

/* The build of a built-in family for the CPU path "base", "v3" or "v4"; other families, and unknown
 * paths, come back as they are. */
const urn_family *urn__family_for_cpu(const urn_family *family, const char *cpu);

/* All built-in families and supports, for tests and tables; NULL past the last. */
const urn_family *urn__family_at(int i);
const urn_support *urn__support_at(int i);

#endif
