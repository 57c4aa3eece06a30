/* One chain: values of all sites, blocks over them, and the way to positions and back. */
#include "chain.h"
#include "coordinates.h"
#include <math.h>
#include <string.h>

/* ---- values ---- */

static bool is_latent(const urn__site *s)
{
    return s->role == URN_SITE_LATENT && s->part == URN__PART_COORDINATE;
}

static urn_status refuse_site(const urn__site *s, urn_error *error)
{
    if (s->part == URN__PART_DRAWN)
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "leave the handler out",
                         "engine \"gibbs\": the site is blocked, so it has no conditional");
    if (s->role == URN_SITE_PARAM)
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name,
                         "give it a prior (improper_uniform is one), or use svi or map",
                         "engine \"gibbs\": a parameter has no distribution to draw from");
    if (s->role == URN_SITE_LATENT && s->part == URN__PART_INPUT)
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "leave the handler out",
                         "engine \"gibbs\": the site's value is an input");
    if (s->noncentred)
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "leave --reparam out",
                         "engine \"gibbs\": the site is non-centred, and conditionals in closed "
                         "form are those of centred sites");
    if (s->weight != 1.0)
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "use nuts, svi or map",
                         "engine \"gibbs\": the site's density is scaled by %g, and conditionals "
                         "in closed form are those of whole densities",
                         s->weight);
    return URN_OK;
}

urn_status urn__gibbs_accepts(const urn_model *m, urn_error *error)
{
    for (size_t i = 0; i < m->n_sites; i++)
        URN_TRY(refuse_site(&m->site[i], error));
    return URN_OK;
}

static urn_status make_values(urn__gibbs *g, urn_error *error)
{
    const urn_model *m = g->m;
    int64_t size = 0;
    g->value = urn__arena_alloc(g->arena, m->n_sites + 1, sizeof *g->value);
    for (size_t i = 0; g->value != NULL && i < m->n_sites; i++) {
        if (!is_latent(&m->site[i]))
            continue;
        size = urn__shape_size(&m->site[i].shape);
        g->value[i] = urn__arena_alloc(g->arena, (size_t)size + 1, sizeof **g->value);
    }
    return urn__arena_failed(g->arena)
               ? urn__fail_memory(error, "the values of the sites", (size_t)size)
               : URN_OK;
}

void urn__gibbs_bind(const urn__gibbs *g, urn__evaluation *evaluation)
{
    for (size_t i = 0; i < g->m->n_sites; i++)
        if (g->value[i] != NULL)
            urn__evaluation_bind(evaluation, (int)i, g->value[i]);
}

/* ---- the joint density ---- */

static urn_status make_joint(urn__gibbs *g, urn_error *error)
{
    const size_t n = g->m->n_sites;
    urn__id *term = urn__arena_alloc(g->arena, n + 1, sizeof *term);
    if (term == NULL)
        return urn__fail_memory(error, "the log joint density", n);
    for (size_t i = 0; i < n; i++) {
        term[g->n_terms] = urn__gibbs_term(g->nodes, (int)i);
        g->n_terms += term[g->n_terms] != 0;
    }
    URN_TRY(
        urn__evaluation_new(g->nodes, g->n_terms, term, true, g->most_threads, &g->joint, error));
    urn__gibbs_bind(g, g->joint);
    return URN_OK;
}

double urn__gibbs_log_joint(urn__gibbs *g)
{
    double sum = 0.0;
    urn__evaluation_run(g->joint);
    for (int k = 0; k < g->n_terms; k++)
        sum += *urn__evaluation_root(g->joint, k);
    return sum;
}

/* ---- positions ---- */

/* The bounds of sites that have some, one a row of their bijection. */
static urn_status make_bounds(urn__gibbs *g, urn_error *error)
{
    const size_t n = g->m->n_sites;
    urn__id *bound = urn__arena_alloc(g->arena, 2 * n + 1, sizeof *bound);
    if (bound == NULL)
        return urn__fail_memory(error, "bounds", n);
    for (size_t i = 0; i < n; i++) {
        const urn__site *s = &g->m->site[i];
        if (!is_latent(s))
            continue;
        bound[2 * i] = urn__broadcast(g->nodes->graph, g->nodes->site[i].low, &s->shape);
        bound[2 * i + 1] = urn__broadcast(g->nodes->graph, g->nodes->site[i].high, &s->shape);
    }
    URN_TRY(urn__evaluation_new(g->nodes, (int)(2 * n), bound, false, 1, &g->bounds, error));
    urn__gibbs_bind(g, g->bounds);
    return URN_OK;
}

