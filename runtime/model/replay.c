/* Replays: the buffers of one evaluation of a program. */
#include "../base/permutation.h"
#include "program.h"
#include "touched_rows.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A plate of which the program has the rows a mini-batch touches. */
typedef struct touched_plate {
    urn__touched_rows rows;
    void *input[URN__TOUCHED_INPUTS]; /* in the program's precision */
} touched_plate;

struct urn_replay {
    const urn_program *p;
    urn__arena *arena;
    urn__machine *machine;     /* density: with gradient */
    urn__machine *value;       /* density: value alone */
    void **input;              /* by site, in the program's precision */
    void *position, *gradient; /* of small or single programs: arguments are copied */
    const void *bound;         /* where gradients go */
    int32_t *copied;           /* roots of gradients that are not computed there */
    int n_copied;
    int32_t *batch; /* rows of the mini-batch */
    int n_touched;  /* plates of which the program sees the rows a mini-batch touches: */
    touched_plate *touched;
    const int32_t **place; /* by number of the plate + 1 */
    int most_threads;
};

/* ---- life ---- */

static bool is_single(const urn_replay *r)
{
    return r->p->options.precision == URN_PRECISION_SINGLE;
}

static size_t element(const urn_replay *r)
{
    return is_single(r) ? sizeof(float) : sizeof(double);
}

/* Coordinates up to which copying them is cheaper than pointing a machine at new arrays. */
#define SMALL_POSITION 1024

static bool is_small(const urn_replay *r)
{
    return r->p->position_size <= SMALL_POSITION;
}

static bool new_positions(urn_replay *r)
{
    const size_t n = (size_t)r->p->position_size + 1;
    r->copied = urn__arena_alloc(r->arena, (size_t)r->p->n_roots + 1, sizeof *r->copied);
    if (is_small(r) || is_single(r)) {
        r->position = urn__arena_alloc(r->arena, n, element(r));
        r->gradient = urn__arena_alloc(r->arena, n, element(r));
    }
    return !urn__arena_failed(r->arena);
}

static bool new_inputs(urn_replay *r)
{
    const urn_model *m = r->p->m;
    r->input = urn__arena_alloc(r->arena, m->n_sites + 1, sizeof *r->input);
    for (size_t i = 0; r->input != NULL && i < m->n_sites; i++) {
        if (r->p->input_size[i] == 0)
            continue;
        r->input[i] = urn__arena_alloc(r->arena, (size_t)r->p->input_size[i], element(r));
        urn__machine_bind_input(r->machine, (int64_t)i, r->input[i]);
        if (r->value != NULL)
            urn__machine_bind_input(r->value, (int64_t)i, r->input[i]);
    }
    return !urn__arena_failed(r->arena);
}

static bool new_touched(urn_replay *r, uint32_t plate)
{
    touched_plate *own = &r->touched[r->n_touched++];
    if (!urn__touched_rows_init(&own->rows, r->p, plate, r->arena))
        return false;
    r->place[plate] = own->rows.place;
    for (int k = 0; k < URN__TOUCHED_INPUTS; k++) {
        const int64_t slot = urn__touched_slot(r->p->m, (urn__touched_input)k, plate);
        own->input[k] = urn__arena_alloc(r->arena, (size_t)own->rows.room + 1, element(r));
        urn__machine_bind_input(r->machine, slot, own->input[k]);
        if (r->value != NULL)
            urn__machine_bind_input(r->value, slot, own->input[k]);
    }
    return !urn__arena_failed(r->arena);
}

static bool new_all_touched(urn_replay *r)
{
    const urn_model *m = r->p->m;
    const size_t n = m->n_plates + 1;
    if (m->of == NULL)
        return true;
    r->touched = urn__arena_alloc(r->arena, n, sizeof *r->touched);
    r->place = urn__arena_alloc(r->arena, n, sizeof *r->place);
    if (urn__arena_failed(r->arena))
        return false;
    for (uint32_t plate = 1; plate <= m->n_plates; plate++)
        if (m->plate[plate - 1].room > 0 && !new_touched(r, plate))
            return false;
    return true;
}

static bool new_batch(urn_replay *r)
{
    const urn_model *m = r->p->m;
    if (m->batch_plate == 0)
        return true;
    if (!new_all_touched(r))
        return false;
    const int64_t size = m->plate[m->batch_plate - 1].seen;
    r->batch = urn__arena_alloc(r->arena, (size_t)size + 1, sizeof *r->batch);
    return r->batch != NULL && urn_replay_batch(r, 0, 0) == URN_OK;
}

