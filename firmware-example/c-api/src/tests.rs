//! What the emulated programs have no models for, on the host: each type of input and each kind of
//! output, by every way to run. `cargo test -p kindling --lib --target` and the host's target.

#[path = "../../../infer/tests/support/mod.rs"]
mod support;

use std::ptr;
use std::vec::Vec;

use infer::format::{Field, OutputQuant};
use infer::{
    Interface, Metadata, Model, Native, OutputType, Reals, Session, Shape, Table, Value, ValueType,
};
use support::{Parts, whole};

use super::KindlingStatus::{NotBegun, Ok as OK, WrongOutput, WrongType};
use super::*;

#[repr(C, align(16))]
struct Aligned<T>(T);

/// Values of the test's image, five rows of five.
const VALUES: usize = 25;

/// The image in each type.
struct Image {
    u8: Vec<u8>,
    i8: Vec<i8>,
    f32: Vec<f32>,
}

/// A loaded model with its arena.
struct Loaded {
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    takes: ValueType,
    gives: OutputType,
}

#[test]
fn every_type_gives_what_a_session_gives() {
    for takes in [ValueType::Pixels, ValueType::Int8, ValueType::Reals] {
        for gives in [OutputType::Scores, OutputType::Reals] {
            let interface = Interface { takes, gives, ..Interface::default() };
            compare(&Parts { interface, self_test: None, ..Parts::default() }.file());
        }
    }
}

/// Above it an input counts as unusual.
const THRESHOLD: f32 = 0.75;

/// A model that gives as many values as it takes.
fn reconstruction(takes: ValueType) -> Vec<u8> {
    let interface = Interface { takes, gives: OutputType::Reconstruction, ..Interface::default() };
    let [a, b, c, d] = THRESHOLD.to_le_bytes();
    let threshold = Box::leak(Box::new([Field::Threshold as u8, 4, a, b, c, d]));
    let mut parts = Parts { interface, self_test: None, ..Parts::default() };
    parts.metadata = Metadata::new(threshold);
    let quant = OutputQuant { scale: 1.0 / 64.0, zero_point: 3 };
    parts.dense.output = whole(Shape::vector(VALUES as u16), quant, 16);
    let channels = parts.dense_channels.iter().cycle().take(VALUES);
    parts.dense_channels = channels.copied().collect();
    parts.dense_weights = parts.dense_weights.iter().cycle().take(4 * VALUES).copied().collect();
    parts.file()
}

#[test]
fn a_reconstruction_has_its_error_and_threshold() {
    for takes in [ValueType::Pixels, ValueType::Int8, ValueType::Reals] {
        compare(&reconstruction(takes));
    }
}

fn compare(bytes: &[u8]) {
    let mut file = Aligned([0; 4096]);
    file.0[..bytes.len()].copy_from_slice(bytes);
    let file = &file.0[..bytes.len()];
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(file, &mut table).unwrap();
    let (mut memory, mut arena) = (Aligned([0u8; 2048]), Aligned([0; 1024]));
    let mut handle = ptr::null_mut();
    let room = (&raw mut memory.0).cast();
    // SAFETY: room, file and handle are there, and stay until the end.
    let loaded = unsafe {
        kindling_load(room, 2048, file.as_ptr(), file.len(), &mut handle, ptr::null_mut())
    };
    assert_eq!(loaded, OK);
    let interface = model.input().interface;
    let loaded = Loaded {
        handle,
        arena: (&raw mut arena.0).cast(),
        arena_bytes: model.arena_bytes(),
        takes: interface.takes,
        gives: interface.gives,
    };
    let pixels = (0..VALUES).map(|at| (at * 37 % 251) as u8);
    let image = Image {
        u8: pixels.clone().collect(),
        i8: pixels.clone().map(|pixel| pixel as i8).collect(),
        f32: pixels.map(|pixel| pixel as f32 / 500.0).collect(),
    };
    let (scores, reals) = expected(&model, &image);
    loaded.compare_error(&model, &image, false);
    loaded.run(&image);
    loaded.compare(&scores, &reals);
    loaded.compare_error(&model, &image, true);
    loaded.run_by_steps(&image);
    loaded.compare(&scores, &reals);
    loaded.compare_error(&model, &image, true);
    loaded.run_by_rows(&image);
    loaded.compare(&scores, &reals);
    loaded.compare_error(&model, &image, true);
}

