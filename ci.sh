#!/usr/bin/env bash
# All that CI runs, and each part by itself. ./ci.sh help lists the parts.
set -euo pipefail
cd "$(dirname "$0")"

# Each part has a function of its name, with _ for -. The second word says what runs it: `all` is
# ./ci.sh, `quick` is that and ./ci.sh quick, `asked` is its name alone.
PARTS=(
    "setup quick find or install the emulator and a Rust that builds for Cortex-M"
    "firmware-cargo asked the same, for trainer device: tells which cargo builds the firmware"
    "lint quick format and lints, warnings are errors"
    "quick-test asked tests of the library and the trainer, without the emulator"
    "docs all documentation, warnings are errors; the site, where mdbook is installed"
    "packages all infer packed, for RISC-V and WebAssembly, and by the oldest Rust that it accepts"
    "test all all tests; 1,000 images on the emulated chip"
    "page all the pages' engine built anew answers in a browser as the host does"
    "engine asked build trainer/page/page.wasm anew, the engine of the pages"
    "firmware quick build the firmware and show ten digits in the emulator"
    "kernels all try all kernels on each emulated core"
    "boards all build the firmware's server for every board"
    "examples all RTIC, Embassy and C programs in the emulator"
    "no-panic all link a program that only links if no panic is reachable"
    "sanitize all the library's tests under AddressSanitizer"
    "miri all the library's portable path under Miri, where a nightly Rust has it"
    "deny all advisories and licences of all dependencies, where cargo-deny is installed"
    "fuzz asked [SECONDS] libFuzzer with AddressSanitizer, 60 seconds for each kind of input"
    "coverage asked [INPUTS] share of the code for hostile bytes that fuzz targets and tests reach"
    "bench asked the tutorial's network on every emulated core; writes docs/benchmarks.md"
    "mlperf asked FOLDER [CORE]... MLPerf Tiny's networks likewise; writes docs/mlperf-tiny.md"
    "parity asked all 10,000 test images on every emulated core, by every plan of the benchmark"
)

# Target, board and feature of each core class: M4 (and M7), M0, M3, M33, M55. The M0's code runs on
# an M3, which has the RAM for it.
FIRMWARE_CORES=(
    "thumbv7em-none-eabihf mps2-an386"
    "thumbv6m-none-eabi mps2-an385"
    "thumbv7m-none-eabi mps2-an385"
    "thumbv8m.main-none-eabi mps2-an505 cortex-m33"
    "thumbv8m.main-none-eabihf mps3-an547 cortex-m55"
)

die() { printf 'ci.sh: %s\n' "$*" >&2; exit 1; }

# Functions `setup` and `need`; which cargo builds the firmware is in `firmware_cargo`.
. firmware-example/setup.sh

# Cargo in the firmware's workspace.
firmware_do() { (cd firmware-example && "$firmware_cargo" "$@"); }

# Runs cargo for each core class: for_each_core FEATURES ARGUMENTS...
for_each_core() {
    local core target board feature features=$1
    shift
    for core in "${FIRMWARE_CORES[@]}"; do
        read -r target board feature <<<"$core"
        KINDLING_BOARD=$board firmware_do "$@" --quiet --target "$target" \
            --features "$features${feature:+,$feature}"
    done
}

firmware_cargo() { setup >&2 && echo "$firmware_cargo"; }

