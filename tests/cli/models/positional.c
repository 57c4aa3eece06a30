#include <urn/urn.h>

/* Does not compile: a parameter without its word. */
static void positional(urn_model *m)
{
    urn_sample(m, "a", normal, urn_real(m, 0.0), .scale = urn_real(m, 1.0));
}
URN_MODEL(positional, "a test");
