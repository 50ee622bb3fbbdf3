//! A model on a whole data set: the float model by our forward pass, the int8 model through
//! `infer`, as a chip runs it.

pub mod likeness;
pub mod reconstruction;
pub mod regression;

use std::time::Instant;

use infer::format::OutputQuant;
use infer::{Model, ModelError, Native, Reals, RunError, Scores, Session};
use thiserror::Error;

use crate::data::{DataDir, Dataset};
use crate::export::Exported;
use crate::float_model::FloatModel;
use crate::forward::Forward;
use crate::inputs::network_inputs;
use crate::model_file::ModelTable;
use crate::network::OUTPUTS_MAX;
use crate::recipe::Task;
use crate::statistics::Reliability;
use likeness::Likeness;
use reconstruction::Reconstruction;
use regression::Regression;

/// Most images per forward pass of the float model.
const BATCH_IMAGES: usize = 100;

/// How float and int8 model answer, by what they answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Classes.
    Classes(Evaluation),
    /// Real values.
    Values(Regression),
    /// Their input once more.
    Inputs(Reconstruction),
    /// Classes or real values, of inputs without labels.
    Alike(Likeness),
}

impl Outcome {
    /// Of the models of a task over the test images of `data`, on `threads` threads (1 or more).
    /// The int8 one has been exported.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn of(
        task: Task,
        float: &FloatModel,
        exported: &Exported,
        data: &DataDir,
        threads: usize,
    ) -> Result<Self, EvaluateError> {
        let (file, threshold) = (&exported.bytes, exported.threshold);
        Ok(match task {
            Task::Classify | Task::Regress if !data.is_labelled => {
                let are_classes = task.is_classify();
                Self::Alike(likeness::evaluate(float, file, &data.test, are_classes, threads)?)
            }
            Task::Classify => Self::Classes(evaluate(float, file, &data.test, threads)?),
            Task::Regress => {
                let (targets, test) = (&data.targets, &data.test);
                Self::Values(regression::evaluate(float, file, targets, test, threads)?)
            }
            Task::Reconstruct => {
                Self::Inputs(reconstruction::evaluate(float, file, threshold, data, threads)?)
            }
        })
    }
}

/// How float and int8 model answer on a data set.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Images looked at.
    pub images: usize,
    /// Images the float model gets right.
    pub float_correct: usize,
    /// How the float model answers, image by image.
    pub float: Vec<FloatAnswer>,
    /// How the int8 model answers.
    pub int8: Int8Evaluation,
    /// Images on which both give the same class.
    pub agreeing: usize,
}

impl Evaluation {
    /// How often the float and the int8 model are right, by the probability they give their
    /// answers.
    pub fn reliability(&self, labels: &[u8]) -> [Reliability; 2] {
        let float = self.float.iter().map(|answer| (answer.class, &*answer.probabilities));
        let int8 = self.int8.answers.iter().map(|answer| (answer.class, &*answer.probabilities));
        [reliability_of(float, labels), reliability_of(int8, labels)]
    }

    /// `confusion[truth * classes + answer]` of the float model, with the int8 model's `classes`;
    /// `labels` are the images'.
    pub fn float_confusion(&self, labels: &[u8]) -> Vec<u32> {
        confusion(labels, self.float.iter().map(|answer| answer.class), self.int8.classes)
    }
}

/// How the int8 model answers on a data set.
#[derive(Clone, Debug)]
pub struct Int8Evaluation {
    /// Images it gets right.
    pub correct: usize,
    /// `confusion[truth * classes + answer]`, counts.
    pub confusion: Vec<u32>,
    /// Classes of the confusion matrix: those of the model or of the labels, whichever are more.
    pub classes: usize,
    /// Class and score vector of every image.
    pub answers: Vec<Answer>,
    /// Wall time of the int8 runs.
    pub seconds: f64,
}

/// What the float model says of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatAnswer {
    /// The class.
    pub class: usize,
    /// Softmax of the network's values, one per class.
    pub probabilities: Vec<f32>,
}

