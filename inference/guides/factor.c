/* The factor of a guide whose coordinates depend on each other: memory, draws, steps. Work is cut
 * into pieces of at most URN__CHUNK numbers of the factor and as many coordinates, whatever the
 * threads. */
#include "guides.h"

#include <math.h>
#include <string.h>

#define SHORT_ROW 16

/* Rows of a piece in turn, without the divisions that find one. */
typedef struct walk {
    int64_t width; /* 0: rows of a rank, or none */
    int64_t step;  /* numbers of a row then */
    urn__factor_row row;
} walk;

static urn__factor_row row_of(const urn__factor *f, int block, int64_t i)
{
    if (f->layout.rank > 0)
        return urn__row_of_rank(&f->layout, i);
    return block < 0 ? (urn__factor_row){0} : urn__row_in_block(&f->layout, block, i);
}

static walk walk_from(const urn__factor *f, const urn__piece *piece)
{
    const bool triangle = piece->block >= 0;
    return (walk){.width = triangle ? f->layout.blocks[piece->block].width : 0,
                  .step = f->layout.rank,
                  .row = row_of(f, piece->block, piece->first)};
}

static inline void walk_on(walk *w)
{
    if (w->width == 0) {
        w->row.at += w->step;
        return;
    }
    w->row.at += w->row.n++;
    if (w->row.n == w->width) {
        w->row.n = 0;
        w->row.from += w->width;
    }
}

/* What rows read. */
static const double *read_by_rows(const urn__factor *f)
{
    return f->noise + (f->layout.rank > 0 ? f->layout.size : 0);
}

/* ---- pieces ---- */

/* Cuts coordinates first .. end - 1, all of one block or of none. */
static void cut_segment(urn__factor *f, int block, int64_t first, int64_t end, bool count)
{
    urn__piece piece = {.block = block, .first = first};
    for (int64_t i = first; i < end; i++) {
        const urn__factor_row row = row_of(f, block, i);
        const bool full = piece.n + row.n > URN__CHUNK || i - piece.first >= URN__CHUNK;
        if (i == first || full) {
            piece = (urn__piece){.block = block, .first = i, .at = row.at};
            f->n_pieces++;
        }
        piece.n += row.n;
        piece.end = i + 1;
        if (!count)
            f->pieces[f->n_pieces - 1] = piece;
    }
}

static void cut_pieces(urn__factor *f, bool count)
{
    const urn__layout *layout = &f->layout;
    int64_t from = 0;
    f->n_pieces = 0;
    for (int b = 0; b < layout->n_blocks; b++) {
        const urn_normal_block *block = &layout->blocks[b];
        const int64_t end = block->first + block->rows * block->width;
        cut_segment(f, -1, from, block->first, count);
        cut_segment(f, b, block->first, end, count);
        from = end;
    }
    cut_segment(f, -1, from, layout->size, count);
}

/* ---- memory ---- */

static urn_status fail_memory(const urn__factor *f, urn_error *error)
{
    return urn__fail_memory(error, "the factor of a guide",
                            (size_t)f->layout.n_factor * sizeof(double));
}

static void take_arrays(urn__factor *f, urn__arena *arena)
{
    const size_t size = (size_t)f->layout.size, r = (size_t)f->layout.rank;
    f->p = urn__arena_alloc(arena, (size_t)f->layout.n_factor + 1, sizeof *f->p);
    f->noise = urn__arena_alloc(arena, size + r, sizeof *f->noise);
    f->scale = urn__arena_alloc(arena, size, sizeof *f->scale);
    if (r > 0) {
        f->gram = urn__arena_alloc(arena, r * r, sizeof *f->gram);
        f->inverse = urn__arena_alloc(arena, r * r, sizeof *f->inverse);
        f->part = urn__arena_alloc(arena, 16 * r * r, sizeof *f->part);
        f->vector = urn__arena_alloc(arena, r, sizeof *f->vector);
    }
    cut_pieces(f, true);
    f->pieces = urn__arena_alloc(arena, (size_t)f->n_pieces + 1, sizeof *f->pieces);
    f->sums = urn__arena_alloc(arena, (size_t)f->n_pieces + 1, sizeof *f->sums);
}

