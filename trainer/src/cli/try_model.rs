//! `try`: a page on which the model answers.

use std::path::PathBuf;

use clap::Args;
use infer::Model;

use super::{CliError, appearance, browser, model_file};
use crate::data::class_names::ClassNames;
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::live::page::TryPage;
use crate::live::server::Server;
use crate::live::{Sample, Subject};
use crate::model_file::ModelTable;
use crate::terminal::{complain, print};

/// Open a page on which a model answers: draw a digit, choose a picture, type values
///
/// The page computes by itself, with the runtime compiled to WebAssembly, and compares its bytes
/// with those of the reference. It shows the feature maps layer by layer, the memory over time and
/// the plans for each core. Only this machine can open it, and it loads nothing from elsewhere.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer try out/model.kndl
  trainer try out/model.kndl --no-open     print the address only")]
pub(super) struct TryArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Port of the page [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print the address of the page, and open no browser
    #[arg(long)]
    no_open: bool,
}

pub(super) fn run(args: &TryArgs) -> Result<(), CliError> {
    let server = Server::new(args.port, page(args)?)
        .map_err(|cause| CliError::PageAddress { port: args.port, cause })?;
    let address = format!("http://{}/", server.address()?);
    print(&format!("{address}\nCtrl-C ends it.\n"))?;
    if !args.no_open && browser::show(&address).is_err() {
        complain("note: no browser could be started: open the address in one");
    }
    Ok(server.run()?)
}

fn page(args: &TryArgs) -> Result<String, CliError> {
    let file = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.model, &file, &mut table)?;
    let record = DataRecord::beside(&args.model, model.image_shape());
    let names = metadata::names(model.metadata(), record.as_ref());
    let samples = samples(&model, &names);
    let prepared = metadata::preparation(&model, record.as_ref()).unwrap_or_default();
    let name = args.model.file_name().unwrap_or_default().to_string_lossy();
    let subject = Subject {
        file: &file,
        model: &model,
        look: &appearance::of(record.as_ref(), &model),
        classes: record.as_ref().map_or(&[], |record| &record.names),
        scales: &prepared.scales,
        channels: prepared.columns.as_ref().map_or(&[], |columns| &columns.values),
        samples: &samples,
    };
    Ok(TryPage::of(&name, &subject).to_html())
}

/// The inputs that the file carries to be shown, or else that of its self-test.
fn samples<'m>(model: &Model<'m>, names: &ClassNames) -> Vec<Sample<'m>> {
    let label = |class: Option<u16>| match class {
        Some(class) => names.of(class.into()),
        None => "sample".to_owned(),
    };
    let carried = model.metadata().samples();
    let carried = carried.filter(|sample| sample.image.len() == model.image_shape().len());
    let carried: Vec<_> =
        carried.map(|of| Sample { label: label(of.class), image: of.image }).collect();
    let test = model.self_test();
    let test = test.map(|test| Sample { label: "self-test".to_owned(), image: test.image });
    if carried.is_empty() { test.into_iter().collect() } else { carried }
}
