/* What the shape rule, the adjoint and the kernel of factor_density share. */
#ifndef URN_GRAPH_OPS_FACTOR_DENSITY_H
#define URN_GRAPH_OPS_FACTOR_DENSITY_H

#include "../../tensor/real.h"
#include "../graph.h"

/* Inputs by position. */
enum { URN__FACTOR_U, URN__FACTOR_V, URN__FACTOR_IU, URN__FACTOR_IV, URN__FACTOR_X };

/* Input of the k-th given parameter (not the producer), of the offset, of the bases. */
int URN__REAL(factor_input)(const urn__factor_attr *a, int k);
int URN__REAL(factor_offset_input)(const urn__factor_attr *a);
int URN__REAL(factor_base_input)(const urn__factor_attr *a, bool of_v);
/* Does parameter `k` of the given ones have a partial among the outputs? */
bool URN__REAL(factor_wanted)(const urn__factor_attr *a, int k);

enum { URN__FACTOR_STATE = 1024 }; /* bytes of prepared state, checked where it is filled */
void URN__REAL(factor_prepare)(const urn__call *c);
/* The second factor's ratings are gone through by row only where they have a pass of their own. */
unsigned URN__REAL(factor_by_target)(const urn__graph *g, const urn__node *n);
/* And the first factor's rows are asked for there, or where ratings come in no order. */
unsigned URN__REAL(factor_by_row)(const urn__graph *g, const urn__node *n);
void URN__REAL(factor_run)(const urn__call *c);
int64_t URN__REAL(factor_scratch)(const urn__graph *g, const urn__node *n, int threads);

#endif