urn_status urn__factor_init(urn__guide *guide, const urn__guide_plan *plan, urn__arena *arena,
                            urn_error *error)
{
    const urn__target *target = guide->target;
    const size_t n_blocks = (size_t)target->n_blocks + 1;
    URN_TRY(urn__guide_accepts(plan, target, error));
    urn__factor *f = urn__arena_alloc(arena, 1, sizeof *f);
    urn_normal_block *blocks = urn__arena_alloc(arena, n_blocks, sizeof *blocks);
    int64_t *start = urn__arena_alloc(arena, n_blocks, sizeof *start);
    if (urn__arena_failed(arena))
        return urn__fail_memory(error, "a guide", n_blocks * sizeof *blocks);
    f->layout = (urn__layout){.size = target->size, .blocks = blocks};
    URN_TRY(plan->kind->lay_out(target, plan->rank, blocks, &f->layout, error));
    urn__layout_count(&f->layout, start); /* accepts did so, too */
    take_arrays(f, arena);
    if (urn__arena_failed(arena))
        return fail_memory(f, error);
    cut_pieces(f, false);
    guide->factor = f;
    return URN_OK;
}

bool urn__factor_ready(urn__guide *guide, bool second_moments, bool averaging, urn__arena *arena)
{
    urn__factor *f = guide->factor;
    const size_t n = (size_t)f->layout.n_factor + 1;
    f->m = urn__arena_alloc(arena, n, sizeof *f->m);
    f->v = second_moments ? urn__arena_alloc(arena, n, sizeof *f->v) : NULL;
    f->g = averaging ? urn__arena_alloc(arena, n, sizeof *f->g) : NULL;
    return !urn__arena_failed(arena);
}

void urn__factor_start(urn__guide *guide)
{
    urn__factor *f = guide->factor;
    memset(f->p, 0, (size_t)f->layout.n_factor * sizeof *f->p);
    f->stale = true;
    if (guide->kind->start)
        guide->kind->start(guide);
}

static bool same_layout(const urn__layout *layout, const urn_normal_form *form)
{
    if (layout->rank != form->rank || layout->n_blocks != form->n_blocks ||
        layout->n_factor != form->n_factor)
        return false;
    for (int b = 0; b < layout->n_blocks; b++)
        if (layout->blocks[b].first != form->blocks[b].first ||
            layout->blocks[b].rows != form->blocks[b].rows ||
            layout->blocks[b].width != form->blocks[b].width)
            return false;
    return true;
}

static bool has_scales(const urn__guide *guide, const double *own)
{
    for (int c = 0; c < guide->n_chunks; c++) {
        const urn__chunk *chunk = &guide->chunks[c];
        for (int64_t i = chunk->offset; chunk->random && i < chunk->offset + chunk->n; i++)
            if (!(own[i] > 0.0))
                return false;
    }
    return true;
}

bool urn__factor_take(urn__guide *guide, const urn_normal_form *form)
{
    urn__factor *f = guide->factor;
    double *log_scale = guide->arrays.log_scale;
    if (!same_layout(&f->layout, form) || !has_scales(guide, form->own))
        return false;
    for (int k = 0; k < f->n_pieces; k++) {
        const urn__piece *piece = &f->pieces[k];
        walk w = walk_from(f, piece);
        for (int64_t i = piece->first; i < piece->end; i++, walk_on(&w)) {
            const double own = form->own[i];
            for (int64_t j = w.row.at; j < w.row.at + w.row.n; j++)
                f->p[j] = own > 0.0 ? form->factor[j] / own : 0.0;
            log_scale[i] = own > 0.0 ? log(own) : 0.0;
        }
    }
    f->stale = true;
    return true;
}

/* ---- work over pieces ---- */

