#!/bin/bash
# Configures and builds the tree out of place: scripts/build.sh DIRECTORY [configure arguments]
# Compiler output goes to DIRECTORY/build.log and is shown when something fails.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { echo "usage: $0 DIRECTORY [configure arguments]" >&2; exit 2; }
mkdir -p "$1"
directory=$(cd "$1" && pwd)
shift
log=$directory/build.log

run() {
    "$@" >>"$log" 2>&1 || { tail -n 60 "$log" >&2; echo "failed: $*   (all of it: $log)" >&2; exit 1; }
}

: >"$log"
cd "$root"
stale() {
    [ ! -x configure ] || [ ! -f Makefile.in ] ||
        [ -n "$(find . -path ./build -prune -o \( -name '*.am' -o -name configure.ac \) -newer Makefile.in -print -quit)" ]
}
if stale; then
    mkdir -p m4
    run autoreconf -fi
fi
cd "$directory"
# A directory configured before with other arguments starts over.
if [ "$(cat configured 2>/dev/null)" != "$*" ] || [ "$root/configure" -nt config.status ]; then
    run "$root/configure" "$@"
    printf '%s\n' "$*" >configured
fi
run make -j"$(nproc)"
