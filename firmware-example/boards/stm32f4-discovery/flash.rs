//! Slots for models in the chip's flash: see `memory.x`.

use crate::board::stm32f4_flash::Stm32F4Flash;

type Journal = Stm32F4Flash<{ 16 * 1024 }>;
type Slot = Stm32F4Flash<{ 128 * 1024 }>;

/// The journal in the sectors 1 and 2, slots of 256 KB in the sectors 8 to 11. The caller has no
/// other from an earlier call.
#[allow(unsafe_code)]
pub fn flash() -> (Journal, [Slot; 2]) {
    // SAFETY: the chip is an STM32F407 with 1 MB of flash; memory.x keeps these sectors from the
    // program; the server calls this once, and again only when it has given up what it got.
    unsafe {
        let slots = [Slot::at(8, 0x0808_0000, 2), Slot::at(10, 0x080C_0000, 2)];
        (Journal::at(1, 0x0800_4000, 2), slots)
    }
}
