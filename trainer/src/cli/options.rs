//! Options that several commands have. The structs have no docs of their own: clap would put them
//! in place of the command's.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::RangedI64ValueParser;
use clap::{Args, ValueEnum};
use infer::Shape;

use super::{CliError, size};
use crate::data::reading::{Columns, Reading, Resize};
use crate::data::record::DataRecord;
use crate::data::{DataDir, Request};
use crate::device::board::Board;
use crate::export::{ExportOptions, Target};
use crate::import::model::FileOptions;
use crate::int4::Int4;
use crate::plan::{Budget, Core, Loading};
use crate::recipe::Task;
use crate::terminal::shell;

/// Most threads that can be asked for.
const THREADS_MAX: i64 = 256;

#[derive(Args)]
pub(super) struct Threads {
    /// Threads; the model does not depend on it [default: the cores there are]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u16>::new().range(1..=THREADS_MAX))]
    threads: Option<u16>,
}

impl Threads {
    /// How many that is.
    pub(super) fn count(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(available, usize::from)
    }

    /// Whether the command line says it.
    pub(super) const fn is_given(&self) -> bool {
        self.threads.is_some()
    }
}

#[derive(Args)]
#[command(next_help_heading = "Chip")]
pub(super) struct ChipOption {
    /// Plan for this board of the firmware, within its flash and RAM (see `device list`)
    #[arg(long, value_name = "BOARD", conflicts_with_all = ["core", "built_in"])]
    pub(super) board: Option<String>,
    #[arg(long, value_name = "CORE", value_parser = Core::from_str, help = format!(
        "Plan for this core: {} [default: a model for any core]", Core::NAMES
    ))]
    core: Option<Core>,
    /// Flash for model and code, such as 256K [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "core")]
    flash: Option<usize>,
    /// Working memory, such as 16K; image and stack come on top [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "core")]
    ram: Option<usize>,
    /// The model is built into the firmware and checked there: no loader takes flash
    #[arg(long, requires = "core")]
    built_in: bool,
}

impl ChipOption {
    /// The core that was named.
    pub(super) const fn core(&self) -> Option<Core> {
        self.core
    }

    /// What to plan for.
    pub(super) fn target(&self) -> Result<Target, CliError> {
        if let Some(board) = &self.board {
            let (core, budget) = Board::load(board)?.plan_target()?;
            return Ok(Target::Chip(core, Loading::OnChip, budget));
        }
        let Self { core, flash, ram, built_in, .. } = *self;
        Ok(core.map_or(Target::Portable, |core| {
            Target::Chip(core, loading(built_in), Budget { flash, ram })
        }))
    }
}

#[derive(Args)]
#[command(next_help_heading = "Model file")]
pub(super) struct FileOption {
    /// Your count of versions of this model: a chip that updates never goes back to a smaller one
    #[arg(long, value_name = "N", default_value_t = 0)]
    model_version: u32,
    /// Leave out the image with its scores by which a chip tests a new model
    #[arg(long)]
    no_self_test: bool,
    /// Keep channels and layers on which no answer depends
    #[arg(long)]
    keep_all: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Model file")]
pub(super) struct Int4Option {
    /// Layers whose weights take four bits: none, all, or as many as the chip's flash asks for,
    /// those first that lose least [default: those of the preset]
    #[arg(long, value_enum, value_name = "WHICH")]
    int4: Option<Int4Choice>,
}

/// What can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Int4Choice {
    None,
    All,
    Auto,
}

impl Int4Option {
    /// Which that is on this chip; `auto` needs a limit.
    pub(super) fn of(&self, target: Target) -> Result<Int4, CliError> {
        let has_limit = matches!(target, Target::Chip(_, _, Budget { flash: Some(_), .. }));
        match self.int4 {
            None => Ok(Int4::Described),
            Some(Int4Choice::None) => Ok(Int4::None),
            Some(Int4Choice::All) => Ok(Int4::All),
            Some(Int4Choice::Auto) if has_limit => Ok(Int4::Auto),
            Some(Int4Choice::Auto) => Err(CliError::Int4WithoutFlash),
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Model file")]
pub(super) struct SamplesOption {
    /// Carry this many training images, for firmware and pages to show; they take flash
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=SAMPLES_MAX))]
    samples: u8,
}

/// Most images that a model can be asked to carry.
const SAMPLES_MAX: i64 = 100;

impl SamplesOption {
    /// How many.
    pub(super) fn count(&self) -> usize {
        self.samples.into()
    }
}

impl FileOption {
    /// What an imported model's file is to hold.
    pub(super) fn of_import(
        &self,
        chip: &ChipOption,
        stream: bool,
        task: Task,
    ) -> Result<FileOptions, CliError> {
        let Self { model_version: version, no_self_test, keep_all } = *self;
        let (self_test, target) = (!no_self_test, chip.target()?);
        let gives = task.gives();
        Ok(FileOptions { version, self_test, target, keep_all, stream, gives })
    }

    /// What the file is to hold.
    pub(super) fn options(&self, chip: &ChipOption) -> Result<ExportOptions, CliError> {
        let Self { model_version: version, no_self_test, keep_all } = *self;
        let (target, self_test) = (chip.target()?, !no_self_test);
        Ok(ExportOptions { version, self_test, keep_all, ..ExportOptions::from(target) })
    }
}

