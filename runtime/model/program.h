/* A compiled program: the model's graph rewritten for one purpose, with its plans. */
#ifndef URN_MODEL_PROGRAM_H
#define URN_MODEL_PROGRAM_H

#include "trace.h"

enum { URN__RESULTS = URN_RESULT_DRAW + 1 };

struct urn_program {
    const urn_model *m;
    urn_compile_options options;
    const urn_allocator *allocator;
    urn__arena *arena;
    urn__graph *graph;
    const urn__kernels *kernels;
    urn__plan *plan;  /* density: with gradient; else everything */
    urn__plan *value; /* density: the value alone */
    int n_roots, n_terms;
    urn__id *root;       /* density: terms of the sum, then the gradient of each coordinate */
    int32_t *site_of;    /* density: site of root n_terms + k */
    int32_t *result;     /* [site * URN__RESULTS + what] -> root + 1; 0: none */
    int64_t *input_size; /* by site: elements of its input, 0: none */
    bool *held;          /* by site: its coordinates are an input; NULL: no site is held */
    int64_t *offset;     /* by site: of its coordinates in a position; -1: it has none there */
    int64_t position_size;
};

/* New ids of what a site of the trace is made of. */
typedef struct urn__site_ids {
    urn__id value, mask;
    urn__id param[URN_FAMILY_PARAMS];
    urn__id coordinate, jacobian;
    urn__id standard; /* of a non-centred site: (value - loc) / scale */
} urn__site_ids;

/* The model's values in the program's graph, one entry a site. */
urn_status urn__program_values(urn_program *p, urn__site_ids *ids, urn_error *error);
/* The log density node of a site. */
urn__id urn__site_density(urn_program *p, int site, const urn__site_ids *ids, bool rowwise);
/* A node that draws from, or summarises, a site's family. `known` rows come from `from` (0: none).
 */
urn__id urn__site_draw(urn_program *p, int site, const urn__site_ids *ids, urn__draw_what what,
                       urn__id from, int64_t known);
/* A DENSITY program over some of a model's sites. Those with held[site] are inputs: their
 * coordinates, or the values of discrete ones, are given with urn_replay_input. A position is the
 * coordinates of the other sites, in their order and without gaps. Terms that depend on none of
 * them are left out, so the density is the joint one up to a constant. `held` NULL: no site is
 * held. */
urn_status urn__program_compile_held(const urn_model *model, const urn_compile_options *options,
                                     const bool *held, urn_program **program, urn_error *error);
/* First part of compiling: arena, graph, kernels. */
urn_status urn__program_begin(const urn_model *m, const urn_compile_options *options,
                              urn_program **program, urn_error *error);

#endif
