#!/bin/sh
# Builds libkindling.a and its header for the Cortex-M4, and runs C programs with it in QEMU.
# CARGO names another cargo.
set -eu
cd "$(dirname "$0")/.."
target=thumbv7em-none-eabihf
out=target/$target/release
core="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
unset KINDLING_MODEL

# A program in which a panic is reachable does not link. Whatever cargo's settings: what is linked
# is what was just built.
library() {
    ${CARGO:-cargo} build --release --quiet -p kindling --target $target --target-dir target "$@"
}

# links NAME SOURCES...
links() {
    name=$out/$1.elf
    shift
    arm-none-eabi-gcc $core -O2 -std=c99 -Wall -Wextra -Werror -ffreestanding -nostdlib \
        -Wl,--gc-sections,-z,noexecstack -I c-api/include -T c-api/example/link.ld \
        "$@" c-api/example/board.c c-api/example/data.s $out/libkindling.a -lgcc -o "$name"
}

runs() {
    timeout 60 qemu-system-arm -M mps2-an386 -icount shift=0 -display none -monitor none \
        -serial none -semihosting-config enable=on,target=native -kernel "$out/$1.elf"
}

# The header and its users are C++, too.
compiles_as_cpp() {
    if ! arm-none-eabi-gcc -x c++ -E /dev/null >/dev/null 2>&1; then
        echo "no C++ compiler: install g++ of arm-none-eabi to compile the header as C++"
        return
    fi
    for source in main misuse small; do
        arm-none-eabi-gcc -x c++ $core -Wall -Wextra -Werror -ffreestanding -fsyntax-only \
            -I c-api/include c-api/example/$source.c
    done
    echo "C++: the header and the programs compile"
}

library --features prove-no-panic
links c-example c-api/example/main.c c-api/example/misuse.c
# No function is left out of what was said of panics.
for function in $(grep -o 'kindling_[a-z0-9_]*(' c-api/include/kindling.h | tr -d '(' | sort -u); do
    arm-none-eabi-nm $out/c-example.elf | grep -q " T $function\$" ||
        { echo "c-api/example does not call $function" >&2; exit 1; }
done
# Only to see how large it is.
links c-all-parts -DLOADS c-api/example/small.c
compiles_as_cpp
runs c-example

# What `trainer plan` prints for tutorial-m4.kndl.
parts=single-channel,winograd-f2,winograd-f4,winograd-stored,winograd-single-tile,dense-quads-wide
export KINDLING_MODEL="$PWD/model/tutorial-m4.kndl"
library --features prove-no-panic --no-default-features \
    --features infer/"$(echo $parts | sed 's|,|,infer/|g')"
links c-small c-api/example/small.c
links c-small-loads -DLOADS c-api/example/small.c
links c-small-names -DLOADS -DNAMES c-api/example/small.c
runs c-small-loads
runs c-small-names
runs c-small

# Bytes of a program without the files in it.
code() {
    bytes=$(arm-none-eabi-size "$out/$1.elf" | awk 'NR == 2 { print $1 }')
    what=$2
    shift 2
    for file in model/stream.kndl model/tutorial.kndl digits/images.bin digits/labels.bin "$@"; do
        bytes=$((bytes - $(wc -c <"$file")))
    done
    echo "$what: $bytes bytes of code"
}

code c-example "all of the interface, all parts" model/tutorial-m4.kndl
code c-all-parts "kindling_load and kindling_run_u8, all parts" model/tutorial-m4.kndl
code c-small-loads "kindling_load and kindling_run_u8, parts of one plan" \
    model/tutorial-m4.kndl model/tutorial-m4.kndl
code c-small "the same without kindling_load" model/tutorial-m4.kndl model/tutorial-m4.kndl
