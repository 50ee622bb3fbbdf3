//! `train`: from images to a measured model file.

use std::path::{Path, PathBuf};

use super::checkpoint::{CHECKPOINT, CheckpointFile, Keeper};
use super::{CliError, DataOption, TrainOptions, interrupt, summary};
use crate::atomic_file::{PendingFile, prepare_folder};
use crate::data::{DataDir, Dataset, fit};
use crate::evaluate::{Evaluation, evaluate};
use crate::events::Event;
use crate::export::{Exported, export_with};
use crate::float_model::FloatModel;
use crate::float_record;
use crate::metrics::{EpochMetrics, Metrics};
use crate::preset::Preset;
use crate::report::{FinishedRun, Report};
use crate::terminal::progress::{Output, Progress};
use crate::terminal::{complain, print, shell};
use crate::train::{self, EpochReport, Place, State, TrainOptions as Options, Trained};

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

impl TrainOptions {
    fn output(&self) -> Output {
        match (self.quiet, self.json) {
            (true, _) => Output::Quiet,
            (_, true) => Output::Json,
            _ => Output::Text,
        }
    }
}

/// Trains `options.preset`, or `preset` when that is not given.
pub(super) fn run(preset: &str, options: &TrainOptions) -> Result<(), CliError> {
    let preset = Preset::load(options.preset.as_deref().unwrap_or(preset))?;
    let mut run = Run { preset: overridden(preset, options), options, threads: options.threads.count() };
    prepare_folder(&options.out, &[MODEL, METRICS, FLOAT, REPORT, CHECKPOINT])?;
    interrupt::install()?;
    let data = DataDir::load(&options.data.folder())?;
    run.check(&data.train)?;
    let checkpoint = CheckpointFile::new(&options.out, &run.preset, options.seed, &data.train);
    let trained = run.train(&data.train, &checkpoint)?;
    let exported = export_with(&trained.model, &data.train, options.file.options(&options.chip))?;
    run.go_on()?;
    let evaluation = evaluate(&trained.model, &exported.bytes, &data.test, run.threads)?;
    let metrics = run.metrics(&trained.epochs, &exported, &evaluation);
    let report = Report::of(&FinishedRun {
        command: &shell::command(std::env::args_os().skip(1).filter(|argument| argument != "--resume")),
        preset: &run.preset,
        metrics: &metrics,
        float: &trained.model,
        exported: &exported,
        evaluation: &evaluation,
        data: &data,
        data_folder: &options.data.folder(),
    })?;
    run.write(&trained.model, &exported, &metrics, &report)?;
    checkpoint.run_is_finished(&run.preset);
    run.conclude(&metrics, &exported, &evaluation)
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

    fn train(&self, data: &Dataset, checkpoint: &CheckpointFile) -> Result<Trained, CliError> {
        let Preset { network, recipe, .. } = &self.preset;
        let options = Options { seed: self.options.seed, threads: self.threads };
        let state = self.begin(data, checkpoint)?;
        let progress = Progress::new(self.options.output(), interrupt::requested);
        let mut keeper = Keeper { follower: progress, file: checkpoint };
        let trained = match state {
            Some(state) => train::resume(network, recipe, data, &options, state, &mut keeper),
            None => train::train(network, recipe, data, &options, &mut keeper),
        };
        keeper.follower.finish();
        let trained = trained?;
        match trained.stopped_early || interrupt::requested() {
            true => Err(interrupted(&format!("after {} of {} epochs", trained.epochs.len(), recipe.epochs))),
            false => Ok(trained),
        }
    }

    /// What the run goes on from; `None`: from its beginning. Says so.
    fn begin(&self, data: &Dataset, checkpoint: &CheckpointFile) -> Result<Option<State>, CliError> {
        if !self.options.resume {
            checkpoint.replaced().iter().for_each(|note| self.note(note));
            self.announce(data)?;
            return Ok(None);
        }
        let (state, epochs) = (checkpoint.state()?, self.preset.recipe.epochs);
        let Place { epoch, batch } = state.place();
        self.announce(data)?;
        self.say(&format!("goes on after {} of {epochs} epochs and {batch} batches\n", epoch - 1))?;
        Ok(Some(state))
    }

    fn announce(&self, data: &Dataset) -> Result<(), CliError> {
        let (name, images, shape) = (&self.preset.name, data.len(), data.shape);
        let (epochs, seed, threads) = (self.preset.recipe.epochs, self.options.seed, self.threads);
        self.say(&format!(
            "preset {name}: {images} images of {shape}, epochs {epochs}, seed {seed}, threads {threads}\n"
        ))
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
            history: epochs.iter().map(EpochMetrics::from).collect(),
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

    fn conclude(
        &self,
        metrics: &Metrics,
        exported: &Exported,
        evaluation: &Evaluation,
    ) -> Result<(), CliError> {
        let model = self.path(MODEL);
        match self.options.output() {
            Output::Json => Ok(print(&Event::Finished { model: &model, metrics }.line())?),
            Output::Text | Output::Quiet => self.say(&summary::text(metrics, exported, evaluation, &model)),
        }
    }

    fn say(&self, text: &str) -> Result<(), CliError> {
        if self.options.output() == Output::Text { Ok(print(text)?) } else { Ok(()) }
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
