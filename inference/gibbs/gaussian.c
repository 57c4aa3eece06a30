/* Normal and mvn sites whose children are normal or mvn around something affine in them. */
#include "gaussian.h"
#include <string.h>

/* ---- planning ---- */

static urn_status prepare(urn__gibbs_block *b, bool *able, urn_error *error)
{
    b->own = urn__arena_alloc(b->arena, 1, sizeof(urn__gauss_block));
    if (b->own == NULL)
        return urn__fail_memory(error, "a block", sizeof(urn__gauss_block));
    URN_TRY(urn__gauss_plan_children(b, able, error));
    if (*able)
        urn__gauss_plan_prior(b, able);
    if (*able && b->n_want == URN__BLOCK_WANTS) {
        b->why = urn__block_say(b, "too many children");
        *able = false;
    }
    return URN_OK;
}

/* ---- opening ---- */

static void open_term(urn__gibbs_block *b, urn__gauss_child *c)
{
    urn__gauss_block *own = b->own;
    const urn__gauss_product *p = &c->product[0];
    const bool general = c->way == URN__GAUSS_GENERAL;
    c->term = own->n_terms;
    urn__gauss_term *t = &own->term[own->n_terms++];
    *t = (urn__gauss_term){.index = p->index, .n = c->n * c->dim};
    t->coefficient[0] = (urn__gauss_coefficient){
        .factor = p->factor, .stride = general ? own->d : p->stride, .row = p->row};
    for (int k = 0; k < own->n_partners; k++)
        t->coefficient[k + 1] = (urn__gauss_coefficient){.factor = c->partner[k].factor,
                                                         .stride = c->partner[k].stride,
                                                         .row = c->partner[k].row};
    t->target_fixed = !general && c->target_fixed && c->mask < 0;
    t->weight_stride = general || c->mask >= 0 ? 1 : c->weight_stride;
}

static void point_term(const urn__gibbs_block *b, const urn__gauss_child *c)
{
    urn__gauss_block *own = b->own;
    const urn__gauss_product *p = &c->product[0];
    urn__gauss_term *t = &own->term[c->term];
    t->target = c->own_target != NULL ? c->own_target : urn__block_got(b, c->target);
    t->weight = c->own_weight != NULL ? c->own_weight : urn__block_got(b, c->weight);
    t->coefficient[0].x =
        c->way == URN__GAUSS_GENERAL ? c->coefficients : urn__block_got(b, p->want);
    t->gain = c->way == URN__GAUSS_GENERAL ? NULL : urn__block_got(b, p->gain);
    for (int k = 0; k < own->n_partners; k++)
        t->coefficient[k + 1].x = urn__block_got(b, c->partner[k].want);
}

static urn_status open_child(urn__gibbs_block *b, urn__gauss_child *c, urn_error *error)
{
    urn__gauss_block *own = b->own;
    c->term = -1;
    if (c->way == URN__GAUSS_VECTOR)
        return urn__gauss_open_vector(b, c, error);
    if (c->way == URN__GAUSS_GENERAL)
        URN_TRY(urn__gauss_open_general(b, c, error));
    if (c->way == URN__GAUSS_TERM && c->mask >= 0) {
        c->own_target = urn__arena_alloc(b->arena, (size_t)c->n + 1, sizeof(double));
        c->own_weight = urn__arena_alloc(b->arena, (size_t)c->n + 1, sizeof(double));
        if (urn__arena_failed(b->arena))
            return urn__fail_memory(error, "targets", (size_t)c->n * sizeof(double));
    }
    if (!b->sequential && own->n_terms == URN__GAUSS_TERMS)
        return urn__fail(error, URN_ERR_MODEL, NULL, b->g->m->site[b->site[0]].name,
                         "use nuts or svi", "it enters more than %d sites", URN__GAUSS_TERMS);
    if (!b->sequential)
        open_term(b, c);
    return URN_OK;
}

static urn_status open_kernel(urn__gibbs_block *b, urn_error *error)
{
    urn__gauss_block *own = b->own;
    const urn__site *s = &b->g->m->site[b->site[0]];
    for (int i = 0; i < own->n_children; i++) /* what has values by then is told apart by them */
        if (own->child[i].term >= 0)
            point_term(b, &own->child[i]);
    urn__gauss_spec spec = {.site = s->name,
                            .plate = s->plate != 0 ? b->g->m->plate[s->plate - 1].name : s->name,
                            .n_rows = own->rows,
                            .n_parts = 1 + own->n_partners,
                            .n_terms = own->n_terms,
                            .dim = {own->d},
                            .terms = own->term,
                            .threads = b->g->most_threads,
                            .kernels = b->g->nodes->kernels};
    own->run = (urn__gauss_run){.terms = own->term,
                                .prior = {.precision = own->precision,
                                          .diagonal = own->diagonal,
                                          .precision_stride = own->precision_stride,
                                          .shift = own->shift,
                                          .shift_stride = own->shift_stride},
                                .value = {urn__block_value(b, 0)},
                                .value_stride = {own->d}};
    if (own->n_partners > 0)
        own->run.prior =
            (urn__gauss_prior){.precision = own->joined_precision,
                               .precision_stride = own->joined_each ? own->total * own->total : 0,
                               .shift = own->joined_shift,
                               .shift_stride = own->joined_each ? own->total : 0};
    for (int k = 0; k < own->n_partners; k++) {
        spec.dim[k + 1] = ((const urn__gauss_block *)own->partner[k]->own)->d;
        own->run.value[k + 1] = urn__block_value(b, k + 1);
        own->run.value_stride[k + 1] = spec.dim[k + 1];
    }
    return urn__gauss_rows_new(b->g->allocator, &spec, &own->kernel, error);
}

