//! Serial lines, polled: 115,200 baud, 8 data bits, no parity, 1 stop bit. One file for each kind
//! of peripheral; a board says which it has, and on which pins.

pub mod cmsdk;
pub mod nrf;
pub mod pl011;
pub mod stm32;
pub mod stm32_v2;

/// Of every board.
pub const BAUD: u32 = 115_200;
