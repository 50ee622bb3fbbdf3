//! `train`: from images to a measured model file.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::RangedI64ValueParser;

use super::checkpoint::{CHECKPOINT, CheckpointFile, Keeper};
use super::options::{ChipOption, DataOption, FileOption, Int4Option, SamplesOption, Threads};
use super::planned::PendingPlan;
use super::{CliError, estimate, interrupt, planned, summary};
use crate::atomic_file::{PendingFile, prepare_folder};
use crate::data::class_names::ClassNames;
use crate::data::metadata::About;
use crate::data::record::DataRecord;
use crate::data::survey::Survey;
use crate::data::{DataDir, Dataset, fit};
use crate::estimate::Estimate;
use crate::evaluate::Outcome;
use crate::events::Event;
use crate::export::{ExportOptions, Exported, Target, export_with};
use crate::float_model::FloatModel;
use crate::float_record;
use crate::folder_lock::FolderLock;
use crate::metrics::{EpochMetrics, Metrics, Results};
use crate::plan::FastestError;
use crate::preset::{BATCH, DEFAULT, EPOCHS, LEARNING_RATE, Preset, real};
use crate::report::{FinishedRun, MeasuredModel, Report, provenance};
use crate::terminal::progress::{Output, Progress};
use crate::terminal::{self, complain, print, shell};
use crate::train::{self, Place, Split, State, TrainOptions as Options, Trained};

const MODEL: &str = "model.kndl";
const METRICS: &str = "metrics.json";
const FLOAT: &str = "float.burnpack";
const DATA: &str = "model.data.toml";
pub(super) const REPORT: &str = "report.html";

/// At most one in this many training images is held out, however many the preset asks for.
const HELD_OUT_PART: usize = 6;

/// Train a network, quantise it, write it and measure it (also what runs without a command)
///
/// Leaves OUT/model.kndl, the quantised model, OUT/model.data.toml, what it was trained on,
/// OUT/float.burnpack, the float parameters, OUT/metrics.json, and OUT/report.html to look at.
/// Accuracy, or the error, is followed on images held out of the training set; the test set is
/// looked at once, at the end. The preset's `task` says what is learnt: classes, real values, or
/// the input once more.
///
/// Ctrl-C ends the run after the batch. OUT/checkpoint.kindling, written anew after each epoch,
/// holds what `--resume` needs to go on: the same command with --resume added ends with the same
/// bytes as a run that was never interrupted. A finished run keeps it only where --epochs can be
/// raised later, that is with a constant learning rate.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer train                            the default preset
  trainer train tutorial --epochs 20
  trainer presets tutorial > my.toml       copy a preset, change a line …
  trainer train my.toml --out out/mine     … and train it
  trainer train best --resume              go on after Ctrl-C, a crash or a power cut
  trainer train --core m4 --flash 256K --ram 16K
                                           a model planned for a chip (see `plan`)
  trainer train my.toml --data path/to/fashion
                                           another data set: IDX, NumPy or pictures
  trainer train my.toml --data photos --test-share 0.2
                                           a folder of pictures for each class")]
pub(super) struct TrainArgs {
    /// Preset by name, or a .toml file of your own
    #[arg(value_name = "PRESET", conflicts_with = "preset")]
    pub(super) preset_argument: Option<String>,
    #[command(flatten)]
    pub(super) options: TrainOptions,
}