/* Values of discrete sites, from their priors at the values of the others. */
static urn_status make_starts(urn__gibbs *g, urn_error *error)
{
    const size_t n = g->m->n_sites;
    urn__id *draw = urn__arena_alloc(g->arena, n + 1, sizeof *draw);
    if (draw == NULL)
        return urn__fail_memory(error, "starting values", n);
    for (size_t i = 0; i < n; i++)
        if (is_latent(&g->m->site[i]) && g->m->site[i].support->discrete)
            draw[i] = urn__nodes_draw(g->nodes, (int)i);
    URN_TRY(urn__evaluation_new(g->nodes, (int)n, draw, false, 1, &g->starts, error));
    urn__gibbs_bind(g, g->starts);
    return URN_OK;
}

static void copy_values(urn__gibbs *g)
{
    for (size_t i = 0; i < g->m->n_sites; i++) {
        const urn__site *s = &g->m->site[i];
        if (!is_latent(s))
            continue;
        const double *value = urn_replay_result(g->replay, (int)i, URN_RESULT_VALUE);
        memcpy(g->value[i], value, (size_t)urn__shape_size(&s->shape) * sizeof *value);
    }
}

/* Discrete sites in order, so that those a later one depends on are there. */
static void draw_discrete(urn__gibbs *g)
{
    for (size_t i = 0; i < g->m->n_sites; i++) {
        const urn__site *s = &g->m->site[i];
        if (!is_latent(s) || !s->support->discrete)
            continue;
        urn__evaluation_address(g->starts, g->seed, g->chain, 0);
        urn__evaluation_run(g->starts);
        memcpy(g->value[i], urn__evaluation_root(g->starts, (int)i),
               (size_t)urn__shape_size(&s->shape) * sizeof(double));
    }
}

urn_status urn__gibbs_set_position(urn__gibbs *g, const double *position, urn_error *error)
{
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_VALUES, .cpu = g->nodes->kernels->name};
    const size_t size = (size_t)g->m->state_size;
    double *state = urn__calloc(g->allocator, size + 1, sizeof *state);
    if (state == NULL)
        return urn__fail_memory(error, "a state", size * sizeof *state);
    memcpy(state, position, (size_t)g->m->position_size * sizeof *state);
    urn_status status = URN_OK;
    if (g->values == NULL)
        status = urn_program_compile(g->m, &options, &g->values, error);
    if (status == URN_OK && g->replay == NULL)
        status = urn_replay_new(g->values, 1, &g->replay, error);
    if (status == URN_OK) {
        urn_replay_run(g->replay, state);
        copy_values(g);
        draw_discrete(g);
    }
    urn__free(g->allocator, state);
    return status;
}

void urn__gibbs_state(urn__gibbs *g, double *state)
{
    urn__gibbs_find_bounds(g);
    for (size_t i = 0; i < g->m->n_sites; i++)
        if (g->value[i] != NULL)
            urn__gibbs_unconstrain(g, (int)i, state + g->m->site[i].offset);
}

/* ---- blocks ---- */

static urn_status open_block(urn__gibbs_block *b, urn_error *error)
{
    urn__gibbs *g = b->g;
    if (b->kind == NULL)
        return URN_OK;
    URN_TRY(urn__evaluation_new(g->nodes, b->n_want, b->want, true, g->most_threads, &b->evaluation,
                                error));
    urn__gibbs_bind(g, b->evaluation);
    if (b->density != NULL)
        urn__gibbs_bind(g, b->density);
    return b->kind->open != NULL ? b->kind->open(b, error) : URN_OK;
}

urn_status urn__gibbs_new(const urn_model *model, const char *cpu, int threads,
                          const urn_allocator *allocator, urn__gibbs **g, urn_error *error)
{
    *g = NULL;
    urn__arena *arena = urn__arena_new(allocator);
    urn__gibbs *made = arena == NULL ? NULL : urn__arena_alloc(arena, 1, sizeof *made);
    if (made == NULL) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "a chain of gibbs", sizeof *made);
    }
    *made = (urn__gibbs){.allocator = allocator,
                         .arena = arena,
                         .m = model->full != NULL ? model->full : model,
                         .threads = threads,
                         .most_threads = threads};
    urn_status status = urn__gibbs_accepts(made->m, error);
    if (status == URN_OK)
        status = urn__nodes_new(made->m, cpu, &made->nodes, error);
    if (status == URN_OK)
        status = make_values(made, error);
    if (status == URN_OK)
        status = urn__gibbs_derive(made, error);
    if (status == URN_OK)
        *g = made;
    else
        urn__gibbs_free(made);
    return status;
}

