/* The table of a fit's sites: mean, sd and quantiles of the small ones, with errors, effective
 * sample sizes and R-hat where there are chains. */
#include "sites.h"
#include "../inference/diagnostics/sites.h"
#include "../inference/names.h"
#include "../io/io.h"
#include "../runtime/model/roles.h"
#include "data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double probs[] = {0.05, 0.5, 0.95};

bool cli_listed(const char *names, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = names; p != NULL; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, name, length) == 0 && (p[length] == ',' || p[length] == '\0'))
            return true;
    }
    return false;
}

bool cli_is_drawn(const urn_site_info *site)
{
    return site->role == URN_SITE_LATENT || site->role == URN_SITE_RECORDED;
}

static bool has_values(const urn_site_info *site)
{
    return cli_is_drawn(site) || site->role == URN_SITE_PARAM;
}

urn_status cli_check_listed(const char *names, const char *const *known, size_t n, urn_error *error)
{
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
    return cli_check_listed(names, known, n, error);
}

/* ---- what is said of an element ---- */

/* Columns in the order of urn__chains_summary; a guide has no errors, sizes or R-hat. */
static const struct {
    const char *key, *title;
    bool guides;
    int width;
} columns[] = {{"mean", "mean", true, 10},
               {"sd", "sd", true, 10},
               {"mcse_mean", "MCSE", false, 9},
               {"mcse_sd", NULL, false, 0},
               {"q5", "5 %", true, 10},
               {"q50", "50 %", true, 10},
               {"q95", "95 %", true, 10},
               {"ess_bulk", "bulk ESS", false, 9},
               {"ess_tail", "tail ESS", false, 9},
               {"r_hat", "R-hat", false, 7}};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static json_t *elements_json(const urn_model *model, const urn_site_info *site,
                             const urn__chains_summary *rows, bool sampler)
{
    json_t *elements = json_array();
    for (int64_t i = 0; i < site->size; i++) {
        char name[160];
        const double *values = (const double *)&rows[i];
        urn__element_name(model, site, i, name, sizeof name);
        json_t *row = json_pack("{s:s}", "name", name);
        for (size_t c = 0; c < N_COLUMNS; c++)
            if (sampler || columns[c].guides)
                json_object_set_new(row, columns[c].key, urn__io_json_real(values[c]));
        json_array_append_new(elements, row);
    }
    return elements;
}

