#!/usr/bin/env bash
# All that CI runs, and each part by itself. ./ci.sh help lists the parts.
set -euo pipefail
cd "$(dirname "$0")"

# Target, board and feature of each core class: M4 (and M7), M0, M3, M33, M55.
FIRMWARE_CORES=(
    "thumbv7em-none-eabihf mps2-an386"
    "thumbv6m-none-eabi microbit"
    "thumbv7m-none-eabi mps2-an385"
    "thumbv8m.main-none-eabi mps2-an505 cortex-m33"
    "thumbv8m.main-none-eabihf mps3-an547 cortex-m55"
)
FIRMWARE_TARGETS=("${FIRMWARE_CORES[@]%% *}")
LARGE_PARITY_IMAGES=10000
started=$(date +%s)
summary=()

say() { printf '\n== %s\n' "$*"; }
die() { printf 'ci.sh: %s\n' "$*" >&2; exit 1; }

# Runs a part and notes its time for the summary.
part() {
    local name=$1 begun
    shift
    say "$name"
    begun=$(date +%s)
    "$@"
    summary+=("$(printf '%5d s  %s' $(($(date +%s) - begun)) "$name")")
}

# Installs Debian packages, or prints the one command that does. Package lists left over from a
# machine's installation may name versions that are too old or gone, so they are fetched first.
install_packages() {
    if [ "$(id -u)" != 0 ]; then
        die "missing: $*. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    fi
    echo "installing $*"
    apt-get -qq update || echo "apt-get update failed: installing from the package lists that are there"
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

setup_emulator() {
    command -v qemu-system-arm >/dev/null || install_packages qemu-system-arm
    qemu-system-arm --version | head -n 1
}

# Which Rust builds the firmware: rustup's with its thumb target, or Debian's, which can build
# `core` itself. KINDLING_TOOLCHAIN=rustup or =debian forces one.
setup_toolchain() {
    case ${KINDLING_TOOLCHAIN:-} in
        rustup) use_rustup || die "rustup cannot install the target ${FIRMWARE_TARGETS[*]}" ;;
        debian) use_debian ;;
        '') use_rustup || use_debian ;;
        *) die "KINDLING_TOOLCHAIN is '$KINDLING_TOOLCHAIN'; it must be rustup or debian" ;;
    esac
}

has_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; }

use_rustup() {
    local target
    for target in "${FIRMWARE_TARGETS[@]}"; do
        if ! has_target "$target"; then
            echo "rustup target add $target"
            if ! timeout 120 rustup target add "$target" >/dev/null 2>&1 || ! has_target "$target"; then
                echo "rustup cannot install $target"
                return 1
            fi
        fi
    done
    echo "firmware is built by $(rustc --version) with its own targets"
}

use_debian() {
    has_debian_rust || install_packages rustc-web cargo-web rust-web-src
    has_debian_rust || die "Debian's Rust is $(/usr/bin/rustc --version), without the source of core or older than the" \
        "$(needed_rust) that the firmware needs: is the archive deb.debian.org/debian-security among apt's sources?"
    firmware_cargo=$PWD/firmware-example/debian-cargo.sh
    export KINDLING_FIRMWARE_CARGO=$firmware_cargo
    echo "firmware is built by $(/usr/bin/rustc --version), which builds core from its source;" \
        "in firmware-example type ./debian-cargo.sh for cargo, and test by ./ci.sh test"
}

# The oldest Rust that the firmware accepts.
needed_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' firmware-example/Cargo.toml; }

# Whether Debian's Rust is there, with the source of core, and new enough.
has_debian_rust() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] || return 1
    [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core" ] || return 1
    printf '%s\n' "$(needed_rust)" "$(/usr/bin/rustc --version | cut -d ' ' -f 2)" | sort --version-sort --check=quiet
}

firmware_cargo=cargo

setup() {
    setup_emulator
    setup_toolchain
}

# Cargo in the firmware's workspace.
firmware_do() { (cd firmware-example && "$firmware_cargo" "$@"); }

