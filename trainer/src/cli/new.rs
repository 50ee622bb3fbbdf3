//! `new`: a preset to start from.

use std::path::{Path, PathBuf};

use clap::Args;
use infer::Shape;

use super::CliError;
use super::options::DataOption;
use crate::atomic_file::write_public_new;
use crate::data::{DataDir, DataError, Request};
use crate::preset::starting;
use crate::recipe::Task;
use crate::terminal::print;

/// Largest side that is taken as it is, pixels.
const SIDE_MAX: usize = 96;

/// Side of the network's input where pictures are larger, or of different sizes; pixels.
const SIDE: u16 = 48;

/// Share of the images that is tested on where the data has no test images.
const TEST_SHARE: f64 = 0.2;

/// Write a preset to start from, for images of your own
///
/// Looks at the data and writes a small network with a recipe, as a file to change. The network's
/// input has the size of the images; it ends with one value per class, or with the values of the
/// task. Pictures that are larger than 96x96, or of different sizes, get an input of 48x48.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer new my.toml --data path/to/data
  trainer new my.toml --data photos --side 64
  trainer new my.toml --task reconstruct --data vibration.npz")]
pub(super) struct NewArgs {
    /// File to write; one that is there is not replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Rows and columns of the network's input, for pictures
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=640))]
    side: Option<u16>,
    /// What the network is to learn: the class, real values, or its input once more
    #[arg(long, value_name = "TASK", value_enum, default_value_t)]
    task: Task,
    #[command(flatten)]
    data: DataOption,
}

pub(super) fn run(args: &NewArgs) -> Result<(), CliError> {
    let path = args.data.path(None);
    let wanted = wanted(&path, args.side)?;
    let asked = args.data.request(Shape::new(1, 1, 1), args.task, None);
    let (data, test_share) = read(&path, Request { wanted, ..asked })?;
    let (shape, images) = (data.train.shape, data.train.len());
    let (text, answers) = match args.task {
        Task::Classify => {
            let classes = data.train.classes;
            (starting::classify(shape, classes, images), format!("{classes} classes"))
        }
        Task::Regress => {
            let values = data.targets.len();
            (starting::regress(shape, values, images), format!("{values} values to answer"))
        }
        Task::Reconstruct => {
            (starting::reconstruct(shape, images), "an autoencoder of them".to_owned())
        }
    };
    write_public_new(&args.file, text.as_bytes())?;
    let (file, options) = (args.file.display(), args.data.shown(test_share));
    Ok(print(&format!(
        "written: {file}, for {shape} images and {answers}\nnext:\n  \
         trainer estimate {file}\n  trainer train {file}{options}\n"
    ))?)
}

/// What pictures are made into; `None` for data that has a shape.
fn wanted(path: &Path, side: Option<u16>) -> Result<Option<Shape>, CliError> {
    let Some(sizes) = DataDir::picture_sizes(path)? else {
        return match side {
            Some(_) => Err(CliError::SideOfArrays { path: path.to_owned() }),
            None => Ok(None),
        };
    };
    let small = |[height, width]: &[usize; 2]| *height.max(width) <= SIDE_MAX;
    let [height, width] = match (side, sizes.common.filter(small)) {
        (Some(side), _) => [side; 2],
        (None, Some(common)) => common.map(|side| side as u16),
        (None, None) => [SIDE; 2],
    };
    Ok(Some(Shape::new(height, width, sizes.channels as u16)))
}

/// The data, and the share of it that is tested on, where it has no test images.
fn read(path: &Path, request: Request) -> Result<(DataDir, Option<f64>), CliError> {
    let test_share = request.reading.test_share;
    match DataDir::read(path, &request) {
        Err(DataError::NoTest { .. }) => {
            let mut request = request;
            request.reading.test_share = Some(TEST_SHARE);
            Ok((DataDir::read(path, &request)?, Some(TEST_SHARE)))
        }
        data => Ok((data?, test_share)),
    }
}
