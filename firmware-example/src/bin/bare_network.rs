//! The least that a program does with a network that was checked when it was built: run it, take
//! the class. Its size is the code size that tables and plans state for models that are built in;
//! `bare` has the loader too.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use infer::{Network, Session};

/// Whatever network is linked here: unknown to the compiler.
const NETWORK: Option<Network<'static>> = None;

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        black_box(class(black_box(&NETWORK).as_ref(), black_box(&[])));
    }
}

fn class(network: Option<&Network<'_>>, image: &[u8]) -> Option<usize> {
    let mut arena = infer::Arena::<1024>::new();
    let mut session = Session::new(*network?, black_box(&mut arena)).ok()?;
    Some(session.run(image).ok()?.class())
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
