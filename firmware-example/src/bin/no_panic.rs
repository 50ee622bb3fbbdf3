//! The proof that inference cannot panic. This program loads a model and runs it. With the feature
//! `update` it also runs it row by row and as a stream, and updates it. Its panic handler calls a
//! function that does not exist: if the compiler could not show that no panic is reachable, the
//! program would not link.
//!
//! There is no allocator either, so nothing in it can use a heap. `./ci.sh no-panic` builds it for
//! every core class. `docs/no-panic.md` tells how to do the same with your own firmware.

#![no_std]
#![no_main]

#[cfg(feature = "update")]
#[path = "../board/ram_flash.rs"]
mod ram_flash;

use core::hint::black_box;
use core::panic::PanicInfo;

use infer::{Model, Network, Session, Table};

/// Whatever network is built in: unknown to the compiler.
static NETWORK: Option<Network<'static>> = None;

/// Bytes of the model as it may arrive: unknown to the compiler.
static FILE: infer::Aligned<[u8; 4]> = infer::Aligned(*b"KNDL");

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        let mut arena = infer::Arena::<1024>::new();
        black_box(answer(black_box(&FILE.0), black_box(&[]), black_box(&mut arena)));
        black_box(answer_built_in(
            black_box(&NETWORK).as_ref(),
            black_box(&[]),
            black_box(&mut arena),
        ));
        black_box(answer_to_values(black_box(&FILE.0), black_box(&[]), black_box(&mut arena)));
        #[cfg(feature = "signature")]
        black_box(trusted(black_box(&FILE.0), black_box([0; infer::PublicKey::BYTES])));
        #[cfg(feature = "update")]
        {
            black_box(answer_to_rows(black_box(&FILE.0), black_box(&[]), black_box(&mut arena)));
            black_box(follow(black_box(&FILE.0), black_box(&[]), black_box(&mut arena)));
            black_box(update(black_box(&FILE.0)));
        }
    }
}

/// Everything that firmware asks of `infer`. A function of its own, with this name in the program,
/// so that its stack can be bounded.
#[inline(never)]
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the name occurs once")]
fn answer(file: &[u8], image: &[u8], arena: &mut [i8]) -> Option<(usize, f32)> {
    let mut table = Table::<8>::new();
    let model = Model::from_bytes(file, &mut table).ok()?;
    let mut session = Session::new(&model, arena).ok()?;
    let scores = session.run(image).ok()?;
    Some((scores.class(), scores.probabilities().nth(scores.class())?))
}

/// Everything that firmware with a model that is built in asks of `infer`.
#[inline(never)]
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the name occurs once")]
fn answer_built_in(
    network: Option<&Network<'_>>,
    image: &[u8],
    arena: &mut [i8],
) -> Option<(usize, f32)> {
    let mut session = Session::new(*network?, arena).ok()?;
    let scores = session.run(image).ok()?;
    Some((scores.class(), scores.probabilities().nth(scores.class())?))
}

/// Everything that firmware asks of a model of other values than pixels.
#[inline(never)]
fn answer_to_values(file: &[u8], reals: &[f32], arena: &mut [i8]) -> Option<f32> {
    let mut table = Table::<8>::new();
    let model = Model::from_bytes(file, &mut table).ok()?;
    let names = model.metadata().name(reals.len()).map_or(0, str::len);
    let text = model.metadata().preparation().map_or(0, str::len);
    let mut session = Session::new(&model, arena).ok()?;
    let error = session.reconstruct(reals).ok()?.error;
    Some(error + (names + text) as f32)
}

/// Everything that firmware asks of an image that comes row by row: apart from `answer`, whose
/// stack is bounded without it.
#[cfg(feature = "update")]
#[inline(never)]
fn answer_to_rows(file: &[u8], row: &[u8], arena: &mut [i8]) -> Option<usize> {
    let mut table = Table::<8>::new();
    let model = Model::from_bytes(file, &mut table).ok()?;
    let mut session = Session::new(&model, arena).ok()?;
    let mut rows = session.begin_rows::<u8>().ok()?;
    while rows.come() < rows.image_rows() {
        if rows.push(row).is_err() {
            rows.restart();
        }
    }
    Some(rows.finish().ok()?.class())
}

/// Everything that firmware asks of a stream.
#[cfg(feature = "update")]
#[inline(never)]
fn follow(file: &[u8], row: &[f32], arena: &mut [i8]) -> Option<usize> {
    let mut table = Table::<8>::new();
    let model = Model::from_bytes(file, &mut table).ok()?;
    let mut stream = infer::Stream::<8>::new(&model, arena).ok()?;
    let first = stream.push(row).ok()?.map_or(0, |scores| scores.class());
    stream.reset();
    let second = stream.push_stored(&[]).ok()?.map_or(0, |scores| scores.class());
    Some(first + second + stream.output(1)?.class())
}

/// Everything that firmware asks of signed models.
#[cfg(feature = "signature")]
fn trusted(file: &[u8], key: [u8; infer::PublicKey::BYTES]) -> Option<u32> {
    let trust = infer::Trust::signed_by(infer::PublicKey::new(key));
    Some(trust.load(file, &mut Table::<8>::new()).ok()?.version())
}

/// Everything that firmware asks of `infer::update`.
#[cfg(feature = "update")]
fn update(file: &[u8]) -> Option<u32> {
    use infer::Trust;
    use infer::update::{Running, Store};
    use ram_flash::RamFlash;
    let (mut journal, mut slots) =
        (RamFlash::<8192>::new(), [const { RamFlash::<4096>::new() }; 2]);
    let [first, second] = &mut slots;
    let mut store =
        Store::open(black_box(&mut journal), [black_box(first), black_box(second)]).ok()?;
    let mut table = Table::<8>::new();
    let trust = Trust::ANY.at_least(black_box(1));
    let Running { model, mut updater, .. } = store.boot(&trust, &mut table).ok()?;
    updater.confirm().ok()?;
    updater.begin(file.len()).ok()?;
    updater.write(file).ok()?;
    let version =
        updater.finish::<8>(&Trust::ANY, black_box(&mut infer::Arena::<1024>::new())).ok()?;
    Some(version + model.version())
}

#[panic_handler]
#[allow(unsafe_code)]
fn panic(info: &PanicInfo) -> ! {
    unsafe extern "C" {
        fn a_panic_is_reachable() -> !;
    }
    // For a program that is made to link all the same: it shows where the panics are.
    black_box(info.location());
    // SAFETY: the function does not exist, so a program that could get here does not link.
    unsafe { a_panic_is_reachable() }
}
