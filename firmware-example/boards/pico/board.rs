//! Raspberry Pi Pico: RP2040, Cortex-M0+, 2 MB flash, 264 KB RAM. It runs on the crystal, 12 MHz.

use crate::board::register::Register;
use crate::board::server_memory::ServerMemory;
use crate::board::uart::pl011::Pl011;

/// The board, for people.
pub const NAME: &str = "Raspberry Pi Pico (Cortex-M0+)";

/// Clock of the core and of SysTick.
pub const CORE_HERTZ: u64 = 12_000_000;

/// Bytes of images, and of answers, held at a time.
pub const BUFFER_BYTES: usize = 16 * 1024;

/// What the server takes beside the built-in model's own memory.
pub const SERVER: ServerMemory = ServerMemory {
    part_bytes: 1024,
    answer_bytes: 1024,
    update_bytes: 104 * 1024,
    arena_bytes: 8 * 1024,
    row_bytes: 1024,
    timed_layers: 64,
    digits: true,
};

/// The second stage of the boot, which makes the flash readable as memory: the first 256 bytes of
/// flash.
#[allow(unsafe_code)]
// SAFETY: the boot ROM reads this section, and the program does not.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// UART0 on GP0 (transmit) and GP1 (receive): a Debug Probe passes it on over USB.
#[allow(unsafe_code)]
pub fn uart() -> Pl011 {
    // SAFETY: registers of XOSC, CLOCKS, RESETS, IO_BANK0 and UART0 (RP2040 datasheet, chapter 2
    // and section 4.2); none of them moves memory, and the program starts the UART once.
    unsafe {
        Register::at(0x4002_4000).write(0xAA0); // XOSC: a crystal of 1 to 15 MHz
        Register::at(0x4002_400C).write(47); // XOSC: wait 1 ms for it
        Register::at(0x4002_4000).write(0xFA_BAA0); // XOSC: on
        Register::at(0x4002_4004).wait_for(1 << 31); // XOSC: stable
        Register::at(0x4000_8030).write(2); // CLK_REF, and with it the core, from XOSC
        Register::at(0x4000_8048).write(1 << 11 | 4 << 5); // CLK_PERI from XOSC, on
        let reset = Register::at(0x4000_C000);
        reset.write(reset.read() & !(1 << 22 | 1 << 8 | 1 << 5)); // UART0, PADS_BANK0, IO_BANK0
        for done in [22, 8, 5] {
            Register::at(0x4000_C008).wait_for(1 << done);
        }
        Register::at(0x4001_4004).write(2); // GP0 is UART0's
        Register::at(0x4001_400C).write(2); // GP1 is UART0's
        Pl011::start(0x4003_4000, CORE_HERTZ as u32)
    }
}
