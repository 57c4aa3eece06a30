/* Convergence of chains, by the elements of the sites listed. */
#include "../inference/compare/compare.h"
#include "../io/io.h"
#include "sites.h"
#include <math.h>
#include <string.h>

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
        const json_t *entry = json_array_get(sites, s),
                     *elements = json_object_get(entry, "elements");
        const bool turns = json_is_true(json_object_get(entry, "turns"));
        for (size_t i = 0; !turns && i < json_array_size(elements); i++)
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

static void warn_of_ess(const extreme *x, const char *what, json_t *warnings)
{
    char text[512];
    if (x->beyond == 0)
        return;
    snprintf(
        text, sizeof text,
        "the %s effective sample size of %lld of %lld elements is below %.0f a chain, the least "
        "is %.0f of %s: %s are rough; take more draws (--draws), or thin less",
        what, (long long)x->beyond, (long long)x->n, URN__ESS_LIMIT, x->value, x->name,
        strcmp(what, "bulk") == 0 ? "means" : "intervals");
    json_array_append_new(warnings, json_string(text));
}

static json_t *warnings_of(const json_t *sites, int64_t chains)
{
    json_t *warnings = json_array();
    const double least = URN__ESS_LIMIT * (double)chains;
    const extreme r_hat = find(sites, "r_hat", 1.0, URN__R_HAT_LIMIT),
                  bulk = find(sites, "ess_bulk", -1.0, least),
                  tail = find(sites, "ess_tail", -1.0, least);
    if (r_hat.beyond > 0) {
        char text[640];
        snprintf(
            text, sizeof text,
            "R-hat of %lld of %lld elements is above %g, the worst is %.4g of %s: the chains do "
            "not agree, so they have not yet forgotten where they began, or there are several "
            "modes; try a longer --warmup and more --draws, or another --init",
            (long long)r_hat.beyond, (long long)r_hat.n, URN__R_HAT_LIMIT, r_hat.value, r_hat.name);
        json_array_append_new(warnings, json_string(text));
    }
    warn_of_ess(&bulk, "bulk", warnings);
    warn_of_ess(&tail, "tail", warnings);
    return warnings;
}

json_t *cli_convergence_json(const json_t *sites, int64_t chains)
{
    const extreme r_hat = find(sites, "r_hat", 1.0, URN__R_HAT_LIMIT),
                  bulk = find(sites, "ess_bulk", -1.0, 0.0),
                  tail = find(sites, "ess_tail", -1.0, 0.0);
    if (bulk.n == 0)
        return NULL;
    json_t *object = json_object();
    add(object, "r_hat", &r_hat);
    add(object, "ess_bulk", &bulk);
    add(object, "ess_tail", &tail);
    json_object_set_new(object, "warnings", warnings_of(sites, chains));
    return object;
}

json_t *cli_warnings_without_convergence(const json_t *fit)
{
    const json_t *all = json_object_get(fit, "warnings");
    const json_t *later = urn__io_json_get(fit, "convergence.warnings");
    json_t *warnings = json_array();
    for (size_t i = 0; i < json_array_size(all); i++) {
        bool found = false;
        for (size_t k = 0; k < json_array_size(later); k++)
            found = found || json_equal(json_array_get(all, i), json_array_get(later, k));
        if (!found)
            json_array_append(warnings, json_array_get(all, i));
    }
    return warnings;
}

/* Sites that are found up to turns and signs only: their rows of the table are no sign of trouble.
 */
static void print_turning(const json_t *sites)
{
    int n = 0;
    for (size_t s = 0; s < json_array_size(sites); s++) {
        const json_t *entry = json_array_get(sites, s);
        const json_t *elements = json_object_get(entry, "elements");
        if (!json_is_true(json_object_get(entry, "turns")) || json_array_size(elements) == 0 ||
            json_object_get(json_array_get(elements, 0), "ess_bulk") == NULL)
            continue;
        printf("%s%s", n++ == 0 ? "\n" : ", ", urn__io_json_get_text(entry, "site", ""));
    }
    if (n > 0)
        printf(": turn%s with the factors, so chains need not agree; \"urn compare\" looks at what "
               "does not turn\n",
               n == 1 ? "s" : "");
}

void cli_warnings_print(const json_t *sites, int64_t chains, const json_t *warnings)
{
    const extreme bulk = find(sites, "ess_bulk", -1.0, 0.0);
    if (bulk.n > 0 && chains == 1)
        printf("\none chain: R-hat needs several (--chains 4)\n");
    print_turning(sites);
    for (size_t i = 0; i < json_array_size(warnings); i++)
        printf("%swarning: %s\n", i == 0 ? "\n" : "",
               json_string_value(json_array_get(warnings, i)));
}
