//! The bytes of the model file, pinned: a change here is a new format version.

mod support;

use infer::format::{
    Algorithm, Content, DenseAlgorithm, Header, LayerRecord, OperatorRecord, WriteError, checksum,
    write,
};
use infer::ops::Kind;
use infer::{
    ChannelScale, Interface, LayerKind, Metadata, Model, ModelError, OutputType, Shape, Table,
    ValueType,
};
use support::Parts;

#[test]
fn checksum_is_the_one_of_gzip_and_png() {
    // The check value of CRC-32/ISO-HDLC in the catalogue of CRC algorithms.
    assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    assert_eq!(checksum(b""), 0);
}

#[test]
fn golden_bytes() {
    let file = Parts::default().file();
    let golden: Vec<u8> = include_str!("golden.hex")
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or("").split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits"))
        .collect();
    assert_eq!(
        hex(&file),
        hex(&golden),
        "the format changed: raise FORMAT_VERSION and write golden.hex anew"
    );
}

/// Outputs, traits, scales and metadata, which end the records.
#[test]
fn golden_bytes_of_the_last_records() {
    let scale = ChannelScale { mean: 1.5, deviation: 2.0 }.to_le_bytes();
    let (takes, gives) = (ValueType::Reals, OutputType::Reals);
    let interface = Interface { takes, gives, scales: scale.to_vec().leak() };
    let metadata = Metadata::new(&[0, 4, 3, b'c', b'a', b't']);
    let file = Parts { interface, metadata, ..Parts::default() }.file();
    let end = Header::BYTES + Header::read(&file).unwrap().record_bytes as usize;
    let golden = "01 03 6d 08 00 00 c0 3f 00 00 00 40 06 00 04 03 63 61 74";
    assert_eq!(hex(&file[end - 19..end]).replace('\n', " "), golden);
}

#[test]
fn what_was_written_is_read_back() {
    let parts = Parts::default();
    let file = parts.file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    assert_eq!(model.image_shape(), Shape::new(5, 5, 1));
    assert_eq!(model.version(), 7);
    assert_eq!(model.self_test(), parts.self_test);
    assert_eq!(model.arena_bytes(), 72);
    assert_eq!(infer::arena_bytes(&file), Some(72));
    assert_eq!(infer::layers(&file), Some(3));
    assert_eq!(infer::arena_bytes!(include_bytes!("built_in/model.kndl")), 72);
    assert_eq!(infer::layers!(include_bytes!("built_in/model.kndl")), 3);
    assert_eq!(model.classes(), 3);
    let names: Vec<_> = model.layers().iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["conv1", "pool1", "dense1"]);
    let shapes: Vec<_> = model.layers().iter().map(|layer| layer.output()).collect();
    assert_eq!(shapes, [Shape::new(2, 2, 2), Shape::new(1, 2, 2), Shape::vector(3)]);
    // 4x4 convolved pixels of 4 taps and 2 channels, then 3 outputs of 4 inputs.
    assert_eq!(model.macs(), 16 * 4 * 2 + 3 * 4);
    assert_eq!(model.layers()[0].parameter_bytes(), 2 * 8 + 8);
    assert_eq!(model.output_quant(), parts.dense.output.tensor.quant);
}

/// The header names the rounding, and the shifts follow the other numbers of a layer.
#[test]
fn two_roundings() {
    let parts = Parts::rounded_twice();
    let file = parts.file();
    assert_eq!(file[4..6], [3, 1]);
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    assert_eq!(model.layers()[0].parameter_bytes(), 2 * 9 + 8);
    let LayerKind::Conv(conv) = model.layers()[0].kind else { panic!("a convolution") };
    assert_eq!(conv.channel_parameters().collect::<Vec<_>>(), parts.conv_channels);
    let LayerKind::Dense(dense) = model.layers()[2].kind else { panic!("a dense layer") };
    assert_eq!(dense.channel_parameters().collect::<Vec<_>>(), parts.dense_channels);
    let mut unknown = file.clone();
    unknown[5] = 2;
    let found = Model::from_bytes(&unknown, &mut Table::<16>::new()).err();
    assert_eq!(found, Some(ModelError::Version { found: 0x0203, supported: 3 }));
}

/// A dense layer whose units have one multiplier and shift has both once, after the biases; a
/// loader that does not know that refuses its algorithm's number.
#[test]
fn one_multiplier_for_all_units() {
    let own = Parts::rounded_twice().file();
    let mut parts = Parts::rounded_twice();
    parts.dense.operator.is_per_tensor = true;
    let file = parts.file();
    let name = file.windows(6).position(|bytes| bytes == b"dense1").unwrap();
    // The operator's number and its tensor come before the algorithm.
    assert_eq!(file[name + 6..name + 9], [2, 2, 64]);
    assert_eq!(own[name + 6..name + 9], [2, 2, 0]);
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    assert_eq!(model.layers()[2].parameter_bytes(), 3 * 4 + 5 + 12);
    let LayerKind::Dense(dense) = model.layers()[2].kind else { panic!("a dense layer") };
    assert!(dense.is_per_tensor);
    assert_eq!(dense.channel_parameters().collect::<Vec<_>>(), parts.dense_channels);
    let section = [0, 0, 0, 0, 5, 0, 0, 0, 0xfb, 0xff, 0xff, 0xff, 0, 0, 0, 0x40, 0];
    assert!(file.windows(section.len()).any(|bytes| bytes == section));
}

/// Every operator of the list is described under its number, and every algorithm in its table.
#[test]
fn the_document_describes_all_operators_and_algorithms() {
    let document = include_str!("../../docs/format.md");
    for (number, kind) in Kind::ALL.iter().enumerate() {
        let heading = format!("\n`{kind:?}` (choice {number})");
        assert!(document.contains(&heading), "docs/format.md lacks a paragraph: {heading}");
    }
    let convolutions = Algorithm::ALL.iter().map(|algorithm| format!("`{algorithm:?}`"));
    let dense = DenseAlgorithm::ALL.iter().map(|algorithm| format!("`{algorithm:?}`"));
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| ")).collect();
    for name in convolutions.chain(dense) {
        let is_described = rows.iter().any(|row| row.contains(&name));
        assert!(is_described, "docs/format.md lacks a row for {name}");
    }
}

/// Format 2 counted them in one byte, and 256 layers were written as none.
#[test]
fn more_layers_than_a_file_counts_are_an_error() {
    let parts = Parts::default();
    let content = |layers: &[LayerRecord<'_>]| {
        let (input, arena_bytes) = (parts.input, parts.arena_bytes);
        let (model_version, self_test) = (parts.model_version, None);
        let (sections, outputs) = (&[], &[1]);
        let content = Content {
            input,
            interface: Interface::default(),
            metadata: Metadata::default(),
            layers,
            sections,
            outputs,
            arena_bytes,
            model_version,
            self_test,
        };
        write(&content, &mut [0; 16 * 1024]).map(|_| ())
    };
    let layers = vec![parts.pool.record(OperatorRecord::MaxPool); 65_536];
    assert_eq!(content(&layers[..256]), Ok(()));
    assert_eq!(content(&layers[1..]), Err(WriteError::BufferFull));
    assert_eq!(content(&layers), Err(WriteError::TooManyLayers { found: 65_536 }));
}

fn hex(bytes: &[u8]) -> String {
    let lines = bytes
        .chunks(16)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}
