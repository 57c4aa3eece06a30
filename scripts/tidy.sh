#!/bin/bash
# clang-tidy over every C file: scripts/tidy.sh [files] -- compiler flags
set -euo pipefail

clang_tidy=${CLANG_TIDY:-clang-tidy}
command -v "$clang_tidy" >/dev/null || { echo "tidy: clang-tidy is missing" >&2; exit 1; }
files=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    files+=("$1")
    shift
done
shift || true
root=$(cd "$(dirname "$0")/.." && pwd)
if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(find "$root"/{runtime,inference,io,bridge,models,cli,examples,bench,tests} -name '*.c' | sort)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One file a process; findings of all files are shown, then it fails if there was any.
printf '%s\0' "${files[@]}" |
    xargs -0 -P "$(nproc)" -I '{}' "$clang_tidy" --quiet --config-file="$root/.clang-tidy" '{}' -- "$@" >"$log" 2>/dev/null || true
if grep -E ': (warning|error): ' "$log" | sort -u | grep .; then
    exit 1
fi
echo "tidy: fine (${#files[@]} files)"
