#!/usr/bin/env bash
# All that CI runs, and each part by itself. ./ci.sh help lists the parts: the lines with `#:` here.
# The word after a part's name says what runs it: `all` is ./ci.sh, `quick` is that and ./ci.sh
# quick, `asked` is its name alone. With a + it needs what `setup` finds.
set -euo pipefail
cd "$(dirname "$0")"

die() { printf 'ci.sh: %s\n' "$*" >&2; exit 1; }
skip() { echo "skipped: $*"; }

# What the firmware needs: `setup`, `need`, `fetch_target`, `firmware_do`, `for_each_core`, and the
# cargo that builds it, `firmware_cargo`.
. firmware-example/setup.sh

#: setup quick find or install the emulator and a Rust that builds for Cortex-M
#: firmware-cargo asked the same, for trainer device: tells which cargo builds the firmware
firmware_cargo() { setup >&2 && echo "$firmware_cargo"; }

#: lint quick+ format and lints, warnings are errors
lint() {
    cargo fmt --all --check
    # The modules that the lists of operators declare, which cargo fmt does not see.
    rustfmt --edition 2024 --check trainer/src/ops/*/mod.rs \
        infer/tests/support/random_layer/*.rs tests/src/random_layer/*.rs
    (cd firmware-example && cargo fmt --check)
    (cd tests/api && cargo fmt --check)
    cargo clippy --workspace --all-targets --release -- -D warnings
    # Debian's cargo has no clippy, and rustup's needs a target it has.
    [ "$firmware_cargo" = cargo ] || { skip "firmware: no clippy with this toolchain"; return; }
    firmware_do clippy --release --bins --examples --features measure,prove-no-panic,update \
        -- -D warnings
    firmware_do clippy --release -p kindling -- -D warnings
}

#: quick-test asked tests of the library and the trainer, without the emulator
quick_test() {
    cargo test --release --quiet -p infer -p trainer --lib --test '[!f]*' -- --skip device
}

#: docs all all documentation, warnings are errors; the site of docs, and where its links lead
docs() {
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --release
    docs/site.sh
}

# The format of rustdoc's JSON is not stable, so it has to be asked for.
#: api all the public API of infer is that of infer/public-api.txt
api() {
    local folder=$PWD/target/api
    RUSTC_BOOTSTRAP=1 cargo rustdoc --quiet -p infer --lib --features build,signature,update,wire \
        --target-dir "$folder" -- -Zunstable-options --output-format=json
    (cd tests/api && CARGO_TARGET_DIR=$folder cargo test --quiet &&
        CARGO_TARGET_DIR=$folder cargo run --quiet "$folder/doc/infer.json" \
            ../../infer/public-api.txt)
}

#: packages all+ infer packed, for RISC-V and WebAssembly, and by the oldest Rust that it accepts
packages() {
    local target rust
    cargo package --quiet --allow-dirty -p infer
    for target in riscv32imac-unknown-none-elf wasm32-unknown-unknown; do
        fetch_target "$target" || [ "$firmware_cargo" != cargo ] ||
            { skip "no $target here"; continue; }
        "$firmware_cargo" check --quiet -p infer --features update,wire --target "$target"
        echo "infer compiles for $target"
    done
    rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' infer/Cargo.toml)
    cargo "+$rust" --version >/dev/null 2>&1 ||
        timeout 300 rustup toolchain install "$rust" --profile minimal >/dev/null 2>&1 ||
        { skip "Rust $rust, the oldest that infer accepts, cannot be installed here"; return; }
    cargo "+$rust" check --quiet -p infer --features build,signature,update,wire
    echo "infer compiles with Rust $rust, the oldest that it accepts"
}

#: test all+ all tests; 1,000 images on the emulated chip
tests() {
    cargo test --release --workspace
    # What a model needs and a build leaves out is refused: without any part of infer, and without
    # those that the shape of a layer asks for.
    local features parts=(--test parts_left_out --test 'operator_*' left_out)
    for features in "" operators; do
        cargo test --release --quiet -p infer --no-default-features --features "$features" \
            "${parts[@]}"
    done
}

# The pages' engine lies in the repository, since not every machine has the target.
ENGINE=target/wasm32-unknown-unknown/page/page.wasm

#: page all the pages' engine built anew answers in a browser as the host does
page() {
    build_engine || { skip "no wasm32-unknown-unknown here"; return; }
    ! cmp -s "$ENGINE" trainer/page/page.wasm ||
        { echo "the engine is the repository's, byte by byte: ./ci.sh test tests it"; return; }
    KINDLING_ENGINE=$PWD/$ENGINE \
        cargo test --release --quiet -p trainer --test it -- live:: tasks::
}

#: engine asked build trainer/page/page.wasm anew, the engine of the pages
engine() {
    build_engine || die "no target wasm32-unknown-unknown here: rustup target add it"
    install -m 644 "$ENGINE" trainer/page/page.wasm
}

build_engine() {
    fetch_target wasm32-unknown-unknown &&
        CARGO_INCREMENTAL=0 cargo build --quiet --profile page -p page \
            --target wasm32-unknown-unknown
}

#: firmware quick+ build the firmware and show ten digits in the emulator
firmware() { firmware_do run --release; }

# Random layers and ten digits on the core itself, with overflow checks: a sum that wraps is a
# panic.
#: kernels all+ try all kernels on each emulated core, optimised and not
kernels() {
    {
        for_each_core imported run --profile checked --bin kernel_suite
        for_each_core imported run --profile unoptimised --bin kernel_suite -- 4
    } | sed -n '/kernels/p; /addresses/p; /random layers/p; /right, .* as on the host/p'
}

# Boards whose server tests/tests/it/server_memory.rs builds and runs.
BUILT_BY_TESTS=" microbit stm32vldiscovery netduinoplus2 mps2-an386 "

#: boards all+ build the firmware's server for every other board, also over USB where it has a port
boards() {
    cargo build --release --quiet -p trainer
    in_two_lanes boards_of_lane "$(realpath "${CARGO_TARGET_DIR:-target}")/release/trainer"
}

boards_of_lane() {
    local folder board target flash=("$2" device flash --build-only)
    for folder in firmware-example/boards/*; do
        board=${folder##*/} target=$(sed -n 's/^target = "\(.*\)"/\1/p' "$folder/board.toml")
        [ "$(lane_of "$target")" = "$1" ] || continue
        [[ $BUILT_BY_TESTS != *" $board "* ]] || continue
        "${flash[@]}" "$board"
        [ ! -e "$folder/usb.rs" ] || "${flash[@]}" "$board" --usb
        [ "$board" != nrf52840-dk ] || "${flash[@]}" "$board" --rtt
    done
}

