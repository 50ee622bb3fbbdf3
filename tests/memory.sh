#!/usr/bin/env bash
# memory.sh sanitize|miri: the library's tests with every access to memory checked. ../ci.sh runs
# both.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "skipped: $*"; }

# The library's tests, the kernels' property suite among them, under AddressSanitizer. It comes with
# the stable compiler, which has to be told to take the flag. Build scripts look at that: in the
# usual folder all would be compiled anew, now and the next time. infer allocates nothing; tests
# leak what has to live as long as they.
sanitize() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    [[ $host =~ ^(x86_64|aarch64)-unknown-linux-gnu$ ]] ||
        { skip "no AddressSanitizer for $host here"; return; }
    ASAN_OPTIONS=detect_leaks=0 RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
        cargo test --release --quiet -p infer --features signature,update --target "$host" \
        --target-dir target/sanitize --tests
}

# The portable path: loader, sessions, built-in networks, wire, updates; then the kernels' property
# suite on small layers. What is left out repeats the same paths thousands of times, which takes
# Miri hours. So does the check of aliasing for the kernels; only unsafe code can break its rules,
# and infer has none on a host.
miri() {
    local miri=(cargo +nightly miri) test tests=()
    "${miri[@]}" --version >/dev/null 2>&1 ||
        { skip "no nightly Miri here (rustup +nightly component add miri)"; return; }
    for test in arithmetic format network sessions update validation layer_validation \
        parts_left_out wire; do tests+=(--test "$test"); done
    MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks" "${miri[@]}" test -p infer \
        --features update,wire,build "${tests[@]}" -- \
        --skip every_ --skip mutations --skip parts_of_every_length
    MIRIFLAGS=-Zmiri-disable-stacked-borrows "${miri[@]}" test -p infer --test kernels
}

case ${1:-} in
    sanitize | miri) "$1" ;;
    *) sed -n '2,3s/^# //p' "$0" >&2 && exit 2 ;;
esac