urn_status urn_replay_new(const urn_program *program, int threads, urn_replay **replay,
                          urn_error *error)
{
    *replay = NULL;
    const int n = urn__thread_count(threads);
    urn__arena *arena = urn__arena_new(program->allocator);
    urn_replay *r = arena == NULL ? NULL : urn__arena_alloc(arena, 1, sizeof *r);
    urn_status status = URN_OK;
    if (r == NULL) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "a replay", sizeof *r);
    }
    r->p = program;
    r->arena = arena;
    r->most_threads = n;
    status = urn__machine_new(program->plan, program->allocator, n, NULL, &r->machine, error);
    if (status == URN_OK && program->value != NULL)
        status =
            urn__machine_new(program->value, program->allocator, n, r->machine, &r->value, error);
    if (status == URN_OK && (!new_positions(r) || !new_inputs(r) || !new_batch(r)))
        status = urn__fail_memory(error, "a replay", (size_t)program->position_size);
    if (status == URN_OK)
        *replay = r;
    else
        urn_replay_free(r);
    return status;
}

void urn_replay_free(urn_replay *r)
{
    if (r == NULL)
        return;
    urn__machine_free(r->value);
    urn__machine_free(r->machine);
    urn__arena_free(r->arena);
}

/* ---- density ---- */

static char *gradient_at(const urn_replay *r, void *gradient, int k)
{
    const urn_program *p = r->p;
    return (char *)gradient + (size_t)p->offset[p->site_of[k]] * element(r);
}

static void bind_gradient(urn_replay *r, void *gradient)
{
    if (r->bound == gradient)
        return;
    r->bound = gradient;
    r->n_copied = 0;
    for (int k = r->p->n_terms; k < r->p->n_roots; k++)
        if (!urn__machine_bind_root(r->machine, k, gradient_at(r, gradient, k - r->p->n_terms)))
            r->copied[r->n_copied++] = k;
}

/* Gradients that are not computed in place: zeros, constants, values shared by two sites. */
static void copy_gradient(const urn_replay *r, void *gradient)
{
    const urn_program *p = r->p;
    for (int i = 0; i < r->n_copied; i++) {
        const int k = r->copied[i] - p->n_terms;
        const size_t bytes = (size_t)p->m->site[p->site_of[k]].free_size * element(r);
        const void *from = urn__machine_root(r->machine, r->copied[i]);
        char *to = gradient_at(r, gradient, k);
        if (from == NULL)
            memset(to, 0, bytes);
        else if (from != to)
            memcpy(to, from, bytes);
    }
}

/* Arrays of the program's precision. Terms are doubles in either. */
static double evaluate(urn_replay *r, const void *position, void *gradient)
{
    urn__machine *machine = gradient == NULL ? r->value : r->machine;
    urn__machine_position(machine, position);
    if (gradient != NULL)
        bind_gradient(r, gradient);
    urn__machine_run(machine);
    if (gradient != NULL)
        copy_gradient(r, gradient);
    return urn__machine_sum(machine, r->p->n_terms);
}

/* The same on the caller's arrays, copied if that is cheaper. */
static double evaluate_copied(urn_replay *r, const void *position, void *gradient)
{
    const size_t bytes = (size_t)r->p->position_size * element(r);
    if (!is_small(r) || bytes == 0)
        return evaluate(r, position, gradient);
    memcpy(r->position, position, bytes);
    const double value = evaluate(r, r->position, gradient == NULL ? NULL : r->gradient);
    if (gradient != NULL)
        memcpy(gradient, r->gradient, bytes);
    return value;
}

double urn_replay_log_density(urn_replay *r, const double *position, double *gradient)
{
    const int64_t n = r->p->position_size;
    if (!is_single(r))
        return evaluate_copied(r, position, gradient);
    float *x = r->position, *g = r->gradient;
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)position[i];
    const double value = evaluate(r, x, gradient == NULL ? NULL : g);
    for (int64_t i = 0; gradient != NULL && i < n; i++)
        gradient[i] = (double)g[i];
    return value;
}

double urn_replay_log_density_single(urn_replay *r, const float *position, float *gradient)
{
    return is_single(r) ? evaluate_copied(r, position, gradient) : (double)NAN;
}

/* ---- other runs ---- */

void urn_replay_set_threads(urn_replay *r, int threads)
{
    const int n = threads < 1 ? 1 : threads > r->most_threads ? r->most_threads : threads;
    urn__machine_exec(r->machine)->threads = n;
    if (r->value != NULL)
        urn__machine_exec(r->value)->threads = n;
}

void urn_replay_seed(urn_replay *r, uint64_t seed, uint64_t chain, uint64_t step)
{
    urn__machine *const both[2] = {r->machine, r->value};
    for (int k = 0; k < 2; k++) {
        if (both[k] == NULL)
            continue;
        urn__exec *exec = urn__machine_exec(both[k]);
        exec->seed = seed;
        exec->chain = chain;
        exec->step = step;
    }
}