#[derive(Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataOption {
    /// Folder of IDX files, of .npy files or of a folder of pictures per class, .npz or .csv file
    /// [default: MNIST, trainer/data/mnist, or what a model says it was trained on]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// How pictures of another size become images [default: area]
    #[arg(long, value_enum, value_name = "HOW")]
    size: Option<Resize>,
    /// Exchange rows and columns of every image, as EMNIST's files need it
    #[arg(long)]
    transpose: bool,
    /// Share of the images that become test images, where the data has none, such as 0.2
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    test_share: Option<f64>,
    /// File with the names of the classes, or of the values to answer, one a line
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Columns of a CSV file that are values, such as ax,ay,az
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "window")]
    columns: Vec<String>,
    /// Column of a CSV file that is the class
    #[arg(long, value_name = "NAME", requires = "columns")]
    label_column: Option<String>,
    /// Columns of a CSV file that are real values to answer; those of a window are its last row's
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "columns")]
    target_columns: Vec<String>,
    /// Column of a CSV file that must not be parted, such as the person
    #[arg(long, value_name = "NAME", requires = "columns")]
    group_column: Option<String>,
    /// Rows of a window
    #[arg(long, value_name = "ROWS", requires = "columns")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    window: Option<u16>,
    /// Rows from one window to the next [default: those of a window]
    #[arg(long, value_name = "ROWS", requires = "columns")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    step: Option<u16>,
}

impl DataOption {
    /// The data that was named.
    pub(super) fn named(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The file of names.
    pub(super) fn labels(&self) -> Option<&Path> {
        self.labels.as_deref()
    }

    /// The options that the command line has, as they are typed.
    pub(super) fn given(&self) -> Vec<&'static str> {
        // Every field is named here, so that a new option is not forgotten.
        let Self {
            data,
            size,
            transpose,
            test_share,
            labels,
            columns,
            label_column,
            target_columns,
            group_column,
            window,
            step,
        } = self;
        let options = [
            ("--data", data.is_some()),
            ("--size", size.is_some()),
            ("--transpose", *transpose),
            ("--test-share", test_share.is_some()),
            ("--labels", labels.is_some()),
            ("--columns", !columns.is_empty()),
            ("--label-column", label_column.is_some()),
            ("--target-columns", !target_columns.is_empty()),
            ("--group-column", group_column.is_some()),
            ("--window", window.is_some()),
            ("--step", step.is_some()),
        ];
        options.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
    }

    /// The data asked for: what is named, what a model was trained on, or MNIST.
    pub(super) fn path(&self, record: Option<&DataRecord>) -> PathBuf {
        let recorded = record.map(|record| record.source.clone());
        let path = self.data.clone().or(recorded).unwrap_or_default();
        if path.as_os_str().is_empty() { DataDir::default_path() } else { path }
    }

    /// What the columns of a CSV file are.
    fn columns(&self) -> Option<Columns> {
        let window = self.window?;
        Some(Columns {
            values: self.columns.clone(),
            label: self.label_column.clone(),
            targets: self.target_columns.clone(),
            group: self.group_column.clone(),
            window,
            step: self.step.unwrap_or(window),
        })
    }

    /// As the command line has it, with a share of test images.
    pub(super) fn shown(&self, test_share: Option<f64>) -> String {
        let text = |text: &str| shell::quoted(text).into_owned();
        let path = |path: &PathBuf| text(&path.display().to_string());
        let rows = |rows: u16| rows.to_string();
        let joined = |names: &[String]| Some(text(&names.join(","))).filter(|_| !names.is_empty());
        let options = [
            ("data", self.data.as_ref().map(path)),
            ("size", self.size.map(|size| size.name().to_owned())),
            ("test-share", test_share.map(|share| share.to_string())),
            ("labels", self.labels.as_ref().map(path)),
            ("columns", joined(&self.columns)),
            ("label-column", self.label_column.as_deref().map(text)),
            ("target-columns", joined(&self.target_columns)),
            ("group-column", self.group_column.as_deref().map(text)),
            ("window", self.window.map(rows)),
            ("step", self.step.map(rows)),
        ];
        let shown = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let shown = shown.map(|(name, value)| format!(" --{name} {value}"));
        let transpose = if self.transpose { " --transpose" } else { "" };
        shown.collect::<String>() + transpose
    }

    /// How to read it for images of the shape `image` and a network of this task. What is not said
    /// here is as the model's `record` has it: of the data it was trained on everything, of other
    /// data its classes and how pictures become images.
    pub(super) fn request(&self, image: Shape, task: Task, record: Option<&DataRecord>) -> Request {
        let is_same =
            |record: &&DataRecord| self.data.as_ref().is_none_or(|named| *named == record.source);
        let same = record.filter(is_same);
        let recorded = |of: fn(&Reading) -> bool| same.is_some_and(|record| of(&record.reading));
        let reading = Reading {
            resize: self.size.or(record.map(|record| record.reading.resize)).unwrap_or_default(),
            transpose: self.transpose || recorded(|reading| reading.transpose),
            test_share: self.test_share.or(same.and_then(|record| record.reading.test_share)),
            columns: self
                .columns()
                .or_else(|| record.and_then(|record| record.reading.columns.clone())),
            labels: self.labels.clone().or(same.and_then(|record| record.reading.labels.clone())),
        };
        Request {
            reading,
            wanted: Some(image),
            known: record.map(DataRecord::known),
            task,
            labels_optional: false,
            needs_pictures: self.size.is_some(),
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("a share is a number between 0 and 1, such as 0.2".to_owned()),
    }
}

/// Where the model is read, by the option --built-in.
pub(super) const fn loading(built_in: bool) -> Loading {
    if built_in { Loading::BuiltIn } else { Loading::OnChip }
}
