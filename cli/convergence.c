/* Convergence of chains, by the elements of the sites listed. Thresholds are those of Vehtari et
 * al. (Bayesian Analysis 16, 2021): R-hat below 1.01, effective sample sizes of 100 a chain. */
#include "../io/io.h"
#include "sites.h"
#include <math.h>
#include <string.h>

#define WORST_R_HAT 1.01
#define LEAST_ESS 100.0

/* The extreme value of a key among all elements, and how many are beyond a limit. */
typedef struct extreme {
    double value; /* NaN: none */
    char name[160];
    int64_t n, beyond; /* elements with a value */
} extreme;

static void look_at(const json_t *row, const char *key, double sign, double limit, extreme *x)
{
    const double value = urn__io_json_get_real(row, key, (double)NAN);
    if (isnan(value))
        return;
    x->n++;
    x->beyond += sign * value > sign * limit;
    if (isnan(x->value) || sign * value > sign * x->value) {
        x->value = value;
        snprintf(x->name, sizeof x->name, "%s", urn__io_json_get_text(row, "name", ""));
    }
}

/* sign 1: the largest, -1: the smallest. */
static extreme find(const json_t *sites, const char *key, double sign, double limit)
{
    extreme x = {.value = (double)NAN};
    for (size_t s = 0; s < json_array_size(sites); s++) {
        const json_t *elements = json_object_get(json_array_get(sites, s), "elements");
        for (size_t i = 0; i < json_array_size(elements); i++)
            look_at(json_array_get(elements, i), key, sign, limit, &x);
    }
    return x;
}

static void add(json_t *object, const char *key, const extreme *x)
{
    if (x->n > 0)
        json_object_set_new(
            object, key,
            json_pack("{s:s,s:o}", "name", x->name, "value", urn__io_json_real(x->value)));
}

json_t *cli_convergence_json(const json_t *sites)
{
    const extreme r_hat = find(sites, "r_hat", 1.0, WORST_R_HAT),
                  bulk = find(sites, "ess_bulk", -1.0, 0.0),
                  tail = find(sites, "ess_tail", -1.0, 0.0);
    if (bulk.n == 0)
        return NULL;
    json_t *object = json_object();
    add(object, "r_hat", &r_hat);
    add(object, "ess_bulk", &bulk);
    add(object, "ess_tail", &tail);
    return object;
}

/* A model of rows of factors: what goes with them is found up to turns and signs only. */
static bool has_factors(const urn_model *model)
{
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (site.role == URN_SITE_LATENT && site.n_plates > 0 && site.n_dims > site.n_plates &&
            site.size > CLI_SMALL_SITE)
            return true;
    }
    return false;
}

static void append(json_t *warnings, const char *text)
{
    for (size_t i = 0; i < json_array_size(warnings); i++)
        if (strcmp(json_string_value(json_array_get(warnings, i)), text) == 0)
            return;
    json_array_append_new(warnings, json_string(text));
}

static void warn_of_ess(const extreme *x, const char *what, json_t *warnings)
{
    char text[512];
    if (x->beyond == 0)
        return;
    snprintf(
        text, sizeof text,
        "the %s effective sample size of %lld of %lld elements is below %.0f a chain, the least "
        "is %.0f of %s: %s are rough; take more draws (--draws), or thin less",
        what, (long long)x->beyond, (long long)x->n, LEAST_ESS, x->value, x->name,
        strcmp(what, "bulk") == 0 ? "means" : "intervals");
    append(warnings, text);
}

void cli_convergence_warn(const json_t *sites, const urn_model *model, int64_t chains,
                          json_t *warnings)
{
    const double least = LEAST_ESS * (double)chains;
    const extreme r_hat = find(sites, "r_hat", 1.0, WORST_R_HAT),
                  bulk = find(sites, "ess_bulk", -1.0, least),
                  tail = find(sites, "ess_tail", -1.0, least);
    if (r_hat.beyond > 0) {
        char text[640];
        snprintf(
            text, sizeof text,
            "R-hat of %lld of %lld elements is above %g, the worst is %.3g of %s: the chains do "
            "not agree, so they have not yet forgotten where they began, or there are several "
            "modes; try a longer --warmup and more --draws, another --init%s",
            (long long)r_hat.beyond, (long long)r_hat.n, WORST_R_HAT, r_hat.value, r_hat.name,
            has_factors(model)
                ? " (of rows of factors, and of what goes with them, order and signs are "
                  "arbitrary: judge by the noise and by predictions)"
                : "");
        append(warnings, text);
    }
    warn_of_ess(&bulk, "bulk", warnings);
    warn_of_ess(&tail, "tail", warnings);
}

void cli_warnings_print(const json_t *sites, int64_t chains, const json_t *warnings)
{
    const extreme bulk = find(sites, "ess_bulk", -1.0, 0.0);
    if (bulk.n > 0 && chains == 1)
        printf("\none chain: R-hat needs several (--chains 4)\n");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        printf("%swarning: %s\n", i == 0 ? "\n" : "",
               json_string_value(json_array_get(warnings, i)));
}