urn_status urn_replay_input(urn_replay *r, int site, const double *values, int64_t n,
                            urn_error *error)
{
    const urn_model *m = r->p->m;
    if (site < 0 || (size_t)site >= m->n_sites || r->p->input_size[site] != n)
        return urn__fail(
            error, URN_ERR_USAGE, NULL,
            site >= 0 && (size_t)site < m->n_sites ? m->site[site].name : NULL, NULL,
            "an input of %lld elements was given; the program wants %lld", (long long)n,
            site >= 0 && (size_t)site < m->n_sites ? (long long)r->p->input_size[site] : 0LL);
    if (!is_single(r))
        memcpy(r->input[site], values, (size_t)n * sizeof *values);
    float *single = r->input[site];
    for (int64_t i = 0; is_single(r) && i < n; i++)
        single[i] = (float)values[i];
    return URN_OK;
}

void urn_replay_run(urn_replay *r, const double *position)
{
    urn__machine_position(r->machine, position);
    urn__machine_run(r->machine);
}

const double *urn_replay_result(const urn_replay *r, int site, urn_result what)
{
    if (r->p->result == NULL || site < 0 || (size_t)site >= r->p->m->n_sites)
        return NULL;
    const int32_t root = r->p->result[site * URN__RESULTS + (int)what];
    return root == 0 ? NULL : urn__machine_root(r->machine, root - 1);
}

/* ---- mini-batches ---- */

static void put(const urn_replay *r, void *array, int64_t i, double x)
{
    if (is_single(r))
        ((float *)array)[i] = (float)x;
    else
        ((double *)array)[i] = x;
}

static void touch(urn_replay *r, uint64_t seed, int64_t step, int64_t n)
{
    for (int k = 0; k < r->n_touched; k++) {
        touched_plate *own = &r->touched[k];
        urn__touched_rows *t = &own->rows;
        double sum = 0.0;
        urn__touched_rows_pick(t, r->p, seed, step, n, r->batch);
        for (int64_t i = 0; i < t->room; i++) {
            put(r, own->input[URN__TOUCHED_WEIGHT], i, t->weight[i]);
            put(r, own->input[URN__TOUCHED_ROOT], i, sqrt(t->weight[i]));
            sum += t->weight[i];
        }
        put(r, own->input[URN__TOUCHED_EXCESS], 0, sum - (double)t->room);
    }
}

urn_status urn_replay_batch(urn_replay *r, uint64_t seed, int64_t step)
{
    const urn_model *m = r->p->m;
    if (m->batch_plate == 0)
        return URN_OK;
    const int64_t rows = m->plate[m->batch_plate - 1].size;
    const int64_t size = m->plate[m->batch_plate - 1].seen;
    const int64_t per_epoch = rows / size; /* rows left over wait for the next epoch */
    const int64_t epoch = step / per_epoch, at = step % per_epoch * size;
    const urn__stream stream = urn__stream_at(seed, 0, "mini-batch", (uint64_t)epoch);
    const urn__permutation order = urn__permutation_of(&stream, rows);
    for (int64_t i = 0; i < size; i++)
        r->batch[i] = (int32_t)urn__permutation_at(&order, at + i);
    touch(r, seed, step, size);
    URN_TRY(urn__machine_batch(r->machine, size, r->batch, r->place));
    return r->value == NULL ? URN_OK : urn__machine_batch(r->value, size, r->batch, r->place);
}

const urn__touched_rows *urn__replay_touched(const urn_replay *r, int site)
{
    const uint32_t plate = urn__touched_plate(r->p->m, &r->p->m->site[site]);
    for (int k = 0; k < r->n_touched; k++)
        if (r->touched[k].rows.plate == plate)
            return &r->touched[k].rows;
    return NULL;
}

/* ---- profile ---- */

urn_status urn_replay_profile(urn_replay *r, urn_error *error)
{
    return urn__machine_profile(r->machine, error);
}

bool urn_replay_profile_at(const urn_replay *r, int i, urn_profile_entry *entry)
{
    const urn__graph *g = r->p->graph;
    urn__id id;
    *entry = (urn_profile_entry){0};
    if (!urn__machine_profile_at(r->machine, i, &id, &entry->runs, &entry->seconds))
        return false;
    const urn__node *n = urn__graph_node(g, id);
    const char *family = "";
    if (n->op == &urn__op_density || n->op == &urn__op_density_all)
        family = ((const urn__density_attr *)n->attr)->family->name;
    else if (n->op == &urn__op_draw)
        family = ((const urn__draw_attr *)n->attr)->family->name;
    (void)snprintf(entry->op, sizeof entry->op, "%s%s%s%s", n->op->name, family[0] ? "(" : "",
                   family, family[0] ? ")" : "");
    urn__shape_text(g, urn__graph_shape(g, n->n_in > 0 && family[0] ? n->in[0] : id), entry->shape,
                    sizeof entry->shape);
    return true;
}
