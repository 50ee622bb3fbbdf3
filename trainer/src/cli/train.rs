//! `train`: from images to a measured model file.

use std::path::{Path, PathBuf};

use super::{CliError, DataOption, TrainOptions, interrupt, summary};
use crate::atomic_file::{PendingFile, prepare_folder};
use crate::data::{DataDir, Dataset, fit};
use crate::evaluate::{Evaluation, evaluate};
use crate::export::{Exported, export_for};
use crate::float_model::FloatModel;
use crate::float_record;
use crate::metrics::{EpochMetrics, Metrics};
use crate::preset::Preset;
use crate::report::{FinishedRun, Report};
use crate::terminal::progress::Progress;
use crate::terminal::{complain, print, shell};
use crate::train::{EpochReport, TrainOptions as Options, Trained, train};

const MODEL: &str = "model.kndl";
const METRICS: &str = "metrics.json";
const FLOAT: &str = "float.burnpack";
pub(super) const REPORT: &str = "report.html";

/// At most one in this many training images is held out, however many the preset asks for.
const HELD_OUT_PART: usize = 6;

impl DataOption {
    /// The folder asked for, or MNIST's.
    pub(super) fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(DataDir::default_path)
    }
}

/// Trains `options.preset`, or `preset` when that is not given.
pub(super) fn run(preset: &str, options: &TrainOptions) -> Result<(), CliError> {
    let preset = Preset::load(options.preset.as_deref().unwrap_or(preset))?;
    let mut run = Run { preset: overridden(preset, options), options, threads: options.threads.count() };
    prepare_folder(&options.out, &[MODEL, METRICS, FLOAT, REPORT])?;
    interrupt::install()?;
    let data = DataDir::load(&options.data.folder())?;
    run.check(&data.train)?;
    let trained = run.train(&data.train)?;
    let exported = export_for(&trained.model, &data.train, options.chip.target())?;
    run.go_on()?;
    let evaluation = evaluate(&trained.model, &exported.bytes, &data.test, run.threads)?;
    let metrics = run.metrics(&trained.epochs, &exported, &evaluation);
    let report = Report::of(&FinishedRun {
        command: &shell::command(std::env::args_os().skip(1)),
        preset: &run.preset,
        metrics: &metrics,
        float: &trained.model,
        exported: &exported,
        evaluation: &evaluation,
        data: &data,
        data_folder: &options.data.folder(),
    })?;
    run.write(&trained.model, &exported, &metrics, &report)?;
    run.say(&summary::text(&metrics, &exported, &evaluation, &options.out.join(MODEL)))
}

/// The preset with what the command line says instead.
fn overridden(mut preset: Preset, options: &TrainOptions) -> Preset {
    let recipe = &mut preset.recipe;
    recipe.epochs = options.epochs.map_or(recipe.epochs, |epochs| epochs as usize);
    recipe.batch = options.batch.map_or(recipe.batch, |batch| batch as usize);
    if let Some(rate) = options.lr {
        recipe.optimizer = recipe.optimizer.clone().with_learning_rate(rate);
    }
    preset
}

/// What is done and how.
struct Run<'o> {
    preset: Preset,
    options: &'o TrainOptions,
    threads: usize,
}

impl Run<'_> {
    /// Checks the network against the images and says what a user might not expect.
    fn check(&mut self, data: &Dataset) -> Result<(), CliError> {
        if let Some(note) = fit::check(self.preset.network.input, data.shape)? {
            self.note(&note);
        }
        let (wanted, most) = (self.preset.recipe.held_out, data.len() / HELD_OUT_PART);
        if wanted > most {
            self.note(&format!(
                "{most} instead of {wanted} of the {} training images are held out",
                data.len()
            ));
            self.preset.recipe.held_out = most;
        }
        Ok(())
    }

    fn train(&self, data: &Dataset) -> Result<Trained, CliError> {
        let Preset { name, network, recipe } = &self.preset;
        let (images, shape, epochs) = (data.len(), data.shape, recipe.epochs);
        let (seed, threads) = (self.options.seed, self.threads);
        self.say(&format!(
            "preset {name}: {images} images of {shape}, epochs {epochs}, seed {seed}, threads {threads}\n"
        ))?;
        let mut progress = Progress::new(self.options.quiet, interrupt::requested);
        let trained = train(network, recipe, data, &Options { seed, threads }, &mut progress);
        progress.finish();
        let trained = trained?;
        match trained.stopped_early || interrupt::requested() {
            true => Err(interrupted(&format!("after {} of {epochs} epochs", trained.epochs.len()))),
            false => Ok(trained),
        }
    }

    fn metrics(&self, epochs: &[EpochReport], exported: &Exported, evaluation: &Evaluation) -> Metrics {
        let recipe = &self.preset.recipe;
        let share = |count: usize| count as f64 / evaluation.images as f64;
        let int8 = &evaluation.int8;
        Metrics {
            preset: self.preset.name.clone(),
            seed: self.options.seed,
            epochs: epochs.len(),
            batch: recipe.batch,
            learning_rate: recipe.optimizer.learning_rate(),
            threads: self.threads,
            seconds_per_epoch: epochs.iter().map(|epoch| epoch.seconds).sum::<f64>() / epochs.len() as f64,
            test_images: evaluation.images,
            float_test_accuracy: share(evaluation.float_correct),
            int8_test_accuracy: share(int8.correct),
            agreement: share(evaluation.agreeing),
            model_bytes: exported.bytes.len(),
            arena_bytes: exported.arena_bytes,
            macs: exported.macs,
            confusion: int8.confusion.chunks(int8.classes).map(<[u32]>::to_vec).collect(),
            history: epochs.iter().map(epoch_metrics).collect(),
        }
    }

    /// All files, or none.
    fn write(
        &self,
        float: &FloatModel,
        exported: &Exported,
        metrics: &Metrics,
        report: &Report,
    ) -> Result<(), CliError> {
        let float =
            float_record::to_bytes(float).map_err(|error| CliError::RecordUnwritable(error.to_string()))?;
        let float = PendingFile::write(&self.path(FLOAT), &float)?;
        let model = PendingFile::write(&self.path(MODEL), &exported.bytes)?;
        let json = PendingFile::write(&self.path(METRICS), metrics.to_json().as_bytes())?;
        let report = PendingFile::write(&self.path(REPORT), report.to_html().as_bytes())?;
        self.go_on()?;
        float.commit()?;
        model.commit()?;
        json.commit()?;
        Ok(report.commit()?)
    }

    /// Asked between the steps that follow training.
    fn go_on(&self) -> Result<(), CliError> {
        match interrupt::requested() {
            true => Err(interrupted("while the trained model was quantised and measured")),
            false => Ok(()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.options.out).join(name)
    }

    fn say(&self, text: &str) -> Result<(), CliError> {
        if self.options.quiet { Ok(()) } else { Ok(print(text)?) }
    }

    fn note(&self, text: &str) {
        if !self.options.quiet {
            complain(&format!("note: {text}"));
        }
    }
}

fn interrupted(done: &str) -> CliError {
    CliError::Interrupted { done: done.to_owned() }
}

fn epoch_metrics(report: &EpochReport) -> EpochMetrics {
    let EpochReport { epoch, loss, accuracy, held_out_accuracy, seconds, .. } = *report;
    EpochMetrics { epoch, loss, accuracy, held_out_accuracy, seconds }
}
