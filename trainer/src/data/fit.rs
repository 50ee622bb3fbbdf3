//! Whether images and a network go together: the one place that looks at both, for every command.
//!
//! What cannot work is refused; what works but is probably not meant is said in a note.

use infer::Shape;
use thiserror::Error;

use super::appearance::wide_and_high;
use super::survey::Survey;
use super::target::Target;
use super::{DataDir, Dataset};
use crate::graph::{Region, demand};
use crate::network::{Input, Network};
use crate::recipe::Task;

/// Why images and network do not go together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// The network looks beside the image.
    #[error(
        "the network's input of {network} at offset [{}, {}] lies outside of the {images} images: \
            change [network.input] in a copy of the preset", offset[0], offset[1]
    )]
    Outside {
        /// Of the data set.
        images: Shape,
        /// Of the network.
        network: Shape,
        /// Rows and columns.
        offset: [i16; 2],
    },
    /// Other values per pixel.
    #[error(
        "the images have {images} values per pixel, the network takes {network}: change its \
            'channels'"
    )]
    Channels {
        /// Of the data set.
        images: u16,
        /// Of the network.
        network: u16,
    },
    /// There are more classes than the network has outputs.
    #[error("the labels go up to {highest}, but the network ends with {outputs} values: give its \
        last layer {} units", highest + 1)]
    Classes {
        /// Highest label.
        highest: usize,
        /// Values the network ends with.
        outputs: usize,
    },
    /// Another number of values to answer.
    #[error(
        "the data has {targets} values to answer for each image, the network ends with {outputs}: \
            give its last layer {targets} units"
    )]
    Targets {
        /// Of the data.
        targets: usize,
        /// Values the network ends with.
        outputs: usize,
    },
    /// A reconstruction of something else.
    #[error(
        "the images are {images}; an autoencoder answers with its whole input: its [network.input] \
            must be {images} without an offset, and its last layer leave {} values, not {outputs}",
        images.len()
    )]
    Reconstruction {
        /// Of the data set.
        images: Shape,
        /// Values the network ends with.
        outputs: usize,
    },
    /// A finished model for other images.
    #[error("the model takes {model} images, those of the data set are {images}: use --data")]
    Shape {
        /// Of the model.
        model: Shape,
        /// Of the data set.
        images: Shape,
    },
}

/// Refuses images that `network` cannot be trained, calibrated or measured on.
///
/// # Errors
/// Images that it does not see, of other channels, or with other answers than its outputs.
pub fn require(network: &Network, task: Task, images: &Dataset) -> Result<(), FitError> {
    let Input { height, width, channels, offset } = network.input;
    if images.shape.channels != channels {
        return Err(FitError::Channels { images: images.shape.channels, network: channels });
    }
    let sees = |offset: i16, length: u16, side: u16| {
        (offset as i32) < side as i32 && offset as i32 + length as i32 > 0
    };
    if !sees(offset[0], height, images.shape.height) || !sees(offset[1], width, images.shape.width)
    {
        let network = network.input.shape();
        return Err(FitError::Outside { images: images.shape, network, offset });
    }
    // A network that cannot be built is refused where it is built.
    let Ok(outputs) = network.classes() else { return Ok(()) };
    match task {
        Task::Reconstruct if network.input.shape() == images.shape && offset == [0, 0] => {
            require_answers(task, outputs, images)
        }
        Task::Reconstruct => Err(FitError::Reconstruction { images: images.shape, outputs }),
        _ => require_answers(task, outputs, images),
    }
}

/// Refuses images that ask for other answers than `outputs` values are.
fn require_answers(task: Task, outputs: usize, images: &Dataset) -> Result<(), FitError> {
    let (targets, highest) = (images.targets_per_image(), images.classes.saturating_sub(1));
    let highest = highest.max(highest_label(images));
    match task {
        Task::Classify if highest >= outputs => Err(FitError::Classes { highest, outputs }),
        // Images without values are calibrated on, or only read where there must be some.
        Task::Regress if targets > 0 && targets != outputs => {
            Err(FitError::Targets { targets, outputs })
        }
        Task::Reconstruct if images.shape.len() != outputs => {
            Err(FitError::Reconstruction { images: images.shape, outputs })
        }
        _ => Ok(()),
    }
}