lint() {
    cargo fmt --all --check
    (cd firmware-example && cargo fmt --check)
    cargo clippy --workspace --all-targets --release -- -D warnings
    # With the part for build scripts, which nothing in the workspace asks for.
    cargo clippy -p infer --all-targets --release --features build,signature,update,wire -- -D warnings
    firmware_clippy
}

# Debian's cargo has no clippy, and rustup's needs a target it has.
firmware_clippy() {
    if [ "$firmware_cargo" = cargo ]; then
        firmware_do clippy --release --bins --examples --features measure,prove-no-panic,update -- -D warnings
    else
        echo "firmware: no clippy with this toolchain"
    fi
}

docs() { RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --release; }

tests() {
    cargo test --release --workspace
    parts_left_out
}

# What a model needs and a build leaves out is refused: builds without any part, and without those
# that the shape of a layer asks for.
parts_left_out() {
    local of_algorithms=direct,direct-in-place,direct-paired,direct-vector,single-channel,winograd-f2,winograd-f4
    of_algorithms+=,winograd-stored,winograd-on-the-fly,max-pool,dense-rows,dense-quads,dense-quads-wide
    cargo test --release --quiet -p infer --no-default-features --test parts_left_out
    cargo test --release --quiet -p infer --no-default-features --features "$of_algorithms" --test parts_left_out
}

firmware() {
    firmware_do build --release
    firmware_do run --release
    kernel_suite
}

# Every operator's kernels for a core on random layers, on the core itself, with overflow checks and
# debug assertions: a sum that wraps is a panic. It takes more RAM than the emulated M0 has, so
# Armv6-M's kernels run on the M3's board.
kernel_suite() {
    local core target board feature
    for core in "${FIRMWARE_CORES[@]}"; do
        read -r target board feature <<<"$core"
        [ "$board" = microbit ] && board=mps2-an385
        KINDLING_BOARD=$board firmware_do run --profile checked --quiet --bin kernel_suite --target "$target" \
            ${feature:+--features "$feature"} | sed -n '1p; /addresses/p; /random layers/p; $p'
    done
}

# Links a program whose panic handler calls a function that does not exist: it links only if no
# panic is reachable.
no_panic() {
    local core target board feature profile
    for core in "${FIRMWARE_CORES[@]}"; do
        read -r target board feature <<<"$core"
        for profile in release small; do
            KINDLING_BOARD=$board firmware_do build --profile "$profile" --quiet --bin no_panic --target "$target" \
                --features "prove-no-panic,update${feature:+,$feature}"
        done
        echo "$target${feature:+ ($feature)}: no panic is reachable from loading, running and updating a model"
    done
}

# The library's tests, the kernels' property suite among them, with every access to memory checked.
# The sanitizer comes with the stable compiler, which has to be told to take the flag.
sanitize() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    case $host in
        x86_64-unknown-linux-gnu | aarch64-unknown-linux-gnu) ;;
        *) echo "skipped: no AddressSanitizer for $host here" && return ;;
    esac
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
        cargo test --release --quiet -p infer --features signature,update --target "$host" --tests
}

# The portable path under Miri, where a nightly Rust has it: loader, sessions, built-in networks,
# wire, updates; then the kernels' property suite on small layers. What is left out repeats the same
# paths thousands of times, which takes Miri hours. The kernels are run without the check of
# aliasing, which takes them hours too: only unsafe code can break its rules, and infer has none on
# a host.
miri() {
    if cargo +nightly miri --version >/dev/null 2>&1; then
        MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p infer --features update,wire,build \
            --test arithmetic --test format --test network --test sessions --test update --test validation \
            --test layer_validation --test parts_left_out --test wire \
            -- --skip every_ --skip mutations --skip parts_of_every_length
        MIRIFLAGS=-Zmiri-disable-stacked-borrows cargo +nightly miri test -p infer --test kernels
    else
        echo "skipped: no nightly Miri here (rustup +nightly component add miri)"
    fi
}

