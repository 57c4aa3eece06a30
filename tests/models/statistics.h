/* Long runs whose figures cannot depend on how the library was compiled are left out, aloud, of the
 * builds that look for something else: sanitizers, distcheck (scripts/test.sh sets the variable).
 */
#ifndef URN_TESTS_MODELS_STATISTICS_H
#define URN_TESTS_MODELS_STATISTICS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline bool statistics_left_out(void)
{
    const bool out = getenv("URN_TEST_QUICK") != NULL;
    if (out)
        fprintf(stderr, "SKIP: URN_TEST_QUICK is set: figures are compared in other builds\n");
    return out;
}

#endif
