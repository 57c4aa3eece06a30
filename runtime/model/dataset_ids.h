/* Ids of columns, checked: what finding the ids of a plate and coding rows by them share. Private
 * to dataset_ids.c and dataset_index.c. */
#ifndef URN_MODEL_DATASET_IDS_H
#define URN_MODEL_DATASET_IDS_H

#include "dataset_parts.h"

/* A collection of ids: the model's name and the file's column, whose tables hold them. */
typedef struct urn__gather {
    const urn_dataset *data;
    const char *name, *column;
    const urn__labels *known;
    bool text; /* ids are texts; integer columns are then read as text */
    urn_error *error;
} urn__gather;

enum { URN__ID_BLOCK = 1024 };

/* "file:line: column: found ..., expected ..." */
urn_status urn__id_bad(const urn__gather *g, int table, int64_t row, const char *expected);
/* The ids in `n` places (at most URN__ID_BLOCK) of a column other than text; false: one is bad. */
bool urn__id_read(const urn__column *c, int64_t first, int64_t n, int64_t *ids);
/* What is wrong with the id in a place: what was expected instead, NULL for a good one. */
const char *urn__id_problem(const urn__column *c, int64_t place);
/* The error of the first row with a problem; there is one. */
urn_status urn__id_first_bad(const urn__gather *g, int table, const urn__column *c);
/* Codes of all places of a column against ids (NULL: row numbers below `size`), with a reference
 * for the caller. */
urn_status urn__codes_make(const urn__gather *g, int table, const urn__column *c,
                           const urn__ids *ids, int64_t size, urn__codes **codes);

/* Places from `first` that make a block, of n in all. */
static inline int64_t urn__id_block(int64_t n, int64_t first)
{
    return n - first < URN__ID_BLOCK ? n - first : URN__ID_BLOCK;
}

static inline urn__ids urn__ids_of(urn__labels *labels)
{
    return (urn__ids){labels->n, labels->n_known, labels->ints, labels->texts, labels};
}

#endif