# libFuzzer with AddressSanitizer, so many seconds for each target; then the same targets on damaged
# inputs in a row.
fuzz() {
    local target
    command -v g++ >/dev/null || install_packages g++
    for target in model idx png wire tflite; do
        say "fuzz $target"
        tests/fuzz/run.sh "$target" "-max_total_time=${1:-60}" -print_final_stats=1 2>&1 | tail -n 12
        (cd tests/fuzz && cargo run --release --quiet --bin mutations -- "$target" "$(date +%s)00000" 3000000)
    done
}

# Which share of the code that bytes from outside go through is reached: by the fuzz targets alone,
# on their corpora and so many damaged inputs of each kind, then together with the library's tests.
# Every line, with how often it was passed, is in target/coverage/lines.txt.
coverage() {
    local count=$1 kind tests folder=$PWD/target/coverage
    llvm_tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
    [ -x "$llvm_tools/llvm-cov" ] || die "missing: llvm-tools. Run: rustup component add llvm-tools"
    rm -rf "$folder/profiles" "$folder/tests/release/deps"
    export RUSTFLAGS=-Cinstrument-coverage LLVM_PROFILE_FILE=$folder/profiles/%m-%p.profraw
    # As the fuzz targets are built: counts of the same function in other builds could not be added.
    export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
    (cd tests/fuzz && cargo build --release --quiet --target-dir "$folder/fuzz" --bin mutations)
    local mutations=$folder/fuzz/release/mutations
    "$mutations" corpus
    for kind in model idx png wire tflite; do "$mutations" "$kind" 0 "$count"; done
    say "reached by the fuzz targets"
    covered report "$folder" "$mutations" | shares
    cargo test --release --quiet -p infer --features signature,update,wire --target-dir "$folder/tests" --tests
    tests=$(find "$folder/tests/release/deps" -type f -executable ! -name '*.so' -printf '-object %p ')
    say "reached by the fuzz targets and infer's tests"
    # shellcheck disable=SC2086 # several arguments
    covered report "$folder" "$mutations" $tests | shares
    # shellcheck disable=SC2086
    covered show "$folder" "$mutations" $tests >"$folder/lines.txt"
}

# What llvm-cov says of the code under test: covered report|show FOLDER PROGRAM...
covered() {
    local what=$1 folder=$2
    shift 2
    "$llvm_tools/llvm-profdata" merge -sparse "$folder"/profiles/*.profraw -o "$folder/profile"
    "$llvm_tools/llvm-cov" "$what" --instr-profile="$folder/profile" --ignore-filename-regex='/(registry|rustc|infer/tests|mutate)/' "$@"
}

# Regions and lines of the files that read what comes from outside, and how many are reached.
shares() {
    awk '$1 ~ /(algorithms|checks|format|header|layer|operator|packing|placement|reader|record|schedule|sections|session|shape|trust|ops\/[a-z_]*\/mod|wire\/[a-z]*|idx|picture|png)\.rs$/ {
            printf "%-28s %4d of %4d regions %7s %4d of %4d lines %7s\n", $1, $2 - $3, $2, $4, $8 - $9, $8, $10
            regions += $2; regions_missed += $3; lines += $8; lines_missed += $9
        }
        END { printf "%-28s %4d of %4d regions %6.2f%% %4d of %4d lines %6.2f%%\n", "together", regions - regions_missed, regions,
                100 - 100 * regions_missed / regions, lines - lines_missed, lines, 100 - 100 * lines_missed / lines }'
}

# Advisories, licences and origins of everything that is built: see deny.toml. Advisories come from
# the network.
deny() {
    local workspace checks=(licenses bans sources)
    if ! cargo deny --version >/dev/null 2>&1; then
        echo "skipped: no cargo-deny here (cargo install cargo-deny --locked, some minutes)"
        return
    fi
    if timeout 120 cargo deny --config "$PWD/deny.toml" fetch db >/dev/null 2>&1; then
        checks+=(advisories)
    else
        echo "advisories skipped: their database cannot be fetched here"
    fi
    for workspace in . firmware-example tests/fuzz; do
        echo "$workspace: ${checks[*]}"
        cargo deny --log-level error --manifest-path "$workspace/Cargo.toml" --config "$PWD/deny.toml" check "${checks[@]}"
    done
}

# Builds the server for every board, with the model planned for it; over USB where the board has a
# port for it.
boards() {
    local folder board
    for folder in firmware-example/boards/*; do
        board=${folder##*/}
        cargo run --release --quiet -p trainer -- device flash "$board" --build-only
        if [ -e "$folder/usb.rs" ]; then
            cargo run --release --quiet -p trainer -- device flash "$board" --usb --build-only
        fi
    done
    cargo run --release --quiet -p trainer -- device flash nrf52840-dk --rtt --build-only
}

