//! What the loader refuses in header, records as such and sections: every check once, and then
//! files that are damaged everywhere.

mod support;

use infer::format::{
    Content, DenseAlgorithm, DenseRecord, Header, LAYERS_MAX, OperatorRecord,
    SECTION_ALIGNMENT_BYTES, Section,
};
use infer::ops::Kind;
use infer::{
    InputError, Interface, LayerProblem, Metadata, Model, ModelError, Native, RunError,
    SelfTestError, Session, SessionError, Shape, Table, self_test,
};
use support::{Parts, refused, whole, with_checksum, written};

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
    assert_eq!(with(4, 1), ModelError::Version { found: 1, supported: 3 });
    let count = ModelError::LayerCount { found: 3, limit: 16 };
    assert_eq!(with(6, 4), count);
    assert_eq!(with(7, 1), count);
    assert_eq!(
        refused(&good[..bytes - 1]),
        ModelError::Length { header: bytes as u32, found: bytes - 1 }
    );
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
    assert_ne!(padding % SECTION_ALIGNMENT_BYTES, 0, "this model has padding after its records");
    let mut file = good;
    file[padding] = 1;
    assert_eq!(refused(&with_checksum(file)), ModelError::Surplus);
}

#[test]
fn padding_before_a_section_must_be_zero() {
    let mut file = Parts::default().file();
    let weights_end = sections_at(&file) + 2 * 8 + 8;
    assert_ne!(
        weights_end % SECTION_ALIGNMENT_BYTES,
        0,
        "this model has padding after its first weights"
    );
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
    assert_eq!(
        with_record_bytes(record_bytes + 1),
        ModelError::Surplus,
        "a byte of padding as a record"
    );
    let with = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        refused(&with_checksum(file))
    };
    let name = file.windows(5).position(|bytes| bytes == b"conv1").unwrap();
    assert_eq!(with(name, 0xFF), ModelError::Records, "a name that is not UTF-8");
    let none = Kind::ALL.len() as u8;
    assert_eq!(with(name + 5, none), ModelError::Records, "an operator that does not exist");
    let dense = file.windows(6).position(|bytes| bytes == b"dense1").unwrap() + 6;
    assert_eq!(file[dense..dense + 3], [2, 2, DenseAlgorithm::Rows as u8]);
    let none = DenseAlgorithm::ALL.len() as u8;
    assert_eq!(with(dense + 2, none), ModelError::Records, "an algorithm that does not exist");
}

/// A model of dense layers with one input and one output each.
fn chain(layers: usize) -> Vec<u8> {
    let parts = Parts::default();
    let mut input = parts.input;
    input.image = Shape::vector(1);
    input.tensor = whole(Shape::vector(1), input.tensor.tensor.quant, 0);
    let record = |index: usize| {
        let mut dense = parts.dense;
        dense.operator = DenseRecord::new(index as u8, DenseAlgorithm::Rows);
        let at = if index.is_multiple_of(2) { 16 } else { 0 };
        dense.output = whole(Shape::vector(1), dense.output.tensor.quant, at);
        dense.record(OperatorRecord::Dense)
    };
    let records: Vec<_> = (0..layers).map(record).collect();
    let sections = vec![Section { channels: &parts.dense_channels[..1], weights: &[1] }; layers];
    let (arena_bytes, model_version) = (17, 1);
    written(&Content {
        input,
        interface: Interface::default(),
        metadata: Metadata::default(),
        layers: &records,
        sections: &sections,
        outputs: &[layers as u8],
        arena_bytes,
        model_version,
        self_test: None,
    })
}

/// The table has room for all layers, and the format for as many as it can number.
#[test]
fn there_is_a_layer_and_no_more_than_there_is_room_for() {
    assert!(Model::from_bytes(&chain(1), &mut Table::<1>::new()).is_ok());
    assert!(Model::from_bytes(&chain(16), &mut Table::<16>::new()).is_ok());
    assert!(Model::from_bytes(&chain(LAYERS_MAX), &mut Table::<300>::new()).is_ok());
    for found in [0, 17, LAYERS_MAX, 255] {
        assert_eq!(refused(&chain(found)), ModelError::LayerCount { found, limit: 16 });
    }
    let limit = LAYERS_MAX;
    let too_many = Model::from_bytes(&chain(255), &mut Table::<300>::new()).map(|_| ());
    assert_eq!(too_many, Err(ModelError::LayerCount { found: 255, limit }));
}

