//! What happens on a fault of the core, for programs that a host listens to. Without this the
//! emulator would hang.
#![allow(unsafe_code)]

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::hprintln;

use crate::board::host;

// SAFETY: uses nothing that the fault could have left half-written: it prints and ends the program.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    hprintln!("hard fault: {:?}", frame);
    host::exit(false)
}
