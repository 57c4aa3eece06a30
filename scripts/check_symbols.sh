#!/bin/bash
# The shared library exports urn_ names only, all that the public headers promise, and none of its objects
# prints, exits or takes memory behind the allocator's back.
set -euo pipefail

build=${URN_BUILDDIR:-.}
source=${URN_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
bad=0
complain() {
    echo "symbols: $1" >&2
    bad=1
}

library=$build/.libs/liburn.so
[ -e "$library" ] || { echo "symbols: no shared library in this build" >&2; exit 77; }
exported=$(nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' | sort -u)
[ -n "$exported" ] || complain "liburn.so exports nothing"
foreign=$(grep -vE '^urn_[a-z]' <<<"$exported" | grep -vE '^(_init|_fini|_edata|_end|__bss_start|__(a|t|ub)san_.*|__gcov.*)$' || true)
[ -z "$foreign" ] || complain "liburn.so exports names that are not public: $foreign"

# Functions the headers declare with URN_API (families and supports come from their lists;
# urn_model_entry is what a model's shared object defines).
promised=$(sed 's|/\*.*\*/||' "$source"/include/urn/*.h | grep -oE 'URN_API[^;(]*\b(urn_[a-z0-9_]+)\(' | grep -oE 'urn_[a-z0-9_]+\($' | tr -d '(' | grep -vE '_$|^urn_model_entry$' | sort -u)
for name in $promised; do
    grep -qx "$name" <<<"$exported" || complain "<urn/...> declares $name, liburn.so does not export it"
done

# Undefined names of the library's own objects. io may open and print into files; aligned_alloc and free
# belong to the allocator hook; io/json.c hands text to the command line that is released with free().
core=$build/.libs/liburn_core.a
undefined=$(nm -A -u "$core" 2>/dev/null | sed -E 's/^[^:]*:([^:]*):.* U (.*)$/\1 \2/' | sort -u)
offending=$(awk '$2 ~ /^(exit|_exit|abort|printf|puts|putchar|perror|stdout|stderr|__printf_chk|malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf|getline|aligned_alloc|posix_memalign)$/ &&
    !($1 == "alloc.o" && $2 == "aligned_alloc") && !($1 == "json.o" && $2 == "malloc") { print $1 ": " $2 }' <<<"$undefined")
[ -z "$offending" ] || complain "objects of the library use what they must not:
$offending"

[ $bad -eq 0 ] && echo "symbols: fine ($(wc -l <<<"$exported") exported)"
exit $bad