/// What the int8 model says of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The class.
    pub class: usize,
    /// The int8 scores, one per class.
    pub scores: Vec<i8>,
    /// Their softmax, as the chip computes it.
    pub probabilities: Vec<f32>,
}

/// Why a model cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvaluateError {
    /// The file is no model.
    #[error("the model is refused: {0}")]
    Model(ModelError),
    /// More scores than answers are counted for.
    #[error("the model gives {found} scores; answers are counted for up to {OUTPUTS_MAX} classes")]
    Outputs {
        /// Scores of the model.
        found: usize,
    },
    /// The images are not the model's.
    #[error("the data set does not fit the model: {0}")]
    Image(RunError),
}

/// Runs both models over `images` on `threads` threads (1 or more).
///
/// # Errors
/// A model that is refused, or images of another size.
pub fn evaluate(
    float: &FloatModel,
    file: &[u8],
    images: &Dataset,
    threads: usize,
) -> Result<Evaluation, EvaluateError> {
    let int8 = evaluate_int8(file, images, threads)?;
    let float = float_answers(float, images, threads);
    let float_correct =
        count(float.iter().zip(&images.labels), |(answer, label)| answer.class == **label as usize);
    let agreeing =
        count(float.iter().zip(&int8.answers), |(float, int8)| float.class == int8.class);
    Ok(Evaluation { images: images.len(), float_correct, float, int8, agreeing })
}

/// Runs the int8 model over `images` on `threads` threads (1 or more).
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_int8(
    file: &[u8],
    images: &Dataset,
    threads: usize,
) -> Result<Int8Evaluation, EvaluateError> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).map_err(EvaluateError::Model)?;
    if model.classes() > OUTPUTS_MAX {
        return Err(EvaluateError::Outputs { found: model.classes() });
    }
    let begun = Instant::now();
    let parts = in_parts(images.len(), threads, |range| int8_answers(&model, images, range));
    let answers =
        parts.into_iter().collect::<Result<Vec<_>, _>>().map_err(EvaluateError::Image)?.concat();
    let seconds = begun.elapsed().as_secs_f64();
    let classes = model.classes().max(images.classes);
    let confusion = confusion(&images.labels, answers.iter().map(|answer| answer.class), classes);
    let correct = count(answers.iter().zip(&images.labels), |(answer, label)| {
        answer.class == **label as usize
    });
    Ok(Int8Evaluation { correct, confusion, classes, answers, seconds })
}

/// What an int8 model leaves.
pub struct Int8Outputs {
    /// Of each image.
    pub values: Vec<Vec<i8>>,
    /// What they stand for.
    pub quant: OutputQuant,
    /// What the values of the input stand for.
    pub input: OutputQuant,
    /// Wall time of the runs.
    pub seconds: f64,
}

impl Int8Outputs {
    /// The real values, `[image][value]`.
    pub fn reals(&self) -> Vec<f32> {
        let of_image =
            |values: &Vec<i8>| Reals::new(Scores::new(values, self.quant)).iter().collect();
        let reals: Vec<Vec<f32>> = self.values.iter().map(of_image).collect();
        reals.concat()
    }
}

/// What an int8 model leaves for each image, on `threads` threads (1 or more).
///
/// # Errors
/// As [`evaluate`].
pub fn int8_outputs(
    file: &[u8],
    images: &Dataset,
    threads: usize,
) -> Result<Int8Outputs, EvaluateError> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).map_err(EvaluateError::Model)?;
    let begun = Instant::now();
    let parts = in_parts(images.len(), threads, |range| outputs(&model, images, range));
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>().map_err(EvaluateError::Image)?;
    let seconds = begun.elapsed().as_secs_f64();
    let input = model.input().tensor.quant;
    Ok(Int8Outputs { values: parts.concat(), quant: model.output_quant(), input, seconds })
}

