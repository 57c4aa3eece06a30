/* Inputs for the example each op brings for its generic test. */
#include "graph.h"

urn__graph *urn__example_graph(urn__example *example)
{
    return example->graph;
}

int64_t urn__example_size(const urn__example *example)
{
    return example->size;
}

urn__id urn__example_input(urn__example *e, urn__shape shape, urn_domain domain)
{
    const urn__slot_attr attr = {.slot = e->n_position, .shape = shape};
    const urn__id id = urn__emit(e->graph, &urn__op_coordinate, 0, NULL, &attr, sizeof attr);
    if (id == 0 || e->n_inputs == URN__EXAMPLE_INPUTS)
        return 0;
    e->input[e->n_inputs] = id;
    e->domain[e->n_inputs++] = domain;
    e->n_position += urn__shape_size(&shape);
    return id;
}

urn__id urn__example_index(urn__example *e, int32_t plate, int64_t n, int64_t n_targets)
{
    urn__arena *arena = urn__graph_arena(e->graph);
    urn__index *ix = urn__arena_alloc(arena, 1, sizeof *ix);
    if (ix == NULL)
        return 0;
    ix->n = n;
    ix->n_targets = n_targets;
    ix->row = urn__arena_alloc(arena, (size_t)n + 1, sizeof *ix->row);
    ix->order = urn__arena_alloc(arena, (size_t)n + 1, sizeof *ix->order);
    ix->start = urn__arena_alloc(arena, (size_t)n_targets + 2, sizeof *ix->start);
    if (urn__arena_failed(arena))
        return 0;
    for (int64_t r = 0; r < n; r++) /* repeats some targets and leaves out others */
        ix->row[r] = (int32_t)((r * r + plate) % n_targets);
    urn__index_sort(ix);
    const urn__index_attr attr = {
        .index = ix, .rows_plate = 1, .target_plate = plate, .n = n, .n_targets = n_targets};
    return urn__emit(e->graph, &urn__op_index, 0, NULL, &attr, sizeof attr);
}
