/* Which sites are better non-centred: a pilot fit says how much the data leave of the prior. */
#include "engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 1000, PILOT_DRAWS = 150, PILOT_STEPS = 1000 };

struct urn_forms {
    const urn_allocator *allocator;
    const char *why;
    int n;
    urn_form *form;
    char (*name)[64];
};

const char *urn_forms_why(const urn_forms *forms)
{
    return forms->why;
}

int urn_forms_count(const urn_forms *forms)
{
    return forms->n;
}

const urn_form *urn_forms_at(const urn_forms *forms, int i)
{
    return &forms->form[i];
}

void urn_forms_free(urn_forms *forms)
{
    if (!forms)
        return;
    urn__free(forms->allocator, forms->form);
    urn__free(forms->allocator, forms->name);
    urn__free(forms->allocator, forms);
}

/* ---- how much is left ---- */

/* A draw of the standard distribution as one of the standard normal: equal probability below. */
static double normal_score(const urn_family *family, double z)
{
    const double zero = 0.0, one = 1.0;
    double p = NAN, score = NAN;
    if (family == urn_family_normal() || family == urn_family_log_normal() ||
        family == urn_family_mvn() || family == urn_family_student_t()) /* df may be unknown */
        return z;
    urn_draw_call call = {
        .n = 1, .dim = 1, .event = 1, .param = {&zero, &one}, .stride = {1, 1}, .x = &z, .out = &p};
    family->cdf(&call);
    call.p = fmin(fmax(p, 1e-12), 1.0 - 1e-12);
    call.out = &score;
    urn_family_normal()->quantile(&call);
    return score;
}

