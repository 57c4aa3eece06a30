# What the tests of the command line share. A script sources this, runs `urn` through `run` and ends
# with `finish`. Each has a directory of its own, which is also its cache and its home.
set -u
urn=${URN_BUILDDIR:?run me through "make check"}/urn
here=${URN_SRCDIR:?}/tests/cli
work=$(mktemp -d "${TMPDIR:-/tmp}/urn-cli.XXXXXX")
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
export HOME=$work XDG_CACHE_HOME=$work/cache NO_COLOR=1 LC_ALL=C
unset URN_INCLUDE
cd "$work" || exit 1
failures=0 checks=0

fail() {
    failures=$((failures + 1))
    printf 'FAIL: %s\n' "$*" >&2
    [ -z "${last:-}" ] || printf '  after: urn %s\n' "$last" >&2
    [ ! -s err ] || sed 's/^/  stderr: /' err | tail -n 12 >&2
}

# run EXIT-CODE ARGUMENTS...: runs urn; its output is in ./out and ./err.
run() {
    expected=$1
    shift
    last="$*"
    checks=$((checks + 1))
    "$urn" "$@" >out 2>err
    code=$?
    [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected"
}

# in_err TEXT, in_out TEXT: the text stands in what the last run printed.
in_err() {
    checks=$((checks + 1))
    grep -qF -- "$1" err || fail "stderr lacks: $1"
}
in_out() {
    checks=$((checks + 1))
    grep -qF -- "$1" out || fail "stdout lacks: $1"
}
not_in_err() {
    checks=$((checks + 1))
    ! grep -qF -- "$1" err || fail "stderr has: $1"
}
# check COMMAND...: any other condition.
check() {
    checks=$((checks + 1))
    "$@" || fail "not true: $*"
}
absent() {
    for path in "$@"; do
        check test ! -e "$path"
    done
}

# python EXPRESSION...: needs python3; the checks it would make are said to be left out otherwise.
have_python() {
    command -v python3 >/dev/null && return 0
    echo "SKIP: no python3 here: JSON is not looked into" >&2
    return 1
}
# json FILE PYTHON-EXPRESSION: true of the parsed file `j`.
json() {
    have_python || return 0
    checks=$((checks + 1))
    python3 -c '
import json, math, sys
def refuse(name): raise ValueError("not JSON: " + name)
j = json.load(open(sys.argv[1]), parse_constant=refuse)
sys.exit(0 if eval(sys.argv[2]) else 1)' "$1" "$2" || fail "$1: not true: $2"
}

# A small set of ratings drawn from hpmf itself: ./small/data.csv
small_data() {
    run 0 simulate hpmf --plate user=40,item=15 --rows 300 --fix obs_scale=1 --set dim=2 --seed 4 \
        --out small
}
quick="--steps 30 --evaluations 5 --k-hat-draws 50 --quiet"

finish() {
    printf '%d checks, %d failed\n' "$checks" "$failures"
    [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
    exit
}
