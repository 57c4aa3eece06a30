/* The op table. */
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