fn outputs(
    model: &Model<'_>,
    images: &Dataset,
    range: std::ops::Range<usize>,
) -> Result<Vec<Vec<i8>>, RunError> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let mut output =
        |image| Ok(session.run_stored::<Native>(images.image(image), &mut ())?.values().to_vec());
    range.map(&mut output).collect()
}

/// The values that a float model leaves for each image, `[image][value]`.
pub(crate) fn float_values(model: &FloatModel, images: &Dataset, threads: usize) -> Vec<f32> {
    let forward = Forward::new(model);
    let parts = in_parts(images.len(), threads, |range| {
        let indices: Vec<usize> = range.collect();
        let batches = indices.chunks(forward.images_at_once(BATCH_IMAGES));
        let values = batches.map(|batch| {
            let inputs = network_inputs(&model.network.input, images, batch);
            forward.run(&inputs, &mut |_, _| ())
        });
        values.collect::<Vec<_>>().concat()
    });
    parts.concat()
}

fn int8_answers(
    model: &Model<'_>,
    images: &Dataset,
    range: std::ops::Range<usize>,
) -> Result<Vec<Answer>, RunError> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let mut answer = |index| {
        let scores = session.run_stored::<Native>(images.image(index), &mut ())?;
        let probabilities = scores.probabilities().collect();
        Ok(Answer { class: scores.class(), scores: scores.values().to_vec(), probabilities })
    };
    range.map(&mut answer).collect()
}

fn float_answers(model: &FloatModel, images: &Dataset, threads: usize) -> Vec<FloatAnswer> {
    let forward = Forward::new(model);
    in_parts(images.len(), threads, |range| {
        let indices: Vec<usize> = range.collect();
        indices
            .chunks(forward.images_at_once(BATCH_IMAGES))
            .flat_map(|batch| batch_answers(model, &forward, images, batch))
            .collect::<Vec<_>>()
    })
    .concat()
}

fn batch_answers(
    model: &FloatModel,
    forward: &Forward,
    images: &Dataset,
    batch: &[usize],
) -> Vec<FloatAnswer> {
    let inputs = network_inputs(&model.network.input, images, batch);
    let logits = forward.run(&inputs, &mut |_, _| ());
    let answer =
        |values: &[f32]| FloatAnswer { class: largest(values), probabilities: softmax(values) };
    logits.chunks_exact(logits.len() / batch.len()).map(answer).collect()
}

/// Probabilities of 0 to 1 that add up to 1.
fn softmax(values: &[f32]) -> Vec<f32> {
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let terms: Vec<f32> = values.iter().map(|value| libm::expf(value - max)).collect();
    let sum: f32 = terms.iter().sum();
    terms.into_iter().map(|term| term / sum).collect()
}

/// Index of the largest value, the first of several equal ones.
fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// The probability of each answer and whether it is the label.
fn reliability_of<'a>(
    answers: impl Iterator<Item = (usize, &'a [f32])>,
    labels: &[u8],
) -> Reliability {
    let judged = |((class, probabilities), label): ((usize, &[f32]), &u8)| {
        (probabilities[class] as f64, class == *label as usize)
    };
    Reliability::of(answers.zip(labels).map(judged))
}

/// `confusion[truth * classes + answer]`, counts.
fn confusion(labels: &[u8], answers: impl Iterator<Item = usize>, classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes * classes];
    for (label, answer) in labels.iter().zip(answers) {
        counts[*label as usize * classes + answer] += 1;
    }
    counts
}

/// Splits `0..count` into one part per thread and runs `work` on each; results in order.
fn in_parts<Part: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(std::ops::Range<usize>) -> Part + Sync,
) -> Vec<Part> {
    let work = &work;
    let part = |index: usize| index * count / threads..(index + 1) * count / threads;
    std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads).map(|index| scope.spawn(move || work(part(index)))).collect();
        running.into_iter().map(|thread| thread.join().expect("a worker panicked")).collect()
    })
}

fn count<Item>(items: impl Iterator<Item = Item>, matches: impl Fn(&Item) -> bool) -> usize {
    items.filter(matches).count()
}
