/* urn fit --profile: where the time of the steps went. */
#include "profile.h"
#include "cli.h"
#include <string.h>

/* Phases of the engine come first and are disjoint; the ops are inside one of them. */
static bool is_op(const urn_profile_entry *e)
{
    return e->shape[0] != '\0';
}

static double total(const urn_fit *fit, bool ops)
{
    urn_profile_entry e;
    double seconds = 0;
    for (int i = 0; urn_fit_profile_at(fit, i, &e); i++)
        seconds += is_op(&e) == ops ? e.seconds : 0.0;
    return seconds;
}

static void print_part(const urn_fit *fit, bool ops)
{
    urn_profile_entry e;
    const double all = total(fit, ops);
    if (!(all > 0.0))
        return;
    printf("\n%-32s %10s %10s %7s  %s\n", ops ? "op" : "phase", "runs", "ms a run", "share",
           ops ? "shape" : "");
    for (int i = 0; urn_fit_profile_at(fit, i, &e); i++)
        if (is_op(&e) == ops && e.runs > 0)
            printf("%-32s %10lld %10.4f %5.1f %%  %s\n", e.op, (long long)e.runs,
                   1e3 * e.seconds / (double)e.runs, 100.0 * e.seconds / all, e.shape);
}

void cli_profile_print(const urn_fit *fit)
{
    print_part(fit, false);
    print_part(fit, true);
}

json_t *cli_profile_json(const urn_fit *fit)
{
    urn_profile_entry e;
    json_t *list = json_array();
    for (int i = 0; urn_fit_profile_at(fit, i, &e); i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:f}", is_op(&e) ? "op" : "phase",
                                              e.op, "shape", e.shape, "runs", (json_int_t)e.runs,
                                              "seconds", e.seconds));
    return list;
}
