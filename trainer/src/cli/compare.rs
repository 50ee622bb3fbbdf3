//! `compare`: models side by side on the same test images.

use std::path::{Path, PathBuf};

use clap::Args;
use infer::Model;

use super::options::{DataOption, Threads};
use super::{CliError, model_file};
use crate::atomic_file::{PendingFile, prepare_file};
use crate::data::DataDir;
use crate::data::record::DataRecord;
use crate::evaluate::{EvaluateError, Int8Evaluation, evaluate_int8};
use crate::model_file::ModelTable;
use crate::report::comparison::{Comparison, Contender, Disagreement};
use crate::terminal::print;
use crate::terminal::table::Table;

/// Rows of the list of images on which models disagree.
const ROWS: usize = 12;

/// Compare models on the same test images
///
/// Accuracy with its 95 % interval (Wilson), size, memory and work side by side; whether
/// differences are more than chance (McNemar's test); the images on which the models disagree.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer compare out/seed-0/model.kndl out/seed-1/model.kndl
  trainer compare a.kndl b.kndl c.kndl --html comparison.html")]
pub(super) struct CompareArgs {
    /// Model files, two or more
    #[arg(value_name = "MODEL", num_args = 2..=26, required = true)]
    models: Vec<PathBuf>,
    /// Page to write, with a picture of each image on which the models disagree [default: none]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn run(args: &CompareArgs) -> Result<(), CliError> {
    let files = read(&args.models)?;
    let mut tables: Vec<_> = files.iter().map(|_| ModelTable::new()).collect();
    let models = parse(&args.models, &files, &mut tables)?;
    if let Some(html) = &args.html {
        prepare_file(html)?;
    }
    let shape = models[0].image_shape();
    let record = DataRecord::beside(&args.models[0], shape);
    let request = args.data.request(shape, record.as_ref());
    let test = DataDir::read_test(&args.data.path(record.as_ref()), &request)?;
    model_file::check_images(&args.models[0], &models[0], &test)?;
    let run = |file: &Vec<u8>| evaluate_int8(file, &test, args.threads.count());
    let evaluations = files.iter().map(run).collect::<Result<Vec<_>, EvaluateError>>()?;
    let each = args.models.iter().zip(&models).zip(&evaluations);
    let contenders: Vec<_> =
        each.map(|((path, model), evaluation)| contender(path, model, evaluation)).collect();
    let comparison = Comparison::of(&contenders, &test);
    if let Some(html) = &args.html {
        PendingFile::write(html, comparison.to_html().as_bytes())?.commit()?;
    }
    Ok(print(&text(&comparison, args.html.as_deref()))?)
}

fn read(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, CliError> {
    paths.iter().map(|path| model_file::read(path)).collect()
}

/// The models, which must all take the same images and tell the same classes apart.
fn parse<'m, 'f: 'm>(
    paths: &[PathBuf],
    files: &'f [Vec<u8>],
    tables: &'m mut [ModelTable<'f>],
) -> Result<Vec<Model<'m>>, CliError> {
    let each = paths.iter().zip(files).zip(tables);
    let models = each.map(|((path, file), table)| model_file::parse(path, file, table));
    let models = models.collect::<Result<Vec<_>, _>>()?;
    let first = &models[0];
    for (path, model) in paths.iter().zip(&models).skip(1) {
        let same = [model.image_shape() == first.image_shape(), model.classes() == first.classes()];
        let what = |model: &Model<'_>| match same[0] {
            false => format!("{} images", model.image_shape()),
            true => format!("{} classes", model.classes()),
        };
        if same != [true, true] {
            return Err(CliError::NotComparable {
                path: path.clone(),
                found: what(model),
                first: paths[0].clone(),
                expected: what(first),
            });
        }
    }
    Ok(models)
}

fn contender<'e>(path: &Path, model: &Model<'_>, evaluation: &'e Int8Evaluation) -> Contender<'e> {
    Contender {
        name: path.display().to_string(),
        evaluation,
        file_bytes: model.file_bytes(),
        arena_bytes: model.arena_bytes(),
        macs: model.macs(),
    }
}

fn text(comparison: &Comparison, html: Option<&Path>) -> String {
    let written = html.map_or_else(String::new, |path| format!("\nwritten: {}\n", path.display()));
    format!(
        "{} test images\n\n{}\n{}\n{}{written}",
        comparison.images,
        model_table(comparison),
        pair_table(comparison),
        disagreement_list(comparison)
    )
}

fn model_table(comparison: &Comparison) -> Table {
    let titles = [
        "",
        "model",
        ">int8 accuracy",
        ">95 % interval",
        ">wrong",
        ">file bytes",
        ">RAM bytes",
        ">MACs",
    ];
    let mut table = Table::new(titles);
    for model in &comparison.models {
        let accuracy = &model.accuracy;
        table.row([
            model.letter.to_string(),
            model.name.clone(),
            plain(accuracy.share),
            format!("{} to {}", plain(accuracy.low), plain(accuracy.high)),
            accuracy.wrong.to_string(),
            model.file_bytes.to_string(),
            model.arena_bytes.to_string(),
            model.macs.to_string(),
        ]);
    }
    table
}

/// With an ordinary space, as the rest of the terminal's text.
fn plain(value: impl std::fmt::Display) -> String {
    value.to_string().replace('\u{202f}', " ")
}

fn pair_table(comparison: &Comparison) -> String {
    let mut table = Table::new([
        "pair",
        ">only first right",
        ">only second right",
        ">mid-p",
        ">exact p",
        "verdict",
    ]);
    for pair in &comparison.pairs {
        let [first, second] = pair.letters;
        table.row([
            format!("{first}, {second}"),
            pair.only_right[0].to_string(),
            pair.only_right[1].to_string(),
            pair.mid.to_string(),
            pair.exact.to_string(),
            pair.better
                .map_or("no difference shown".to_owned(), |better| format!("{better} is better")),
        ]);
    }
    let note = match comparison.pairs.len() {
        1 => "McNemar's test; a verdict needs a mid-p below 5 %.\n".to_owned(),
        pairs => format!(
            "McNemar's test; with {pairs} pairs a verdict needs a mid-p below 5 % / {pairs}.\n"
        ),
    };
    format!("{table}{note}")
}

fn disagreement_list(comparison: &Comparison) -> String {
    let all = &comparison.disagreements;
    if all.is_empty() {
        return "All models answer every image alike.\n".to_owned();
    }
    let lines: String = all.iter().take(ROWS).map(disagreement_line).collect();
    let rest = match all.len().saturating_sub(ROWS) {
        0 => String::new(),
        rest => format!("  and {rest} more (--html FILE shows all)\n"),
    };
    format!("images on which they disagree: {}\n{lines}{rest}", all.len())
}

/// `  image 4176, label 2:  A 2 right, B 7 wrong`.
fn disagreement_line(disagreement: &Disagreement) -> String {
    let said = disagreement.said.iter().map(|said| {
        let judged = if said.right { "right" } else { "wrong" };
        format!("{} {} {judged}", said.letter, said.class)
    });
    let said = said.collect::<Vec<_>>().join(", ");
    format!("  image {:>5}, label {}:  {said}\n", disagreement.image, disagreement.label)
}
