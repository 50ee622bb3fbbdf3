#!/usr/bin/env bash
# all.sh [SECONDS]: libFuzzer with AddressSanitizer, SECONDS (60) for each target; then the same
# targets on damaged inputs in a row, but for the importers, for which
# tests/tests/it/fuzz_targets.rs has them. ../../ci.sh fuzz runs it.
set -euo pipefail
cd "$(dirname "$0")"
for target in model idx png jpeg arrays wire tflite onnx; do
    printf '\n== fuzz %s\n' "$target"
    ./run.sh "$target" "-max_total_time=${1:-60}" -print_final_stats=1 2>&1 | tail -n 12
    cargo run --release --quiet --bin mutations -- "$target" "$(date +%s)00000" 3000000
done
for target in float int8; do
    printf '\n== fuzz %s\n' "$target"
    ./run.sh "$target" "-max_total_time=${1:-60}" -print_final_stats=1 2>&1 | tail -n 12
done