typedef struct job {
    urn__guide *guide;
    const urn__optimiser *optimiser;
    double factor; /* of the gradient; what limits it in an update */
    const double *own;
    double *out;
    void (*piece)(const struct job *job, const urn__piece *piece, double *sum);
} job;

static void run_piece(void *context, int64_t k, int thread)
{
    const job *j = context;
    urn__factor *f = j->guide->factor;
    (void)thread;
    f->sums[k] = 0.0;
    j->piece(j, &f->pieces[k], &f->sums[k]);
}

static double run(job j)
{
    const urn__factor *f = j.guide->factor;
    double sum = 0.0;
    urn__parallel(j.guide->target->threads, f->n_pieces, run_piece, &j);
    for (int k = 0; k < f->n_pieces; k++)
        sum += f->sums[k];
    return sum;
}

/* ---- draws ---- */

static void draw_noise(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide *g = s->guide;
    const urn__kernels *kernels = g->target->kernels;
    const double *log_scale = (const double *)g->arrays.log_scale + c->offset;
    double *noise = g->factor->noise + c->offset, *scale = g->factor->scale + c->offset;
    if (!c->random) {
        memset(noise, 0, (size_t)c->n * sizeof *noise);
        memset(scale, 0, (size_t)c->n * sizeof *scale);
        return;
    }
    kernels->normals(&g->streams[c->block], c->first, c->n, noise);
    kernels->map1[URN__MAP_EXP](c->n, log_scale, scale);
    sums->log_scale += kernels->sum(c->n, log_scale);
    sums->squares += kernels->dot(c->n, noise, noise);
}