static double variance_of(const urn_posterior *posterior, const urn_family *family, int64_t at,
                          double *position)
{
    const int64_t n = urn_posterior_chains(posterior) * urn_posterior_draws(posterior);
    double mean = 0.0, squares = 0.0;
    if (urn_posterior_kind_of(posterior) == URN_POSTERIOR_NORMAL) {
        const double scale = urn_posterior_scale(posterior)[at];
        return scale * scale;
    }
    for (int64_t s = 0; s < n; s++) {
        urn_posterior_draw_part(posterior, s, at, 1, position);
        const double x = normal_score(family, position[at]), change = x - mean;
        mean += change / (double)(s + 1);
        squares += change * (x - mean);
    }
    return n > 1 ? squares / ((double)n - 1.0) : 1.0;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median over elements, evenly spaced ones of large sites. */
static double variance_left(const urn_posterior *posterior, const urn_site_info *site,
                            double *position)
{
    double v[MOST_ELEMENTS];
    const int64_t n = site->free_size < MOST_ELEMENTS ? site->free_size : MOST_ELEMENTS;
    for (int64_t i = 0; i < n; i++)
        v[i] =
            variance_of(posterior, site->family, site->offset + i * site->free_size / n, position);
    qsort(v, (size_t)n, sizeof v[0], ascending);
    return n == 0 ? 1.0 : 0.5 * (v[(n - 1) / 2] + v[n / 2]);
}

/* ---- the pilot ---- */

static urn_status list_sites(const urn_model *model, urn_forms *forms, urn_error *error)
{
    const int n = urn_model_site_count(model);
    forms->form = urn__calloc(forms->allocator, (size_t)n + 1, sizeof *forms->form);
    forms->name = urn__calloc(forms->allocator, (size_t)n + 1, sizeof *forms->name);
    if (!forms->form || !forms->name)
        return urn__fail_memory(error, "forms of sites", (size_t)n);
    for (int i = 0; i < n; i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        if (!info.hierarchical || info.noncentred)
            continue;
        memcpy(forms->name[forms->n], info.name, strlen(info.name) + 1); /* at most 63 bytes */
        forms->form[forms->n].site = forms->name[forms->n];
        forms->n++;
    }
    return URN_OK;
}

static urn_status find_sites(const urn_model_def *def, const urn_trace_options *trace,
                             urn_forms *forms, urn_error *error)
{
    urn_model *model;
    URN_TRY(urn_model_trace(def, trace, &model, error));
    const urn_status status = list_sites(model, forms, error);
    urn_model_free(model);
    return status;
}

/* The model with all of them non-centred. */
static urn_status trace_pilot(const urn_model_def *def, const urn_trace_options *trace,
                              const urn_forms *forms, urn_model **model, urn_error *error)
{
    urn_trace_options options = *trace;
    const size_t given = trace->n_handlers, n = given + (size_t)forms->n;
    urn_handler *handlers = urn__calloc(forms->allocator, n + 1, sizeof *handlers);
    if (!handlers)
        return urn__fail_memory(error, "handlers", n);
    if (given > 0)
        memcpy(handlers, trace->handlers, given * sizeof *handlers);
    for (int i = 0; i < forms->n; i++)
        handlers[given + (size_t)i] =
            (urn_handler){.kind = URN_HANDLER_NONCENTRED, .site = forms->form[i].site};
    options.handlers = handlers;
    options.n_handlers = n;
    const urn_status status = urn_model_trace(def, &options, model, error);
    urn__free(forms->allocator, handlers);
    return status;
}

static urn_status fit_pilot(urn_model *model, const urn_fit_options *fit, urn_fit **pilot,
                            urn_error *error)
{
    const bool svi = fit->engine == urn_engine_find("svi");
    char steps[16];
    (void)snprintf(steps, sizeof steps, "%d", PILOT_STEPS);
    /* scales must come from their start to that of the prior within the pilot */
    const urn_setting of_svi[] = {{"steps", steps}, {"lr", "0.05"}};
    const urn_setting of_nuts[] = {{"max-depth", "6"}};
    const urn_fit_options options = {.bytes = sizeof options,
                                     .allocator = fit->allocator,
                                     .engine = svi ? fit->engine : urn_engine_find("nuts"),
                                     .settings = svi ? of_svi : of_nuts,
                                     .n_settings = svi ? 2 : 1,
                                     .seed = fit->seed,
                                     .chains = svi ? 0 : 1,
                                     .warmup = svi ? 0 : PILOT_DRAWS,
                                     .draws = svi ? 0 : PILOT_DRAWS,
                                     .threads = fit->threads,
                                     .cpu = fit->cpu,
                                     .context = fit->context,
                                     .interrupted = fit->interrupted};
    return urn_fit_run(model, &options, pilot, error);
}

static urn_status decide(const urn_model *model, const urn_posterior *posterior, urn_forms *forms,
                         urn_error *error)
{
    const size_t size = (size_t)urn_posterior_size(posterior);
    double *position = urn__calloc(forms->allocator, size + 1, sizeof *position);
    if (!position)
        return urn__fail_memory(error, "a position", size);
    for (int i = 0; i < forms->n; i++) {
        urn_form *form = &forms->form[i];
        urn_site_info info;
        urn_model_site(model, urn_model_site_find(model, form->site), &info);
        form->variance = variance_left(posterior, &info, position);
        form->noncentred = form->variance > 0.5;
    }
    urn__free(forms->allocator, position);
    return URN_OK;
}

static urn_status run_pilot(const urn_model_def *def, const urn_trace_options *trace,
                            const urn_fit_options *fit, urn_forms *forms, urn_error *error)
{
    urn_model *model = NULL;
    urn_fit *pilot = NULL;
    if (forms->n == 0)
        return URN_OK;
    URN_TRY(trace_pilot(def, trace, forms, &model, error));
    urn_status status = fit_pilot(model, fit, &pilot, error);
    if (status == URN_OK)
        status = decide(model, urn_fit_posterior(pilot), forms, error);
    urn_fit_free(pilot);
    urn_model_free(model);
    return status;
}

urn_status urn_forms_choose(const urn_model_def *def, const urn_trace_options *trace,
                            const urn_fit_options *fit, urn_forms **forms, urn_error *error)
{
    *forms = NULL;
    urn_forms *made = urn__calloc(trace->allocator, 1, sizeof *made);
    if (!made)
        return urn__fail_memory(error, "forms of sites", sizeof *made);
    made->allocator = trace->allocator;
    made->why = fit->engine->any_form;
    urn_status status = URN_OK;
    if (made->why == NULL)
        status = find_sites(def, trace, made, error);
    if (status == URN_OK)
        status = run_pilot(def, trace, fit, made, error);
    if (status == URN_OK)
        *forms = made;
    else
        urn_forms_free(made);
    return status;
}
