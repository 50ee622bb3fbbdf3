#!/usr/bin/env bash
# Counts CMSIS-NN's instructions for the tutorial's network, and those of MLPerf Tiny, on emulated
# cores:
#
#     tests/cmsis-nn/measure.sh [FOLDER [CORE...]]
#
# FOLDER is a clone of CMSIS-NN that has the commit below; without it the commit is fetched. Without
# a CORE all are measured. The networks of MLPerf Tiny are those of the folder that the variable
# KINDLING_MODELS names; without it they are left out. Every build is tried: gcc and, where it is
# installed, clang, at -O2 and -O3, with and without each of two macros. The answers are compared
# with those of Kindling's reference.
#
# Prints a line for each build: core, network, instructions of an input (the mean), bytes of scratch
# memory beside the maps, build. Then the fewest instructions for each core and network.
set -euo pipefail
cd "$(dirname "$0")/../.."

REPOSITORY=https://github.com/ARM-software/CMSIS-NN
COMMIT=99f736a63036613032f9b70de36b493bcd7802d4
OUT=target/cmsis-nn

# Name, board, and how both compilers are told of it. The M0's code runs on an M3, which has the RAM
# for it.
CORES=(
    "m0 mps2-an385 -mcpu=cortex-m0 -mfloat-abi=soft"
    "m3 mps2-an385 -mcpu=cortex-m3 -mfloat-abi=soft"
    "m4 mps2-an386 -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16"
    "m33 mps2-an505 -mcpu=cortex-m33 -mfloat-abi=hard -mfpu=fpv5-sp-d16"
    "m55 mps3-an547 -mcpu=cortex-m55 -mfloat-abi=hard"
)

# What the network calls, and what that calls.
SOURCES=(
    ConvolutionFunctions/arm_convolve_{wrapper_s8,get_buffer_sizes_s8,s8,1_x_n_s8,1x1_s8}.c
    ConvolutionFunctions/arm_convolve_1x1_s8_fast.c
    ConvolutionFunctions/arm_nn_mat_mult_{kernel_s8_s16,kernel_row_offset_s8_s16,s8}.c
    ConvolutionFunctions/arm_depthwise_conv_{wrapper_s8,get_buffer_sizes_s8,s8,s8_opt,3x3_s8}.c
    ConvolutionFunctions/arm_nn_depthwise_conv_s8_core.c
    BasicMathFunctions/arm_elementwise_add_s8.c
    FullyConnectedFunctions/arm_fully_connected_{wrapper_s8,s8,per_channel_s8}.c
    FullyConnectedFunctions/arm_vector_sum_s8.c
    NNSupportFunctions/arm_nn_depthwise_conv_nt_t_{padded_s8,s8}.c
    NNSupportFunctions/arm_nn_mat_mul_core_{1x_s8,4x_s8}.c
    NNSupportFunctions/arm_nn_mat_mult_nt_t_s8.c
    NNSupportFunctions/arm_nn_vec_mat_mult_t_{s8,per_ch_s8}.c
    NNSupportFunctions/arm_{q7_to_q15,s8_to_s16_unordered}_with_offset.c
    PoolingFunctions/arm_{max_pool_s8,avgpool_s8,avgpool_get_buffer_sizes_s8}.c
    SoftmaxFunctions/arm_{softmax_s8,nn_softmax_common_s8}.c
    TransposeFunctions/arm_transpose_s8.c
)

# Macros that may make CMSIS-NN faster.
ASSEMBLY=-DCMSIS_NN_USE_REQUANTIZE_INLINE_ASSEMBLY
RESTRICT=-DOPTIONAL_RESTRICT_KEYWORD=__restrict

die() { printf 'measure.sh: %s\n' "$*" >&2; exit 1; }

need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

