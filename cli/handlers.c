/* Handlers of sites, from options and to run files. */
#include "handlers.h"
#include "../io/io.h"
#include "../runtime/base/base.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    urn_handler_kind kind;
    const char *name;
} kinds[] = {{URN_HANDLER_CONDITION, "condition"},
             {URN_HANDLER_DO, "do"},
             {URN_HANDLER_SCALE, "scale"},
             {URN_HANDLER_NONCENTRED, "noncentred"}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- the list ---- */

void cli_handlers_clear(cli_handlers *h)
{
    for (size_t i = 0; i < h->n; i++) {
        free((void *)(uintptr_t)h->list[i].site);
        free((void *)(uintptr_t)h->list[i].values);
    }
    for (size_t i = 0; i < h->n_centred; i++)
        free(h->centred[i]);
    free(h->list);
    free(h->centred);
    *h = (cli_handlers){0};
}

/* Takes `values` over, also after an error. */
static urn_status add(cli_handlers *h, urn_handler_kind kind, const char *site, double *values,
                      int64_t n, urn_error *error)
{
    char *name = strdup(site);
    urn_handler *list = realloc(h->list, (h->n + 1) * sizeof *list);
    h->list = list != NULL ? list : h->list;
    if (name == NULL || list == NULL) {
        free(name);
        free(values);
        return cli_fail_memory(error);
    }
    list[h->n++] = (urn_handler){.kind = kind, .site = name, .values = values, .n_values = n};
    return URN_OK;
}

static urn_status keep_centred(cli_handlers *h, const char *site, urn_error *error)
{
    char *name = strdup(site);
    char **list = realloc(h->centred, (h->n_centred + 1) * sizeof *list);
    h->centred = list != NULL ? list : h->centred;
    if (name == NULL || list == NULL) {
        free(name);
        return cli_fail_memory(error);
    }
    list[h->n_centred++] = name;
    return URN_OK;
}

/* ---- values ---- */

urn_status cli_numbers(const char *option, const char *name, const char *text, double **values,
                       int64_t *n, urn_error *error)
{
    size_t most = 1;
    for (const char *p = text; *p != '\0'; p++)
        most += *p == ',';
    *n = 0;
    *values = malloc(most * sizeof **values);
    if (*values == NULL)
        return cli_fail_memory(error);
    for (const char *p = text;; p++) {
        char word[64];
        const size_t length = strcspn(p, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, p);
        if (!urn__parse_real(word, *values + (*n)++)) {
            free(*values);
            *values = NULL;
            return cli_fail(error, URN_ERR_USAGE, NULL, "--%s %s: \"%s\" is not a number", option,
                            name, word);
        }
        p += length;
        if (*p == '\0')
            return URN_OK;
    }
}

/* Numbers of nested arrays, row-major. */
static urn_status json_numbers(const json_t *json, double **values, int64_t *n, urn_error *error)
{
    *n = urn__io_json_flatten(json, NULL, 0);
    *values = malloc(((size_t)*n + 1) * sizeof **values);
    if (*values == NULL)
        return cli_fail_memory(error);
    (void)urn__io_json_flatten(json, *values, *n);
    return URN_OK;
}

static urn_status file_numbers(const char *path, const char *site, double **values, int64_t *n,
                               urn_error *error)
{
    json_t *json = NULL;
    URN_TRY(urn__io_json_read(path, NULL, &json, error));
    const json_t *value = json_object_get(json, site);
    const urn_status status = value != NULL ? json_numbers(value, values, n, error)
                                            : cli_fail(error, URN_ERR_DATA, NULL,
                                                       "%s: there is no entry \"%s\"", path, site);
    json_decref(json);
    return status;
}

/* A number or a list of them; else a file. */
static urn_status values_of(const char *option, const urn_setting *given, double **values,
                            int64_t *n, urn_error *error)
{
    const size_t length = strlen(given->value);
    if (length > 5 && strcmp(given->value + length - 5, ".json") == 0)
        return file_numbers(given->value, given->name, values, n, error);
    return cli_numbers(option, given->name, given->value, values, n, error);
}

/* ---- options ---- */

static urn_status read_values(const cli_args *args, const char *option, urn_handler_kind kind,
                              cli_handlers *h, urn_error *error)
{
    urn_setting *given = NULL;
    size_t n = 0;
    urn_status status = cli_settings(args, option, &given, &n, error);
    for (size_t i = 0; i < n && status == URN_OK; i++) {
        double *values = NULL;
        int64_t count = 0;
        status = values_of(option, &given[i], &values, &count, error);
        if (status == URN_OK)
            status = add(h, kind, given[i].name, values, count, error);
    }
    cli_settings_free(given);
    return status;
}

static urn_status read_form(const char *text, cli_handlers *h, urn_error *error)
{
    char site[128];
    const char *equals = strchr(text, '=');
    if (strcmp(text, "auto") == 0) {
        h->automatic = true;
        return URN_OK;
    }
    if (equals != NULL && equals > text && (size_t)(equals - text) < sizeof site) {
        snprintf(site, sizeof site, "%.*s", (int)(equals - text), text);
        if (strcmp(equals, "=noncentred") == 0)
            return add(h, URN_HANDLER_NONCENTRED, site, NULL, 0, error);
        if (strcmp(equals, "=centred") == 0)
            return keep_centred(h, site, error);
    }
    return cli_fail(error, URN_ERR_USAGE, NULL,
                    "option --reparam is \"%s\"; it takes auto, SITE=noncentred or SITE=centred",
                    text);
}

urn_status cli_handlers_read(const cli_args *args, cli_handlers *h, urn_error *error)
{
    const char *text;
    *h = (cli_handlers){0};
    urn_status status = URN_OK;
    for (size_t k = 0; k < N_KINDS && status == URN_OK; k++)
        if (kinds[k].kind != URN_HANDLER_NONCENTRED)
            status = read_values(args, kinds[k].name, kinds[k].kind, h, error);
    for (int i = 0; status == URN_OK && (text = cli_text_at(args, "reparam", i)) != NULL; i++)
        status = read_form(text, h, error);
    if (status != URN_OK)
        cli_handlers_clear(h);
    return status;
}

/* ---- --reparam auto ---- */

static bool stays_centred(const cli_handlers *h, const char *site)
{
    bool stays = false;
    for (size_t i = 0; i < h->n_centred; i++)
        stays = stays || strcmp(h->centred[i], site) == 0;
    return stays;
}

static urn_status add_forms(cli_handlers *h, const urn_forms *forms, bool quiet, urn_error *error)
{
    for (int i = 0; i < urn_forms_count(forms); i++) {
        const urn_form *form = urn_forms_at(forms, i);
        if (!form->noncentred || stays_centred(h, form->site))
            continue;
        URN_TRY(add(h, URN_HANDLER_NONCENTRED, form->site, NULL, 0, error));
        if (!quiet)
            fprintf(stderr,
                    "urn: site \"%s\" is non-centred: the data leave %.0f %% of the variance it "
                    "has given its loc and scale (--reparam %s=centred keeps it as it was)\n",
                    form->site, 100.0 * form->variance, form->site);
    }
    return URN_OK;
}

urn_status cli_handlers_settle(cli_handlers *h, const urn_model_def *def,
                               const urn_trace_options *trace, const urn_fit_options *fit,
                               bool quiet, urn_error *error)
{
    if (!h->automatic)
        return URN_OK;
    urn_trace_options options = *trace;
    options.handlers = h->list;
    options.n_handlers = h->n;
    urn_forms *forms = NULL;
    URN_TRY(urn_forms_choose(def, &options, fit, &forms, error));
    if (urn_forms_why(forms) != NULL && !quiet)
        fprintf(stderr, "urn: --reparam auto changes nothing for %s: %s\n",
                urn_engine_name(fit->engine), urn_forms_why(forms));
    const urn_status status = add_forms(h, forms, quiet, error);
    urn_forms_free(forms);
    return status;
}

/* ---- files ---- */

json_t *cli_handlers_json(const cli_handlers *h)
{
    json_t *list = json_array();
    for (size_t i = 0; i < h->n; i++) {
        const urn_handler *handler = &h->list[i];
        json_t *values = json_array();
        const char *kind = "";
        for (size_t k = 0; k < N_KINDS; k++)
            kind = kinds[k].kind == handler->kind ? kinds[k].name : kind;
        for (int64_t v = 0; v < handler->n_values; v++)
            json_array_append_new(values, urn__io_json_real(handler->values[v]));
        json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "kind", kind, "site", handler->site,
                                              "values", values));
    }
    return list;
}

urn_status cli_handlers_from_json(const json_t *json, cli_handlers *h, urn_error *error)
{
    *h = (cli_handlers){0};
    urn_status status = URN_OK;
    for (size_t i = 0; i < json_array_size(json) && status == URN_OK; i++) {
        const json_t *entry = json_array_get(json, i);
        const char *kind = urn__io_json_get_text(entry, "kind", "");
        double *values = NULL;
        int64_t n = 0;
        size_t k = 0;
        while (k < N_KINDS && strcmp(kinds[k].name, kind) != 0)
            k++;
        if (k == N_KINDS)
            status = cli_fail(error, URN_ERR_DATA, "update urn",
                              "the run has a handler \"%s\", which this urn does not know", kind);
        if (status == URN_OK)
            status = json_numbers(json_object_get(entry, "values"), &values, &n, error);
        if (status == URN_OK)
            status =
                add(h, kinds[k].kind, urn__io_json_get_text(entry, "site", ""), values, n, error);
    }
    if (status != URN_OK)
        cli_handlers_clear(h);
    return status;
}