static urn_status open_block(urn__gibbs_block *b, urn_error *error)
{
    urn__gauss_block *own = b->own;
    for (int i = 0; i < own->n_children; i++)
        URN_TRY(open_child(b, &own->child[i], error));
    URN_TRY(urn__gauss_open_prior(b, error));
    URN_TRY(urn__gauss_open_joined(b, error));
    urn__block_evaluate(b); /* so that values have their places */
    return b->sequential ? urn__gauss_open_sequential(b, error) : open_kernel(b, error);
}

static void close_block(urn__gibbs_block *b)
{
    urn__gauss_block *own = b->own;
    if (own == NULL)
        return;
    urn__gauss_rows_free(own->kernel);
    for (int i = 0; i < own->n_children; i++)
        urn__evaluation_free(own->child[i].residual);
    for (int k = 0; k < own->n_partners; k++)
        urn__evaluation_free(own->partner[k]->evaluation);
}

/* ---- the conditional ---- */

enum { CHUNK = 4096 };

typedef struct mask_job {
    const urn__gibbs_block *b;
    urn__gauss_child *c;
} mask_job;

/* What a mask leaves out has weight 0, whatever its target is. */
static void mask_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const mask_job *job = context;
    const urn__gauss_child *c = job->c;
    const double *mask = urn__block_got(job->b, c->mask);
    const double *weight = urn__block_got(job->b, c->weight);
    const double *target = urn__block_got(job->b, c->target);
    const int64_t to = (chunk + 1) * CHUNK < c->n ? (chunk + 1) * CHUNK : c->n;
    for (int64_t r = chunk * CHUNK; r < to; r++) {
        const bool in = mask[r / c->per_mask] != 0.0;
        c->own_weight[r] = in ? weight[r * c->weight_stride] : 0.0;
        c->own_target[r] = in ? target[r] : 0.0;
    }
}

static void collect_child(urn__gibbs_block *b, urn__gauss_child *c)
{
    mask_job job = {.b = b, .c = c};
    if (c->way == URN__GAUSS_VECTOR) {
        urn__gauss_add_vector(b, c);
        return;
    }
    if (c->way == URN__GAUSS_GENERAL)
        urn__gauss_evaluate_general(b, c);
    else if (c->mask >= 0)
        urn__parallel(b->g->threads, (c->n + CHUNK - 1) / CHUNK, mask_chunk, &job);
    if (c->term >= 0)
        point_term(b, c);
}

static void collect_all(urn__gibbs_block *b)
{
    urn__gauss_block *own = b->own;
    urn__block_evaluate(b);
    urn__gauss_prior_now(b);
    urn__gauss_join_priors(b);
    for (int i = 0; i < own->n_children; i++)
        collect_child(b, &own->child[i]);
}

static urn_status run(urn__gibbs_block *b, bool modes, urn_error *error)
{
    urn__gauss_block *own = b->own;
    collect_all(b);
    if (b->sequential)
        return urn__gauss_update_sequential(b, modes, error);
    own->stream = urn__block_stream(b);
    own->run.stream = modes ? NULL : &own->stream;
    own->run.threads = b->g->threads;
    return urn__gauss_rows_run(own->kernel, &own->run, error);
}

static urn_status update(urn__gibbs_block *b, urn_error *error)
{
    return run(b, false, error);
}

static urn_status mode(urn__gibbs_block *b, urn_error *error)
{
    return run(b, true, error);
}

/* ---- for the check ---- */

static urn_status collect(urn__gibbs_block *b, int64_t part, urn_error *error)
{
    (void)error;
    collect_all(b);
    if (b->sequential)
        urn__gauss_collect_sequential(b, part);
    return URN_OK;
}

/* -1/2 x^T Q x + h^T x */
static double quadratic(int64_t d, const double *q, const double *h, const double *x)
{
    double sum = 0.0;
    for (int64_t i = 0; i < d; i++) {
        double qx = 0.0;
        for (int64_t k = 0; k < d; k++)
            qx += q[i * d + k] * x[k];
        sum += x[i] * (h[i] - 0.5 * qx);
    }
    return sum;
}

static double log_conditional(urn__gibbs_block *b, int64_t part)
{
    urn__gauss_block *own = b->own;
    if (b->sequential)
        return quadratic(own->d, own->q, own->h, urn__block_value(b, 0) + part * own->d);
    double *q = own->work, *h = own->probe, *x = own->probe + own->total, sum = 0.0;
    for (int64_t row = 0; row < own->rows; row++) {
        int64_t at = 0;
        for (int k = 0; k <= own->n_partners; k++) {
            const int64_t d = own->run.value_stride[k];
            memcpy(x + at, own->run.value[k] + row * d, (size_t)d * sizeof *x);
            at += d;
        }
        urn__gauss_rows_conditional(own->kernel, &own->run, row, q, h);
        sum += quadratic(own->total, q, h, x);
    }
    return sum;
}

const urn__block_kind urn__kind_gaussian = {.name = "closed form",
                                            .exact = true,
                                            .prepare = prepare,
                                            .open = open_block,
                                            .update = update,
                                            .mode = mode,
                                            .collect = collect,
                                            .log_conditional = log_conditional,
                                            .close = close_block};
