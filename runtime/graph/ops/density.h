/* What the shape rule, the adjoint and the kernel of a density node share (density_args.c). */
#ifndef URN_GRAPH_OPS_DENSITY_H
#define URN_GRAPH_OPS_DENSITY_H

#include "../graph.h"

/* Arguments of a density in order: x, then the given parameters. */
#define URN__DENSITY_ARGS (URN_FAMILY_PARAMS + 1)

/* Elements a row of argument k has. */
int64_t urn__density_arg_event(const urn__density_attr *a, int k);
/* Event dims argument k has. */
int urn__density_arg_rank(const urn__density_attr *a, int k);
/* Shape of an argument without its own event dims: one element a row. */
urn__shape urn__density_grid(const urn__density_attr *a, int k, const urn__shape *s);
/* Is the partial of argument k wanted, and summed over all rows within the node? */
bool urn__density_wanted(const urn__density_attr *a, int k);
bool urn__density_reduced(const urn__density_attr *a, const urn__walk *w);
/* First input of argument k (the producer takes four). */
int urn__density_input(const urn__density_attr *a, int k);

enum { URN__DENSITY_STATE = 2560 }; /* bytes of prepared state, checked where it is filled */
size_t URN__REAL(density_extra)(const urn__graph *g, const urn__node *n);
void URN__REAL(density_prepare)(const urn__call *c);
void URN__REAL(density_bind)(const urn__call *c);
void URN__REAL(density_run)(const urn__call *c);
int64_t URN__REAL(density_scratch)(const urn__graph *g, const urn__node *n, int threads);

#endif
