#!/usr/bin/env bash
# coverage.sh [INPUTS]: which share of the code that bytes from outside go through is reached: by
# the fuzz targets alone, on their corpora and INPUTS (100,000) damaged inputs of each kind, then
# together with the library's tests. Every line, with how often it was passed, is in
# target/coverage/lines.txt. ../../ci.sh coverage runs it.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$PWD/target/coverage
tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
mutations=$folder/fuzz/release/mutations

# What llvm-cov says of the code under test: covered report|show PROGRAM...
covered() {
    local what=$1
    shift
    "$tools/llvm-profdata" merge -sparse "$folder"/profiles/*.profraw -o "$folder/profile"
    "$tools/llvm-cov" "$what" --instr-profile="$folder/profile" \
        --ignore-filename-regex='/(registry|rustc|infer/tests|mutate)/' "$@"
}

# Regions and lines of the files that read what comes from outside, and how many are reached.
shares() {
    local files='algorithms|checks|format|header|layer|operator|packing|placement|reader|record'
    files+='|schedule|sections|session|shape|trust|ops/[a-z_]*/mod|wire/[a-z]*'
    files+='|elements|idx|jpeg|npy|npz|picture|picture_file|png'
    awk -v files="($files)\\\\.rs\$" '
        function line(name, regions, missed, lines, lines_missed) {
            printf "%-28s %4d of %4d regions %6.2f%% ", name, regions - missed, regions,
                100 - 100 * missed / regions
            printf "%4d of %4d lines %6.2f%%\n", lines - lines_missed, lines,
                100 - 100 * lines_missed / lines
        }
        $1 ~ files {
            line($1, $2, $3, $8, $9)
            regions += $2; missed += $3; lines += $8; lines_missed += $9
        }
        END { line("together", regions, missed, lines, lines_missed) }'
}

[ -x "$tools/llvm-cov" ] ||
    { echo "missing: llvm-tools. Run: rustup component add llvm-tools" >&2; exit 1; }
rm -rf "$folder/profiles" "$folder/tests/release/deps"
export RUSTFLAGS=-Cinstrument-coverage LLVM_PROFILE_FILE=$folder/profiles/%m-%p.profraw
# As the fuzz targets are built: counts of the same function in other builds could not be added.
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
(cd tests/fuzz &&
    cargo build --release --quiet --target-dir "$folder/fuzz" --bin mutations &&
    "$mutations" corpus &&
    for kind in model idx png jpeg arrays wire tflite onnx; do
        "$mutations" "$kind" 0 "${1:-100000}"
    done)
printf '\n== reached by the fuzz targets\n'
covered report "$mutations" | shares
cargo test --release --quiet -p infer --features signature,update,wire \
    --target-dir "$folder/tests" --tests
tests=$(find "$folder/tests/release/deps" -type f -executable ! -name '*.so' -printf '-object %p ')
printf '\n== reached by the fuzz targets and the tests of infer\n'
# shellcheck disable=SC2086 # several arguments
covered report "$mutations" $tests | shares
# shellcheck disable=SC2086
covered show "$mutations" $tests >"$folder/lines.txt"
