/* The choice of a CPU path at run time. */
#include "gauss.h"
#include "kernels.h"

#include <string.h>

#if defined(__x86_64__) && (defined(URN_HAVE_V3) || defined(URN_HAVE_V4))
#define HAVE_CPU_SUPPORTS 1
#endif

static bool machine_has_v3(void)
{
#if defined(HAVE_CPU_SUPPORTS) && defined(URN_HAVE_V3)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

static bool machine_has_v4(void)
{
#if defined(HAVE_CPU_SUPPORTS) && defined(URN_HAVE_V4)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

/* Fills `tables` (room for 3), slowest first; returns how many the machine can run. */
static int tables_of_machine(const urn__kernels **tables)
{
    int n = 0;
    tables[n++] = urn__kernels_table_base();
#ifdef URN_HAVE_V3
    if (machine_has_v3())
        tables[n++] = urn__kernels_table_v3();
#else
    (void)machine_has_v3;
#endif
#ifdef URN_HAVE_V4
    if (machine_has_v4())
        tables[n++] = urn__kernels_table_v4();
#else
    (void)machine_has_v4;
#endif
    return n;
}

static urn_status fail_unknown(const char *name, const urn__kernels *const *tables, int n,
                               urn_error *error)
{
    urn__text list = {0};
    for (int i = 0; i < n; i++)
        urn__text_add(&list, "%s%s", i > 0 ? ", " : "", tables[i]->name);
    const urn_status status =
        urn__fail(error, URN_ERR_USAGE, NULL, NULL, "leave it out to take the fastest",
                  "there is no CPU path \"%s\" on this machine; it has %s", name,
                  list.data ? list.data : "base");
    urn__text_clear(&list);
    return status;
}

urn_status urn__kernels_select(const char *name, const urn__kernels **kernels, urn_error *error)
{
    const urn__kernels *tables[3];
    const int n = tables_of_machine(tables);
    if (!name) {
        *kernels = tables[n - 1];
        return URN_OK;
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(tables[i]->name, name) == 0) {
            *kernels = tables[i];
            return URN_OK;
        }
    }
    return fail_unknown(name, tables, n, error);
}

const urn__kernels_single *urn__kernels_in_single(const urn__kernels *kernels)
{
#ifdef URN_HAVE_V4
    if (kernels == urn__kernels_table_v4())
        return urn__kernels_table_v4_single();
#endif
#ifdef URN_HAVE_V3
    if (kernels == urn__kernels_table_v3())
        return urn__kernels_table_v3_single();
#endif
    (void)kernels;
    return urn__kernels_table_base_single();
}

const urn__gauss_kernels *urn__kernels_gauss(const urn__kernels *kernels)
{
#ifdef URN_HAVE_V4
    if (kernels == urn__kernels_table_v4())
        return urn__kernels_gauss_v4();
#endif
#ifdef URN_HAVE_V3
    if (kernels == urn__kernels_table_v3())
        return urn__kernels_gauss_v3();
#endif
    (void)kernels;
    return urn__kernels_gauss_base();
}
