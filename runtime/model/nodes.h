/* A model's graph with every latent site an input: what derivations read and extend with nodes of
 * their own, and what evaluates any of its nodes at given values of the sites. Values are in the
 * natural space of the sites. For the inference layer. */
#ifndef URN_MODEL_NODES_H
#define URN_MODEL_NODES_H

#include "program.h"

/* What a site of the model is in the graph of its nodes. */
typedef struct urn__node_site {
    urn__id value; /* the input of a latent site, what an observed one is bound to */
    urn__id mask;  /* 0: none */
    urn__id low, high;
    urn__id param[URN_FAMILY_PARAMS]; /* canonical, in the order of urn__site.given */
    urn__id word[URN_FAMILY_PARAMS];  /* the same as the model gave them */
} urn__node_site;

typedef struct urn__nodes {
    const urn_model *m;
    urn__graph *graph; /* may be added to; lives in `arena` */
    urn__arena *arena;
    const urn__kernels *kernels;
    urn__node_site *site; /* one a site of the model */
    urn_program *program; /* owns the above */
} urn__nodes;

urn_status urn__nodes_new(const urn_model *model, const char *cpu, urn__nodes **nodes,
                          urn_error *error);
void urn__nodes_free(urn__nodes *nodes); /* takes NULL */

/* The log density of a site with a family: one number a row of the family, or their sum. 0: the
 * graph's error. */
urn__id urn__nodes_density(urn__nodes *nodes, int site, bool rowwise);
/* A draw of a latent site from its prior, given the values of the others; addressed as below. */
urn__id urn__nodes_draw(urn__nodes *nodes, int site);
/* Rows of a site's family: elements / elements of an event. */
int64_t urn__site_family_rows(const urn__site *site);

/* Evaluates nodes. Many may share one graph; each has buffers of its own. */
typedef struct urn__evaluation urn__evaluation;
/* root[k] (0: nothing) is borrowed for the call. `fuse`: through the passes of density programs. */
urn_status urn__evaluation_new(urn__nodes *nodes, int n, const urn__id *root, bool fuse,
                               int threads, urn__evaluation **evaluation, urn_error *error);
void urn__evaluation_free(urn__evaluation *evaluation); /* takes NULL */
/* Where the values of a latent site are read from now on; borrowed. */
void urn__evaluation_bind(urn__evaluation *evaluation, int site, const double *values);
void urn__evaluation_threads(urn__evaluation *evaluation, int threads);
/* Of the random numbers of coming runs, for nodes that draw. */
void urn__evaluation_address(urn__evaluation *evaluation, uint64_t seed, uint64_t chain,
                             uint64_t step);
/* Never allocates. */
void urn__evaluation_run(urn__evaluation *evaluation);
/* Of the last run; NULL for a root of 0. An input's or a constant's values are given in place. */
const double *urn__evaluation_root(const urn__evaluation *evaluation, int k);

#endif
