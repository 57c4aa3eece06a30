#!/bin/bash
# Counts the instructions of small fixed pieces of work (bench/steps.c) under callgrind, on the CPU paths
# valgrind knows, and compares them with bench/instructions.txt: more than 3 % above is a failure,
# more than 10 % below asks for new figures. Times never enter; a count is the same on every machine,
# but not with another compiler, other flags or another C library: then it says so and skips.
#   scripts/instructions.sh BUILD_DIRECTORY [--update]     --update writes the figures
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIRECTORY [--update]" >&2; exit 2; }
figures=$root/bench/instructions.txt
cd "$1"
update=${2:-}

skip() {
    echo "instructions: skipped: $1"
    exit 77
}

command -v valgrind >/dev/null || skip "there is no valgrind"
[ "$(uname -m)" = x86_64 ] || skip "figures are for x86-64"

# variable NAME: as this directory was configured
variable() {
    sed -n "s/^$1 = //p" Makefile | head -n 1
}
compiler=$(variable CC)
compiler=${compiler##*ccache }
read -r program _ <<<"$compiler"
# what debuggers want changes no code
flags=$(variable CFLAGS | sed 's/ *-g[^ ]*//g')
tools="$(basename "$program") $($program -dumpversion | cut -d. -f1), flags $flags, libc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"
recorded=$(sed -n 's/^# tools: //p' "$figures")
if [ "$update" != --update ] && [ "$tools" != "$recorded" ]; then
    skip "the figures are of $recorded; this is $tools"
fi

make -s bench/steps
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
for path in base v3; do
    valgrind -q --tool=callgrind --callgrind-out-file="$work/$path" bench/steps $path
    # one dump a piece, named by the program
    for dump in "$work/$path".*; do
        name=$(sed -n 's/^desc: Trigger: Client Request: //p' "$dump")
        count=$(sed -n 's/^summary: //p' "$dump")
        if [ -z "$name" ] || [ -z "$count" ]; then
            echo "instructions: no count in a dump of $path" >&2
            exit 1
        fi
        echo "$name $path $count"
    done
done | sort >"$work/found"
[ "$(wc -l <"$work/found")" -ge 2 ] || skip "bench/steps was built without valgrind's headers"

if [ "$update" = --update ]; then
    {
        echo "# Instructions of the pieces of bench/steps.c by CPU path: scripts/instructions.sh DIRECTORY --update"
        echo "# tools: $tools"
        cat "$work/found"
    } >"$figures"
    echo "instructions: $(wc -l <"$work/found") figures written to bench/instructions.txt"
    exit 0
fi

awk '
    /^#/ { next }
    NR == FNR { expected[$1 " " $2] = $3; next }
    {
        key = $1 " " $2
        if (!(key in expected)) {
            printf "%-20s %-4s %12d: no figure for it\n", $1, $2, $3
            bad = 1
            next
        }
        change = 100 * ($3 / expected[key] - 1)
        note = ""
        if (change > 3) { note = "  MORE THAN 3 % UP"; bad = 1 }
        if (change < -10) { note = "  well below: write new figures (--update)" }
        printf "%-20s %-4s %12d, figure %12d, %+6.2f %%%s\n", $1, $2, $3, expected[key], change, note
        delete expected[key]
    }
    END {
        for (key in expected) { printf "%s: not counted any more\n", key; bad = 1 }
        exit bad
    }' "$figures" "$work/found" || { echo "instructions: worse than the figures (or not the same pieces)" >&2; exit 1; }
echo "instructions: fine"
