/* Steps of a guide on the rows that a mini-batch touches (a target with `seen`).
 *
 * The guide keeps parameters and the optimiser's memory of all rows; draws, gradients and steps are
 * of those the target sees. The optimiser is a lazy one: a row's moments decay when the row is
 * updated and not in between, and the correction of their bias counts the row's own updates
 * (LazyAdam, with a count for each row). Where every batch touches all rows that is the optimiser
 * itself. */
#ifndef URN_INFERENCE_GUIDE_TOUCHED_H
#define URN_INFERENCE_GUIDE_TOUCHED_H

#include "guide.h"

/* Memory of what is of the target's size lives as long as the arena. */
urn_status urn__guide_touched_init(urn__guide *guide, urn__arena *arena, urn_error *error);
/* Bytes of it. */
int64_t urn__guide_touched_memory(const urn__target *target);
/* A sweep over what the target sees. */
urn__sums urn__guide_touched_sweep(const urn__sweep *sweep);
/* Puts finite numbers where no row is, after a draw. */
void urn__guide_touched_pad(urn__guide *guide);
/* Counts an update of the rows. */
void urn__guide_touched_count(urn__guide *guide);
/* Weighted number of normal coordinates: what `n_random` is where all rows are seen. */
double urn__guide_touched_random(const urn__guide *guide);
/* Overwrites the coordinates of a whole position that the target sees with those of the draw. */
void urn__guide_touched_position(const urn__guide *guide, double *position);

#endif