#[derive(Args)]
#[command(next_help_heading = "Training")]
pub(super) struct TrainOptions {
    #[arg(long, value_name = "PRESET", help = format!(
        "Preset by name (see `presets`), or a .toml file of your own [default: {DEFAULT}]"
    ))]
    preset: Option<String>,
    /// Seed of every random number: the same seed gives the same model
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 0)]
    seed: u64,
    /// Passes over the training images [default: the preset's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u32>::new().range(EPOCHS))]
    epochs: Option<u32>,
    /// Images per step [default: the preset's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u32>::new().range(BATCH))]
    batch: Option<u32>,
    /// (Peak) learning rate [default: the preset's]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    lr: Option<f64>,
    #[command(flatten)]
    threads: Threads,
    /// Go on with the run that was interrupted in OUT; give the same command as then
    #[arg(long)]
    resume: bool,
    /// Folder for the model and its metrics
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    #[command(flatten)]
    chip: ChipOption,
    #[command(flatten)]
    file: FileOption,
    #[command(flatten)]
    int4: Int4Option,
    #[command(flatten)]
    samples: SamplesOption,
    #[command(flatten)]
    data: DataOption,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Print one line of JSON per epoch and one at the end, and nothing else, on standard output
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
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
    let mut run =
        Run { preset: overridden(preset, options), options, threads: options.threads.count() };
    run.preset.check()?;
    let samples = options.samples.count();
    let export = ExportOptions { samples, ..options.file.options(&options.chip)? };
    let export = ExportOptions { int4: options.int4.of(export.target)?, ..export };
    let _lock = FolderLock::take(&options.out)?;
    let names = [MODEL, METRICS, FLOAT, REPORT, CHECKPOINT, DATA];
    prepare_folder(&options.out, &[&names[..], &planned::NAMES].concat())?;
    interrupt::install()?;
    let (path, image) = (options.data.path(None), run.preset.network.input.shape());
    let (task, quantile) = (run.preset.recipe.task, run.preset.recipe.threshold_quantile);
    let request = options.data.request(image, task, None);
    let data = DataDir::read(&path, &request)?;
    let data_files = provenance::data_files(&path)?;
    let survey = Survey::of(&data);
    run.check(&data, &survey)?;
    run.check_chip(&export)?;
    let checkpoint = CheckpointFile::new(&options.out, &run.preset, options.seed, &data.train);
    let trained = run.train(&data.train, &checkpoint)?;
    let source = options.data.named().unwrap_or(Path::new(""));
    let record = DataRecord::of(&data, source, &request.reading).for_task(task, quantile);
    let exported = export_with(&trained.model, &data.train, export, &About::of(&record))?;
    run.go_on()?;
    let outcome = Outcome::of(task, &trained.model, &exported, &data, run.threads)?;
    let results = Results::of(&outcome, &data.test.labels);
    let metrics = run.metrics(&trained, &exported, results, data.test.len());
    let report = Report::of(&FinishedRun {
        command: &shell::command(
            std::env::args_os().skip(1).filter(|argument| argument != "--resume"),
        ),
        preset: &run.preset,
        metrics: &metrics,
        measured: MeasuredModel {
            float: &trained.model,
            exported: &exported,
            outcome: &outcome,
            data: &data,
            reading: &request.reading,
        },
        survey: &survey,
        data_files: &data_files,
    })?;
    let planned = run.write(&trained.model, &record, &exported, &metrics, &report)?;
    checkpoint.run_is_finished(&run.preset);
    let names = ClassNames::new(&data.names);
    run.conclude(&metrics, &exported, &outcome, &names, planned.as_deref())
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
    fn check(&mut self, data: &DataDir, survey: &Survey) -> Result<(), CliError> {
        let task = self.preset.recipe.task;
        let notes = fit::check(&self.preset.network, task, data, survey)?;
        data.notes.iter().chain(&notes).for_each(|note| self.note(note));
        let images = data.train.len();
        let (wanted, most) = (self.preset.recipe.held_out, images / HELD_OUT_PART);
        if wanted > most {
            self.note(&format!(
                "{most} instead of {wanted} of the {images} training images are held out"
            ));
            self.preset.recipe.held_out = most;
        }
        let held_out = self.preset.recipe.held_out;
        let split = Split::new(&data.train.strata(), held_out, self.options.seed);
        self.say(&terminal::data::draw(data, survey, &split))
    }

    /// Refuses a chip that is too small before anything is trained for it; shows the row of a
    /// board.
    fn check_chip(&self, export: &ExportOptions) -> Result<(), CliError> {
        if let Some(board) = &self.options.chip.board {
            self.say(&estimate::of_board(&self.preset, board)?)?;
        }
        let Target::Chip(core, loading, budget) = export.target else { return Ok(()) };
        let plans = Estimate::with(&self.preset.network, export.int4)?.plans(core, loading)?;
        budget.choose(&plans).map_err(FastestError::Miss)?;
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
            true => Err(interrupted(&format!(
                "after {} of {} epochs",
                trained.epochs.len(),
                recipe.epochs
            ))),
            false => {
                self.say_what_is_kept(&trained)?;
                Ok(trained)
            }
        }
    }

    /// Says which epoch's weights a run has that may end early.
    fn say_what_is_kept(&self, trained: &Trained) -> Result<(), CliError> {
        let Some(kept) = trained.kept_epoch else { return Ok(()) };
        let (done, all) = (trained.epochs.len(), self.preset.recipe.epochs);
        if done < all {
            self.say(&format!(
                "ended after {done} of {all} epochs: the held-out loss fell no more\n"
            ))?;
        }
        self.say(&format!("the weights of epoch {kept} are kept: the best held-out loss\n"))
    }

    /// What the run goes on from; `None`: from its beginning. Says so.
    fn begin(
        &self,
        data: &Dataset,
        checkpoint: &CheckpointFile,
    ) -> Result<Option<State>, CliError> {
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
            "preset {name}: {images} images of {shape}, epochs {epochs}, seed {seed}, threads \
                {threads}\n"
        ))
    }

    fn metrics(
        &self,
        trained: &Trained,
        exported: &Exported,
        results: Results,
        test_images: usize,
    ) -> Metrics {
        let (recipe, epochs) = (&self.preset.recipe, &trained.epochs);
        Metrics {
            preset: self.preset.name.clone(),
            seed: self.options.seed,
            epochs: epochs.len(),
            kept_epoch: trained.kept_epoch,
            batch: recipe.batch,
            learning_rate: recipe.optimizer.learning_rate(),
            threads: self.threads,
            seconds_per_epoch: epochs.iter().map(|epoch| epoch.seconds).sum::<f64>()
                / epochs.len() as f64,
            task: recipe.task.name(),
            test_images,
            results,
            model_bytes: exported.bytes.len(),
            arena_bytes: exported.arena_bytes,
            macs: exported.macs,
            history: epochs.iter().map(EpochMetrics::from).collect(),
        }
    }

    /// All files, or none; what is said of the plan for the firmware's default board.
    fn write(
        &self,
        float: &FloatModel,
        record: &DataRecord,
        exported: &Exported,
        metrics: &Metrics,
        report: &Report,
    ) -> Result<Option<String>, CliError> {
        let float = float_record::to_bytes(float, Some(record))
            .map_err(|error| CliError::RecordUnwritable(error.to_string()))?;
        let float = PendingFile::write(&self.path(FLOAT), &float)?;
        let model = PendingFile::write(&self.path(MODEL), &exported.bytes)?;
        let data = PendingFile::write(&self.path(DATA), record.to_toml().as_bytes())?;
        let json = PendingFile::write(&self.path(METRICS), metrics.to_json().as_bytes())?;
        let report = PendingFile::write(&self.path(REPORT), report.to_html().as_bytes())?;
        let core = self.options.chip.core();
        let plan = PendingPlan::of_run(&self.path(MODEL), &exported.bytes, core, record)?;
        let summary = plan.summary.clone();
        self.go_on()?;
        float.commit()?;
        model.commit()?;
        data.commit()?;
        json.commit()?;
        report.commit()?;
        plan.commit()?;
        Ok(summary)
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
        outcome: &Outcome,
        names: &ClassNames,
        planned: Option<&str>,
    ) -> Result<(), CliError> {
        let model = self.path(MODEL);
        match self.options.output() {
            Output::Json => Ok(print(&Event::Finished { model: &model, metrics }.line())?),
            Output::Text | Output::Quiet => {
                let sample = summary::sample(self.options.data.named());
                let sample = sample.as_deref();
                self.say(&summary::text(metrics, exported, outcome, names, &model, sample, planned))
            }
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

fn learning_rate(text: &str) -> Result<f64, String> {
    let (lowest, highest) = (*LEARNING_RATE.start(), *LEARNING_RATE.end());
    match text.parse() {
        Ok(rate) if LEARNING_RATE.contains(&rate) => Ok(rate),
        _ => Err(format!("a learning rate is a number from {} to {}", real(lowest), real(highest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_positive_numbers() {
        assert_eq!(learning_rate("0.01"), Ok(0.01));
        for refused in ["0", "-1", "1e-50", "nan", "inf", "101", "fast", ""] {
            assert!(learning_rate(refused).is_err(), "{refused}");
        }
    }
}
