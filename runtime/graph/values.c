/* The values of constant and data nodes. */
#include "graph.h"
#include <string.h>

const double *urn__values_doubles(const urn__values_attr *attr)
{
    if (attr->numbers == NULL)
        return attr->values;
    const double *all = urn__numbers_doubles(attr->numbers);
    return all == NULL ? NULL : all + attr->first;
}

const float *urn__values_singles(const urn__values_attr *attr)
{
    const float *all = attr->numbers == NULL ? NULL : urn__numbers_singles(attr->numbers);
    return all == NULL ? NULL : all + attr->first;
}

void urn__values_read(const urn__values_attr *attr, int64_t from, int64_t n, double *to)
{
    if (attr->numbers != NULL)
        urn__numbers_read(attr->numbers, attr->first + from, n, to);
    else if (n > 0)
        memcpy(to, attr->values + from, (size_t)n * sizeof *to);
}
