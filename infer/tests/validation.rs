//! What the loader refuses: every check once, and then files that are damaged everywhere.

mod support;

use infer::format::{
    Algorithm, Content, DenseAlgorithm, Header, LAYERS_MAX, LayerRecord, SECTION_ALIGNMENT_BYTES, Section,
};
use infer::{LayerProblem, Model, ModelError, SelfTestError, Session, SessionError, Shape, self_test};
use support::{HALF, Parts, channel, with_checksum, written};

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
    let parameters = good[..sections_at(&good) + 8].to_vec();
    let missing = ModelError::Layer { index: 0, problem: LayerProblem::SectionMissing };
    assert_eq!(refused(&with_length(parameters)), missing);
    let image = good[..good.len() - 16].to_vec();
    assert_eq!(refused(&with_length(image)), ModelError::SelfTestMissing);
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
fn padding_in_front_of_a_section_must_be_zero() {
    let mut file = Parts::default().file();
    let weights_end = sections_at(&file) + 2 * 8 + 8;
    assert_ne!(weights_end % SECTION_ALIGNMENT_BYTES, 0, "this model has padding behind its first weights");
    file[weights_end] = 1;
    let problem = LayerProblem::SectionMissing;
    assert_eq!(refused(&with_checksum(file)), ModelError::Layer { index: 2, problem });
}

/// Where the channel parameters of the convolution begin.
fn sections_at(file: &[u8]) -> usize {
    let record_bytes = Header::read(file).unwrap().record_bytes as usize;
    (Header::BYTES + record_bytes).next_multiple_of(SECTION_ALIGNMENT_BYTES)
}

#[test]
fn records_are_whole_and_the_only_ones() {
    let parts = Parts { self_test: None, ..Parts::default() };
    let file = parts.file();
    let record_bytes = Header::read(&file).unwrap().record_bytes;
    let with_record_bytes = |bytes: u32| {
        let mut file = file.clone();
        file[20..24].copy_from_slice(&bytes.to_le_bytes());
        refused(&with_checksum(file))
    };
    assert_eq!(with_record_bytes(file.len() as u32 - 27), ModelError::Records, "beyond the file");
    assert_eq!(with_record_bytes(u32::MAX), ModelError::Records);
    assert_eq!(with_record_bytes(record_bytes - 1), ModelError::Records, "without the last byte");
    assert_eq!(with_record_bytes(record_bytes + 1), ModelError::Surplus, "a byte of padding as a record");
    let with = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        refused(&with_checksum(file))
    };
    let records_end = Header::BYTES + record_bytes as usize;
    assert_eq!(file[records_end - 3], DenseAlgorithm::Rows as u8);
    assert_eq!(with(records_end - 3, 3), ModelError::Records, "an algorithm that does not exist");
    let name = file.windows(5).position(|bytes| bytes == b"conv1").unwrap();
    assert_eq!(with(name, 0xFF), ModelError::Records, "a name that is not UTF-8");
    assert_eq!(with(name - 2, 3), ModelError::Records, "a kind of layer that does not exist");
}

/// A model of dense layers with one input and one output each.
fn chain(layers: usize) -> Vec<u8> {
    let parts = Parts::default();
    let mut input = parts.input;
    (input.image, input.map, input.held_rows) = (Shape::vector(1), Shape::vector(1), 1);
    let record = |index: usize| {
        let mut dense = parts.dense;
        (dense.units, dense.output_at) = (1, if index.is_multiple_of(2) { 16 } else { 0 });
        LayerRecord::Dense(dense)
    };
    let records: Vec<_> = (0..layers).map(record).collect();
    let sections = vec![Section { channels: &parts.dense_channels[..1], weights: &[1] }; layers];
    let (arena_bytes, model_version) = (17, 1);
    written(&Content {
        input,
        layers: &records,
        sections: &sections,
        arena_bytes,
        model_version,
        self_test: None,
    })
}

#[test]
fn there_is_a_layer_and_no_more_than_the_crate_holds() {
    assert!(Model::from_bytes(&chain(1)).is_ok());
    assert!(Model::from_bytes(&chain(LAYERS_MAX)).is_ok());
    for found in [0, LAYERS_MAX + 1, 255] {
        assert_eq!(refused(&chain(found)), ModelError::LayerCount { found, limit: LAYERS_MAX });
    }
}

