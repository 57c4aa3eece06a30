/* Leaves: values that come from outside the graph, and the outputs of nodes with several. */
#include "../graph.h"

static bool values_shape(urn__shape_query *q)
{
    q->out[0] = ((const urn__values_attr *)q->attr)->shape;
    return true;
}

static bool slot_shape(urn__shape_query *q)
{
    q->out[0] = ((const urn__slot_attr *)q->attr)->shape;
    return true;
}

static bool index_shape(urn__shape_query *q)
{
    const urn__index_attr *a = q->attr;
    q->out[0] = (urn__shape){.n_plates = 1, .plate = {a->rows_plate}, .dim = {a->n}};
    return true;
}

static bool output_shape(urn__shape_query *q)
{
    const int64_t k = ((const urn__ints_attr *)q->attr)->a;
    const urn__node *n = urn__graph_node(q->graph, q->id[0]);
    q->out[0] = n->shape[k];
    return true;
}

const urn__op URN__OP(constant) = {
    .name = "constant", .arity = 0, .flags = URN__OP_LEAF, .shape = values_shape};
const urn__op URN__OP(data) = {
    .name = "data", .arity = 0, .flags = URN__OP_LEAF, .shape = values_shape};
const urn__op URN__OP(index) = {
    .name = "index", .arity = 0, .flags = URN__OP_LEAF, .shape = index_shape};
const urn__op URN__OP(site) = {
    .name = "site", .arity = 0, .flags = URN__OP_LEAF | URN__OP_VARIES, .shape = slot_shape};
const urn__op URN__OP(coordinate) = {
    .name = "coordinate", .arity = 0, .flags = URN__OP_LEAF | URN__OP_VARIES, .shape = slot_shape};
const urn__op URN__OP(input) = {
    .name = "input", .arity = 0, .flags = URN__OP_LEAF | URN__OP_VARIES, .shape = slot_shape};
/* Its buffer is output k of the node; the plan resolves it, and the backward pass hands its adjoint
 * to that node. */
const urn__op URN__OP(output) = {.name = "output", .arity = 1, .shape = output_shape};
