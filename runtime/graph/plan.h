/* What the plan leaves for the machine. */
#ifndef URN_GRAPH_PLAN_H
#define URN_GRAPH_PLAN_H

#include "graph.h"

typedef enum urn__place_kind {
    URN__PLACE_NONE,
    URN__PLACE_SLAB,     /* offset in the machine's slab */
    URN__PLACE_FIXED,    /* memory that outlives the machine: constants, data */
    URN__PLACE_POSITION, /* offset in the caller's position */
    URN__PLACE_INPUT,    /* slot the caller binds */
    URN__PLACE_BATCH     /* number of a mini-batch column */
} urn__place_kind;

/* Where one output of one node lives. */
typedef struct urn__place {
    urn__place_kind kind;
    int64_t at;
    double *fixed;
    int root; /* the only root that is this place, or -1 */
} urn__place;

struct urn__plan {
    const urn__graph *g;
    const urn__kernels *kernels;
    int n_instr, n_root, n_places, n_batch_columns, n_batch_indices;
    const urn__id *instr; /* nodes to run, in order */
    const urn__id *root;
    urn__place *place;
    int32_t *place_of;           /* [node * URN__MAX_OUT + output] -> place, 0: none */
    const urn__id *batch_column; /* data nodes */
    const urn__id *batch_index;  /* index nodes */
    int64_t slab;                /* doubles */
};

/* The place of an output of a node, through output and alias nodes. */
int32_t urn__plan_place(const struct urn__plan *p, urn__id id);

#endif
