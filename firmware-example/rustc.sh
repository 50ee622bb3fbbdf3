#!/bin/sh
# Cargo calls this in rustc's place (.cargo/config.toml): rustc.sh RUSTC ARGUMENTS. Where rustc
# lacks the target, it says what to do in place of "can't find crate for `core`"; otherwise it is
# rustc.
set -eu
rustc=$1
shift
target=
before=
for argument in "$@"; do
    case $before$argument in
        --target=thumb* | --targetthumb*) target=${argument#--target=} ;;
        # Cargo builds `core` itself, or asks a compiler that could.
        *force-unstable-if-unmarked* | *noprelude*) exec "$rustc" "$@" ;;
        ___) case $("$rustc" -V) in *nightly*) exec "$rustc" "$@" ;; esac ;;
    esac
    before=
    [ "$argument" != --target ] || before=--target
done
if [ -n "$target" ] && [ ! -d "${rustc%/bin/*}/lib/rustlib/$target/lib" ] &&
    [ ! -d "$("$rustc" --print target-libdir --target "$target")" ]; then
    echo "error: this Rust has no target $target. Run: rustup target add $target; where rustup" \
        "cannot fetch it, ../ci.sh setup installs another Rust, and ./debian-cargo.sh is its" \
        "cargo" >&2
    exit 1
fi
exec "$rustc" "$@"