lint() {
    cargo fmt --all --check
    # The modules that the lists of operators declare, which cargo fmt does not see.
    rustfmt --edition 2024 --check trainer/src/ops/*/mod.rs \
        infer/tests/support/random_layer/*.rs tests/src/random_layer/*.rs
    (cd firmware-example && cargo fmt --check)
    cargo clippy --workspace --all-targets --release -- -D warnings
    # Debian's cargo has no clippy, and rustup's needs a target it has.
    [ "$firmware_cargo" = cargo ] || { echo "firmware: no clippy with this toolchain"; return; }
    firmware_do clippy --release --bins --examples --features measure,prove-no-panic,update \
        -- -D warnings
}

# The library's documentation, and the pages of docs as a site in target/book. Links from there to
# files of the repository lead to where it is published.
docs() {
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --release
    if command -v mdbook >/dev/null; then
        mdbook build
        out_of_the_book target/book 1
        out_of_the_book target/book/decisions 2
    else
        echo "no site: mdbook is not installed (cargo install mdbook --locked)"
    fi
}

# out_of_the_book FOLDER DEPTH: links that leave docs lead to where the repository is published.
# mdbook has made .html of every .md.
out_of_the_book() {
    local site=https://github.com/kindling-rs/kindling/blob/main up="href=\"(\\.\\./){$2}"
    find "$1" -maxdepth 1 -name '*.html' -exec sed -Ei \
        -e "s#$up([^\"]*)\\.html#href=\"$site/\\2.md#g" -e "s#$up#href=\"$site/#g" {} +
}

# infer as a package, where a registry compiles it; for cores without kernels of their own; and by
# the oldest Rust that it accepts.
packages() {
    local target rust
    cargo package --quiet --allow-dirty -p infer
    for target in riscv32imac-unknown-none-elf wasm32-unknown-unknown; do
        has_target "$target" || timeout 120 rustup target add "$target" >/dev/null 2>&1 || true
        if has_target "$target" || [ "$firmware_cargo" != cargo ]; then
            "$firmware_cargo" check --quiet -p infer --features update,wire --target "$target"
            echo "infer compiles for $target"
        else
            echo "skipped: no $target here"
        fi
    done
    rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' infer/Cargo.toml)
    if cargo "+$rust" --version >/dev/null 2>&1 ||
        timeout 300 rustup toolchain install "$rust" --profile minimal >/dev/null 2>&1; then
        cargo "+$rust" check --quiet -p infer --features build,signature,update,wire
        echo "infer compiles with Rust $rust, the oldest that it accepts"
    else
        echo "skipped: Rust $rust, the oldest that infer accepts, cannot be had here"
    fi
}

# All but the chips of trainer's tests, and those of `firmware`, which build it.
quick_test() {
    cargo test --release --quiet -p infer -p trainer --lib --test '[!f]*' -- --skip device
}

# The last two: what a model needs and a build leaves out is refused, in a build without any part
# and in one without those that the shape of a layer asks for.
tests() {
    cargo test --release --workspace
    local parts=(cargo test --release --quiet -p infer --no-default-features)
    local chosen=(--test parts_left_out --test 'operator_*' left_out)
    "${parts[@]}" "${chosen[@]}"
    "${parts[@]}" --features operators "${chosen[@]}"
}

# report.html and the page of `trainer try` compute with infer in WebAssembly. The engine lies in
# the repository, since not every machine has the target. The tests run it in a browser; here they
# run the one that the sources give.
ENGINE=target/wasm32-unknown-unknown/page/page.wasm

page() {
    if build_engine; then
        KINDLING_ENGINE=$PWD/$ENGINE cargo test --release --quiet -p trainer --test it live::
    else
        echo "skipped: no wasm32-unknown-unknown here"
    fi
}

engine() {
    build_engine || die "no target wasm32-unknown-unknown here: rustup target add it"
    install -m 644 "$ENGINE" trainer/page/page.wasm
}

build_engine() {
    local target=wasm32-unknown-unknown
    has_target "$target" || timeout 120 rustup target add "$target" >/dev/null 2>&1 || return 1
    CARGO_INCREMENTAL=0 cargo build --quiet --profile page -p page --target "$target"
}

firmware() { firmware_do run --release; }

# Every operator's kernels for a core on random layers, on the core itself, with overflow checks and
# debug assertions: a sum that wraps is a panic.
kernels() {
    for_each_core imported run --profile checked --bin kernel_suite |
        sed -n '/kernels/p; /addresses/p; /random layers/p'
}

# Links a program whose panic handler calls a function that does not exist.
no_panic() {
    for_each_core prove-no-panic,update,imported build --release --bin no_panic
    for_each_core prove-no-panic,update,imported build --profile small --bin no_panic
    echo "no panic is reachable from loading, running and updating a model, on any core"
}

# The library's tests, the kernels' property suite among them, with every access to memory checked.
# The sanitizer comes with the stable compiler, which has to be told to take the flag. Build scripts
# look at that: in the usual folder all would be compiled anew, now and the next time.
sanitize() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    case $host in
        x86_64-unknown-linux-gnu | aarch64-unknown-linux-gnu) ;;
        *) echo "skipped: no AddressSanitizer for $host here" && return ;;
    esac
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
        cargo test --release --quiet -p infer --features signature,update --target "$host" \
        --target-dir target/sanitize --tests
}

# The portable path under Miri: loader, sessions, built-in networks, wire, updates; then the
# kernels' property suite on small layers. What is left out repeats the same paths thousands of
# times, which takes Miri hours. So does the check of aliasing for the kernels; only unsafe code can
# break its rules, and infer has none on a host.
miri() {
    local miri=(cargo +nightly miri) test tests=()
    "${miri[@]}" --version >/dev/null 2>&1 ||
        { echo "skipped: no nightly Miri here (rustup +nightly component add miri)"; return; }
    for test in arithmetic format network sessions update validation layer_validation \
        parts_left_out wire; do tests+=(--test "$test"); done
    MIRIFLAGS=-Zmiri-disable-isolation "${miri[@]}" test -p infer --features update,wire,build \
        "${tests[@]}" -- --skip every_ --skip mutations --skip parts_of_every_length
    MIRIFLAGS=-Zmiri-disable-stacked-borrows "${miri[@]}" test -p infer --test kernels
}

fuzz() { need g++ && tests/fuzz/all.sh "$@"; }

coverage() { tests/fuzz/coverage.sh "$@"; }

# Advisories, licences and origins of everything that is built: see deny.toml. Advisories come from
# the network.
deny() {
    local workspace checks=(licenses bans sources) config=(--config "$PWD/deny.toml")
    cargo deny --version >/dev/null 2>&1 ||
        { echo "skipped: no cargo-deny here (cargo install cargo-deny --locked)"; return; }
    if timeout 120 cargo deny "${config[@]}" fetch db >/dev/null 2>&1; then
        checks+=(advisories)
    else
        echo "advisories skipped: their database cannot be fetched here"
    fi
    for workspace in . firmware-example tests/fuzz; do
        echo "$workspace: ${checks[*]}"
        cargo deny --log-level error --manifest-path "$workspace/Cargo.toml" "${config[@]}" \
            check "${checks[@]}"
    done
}

# Builds the server for every board, with the model planned for it; over USB where the board has a
# port for it.
boards() {
    local folder flash=(cargo run --release --quiet -p trainer -- device flash --build-only)
    for folder in firmware-example/boards/*; do
        "${flash[@]}" "${folder##*/}"
        [ ! -e "$folder/usb.rs" ] || "${flash[@]}" "${folder##*/}" --usb
    done
    "${flash[@]}" nrf52840-dk --rtt
}

