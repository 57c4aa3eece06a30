/* Failures that name the line of a sentence, which NEXT marks. */
#ifndef URN_TESTS_MODEL_AT_LINE_H
#define URN_TESTS_MODEL_AT_LINE_H

#include "tests/model/model_test.h"

static int line; /* of the sentence that must fail; 0: the error knows the file only */

#define NEXT (line = __LINE__ + 1)

/* The model fails as expected; with expected.line other than 0, at the sentence after NEXT. */
static inline void check(const urn_model_def *def, const urn_trace_options *options,
                         failure expected)
{
    const int wanted = expected.line;
    line = 0;
    expected.line = 0;
    check_failure(def, options, &expected);
    expected.line = wanted != 0 ? line : 0;
    check_failure(def, options, &expected);
}

#endif