urn_status urn__gibbs_open(urn__gibbs *g, urn_error *error)
{
    URN_TRY(make_bounds(g, error));
    URN_TRY(make_starts(g, error));
    URN_TRY(make_joint(g, error));
    for (int i = 0; i < g->n_blocks; i++)
        URN_TRY(open_block(&g->block[i], error));
    return URN_OK;
}

void urn__gibbs_free(urn__gibbs *g)
{
    if (g == NULL)
        return;
    for (int i = 0; i < g->n_blocks; i++) {
        urn__gibbs_block *b = &g->block[i];
        if (b->kind != NULL && b->kind->close != NULL)
            b->kind->close(b);
        urn__evaluation_free(b->evaluation);
        urn__evaluation_free(b->density);
    }
    urn__evaluation_free(g->joint);
    urn__evaluation_free(g->bounds);
    urn__evaluation_free(g->starts);
    urn_replay_free(g->replay);
    urn_program_free(g->values);
    urn__nodes_free(g->nodes);
    urn__arena_free(g->arena);
}

void urn__gibbs_threads(urn__gibbs *g, int threads)
{
    g->threads = threads < g->most_threads ? threads : g->most_threads;
    urn__evaluation_threads(g->joint, g->threads);
    for (int i = 0; i < g->n_blocks; i++) {
        if (g->block[i].evaluation != NULL)
            urn__evaluation_threads(g->block[i].evaluation, g->threads);
        if (g->block[i].density != NULL)
            urn__evaluation_threads(g->block[i].density, g->threads);
    }
}

urn_status urn__gibbs_runnable(const urn__gibbs *g, urn_error *error)
{
    for (int i = 0; i < g->n_blocks; i++) {
        const urn__gibbs_block *b = &g->block[i];
        const urn__site *s = &g->m->site[b->site[0]];
        if (b->kind == NULL)
            return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "use svi or map",
                             "engine \"gibbs\" cannot update the site: %s", b->why);
    }
    return URN_OK;
}

static bool is_spread(const char *word)
{
    return strcmp(word, "scale") == 0 || strcmp(word, "scale_tril") == 0 ||
           strcmp(word, "precision_tril") == 0;
}

/* Are the block's sites the noise of what is observed, and nothing else? */
static bool is_noise(const urn__gibbs *g, const urn__gibbs_block *b)
{
    for (int k = 0; k < b->n_sites; k++) {
        const int site = b->site[k];
        if (g->m->site[site].plate != 0 || g->plan->n_links[site] == 0)
            return false;
        for (int i = 0; i < g->plan->n_links[site]; i++) {
            const urn__link *link = &g->plan->link[site][i];
            if (g->m->site[link->site].role == URN_SITE_LATENT || !is_spread(link->word))
                return false;
        }
    }
    return true;
}

/* Where there is nothing else to fit, nobody waits. */
static bool has_more(const urn__gibbs *g)
{
    for (int i = 0; i < g->n_blocks; i++)
        if (!is_noise(g, &g->block[i]))
            return true;
    return false;
}

urn_status urn__gibbs_sweep(urn__gibbs *g, int64_t step, urn_error *error)
{
    const bool settling = step <= g->n_settling && has_more(g);
    g->step = step;
    for (int i = 0; i < g->n_blocks; i++)
        if (!settling || !is_noise(g, &g->block[i]))
            URN_TRY(g->block[i].kind->update(&g->block[i], error));
    return URN_OK;
}

bool urn__block_has_mode(const urn__gibbs_block *b)
{
    return b->kind != NULL && b->kind->mode != NULL &&
           (b->kind == &urn__kind_gaussian || (b->rule != NULL && b->rule->mode != NULL));
}

urn_status urn__gibbs_mode(urn__gibbs *g, int block, int64_t step, urn_error *error)
{
    g->step = step;
    return g->block[block].kind->mode(&g->block[block], error);
}
