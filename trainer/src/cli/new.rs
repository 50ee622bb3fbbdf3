//! `new`: a preset to start from.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use super::options::DataOption;
use crate::atomic_file::write_public_new;
use crate::data::{DataDir, Request};
use crate::preset::starting;
use crate::terminal::print;

/// Write a preset to start from, for images of your own
///
/// Looks at the data, chooses an input of the images' size and a small network that ends with one
/// value per class, and writes it with a recipe as a file to change.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer new my.toml --data path/to/data
  trainer new my.toml --data photos --test-share 0.2 --side 48")]
pub(super) struct NewArgs {
    /// File to write; one that is there is not replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Rows and columns of the network's input [default: those of the images, 96 at most]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=640))]
    side: Option<u16>,
    #[command(flatten)]
    data: DataOption,
}

pub(super) fn run(args: &NewArgs) -> Result<(), CliError> {
    let path = args.data.path(None);
    let request = Request { wanted: None, ..args.data.request(infer::Shape::new(1, 1, 1), None) };
    let (shape, classes) = match args.side {
        // Pictures of different sizes have one size only as a network's input.
        Some(side) => {
            let wanted = Some(infer::Shape::new(side, side, 3));
            let data = DataDir::read(&path, &Request { wanted, ..request })?;
            (data.train.shape, data.train.classes)
        }
        None => {
            let data = DataDir::read(&path, &request)?;
            (data.train.shape, data.train.classes)
        }
    };
    let text = starting::preset(shape, classes);
    write_public_new(&args.file, text.as_bytes())?;
    let file = args.file.display();
    Ok(print(&format!(
        "written: {file}, for {shape} images and {classes} classes\nnext:\n  \
         trainer estimate {file}\n  trainer train {file}{}\n",
        args.data.named().map_or_else(String::new, |data| format!(" --data {}", data.display())),
    ))?)
}
