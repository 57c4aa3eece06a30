/* In what way a row is outside a support, for messages. */
#ifndef URN_FAMILY_OUTSIDE_H
#define URN_FAMILY_OUTSIDE_H

#include "../base/base.h"
#include <math.h>
#include <stdio.h>

/* More or less than it should be. */
static inline void urn__tell_difference(const char *what, double found, double expected, char *text,
                                        size_t size)
{
    const double off = found - expected;
    (void)snprintf(text, size, "%s %.9g, %.3g too %s", what, urn__shown(found),
                   fabs(urn__shown(off)), off < 0.0 ? "little" : "much");
}

#endif
