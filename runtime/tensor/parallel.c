/* The parallel loop. */
#include "tensor.h"

#include <omp.h>

void urn__parallel(int threads, int64_t n_chunks,
                   void (*body)(void *context, int64_t chunk, int thread), void *context)
{
    if (threads <= 1 || n_chunks <= 1) {
        for (int64_t chunk = 0; chunk < n_chunks; chunk++)
            body(context, chunk, 0);
        return;
    }
    /* Always the same number of threads, also where there are fewer chunks: OpenMP keeps a team
     * waiting for the next loop, and would take it apart and build it again for another size. */
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t chunk = 0; chunk < n_chunks; chunk++)
        body(context, chunk, omp_get_thread_num());
}

int urn__thread_count(int wanted)
{
    const int all = omp_get_num_procs();
    if (wanted > 0)
        return wanted;
    return all > 0 ? all : 1;
}