# The programs of docs/integrate.md in the emulator: each ends with an error when its answers or its
# deadlines are wrong.
examples() {
    local example
    for example in bare stream rtic embassy; do
        firmware_do run --release --quiet --example "$example"
    done
    need arm-none-eabi-gcc gcc-arm-none-eabi
    (cd firmware-example && CARGO=$firmware_cargo c-api/run.sh)
    git diff --exit-code firmware-example/c-api/include ||
        die "kindling.h is not what cbindgen writes: commit it"
    cargo check --release --quiet -p infer --features defmt,wire
}

bench() { cargo run --release -p tools --bin bench; }

mlperf() {
    [ $# -gt 0 ] || die "mlperf: no folder; tests/README.md says what it holds"
    cargo run --release -p tools --bin mlperf -- "$@"
}

parity() {
    KINDLING_PARITY_PLANS=all KINDLING_PARITY_IMAGES=10000 \
        cargo test --release -p tests -- parity --nocapture
}

# Runs parts, and tells the time of each.
run_parts() {
    local name begun times=() started=$SECONDS
    for name in "$@"; do
        printf '\n== %s\n' "$name"
        begun=$SECONDS
        run "$name"
        times+=("$(printf '%5d s  %s' $((SECONDS - begun)) "$name")")
    done
    printf '\n== passed in %d s\n' $((SECONDS - started))
    printf '%s\n' "${times[@]}"
}

# Runs a part; `test` is the shell's own word.
run() {
    local part=${1//-/_}
    shift
    "${part/#test/tests}" "$@"
}

# Names of the parts that the second word of PARTS chooses.
named() { printf '%s\n' "${PARTS[@]}" | awk -v of="$1" '$2 ~ "^(" of ")$" { print $1 }'; }

help() {
    echo "./ci.sh             all parts but quick-test, fuzz, coverage, bench, mlperf and parity"
    echo "./ci.sh quick       setup, lint, quick-test and firmware: below five minutes when warm"
    local part
    for part in "${PARTS[@]}"; do
        printf './ci.sh %-11s %s\n' "${part%% *}" "${part#* * }"
    done
}

case ${1:-all} in
    all) run_parts $(named 'all|quick') ;;
    quick) run_parts $(named quick) quick-test ;;
    help | -h | --help) help ;;
    *)
        named '.*' | grep -qx -- "$1" || { help >&2; exit 2; }
        case $1 in
            packages | test | firmware | kernels | boards | examples | no-panic | bench | mlperf | \
                parity | lint) setup ;;
        esac
        run "$@"
        ;;
esac