static double row_dot(const urn__kernels *kernels, int64_t n, const double *a, const double *b)
{
    double sum = 0.0;
    if (n > SHORT_ROW)
        return kernels->dot(n, a, b);
    for (int64_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

static void move_piece(const job *j, const urn__piece *piece, double *sum)
{
    const urn__guide *g = j->guide;
    const urn__factor *f = g->factor;
    const double *loc = g->arrays.loc, *read = read_by_rows(f);
    double *x = g->arrays.position;
    walk w = walk_from(f, piece);
    (void)sum;
    for (int64_t i = piece->first; i < piece->end; i++, walk_on(&w)) {
        const double more =
            row_dot(g->target->kernels, w.row.n, f->p + w.row.at, read + w.row.from);
        x[i] = loc[i] + f->scale[i] * (f->noise[i] + more);
    }
}

urn__sums urn__factor_sample(urn__guide *guide, urn__draw draw)
{
    urn__factor *f = guide->factor;
    const int64_t r = f->layout.rank;
    const urn__sums sums = urn__guide_sweep(&(urn__sweep){.guide = guide, .chunk = draw_noise});
    if (r > 0) {
        f->further =
            urn__stream_at(draw.seed, draw.chain, "normals of a rank", (uint64_t)draw.number);
        guide->target->kernels->normals(&f->further, 0, r, f->noise + f->layout.size);
    }
    if (f->stale && guide->kind->prepare)
        guide->kind->prepare(guide);
    f->stale = false;
    run((job){.guide = guide, .piece = move_piece});
    return sums;
}

double urn__factor_squares(const urn__guide *guide)
{
    return guide->kind->squares ? guide->kind->squares(guide) : guide->sum_squares;
}

/* ---- gradients ---- */

/* out -= factor * d log p / d P at the draw */
static void add_gradient(const urn__guide *g, const urn__piece *piece, double factor, double *out)
{
    const urn__factor *f = g->factor;
    const double *gradient = g->arrays.gradient, *read = read_by_rows(f);
    walk w = walk_from(f, piece);
    for (int64_t i = piece->first; i < piece->end; i++, walk_on(&w)) {
        const double weight = -factor * gradient[i] * f->scale[i];
        double *own = out + w.row.at - piece->at;
        const double *noise = read + w.row.from;
        for (int64_t k = 0; k < w.row.n; k++)
            own[k] += weight * noise[k];
    }
}

/* out = -factor * d entropy / d P */
static void entropy_gradient(const urn__guide *g, const urn__piece *piece, double factor,
                             double *out)
{
    if (!g->kind->entropy_gradient) {
        memset(out, 0, (size_t)piece->n * sizeof *out);
        return;
    }
    g->kind->entropy_gradient(g->factor, piece, out);
    for (int64_t k = 0; k < piece->n; k++)
        out[k] *= -factor;
}

static void descend(const job *j, const urn__piece *piece, const double *gradient)
{
    urn__factor *f = j->guide->factor;
    urn__optimiser_update(j->optimiser, j->guide->target->kernels, piece->n, false, gradient,
                          f->m + piece->at, f->v ? f->v + piece->at : NULL, f->p + piece->at);
}

static void step_piece(const job *j, const urn__piece *piece, double *sum)
{
    double gradient[URN__CHUNK];
    (void)sum;
    entropy_gradient(j->guide, piece, j->factor, gradient);
    add_gradient(j->guide, piece, j->factor, gradient);
    descend(j, piece, gradient);
}

static void count_bad(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide *g = s->guide;
    const double *gradient = (const double *)g->arrays.gradient + c->offset;
    sums->bad += isfinite(g->target->kernels->sum(c->n, gradient)) ? 0.0 : 1.0;
}

bool urn__factor_step(urn__guide *guide, const urn__optimiser *optimiser, double factor)
{
    if (urn__guide_sweep(&(urn__sweep){.guide = guide, .chunk = count_bad}).bad > 0.0)
        return false;
    run((job){.guide = guide, .optimiser = optimiser, .factor = factor, .piece = step_piece});
    guide->factor->stale = true;
    return true;
}

/* ---- several draws, and optimisers of another kind ---- */

void urn__factor_zero(urn__guide *guide)
{
    urn__factor *f = guide->factor;
    memset(f->g, 0, (size_t)f->layout.n_factor * sizeof *f->g);
}

static void accumulate_piece(const job *j, const urn__piece *piece, double *sum)
{
    (void)sum;
    add_gradient(j->guide, piece, j->factor, j->guide->factor->g + piece->at);
}

void urn__factor_accumulate(urn__guide *guide, double factor)
{
    run((job){.guide = guide, .factor = factor, .piece = accumulate_piece});
}

static void entropy_piece(const job *j, const urn__piece *piece, double *sum)
{
    double gradient[URN__CHUNK], *g = j->guide->factor->g + piece->at;
    entropy_gradient(j->guide, piece, j->factor, gradient);
    for (int64_t k = 0; k < piece->n; k++)
        g[k] += gradient[k];
    *sum = j->guide->target->kernels->dot(piece->n, g, g);
}

double urn__factor_entropy(urn__guide *guide, double factor)
{
    return run((job){.guide = guide, .factor = factor, .piece = entropy_piece});
}

static void update_piece(const job *j, const urn__piece *piece, double *sum)
{
    double *g = j->guide->factor->g + piece->at;
    (void)sum;
    for (int64_t k = 0; j->factor != 1.0 && k < piece->n; k++)
        g[k] *= j->factor;
    descend(j, piece, g);
}

void urn__factor_update(urn__guide *guide, const urn__optimiser *optimiser, double limit)
{
    run((job){.guide = guide, .optimiser = optimiser, .factor = limit, .piece = update_piece});
    guide->factor->stale = true;
}

/* ---- what comes out ---- */

static void export_piece(const job *j, const urn__piece *piece, double *sum)
{
    const urn__factor *f = j->guide->factor;
    walk w = walk_from(f, piece);
    (void)sum;
    for (int64_t i = piece->first; i < piece->end; i++, walk_on(&w))
        for (int64_t k = w.row.at; k < w.row.at + w.row.n; k++)
            j->out[k] = j->own[i] * f->p[k];
}

void urn__factor_export(const urn__guide *guide, const double *own, double *factor)
{
    urn__guide *reader = (urn__guide *)(uintptr_t)guide; /* pieces are only read */
    run((job){.guide = reader, .own = own, .out = factor, .piece = export_piece});
}
