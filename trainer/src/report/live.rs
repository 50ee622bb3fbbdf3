//! The model of a run, at work in its report.

use infer::{Model, Shape};

use super::MeasuredModel;
use super::value::Real;
use crate::data::appearance::Appearance;
use crate::data::class_names::ClassNames;
use crate::data::picture::Look;
use crate::data::target::Target;
use crate::evaluate::Outcome;
use crate::live::{Live, MODEL_BYTES_MAX, Sample, Subject};
use crate::samples::class_by_class;

/// Most test images that the page carries to choose from.
const SAMPLES_MAX: usize = 20;

/// Most values that are spelt out for one of them.
const VALUES_MAX: usize = 3;

/// Most bytes of them.
const SAMPLE_BYTES_MAX: usize = 48 * 1024;

/// The model with some test images; none where it is too large for the page.
pub fn of(run: &MeasuredModel<'_>, model: &Model<'_>) -> Option<Live> {
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
fn samples<'r>(run: &MeasuredModel<'r>) -> Vec<Sample<'r>> {
    let (test, names) = (&run.data.test, ClassNames::new(&run.data.names));
    let wanted = SAMPLES_MAX.min(SAMPLE_BYTES_MAX / Shape::len(test.shape));
    let sample =
        |index: usize| Sample { label: label(run, index, &names), image: test.image(index) };
    class_by_class(test, wanted).into_iter().map(sample).collect()
}

/// What is wanted of a test image: its class, its values; or just its number.
fn label(run: &MeasuredModel<'_>, image: usize, names: &ClassNames) -> String {
    match run.outcome {
        Outcome::Classes(_) => names.of(run.data.test.labels[image].into()),
        Outcome::Values(of) => {
            let (each, names) = (of.targets.len(), Target::names(&of.targets));
            let wanted = of.wanted.iter().skip(image * each).take(each.min(VALUES_MAX));
            let value = |(place, value): (usize, &f32)| {
                format!("{} {}", names.of(place), Real((*value).into()))
            };
            wanted.enumerate().map(value).collect::<Vec<_>>().join(", ")
        }
        Outcome::Inputs(of) if of.unusual[image] => format!("test image {image}, unusual"),
        Outcome::Inputs(_) | Outcome::Alike(_) => format!("test image {image}"),
    }
}