#[test]
fn input_records() {
    let problem = |change: fn(&mut Parts)| {
        let mut parts = Parts::default();
        change(&mut parts);
        match refused(&parts.file()) {
            ModelError::Input(problem) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(problem(|parts| parts.input.image.height = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(|parts| parts.input.map.width = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(|parts| parts.input.image = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(|parts| parts.input.map = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(|parts| parts.input.map.channels = 2), LayerProblem::OutsideMap);
    assert_eq!(problem(|parts| parts.input.image.channels = 2), LayerProblem::OutsideMap);
    assert_eq!(problem(|parts| parts.input.scale = 0.0), LayerProblem::Scale);
    assert_eq!(problem(|parts| parts.input.scale = f32::NAN), LayerProblem::Scale);
    assert_eq!(problem(|parts| parts.input.arena_at = 8), LayerProblem::ArenaMisaligned);
    assert_eq!(problem(|parts| parts.input.arena_at = 0xFFFF_FFF0), LayerProblem::ArenaExceeded);
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
    assert_eq!(problem(1, |parts| parts.pool.size[1] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(1, |parts| parts.pool.stride[0] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.output = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(1, |parts| parts.pool.output = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(1, |parts| parts.pool.size = [3, 1]), LayerProblem::OutsideMap);
    assert_eq!(problem(1, |parts| parts.pool.output.width = 3), LayerProblem::OutsideMap);
    assert_eq!(problem(1, |parts| parts.pool.output.channels = 1), LayerProblem::OutsideMap);
    let long = "a name that is longer than 32 bytes";
    assert_eq!(problem(0, |parts| parts.conv.name = long), LayerProblem::NameTooLong);
    assert_eq!(problem(1, |parts| parts.pool.name = long), LayerProblem::NameTooLong);
    assert_eq!(problem(2, |parts| parts.dense.name = long), LayerProblem::NameTooLong);
}

/// More values than any map may have.
const HUGE: Shape = Shape::new(u16::MAX, u16::MAX, u16::MAX);

/// Each limit from both sides: what stays below it is refused for the next reason.
#[test]
fn windows_and_weights_beyond_the_limits() {
    // 65,025 taps of a window of 16,512 pixels are 2^30 - 48,944 values, of 16,640 pixels more than 2^30.
    let window =
        |pool: [u8; 2]| problem(0, |parts| (parts.conv.kernel, parts.conv.pool) = ([255, 255], pool));
    assert_eq!(window([128, 129]), LayerProblem::SectionMissing);
    assert_eq!(window([128, 130]), LayerProblem::TooLarge);
    // As many weights as bytes.
    let weights = |channels: u16| {
        problem(0, |parts| {
            (parts.conv.kernel, parts.conv.output.channels) = ([255, 255], channels);
            parts.conv_channels = vec![channel(0, HALF); channels as usize];
        })
    };
    assert_eq!(weights(16_512), LayerProblem::SectionMissing);
    assert_eq!(weights(16_513), LayerProblem::TooLarge);
    // 255 * 255 pixels from one row or column to the next: 16,512 of them end below 2^30.
    for axis in 0..2 {
        let reach = |outputs: u16| {
            problem(0, |parts| {
                (parts.conv.stride[axis], parts.conv.pool[axis]) = (255, 255);
                *[&mut parts.conv.output.height, &mut parts.conv.output.width][axis] = outputs;
            })
        };
        assert_ne!(reach(16_511), LayerProblem::TooLarge);
        assert_eq!(reach(16_513), LayerProblem::TooLarge);
    }
}

#[test]
fn shapes_that_an_algorithm_does_not_compute() {
    for algorithm in Algorithm::ALL {
        let any = [Algorithm::Direct, Algorithm::DirectInPlace, Algorithm::DirectPaired];
        if !any.contains(&algorithm) {
            let found = problem(0, |parts| {
                (parts.conv.algorithm, parts.conv.output.channels) = (algorithm, 3);
            });
            assert_eq!(found, LayerProblem::Algorithm, "{algorithm:?}");
        }
    }
    for algorithm in [DenseAlgorithm::Quads, DenseAlgorithm::QuadsWide] {
        let found = problem(2, |parts| {
            (parts.dense.algorithm, parts.pool.output.width) = (algorithm, 1);
        });
        assert_eq!(found, LayerProblem::Algorithm, "{algorithm:?}");
    }
}

#[test]
fn packed_weights_that_no_exporter_writes() {
    // Two taps are filled up to four.
    let found = problem(0, |parts| {
        (parts.conv.algorithm, parts.conv.kernel) = (Algorithm::DirectPaired, [2, 1]);
    });
    assert_eq!(found, LayerProblem::WeightPadding);
    // Three units are filled up to four.
    let found = problem(2, |parts| {
        parts.dense.algorithm = DenseAlgorithm::Quads;
        parts.dense_weights = vec![1; 16];
    });
    assert_eq!(found, LayerProblem::WeightPadding);
}

#[test]
fn numbers() {
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(problem(0, |parts| parts.conv.output_quant.scale = scale), LayerProblem::Scale);
        assert_eq!(problem(2, |parts| parts.dense.output_quant.scale = scale), LayerProblem::Scale);
    }
    for multiplier in [0, -1, i32::MIN] {
        let found = problem(0, |parts| parts.conv_channels[1].multiplier = multiplier);
        assert_eq!(found, LayerProblem::Multiplier { channel: 1 });
        let found = problem(2, |parts| parts.dense_channels[2].multiplier = multiplier);
        assert_eq!(found, LayerProblem::Multiplier { channel: 2 });
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
    let found = problem(2, |parts| parts.dense_channels[1].bias = i32::MAX - 127);
    assert_eq!(found, LayerProblem::AccumulatorRange { channel: 1 });
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
    // A map behind which no layer comes is held whole.
    let mut parts = Parts::default();
    parts.conv.held_rows = 1;
    let last = ModelError::Layer { index: 0, problem: LayerProblem::HeldRows };
    assert_eq!(refused(&convolution_alone(&parts)), last);
    // Layers that take turns use all their maps at once: the image's rows may not lie where the output does.
    assert!(Model::from_bytes(&rolling(0).file()).is_ok());
    let overlap = ModelError::Layer { index: 0, problem: LayerProblem::ArenaOverlap };
    assert_eq!(refused(&rolling(64).file()), overlap);
    for arena_bytes in [0, 71, 73, u32::MAX] {
        let parts = Parts { arena_bytes, ..Parts::default() };
        assert_eq!(refused(&parts.file()), ModelError::ArenaBytes { header: arena_bytes, needed: 72 });
    }
}

/// The model without what is behind its convolution.
fn convolution_alone(parts: &Parts) -> Vec<u8> {
    let layers = [LayerRecord::Conv(parts.conv)];
    let sections = [Section { channels: &parts.conv_channels, weights: &parts.conv_weights }];
    let Parts { input, arena_bytes, model_version, .. } = *parts;
    written(&Content {
        input,
        layers: &layers,
        sections: &sections,
        arena_bytes,
        model_version,
        self_test: None,
    })
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
