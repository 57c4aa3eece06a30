/* One step of an optimiser on a range of parameters. Compiled once per precision. */
#include "../runtime/tensor/real.h"
#include "optimiser.h"

void URN__REAL(optimiser_update)(const urn__optimiser *optimiser, const urn__kernels_real *kernels,
                                 int64_t n, bool decay, const urn__real *g, urn__real *m,
                                 urn__real *v, urn__real *p)
{
    if (optimiser->kind == URN__SGD) {
        kernels->momentum(n, optimiser->lr_now, optimiser->momentum, g, m, p);
        return;
    }
    urn__adam adam = optimiser->adam;
    if (!decay)
        adam.weight_decay = 0.0;
    kernels->adam(n, &adam, g, m, v, p);
}
