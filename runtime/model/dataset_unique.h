/* Rows that repeat, for the check and for merging them. Private to dataset_unique.c and
 * dataset_merge.c. */
#ifndef URN_MODEL_DATASET_UNIQUE_H
#define URN_MODEL_DATASET_UNIQUE_H

#include "dataset_parts.h"

enum { URN__KEY_COLUMNS = 16 };

/* The columns that identify a row. */
typedef struct urn__key {
    const urn__table *table;
    int n;
    const urn__column *columns[URN__KEY_COLUMNS];
} urn__key;

/* Reads "user,item". */
urn_status urn__key_parse(const urn_dataset *data, int table, const char *columns, urn__key *k,
                          urn_error *error);

/* What is in `place` repeats what is in the place `first`, the first of its like. */
typedef void urn__repeat(void *context, int64_t place, int64_t first);
/* Reports all repeats among n places, those of one kind in the order of their places. Takes 4 bytes
 * a row where a column of the key has codes. false: out of memory. */
bool urn__key_repeats(const urn_dataset *data, const urn__key *key, int64_t first, int64_t n,
                      urn__repeat *report, void *context);

#endif
