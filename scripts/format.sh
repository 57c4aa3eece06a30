#!/bin/bash
# scripts/format.sh [--check]: clang-format over every C file of the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

clang_format=${CLANG_FORMAT:-clang-format}
command -v "$clang_format" >/dev/null || { echo "format: clang-format is missing" >&2; exit 1; }
mode=(-i)
[ "${1:-}" != --check ] || mode=(--dry-run -Werror)
find include runtime inference io bridge models cli examples bench tests -name '*.[ch]' -print0 |
    xargs -0 -P "$(nproc)" -n 16 "$clang_format" "${mode[@]}"
echo "format: fine"