# The programs of docs/integrate.md in the emulator: each ends with an error when its answers or its
# deadlines are wrong.
examples() {
    local example
    for example in bare rtic embassy; do
        firmware_do run --release --quiet --example "$example"
    done
    command -v arm-none-eabi-gcc >/dev/null || install_packages gcc-arm-none-eabi
    (cd firmware-example && CARGO=$firmware_cargo c-api/run.sh)
    git diff --exit-code firmware-example/c-api/include || die "kindling.h is not what cbindgen writes: commit it"
    cargo check --release --quiet -p infer --features defmt,wire
}

bench() { cargo run --release -p tools --bin bench; }

parity() {
    KINDLING_PARITY_PLANS=all KINDLING_PARITY_IMAGES=$LARGE_PARITY_IMAGES \
        cargo test --release -p tests --test chip_parity --test plan_parity -- --nocapture
}

report() {
    say "passed in $(($(date +%s) - started)) s"
    printf '%s\n' "${summary[@]}"
}

help() {
    cat <<TEXT
./ci.sh            everything below but bench, parity, fuzz and coverage
./ci.sh setup      find or install the emulator and a Rust that builds for Cortex-M
./ci.sh lint       format and lints, warnings are errors
./ci.sh docs       documentation, warnings are errors
./ci.sh test       all tests; 1,000 images on the emulated chip
./ci.sh firmware   build the firmware, show ten digits and try all kernels in the emulator
./ci.sh boards     build the firmware's server for every board
./ci.sh examples   RTIC, Embassy and C programs in the emulator
./ci.sh no-panic   link a program that only links if no panic is reachable
./ci.sh sanitize   the library's tests under AddressSanitizer
./ci.sh miri       the library's portable path under Miri, where a nightly Rust has it
./ci.sh deny       advisories and licences of all dependencies, where cargo-deny is installed
./ci.sh fuzz [S]   libFuzzer with AddressSanitizer, S seconds (60) for each kind of input
./ci.sh coverage [N]  share of the code for hostile bytes that the fuzz targets (N inputs of each kind, 100,000) and tests reach
./ci.sh bench      the tutorial's network on every emulated core class; writes docs/benchmarks.md, target/bench/mcu.json
./ci.sh parity     all 10,000 test images on every emulated core, by every plan of the benchmark, against the host
TEXT
}

case ${1:-all} in
    all)
        part setup setup
        part lint lint
        part docs docs
        part test tests
        part firmware firmware
        part boards boards
        part examples examples
        part no-panic no_panic
        part sanitize sanitize
        part miri miri
        part deny deny
        report
        ;;
    setup) setup ;;
    lint) setup && lint ;;
    docs) docs ;;
    test) setup && tests ;;
    firmware) setup && firmware ;;
    boards) setup && boards ;;
    examples) setup && examples ;;
    no-panic) setup && no_panic ;;
    sanitize) sanitize ;;
    miri) miri ;;
    deny) deny ;;
    fuzz) fuzz "${2:-60}" ;;
    coverage) coverage "${2:-100000}" ;;
    bench) setup && bench ;;
    parity) setup && parity ;;
    help | -h | --help) help ;;
    *) help >&2 && exit 2 ;;
esac
