//! The model of a run, at work in its report.

use infer::{Model, Shape};

use super::FinishedRun;
use crate::data::appearance::Appearance;
use crate::data::class_names::ClassNames;
use crate::data::picture::Look;
use crate::live::{Live, MODEL_BYTES_MAX, Sample, Subject};

/// Most test images that the page carries to choose from.
const SAMPLES_MAX: usize = 20;

/// Most bytes of them.
const SAMPLE_BYTES_MAX: usize = 48 * 1024;

/// The model with some test images; none where it is too large for the page.
pub fn of(run: &FinishedRun<'_>, model: &Model<'_>) -> Option<Live> {
    let (train, columns) = (&run.data.train, run.reading.columns.as_ref());
    let subject = Subject {
        file: &run.exported.bytes,
        model,
        look: &Look {
            appearance: Appearance::of(train.shape, &train.pixels),
            resize: run.reading.resize,
        },
        classes: &run.data.names,
        scales: &run.data.scales,
        channels: columns.map_or(&[], |columns| &columns.values),
        samples: &samples(run),
    };
    (model.file_bytes() <= MODEL_BYTES_MAX).then(|| Live::of(&subject))
}

/// The first test images of each class, class by class in turn.
fn samples<'r>(run: &FinishedRun<'r>) -> Vec<Sample<'r>> {
    let (test, names) = (&run.data.test, ClassNames::new(&run.data.names));
    let wanted = SAMPLES_MAX.min(SAMPLE_BYTES_MAX / Shape::len(test.shape));
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < wanted.min(test.len()) {
        for class in 0..test.classes {
            let of_class = |index: &usize| usize::from(test.labels[*index]) == class;
            chosen.extend((0..test.len()).filter(of_class).find(|index| !chosen.contains(index)));
        }
    }
    let sample = |index: usize| Sample {
        label: names.of(test.labels[index].into()),
        image: test.image(index),
    };
    chosen.into_iter().take(wanted).map(sample).collect()
}