static urn_status summarise_guide(const urn_model *model, const urn_posterior *posterior,
                                  int number, int64_t size, int threads, urn__chains_summary *rows,
                                  urn_error *error)
{
    const size_t n = (size_t)size;
    double *values = malloc((n + 1) * 5 * sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    const urn_status status = urn_summarise_site(model, posterior, number, threads, values,
                                                 values + n, 3, probs, values + 2 * n, error);
    for (size_t i = 0; i < n && status == URN_OK; i++)
        rows[i] = (urn__chains_summary){
            .mean = values[i],
            .sd = values[n + i],
            .quantile = {values[2 * n + i], values[3 * n + i], values[4 * n + i]}};
    free(values);
    return status;
}

/* ---- all sites ---- */

/* The sites given whole. */
typedef struct whole {
    int n;
    int *site;
    urn__chains_summary **rows;
    urn__chains_summary *memory;
} whole;

static void whole_clear(whole *w)
{
    free(w->site);
    free(w->rows);
    free(w->memory);
}

static bool is_whole(const urn_site_info *site, const char *names)
{
    return has_values(site) &&
           (names != NULL ? cli_listed(names, site->name) : site->size <= CLI_SMALL_SITE);
}

static urn_status find_whole(const urn_model *model, const char *names, whole *w, urn_error *error)
{
    const int n = urn_model_site_count(model);
    size_t size = 0;
    *w = (whole){.site = calloc((size_t)n + 1, sizeof *w->site),
                 .rows = calloc((size_t)n + 1, sizeof(urn__chains_summary *))};
    if (w->site == NULL || w->rows == NULL)
        return cli_fail_memory(error);
    for (int i = 0; i < n; i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (!is_whole(&site, names))
            continue;
        w->site[w->n++] = i;
        size += (size_t)site.size;
    }
    w->memory = calloc(size + 1, sizeof *w->memory);
    if (w->memory == NULL)
        return cli_fail_memory(error);
    urn__chains_summary *at = w->memory;
    for (int k = 0; k < w->n; k++) {
        urn_site_info site;
        urn_model_site(model, w->site[k], &site);
        w->rows[k] = at;
        at += site.size;
    }
    return URN_OK;
}

static urn_status summarise_whole(const urn_model *model, const urn_posterior *posterior,
                                  int threads, const whole *w, urn_error *error)
{
    if (urn_posterior_kind_of(posterior) == URN_POSTERIOR_DRAWS)
        return w->n == 0
                   ? URN_OK
                   : urn__diagnose_sites(model, posterior, w->n, w->site, threads, w->rows, error);
    for (int k = 0; k < w->n; k++) {
        urn_site_info site;
        urn_model_site(model, w->site[k], &site);
        URN_TRY(
            summarise_guide(model, posterior, w->site[k], site.size, threads, w->rows[k], error));
    }
    return URN_OK;
}

static json_t *list_json(const urn_model *model, const unsigned *roles, const char *names,
                         bool sampler, const whole *w)
{
    json_t *list = json_array();
    for (int i = 0, k = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (!has_values(&site) || (names != NULL && !cli_listed(names, site.name)))
            continue;
        char shape[128];
        json_t *entry =
            json_pack("{s:s,s:s,s:s,s:I}", "site", site.name, "role", cli_role(site.role), "shape",
                      cli_shape(&site, shape, sizeof shape), "size", (json_int_t)site.size);
        if (cli_site_turns(roles, i))
            json_object_set_new(entry, "turns", json_true());
        if (k < w->n && w->site[k] == i)
            json_object_set_new(entry, "elements",
                                elements_json(model, &site, w->rows[k++], sampler));
        json_array_append_new(list, entry);
    }
    return list;
}

urn_status cli_site_roles(const urn_model *model, unsigned **roles, urn_error *error)
{
    *roles = calloc((size_t)urn_model_site_count(model) + 1, sizeof **roles);
    if (*roles == NULL)
        return cli_fail_memory(error);
    const urn_status status = urn__model_roles(model, *roles, error);
    if (status != URN_OK) {
        free(*roles);
        *roles = NULL;
    }
    return status;
}

bool cli_site_turns(const unsigned *roles, int site)
{
    return (roles[site] & (URN__ROLE_FACTOR | URN__ROLE_AXES)) != 0;
}

urn_status cli_sites_json(const urn_model *model, const urn_posterior *posterior, const char *names,
                          int threads, json_t **sites, urn_error *error)
{
    const bool sampler = urn_posterior_kind_of(posterior) == URN_POSTERIOR_DRAWS;
    whole w;
    unsigned *roles;
    *sites = NULL;
    if (names != NULL)
        URN_TRY(check_names(model, names, error));
    URN_TRY(cli_site_roles(model, &roles, error));
    urn_status status = find_whole(model, names, &w, error);
    if (status == URN_OK)
        status = summarise_whole(model, posterior, threads, &w, error);
    if (status == URN_OK)
        *sites = list_json(model, roles, names, sampler, &w);
    whole_clear(&w);
    free(roles);
    return status;
}

const char *cli_approximation(const urn_posterior *posterior)
{
    return urn_posterior_kind_of(posterior) == URN_POSTERIOR_INDEPENDENT ? "approximation"
                                                                         : "guide";
}

static bool has_column(const json_t *sites, const char *key)
{
    for (size_t s = 0; s < json_array_size(sites); s++) {
        const json_t *elements = json_object_get(json_array_get(sites, s), "elements");
        if (json_array_size(elements) > 0)
            return json_object_get(json_array_get(elements, 0), key) != NULL;
    }
    return false;
}

static void print_element(const json_t *row)
{
    printf("%-22s", urn__io_json_get_text(row, "name", ""));
    for (size_t c = 0; c < N_COLUMNS; c++) {
        char text[32];
        const double value = urn__io_json_get_real(row, columns[c].key, (double)NAN);
        if (columns[c].title == NULL || json_object_get(row, columns[c].key) == NULL)
            continue;
        if (strncmp(columns[c].key, "ess_", 4) == 0 && !isnan(value))
            printf(" %*.0f", columns[c].width, value);
        else if (strcmp(columns[c].key, "r_hat") == 0 && isfinite(value))
            printf(" %*.3f", columns[c].width, value);
        else
            printf(" %*s", columns[c].width, cli_number(value, text));
    }
    putchar('\n');
}

void cli_sites_print(const json_t *sites)
{
    printf("\n%s%-22s", cli_bold(), "site");
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (columns[c].title != NULL && (columns[c].guides || has_column(sites, columns[c].key)))
            printf(" %*s", columns[c].width, columns[c].title);
    printf("%s\n", cli_plain());
    for (size_t s = 0; s < json_array_size(sites); s++) {
        const json_t *entry = json_array_get(sites, s);
        const json_t *elements = json_object_get(entry, "elements");
        if (elements == NULL)
            printf("%-22s %s\n", urn__io_json_get_text(entry, "site", ""),
                   urn__io_json_get_text(entry, "shape", ""));
        for (size_t i = 0; i < json_array_size(elements); i++)
            print_element(json_array_get(elements, i));
    }
}