/// Scores, and probabilities or real values, of the model by a session.
fn expected(model: &Model<'_>, image: &Image) -> (Vec<i8>, Vec<f32>) {
    match model.input().interface.takes {
        ValueType::Pixels => expected_of(model, &image.u8),
        ValueType::Int8 => expected_of(model, &image.i8),
        ValueType::Reals => expected_of(model, &image.f32),
    }
}

fn expected_of<V: Value>(model: &Model<'_>, image: &[V]) -> (Vec<i8>, Vec<f32>) {
    let mut arena = Aligned([0; 1024]);
    let mut session = Session::new(model, &mut arena.0).unwrap();
    let scores = session.run_with::<Native>(image, &mut ()).unwrap();
    let reals = match model.input().interface.gives {
        OutputType::Scores => scores.probabilities().collect(),
        _ => Reals::new(scores).iter().collect(),
    };
    (scores.values().to_vec(), reals)
}

impl Loaded {
    /// By the function for each type: the others refuse.
    fn run(&self, image: &Image) {
        let Self { handle, arena, arena_bytes: bytes, .. } = *self;
        let run = |takes| match takes {
            // SAFETY: handle, arena and image are there, and used by nobody else.
            ValueType::Pixels => unsafe {
                kindling_run_u8(handle, arena, bytes, image.u8.as_ptr(), VALUES)
            },
            // SAFETY: as above.
            ValueType::Int8 => unsafe {
                kindling_run_i8(handle, arena, bytes, image.i8.as_ptr(), VALUES)
            },
            // SAFETY: as above.
            ValueType::Reals => unsafe {
                kindling_run_f32(handle, arena, bytes, image.f32.as_ptr(), VALUES)
            },
        };
        self.only_of_its_type(run);
        assert_eq!(run(self.takes), OK);
    }

    fn run_by_steps(&self, image: &Image) {
        let Self { handle, arena, arena_bytes: bytes, .. } = *self;
        let begin = |takes| match takes {
            // SAFETY: handle, arena and image are there, and used by nobody else.
            ValueType::Pixels => unsafe {
                kindling_begin_u8(handle, arena, bytes, image.u8.as_ptr(), VALUES)
            },
            // SAFETY: as above.
            ValueType::Int8 => unsafe {
                kindling_begin_i8(handle, arena, bytes, image.i8.as_ptr(), VALUES)
            },
            // SAFETY: as above.
            ValueType::Reals => unsafe {
                kindling_begin_f32(handle, arena, bytes, image.f32.as_ptr(), VALUES)
            },
        };
        self.only_of_its_type(begin);
        assert_eq!(begin(self.takes), OK);
        let mut more = true;
        while more {
            // SAFETY: handle, arena and image are there, and used by nobody else.
            assert_eq!(unsafe { kindling_step(handle, &mut more) }, OK);
        }
        // SAFETY: as above.
        assert_eq!(unsafe { kindling_finish(handle) }, OK);
    }

    fn run_by_rows(&self, image: &Image) {
        // SAFETY: handle and arena are there, and used by nobody else.
        let begun = unsafe { kindling_begin_rows(self.handle, self.arena, self.arena_bytes) };
        assert_eq!(begun, OK);
        for at in (0..VALUES).step_by(5) {
            self.only_of_its_type(|takes| match takes {
                // SAFETY: handle, arena and row are there, and used by nobody else.
                ValueType::Pixels => unsafe {
                    kindling_push_row_u8(self.handle, image.u8[at..].as_ptr(), 5)
                },
                // SAFETY: as above.
                ValueType::Int8 => unsafe {
                    kindling_push_row_i8(self.handle, image.i8[at..].as_ptr(), 5)
                },
                // SAFETY: as above.
                ValueType::Reals => unsafe {
                    kindling_push_row_f32(self.handle, image.f32[at..].as_ptr(), 5)
                },
            });
        }
        // SAFETY: as above.
        assert_eq!(unsafe { kindling_finish(self.handle) }, OK);
    }

