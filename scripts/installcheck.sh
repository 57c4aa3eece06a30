#!/bin/bash
# What an installed Urn must do, away from the tree it was built in: compile and check a model of the user's,
# and let a C program be built through pkg-config. `make installcheck` gives the directories.
set -euo pipefail

: "${BINDIR:?}" "${LIBDIR:?}" "${PKGCONFIGDIR:?}" "${CC:=cc}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CACHE_HOME=$work/cache
unset URN_INCLUDE URN_SRCDIR URN_BUILDDIR

"$BINDIR/urn" models | grep -q '^hpmf '
"$BINDIR/urn" new mine >/dev/null
"$BINDIR/urn" simulate mine.c --plate group=20 --rows 400 --seed 1 --out data >/dev/null
"$BINDIR/urn" fit mine.c --data data/data.csv --steps 200 --lr 0.05 --out run >/dev/null 2>&1
[ -s run/fit.json ] && [ -s run/draws.nc ]

# with BridgeStan's functions, for programs that know nothing of Urn
"$BINDIR/urn" build --bridgestan mine.c -o libmine.so >/dev/null
cat >bridge.c <<'END'
#include <dlfcn.h>
#include <stddef.h>

int main(void)
{
    void *model = dlopen("./libmine.so", RTLD_NOW);
    return model == NULL || dlsym(model, "bs_log_density_gradient") == NULL;
}
END
$CC bridge.c -o bridge -ldl
./bridge

cat >host.c <<'END'
#include <stdio.h>
#include <urn/urn.h>

int main(void)
{
    for (int i = 0; i < urn_engine_count(); i++)
        puts(urn_engine_name(urn_engine_at(i)));
    return 0;
}
END
export PKG_CONFIG_PATH=$PKGCONFIGDIR
# shellcheck disable=SC2046,SC2086
$CC -Wall -Werror host.c $(pkg-config --cflags --libs urn) -o host
LD_LIBRARY_PATH=$LIBDIR ./host | grep -qx svi
echo "installcheck: fine"