/// Notes before `network` is trained or calibrated on `data`, which `survey` counts; a sentence
/// each.
///
/// # Errors
/// As [`require`], for the training images.
pub fn check(
    network: &Network,
    task: Task,
    data: &DataDir,
    survey: &Survey,
) -> Result<Vec<String>, FitError> {
    require(network, task, &data.train)?;
    let outputs = network.classes().unwrap_or_default();
    let answers = match task {
        Task::Reconstruct => vec![usual_note(survey)],
        _ if !data.is_labelled => vec![Some(unlabelled_note(data))],
        Task::Classify => vec![
            outputs_note(outputs, data.train.classes),
            missing_labels_note(survey),
            single_class_note(survey),
            missing_tests_note(survey),
            uneven_note(survey),
        ],
        Task::Regress => values_notes(data),
    };
    let images = [
        range_note(survey),
        brightness_note(survey),
        transposed_note(&data.train),
        same_image_note(survey, data.train.len()),
        shared_note(survey, data.test.len()).filter(|_| !data.tests_on_training()),
        contradictions_note(survey).filter(|_| task.is_classify() && data.is_labelled),
    ];
    let part = part_note(network, data.train.shape);
    Ok([part].into_iter().chain(answers).chain(images).flatten().collect())
}

/// Notes for a finished model before it is measured on `images`. It takes images of the shape
/// `model`, and answers `task` with `outputs` values.
///
/// # Errors
/// Images of another shape, or without the values that the model answers.
pub fn check_model(
    model: Shape,
    outputs: usize,
    task: Task,
    images: &Dataset,
) -> Result<Vec<String>, FitError> {
    if model != images.shape {
        return Err(FitError::Shape { model, images: images.shape });
    }
    if !task.is_classify() {
        return require_answers(task, outputs, images).map(|()| vec![]);
    }
    let beyond = images.labels.iter().filter(|label| **label as usize >= outputs).count();
    let note = || {
        let highest = highest_label(images);
        format!(
            "the labels go up to {highest}, the model tells {outputs} classes apart: {beyond} of \
                the {} images cannot be answered correctly",
            images.len()
        )
    };
    Ok((beyond > 0).then(note).into_iter().collect())
}

/// Says what inputs without labels are taken for.
fn unlabelled_note(data: &DataDir) -> String {
    let [train, test] = [data.train.len(), data.test.len()];
    match data.tests_on_training() {
        true => format!(
            "the {train} inputs have no labels: the model is calibrated on all of them, and \
                compared with the float network on the same; --test-share 0.2 keeps some apart"
        ),
        false => format!(
            "the inputs have no labels: the model is calibrated on {train} of them, and compared \
                with the float network on {test}"
        ),
    }
}

/// The means of training and test values may differ by this many deviations without a note.
const MEAN_DEVIATIONS: f32 = 1.0;

/// Values to answer that are all the same, or other ones in the test set.
fn values_notes(data: &DataDir) -> Vec<Option<String>> {
    let each = data.targets.len();
    let of = |images: &Dataset, place: usize| -> Vec<f32> {
        images.targets.iter().skip(place).step_by(each.max(1)).copied().collect()
    };
    let note = |place: usize| {
        let [train, test] = [&data.train, &data.test].map(|images| of(images, place));
        let (target, name) = (&data.targets[place], Target::names(&data.targets).of(place));
        if train.iter().all(|value| *value == train[0]) {
            return Some(format!(
                "value {name} to answer is {} for all training images: there is nothing to learn",
                target.mean
            ));
        }
        let mean = test.iter().sum::<f32>() / test.len().max(1) as f32;
        (mean.abs() > MEAN_DEVIATIONS).then(|| {
            format!(
                "value {name} to answer is {} in the mean of the training images, {} in that of \
                    the test images: they are not from the same source",
                target.mean,
                target.scale().restore(mean)
            )
        })
    };
    (0..each).map(note).collect()
}

