//! What a model takes: pixels, or int8 values of any scale and zero point.

mod support;

use infer::format::{OutputQuant, Traits};
use infer::{
    InputError, LayerProblem, Model, ModelError, Native, Reference, RunError, Session, Table,
    ValueType, self_test,
};
use support::{Parts, refused, with_checksum};

/// The input of the imported keyword spotter of MLPerf Tiny.
const QUANT: OutputQuant = OutputQuant { scale: 0.5847, zero_point: 83 };

/// The model whose input is int8 in place of pixels; what lies outside of its image is read.
fn int8() -> Parts {
    let mut parts = Parts { takes: ValueType::Int8, self_test: None, ..Parts::default() };
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
    let tested = Parts { self_test: Some(infer::format::SelfTest { image, scores }), ..parts };
    let (file, mut table) = (tested.file(), Table::<16>::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    assert_eq!(self_test(&model, &mut vec![0; model.arena_bytes()]), Ok(()));
}

#[test]
fn a_pixel_of_0_is_the_real_value_0() {
    let mut parts = Parts::default();
    parts.input.tensor.tensor.quant.zero_point = 83;
    assert_eq!(refused(&parts.file()), ModelError::Input(LayerProblem::OutputQuant));
    let parts = Parts { takes: ValueType::Int8, ..parts };
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
                assert_ne!(found, Some(ModelError::Records), "{bits}");
            }
        }
    }
    assert_eq!(known, 4);
}
