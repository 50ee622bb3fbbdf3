//! Raspberry Pi Pico 2: RP2350 with its Cortex-M33 cores, 4 MB flash, 520 KB RAM. It runs on the
//! crystal, 12 MHz.

use crate::board::register::Register;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::pl011::Pl011;

/// The board, for people.
pub const NAME: &str = "Raspberry Pi Pico 2 (Cortex-M33)";

/// Clock of the core and of SysTick.
pub const CORE_HERTZ: u64 = 12_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 16 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 256 * 1024,
    arena_bytes: 32 * 1024,
    row_bytes: 4 * 1024,
    timed_layers: 64,
    digits: true,
};

/// The image definition, by which the boot ROM knows a program for the Arm cores, in secure state
/// (RP2350 datasheet, section 5.9.5.1): start marker, image type, last item, no further block, end
/// marker.
#[allow(unsafe_code)]
// SAFETY: the boot ROM reads this section, and the program does not.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE_DEFINITION: [u32; 5] =
    [0xFFFF_DED3, 0x1021_0142, 0x0000_01FF, 0x0000_0000, 0xAB12_3579];

/// UART0 on GP0 (transmit) and GP1 (receive): a Debug Probe passes it on over USB.
#[allow(unsafe_code)]
pub fn uart() -> Pl011 {
    // SAFETY: registers of XOSC, CLOCKS, RESETS, IO_BANK0, PADS_BANK0 and UART0 (RP2350 datasheet,
    // chapters 7 to 9 and section 12.1); none of them moves memory, and the program starts the UART
    // once.
    unsafe {
        Register::at(0x4004_8000).write(0xAA0); // XOSC: a crystal of 1 to 15 MHz
        Register::at(0x4004_800C).write(47); // XOSC: wait 1 ms for it
        Register::at(0x4004_8000).write(0xFA_BAA0); // XOSC: on
        Register::at(0x4004_8004).wait_for(1 << 31); // XOSC: stable
        Register::at(0x4001_0030).write(2); // CLK_REF, and with it the core, from XOSC
        Register::at(0x4001_0048).write(1 << 11 | 4 << 5); // CLK_PERI from XOSC, on
        let reset = Register::at(0x4002_0000);
        reset.write(reset.read() & !(1 << 26 | 1 << 9 | 1 << 6)); // UART0, PADS_BANK0, IO_BANK0
        for done in [26, 9, 6] {
            Register::at(0x4002_0008).wait_for(1 << done);
        }
        Register::at(0x4002_8004).write(2); // GP0 is UART0's
        Register::at(0x4002_800C).write(2); // GP1 is UART0's
        Register::at(0x4003_8004).write(0x56); // its pad, no longer isolated
        Register::at(0x4003_8008).write(0x56);
        Pl011::start(0x4007_0000, CORE_HERTZ as u32)
    }
}
