#!/bin/bash
# Runs the examples and compares what they find with examples/expected. Each model file of examples/models
# names its command ("urn fit ...") in the comment at its head, and that very command is run; embed is run
# as it is built. Means and sds may differ from the expected ones by 2 % of the sd: other compilers and CPU
# paths round differently.  examples/run.sh --update writes the expected files anew.
set -euo pipefail

root=${URN_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${URN_BUILDDIR:-$root}
urn=$build/urn
update=false
[ "${1:-}" != --update ] || update=true
cd "$root"
[ -x "$urn" ] || { echo "examples: no program $urn" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME=$scratch/cache
bad=0

# The command in a model file's head, as one line.
command_of() {
    awk '/^ \* *urn fit / { inside = 1 }
        inside { more = sub(/ *\\$/, ""); sub(/^ \* */, ""); printf "%s%s", gap, $0; gap = " "; if (!more) exit }' "$1"
}

# The rows of the site table, as: site mean sd
table_of() {
    awk '/^site +mean +sd/ { inside = 1; next } NF == 0 { inside = 0 } inside && NF == 6 { print $1, $2, $3 }'
}

# Rows "site mean sd", or any other text, of two files: the numbers must be near each other.
compare() {
    awk -v name="$1" '
        function off(a, b, tolerance) { return a - b > tolerance || b - a > tolerance }
        NR == FNR { row[NR] = $0; n = NR; next }
        {
            split(row[FNR], want, " ")
            slack = 0.02 * want[3] + 0.001
            if (FNR > n || $1 != want[1] || off($2, want[2], slack) || off($3, want[3], slack)) {
                printf "examples: %s: found \"%s\", expected \"%s\"\n", name, $0, row[FNR]
                wrong = 1
            }
        }
        END {
            if (FNR < n) { printf "examples: %s: %d rows, expected %d\n", name, FNR, n; wrong = 1 }
            exit wrong
        }' "$2" "$3" >&2
}

# check NAME: the rows in $scratch/NAME against the expected ones
check() {
    if [ ! -s "$scratch/$1" ]; then
        echo "examples: $1: no site table in what it prints" >&2
        bad=1
    elif $update; then
        cp "$scratch/$1" "examples/expected/$1.out"
    elif ! compare "$1" "examples/expected/$1.out" "$scratch/$1"; then
        bad=1
    fi
}

for model in examples/models/*.c; do
    name=$(basename "$model" .c)
    words=$(command_of "$model")
    case $words in
    "urn fit $model "*) ;;
    *) echo "examples: $model: no command \"urn fit $model ...\" at its head" >&2; bad=1; continue ;;
    esac
    # shellcheck disable=SC2086
    if ! "$urn" ${words#urn } --quiet --seed 1 >"$scratch/text" 2>"$scratch/errors"; then
        echo "examples: $words" >&2
        cat "$scratch/errors" >&2
        bad=1
        continue
    fi
    table_of <"$scratch/text" >"$scratch/$name"
    check "$name"
done

if "$build/examples/embed" >"$scratch/text"; then
    sed -nE 's/^(.*[^ ]) +mean +([-0-9.]+)( +sd +([-0-9.]+))?.*/\1 \2 \4/p' "$scratch/text" | sed 's/week \([0-9]*\)/week_\1/; s/ *$//' >"$scratch/embed"
    check embed
else
    echo "examples: embed failed" >&2
    bad=1
fi

[ $bad -eq 0 ] && echo "examples: fine"
exit $bad
