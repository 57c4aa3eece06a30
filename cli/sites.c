/* The table of a fit's sites: mean, sd and quantiles of the small ones. */
#include "sites.h"
#include "../inference/names.h"
#include "../io/io.h"
#include "data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double probs[] = {0.05, 0.5, 0.95};
static const char *const columns[] = {"mean", "sd", "q5", "q50", "q95"};
enum { N_COLUMNS = 5 };

static bool listed(const char *names, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = names; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, name, length) == 0 && (p[length] == ',' || p[length] == '\0'))
            return true;
    }
    return false;
}

static bool has_values(const urn_site_info *site)
{
    return site->role == URN_SITE_LATENT || site->role == URN_SITE_RECORDED ||
           site->role == URN_SITE_PARAM;
}

/* Every word of `names` must be a site with values. */
static urn_status check_names(const urn_model *model, const char *names, urn_error *error)
{
    const char *known[256];
    size_t n = 0;
    for (int i = 0; i < urn_model_site_count(model) && n < 256; i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (has_values(&site))
            known[n++] = site.name;
    }
    for (const char *p = names; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        const int length = (int)strcspn(p, ",");
        char word[128];
        snprintf(word, sizeof word, "%.*s", length, p);
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || strcmp(known[i], word) == 0;
        if (!found)
            return cli_fail_unknown(error, "site", word, known, n);
    }
    return URN_OK;
}

static urn_status add_elements(const urn_model *model, const urn_posterior *posterior, int number,
                               const urn_site_info *site, int threads, json_t *entry,
                               urn_error *error)
{
    const size_t n = (size_t)site->size;
    double *values = malloc((n + 1) * N_COLUMNS * sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    const urn_status status = urn_summarise_site(model, posterior, number, threads, values,
                                                 values + n, 3, probs, values + 2 * n, error);
    json_t *elements = json_array();
    for (size_t i = 0; i < n && status == URN_OK; i++) {
        char name[160];
        urn__element_name(model, site, (int64_t)i, name, sizeof name);
        json_t *row = json_pack("{s:s}", "name", name);
        for (size_t c = 0; c < N_COLUMNS; c++)
            json_object_set_new(row, columns[c], urn__io_json_real(values[c * n + i]));
        json_array_append_new(elements, row);
    }
    free(values);
    json_object_set_new(entry, "elements", elements);
    return status;
}

urn_status cli_sites_json(const urn_model *model, const urn_posterior *posterior, const char *names,
                          int threads, json_t **sites, urn_error *error)
{
    *sites = NULL;
    if (names != NULL)
        URN_TRY(check_names(model, names, error));
    json_t *list = json_array();
    urn_status status = URN_OK;
    for (int i = 0; i < urn_model_site_count(model) && status == URN_OK; i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (!has_values(&site) || (names != NULL && !listed(names, site.name)))
            continue;
        char shape[128];
        json_t *entry =
            json_pack("{s:s,s:s,s:s,s:I}", "site", site.name, "role", cli_role(site.role), "shape",
                      cli_shape(&site, shape, sizeof shape), "size", (json_int_t)site.size);
        if (names != NULL || site.size <= CLI_SMALL_SITE)
            status = add_elements(model, posterior, i, &site, threads, entry, error);
        json_array_append_new(list, entry);
    }
    if (status != URN_OK) {
        json_decref(list);
        return status;
    }
    *sites = list;
    return URN_OK;
}

void cli_sites_print(const json_t *sites)
{
    printf("\n%s%-22s %10s %10s %10s %10s %10s%s\n", cli_bold(), "site", "mean", "sd", "5 %",
           "50 %", "95 %", cli_plain());
    for (size_t s = 0; s < json_array_size(sites); s++) {
        const json_t *entry = json_array_get(sites, s);
        const json_t *elements = json_object_get(entry, "elements");
        if (elements == NULL)
            printf("%-22s %s\n", urn__io_json_get_text(entry, "site", ""),
                   urn__io_json_get_text(entry, "shape", ""));
        for (size_t i = 0; i < json_array_size(elements); i++) {
            const json_t *row = json_array_get(elements, i);
            printf("%-22s", urn__io_json_get_text(row, "name", ""));
            for (size_t c = 0; c < N_COLUMNS; c++) {
                char text[32];
                printf(" %10s",
                       cli_number(urn__io_json_get_real(row, columns[c], (double)NAN), text));
            }
            putchar('\n');
        }
    }
}
