//! `report.html`: a finished run to look at instead of reading: one file without links to the
//! outside.
//!
//! Each file here turns one part of a run into typed numbers and charts; [`Report`] holds them, and
//! the templates in `trainer/templates` show them, with everything that is put in escaped.
//!
//! - [`live`](mod@live): the model itself, at work in the page;
//! - [`confusion`], [`answers`], [`calibration`]: what the models answer on the test images;
//!   [`values`]: of real values; [`inputs`]: of autoencoders; [`alike`]: without labels;
//! - [`data`](mod@data): what it was trained on; [`curves`]: how training went;
//! - [`layers`], [`memory`], [`reading`]: what became of each layer;
//! - [`peers`]: what others need for the same work; [`provenance`]: how to get the same bytes
//!   again;
//! - [`comparison`], [`side_by_side`]: several models side by side;
//! - [`import`]: a network that was trained elsewhere;
//! - [`plot`], [`picture`], [`value`]: charts, pictures and numbers as they stand in a page.

pub mod alike;
pub mod answers;
pub mod calibration;
pub mod comparison;
pub mod confusion;
pub mod curves;
pub mod data;
pub mod import;
pub mod inputs;
pub mod layers;
pub mod live;
pub mod memory;
pub mod peers;
pub mod picture;
pub mod plot;
pub mod provenance;
pub mod reading;
pub mod side_by_side;
pub mod value;
pub mod values;

use askama::Template;
use infer::{Model, ModelError};
use thiserror::Error;

use crate::data::class_names::ClassNames;
use crate::data::reading::Reading;
use crate::data::survey::Survey;
use crate::data::{DataDir, Dataset};
use crate::evaluate::{Evaluation, Outcome};
use crate::export::Exported;
use crate::float_model::FloatModel;
use crate::graph::DemandError;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::model_file::ModelTable;
use crate::preset::Preset;
use crate::statistics::wilson;
use alike::Alike;
use answers::Answers;
use calibration::Calibration;
use confusion::Confusion;
use curves::Curves;
use data::DataView;
use inputs::Inputs;
use layers::LayerView;
use memory::MemoryView;
use peers::Peers;
use picture::Sheet;
use provenance::{FileHash, Provenance};
use reading::MapView;
use value::{Count, Percent, Points, Seconds};
use values::Values;

/// A model with what it was made of and measured on.
#[derive(Clone, Copy)]
pub struct MeasuredModel<'r> {
    /// The network in floating point.
    pub float: &'r FloatModel,
    /// The model file.
    pub exported: &'r Exported,
    /// What both answer on the test images.
    pub outcome: &'r Outcome,
    /// The images.
    pub data: &'r DataDir,
    /// How they were read.
    pub reading: &'r Reading,
}

/// A finished run: everything a report is made of.
#[derive(Clone, Copy)]
pub struct FinishedRun<'r> {
    /// The command line, as it can be typed again.
    pub command: &'r str,
    /// What was trained, and how, with what the command line changed.
    pub preset: &'r Preset,
    /// The run in numbers.
    pub metrics: &'r Metrics,
    /// The trained network, its model and its images.
    pub measured: MeasuredModel<'r>,
    /// The images, counted.
    pub survey: &'r Survey,
    /// The files they come from.
    pub data_files: &'r [FileHash],
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The model file.
    #[error("the model is refused: {0}")]
    Model(ModelError),
    /// It cannot be said what of the network is computed.
    #[error(transparent)]
    Demand(#[from] DemandError),
}

/// A run as a page shows it.
#[derive(Template)]
#[template(path = "report/page.html")]
pub struct Report {
    /// Name or path of the preset.
    pub preset: String,
    /// Seed of every random number.
    pub seed: u64,
    /// The figures at the top.
    pub sizes: Sizes,
    /// How it was trained.
    pub headline: Headline,
    /// The model at work; none where it is too large for a page.
    pub live: Option<Live>,
    /// What it was trained on.
    pub data: DataView,
    /// How training went.
    pub curves: Curves,
    /// How the models answer.
    pub results: Results,
    /// Quantisation, layer by layer.
    pub layers: Vec<LayerView>,
    /// Images that the layers' figures come from.
    pub layer_images: Count,
    /// Which buffer lives when.
    pub memory: MemoryView,
    /// Which part of each map is read.
    pub reading: Vec<MapView>,
    /// What others need, as far as it is known for the data.
    pub peers: Option<Peers>,
    /// How to get the same bytes again.
    pub provenance: Provenance,
}

/// How the models answer, by what they answer.
pub enum Results {
    /// Classes.
    Classes(Classes),
    /// Real values.
    Values(Values),
    /// Their input once more.
    Inputs(Inputs),
    /// Classes or real values, of inputs without labels.
    Alike(Alike),
}

impl Results {
    fn of(measured: &MeasuredModel<'_>, model: &Model<'_>) -> Self {
        let data = measured.data;
        let (test, names) = (&data.test, ClassNames::new(&data.names));
        match measured.outcome {
            Outcome::Classes(of) => Self::Classes(Classes::of(of, test, &names)),
            Outcome::Values(of) => Self::Values(Values::of(of, test)),
            Outcome::Inputs(of) => Self::Inputs(Inputs::of(of, model, test, &names)),
            Outcome::Alike(of) => Self::Alike(Alike::of(of, test)),
        }
    }