# Each ends with an error when its answers or its deadlines are wrong.
#: examples all+ RTIC, Embassy and C programs in the emulator
examples() {
    local example
    for example in bare stream rtic embassy stream_embassy; do
        firmware_do run --release --quiet --example "$example"
    done
    need arm-none-eabi-gcc gcc-arm-none-eabi
    (cd firmware-example && CARGO=$firmware_cargo c-api/run.sh)
    (cd firmware-example && cargo test --release --quiet -p kindling --lib \
        --target "$(rustc -vV | sed -n 's/^host: //p')")
    git diff --exit-code firmware-example/c-api/include ||
        die "kindling.h is not what cbindgen writes: commit it"
    cargo check --release --quiet -p infer --features defmt,update,wire
}

# The program's panic handler calls a function that does not exist.
#: no-panic all+ link a program that only links if no panic is reachable
no_panic() {
    local profile
    for profile in release small; do
        for_each_core prove-no-panic,update,imported build --profile "$profile" --bin no_panic
    done
    echo "no panic is reachable from loading, running and updating a model, on any core"
}

#: sanitize all the library's tests under AddressSanitizer
sanitize() { tests/memory.sh sanitize; }
#: miri all the library's portable path under Miri, where a nightly Rust has it
miri() { tests/memory.sh miri; }

# See deny.toml. Advisories come from the network.
#: deny all advisories and licences of all dependencies, where cargo-deny is installed
deny() {
    local workspace checks=(licenses bans sources advisories) config=(--config "$PWD/deny.toml")
    cargo deny --version >/dev/null 2>&1 ||
        { skip "no cargo-deny here (cargo install cargo-deny --locked)"; return; }
    timeout 120 cargo deny "${config[@]}" fetch db >/dev/null 2>&1 ||
        { skip "advisories: their database cannot be fetched here"; unset "checks[3]"; }
    for workspace in . firmware-example tests/fuzz tests/api; do
        cargo deny --log-level error --manifest-path "$workspace/Cargo.toml" "${config[@]}" \
            check "${checks[@]}"
    done
}

#: fuzz asked [SECONDS] libFuzzer with AddressSanitizer, 60 seconds for each kind of input
fuzz() { need g++ && tests/fuzz/all.sh "$@"; }
#: coverage asked [INPUTS] share of the code for hostile bytes that fuzz targets and tests reach
coverage() { tests/fuzz/coverage.sh "$@"; }
#: bench asked+ the tutorial's network on every emulated core; writes docs/benchmarks.md
bench() { cargo run --release -p tools --bin bench; }
#: mlperf asked+ FOLDER [CORE]... or FOLDER PLAN [NETWORK]... [CORE]...; docs/mlperf-tiny.md
mlperf() {
    [ $# -gt 0 ] || die "mlperf: no folder; tests/README.md says what it holds"
    cargo run --release -p tools --bin mlperf -- "$@"
}

#: parity asked+ all 10,000 test images on every emulated core, by every plan of the benchmark
parity() {
    KINDLING_PARITY_PLANS=all KINDLING_PARITY_IMAGES=10000 \
        cargo test --release -p tests -- parity --nocapture
}

parts() { sed -n 's/^#: //p' ci.sh; }

# Names of the parts that the word after them chooses.
named() { parts | awk -v of="^($1)\\\\+?\$" '$2 ~ of { print $1 }'; }

# Runs a part; `test` is the shell's own word.
run() {
    local part=${1//-/_}
    shift
    "${part/#test/tests}" "$@"
}

# Runs parts, and tells the time of each.
run_parts() {
    local name begun times=()
    for name in "$@"; do
        printf '\n== %s\n' "$name"
        begun=$SECONDS
        run "$name"
        times+=("$(printf '%5d s  %s' $((SECONDS - begun)) "$name")")
    done
    printf '\n== passed in %d s\n' "$SECONDS"
    printf '%s\n' "${times[@]}"
}

help() {
    echo "./ci.sh             all parts but quick-test, fuzz, coverage, bench, mlperf and parity"
    echo "./ci.sh quick       setup, lint, quick-test and firmware: below five minutes when warm"
    parts | sed -E 's/^([^ ]+) [^ ]+ /\1 /' | while read -r part text; do
        printf './ci.sh %-11s %s\n' "$part" "$text"
    done
}

case ${1:-all} in
    all) run_parts $(named 'all|quick') ;;
    quick) run_parts $(named quick) quick-test ;;
    help | -h | --help) help ;;
    *)
        word=$(parts | awk -v part="$1" '$1 == part { print $2 }')
        [ -n "$word" ] || { help >&2; exit 2; }
        [[ $word != *+ ]] || setup
        run "$@"
        ;;
esac
