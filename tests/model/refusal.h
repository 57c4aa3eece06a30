/* Models that must be refused: each marks the sentence at fault with NEXT. */
#ifndef URN_TESTS_MODEL_REFUSAL_H
#define URN_TESTS_MODEL_REFUSAL_H

#include "tests/model/at_line.h"

typedef struct refusal {
    void (*model)(urn_model *m);
    const char *site, *message, *hint;
} refusal;

static const double ones[4] = {1, 1, 1, 1}, halves[4] = {0.5, 0.5, 0.5, 0.5};
static const int64_t ids[4] = {1, 2, 3, 4};

static inline urn_dataset *two_plates(void)
{
    urn_dataset *data = rows_new(4);
    rows_real(data, "y", ones);
    rows_real(data, "x1", ones);
    rows_real(data, "x2", halves);
    rows_int(data, "user", ids);
    rows_int(data, "item", ids);
    return data;
}

static inline void check_refusal(const char *file, const refusal *r)
{
    urn_dataset *data = two_plates();
    const urn_model_def def = {.bytes = sizeof def,
                               .abi = URN_ABI_VERSION,
                               .name = "broken",
                               .file = file,
                               .trace = r->model};
    const urn_trace_options options = trace_options(data);
    failure expected = {
        .status = URN_ERR_MODEL, .message = r->message, .hint = r->hint, .site = r->site};
    line = 0;
    check_failure(&def, &options, &expected);
    expected.line = line;
    expected.where = line == 0 ? file : NULL;
    check_failure(&def, &options, &expected);
    urn_dataset_free(data);
}

#define CHECK(function, ...) check_refusal(__FILE__, &(refusal){.model = function, __VA_ARGS__})

#endif
