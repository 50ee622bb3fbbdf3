//! Model files: whatever loads must run, within its buffer and its time, and as the reference runs.

use infer::Table;
use infer::format::LAYERS_MAX;
use infer::{Model, ModelError, Native, Reference, Session, Trust, TrustError, self_test};

/// Largest run, so that an execution stays short.
const OPERATIONS_MAX: u64 = 1 << 16;

/// Largest buffers, bytes.
const BUFFER_BYTES: usize = 1 << 16;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is no model.
    Refused(ModelError),
    /// It is one, but too large to be run here.
    TooLarge,
    /// It ran.
    Ran,
}

/// Loads and runs a file.
///
/// # Panics
/// When a model that was accepted does not keep what the loader promised.
pub fn load_and_run(file: &[u8]) -> Outcome {
    let mut table = Table::<LAYERS_MAX>::new();
    let model = match Trust::ANY.at_most_operations(OPERATIONS_MAX).load(file, &mut table) {
        Ok(model) => model,
        Err(TrustError::Model(error)) => return Outcome::Refused(error),
        Err(TrustError::TooSlow { .. }) => return Outcome::TooLarge,
        Err(error) => panic!("nothing was asked for that could be missing: {error}"),
    };
    assert_eq!(model.file_bytes(), file.len());
    if model.arena_bytes() > BUFFER_BYTES || model.image_shape().len() > BUFFER_BYTES {
        return Outcome::TooLarge;
    }
    run(&model);
    Outcome::Ran
}

fn run(model: &Model) {
    // Between guards: nothing outside of the buffer may change.
    let bytes = model.arena_bytes();
    let mut memory = vec![0x5A; bytes + 64];
    let image: Vec<u8> = (0..model.image_shape().len()).map(|at| (at * 31 + 7) as u8).collect();
    let scores = |arena: &mut [i8], reference: bool| {
        let mut session = Session::new(model, arena).expect("a buffer of the model's size");
        let scores = if reference {
            session.run_stored::<Reference>(&image, &mut ())
        } else {
            session.run_stored::<Native>(&image, &mut ())
        };
        let scores = scores.expect("an image of the model's size");
        assert!(scores.class() < model.classes());
        assert!(scores.probabilities().all(|part| (0.0..=1.001).contains(&part) || part.is_nan()));
        scores.values().to_vec()
    };
    let native = scores(&mut memory[32..32 + bytes], false);
    let reference = scores(&mut vec![0; bytes], true);
    assert_eq!(native, reference, "the kernels differ from the reference");
    assert!(
        memory[..32].iter().chain(&memory[32 + bytes..]).all(|byte| *byte == 0x5A),
        "written beside the buffer"
    );
    let _ = self_test(model, &mut memory[..bytes]);
}
