/* The table of guides, and what is asked of one before it is made. */
#include "guides.h"

static const urn__guide_kind *const kinds[] = {
#define URN_GUIDE(name, word) &urn__guide_##name,
#include "guides.def"
#undef URN_GUIDE
};

const urn__guide_kind *urn__guide_kind_of(const urn__settings *settings)
{
    return kinds[urn__setting_int(settings, "guide")];
}

/* The layout for as long as `use` takes; kinds without one have none. */
static urn_status with_layout(const urn__guide_plan *plan, const urn__target *target,
                              urn__layout *layout, urn_error *error)
{
    const size_t n = (size_t)target->n_blocks + 1;
    *layout = (urn__layout){.size = target->size};
    urn_normal_block *blocks = urn__alloc(target->allocator, n * sizeof *blocks);
    int64_t *starts = urn__alloc(target->allocator, n * sizeof *starts);
    urn_status status = blocks && starts ? URN_OK : urn__fail_memory(error, "a guide", n);
    layout->blocks = blocks;
    if (status == URN_OK)
        status = plan->kind->lay_out(target, plan->rank, blocks, layout, error);
    if (status == URN_OK && !urn__layout_count(layout, starts))
        status = urn__fail_memory(error, "a guide", SIZE_MAX);
    layout->blocks = NULL;
    layout->start = NULL;
    urn__free(target->allocator, blocks);
    urn__free(target->allocator, starts);
    return status;
}

urn_status urn__guide_accepts(const urn__guide_plan *plan, const urn__target *target,
                              urn_error *error)
{
    urn__layout layout;
    if (!plan->kind->lay_out)
        return URN_OK;
    if (target->precision == URN_PRECISION_SINGLE)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL,
                         "leave out --precision single, or use --guide normal or delta",
                         "--guide %s computes in double precision only", plan->kind->name);
    return with_layout(plan, target, &layout, error);
}

int64_t urn__factor_memory(const urn__guide_plan *plan, const urn__target *target, int arrays)
{
    urn__layout layout;
    if (with_layout(plan, target, &layout, NULL) != URN_OK)
        return 0; /* accepts said so */
    const int64_t r = layout.rank,
                  pieces = layout.n_factor / (URN__CHUNK / 2) + layout.size / URN__CHUNK;
    return (layout.n_factor * arrays + 2 * layout.size + 18 * r * r) * (int64_t)sizeof(double) +
           pieces * (int64_t)sizeof(urn__piece);
}

int64_t urn__guide_posterior_memory(const urn__guide_plan *plan, const urn__target *target)
{
    urn__layout layout = {0};
    const int64_t a_array = target->size * (int64_t)sizeof(double);
    if (!plan->kind->lay_out || with_layout(plan, target, &layout, NULL) != URN_OK)
        return a_array * (plan->kind->normal ? 2 : 1);
    return a_array * 2 + urn__normal_form_bytes(&layout);
}
