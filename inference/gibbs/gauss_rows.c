/* What a block of Gaussian rows keeps: see gauss_rows.h. */
#include "gauss_parts.h"

#include <string.h>

/* Normals made at a time, beyond those of the rows that are solved together. */
#define NORMALS 2048

static int64_t rounded_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/* ---- children ---- */

/* Are all parts numbers, or gathered by one column, and so often that a table of them pays? */
static bool wants_table(const urn__gauss_rows *b, const urn__gauss_term *term,
                        urn__gauss_children *c, const int32_t **row)
{
    *row = NULL;
    for (int k = 0; k < b->n_parts; k++) {
        const urn__gauss_coefficient *a = &term->coefficient[k];
        if (a->x != NULL && a->stride != 0 && *row == NULL)
            *row = a->row;
        if (a->x != NULL && a->stride != 0 && (a->row == NULL || a->row != *row))
            return false;
    }
    if (*row == NULL || b->n_parts == 1 || term->gain != NULL || c->n == 0)
        return false;
    for (int64_t r = 0; r < c->n; r++)
        if ((*row)[r] >= c->n_table)
            c->n_table = (int64_t)(*row)[r] + 1;
    return 2 * c->n_table <= c->n;
}

static urn_status place_table(urn__gauss_rows *b, urn__gauss_children *c, const int32_t *row,
                              urn_error *error)
{
    const size_t n = (size_t)c->n_table * (size_t)b->padded;
    c->table = urn__calloc(b->allocator, n, sizeof *c->table);
    c->own_at = urn__alloc(b->allocator, ((size_t)c->n + 1) * sizeof *c->own_at);
    if (c->table == NULL || c->own_at == NULL)
        return urn__fail_memory(error, b->site, n * sizeof *c->table);
    for (int64_t i = 0; i < c->n; i++)
        c->own_at[i] = row[c->order != NULL ? c->order[i] : i];
    c->at = c->own_at;
    return URN_OK;
}

/* The rows of x in the order of block rows. */
static urn_status place_coefficients(urn__gauss_rows *b, const urn__gauss_term *term,
                                     urn__gauss_children *c, urn_error *error)
{
    const urn__gauss_coefficient *a = &term->coefficient[0];
    const int32_t *row;
    if (wants_table(b, term, c, &row))
        return place_table(b, c, row, error);
    c->one_part = b->n_parts == 1 && term->gain == NULL;
    c->rows_in_order =
        c->one_part && (a->x == NULL || a->stride == 0 || (a->row == NULL && c->order == NULL));
    if (!c->one_part || c->rows_in_order)
        return URN_OK;
    if (a->row == NULL || c->order == NULL) {
        c->at = a->row != NULL ? a->row : c->order;
        return URN_OK;
    }
    c->own_at = urn__alloc(b->allocator, ((size_t)c->n + 1) * sizeof *c->own_at);
    if (c->own_at == NULL)
        return urn__fail_memory(error, b->site, (size_t)c->n * sizeof *c->own_at);
    for (int64_t i = 0; i < c->n; i++)
        c->own_at[i] = a->row[c->order[i]];
    c->at = c->own_at;
    return URN_OK;
}

