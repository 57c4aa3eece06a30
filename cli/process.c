/* What the program asks of the libraries of its process. The library Urn leaves such settings to
 * its host. */
#include "cli.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* OpenBLAS's own functions, absent elsewhere; the second is what it does before a fork. */
void openblas_set_num_threads(int n) __attribute__((weak));
int blas_thread_shutdown_(void) __attribute__((weak));

/* Urn's threads are the only ones wanted: it cuts dense products into tiles that are computed where
 * they are asked for. OpenBLAS, though, starts a thread for every other core when it is loaded, and
 * these turn in a loop for a tenth of a second before they sleep, on the cores Urn should have. */
static void calm_blas(void)
{
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (blas_thread_shutdown_)
        blas_thread_shutdown_();
}

/* Large blocks go back to the system when they are freed, and grow in place. (glibc would keep a
 * heap for those up to the size of the largest one freed so far.) */
static void return_large_blocks(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

void cli_settle_process(void)
{
    calm_blas();
    return_large_blocks();
}
