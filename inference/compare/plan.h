/* Which numbers of a fitted model a digest holds, and how a draw gives them. */
#ifndef URN_INFERENCE_COMPARE_PLAN_H
#define URN_INFERENCE_COMPARE_PLAN_H

#include "../forward.h"
#include "compare.h"

typedef enum urn__reader_kind {
    URN__READ_ELEMENTS, /* of a site */
    URN__READ_LENGTH,   /* of a site's elements as one vector */
    URN__READ_SINGULAR, /* singular values of a site's square matrix */
    URN__READ_PRODUCT   /* singular values of the product of two sites' matrices of rows */
} urn__reader_kind;

typedef struct urn__reader {
    urn__reader_kind kind;
    int site, other;
    int64_t rows, other_rows, d; /* a site's matrix is rows x d */
    int first, n;                /* series it fills */
} urn__reader;

typedef struct urn__plan_of {
    int n_readers, n_series, n_fields;
    urn__reader *readers;
    urn__series *series; /* names and kinds */
    urn__field *fields;
    int *field_site;
    double *work; /* for the matrices of a reader */
} urn__plan_of;

/* `sites` as in urn__digest_input. Arrays live in `arena`. */
urn_status urn__plan_digest(const urn_model *model, const char *sites, urn__arena *arena,
                            urn__plan_of *plan, urn_error *error);
/* The series' numbers of the draw last run. */
void urn__plan_read(const urn__plan_of *plan, const urn__forward *forward, double *values);

#endif
