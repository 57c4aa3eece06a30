/* The program's BLAS. Urn's own threads are the only ones wanted: dense products are cut into tiles
 * that are computed where they are asked for. OpenBLAS, though, starts a thread for every other
 * core when it is loaded, and these turn in a loop for a tenth of a second before they sleep, on
 * the cores Urn's threads should have. The functions are OpenBLAS's own and absent elsewhere. The
 * library leaves the settings of its host alone. */
#include "cli.h"

void openblas_set_num_threads(int n) __attribute__((weak));
int blas_thread_shutdown_(void) __attribute__((weak)); /* what OpenBLAS does before a fork */

void cli_calm_blas(void)
{
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (blas_thread_shutdown_)
        blas_thread_shutdown_();
}
