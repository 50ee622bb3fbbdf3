#!/bin/sh
# Cargo for this folder where rustup cannot download a Cortex-M target: Debian's Rust builds `core`
# from its own source, rustup's rust-lld links. Needs: apt-get install rustc-web cargo-web
# rust-web-src. Used as cargo is: ./debian-cargo.sh run --release
set -eu
lld=$(find "$(rustc --print sysroot)" -name rust-lld -type f | head -n 1)
if [ -z "$lld" ]; then
    echo "no rust-lld in $(rustc --print sysroot): install Rust by rustup" >&2
    exit 1
fi
subcommand=$1
shift
# Debian's compiler calls itself stable; building `core` is an unstable option.
export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTC_WRAPPER=
exec /usr/bin/cargo "$subcommand" -Zbuild-std=core \
    --config "target.'cfg(target_os = \"none\")'.linker = '$lld'" "$@"
