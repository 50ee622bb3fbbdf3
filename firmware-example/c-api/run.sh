#!/bin/sh
# Builds libkindling.a and its header for the Cortex-M4, and runs the C program with it in QEMU.
# CARGO names another cargo.
set -eu
cd "$(dirname "$0")/.."
target=thumbv7em-none-eabihf
# Whatever cargo's settings: what is linked is what was just built.
${CARGO:-cargo} build --release --quiet -p kindling --target $target --target-dir target
out=target/$target/release
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 \
    -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -Wl,--gc-sections,-z,noexecstack \
    -I c-api/include -T c-api/example/link.ld c-api/example/main.c c-api/example/data.s \
    $out/libkindling.a -lgcc -o $out/c-example.elf
exec timeout 60 qemu-system-arm -M mps2-an386 -display none -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel $out/c-example.elf
