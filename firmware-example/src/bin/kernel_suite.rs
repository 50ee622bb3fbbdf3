//! The kernels of this core against the reference, on the core itself: random layers of every
//! algorithm, then the layers of the tutorial's network with the instructions each algorithm takes.
//! Ends with an error when one byte differs, or when a model or a buffer from which the kernels
//! cannot load words is let through.

#![no_std]
#![no_main]

#[allow(dead_code)]
#[path = "../board/mod.rs"]
mod board;
#[path = "../board/fault.rs"]
mod fault;
#[allow(dead_code)]
#[path = "../../../infer/tests/support/random_layer/mod.rs"]
mod random_layer;

use core::panic::PanicInfo;

use board::{Counter, host};
use cortex_m_semihosting::hprintln;
use infer::format::{Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, OutputQuant, Tensor};
use infer::kernels::{KernelSet, Reference};
use infer::ops::Buffers;
use infer::{
    Aligned, Arena, LayerKind, Model, ModelError, Native, Session, SessionError, Shape, Table,
};
use random_layer::{Maps, Numbers, Pattern, Random, agrees, conv, dense, each_choice};

/// Random layers of each algorithm.
const LAYERS: u64 = 30;

/// Input, output and convolutions of the tutorial's network, without what pooling throws away.
const CONVOLUTIONS: [(&str, Shape, Shape); 3] = [
    ("conv1", Shape::new(22, 22, 1), Shape::new(10, 10, 32)),
    ("conv2", Shape::new(10, 10, 32), Shape::new(4, 4, 64)),
    ("conv3", Shape::new(4, 4, 64), Shape::new(1, 1, 64)),
];

/// Inputs and units of its dense layers.
const DENSE: [(&str, u16, u16); 3] = [("dense1", 64, 64), ("dense2", 64, 500), ("dense3", 500, 10)];

/// A small model.
const MODEL: &[u8] = infer::include_model!("../../../tests/fuzz/corpus/model/seed-8-0.kndl");

const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let mut counter = Counter::start(peripherals.SYST);
    let (counter_is_right, counted) = counter.check();
    let checks = if cfg!(debug_assertions) { "with" } else { "without" };
    hprintln!(
        "{}, kernels {}, {} overflow checks; 2,000,000 counts {}",
        board::NAME,
        infer::BACKEND,
        checks,
        counted
    );
    let maps = cortex_m::singleton!(: Maps = Maps::new()).unwrap();
    let numbers = cortex_m::singleton!(: Numbers = Numbers::new()).unwrap();
    let mut right = counter_is_right & odd_addresses_are_refused() & random_layers(maps, numbers);
    for algorithm in Algorithm::ALL {
        for (name, input, output) in CONVOLUTIONS {
            right &= count_conv(&mut counter, name, algorithm, input, output, maps, numbers);
        }
    }
    for algorithm in DenseAlgorithm::ALL {
        for (name, inputs, units) in DENSE {
            right &= count_dense(&mut counter, name, algorithm, inputs, units, maps, numbers);
        }
    }
    hprintln!("{}", if right { "all right" } else { "WRONG" });
    host::exit(right)
}

/// Whether a model and a buffer are refused at each address from which this core cannot load what
/// its kernels load, and at no other.
fn odd_addresses_are_refused() -> bool {
    let needed = Native::ALIGNMENT_BYTES;
    let mut table = Table::<16>::new();
    let Ok(model) = Model::from_bytes(MODEL, &mut table) else { return false };
    let (mut file, mut arena) = (Aligned([0; 256]), Arena::<256>::new());
    let right = (0..16).all(|at| {
        let (at_file, at_arena) =
            (&mut file.0[at..at + MODEL.len()], &mut arena[at..at + model.arena_bytes()]);
        at_file.copy_from_slice(MODEL);
        let (loaded, session) = (load_error(at_file), Session::new(&model, at_arena).err());
        if at.is_multiple_of(needed) {
            loaded.is_none() && session.is_none()
        } else {
            loaded == Some(ModelError::Misaligned { needed })
                && session == Some(SessionError::BufferMisaligned { needed })
        }
    });
    hprintln!(
        "addresses that are no multiple of {}: {}",
        needed,
        if right { "refused" } else { "WRONG" }
    );
    right
}

