//! What a model takes, pixels, int8 or real values, and what it gives.

mod support;

use infer::format::{DenseAlgorithm, DenseRecord, OperatorRecord, Tensor};
use infer::format::{Field, OutputQuant, Sample, SelfTest, Traits};
use infer::{
    ChannelScale, InputError, Interface, LayerProblem, Metadata, Model, ModelError, Native,
    OutputType, Reference, RunError, Session, Shape, Table, ValueType, self_test,
};
use support::graph::Graph;
use support::{Parts, channel, refused, with_checksum};

/// The input of the imported keyword spotter of MLPerf Tiny.
const QUANT: OutputQuant = OutputQuant { scale: 0.5847, zero_point: 83 };

fn of(interface: Interface<'static>) -> Parts {
    Parts { interface, self_test: None, ..Parts::default() }
}

/// The model whose input is int8 in place of pixels; what lies outside of its image is read.
fn int8() -> Parts {
    let mut parts = of(Interface { takes: ValueType::Int8, ..Interface::default() });
    parts.input.tensor.tensor.quant = QUANT;
    parts.input.origin = [-1, 1];
    for channel in &mut parts.conv_channels {
        channel.bias = 300;
    }
    parts
}

fn values() -> [i8; 25] {
    core::array::from_fn(|at| (at as i32 * 37 % 41 - 20) as i8)
}

fn with_session<Answer>(file: &[u8], then: impl FnOnce(Session<'_, '_>) -> Answer) -> Answer {
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    then(Session::new(&model, &mut arena).unwrap())
}

/// The scores by the specification, of the part of the image that is read, written out by hand.
fn scores_of(parts: &Parts, part: [i8; 25]) -> Vec<i8> {
    let mut whole = parts.clone();
    whole.input.origin = [0, 0];
    with_session(&whole.file(), |mut session| {
        session.run_with::<Reference>(&part, &mut ()).unwrap().values().to_vec()
    })
}

#[test]
fn int8_values_are_read_as_they_are_and_their_zero_point_outside() {
    let (parts, values) = (int8(), values());
    let part: [i8; 25] = core::array::from_fn(|at| match (at / 5, at % 5) {
        (0, _) | (_, 4) => QUANT.zero_point,
        (row, column) => values[(row - 1) * 5 + column + 1],
    });
    let black = part.map(|value| if value == QUANT.zero_point { -128 } else { value });
    let expected = scores_of(&parts, part);
    assert_ne!(expected, scores_of(&parts, black), "the zero point makes no difference");
    with_session(&parts.file(), |mut session| {
        assert_eq!(session.run(&values).unwrap().values(), expected);
        let scores = session.run_with::<Reference>(&values, &mut ());
        assert_eq!(scores.unwrap().values(), expected);
        let mut run = session.begin(&values).unwrap();
        while run.step() {}
        assert_eq!(run.scores().unwrap().values(), expected);
        let stored = values.map(|value| (value as i32 + 128) as u8);
        let scores = session.run_stored::<Native>(&stored, &mut ());
        assert_eq!(scores.unwrap().values(), expected);
    });
}

#[test]
fn padding_reads_the_zero_point_of_the_input() {
    let mut parts = int8();
    (parts.input.origin, parts.conv.operator.origin) = ([0, 0], [-1, -1]);
    let (file, zeros) = (parts.file(), [QUANT.zero_point; 25]);
    parts.conv.operator.origin = [0, 0];
    // An input of zeros cannot tell what lies outside from what lies inside.
    let inside = scores_of(&parts, zeros);
    with_session(&file, |mut session| {
        assert_eq!(session.run(&zeros).unwrap().values(), inside);
        assert_eq!(session.run_with::<Reference>(&zeros, &mut ()).unwrap().values(), inside);
    });
}

#[test]
fn other_values_than_the_model_takes_are_refused_with_both_names() {
    let wrong = |takes, given| RunError::Input(InputError::Type { takes, given });
    let (pixels, int8_values) = (ValueType::Pixels, ValueType::Int8);
    with_session(&int8().file(), |mut session| {
        let error = session.run(&[7u8; 25]).err().unwrap();
        assert_eq!(error, wrong(int8_values, pixels));
        assert_eq!(error.to_string(), "the model takes int8 values, these are u8 pixels");
        let length = InputError::Length { expected: 25, found: 24 };
        assert_eq!(session.begin(&[7i8; 24]).err(), Some(length));
        let stored = session.run_stored::<Native>(&[7; 24], &mut ());
        assert_eq!(stored.err(), Some(RunError::Input(length)));
    });
    with_session(&Parts::default().file(), |mut session| {
        assert_eq!(session.run(&[7i8; 25]).err(), Some(wrong(pixels, int8_values)));
        let error = session.run_with::<Reference>(&[7i8; 25], &mut ()).err();
        assert_eq!(error, Some(wrong(pixels, int8_values)));
        let type_error = InputError::Type { takes: pixels, given: int8_values };
        assert_eq!(session.begin(&[7i8; 25]).err(), Some(type_error));
    });
}

