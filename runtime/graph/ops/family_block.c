/* Families in the precision of the graph. */
#include "family_block.h"
#include <string.h>

#ifndef URN_SINGLE

urn__family_runner urn__family_runner_of(const urn_family *family, const urn__exec *exec)
{
    (void)exec;
    return (urn__family_runner){.family = family};
}

int64_t urn__family_block_scratch(const urn_family *family, int64_t n, int64_t dim)
{
    return urn__family_scratch(family, n, dim);
}

void urn__family_block(const urn__family_runner *runner, urn__family_call *call, double *scratch)
{
    call->scratch = scratch;
    call->family = runner->family;
    runner->family->log_density(call);
}

#else

urn__family_runner urn__family_runner_of_single(const urn_family *family, const urn__exec *exec)
{
    return (urn__family_runner){.family = family,
                                .single = urn__family_single(family, exec->kernels_single->name)};
}

/* Rows of doubles, each array on a cache line of its own. */
static int64_t lines(int64_t n)
{
    return (n + 7) / 8 * 8;
}

int64_t urn__family_block_scratch_single(const urn_family *family, int64_t n, int64_t dim)
{
    const int64_t event = urn__event_elements(dim, family->event_rank);
    int64_t doubles = lines(n) + 2 * lines(n * event) + lines(urn__family_scratch(family, n, dim));
    for (int k = 0; k < URN_FAMILY_PARAMS && family->params[k].word != NULL; k++)
        doubles += 2 * lines(n * urn__param_elements(family, k, dim));
    return doubles;
}

static double *take(double **at, int64_t n)
{
    double *here = *at;
    *at += lines(n);
    return here;
}

static double *widened(double **at, int64_t n, const float *from)
{
    double *to = take(at, n);
    for (int64_t i = 0; i < n; i++)
        to[i] = (double)from[i];
    return to;
}

static double *zeros(double **at, int64_t n)
{
    double *to = take(at, n);
    memset(to, 0, (size_t)n * sizeof *to);
    return to;
}

/* A partial whose rows share one is added to, else overwritten. */
static void narrow(int64_t n, const double *from, bool shared, float *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)(shared ? (double)to[i] + from[i] : from[i]);
}

static void run_widened(const urn_family *family, const urn__density_call_single *c,
                        double *scratch)
{
    urn_density_call call = {
        .n = c->n, .dim = c->dim, .event = c->event, .x_stride = c->x_stride, .family = family};
    int64_t size[URN_FAMILY_PARAMS] = {0};
    const int64_t x_size = c->x_stride == 0 ? c->event : c->n * c->event;
    call.x = widened(&scratch, x_size, c->x);
    call.d_x = c->d_x == NULL ? NULL : zeros(&scratch, x_size);
    for (int k = 0; k < URN_FAMILY_PARAMS && family->params[k].word != NULL; k++) {
        if (c->param[k] == NULL)
            continue;
        call.stride[k] = c->stride[k];
        size[k] = urn__param_elements(family, k, c->dim) * (c->stride[k] == 0 ? 1 : c->n);
        call.param[k] = widened(&scratch, size[k], c->param[k]);
        call.d_param[k] = c->d_param[k] == NULL ? NULL : zeros(&scratch, size[k]);
    }
    call.log_density = take(&scratch, c->n);
    call.scratch = scratch;
    family->log_density(&call);
    narrow(c->n, call.log_density, false, c->log_density);
    if (c->d_x != NULL)
        narrow(x_size, call.d_x, c->x_stride == 0, c->d_x);
    for (int k = 0; k < URN_FAMILY_PARAMS; k++)
        if (c->d_param[k] != NULL)
            narrow(size[k], call.d_param[k], c->stride[k] == 0, c->d_param[k]);
}

void urn__family_block_single(const urn__family_runner *runner, urn__family_call *call,
                              double *scratch)
{
    call->scratch = (float *)(void *)scratch;
    if (runner->single != NULL)
        runner->single(call);
    else
        run_widened(runner->family, call, scratch);
}

#endif
