/* Normal between low and high, either of which may be left out: truncation of a family that needs
 * no sentence of its own. */
#include "density.h"
#include "made.h"

const urn_family *URN__FAMILY_FUNCTION(normal)(void);

static urn_family truncated(void)
{
    urn_family f = {.bytes = sizeof f, .base = URN__FAMILY_FUNCTION(normal)()};
    urn__truncated_functions(&f);
    return f;
}

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    const urn_family f = truncated();
    return f.scratch_of(&f, n, dim);
}

static void log_density(const urn_density_call *c)
{
    const urn_family f = truncated();
    urn_density_call call = *c;
    call.family = &f;
    f.log_density(&call);
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const urn_family f = truncated();
    urn_draw_call call = *c;
    call.family = &f;
    f.draw(&call, row, rng);
}

#define SUMMARY(function)                                                                          \
    static void function(const urn_draw_call *c)                                                   \
    {                                                                                              \
        const urn_family f = truncated();                                                          \
        urn_draw_call call = *c;                                                                   \
        call.family = &f;                                                                          \
        f.function(&call);                                                                         \
    }

SUMMARY(centre)
SUMMARY(mean)
SUMMARY(variance)
SUMMARY(cdf)
SUMMARY(quantile)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "truncated_normal",
    .support = urn_support_bounded,
    .low_word = "low",
    .high_word = "high",
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0},
               {"scale", 0, URN_DOMAIN_POSITIVE, 0},
               {"low", 0, URN_DOMAIN_REAL, -1},
               {"high", 0, URN_DOMAIN_REAL, -1}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(truncated_normal, family)