    /// The images that are shown.
    pub fn sheet(&self) -> &Sheet {
        match self {
            Self::Classes(of) => &of.answers.sheet,
            Self::Values(of) => &of.sheet,
            Self::Inputs(of) => &of.sheet,
            Self::Alike(of) => &of.sheet,
        }
    }
}

/// How classes are answered.
pub struct Classes {
    /// The float model's accuracy.
    pub float: Accuracy,
    /// The int8 model's accuracy.
    pub int8: Accuracy,
    /// Float minus int8.
    pub lost: Points,
    /// Images on which both give the same class.
    pub agreement: Percent,
    /// Images on which they do not.
    pub disagreeing: Count,
    /// Which class is taken for which.
    pub confusion: Confusion,
    /// Images that are answered wrongly or differently.
    pub answers: Answers,
    /// How reliable the probabilities are.
    pub calibration: Calibration,
}

impl Classes {
    fn of(evaluation: &Evaluation, test: &Dataset, names: &ClassNames) -> Self {
        let images = evaluation.images;
        let share = |correct: usize| correct as f64 / images as f64;
        Self {
            float: Accuracy::of(evaluation.float_correct, images),
            int8: Accuracy::of(evaluation.int8.correct, images),
            lost: Points(share(evaluation.float_correct) - share(evaluation.int8.correct)),
            agreement: Percent::of(evaluation.agreeing, images),
            disagreeing: Count(images - evaluation.agreeing),
            confusion: Confusion::of(evaluation, test, names),
            answers: Answers::of(evaluation, test, names),
            calibration: Calibration::of(evaluation, test),
        }
    }
}

/// The figures at the top that every model has.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// The model file, bytes.
    pub model_bytes: Count,
    /// Working memory without the image, bytes.
    pub arena_bytes: Count,
    /// Multiply-accumulates of one run.
    pub macs: Count,
    /// Multiply-accumulates of the network as described.
    pub macs_described: Count,
}

/// How a network was trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Headline {
    /// Test images.
    pub images: Count,
    /// Epochs.
    pub epochs: Count,
    /// Mean time of an epoch.
    pub seconds_per_epoch: Seconds,
    /// Threads used.
    pub threads: usize,
}

/// Images that are answered correctly.
#[derive(Clone, Debug, PartialEq)]
pub struct Accuracy {
    /// Share of all.
    pub share: Percent,
    /// Images answered wrongly.
    pub wrong: Count,
    /// Lower end of Wilson's 95 % interval.
    pub low: Percent,
    /// Its upper end.
    pub high: Percent,
}

impl Accuracy {
    /// `right` of `images` images.
    pub fn of(right: usize, images: usize) -> Self {
        let interval = wilson(right, images);
        Self {
            share: Percent::of(right, images),
            wrong: Count(images - right),
            low: Percent(interval.low),
            high: Percent(interval.high),
        }
    }
}

impl From<&Exported> for Sizes {
    fn from(exported: &Exported) -> Self {
        Self {
            model_bytes: Count(exported.bytes.len()),
            arena_bytes: Count(exported.arena_bytes),
            macs: Count(exported.macs as usize),
            macs_described: Count(exported.macs_described as usize),
        }
    }
}

impl Headline {
    fn of(metrics: &Metrics) -> Self {
        Self {
            images: Count(metrics.test_images),
            epochs: Count(metrics.epochs),
            seconds_per_epoch: Seconds(metrics.seconds_per_epoch),
            threads: metrics.threads,
        }
    }
}

impl Report {
    /// Looks at a run from all sides. Runs both models once more over some test images, to compare
    /// them layer by layer.
    ///
    /// # Errors
    /// A model file that is refused, a network that cannot be planned.
    pub fn of(run: &FinishedRun<'_>) -> Result<Self, ReportError> {
        let mut table = ModelTable::new();
        let MeasuredModel { float, exported, data, reading, .. } = run.measured;
        let model = Model::from_bytes(&exported.bytes, &mut table).map_err(ReportError::Model)?;
        let test = &data.test;
        let chosen = layers::chosen(test.len());
        Ok(Self {
            preset: run.preset.name.clone(),
            seed: run.metrics.seed,
            sizes: exported.into(),
            headline: Headline::of(run.metrics),
            live: live::of(&run.measured, &model),
            data: DataView::of(data, run.survey, run.preset.recipe.held_out, reading),
            curves: Curves::of(run.metrics, &run.preset.recipe),
            results: Results::of(&run.measured, &model),
            layers: layers::of_stages(float, exported, test, &chosen)?,
            layer_images: Count(chosen.len()),
            memory: MemoryView::of(&model),
            reading: reading::views(&run.preset.network, test)?,
            peers: Peers::of(&model, &run.preset.network, &run.metrics.results, test),
            provenance: Provenance::of(run),
        })
    }

    /// The page.
    pub fn to_html(&self) -> String {
        self.render().expect("writing to a string does not fail")
    }
}