#[test]
fn a_self_test_of_an_int8_model_holds_bytes_that_are_128_more() {
    let parts = int8();
    let values = values();
    let stored = values.map(|value| (value as i32 + 128) as u8);
    let scores = with_session(&parts.file(), |mut session| {
        session.run(&values).unwrap().values().iter().map(|score| *score as u8).collect::<Vec<_>>()
    });
    let (image, scores) = (stored.to_vec().leak(), scores.leak());
    let tested = Parts { self_test: Some(SelfTest { image, scores }), ..parts };
    let (file, mut table) = (tested.file(), Table::<16>::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    assert_eq!(self_test(&model, &mut vec![0; model.arena_bytes()]), Ok(()));
}

#[test]
fn a_pixel_of_0_is_the_real_value_0() {
    let mut parts = Parts::default();
    parts.input.tensor.tensor.quant.zero_point = 83;
    assert_eq!(refused(&parts.file()), ModelError::Input(LayerProblem::OutputQuant));
    let interface = Interface { takes: ValueType::Int8, ..Interface::default() };
    let parts = Parts { interface, ..parts };
    assert!(Model::from_bytes(&parts.file(), &mut Table::<16>::new()).is_ok());
}

#[test]
fn traits_that_say_nothing_in_this_format_are_refused() {
    let (file, mut known) = (Parts::default().file(), 0);
    let records = u32::from_le_bytes(file[20..24].try_into().unwrap()) as usize;
    for bits in 0..=u8::MAX {
        let mut file = file.clone();
        file[27 + records] = bits;
        let file = with_checksum(file);
        let found = Model::from_bytes(&file, &mut Table::<16>::new()).err();
        match Traits::from_bits(bits) {
            None => assert_eq!(found, Some(ModelError::Records), "{bits}"),
            Some(traits) => {
                known += 1;
                assert_eq!(traits.bits(), bits);
                let (follow, takes) = (traits.has_scales || traits.has_metadata, traits.takes);
                if !follow && takes != ValueType::Pixels {
                    assert_ne!(found, Some(ModelError::Records), "{bits}");
                }
            }
        }
    }
    assert_eq!(known, 2 * 3 * 3 * 2 * 2);
}

/// Two channels, such as of an accelerometer and a gyroscope.
const SCALES: [ChannelScale; 2] =
    [ChannelScale { mean: 9.81, deviation: 4.0 }, ChannelScale { mean: -20.0, deviation: 250.0 }];

fn scale_bytes(scales: &[ChannelScale]) -> &'static [u8] {
    scales.iter().flat_map(|scale| scale.to_le_bytes()).collect::<Vec<u8>>().leak()
}

/// A model of one dense layer over an input of 2x1 pixels and two channels that copies its input;
/// at first it takes int8 values and gives scores.
fn copying(interface: Interface<'static>) -> Graph {
    let quant = OutputQuant { scale: 0.03, zero_point: -7 };
    let image = Tensor { shape: Shape::new(2, 1, 2), quant };
    let graph = Graph { interface, ..Graph::new(image) };
    let record = DenseRecord::new(0, DenseAlgorithm::Rows);
    let weights = (0..16).map(|at| if at % 5 == 0 { 127 } else { 0 }).collect();
    // 127 times 2^32 / 127 is the value; the zero points cancel out.
    let channel = channel(7 * 127, ((1_i64 << 32) / 127) as i32 + 1);
    let output = Tensor { shape: Shape::vector(4), quant };
    graph.with_numbers(OperatorRecord::Dense(record), output, vec![channel; 4], weights)
}

