/* The rows of a plate that a mini-batch touches, and what each counts.
 *
 * Let R rows be taken N at a time, and c of the R lead to row i of the plate. Where k of a batch's
 * N do, the terms of row i alone (its prior) count R / N * k / c times, on average once, whatever
 * the batches: each of the c rows carries its share of them, and is scaled as its likelihood is. So
 * a row's prior and likelihood keep their proportion in each batch, and the gradient of a batch
 * averages to that of the whole density. Rows to which none of the R leads (c = 0: ids met in
 * held-out rows only) have nothing but their terms; they are taken in turn, a share of N / R of
 * them a step, in an order shuffled each epoch, and count as many times as they are fewer. */
#ifndef URN_MODEL_TOUCHED_ROWS_H
#define URN_MODEL_TOUCHED_ROWS_H

#include "program.h"

typedef struct urn__touched_rows {
    uint32_t plate;     /* number + 1 */
    int64_t size, room; /* rows in all; of the program */
    int n_columns;
    const int32_t **column; /* by row of the batched plate: the row it leads to */
    int32_t *count;         /* by row: rows of the batched plate that lead to it */
    int32_t *met;           /* the same of a batch; 0 between batches */
    int32_t *place;         /* by row: where it stands among the touched */
    uint64_t *mark;         /* a bit a row; 0 between batches */
    int64_t n_unreached, slice;
    int32_t *unreached; /* rows without any; `slice` of them are taken a step */
    /* Of the batch at hand, in ascending order; the program's other rows weigh nothing. */
    int64_t n;
    int32_t *row;
    double *weight;
} urn__touched_rows;

/* What a program reads of a plate's touched rows, as inputs behind those of the sites: by row the
 * weight and its square root; the sum of the weights less the rows there is room for. */
typedef enum urn__touched_input {
    URN__TOUCHED_WEIGHT,
    URN__TOUCHED_ROOT,
    URN__TOUCHED_EXCESS,
    URN__TOUCHED_INPUTS
} urn__touched_input;

static inline int64_t urn__touched_slot(const urn_model *m, urn__touched_input what, uint32_t plate)
{
    return (int64_t)(m->n_sites + (size_t)what * m->n_plates + plate - 1);
}

/* The weighted terms of a site over such a plate; the second may be 0. */
void urn__touched_terms(urn_program *p, int site, const urn__site_ids *ids, urn__id terms[2]);

/* For a plate of a program over touched rows; memory is the arena's. false: out of memory. */
bool urn__touched_rows_init(urn__touched_rows *t, const urn_program *p, uint32_t plate,
                            urn__arena *arena);
/* The rows n rows of the batched plate touch at `step`. */
void urn__touched_rows_pick(urn__touched_rows *t, const urn_program *p, uint64_t seed, int64_t step,
                            int64_t n, const int32_t *rows);

/* Those of a site's plate for the batch last picked; NULL where the site has all its rows. */
const urn__touched_rows *urn__replay_touched(const urn_replay *replay, int site);

#endif
