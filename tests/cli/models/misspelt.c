#include <urn/urn.h>

/* Does not compile: there is no family "normall". */
static void misspelt(urn_model *m)
{
    urn_sample(m, "a", normall, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0));
}
URN_MODEL(misspelt, "a test");
