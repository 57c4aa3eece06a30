/* The op table, in both precisions. */
#include "graph.h"

const urn__op *urn__op_at(int i)
{
    static const urn__op *const table[] = {
#define URN_OP(name) &urn__op_##name,
#include "ops.def"
#undef URN_OP
    };
    return i >= 0 && i < (int)(sizeof table / sizeof table[0]) ? table[i] : NULL;
}

const urn__op *urn__op_in_single(const urn__op *op)
{
    static const urn__op *const table[] = {
#define URN_OP(name) &urn__op_##name##__single,
#include "ops.def"
#undef URN_OP
    };
    for (int i = 0; urn__op_at(i) != NULL; i++)
        if (urn__op_at(i) == op)
            return table[i];
    return NULL;
}

bool urn__is_wide(const urn__node *node, int k)
{
    return node->op->wide != NULL && node->op->wide(node, k);
}
