/* Names of a site's elements. */
#include "names.h"

#include <stdio.h>
#include <string.h>

/* Row i of the plate called `name`: its label, else its number. */
static const char *label(const urn_model *model, const char *name, int64_t i, char number[32])
{
    urn_plate_info plate = {0};
    bool found = false;
    for (int k = 0; k < urn_model_plate_count(model) && !found; k++) {
        urn_model_plate(model, k, &plate);
        found = strcmp(plate.name, name) == 0;
    }
    if (found && plate.text_labels)
        return plate.text_labels[i];
    snprintf(number, 32, "%lld", (long long)(found && plate.int_labels ? plate.int_labels[i] : i));
    return number;
}

const char *urn__element_name(const urn_model *model, const urn_site_info *site, int64_t element,
                              char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", site->name);
    int64_t stride = site->size;
    for (int d = 0; d < site->n_dims && used < size; d++) {
        stride /= site->dims[d];
        const int64_t i = element / stride;
        char number[32];
        element %= stride;
        if (d >= site->n_plates)
            snprintf(number, sizeof number, "%lld", (long long)i);
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s%s", d == 0 ? "[" : ",",
                             d < site->n_plates ? label(model, site->plates[d], i, number) : number,
                             d + 1 == site->n_dims ? "]" : "");
    }
    return text;
}

const char *urn__coordinate_name(const urn__target *target, int64_t i, char *text, size_t size)
{
    const urn__block *block = NULL;
    for (int b = 0; b < target->n_blocks; b++)
        if (i >= target->blocks[b].offset && i - target->blocks[b].offset < target->blocks[b].size)
            block = &target->blocks[b];
    if (!block) {
        snprintf(text, size, "coordinate %lld", (long long)i);
        return text;
    }
    urn_site_info site = {.size = -1};
    if (target->model && block->site >= 0)
        urn_model_site(target->model, block->site, &site);
    if (site.size == block->size)
        return urn__element_name(target->model, &site, i - block->offset, text, size);
    if (block->size == 1)
        snprintf(text, size, "%s", block->name);
    else
        snprintf(text, size, "%s (coordinate %lld of %lld)", block->name,
                 (long long)(i - block->offset) + 1, (long long)block->size);
    return text;
}