/// Says that nothing unusual is there to be found, where there are labels.
fn usual_note(survey: &Survey) -> Option<String> {
    let trained = labels_where(survey, |trained, _| trained > 0);
    let unusual = labels_where(survey, |trained, tests| trained == 0 && tests > 0);
    (trained.len() > 1 && unusual.is_empty()).then(|| {
        format!(
            "the training images have {}, and no test image has another: all of them are learnt as \
                usual, and how well unusual ones are found is not measured; leave what is unusual \
                out of the training images",
            named("label", &trained)
        )
    })
}

/// Least part of an image's pixels that a network may read in silence.
const SILENT_PART: f64 = 0.5;

/// Says which part of the images is read, unless it is most of them, in the middle.
fn part_note(network: &Network, images: Shape) -> Option<String> {
    let input = network.input;
    let region = demand(network).ok()?.input;
    let begins = [input.offset[0] as i64, input.offset[1] as i64];
    let rows = on_image(begins[0], region.rows, images.height);
    let columns = on_image(begins[1], region.columns, images.width);
    let (read, all) = (
        (rows[1] - rows[0]) * (columns[1] - columns[0]),
        images.height as i64 * images.width as i64,
    );
    let same_size = (input.height, input.width) == (images.height, images.width);
    let central = is_central(begins[0], region.rows, images.height)
        && is_central(begins[1], region.columns, images.width);
    let share = read as f64 / all as f64;
    if (same_size || central) && share >= SILENT_PART {
        return None;
    }
    let Region { rows: [top, bottom], columns: [left, right] } = region;
    Some(format!(
        "the images are {images}, the network reads {}x{} pixels of them from row {}, column {}: \
            {:.0} % of each image (see [network.input] in the preset)",
        bottom - top,
        right - left,
        begins[0] + top as i64,
        begins[1] + left as i64,
        100.0 * share,
    ))
}

/// Rows or columns of the image that are read, when those of the network begin at `begin`.
fn on_image(begin: i64, read: [u16; 2], side: u16) -> [i64; 2] {
    read.map(|end| (begin + end as i64).clamp(0, side as i64))
}

/// Whether what is read lies in the middle of the image, to a pixel.
fn is_central(begin: i64, read: [u16; 2], side: u16) -> bool {
    let (before, after) = (begin + read[0] as i64, side as i64 - begin - read[1] as i64);
    (before - after).abs() <= 1
}

fn outputs_note(outputs: usize, classes: usize) -> Option<String> {
    (outputs > classes).then(|| {
        let last = classes.saturating_sub(1);
        format!(
            "the network ends with {outputs} values, but the labels are 0 to {last}: {} of them \
                stand for nothing; give its last layer {classes} units",
            outputs - classes
        )
    })
}

/// Names classes that have test images but no training image, and labels that nothing has.
fn missing_labels_note(survey: &Survey) -> Option<String> {
    let missing = labels_where(survey, |trained, _| trained == 0);
    if missing.is_empty() {
        return None;
    }
    let tests: usize = missing.iter().map(|label| survey.test.counts[*label]).sum();
    let begins_at_1 = missing == [0] && tests == 0;
    Some(match begins_at_1 {
        true => "no image has label 0: labels that are counted from 1 leave an output without a \
            meaning; subtract 1 from them"
            .to_owned(),
        false => format!(
            "no training image has {}, {tests} test images have: the network cannot learn what no \
                image shows it",
            named("label", &missing)
        ),
    })
}

fn single_class_note(survey: &Survey) -> Option<String> {
    let present = labels_where(survey, |trained, _| trained > 0);
    match present[..] {
        [only] => Some(format!(
            "all training images have label {only}: the network learns to give one answer, \
                whatever it sees"
        )),
        _ => None,
    }
}

fn missing_tests_note(survey: &Survey) -> Option<String> {
    let untested = labels_where(survey, |trained, tests| trained > 0 && tests == 0);
    (!untested.is_empty()).then(|| {
        format!(
            "no test image has {}: how well the network knows it is not measured",
            named("label", &untested)
        )
    })
}

/// Times as many images as another that a class has in silence.
const UNEVEN: usize = 10;