    /// The call works for what the model takes, and for nothing else.
    fn only_of_its_type(&self, call: impl Fn(ValueType) -> KindlingStatus) {
        for takes in [ValueType::Pixels, ValueType::Int8, ValueType::Reals] {
            let expected = if takes == self.takes { OK } else { WrongType };
            assert_eq!(call(takes), expected, "{takes} of {}", self.takes);
        }
    }

    fn compare(&self, scores: &[i8], reals: &[f32]) {
        let (mut found, mut real) = (std::vec![0; scores.len()], std::vec![0.0; reals.len()]);
        // SAFETY: the handle is there, and there is room for the values.
        let told = unsafe {
            [
                kindling_scores(self.handle, 0, found.as_mut_ptr(), found.len(), ptr::null_mut()),
                kindling_probabilities(self.handle, 0, real.as_mut_ptr(), real.len()),
                kindling_reals(self.handle, 0, real.as_mut_ptr(), real.len()),
            ]
        };
        match self.gives {
            OutputType::Scores => assert_eq!(told, [OK, OK, WrongOutput]),
            _ => assert_eq!(told, [OK, WrongOutput, OK]),
        }
        assert_eq!(found, scores);
        assert_eq!(real, reals);
    }

    /// The error of the last run, where there was one, and the threshold.
    fn compare_error(&self, model: &Model<'_>, image: &Image, has_run: bool) {
        let (handle, mut error, mut threshold) = (self.handle, 0.0, 0.0);
        // SAFETY: handle, image and room for an error are there; the arena is unchanged.
        let mut ask = |takes| unsafe {
            match takes {
                ValueType::Pixels => {
                    kindling_error_u8(handle, image.u8.as_ptr(), VALUES, &mut error)
                }
                ValueType::Int8 => kindling_error_i8(handle, image.i8.as_ptr(), VALUES, &mut error),
                ValueType::Reals => {
                    kindling_error_f32(handle, image.f32.as_ptr(), VALUES, &mut error)
                }
            }
        };
        let told = [ValueType::Pixels, ValueType::Int8, ValueType::Reals].map(&mut ask);
        let expected = expected_error(model, image);
        let right = match (has_run, expected) {
            (false, _) => NotBegun,
            (true, None) => WrongOutput,
            (true, Some(_)) => OK,
        };
        assert_eq!(told[self.takes as usize], right);
        assert_eq!(told.iter().filter(|status| **status == OK).count(), (right == OK) as usize);
        assert_eq!(error, expected.filter(|_| has_run).unwrap_or_default());
        // SAFETY: as above.
        let told = unsafe { kindling_threshold(handle, &mut threshold) };
        let is_there = self.gives == OutputType::Reconstruction;
        assert_eq!(told, if is_there { OK } else { WrongOutput });
        assert_eq!(threshold, if is_there { THRESHOLD } else { 0.0 });
    }
}

/// The error of a model's reconstruction by a session.
fn expected_error(model: &Model<'_>, image: &Image) -> Option<f32> {
    let mut arena = Aligned([0; 1024]);
    let mut session = Session::new(model, &mut arena.0).unwrap();
    let made = match model.input().interface.takes {
        ValueType::Pixels => session.reconstruct(&image.u8),
        ValueType::Int8 => session.reconstruct(&image.i8),
        ValueType::Reals => session.reconstruct(&image.f32),
    };
    made.ok().map(|made| made.error)
}