#[test]
fn real_values_are_quantised_channel_by_channel() {
    let interface =
        Interface { takes: ValueType::Reals, scales: scale_bytes(&SCALES), ..Interface::default() };
    let reals = [9.81_f32, 230.0, 13.81, -20.0];
    // (value - mean) / deviation is 0, 1, 1, 0: in steps of 0.03 from -7 on.
    let expected = [-7, 26, 26, -7];
    with_session(&copying(interface).file(), |mut session| {
        assert_eq!(session.run(&reals).unwrap().values(), expected);
        let scores = session.run_with::<Reference>(&reals, &mut ());
        assert_eq!(scores.unwrap().values(), expected);
        let extreme = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30];
        assert_eq!(session.run(&extreme).unwrap().values(), [127, -128, -128, 127]);
        let error = session.run(&[0u8; 4]).err().unwrap();
        assert_eq!(error.to_string(), "the model takes f32 values, these are u8 pixels");
    });
    let plain = Interface { takes: ValueType::Reals, ..Interface::default() };
    with_session(&copying(plain).file(), |mut session| {
        let scores = session.run(&[0.0_f32, 0.015, -0.015, 0.0449]);
        assert_eq!(scores.unwrap().values(), [-7, -6, -7, -6]);
    });
}

#[test]
fn outside_of_real_values_is_their_zero() {
    let mut parts = of(Interface { takes: ValueType::Reals, ..Interface::default() });
    parts.input.tensor.tensor.quant = QUANT;
    parts.input.origin = [-5, 0];
    let (file, zeros) = (parts.file(), [QUANT.zero_point; 25]);
    let mut int8 = Parts { interface: int8().interface, ..parts };
    int8.input.origin = [0, 0];
    let expected = scores_of(&int8, zeros);
    with_session(&file, |mut session| {
        assert_eq!(session.run(&[1e9_f32; 25]).unwrap().values(), expected);
    });
}

#[test]
fn scales_that_no_values_have_are_refused() {
    let problem = |takes, scales: &[ChannelScale]| {
        let scales = scale_bytes(scales);
        refused(&copying(Interface { takes, scales, ..Interface::default() }).file())
    };
    let scale = ModelError::Input(LayerProblem::Scale);
    assert_eq!(problem(ValueType::Reals, &SCALES[..1]), scale);
    assert_eq!(problem(ValueType::Reals, &[SCALES, SCALES].concat()), scale);
    assert_eq!(problem(ValueType::Int8, &SCALES), scale);
    for wrong in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let second = ChannelScale { mean: 0.0, deviation: wrong };
        assert_eq!(problem(ValueType::Reals, &[SCALES[0], second]), scale, "{wrong}");
    }
    let second = ChannelScale { mean: f32::NAN, deviation: 1.0 };
    assert_eq!(problem(ValueType::Reals, &[SCALES[0], second]), scale);
}

#[test]
fn what_a_model_does_not_give_is_refused_with_both_names() {
    let outputs = [OutputType::Scores, OutputType::Reals, OutputType::Reconstruction];
    for gives in outputs {
        let interface = Interface { takes: ValueType::Int8, gives, ..Interface::default() };
        with_session(&copying(interface).file(), |mut session| {
            for asked in outputs {
                let found = match asked {
                    OutputType::Scores => session.run(&[1i8; 4]).err(),
                    OutputType::Reals => session.regress(&[1i8; 4]).err(),
                    OutputType::Reconstruction => session.reconstruct(&[1i8; 4]).err(),
                };
                let expected = (gives != asked).then_some(RunError::Output { gives, asked });
                assert_eq!(found, expected);
            }
            let is_known = session.reconstruction_error(&[1i8; 4]).is_ok();
            assert_eq!(is_known, gives == OutputType::Reconstruction);
        });
    }
    let error = RunError::Output { gives: outputs[1], asked: outputs[0] };
    assert_eq!(
        error.to_string(),
        "the model gives real values, and was asked for scores of classes"
    );
}

