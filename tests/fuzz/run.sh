#!/usr/bin/env bash
# Runs a fuzz target under libFuzzer and AddressSanitizer: run.sh TARGET [libFuzzer's options], e.g.
# run.sh model -max_total_time=60. The stable compiler is told to take the flags that `cargo fuzz`
# gives a nightly one; g++ compiles libFuzzer.
set -euo pipefail
cd "$(dirname "$0")"
target=$1
shift
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
-Ccodegen-units=1 -Zsanitizer=address"
features=() corpus=$target
# The importers are in the trainer.
case $target in float | int8) features=(--features trainer) ;; esac
[ "$target" != int8 ] || corpus=tflite
cargo build --release --quiet --target "$host" --bin "$target" "${features[@]}"
# Inputs that are new stay out of the repository; those that crash are written there, to become part
# of the corpus.
mkdir -p "target/found/$target"
exec "target/$host/release/$target" "target/found/$target" "corpus/$corpus" \
    -artifact_prefix="target/found-crash-$target-" "$@"
