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
