#!/bin/bash
# Help and the man page come from the same tables, and name everything.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
run 0 --help
in_out "Commands:"
run 0 --version
in_out "urn "
commands=$("$urn" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
check test "$(echo "$commands" | wc -w)" -ge 12
"$urn" help --man >man
for command in $commands; do
    run 0 "$command" --help
    in_out "urn $command"
    in_out "--json"
    check grep -q "^\.SS urn $command" man
    for option in $(sed -n 's/^ .* --\([a-z-]*\).*/\1/p' out | sort -u); do
        check grep -qF -- "\\-\\-$(echo "$option" | sed 's/-/\\-/g')\\fR" man
    done
    run 0 help "$command"
done
run 2 help nothing
in_err 'unknown command "nothing"'
run 0 fit -h
in_out "Options of --engine svi"
in_out "Options of --engine map"
check cmp man "$URN_SRCDIR/docs/man/urn.1" # "make man-page" brings it up to date
if command -v mandoc >/dev/null; then
    check test -z "$(mandoc -T lint -W warning man 2>&1 | grep -v 'missing date')"
else
    echo "SKIP: no mandoc here: the man page is not linted" >&2
fi
# no colours where they are not wanted
check test -z "$(printf '\033' | grep -F -f - out)"
finish
