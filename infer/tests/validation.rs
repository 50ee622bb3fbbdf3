//! What the loader refuses: every check once, and then files that are damaged everywhere.

mod support;

use infer::format::{Header, SECTION_ALIGNMENT_BYTES};
use infer::{LayerProblem, Model, ModelError, SelfTestError, Session, SessionError, Shape, self_test};
use support::{HALF, Parts, channel, with_checksum};

fn refused(file: &[u8]) -> ModelError {
    match Model::from_bytes(file) {
        Ok(_) => panic!("accepted"),
        Err(error) => error,
    }
}

/// The problem with layer `index` after `change`.
fn problem(index: u8, change: impl Fn(&mut Parts)) -> LayerProblem {
    let mut parts = Parts::default();
    change(&mut parts);
    match refused(&parts.file()) {
        ModelError::Layer { index: found, problem } if found == index => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn damaged_headers() {
    let good = Parts::default().file();
    let bytes = good.len();
    assert_eq!(refused(&[]), ModelError::TooShort { needed: 28, found: 0 });
    assert_eq!(refused(&good[..27]), ModelError::TooShort { needed: 28, found: 27 });
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        refused(&file)
    };
    assert_eq!(with(0, b'X'), ModelError::Magic { found: *b"XNDL" });
    assert_eq!(with(4, 1), ModelError::Version { found: 1, supported: 2 });
    assert_eq!(with(7, 1), ModelError::Reserved);
    assert_eq!(refused(&good[..bytes - 1]), ModelError::Length { header: bytes as u32, found: bytes - 1 });
    let longer = [&good[..], &[0]].concat();
    assert_eq!(refused(&longer), ModelError::Length { header: bytes as u32, found: bytes + 1 });
    assert!(matches!(with(bytes - 1, 0x55), ModelError::Checksum { .. }));
}

#[test]
fn surplus_and_missing_bytes() {
    let good = Parts::default().file();
    let with_length = |mut file: Vec<u8>| {
        let bytes = file.len() as u32;
        file[8..12].copy_from_slice(&bytes.to_le_bytes());
        with_checksum(file)
    };
    let longer = [&good[..], &[0]].concat();
    assert_eq!(refused(&with_length(longer)), ModelError::Surplus);
    let shorter = good[..good.len() - 1].to_vec();
    assert_eq!(refused(&with_length(shorter)), ModelError::SelfTestMissing);
    let without = Parts { self_test: None, ..Parts::default() }.file();
    let missing = ModelError::Layer { index: 2, problem: LayerProblem::SectionMissing };
    assert_eq!(refused(&with_length(without[..without.len() - 1].to_vec())), missing);
    assert_eq!(refused(&with_length([&without[..], &[0]].concat())), ModelError::Surplus);
}

#[test]
fn padding_must_be_zero() {
    let good = Parts::default().file();
    let record_bytes = Header::read(&good).unwrap().record_bytes as usize;
    let padding = Header::BYTES + record_bytes;
    assert_ne!(padding % SECTION_ALIGNMENT_BYTES, 0, "this model has padding behind its records");
    let mut file = good;
    file[padding] = 1;
    assert_eq!(refused(&with_checksum(file)), ModelError::Surplus);
}

#[test]
fn a_self_test_is_there_or_not_and_nothing_else() {
    let good = Parts::default().file();
    let record_bytes = Header::read(&good).unwrap().record_bytes as usize;
    let mut file = good;
    let flag = Header::BYTES + record_bytes - 1;
    assert_eq!(file[flag], 1);
    file[flag] = 2;
    assert_eq!(refused(&with_checksum(file.clone())), ModelError::Records);
    file[flag] = 0;
    assert_eq!(refused(&with_checksum(file)), ModelError::Surplus, "its sections belong to nobody");
}

#[test]
fn the_self_test_tells_a_model_that_works_from_others() {
    let run = |parts: &Parts| self_test(&Model::from_bytes(&parts.file()).unwrap(), &mut [0; 72]);
    assert_eq!(run(&Parts::default()), Ok(()));
    assert_eq!(run(&Parts { self_test: None, ..Parts::default() }), Err(SelfTestError::Absent));
    let mut other = Parts::default();
    other.dense_channels[0].bias += 10;
    assert_eq!(run(&other), Err(SelfTestError::Differs));
    let file = Parts::default().file();
    let short = self_test(&Model::from_bytes(&file).unwrap(), &mut [0; 71]);
    let too_small = SessionError::BufferTooSmall { needed: 72, found: 71 };
    assert_eq!(short, Err(SelfTestError::Session(too_small)));
}

#[test]
fn sizes() {
    assert_eq!(problem(0, |parts| parts.conv.kernel[1] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.stride[0] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.pool[0] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.output.channels = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(2, |parts| parts.dense.units = 0), LayerProblem::ZeroSize);
    let huge = Shape::new(u16::MAX, u16::MAX, u16::MAX);
    assert_eq!(problem(0, |parts| parts.conv.output = huge), LayerProblem::TooLarge);
    assert_eq!(problem(1, |parts| parts.pool.size = [3, 1]), LayerProblem::OutsideMap);
    assert_eq!(problem(1, |parts| parts.pool.output.width = 3), LayerProblem::OutsideMap);
    assert_eq!(problem(1, |parts| parts.pool.output.channels = 1), LayerProblem::OutsideMap);
    let long = "a name that is longer than 32 bytes";
    assert_eq!(problem(0, |parts| parts.conv.name = long), LayerProblem::NameTooLong);
}

#[test]
fn numbers() {
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(problem(0, |parts| parts.conv.output_quant.scale = scale), LayerProblem::Scale);
    }
    for multiplier in [0, -1, i32::MIN] {
        let found = problem(0, |parts| parts.conv_channels[1].multiplier = multiplier);
        assert_eq!(found, LayerProblem::Multiplier { channel: 1 });
    }
    // Channel 0 has sum |weight| = 10: 128 * 10 + |bias| may reach 2^31 - 1, no more.
    let limit = i32::MAX - 1280;
    let mut parts = Parts::default();
    parts.conv_channels[0] = channel(limit, HALF);
    assert!(Model::from_bytes(&parts.file()).is_ok());
    for bias in [limit + 1, -limit - 1, i32::MIN] {
        let found = problem(0, |parts| parts.conv_channels[0].bias = bias);
        assert_eq!(found, LayerProblem::AccumulatorRange { channel: 0 });
    }
}

#[test]
fn buffers() {
    assert_eq!(problem(0, |parts| parts.conv.output_at = 65), LayerProblem::ArenaMisaligned);
    assert_eq!(problem(0, |parts| parts.conv.output_at = 16), LayerProblem::ArenaOverlap);
    assert_eq!(problem(0, |parts| parts.conv.scratch_at = 16), LayerProblem::ArenaOverlap);
    assert_eq!(problem(0, |parts| parts.conv.scratch_at = 64), LayerProblem::ArenaOverlap);
    assert_eq!(problem(1, |parts| parts.pool.output_at = 64), LayerProblem::ArenaOverlap);
    assert_eq!(problem(0, |parts| parts.conv.output_at = 0xFFFF_FFF0), LayerProblem::ArenaExceeded);
    for held_rows in [0, 3, u16::MAX] {
        assert_eq!(problem(0, |parts| parts.conv.held_rows = held_rows), LayerProblem::HeldRows);
    }
    // The pooling reads both rows of the map at once; the convolution with its pooling reads three of the image.
    assert_eq!(problem(1, |parts| parts.conv.held_rows = 1), LayerProblem::HeldRows);
    assert_eq!(problem(0, |parts| parts.input.held_rows = 2), LayerProblem::HeldRows);
    for held_rows in [0, 6] {
        let mut parts = Parts::default();
        parts.input.held_rows = held_rows;
        assert_eq!(refused(&parts.file()), ModelError::Input(LayerProblem::HeldRows));
    }
    // Layers that take turns use all their maps at once: the image's rows may not lie where the output does.
    assert!(Model::from_bytes(&rolling(0).file()).is_ok());
    let overlap = ModelError::Layer { index: 0, problem: LayerProblem::ArenaOverlap };
    assert_eq!(refused(&rolling(64).file()), overlap);
    for arena_bytes in [0, 71, 73, u32::MAX] {
        let parts = Parts { arena_bytes, ..Parts::default() };
        assert_eq!(refused(&parts.file()), ModelError::ArenaBytes { header: arena_bytes, needed: 72 });
    }
}

/// The model with three rows of its image held, at `arena_at`.
fn rolling(arena_at: u32) -> Parts {
    let mut parts = Parts::default();
    parts.input.held_rows = 3;
    parts.input.arena_at = arena_at;
    parts
}

#[test]
fn one_byte_less_is_an_error_that_states_both_numbers() {
    let file = Parts::default().file();
    let model = Model::from_bytes(&file).unwrap();
    let mut short = [0; 71];
    let error = Session::new(&model, &mut short).err().unwrap();
    assert_eq!(error, SessionError::BufferTooSmall { needed: 72, found: 71 });
    assert_eq!(error.to_string(), "the model needs 72 bytes of working memory, the buffer has 71");
    assert!(Session::new(&model, &mut [0; 72]).is_ok());
}

#[test]
fn an_image_of_the_wrong_size_is_refused_and_the_session_stays_usable() {
    let file = Parts::default().file();
    let model = Model::from_bytes(&file).unwrap();
    let mut arena = [0; 72];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let before = session.run(&[7; 25]).unwrap().values().to_vec();
    for wrong in [0, 24, 26, 784] {
        let error = session.run(&vec![0; wrong]).err().unwrap();
        assert_eq!((error.expected, error.found), (25, wrong));
    }
    assert_eq!(session.run(&[7; 25]).unwrap().values(), before);
}

#[test]
fn every_single_bit_flip_is_refused() {
    let good = Parts::default().file();
    for bit in 0..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(Model::from_bytes(&file).is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let good = Parts::default().file();
    for bytes in 0..good.len() {
        assert!(Model::from_bytes(&good[..bytes]).is_err(), "{bytes} bytes");
    }
}

/// Damage with a right checksum: refused, or it runs inside of its buffer.
#[test]
fn mutations_with_a_right_checksum_never_panic() {
    let good = Parts::default().file();
    let mut accepted = 0;
    for bit in 0..good.len() * 8 {
        for other in [bit, (bit * 7 + 13) % (good.len() * 8)] {
            let mut file = good.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            file[other / 8] ^= 1 << (other % 8);
            accepted += run_if_accepted(&with_checksum(file)) as usize;
        }
    }
    assert!(accepted > 100, "most flips of a weight leave a valid model: {accepted}");
}

fn run_if_accepted(file: &[u8]) -> bool {
    let Ok(model) = Model::from_bytes(file) else { return false };
    let (image, arena) = (model.image_shape().len(), model.arena_bytes());
    if image > 1 << 20 || arena > 1 << 20 {
        return true;
    }
    let mut arena = vec![0; arena];
    let mut session = Session::new(&model, &mut arena).unwrap();
    assert_eq!(session.run(&vec![200; image]).unwrap().values().len(), model.classes());
    true
}