#[test]
fn real_outputs_and_the_error_of_a_reconstruction() {
    let gives = |gives| Interface { takes: ValueType::Int8, gives, ..Interface::default() };
    with_session(&copying(gives(OutputType::Reals)).file(), |mut session| {
        let reals = session.regress(&[-7i8, -6, 93, -107]).unwrap();
        assert_eq!(reals.int8(), [-7, -6, 93, -107]);
        assert!(reals.iter().eq([0.0, 0.03, 3.0, -3.0]));
    });
    let mut wrong = copying(gives(OutputType::Reconstruction));
    wrong.layers[0].channels[3].bias += 2 * 127; // one value is two steps above the input
    with_session(&wrong.file(), |mut session| {
        let made = session.reconstruct(&[-7i8, -6, 93, -107]).unwrap();
        assert_eq!(made.values.int8(), [-7, -6, 93, -105]);
        let error = made.error;
        assert!((error - 0.06 * 0.06 / 4.0).abs() < 1e-7, "{error}");
        // The same of a run by steps.
        let mut run = session.begin(&[-7i8, -6, 93, -107]).unwrap();
        while run.step() {}
        assert_eq!(session.reconstruction_error(&[-7i8, -6, 93, -107]), Ok(error));
        let short = InputError::Length { expected: 4, found: 3 };
        assert_eq!(session.reconstruction_error(&[0i8; 3]), Err(RunError::Input(short)));
    });
    let interface = Interface {
        takes: ValueType::Reals,
        scales: scale_bytes(&SCALES),
        gives: OutputType::Reconstruction,
    };
    with_session(&copying(interface).file(), |mut session| {
        // Means, but for a gyroscope that is half a step above: what is lost in rounding counts.
        let made = session.reconstruct(&[9.81_f32, -20.0 + 250.0 * 0.014, 9.81, -20.0]).unwrap();
        assert!((made.error - 0.014 * 0.014 / 4.0).abs() < 1e-7, "{}", made.error);
    });
}

#[test]
fn a_reconstruction_is_as_large_as_its_input() {
    let parts = of(Interface { gives: OutputType::Reconstruction, ..Interface::default() });
    assert_eq!(refused(&parts.file()), ModelError::Outputs);
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number, content.len() as u8], content].concat()
}

#[test]
fn metadata_are_passed_over_and_read_back() {
    let names = field(Field::Names as u8, b"\x03cat\x00\x04m\xc3\xb6w");
    let text = field(Field::Preparation as u8, b"resize = \"area\"");
    let samples = field(Field::Samples as u8, b"\x01\x02\x03abc\x02\x80\x7f\x00\x01d\x00");
    let bytes = [field(200, b"of another version"), names, text, samples].concat().leak();
    let parts = Parts { metadata: Metadata::new(bytes), ..Parts::default() };
    let (file, mut table) = (parts.file(), Table::<16>::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    assert_eq!(self_test(&model, &mut vec![0; model.arena_bytes()]), Ok(()));
    let metadata = model.metadata();
    assert_eq!(metadata.bytes(), bytes);
    assert!(metadata.names().eq(["cat", "", "m\u{f6}w"]));
    assert_eq!((metadata.name(2), metadata.name(3)), (Some("m\u{f6}w"), None));
    assert_eq!(metadata.preparation(), Some("resize = \"area\""));
    let first = Sample { class: Some(2), image: b"abc", answer: b"\x80\x7f" };
    let second = Sample { class: None, image: b"d", answer: b"" };
    assert!(metadata.samples().eq([first, second]));
    assert_eq!(file.len() % 16, Parts::default().file().len() % 16, "sections stay aligned");
    assert_eq!(Metadata::default().names().count(), 0);
    assert_eq!(Metadata::default().samples().count(), 0);
    assert_eq!(Metadata::default().preparation(), None);
}

#[test]
fn hostile_metadata_never_panic() {
    let samples = field(4, b"\x01\x02\x03abc\x02\x80\x7f");
    let good = [field(0, b"\x03cat\x03dog"), field(1, b"a = 1"), samples].concat();
    let read = |bytes: &[u8]| {
        let metadata = Metadata::new(bytes);
        assert!(metadata.names().count() <= bytes.len());
        assert!(metadata.samples().count() <= bytes.len());
        metadata.name(9).map_or(0, str::len) + metadata.preparation().map_or(0, str::len)
    };
    for end in 0..good.len() {
        read(&good[..end]);
    }
    for at in 0..good.len() {
        for value in 0..=u8::MAX {
            let mut bytes = good.clone();
            bytes[at] = value;
            read(&bytes);
        }
    }
    // A file whose metadata reach beyond its records.
    let metadata = Metadata::new(good.leak());
    let mut file = Parts { metadata, ..Parts::default() }.file();
    let records = u32::from_le_bytes(file[20..24].try_into().unwrap()) as usize;
    let length = 28 + records - metadata.bytes().len() - 1;
    for value in (0..0x80).filter(|value| *value as usize != metadata.bytes().len()) {
        file[length] = value;
        let found = refused(&with_checksum(file.clone()));
        assert!(matches!(found, ModelError::Records | ModelError::Surplus), "{found:?}");
    }
}