/// A table is filled anew by every model that is loaded into it.
#[test]
fn a_table_serves_one_model_after_the_other() {
    let (long, short) = (chain(5), chain(2));
    let mut table = Table::<5>::new();
    assert_eq!(Model::from_bytes(&long, &mut table).unwrap().layers().len(), 5);
    assert_eq!(Model::from_bytes(&short, &mut table).unwrap().layers().len(), 2);
}

#[test]
fn a_self_test_is_there_or_not_and_nothing_else() {
    let good = Parts::default().file();
    let record_bytes = Header::read(&good).unwrap().record_bytes as usize;
    let mut file = good;
    let flag = Header::BYTES + record_bytes - 1;
    assert_eq!(file[flag], 1);
    file[flag] = 0xff;
    assert_eq!(refused(&with_checksum(file.clone())), ModelError::Records);
    file[flag] = 0;
    assert_eq!(refused(&with_checksum(file)), ModelError::Surplus, "its sections belong to nobody");
}

#[test]
fn the_self_test_tells_a_model_that_works_from_others() {
    let run = |parts: &Parts| {
        let (file, mut table) = (parts.file(), Table::<16>::new());
        self_test(&Model::from_bytes(&file, &mut table).unwrap(), &mut [0; 72])
    };
    assert_eq!(run(&Parts::default()), Ok(()));
    assert_eq!(run(&Parts { self_test: None, ..Parts::default() }), Err(SelfTestError::Absent));
    let mut other = Parts::default();
    other.dense_channels[0].bias += 10;
    assert_eq!(run(&other), Err(SelfTestError::Differs));
    let file = Parts::default().file();
    let short =
        self_test(&Model::from_bytes(&file, &mut Table::<16>::new()).unwrap(), &mut [0; 71]);
    let too_small = SessionError::BufferTooSmall { needed: 72, found: 71 };
    assert_eq!(short, Err(SelfTestError::Session(too_small)));
}

#[test]
fn one_byte_less_is_an_error_that_states_both_numbers() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut short = [0; 71];
    let error = Session::new(&model, &mut short).err().unwrap();
    assert_eq!(error, SessionError::BufferTooSmall { needed: 72, found: 71 });
    assert_eq!(error.to_string(), "the model needs 72 bytes of working memory, the buffer has 71");
    assert!(Session::new(&model, &mut [0; 72]).is_ok());
}

#[test]
fn an_image_of_the_wrong_size_is_refused_and_the_session_stays_usable() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = [0; 72];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let before = session.run(&[7u8; 25]).unwrap().values().to_vec();
    for wrong in [0, 24, 26, 784] {
        let error = session.run(&vec![0u8; wrong]).err().unwrap();
        assert_eq!(error, RunError::Input(InputError::Length { expected: 25, found: wrong }));
    }
    assert_eq!(session.run(&[7u8; 25]).unwrap().values(), before);
}

#[test]
fn every_single_bit_flip_is_refused() {
    let good = Parts::default().file();
    for bit in 0..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(Model::from_bytes(&file, &mut Table::<16>::new()).is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let good = Parts::default().file();
    for bytes in 0..good.len() {
        assert!(
            Model::from_bytes(&good[..bytes], &mut Table::<16>::new()).is_err(),
            "{bytes} bytes"
        );
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
    let mut table = Table::<16>::new();
    let Ok(model) = Model::from_bytes(file, &mut table) else { return false };
    let (image, arena) = (model.image_shape().len(), model.arena_bytes());
    if image > 1 << 20 || arena > 1 << 20 {
        return true;
    }
    let mut arena = vec![0; arena];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let scores = session.run_stored::<Native>(&vec![200; image], &mut ());
    assert_eq!(scores.unwrap().values().len(), model.classes());
    true
}
