/* urn sbc: what is ranked. */
#include "../runtime/model/roles.h"
#include "sbc.h"
#include "sites.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 50 };

static void name_element(char name[160], const urn_site_info *info, int64_t k)
{
    if (info->n_dims == 0)
        snprintf(name, 160, "%.120s", info->name);
    else
        snprintf(name, 160, "%.120s[%lld]", info->name, (long long)k);
}

/* The next quantity, or NULL where they are only counted. */
static sbc_quantity *next(sbc_run *c, int64_t *n)
{
    sbc_quantity *q = c->quantities != NULL ? &c->quantities[*n] : NULL;
    (*n)++;
    if (q != NULL)
        urn__ranks_start(&q->ranks, c->draws, c->trials);
    return q;
}

static void list_site(sbc_run *c, int site, const urn_site_info *info, int64_t *n)
{
    for (int64_t k = 0; k < info->size; k++) {
        sbc_quantity *q = next(c, n);
        if (q == NULL)
            continue;
        q->kind = SBC_ELEMENT;
        q->site = site;
        q->element = k;
        name_element(q->name, info, k);
    }
}

/* Rows of one site with rows of the other, as many as fit. */
static void list_products(sbc_run *c, const urn_model *model, int a, int b, int64_t *n)
{
    urn_site_info u, v;
    urn_model_site(model, a, &u);
    urn_model_site(model, b, &v);
    const int64_t d = u.n_dims > 0 ? u.dims[u.n_dims - 1] : 0;
    const int64_t rows = d > 0 ? u.size / d : 0, others = d > 0 ? v.size / d : 0;
    for (int64_t k = 0; k < rows * others && k < MOST_ELEMENTS; k++) {
        sbc_quantity *q = next(c, n);
        if (q == NULL)
            continue;
        q->kind = SBC_PRODUCT;
        q->site = a;
        q->other = b;
        q->element = k / others * d;
        q->other_element = k % others * d;
        q->n = d;
        snprintf(q->name, sizeof q->name, "%.60s[%lld] . %.60s[%lld]", u.name,
                 (long long)(k / others), v.name, (long long)(k % others));
    }
}

static int64_t list_all(sbc_run *c, const urn_model *model, const unsigned *roles)
{
    const char *wanted = cli_text(c->args, "sites");
    int64_t n = 0;
    int a, b;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        const bool turns = (roles[i] & (URN__ROLE_FACTOR | URN__ROLE_AXES)) != 0;
        if (cli_is_drawn(&info) &&
            (wanted != NULL ? cli_listed(wanted, info.name) : !turns && info.size <= MOST_ELEMENTS))
            list_site(c, i, &info, &n);
    }
    if (wanted != NULL)
        return n;
    for (int k = 0; urn__model_factors(model, k, &a, &b); k++)
        list_products(c, model, a, b, &n);
    sbc_quantity *q = c->with_likelihood ? next(c, &n) : NULL;
    if (q != NULL) {
        q->kind = SBC_LIKELIHOOD;
        snprintf(q->name, sizeof q->name, "log likelihood");
    }
    return n;
}

/* Names of what turns with the factors, "U, V". */
static urn_status list_left_out(sbc_run *c, const urn_model *model, const unsigned *roles,
                                urn_error *error)
{
    size_t room = 1, used = 0;
    urn_site_info info;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_model_site(model, i, &info);
        room += strlen(info.name) + 2;
    }
    c->left_out = calloc(room, 1);
    if (c->left_out == NULL)
        return cli_fail_memory(error);
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_model_site(model, i, &info);
        if (cli_is_drawn(&info) && roles[i] & (URN__ROLE_FACTOR | URN__ROLE_AXES) &&
            cli_text(c->args, "sites") == NULL)
            used += (size_t)snprintf(c->left_out + used, room - used, "%s%s", used > 0 ? ", " : "",
                                     info.name);
    }
    return URN_OK;
}

urn_status sbc_list(sbc_run *c, const urn_model *model, urn_error *error)
{
    unsigned *roles = calloc((size_t)urn_model_site_count(model) + 1, sizeof *roles);
    urn_status status =
        roles != NULL ? urn__model_roles(model, roles, error) : cli_fail_memory(error);
    if (status == URN_OK)
        status = list_left_out(c, model, roles, error);
    if (status == URN_OK) {
        c->n = list_all(c, model, roles);
        if (c->n == (cli_text(c->args, "sites") == NULL && c->with_likelihood))
            status = cli_fail(error, URN_ERR_USAGE, "name latent or recorded sites with --sites",
                              "there is no site to rank");
    }
    if (status == URN_OK) {
        c->quantities = calloc((size_t)c->n + 1, sizeof *c->quantities);
        if (c->quantities != NULL)
            (void)list_all(c, model, roles);
        else
            status = cli_fail_memory(error);
    }
    free(roles);
    return status;
}

void sbc_clear(sbc_run *c)
{
    free(c->quantities);
    free(c->left_out);
    free(c->k_hat);
}

double sbc_read(const sbc_quantity *q, const double *const *value, double likelihood)
{
    double sum = 0.0;
    if (q->kind == SBC_LIKELIHOOD)
        return likelihood;
    if (q->kind == SBC_ELEMENT)
        return value[q->site][q->element];
    for (int64_t k = 0; k < q->n; k++)
        sum += value[q->site][q->element + k] * value[q->other][q->other_element + k];
    return sum;
}