fn load_error(file: &[u8]) -> Option<ModelError> {
    Model::from_bytes(file, &mut Table::<16>::new()).err()
}

fn random_layers(maps: &mut Maps, numbers: &mut Numbers) -> bool {
    let mut wrong = 0;
    for seed in 0..LAYERS {
        each_choice(|choice| {
            if !agrees::<Native>(&mut Random::new(seed), choice, maps, numbers) {
                hprintln!("{:?}, seed {}: differs from the reference", choice, seed);
                wrong += 1;
            }
        });
    }
    hprintln!("{} random layers of each algorithm, {} wrong", LAYERS, wrong);
    wrong == 0
}

/// Counts a convolution with 2x2 pooling, if the algorithm fits it; whether the result is right.
fn count_conv(
    counter: &mut Counter,
    name: &str,
    algorithm: Algorithm,
    input: Shape,
    output: Shape,
    maps: &mut Maps,
    numbers: &mut Numbers,
) -> bool {
    let record = ConvRecord {
        input: 0,
        kernel: [3, 3],
        stride: [1, 1],
        origin: [0, 0],
        pool: [2, 2],
        algorithm,
    };
    let tensors = [input, output].map(|shape| Tensor { shape, quant: QUANT });
    let values = &mut maps.input.0[..input.len()];
    let random = &mut Random::new(7);
    let Ok(conv) = conv::fill(random, &record, tensors, Pattern::Random, values, numbers) else {
        return true;
    };
    let scratch = &mut maps.scratch.0[..conv.scratch_bytes()];
    let (result, expected) =
        (&mut maps.output.0[..output.len()], &mut maps.expected[..output.len()]);
    let (input, kind) = (&*values, LayerKind::Conv(conv));
    kind.run::<Reference>(Buffers { input, second: &[], scratch: &mut [], output: expected });
    let buffers = Buffers { input, second: &[], scratch, output: result };
    let ((), instructions) = counter.count(|| kind.run::<Native>(buffers));
    let (scratch_bytes, weight_bytes) = (conv.scratch_bytes(), conv.filters().packed_bytes());
    hprintln!(
        "{} {:?}: {} instructions, scratch {} B, weights {} B",
        name,
        algorithm,
        instructions,
        scratch_bytes,
        weight_bytes
    );
    result == expected
}

/// Counts a dense layer; whether the result is right.
fn count_dense(
    counter: &mut Counter,
    name: &str,
    algorithm: DenseAlgorithm,
    inputs: u16,
    units: u16,
    maps: &mut Maps,
    numbers: &mut Numbers,
) -> bool {
    let record = DenseRecord { input: 0, algorithm };
    let tensors =
        [inputs, units].map(|values| Tensor { shape: Shape::vector(values), quant: QUANT });
    let values = &mut maps.input.0[..inputs as usize];
    let random = &mut Random::new(7);
    let Ok(dense) = dense::fill(random, &record, tensors, Pattern::Random, values, numbers) else {
        return false;
    };
    let (result, expected) =
        (&mut maps.output.0[..units as usize], &mut maps.expected[..units as usize]);
    let (input, kind) = (&*values, LayerKind::Dense(dense));
    kind.run::<Reference>(Buffers { input, second: &[], scratch: &mut [], output: expected });
    let buffers = Buffers { input, second: &[], scratch: &mut [], output: result };
    let ((), instructions) = counter.count(|| kind.run::<Native>(buffers));
    let weight_bytes = dense.matrix().packed_bytes();
    hprintln!(
        "{} {:?}: {} instructions, weights {} B",
        name,
        algorithm,
        instructions,
        weight_bytes
    );
    result == expected
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
