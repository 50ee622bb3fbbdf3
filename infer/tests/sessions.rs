//! Several models and sessions at once, and runs that end before their time.

mod support;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use infer::{Layer, Model, ModelError, Native, Observer, Session, Table};
use support::Parts;

const IMAGES: [[u8; 25]; 3] = [[7; 25], [200; 25], [0; 25]];

fn other_parts() -> Parts {
    let mut parts = Parts::default();
    parts.conv_channels[0].bias += 3000;
    parts.dense_channels[1].bias -= 40;
    parts
}

fn scores(session: &mut Session, image: &[u8]) -> Vec<i8> {
    session.run(image).unwrap().values().to_vec()
}

#[test]
fn two_models_and_four_sessions_take_turns() {
    let files = [Parts::default().file(), other_parts().file()];
    let [first, second] = &mut [(); 2].map(|()| Table::<16>::new());
    let models = [
        Model::from_bytes(&files[0], first).unwrap(),
        Model::from_bytes(&files[1], second).unwrap(),
    ];
    let alone = models.each_ref().map(|model| {
        IMAGES.map(|image| scores(&mut Session::new(model, &mut [0; 72]).unwrap(), &image))
    });
    assert_ne!(alone[0], alone[1], "the models answer alike: the test would show nothing");
    let mut arenas = [[3; 72]; 4];
    let mut sessions: Vec<_> = arenas
        .iter_mut()
        .zip(0..)
        .map(|(arena, at)| Session::new(&models[at % 2], arena).unwrap())
        .collect();
    for round in 0..12 {
        for (at, session) in sessions.iter_mut().enumerate() {
            let image = (round + at) % 3;
            assert_eq!(scores(session, &IMAGES[image]), alone[at % 2][image]);
        }
    }
}

/// Ends a run before a layer.
struct EndBefore(usize);

impl Observer for EndBefore {
    fn before(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>) {
        assert!(index != self.0, "ended on purpose");
    }
}

#[test]
fn a_run_that_was_ended_leaves_the_next_correct() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let expected = scores(&mut Session::new(&model, &mut [0; 72]).unwrap(), &IMAGES[1]);
    let mut arena = [0; 72];
    let mut session = Session::new(&model, &mut arena).unwrap();
    for layer in 0..model.layers().len() {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let _ = session.run_with::<Native>(&IMAGES[0], &mut EndBefore(layer));
        }));
        assert!(ended.is_err());
        assert_eq!(
            scores(&mut session, &IMAGES[1]),
            expected,
            "after a run that ended before layer {layer}"
        );
    }
}

#[test]
fn what_the_buffer_held_does_not_matter() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let expected = scores(&mut Session::new(&model, &mut [0; 72]).unwrap(), &IMAGES[1]);
    for fill in [-128, -1, 1, 127] {
        assert_eq!(
            scores(&mut Session::new(&model, &mut [fill; 72]).unwrap(), &IMAGES[1]),
            expected
        );
    }
}

#[test]
fn a_table_whose_capacity_is_no_constant_holds_the_layers() {
    let file = Parts::default().file();
    let (mut table, mut layers) = (Table::<16>::new(), heapless::Vec::<_, 16>::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let expected = scores(&mut Session::new(&model, &mut [0; 72]).unwrap(), &IMAGES[0]);
    let model = Model::from_bytes_into(&file, layers.as_mut_view()).unwrap();
    assert_eq!(scores(&mut Session::new(&model, &mut [0; 72]).unwrap(), &IMAGES[0]), expected);
    let mut too_few = heapless::Vec::<_, 1>::new();
    let error = Model::from_bytes_into(&file, too_few.as_mut_view()).err().unwrap();
    let found = model.layers().len();
    assert_eq!(error, ModelError::LayerCount { found, limit: 1 });
}

#[test]
fn a_run_is_over_when_no_step_is_left() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = [0; 72];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let mut run = session.begin(&IMAGES[0]).unwrap();
    for _ in 0..model.slices() {
        assert!(!run.is_over());
        assert!(run.step());
    }
    assert!(run.is_over());
    assert!(!run.step());
    assert!(run.scores().is_some());
}