# The sources of CMSIS-NN at COMMIT.
fetch() {
    local from=${1:-$OUT/clone}
    if [ $# = 0 ] && [ ! -d "$from" ]; then
        git init --quiet --bare "$from"
        git -C "$from" fetch --quiet --depth 1 "$REPOSITORY" "$COMMIT" ||
            { rm -r "$from"; die "cannot fetch $REPOSITORY: name a folder with a clone of it"; }
    fi
    rm -rf "$OUT/source"
    mkdir -p "$OUT/source"
    git -C "$from" archive "$COMMIT" Include Source | tar -x -C "$OUT/source" ||
        die "$from has no commit $COMMIT"
}

# c_network ARGUMENTS...
c_network() { cargo run --release --quiet -p tools --bin c_network -- "$@"; }

# The networks' headers. Sets `networks` to their names: of the tutorial's for whole images and for
# the part of them that is read, of MLPerf Tiny's also for vww without its constant channels.
write_networks() {
    local network model=firmware-example/model/tutorial.kndl
    local images=firmware-example/digits/images.bin
    networks=(whole cropped)
    [ -z "${KINDLING_MODELS:-}" ] || networks+=(kws vww vww-saved ic ad sww)
    for network in "${networks[@]}"; do
        mkdir -p "$OUT/$network"
        case $network in
            whole) c_network model $model $images "$OUT/$network/network.h" ;;
            cropped) c_network model $model $images "$OUT/$network/network.h" cropped ;;
            vww-saved) c_network public "$KINDLING_MODELS" vww "$OUT/$network/network.h" saved ;;
            *) c_network public "$KINDLING_MODELS" "$network" "$OUT/$network/network.h" ;;
        esac
    done
}

compilers() {
    local clang
    echo arm-none-eabi-gcc
    for clang in clang-19 clang; do
        command -v "$clang" >/dev/null && { echo "$clang"; return; }
    done
    echo "no clang: only gcc is tried" >&2
}

# Sets `compile` to how a build compiles a file: compile_with BOARD COMPILER FLAGS...
compile_with() {
    local board=$1 compiler=$2 hertz include
    hertz=$(sed -n 's/^hertz = //p' "firmware-example/boards/$board/board.toml")
    compile=("$compiler" "${@:3}" -mthumb -ffunction-sections -fdata-sections -fshort-enums -w
        -I "$OUT/source/Include" "-DHERTZ=$hertz")
    if [[ $compiler == clang* ]]; then
        include=$(echo '#include <string.h>' | arm-none-eabi-gcc -M -E -x c - |
            tr ' ' '\n' | grep -m 1 '/string\.h$')
        compile+=(--target=arm-none-eabi -isystem "${include%/string.h}")
    fi
}

# Compiles CMSIS-NN.
build_library() {
    local source
    rm -rf "$OUT/objects"
    mkdir "$OUT/objects"
    for source in "${SOURCES[@]/#/$OUT/source/Source/}"; do
        "${compile[@]}" -c "$source" -o "$OUT/objects/$(basename "$source" .c).o"
    done
}

# Links it with the program for a network by the board's memory map, and runs that: prints
# instructions and bytes.
run() {
    local network=$1 board=$2 flags=("${@:3}") machine
    "${compile[@]}" -I "$OUT/$network" -c tests/cmsis-nn/main.c -o "$OUT/main.o"
    arm-none-eabi-gcc "${flags[@]}" -mthumb -nostartfiles -Wl,--gc-sections,-z,noexecstack \
        -T "firmware-example/boards/$board/memory.x" -T tests/cmsis-nn/sections.ld \
        "$OUT"/objects/*.o "$OUT/main.o" -o "$OUT/cmsis-nn.elf" || return
    machine=$(sed -n 's/^machine = "\(.*\)"/\1/p' "firmware-example/boards/$board/board.toml")
    # The emulator writes what the program says to standard error.
    timeout 600 qemu-system-arm -M "$machine" -icount shift=0 -display none -monitor none \
        -serial none -semihosting-config enable=on,target=native -kernel "$OUT/cmsis-nn.elf" 2>&1
}

need arm-none-eabi-gcc "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
need qemu-system-arm "apt-get install qemu-system-arm"
fetch "${@:1:1}"
chosen=" ${*:2} "
write_networks
: >"$OUT/counts.txt"
for core in "${CORES[@]}"; do
    read -r name board flags <<<"$core"
    read -ra flags <<<"$flags"
    [ "$chosen" = "  " ] || [[ $chosen == *" $name "* ]] || continue
    for compiler in $(compilers); do
        for options in -O{2,3}" "{,$ASSEMBLY}" "{,$RESTRICT}; do
            # The M0 has no instructions for that assembly.
            [[ $name != m0 || $options != *"$ASSEMBLY"* ]] || continue
            read -ra options <<<"$options"
            compile_with "$board" "$compiler" "${flags[@]}" "${options[@]}"
            build_library
            for network in "${networks[@]}"; do
                counts=$(run "$network" "$board" "${flags[@]}") ||
                    die "$name, $network, $compiler ${options[*]}: $counts"
                echo "$name $network $counts $compiler ${options[*]}" | tee -a "$OUT/counts.txt"
            done
        done
    done
done
printf '\nfewest:\n'
sort -s -k 1,2 "$OUT/counts.txt" | sort -s -n -k 3 | awk '!seen[$1, $2]++'
