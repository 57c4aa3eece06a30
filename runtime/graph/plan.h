/* What the plan leaves for the machine. */
#ifndef URN_GRAPH_PLAN_H
#define URN_GRAPH_PLAN_H

#include "graph.h"

typedef enum urn__place_kind {
    URN__PLACE_NONE,
    URN__PLACE_SLAB,     /* bytes into the machine's slab */
    URN__PLACE_FIXED,    /* memory that outlives the machine: constants, data */
    URN__PLACE_POSITION, /* elements into the caller's position */
    URN__PLACE_INPUT,    /* slot the caller binds */
    URN__PLACE_BATCH     /* number of a mini-batch column */
} urn__place_kind;

/* Where one output of one node lives. */
typedef struct urn__place {
    urn__place_kind kind;
    bool wide;    /* doubles, whatever the precision */
    bool visible; /* read by an instruction, or a root */
    int root;     /* the only root that is this place, or -1 */
    int64_t at;
    int64_t size; /* elements */
    const void *fixed;
} urn__place;

struct urn__plan {
    urn__graph *g;
    const urn__kernels *kernels;
    urn_precision precision;
    size_t element; /* bytes of a number */
    int n_instr, n_root, n_places, n_batch_columns, n_batch_indices;
    const urn__id *instr; /* nodes to run, in order */
    const urn__id *root;
    urn__place *place;
    int32_t *place_of;           /* [node * URN__MAX_OUT + output] -> place, 0: none */
    const urn__id *batch_column; /* data nodes */
    const urn__id *batch_index;  /* index nodes */
    int64_t slab;                /* bytes */
    int64_t fixed;               /* bytes of constants and converted data made for this plan */
};

/* The place of an output of a node, through output and alias nodes. */
int32_t urn__plan_place(const struct urn__plan *p, urn__id id);
/* The op of a node with the kernels of the plan's precision. */
const urn__op *urn__plan_op(const struct urn__plan *p, const urn__node *node);

/* Input k of a node if its kernel may read it as the column it is; else NULL. */
const urn__values_attr *urn__plan_column(const struct urn__plan *p, const urn__node *node, int k);

/* Computes the n nodes of `fold` (constant, in order) and gives every visible fixed place its
 * memory. `scratch` is gone afterwards. */
urn_status urn__plan_constants(struct urn__plan *p, int n, const urn__id *fold, urn__arena *scratch,
                               urn_error *error);

#endif
