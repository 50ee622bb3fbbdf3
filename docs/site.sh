#!/usr/bin/env bash
# Builds the pages of docs as a site in target/book, and checks its links. Links that leave docs
# lead to where the repository is published. ../ci.sh docs runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

BOOK=target/book

# Finds mdbook, or builds it once.
find_mdbook() {
    local version=0.5.4 root=$PWD/target/mdbook
    PATH=$root/bin:$PATH
    command -v mdbook >/dev/null && return
    # Unoptimised: it is built more often than it turns a page.
    CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 cargo install mdbook --debug --quiet --locked \
        --version "$version" --no-default-features --root "$root" --target-dir "$root/target" &&
        rm -rf "$root/target"
}

# out_of_the_book FOLDER DEPTH: mdbook has made .html of every .md.
out_of_the_book() {
    local site=https://github.com/kindling-rs/kindling/blob/main up="href=\"(\\.\\./){$2}"
    find "$1" -maxdepth 1 -name '*.html' -exec sed -Ei \
        -e "s#$up([^\"]*)\\.html#href=\"$site/\\2.md#g" -e "s#$up#href=\"$site/#g" {} +
}

# Every link of a page, after the page and a space. The pages that mdbook adds repeat them.
links() {
    grep -roE --include='*.html' --exclude={print,404,toc}.html '(href|src)="[^"]+"' "$BOOK" |
        sed -E 's/:(href|src)="(.*)"$/ \2/' | sort -u
}

# Links that lead to no file, or to no heading of a page.
dead_links() {
    local page link path heading
    while read -r page link; do
        case $link in *://* | data:* | mailto:*) continue ;; esac
        path=${link%%#*} heading=${link#"${link%%#*}"}
        path=${path:+$(dirname "$page")/$path}
        [ -e "${path:=$page}" ] || { echo "$page: $link"; continue; }
        [ -z "$heading" ] || grep -qF "id=\"${heading#?}\"" "$path" || echo "$page: $link"
    done < <(links)
}

find_mdbook || { echo "skipped: mdbook cannot be installed here"; exit; }
mdbook build
out_of_the_book "$BOOK" 1
out_of_the_book "$BOOK/decisions" 2
dead=$(dead_links)
[ -z "$dead" ] || { printf 'links of the site that lead nowhere:\n%s\n' "$dead" >&2; exit 1; }
echo "the site is in $BOOK: $(links | wc -l) links lead somewhere"
