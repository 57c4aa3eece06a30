/* The table of this path's kernels in this precision. */
#include "kernels.h"

#define ROW(word, kernel) [URN__MAP_##word] = URN__KERNEL(kernel),

static const urn__kernels_real table = {
    .name = URN__CPU_NAME,
    .map1 = {URN__MAP1_LIST(ROW)},
    .map2 = {URN__MAP2_LIST(ROW)},
    .sum = URN__KERNEL(sum),
    .dot = URN__KERNEL(dot),
    .weigh_rows = URN__KERNEL(weigh_rows),
    .axpy = URN__KERNEL(axpy),
    .row_dot = URN__KERNEL(row_dot),
    .scatter_rows = URN__KERNEL(scatter_rows),
    .scatter_both = URN__KERNEL(scatter_both),
    .squares_both = URN__KERNEL(squares_both),
    .gather_rows = URN__KERNEL(gather_rows),
    .sort_columns = URN__KERNEL(sort_columns),
    .normals = URN__KERNEL(normals),
    .guide_sample = URN__KERNEL(guide_sample),
    .adam = URN__KERNEL(adam),
    .momentum = URN__KERNEL(momentum),
    .guide_adam = URN__KERNEL(guide_adam),
};

const urn__kernels_real *URN__KERNEL(kernels_table)(void)
{
    return &table;
}
