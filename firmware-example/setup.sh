# What building and running the firmware needs: sourced by ../ci.sh. `setup` finds or installs the
# emulator and a Rust that builds for Cortex-M. After it `firmware_cargo` is the cargo to use;
# `firmware_do` is that in the firmware's workspace, and `for_each_core` for each class of cores.
# shellcheck shell=bash

firmware_cargo=cargo
firmware_folder=$PWD/firmware-example

# Target, board and feature of each core class: M4 (and M7), M0, M3, M33, M55. The M0's code runs on
# an M3, which has the RAM for it.
FIRMWARE_CORES=(
    "thumbv7em-none-eabihf mps2-an386"
    "thumbv6m-none-eabi mps2-an385"
    "thumbv7m-none-eabi mps2-an385"
    "thumbv8m.main-none-eabi mps2-an505 cortex-m33"
    "thumbv8m.main-none-eabihf mps3-an547 cortex-m55"
)

firmware_do() { (cd "$firmware_folder" && "$firmware_cargo" "$@"); }

# Runs a command of cargo's for each core class: for_each_core FEATURES COMMAND ARGUMENTS...
for_each_core() { in_two_lanes cores_of_lane "$@"; }

cores_of_lane() {
    local core target board feature lane=$1 features=$2 command=$3
    shift 3
    for core in "${FIRMWARE_CORES[@]}"; do
        read -r target board feature <<<"$core"
        [ "$(lane_of "$target")" = "$lane" ] || continue
        KINDLING_BOARD=$board firmware_do "$command" --quiet --target "$target" \
            --features "$features${feature:+,$feature}" "$@"
    done
}

# Programs are linked by one thread, so two folders take two cores. Each target has one of them, as
# in ../tests/src/firmware/cargo.rs.
lane_of() {
    case $1 in
        thumbv6m* | thumbv7em*) echo first ;;
        *) echo second ;;
    esac
}

# Runs a function with `first` and with `second` before its arguments at the same time, each with a
# folder to build in. What the second prints comes after what the first does.
in_two_lanes() {
    local function=$1 output lanes=() lane is_wrong=0
    shift
    output=$(mktemp)
    # In the background, where an error still ends a function.
    ("$function" first "$@") &
    lanes+=($!)
    (
        export CARGO_TARGET_DIR=$firmware_folder/target/second
        "$function" second "$@"
    ) >"$output" 2>&1 &
    lanes+=($!)
    for lane in "${lanes[@]}"; do wait "$lane" || is_wrong=1; done
    cat "$output"
    rm "$output"
    return "$is_wrong"
}

# Installs Debian packages, or prints the one command that does. Package lists left over from a
# machine's installation may name versions that are too old or gone, so they are fetched first.
install_packages() {
    local install="apt-get install -y --no-install-recommends $*"
    [ "$(id -u)" = 0 ] || die "missing: $*. Run: sudo apt-get update && sudo $install"
    echo "installing $*"
    update_lists || echo "going on with the package lists that are there"
    DEBIAN_FRONTEND=noninteractive $install -qq -o DPkg::Lock::Timeout=120 >/dev/null
}

# Waits for another apt that updates them: DPkg::Lock::Timeout waits for dpkg's lock only.
update_lists() {
    local said turn
    for turn in {1..24}; do
        said=$(LC_ALL=C apt-get -qq update 2>&1) && return
        [[ $said == *"Could not get lock"* ]] || break
        [ "$turn" != 1 ] || echo "waiting for another apt"
        sleep 5
    done
    echo "$said" >&2
    return 1
}

need() { command -v "$1" >/dev/null || install_packages "${2:-$1}"; }

# Which Rust builds the firmware: rustup's with its Cortex-M targets, or Debian's, which can build
# `core` itself. KINDLING_TOOLCHAIN=rustup or =debian forces one.
setup() {
    need qemu-system-arm
    qemu-system-arm --version | head -n 1
    case ${KINDLING_TOOLCHAIN:-} in
        rustup) use_rustup || die "rustup cannot install the firmware's targets" ;;
        debian) use_debian ;;
        '') use_rustup || use_debian ;;
        *) die "KINDLING_TOOLCHAIN is '$KINDLING_TOOLCHAIN'; it must be rustup or debian" ;;
    esac
}

# The targets of all boards.
firmware_targets() {
    sed -n 's/^target = "\(.*\)"/\1/p' "$firmware_folder"/boards/*/board.toml | sort -u
}

has_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; }

# Whether Rust builds for a target; where not, rustup is asked for it.
fetch_target() {
    has_target "$1" || timeout 120 rustup target add "$1" >/dev/null 2>&1 && has_target "$1"
}

use_rustup() {
    local target
    for target in $(firmware_targets); do
        has_target "$target" && continue
        echo "rustup target add $target"
        fetch_target "$target" || { echo "rustup cannot install $target"; return 1; }
    done
    echo "firmware is built by $(rustc --version) with its own targets"
}

use_debian() {
    has_debian_rust || install_packages rustc-web cargo-web rust-web-src
    has_debian_rust || die "Debian's Rust is $(/usr/bin/rustc --version), without the source of" \
        "core or older than the $(needed_rust) that the firmware needs:" \
        "is the archive deb.debian.org/debian-security among apt's sources?"
    firmware_cargo=$firmware_folder/debian-cargo.sh
    export KINDLING_FIRMWARE_CARGO=$firmware_cargo
    echo "firmware is built by $(/usr/bin/rustc --version), which builds core from its source;" \
        "in firmware-example type ./debian-cargo.sh for cargo, and test by ./ci.sh test"
}

# The oldest Rust that the firmware accepts.
needed_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$firmware_folder/Cargo.toml"; }

# Whether Debian's Rust is there, with the source of core, and new enough.
has_debian_rust() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] || return 1
    [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core" ] || return 1
    printf '%s\n' "$(needed_rust)" "$(/usr/bin/rustc --version | cut -d ' ' -f 2)" |
        sort --version-sort --check=quiet
}
