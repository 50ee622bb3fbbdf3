//! Options that several commands have. The structs have no docs of their own: clap would put them
//! in place of the command's.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::RangedI64ValueParser;

use super::size;
use crate::data::DataDir;
use crate::export::{ExportOptions, Target};
use crate::plan::{Budget, Core, Loading};

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
}

#[derive(Args)]
#[command(next_help_heading = "Chip")]
pub(super) struct ChipOption {
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
    pub(super) fn target(&self) -> Target {
        let Self { core, flash, ram, built_in } = *self;
        core.map_or(Target::Portable, |core| {
            Target::Chip(core, loading(built_in), Budget { flash, ram })
        })
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
}

impl FileOption {
    /// What the file is to hold.
    pub(super) fn options(&self, chip: &ChipOption) -> ExportOptions {
        let Self { model_version: version, no_self_test } = *self;
        ExportOptions { target: chip.target(), version, self_test: !no_self_test }
    }
}

#[derive(Args)]
pub(super) struct DataOption {
    /// Folder with the IDX files of a data set, gzip or plain [default: MNIST, trainer/data/mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataOption {
    /// The folder that was named.
    pub(super) fn named(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The folder asked for, or MNIST's.
    pub(super) fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(DataDir::default_path)
    }
}

/// Where the model is read, by the option --built-in.
pub(super) const fn loading(built_in: bool) -> Loading {
    if built_in { Loading::BuiltIn } else { Loading::OnChip }
}
