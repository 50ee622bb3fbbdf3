//! What the loader refuses in the records of the input and of layers, and in their numbers: every
//! check once.

mod support;

use infer::format::{
    Algorithm, Content, DenseAlgorithm, LayerRecord, MaxPoolRecord, OperatorRecord, Section,
    TensorRecord,
};
use infer::schedule::SLICES_MAX;
use infer::{Interface, LayerProblem, Metadata, Model, ModelError, Shape, Table};
use support::{HALF, Parts, channel, refused, whole, written};

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
    assert_eq!(problem(|parts| parts.input.tensor.tensor.shape.width = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(|parts| parts.input.image = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(|parts| parts.input.tensor.tensor.shape = HUGE), LayerProblem::TooLarge);
    let just_too_large = |parts: &mut Parts| parts.input.image = Shape::new(32_768, 32_769, 1);
    assert_eq!(problem(just_too_large), LayerProblem::TooLarge);
    assert_eq!(
        problem(|parts| parts.input.tensor.tensor.shape.channels = 2),
        LayerProblem::OutsideMap
    );
    assert_eq!(problem(|parts| parts.input.image.channels = 2), LayerProblem::OutsideMap);
    assert_eq!(problem(|parts| parts.input.tensor.tensor.quant.scale = 0.0), LayerProblem::Scale);
    assert_eq!(
        problem(|parts| parts.input.tensor.tensor.quant.scale = f32::NAN),
        LayerProblem::Scale
    );
    assert_eq!(problem(|parts| parts.input.tensor.at = 8), LayerProblem::ArenaMisaligned);
    assert_eq!(problem(|parts| parts.input.tensor.at = 0xFFFF_FFF0), LayerProblem::ArenaExceeded);
}

#[test]
fn sizes() {
    assert_eq!(problem(0, |parts| parts.conv.operator.kernel[1] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.operator.stride[0] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.operator.pool[0] = 0), LayerProblem::ZeroSize);
    assert_eq!(
        problem(0, |parts| parts.conv.output.tensor.shape.channels = 0),
        LayerProblem::ZeroSize
    );
    assert_eq!(
        problem(2, |parts| parts.dense.output.tensor.shape.channels = 0),
        LayerProblem::ZeroSize
    );
    assert_eq!(problem(1, |parts| parts.pool.operator.size[1] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(1, |parts| parts.pool.operator.stride[0] = 0), LayerProblem::ZeroSize);
    assert_eq!(problem(0, |parts| parts.conv.output.tensor.shape = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(1, |parts| parts.pool.output.tensor.shape = HUGE), LayerProblem::TooLarge);
    assert_eq!(problem(1, |parts| parts.pool.operator.size = [3, 1]), LayerProblem::OutsideMap);
    assert_eq!(
        problem(1, |parts| parts.pool.output.tensor.shape.width = 3),
        LayerProblem::OutsideMap
    );
    assert_eq!(
        problem(1, |parts| parts.pool.output.tensor.shape.channels = 1),
        LayerProblem::OutsideMap
    );
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
    // 65,025 taps of a window of 16,512 pixels are 2^30 - 48,944 values, of 16,640 pixels more than
    // 2^30.
    let window = |pool: [u8; 2]| {
        problem(0, |parts| {
            (parts.conv.operator.kernel, parts.conv.operator.pool) = ([255, 255], pool)
        })
    };
    assert_eq!(window([128, 129]), LayerProblem::SectionMissing);
    assert_eq!(window([128, 130]), LayerProblem::TooLarge);
    // As many weights as bytes.
    let weights = |channels: u16| {
        problem(0, |parts| {
            (parts.conv.operator.kernel, parts.conv.output.tensor.shape.channels) =
                ([255, 255], channels);
            parts.conv_channels = vec![channel(0, HALF); channels as usize];
        })
    };
    assert_eq!(weights(16_512), LayerProblem::SectionMissing);
    assert_eq!(weights(16_513), LayerProblem::TooLarge);
    // 255 * 255 pixels from one row or column to the next: 16,512 of them end below 2^30.
    for axis in 0..2 {
        let reach = |outputs: u16| {
            problem(0, |parts| {
                (parts.conv.operator.stride[axis], parts.conv.operator.pool[axis]) = (255, 255);
                *[
                    &mut parts.conv.output.tensor.shape.height,
                    &mut parts.conv.output.tensor.shape.width,
                ][axis] = outputs;
            })
        };
        assert_ne!(reach(16_511), LayerProblem::TooLarge);
        assert_eq!(reach(16_513), LayerProblem::TooLarge);
    }
}

#[test]
fn shapes_that_an_algorithm_does_not_compute() {
    for algorithm in Algorithm::ALL {
        let any = [
            Algorithm::Direct,
            Algorithm::DirectInPlace,
            Algorithm::DirectPaired,
            Algorithm::DirectPairedInt4,
            Algorithm::DirectPairedWide,
        ];
        if !any.contains(&algorithm) {
            let found = problem(0, |parts| {
                (parts.conv.operator.algorithm, parts.conv.output.tensor.shape.channels) =
                    (algorithm, 3);
            });
            assert_eq!(found, LayerProblem::Algorithm, "{algorithm:?}");
        }
    }
    let quads = [
        DenseAlgorithm::Quads,
        DenseAlgorithm::QuadsWide,
        DenseAlgorithm::QuadsInt4,
        DenseAlgorithm::QuadsPaired,
    ];
    for algorithm in quads {
        let found = problem(2, |parts| {
            (parts.dense.operator.algorithm, parts.pool.output.tensor.shape.width) = (algorithm, 1);
        });
        assert_eq!(found, LayerProblem::Algorithm, "{algorithm:?}");
    }
}

#[test]
fn packed_weights_that_no_exporter_writes() {
    // Two taps are filled up to four.
    let found = problem(0, |parts| {
        (parts.conv.operator.algorithm, parts.conv.operator.kernel) =
            (Algorithm::DirectPaired, [2, 1]);
    });
    assert_eq!(found, LayerProblem::WeightPadding);
    // Three units are filled up to four.
    let found = problem(2, |parts| {
        parts.dense.operator.algorithm = DenseAlgorithm::Quads;
        parts.dense_weights = vec![1; 16];
    });
    assert_eq!(found, LayerProblem::WeightPadding);
}

#[test]
fn numbers() {
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(
            problem(0, |parts| parts.conv.output.tensor.quant.scale = scale),
            LayerProblem::Scale
        );
        assert_eq!(
            problem(2, |parts| parts.dense.output.tensor.quant.scale = scale),
            LayerProblem::Scale
        );
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
    assert!(Model::from_bytes(&parts.file(), &mut Table::<16>::new()).is_ok());
    for bias in [limit + 1, -limit - 1, i32::MIN] {
        let found = problem(0, |parts| parts.conv_channels[0].bias = bias);
        assert_eq!(found, LayerProblem::AccumulatorRange { channel: 0 });
    }
    let found = problem(2, |parts| parts.dense_channels[1].bias = i32::MAX - 127);
    assert_eq!(found, LayerProblem::AccumulatorRange { channel: 1 });
}

#[test]
fn buffers() {
    assert_eq!(problem(0, |parts| parts.conv.output.at = 65), LayerProblem::ArenaMisaligned);
    assert_eq!(problem(0, |parts| parts.conv.output.at = 16), LayerProblem::ArenaOverlap);
    assert_eq!(problem(0, |parts| parts.conv.scratch_at = 16), LayerProblem::ArenaOverlap);
    assert_eq!(problem(0, |parts| parts.conv.scratch_at = 64), LayerProblem::ArenaOverlap);
    assert_eq!(problem(1, |parts| parts.pool.output.at = 64), LayerProblem::ArenaOverlap);
    assert_eq!(problem(0, |parts| parts.conv.output.at = 0xFFFF_FFF0), LayerProblem::ArenaExceeded);
    for held_rows in [0, 3, u16::MAX] {
        assert_eq!(
            problem(0, |parts| parts.conv.output.held_rows = held_rows),
            LayerProblem::HeldRows
        );
    }
    // The pooling reads both rows of the map at once; the convolution with its pooling reads three
    // of the image.
    assert_eq!(problem(1, |parts| parts.conv.output.held_rows = 1), LayerProblem::HeldRows);
    assert_eq!(problem(0, |parts| parts.input.tensor.held_rows = 2), LayerProblem::HeldRows);
    for held_rows in [0, 6] {
        let mut parts = Parts::default();
        parts.input.tensor.held_rows = held_rows;
        assert_eq!(refused(&parts.file()), ModelError::Input(LayerProblem::HeldRows));
    }
    // The map of the last layer is held whole.
    let mut parts = Parts::default();
    parts.conv.output.held_rows = 1;
    let last = ModelError::Layer { index: 0, problem: LayerProblem::HeldRows };
    assert_eq!(refused(&convolution_alone(&parts)), last);
    // Interleaved layers use all their maps at once: the image's rows may not lie where the
    // output does.
    assert!(Model::from_bytes(&rolling(0).file(), &mut Table::<16>::new()).is_ok());
    let overlap = ModelError::Layer { index: 0, problem: LayerProblem::ArenaOverlap };
    assert_eq!(refused(&rolling(64).file()), overlap);
    for arena_bytes in [0, 71, 73, u32::MAX] {
        let parts = Parts { arena_bytes, ..Parts::default() };
        assert_eq!(
            refused(&parts.file()),
            ModelError::ArenaBytes { header: arena_bytes, needed: 72 }
        );
    }
}

#[test]
fn edges() {
    assert_eq!(problem(0, |parts| parts.conv.operator.input = 1), LayerProblem::UnknownInput);
    assert_eq!(problem(2, |parts| parts.dense.operator.input = 3), LayerProblem::UnknownInput);
    assert_eq!(problem(2, |parts| parts.dense.operator.input = 255), LayerProblem::UnknownInput);
    let past_the_pooling = |parts: &mut Parts| {
        parts.dense.operator.input = 1;
        parts.dense_weights = vec![0; 3 * 8];
    };
    assert_eq!(problem(1, past_the_pooling), LayerProblem::Unread);
    let outputs =
        |outputs: &[u8]| refused(&Parts { outputs: outputs.to_vec(), ..Parts::default() }.file());
    for wrong in [&[][..], &[0], &[4], &[255], &[3, 3], &[1, 2, 3, 1, 2]] {
        assert_eq!(outputs(wrong), ModelError::Outputs, "{wrong:?}");
    }
    let unread = ModelError::Layer { index: 2, problem: LayerProblem::Unread };
    assert_eq!(outputs(&[2]), unread, "what the dense layer makes");
}

#[test]
fn tensors_are_what_their_operators_make() {
    let found = problem(2, |parts| parts.dense.output.tensor.shape.height = 2);
    assert_eq!(found, LayerProblem::OutputShape);
    let found = problem(2, |parts| parts.dense.output.tensor.shape.width = 2);
    assert_eq!(found, LayerProblem::OutputShape);
    let found = problem(1, |parts| parts.pool.output.tensor.quant.zero_point = 3);
    assert_eq!(found, LayerProblem::OutputQuant);
    let mut parts = Parts::default();
    parts.input.tensor.tensor.quant.zero_point = 0;
    assert_eq!(refused(&parts.file()), ModelError::Input(LayerProblem::OutputQuant));
    assert_eq!(problem(1, |parts| parts.pool.operator.origin = [0, 1]), LayerProblem::OutsideMap);
    assert_eq!(problem(1, |parts| parts.pool.operator.origin = [1, 0]), LayerProblem::OutsideMap);
}

/// A tensor that is read and an output lives until the run ends: nothing may take its place.
#[test]
fn an_output_in_the_middle_keeps_its_place() {
    let mut parts = Parts { outputs: vec![3, 1], ..Parts::default() };
    assert!(Model::from_bytes(&parts.file(), &mut Table::<3>::new()).is_ok());
    parts.dense.output.at = 64;
    let overlap = ModelError::Layer { index: 2, problem: LayerProblem::ArenaOverlap };
    assert_eq!(refused(&parts.file()), overlap);
    parts.outputs = vec![3];
    assert!(Model::from_bytes(&parts.file(), &mut Table::<3>::new()).is_ok());
}

/// Loading looks for every slice of a run, and so takes no longer than this many do.
#[test]
fn turns() {
    let most = column(SLICES_MAX as u16 / 2);
    assert_eq!(
        Model::from_bytes(&most, &mut Table::<16>::new()).map(|model| model.slices()),
        Ok(SLICES_MAX)
    );
    assert_eq!(
        refused(&column(SLICES_MAX as u16 / 2 + 1)),
        ModelError::SliceCount { limit: SLICES_MAX }
    );
}

/// Work is counted in 64 bits, also where addresses have 32.
#[test]
fn work() {
    let side = 1 << 15;
    let mut parts = Parts { arena_bytes: 1 << 31, ..Parts::default() };
    parts.input.tensor.tensor.shape = Shape::new(side, side, 1);
    parts.input.tensor.held_rows = side;
    parts.conv.output.tensor.shape = Shape::new(side, side / 2, 2);
    parts.conv.operator.pool = [u8::MAX; 2];
    parts.conv.operator.algorithm = Algorithm::DirectInPlace;
    parts.conv.output.held_rows = side;
    parts.conv.output.at = 1 << 30;
    let file = convolution_alone(&parts);
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).expect("sizes at their limits");
    assert_eq!(model.macs(), (1 << 30) * 255 * 255 * 4);
    assert!(model.operations() > model.macs());
}

/// With two roundings: a factor is normal or 0, its shift leaves every sum within 32 bits, and not
/// all algorithms know them.
#[test]
fn factors_of_two_roundings() {
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::rounded_twice();
        change(&mut parts);
        let file = parts.file();
        Model::from_bytes(&file, &mut Table::<16>::new()).err()
    };
    let layer = |index, problem| Some(ModelError::Layer { index, problem });
    assert_eq!(with(&|_| ()), None);
    for (multiplier, shift, is_right) in [
        (1 << 30, -31, true),
        (i32::MAX, 20, true),
        (0, 0, true),
        ((1 << 30) - 1, 0, false),
        (-1, 0, false),
        (1 << 30, -32, false),
        (0, 31, false),
    ] {
        let found = with(&|parts| {
            (parts.dense_channels[1].multiplier, parts.dense_channels[1].shift) =
                (multiplier, Some(shift));
        });
        let refused = layer(2, LayerProblem::Multiplier { channel: 1 });
        assert_eq!(found, if is_right { None } else { refused }, "{multiplier} << {shift}");
    }
    // |bias| + 128 * sum(|weight|) is 128 + 100 here, and 2^31 - 1 the most.
    let bias = |bias| {
        with(&|parts| {
            (parts.dense_channels[2].bias, parts.dense_channels[2].shift) = (bias, Some(4));
        })
    };
    assert_eq!(bias(-((1 << 27) - 1 - 128)), None);
    let refused = layer(2, LayerProblem::AccumulatorRange { channel: 2 });
    assert_eq!(bias((1 << 27) - 128), refused);
    let algorithm = |parts: &mut Parts| {
        parts.conv.operator.algorithm = Algorithm::DirectVector;
        parts.conv_weights = vec![0; 32];
    };
    assert_eq!(with(&algorithm), layer(0, LayerProblem::Algorithm));
    assert_ne!(problem(0, algorithm), LayerProblem::Algorithm);
}

/// The same of a dense layer whose units have one multiplier and shift: which no model with one
/// rounding has, and every unit is checked.
#[test]
fn factors_of_a_tensor() {
    let with = |multiplier: i32, shift: i8, bias: i32| {
        let mut parts = Parts::rounded_twice();
        parts.dense.operator.is_per_tensor = true;
        for channel in &mut parts.dense_channels {
            (channel.multiplier, channel.shift) = (multiplier, Some(shift));
        }
        parts.dense_channels[2].bias = bias;
        Model::from_bytes(&parts.file(), &mut Table::<16>::new()).err()
    };
    let layer = |problem| Some(ModelError::Layer { index: 2, problem });
    for (multiplier, shift) in [(1 << 30, -31), (i32::MAX, 20), (0, 0)] {
        assert_eq!(with(multiplier, shift, 0), None, "{multiplier} << {shift}");
    }
    for (multiplier, shift) in [((1 << 30) - 1, 0), (-1, 0), (1 << 30, -32), (0, 31)] {
        let refused = layer(LayerProblem::Multiplier { channel: 0 });
        assert_eq!(with(multiplier, shift, 0), refused, "{multiplier} << {shift}");
    }
    assert_eq!(with(1 << 30, 4, -((1 << 27) - 1 - 128)), None);
    let refused = layer(LayerProblem::AccumulatorRange { channel: 2 });
    assert_eq!(with(1 << 30, 4, (1 << 27) - 128), refused);
    let once = |parts: &mut Parts| parts.dense.operator.is_per_tensor = true;
    assert_eq!(problem(2, once), LayerProblem::Algorithm);
}

/// A pooling of windows of one value over a column, of which one row is held.
fn column(rows: u16) -> Vec<u8> {
    let mut parts = Parts { arena_bytes: 16 + rows as u32, ..Parts::default() };
    let (shape, quant) = (Shape::new(rows, 1, 1), parts.input.tensor.tensor.quant);
    parts.input.image = shape;
    parts.input.tensor = TensorRecord { held_rows: 1, ..whole(shape, quant, 0) };
    parts.pool.operator =
        MaxPoolRecord { input: 0, size: [1, 1], stride: [1, 1], ..parts.pool.operator };
    parts.pool.output = whole(shape, quant, 16);
    let none = Section { channels: &[], weights: &[] };
    alone(&parts, parts.pool.record(OperatorRecord::MaxPool), none)
}

/// The model without what comes after its convolution.
fn convolution_alone(parts: &Parts) -> Vec<u8> {
    let section = Section { channels: &parts.conv_channels, weights: &parts.conv_weights };
    alone(parts, parts.conv.record(OperatorRecord::Conv), section)
}

/// A model of one layer.
fn alone(parts: &Parts, layer: LayerRecord<'_>, section: Section<'_>) -> Vec<u8> {
    let Parts { input, arena_bytes, model_version, .. } = *parts;
    written(&Content {
        input,
        interface: Interface::default(),
        metadata: Metadata::default(),
        layers: &[layer],
        sections: &[section],
        outputs: &[1],
        arena_bytes,
        model_version,
        self_test: None,
    })
}

/// The model with three rows of its image held, at `arena_at`.
fn rolling(arena_at: u32) -> Parts {
    let mut parts = Parts::default();
    parts.input.tensor.held_rows = 3;
    parts.input.tensor.at = arena_at;
    parts
}
