//! The least that a program does with a stream: load its model, push a row, take the class. Its
//! size is the code size that tables state.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use infer::{Model, Stream, Table};

/// Bytes of the model as it may arrive: unknown to the compiler.
static FILE: infer::Aligned<[u8; 4]> = infer::Aligned(*b"KNDL");

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        black_box(class(black_box(&FILE.0), black_box(&[])));
    }
}

fn class(file: &[u8], row: &[u8]) -> Option<usize> {
    let mut arena = infer::Arena::<1024>::new();
    let mut table = Table::<8>::new();
    let model = Model::from_bytes(file, black_box(&mut table)).ok()?;
    let mut stream = Stream::<8>::new(&model, black_box(&mut arena)).ok()?;
    let scores = stream.push(row).ok()?;
    scores.map(|scores| scores.class())
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
