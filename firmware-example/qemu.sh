#!/bin/sh
# Runs a firmware in QEMU: qemu.sh ELF [IMAGES ANSWERS]. The board is $KINDLING_BOARD, as for the
# build. With -icount shift=0 every instruction takes one nanosecond of virtual time: instructions
# can be counted, cycles not. KINDLING_EMULATOR_COUNTS=no goes without, for programs that count
# nothing: they run faster.
set -eu
board=${KINDLING_BOARD:-mps2-an386}
description=$(dirname "$0")/boards/$board/board.toml
if ! command -v qemu-system-arm >/dev/null 2>&1; then
    echo "qemu-system-arm is not installed: apt-get install qemu-system-arm" \
        "(or run ../ci.sh setup)" >&2
    exit 1
fi
machine=$(sed -n 's/^machine = "\(.*\)"/\1/p' "$description")
if [ -z "$machine" ]; then
    echo "no emulator for board '$board': $description names none" >&2
    exit 1
fi
options=$(sed -n 's/^options = \[\(.*\)\]/\1/p' "$description" | tr -d '",')
elf=$1
shift
# What the program says of itself, as build.rs had the linker write it. Cargo tells a change by a
# file's time; this tells the program. Text of another section may end right before it.
built=$(LC_ALL=C tr -c ' -~' '\n' <"$elf" |
    sed -n '/kindling-firmware board=/{s/.*kindling-firmware/kindling-firmware/p;q;}')
built_for=$(echo "$built" | sed -n 's/.* board=\([^ ]*\).*/\1/p')
holds=$(echo "$built" | sed -n 's/.* of=\([^ ]*\).*/\1/p')
if [ "$built_for" != "$board" ]; then
    echo "$elf is built for ${built_for:-another machine}, not for $board:" \
        "build it with KINDLING_BOARD=$board" >&2
    exit 1
fi
if [ -n "${KINDLING_MODEL:-}" ]; then
    # The checksum in the file's header.
    asked=$(od -An -tx1 -j12 -N4 "$KINDLING_MODEL" | awk '{ print $4 $3 $2 $1 }')
    if [ "$holds" != "$asked" ]; then
        echo "$elf was built for model $holds, and $KINDLING_MODEL is $asked: build it again" >&2
        exit 1
    fi
fi
semihosting=enable=on,target=native,arg=kindling
for argument in "$@"; do
    semihosting=$semihosting,arg=$argument
done
counting="-icount shift=0"
if [ "${KINDLING_EMULATOR_COUNTS:-yes}" = no ]; then
    counting=
fi
# Ten digits take a second, ten thousand images some minutes: a firmware that hangs is stopped.
exec timeout "${KINDLING_EMULATOR_SECONDS:-1800}" qemu-system-arm -M "$machine" $options $counting \
    ${KINDLING_EMULATOR_PLUGIN:+-plugin} ${KINDLING_EMULATOR_PLUGIN:+"$KINDLING_EMULATOR_PLUGIN"} \
    -display none -monitor none -serial none \
    -semihosting-config "$semihosting" -kernel "$elf"
