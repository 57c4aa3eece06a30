#!/bin/bash
# Includes point down only: cli -> inference -> runtime/model -> family -> graph -> tensor -> base, with io
# between cli and runtime. Models and examples see the public headers only.
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
complain() {
    echo "layers: $1" >&2
    bad=1
}

# What a folder may include besides its own headers and <urn/...>.
allowed() {
    local runtime="runtime/base runtime/tensor runtime/graph runtime/family runtime/model"
    case $1 in
    runtime/base) ;;
    runtime/tensor) echo runtime/base ;;
    runtime/graph) echo runtime/base runtime/tensor ;;
    runtime/family) echo runtime/base runtime/tensor runtime/graph ;;
    runtime/model) echo runtime/base runtime/tensor runtime/graph runtime/family ;;
    inference/compare) echo "$runtime" inference inference/diagnostics ;;
    inference) echo "$runtime" inference/svi inference/map inference/diagnostics ;;
    inference/diagnostics) echo "$runtime" inference ;;
    inference/gibbs) echo "$runtime" inference inference/diagnostics inference/mcmc ;;
    inference/map) echo "$runtime" inference inference/diagnostics inference/gibbs ;;
    inference/*) echo "$runtime" inference inference/diagnostics ;;
    io) echo "$runtime" ;;
    bridge) echo "$runtime" inference io ;;
    cli) echo "$runtime" inference inference/gibbs inference/compare inference/diagnostics io models ;;
    esac
}

# Folder a quoted include of file $1 points into.
folder_of() {
    local from path=$2
    from=$(dirname "$1")
    if [ -e "$from/$path" ]; then
        dirname "$(realpath -m --relative-to=. "$from/$path")"
    elif [ -e "$path" ]; then
        dirname "$path"
    else
        echo "?"
    fi
}

for folder in runtime/base runtime/tensor runtime/graph runtime/family runtime/model inference io bridge cli; do
    [ -d "$folder" ] || continue
    while IFS=: read -r file line text; do
        header=${text#*\"} header=${header%%\"*}
        [ "$header" != config.h ] || continue
        own=$(dirname "$file")
        to=$(folder_of "$file" "$header")
        [ "$to" != "$own" ] || continue
        home=$own
        # Subfolders such as graph/ops belong to their layer.
        case $own in runtime/*/* | inference/gibbs/*) home=$(cut -d/ -f1-2 <<<"$own") ;; inference/guides) home=inference ;; esac
        target=$to
        case $to in runtime/*/* | inference/gibbs/*) target=$(cut -d/ -f1-2 <<<"$to") ;; inference/guides) target=inference ;; esac
        [ "$target" != "$home" ] || continue
        case " $(allowed "$home" | tr '\n' ' ') " in
        *" $target "*) ;;
        *) complain "$file:$line: includes \"$header\" ($to), which $home may not" ;;
        esac
    done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$folder" || true)
done

# Model files and examples: the public umbrella and the C library only. models/models.c is the table.
while IFS=: read -r file line text; do
    case $file in models/models.[ch]) continue ;; esac
    complain "$file:$line: $text: models and examples include <urn/...> only"
done < <(grep -rnE --include='*.c' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' models examples || true)

# Public headers include each other and the C library.
while IFS=: read -r file line text; do
    complain "$file:$line: $text: public headers include <urn/...> and the C library only"
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' include/urn | grep -vE '<(urn/)?[a-z]+\.h>' || true)

# The library opens no file, prints nothing, ends no process (io writes files, cli prints).
while IFS=: read -r file line text; do
    complain "$file:$line: the library never prints or exits:$text"
done < <(grep -rnE --include='*.[ch]' '(^|[^a-z_])(printf|puts|putchar|perror|exit|abort)[[:space:]]*\(|[^a-z_](stdout|stderr)[^a-z_]' \
    runtime inference io bridge | grep -vE ':[[:space:]]*(/\*|\*|//)' || true)

[ $bad -eq 0 ] && echo "layers: fine"
exit $bad