/// Says which class has few images beside another, which `class_weights` mends.
fn uneven_note(survey: &Survey) -> Option<String> {
    let trained = survey.train.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let (fewest, least) = trained.clone().min_by_key(|(_, count)| **count)?;
    let (most, largest) = trained.max_by_key(|(_, count)| **count)?;
    (*least * UNEVEN <= *largest).then(|| {
        format!(
            "{least} training images have label {fewest}, {largest} have label {most}: \
                class_weights = \"balanced\" in the preset lets every class count the same"
        )
    })
}

/// Brightest pixel from which on images count as using the range of 8 bits.
const BRIGHT: u8 = 64;

fn range_note(survey: &Survey) -> Option<String> {
    let (darkest, brightest) = (survey.train.darkest, survey.train.brightest);
    if darkest == brightest {
        return Some(format!(
            "every pixel of the training images is {darkest}: there is nothing to see"
        ));
    }
    (brightest < BRIGHT).then(|| {
        format!(
            "the brightest pixel of the training images is {brightest}, of 255: the network sees \
                them nearly black; scale them to 0 to 255"
        )
    })
}

/// Difference of the mean pixels of training and test images that chance does not make.
const MEAN_DIFFERENCE: f64 = 64.0;

fn brightness_note(survey: &Survey) -> Option<String> {
    let [train, test] = [survey.train.mean, survey.test.mean];
    ((train - test).abs() >= MEAN_DIFFERENCE).then(|| {
        format!(
            "the mean pixel is {train:.0} in the training images and {test:.0} in the test \
                images: are some of them inverted?"
        )
    })
}

/// Share of the images that lie on their side where a set is transposed.
const LYING: f64 = 0.5;

/// Share of the images that still stand in such a set, at most.
const STANDING: f64 = 0.15;

/// Digits and letters are mostly higher than wide; EMNIST's files have rows and columns exchanged.
fn transposed_note(images: &Dataset) -> Option<String> {
    let [lying, standing] = wide_and_high(images.shape, &images.pixels);
    let is_square = images.shape.height == images.shape.width;
    (is_square && lying >= LYING && standing <= STANDING).then(|| {
        format!(
            "what {:.0} % of the training images show is wider than high: if rows and columns are \
                exchanged, as in EMNIST's files, --transpose turns them",
            100.0 * lying
        )
    })
}

fn same_image_note(survey: &Survey, images: usize) -> Option<String> {
    let different = images - survey.train.repeated;
    (survey.train.repeated * 2 > images).then(|| {
        format!("of the {images} training images only {different} are different, pixel by pixel")
    })
}

fn shared_note(survey: &Survey, tests: usize) -> Option<String> {
    (survey.shared > 0).then(|| {
        format!(
            "{} of the {tests} test images are training images too, pixel by pixel: the test \
                accuracy is too good by them",
            survey.shared
        )
    })
}

fn contradictions_note(survey: &Survey) -> Option<String> {
    (survey.contradictions > 0).then(|| {
        format!("{} training images occur again with another label", survey.contradictions)
    })
}

/// Labels whose numbers of training and test images are so.
fn labels_where(survey: &Survey, is_so: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let counts = survey.train.counts.iter().zip(&survey.test.counts).enumerate();
    counts.filter(|(_, (train, test))| is_so(**train, **test)).map(|(label, _)| label).collect()
}

/// Most labels that are spelt out.
const LABELS_MAX: usize = 10;

/// `label 3`, `labels 3, 4`, `labels 3, 4, … (12 of them)`.
fn named(what: &str, labels: &[usize]) -> String {
    let shown: Vec<String> = labels.iter().take(LABELS_MAX).map(usize::to_string).collect();
    let plural = if labels.len() == 1 { "" } else { "s" };
    let rest = match labels.len() > LABELS_MAX {
        true => format!(", … ({} of them)", labels.len()),
        false => String::new(),
    };
    format!("{what}{plural} {}{rest}", shown.join(", "))
}

fn highest_label(images: &Dataset) -> usize {
    images.labels.iter().copied().max().unwrap_or_default() as usize
}

#[cfg(test)]
mod tests;