/* Four running sums, in order. */
static double squares_of(int64_t n, const double *x)
{
    double s[4] = {0.0};
    for (int64_t i = 0; i < n; i++)
        s[i & 3] += x[i] * x[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static urn_status place_targets(urn__gauss_rows *b, const urn__gauss_term *term,
                                urn__gauss_children *c, urn_error *error)
{
    c->fixed = term->target_fixed;
    if (!c->fixed)
        return URN_OK;
    c->fixed_squares = squares_of(c->n, term->target);
    if (c->order == NULL)
        return URN_OK;
    c->own_targets = urn__alloc(b->allocator, ((size_t)c->n + 1) * sizeof *c->own_targets);
    if (c->own_targets == NULL)
        return urn__fail_memory(error, b->site, (size_t)c->n * sizeof *c->own_targets);
    for (int64_t i = 0; i < c->n; i++)
        c->own_targets[i] = term->target[c->order[i]];
    return URN_OK;
}

static urn_status place_children(urn__gauss_rows *b, const urn__gauss_term *term,
                                 urn__gauss_children *c, urn_error *error)
{
    *c = (urn__gauss_children){.n = term->n};
    if (term->index != NULL) {
        c->start = term->index->start;
        c->order = term->index->order;
    }
    const bool fits = term->index != NULL ? c->start != NULL && term->index->n == term->n &&
                                                term->index->n_targets == b->n_rows
                                          : b->n_rows > 0 && term->n % b->n_rows == 0;
    if (!fits)
        return urn__fail(error, URN_ERR_INTERNAL, NULL, b->site, NULL,
                         "a Gaussian block of %lld rows got a term of %lld child rows whose index "
                         "does not fit",
                         (long long)b->n_rows, (long long)term->n);
    URN_TRY(place_coefficients(b, term, c, error));
    return place_targets(b, term, c, error);
}

/* ---- scratch ---- */

enum { PARTS = 8 }; /* of a thread's memory, each aligned to a line of the cache */

static size_t sizes_of(const urn__gauss_rows *b, int64_t sizes[PARTS])
{
    const bool large = b->d > URN__GAUSS_LARGE;
    const int64_t lanes = large ? 1 : b->gauss->lanes;
    const int64_t wanted[PARTS] = {urn__gauss_pack_size(b->d),
                                   lanes * urn__gauss_sums_size(b->d),
                                   large ? b->d * b->d : urn__gauss_work_size(b->d),
                                   lanes * b->padded,
                                   b->z_room + URN__GAUSS_LANES,
                                   URN__GAUSS_GATHER * b->padded,
                                   URN__GAUSS_GATHER,
                                   URN__GAUSS_GATHER};
    int64_t size = 0;
    for (int i = 0; i < PARTS; i++)
        size += sizes[i] = rounded_up(wanted[i], 8);
    return (size_t)size;
}

static urn_status make_scratch_of(urn__gauss_rows *b, urn__gauss_scratch *s, urn_error *error)
{
    double **const parts[PARTS] = {&s->pack, &s->sums,    &s->work,   &s->x,
                                   &s->z,    &s->vectors, &s->target, &s->weight};
    int64_t sizes[PARTS];
    const size_t size = sizes_of(b, sizes);
    double *at = s->memory = urn__calloc(b->allocator, size, sizeof *at);
    if (at == NULL)
        return urn__fail_memory(error, b->site, size * sizeof *at);
    for (int i = 0; i < PARTS; at += sizes[i], i++)
        *parts[i] = at;
    return URN_OK;
}

static urn_status make_scratch(urn__gauss_rows *b, urn_error *error)
{
    b->z_room = rounded_up(b->gauss->lanes * b->d, URN__NORMAL_BLOCK) + URN__NORMAL_BLOCK + NORMALS;
    b->scratch = urn__calloc(b->allocator, (size_t)b->threads, sizeof *b->scratch);
    b->prior = urn__calloc(b->allocator, (size_t)(b->d * (b->d + 1) / 2 + b->d), sizeof *b->prior);
    if (b->scratch == NULL || b->prior == NULL)
        return urn__fail_memory(error, b->site, (size_t)b->d * sizeof *b->prior);
    for (int t = 0; t < b->threads; t++)
        URN_TRY(make_scratch_of(b, &b->scratch[t], error));
    return URN_OK;
}

/* ---- the block ---- */

static urn_status fill(urn__gauss_rows *b, const urn__gauss_spec *spec, urn_error *error)
{
    for (int k = 0; k < spec->n_parts; k++)
        b->d += b->dim[k] = spec->dim[k];
    b->padded = urn__gauss_padded(b->d);
    for (int k = 0; k < spec->n_terms; k++)
        URN_TRY(place_children(b, &spec->terms[k], &b->children[k], error));
    URN_TRY(make_scratch(b, error));
    return urn__gauss_plan(b, error);
}

urn_status urn__gauss_rows_new(const urn_allocator *allocator, const urn__gauss_spec *spec,
                               urn__gauss_rows **rows, urn_error *error)
{
    *rows = NULL;
    urn__gauss_rows *b = urn__calloc(allocator, 1, sizeof *b);
    if (b == NULL)
        return urn__fail_memory(error, spec->site, sizeof *b);
    b->allocator = allocator;
    b->kernels = spec->kernels;
    b->gauss = urn__kernels_gauss(spec->kernels);
    b->site = spec->site;
    b->plate = spec->plate != NULL ? spec->plate : "the site";
    b->n_rows = spec->n_rows;
    b->n_parts = spec->n_parts;
    b->n_terms = spec->n_terms;
    b->threads = spec->threads > 1 ? spec->threads : 1;
    const urn_status status = fill(b, spec, error);
    if (status != URN_OK) {
        urn__gauss_rows_free(b);
        return status;
    }
    *rows = b;
    return URN_OK;
}

void urn__gauss_rows_free(urn__gauss_rows *b)
{
    if (b == NULL)
        return;
    for (int k = 0; k < b->n_terms; k++) {
        urn__free(b->allocator, b->children[k].own_at);
        urn__free(b->allocator, b->children[k].table);
        urn__free(b->allocator, b->children[k].own_targets);
    }
    for (int t = 0; b->scratch != NULL && t < b->threads; t++)
        urn__free(b->allocator, b->scratch[t].memory);
    urn__free(b->allocator, b->scratch);
    urn__free(b->allocator, b->prior);
    urn__free(b->allocator, b->tasks);
    urn__free(b->allocator, b->splits);
    urn__free(b->allocator, b->pieces);
    urn__free(b->allocator, b->squares);
    urn__free(b->allocator, b);
}
