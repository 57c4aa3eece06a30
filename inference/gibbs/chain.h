/* What the files of a chain share. */
#ifndef URN_INFERENCE_GIBBS_CHAIN_H
#define URN_INFERENCE_GIBBS_CHAIN_H

#include "gibbs.h"

/* Fills g->plan and g->block. */
urn_status urn__gibbs_derive(urn__gibbs *g, urn_error *error);
/* Points an evaluation at the chain's values. */
void urn__gibbs_bind(const urn__gibbs *g, urn__evaluation *evaluation);
/* A site's term of the log joint density; 0: it has none. */
urn__id urn__gibbs_term(urn__nodes *nodes, int site);

#endif
