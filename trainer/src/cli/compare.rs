//! `compare`: models side by side on the same test images.

use std::path::{Path, PathBuf};

use clap::Args;
use infer::{Model, OutputType};

use super::options::{DataOption, Threads};
use super::{CliError, model_file};
use crate::atomic_file::{PendingFile, prepare_file};
use crate::data::metadata;
use crate::data::record::DataRecord;
use crate::data::{DataDir, Dataset, Request};
use crate::evaluate::regression::Regression;
use crate::evaluate::{EvaluateError, Int8Evaluation, evaluate_int8, reconstruction, regression};
use crate::model_file::ModelTable;
use crate::recipe::Task;
use crate::report::comparison::{Comparison, Contender, Disagreement, PairRow};
use crate::report::side_by_side::{self, SideBySide};
use crate::terminal::table::Table;
use crate::terminal::{print, printable};

/// Rows of the list of images on which models disagree.
const ROWS: usize = 12;

/// Compare models on the same test images
///
/// Accuracy with its 95 % interval (Wilson), size, memory and work side by side; whether
/// differences are more than chance (McNemar's test); the images on which the models disagree. Of
/// real values the distance from those wanted, of autoencoders how they tell unusual inputs.
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
    let contest = Contest { args, files: &files, models: &models };
    let (text, page) = match model_file::task(&models[0]) {
        Task::Classify => contest.of_classes()?,
        Task::Regress => contest.of_values()?,
        Task::Reconstruct => contest.of_inputs()?,
    };
    let mut written = String::new();
    if let Some(html) = &args.html {
        PendingFile::write(html, page.as_bytes())?.commit()?;
        written = format!("\nwritten: {}\n", html.display());
    }
    Ok(print(&format!("{text}{written}"))?)
}

/// Models that are run on the same data: that of the first.
struct Contest<'c> {
    args: &'c CompareArgs,
    files: &'c [Vec<u8>],
    models: &'c [Model<'c>],
}

impl Contest<'_> {
    /// Where the data is, and how it is read.
    fn data(&self) -> (PathBuf, Request) {
        let (path, model) = (&self.args.models[0], &self.models[0]);
        let record = DataRecord::beside(path, model.image_shape());
        let data = &self.args.data;
        (data.path(record.as_ref()), model_file::request(model, data, record.as_ref()))
    }

    fn test(&self) -> Result<Dataset, CliError> {
        let (path, request) = self.data();
        let test = DataDir::read_test(&path, &request)?;
        model_file::check_images(&self.args.models[0], &self.models[0], &test)?;
        Ok(test)
    }

    fn threads(&self) -> usize {
        self.args.threads.count()
    }

    /// What is printed, and the page.
    fn of_classes(&self) -> Result<(String, String), CliError> {
        let test = self.test()?;
        let run = |file: &Vec<u8>| evaluate_int8(file, &test, self.threads());
        let evaluations = self.files.iter().map(run).collect::<Result<Vec<_>, EvaluateError>>()?;
        let each = self.args.models.iter().zip(self.models).zip(&evaluations);
        let contenders: Vec<_> =
            each.map(|((path, model), evaluation)| contender(path, model, evaluation)).collect();
        let comparison = Comparison::of(&contenders, &test);
        Ok((text(&comparison), comparison.to_html()))
    }

    fn of_values(&self) -> Result<(String, String), CliError> {
        let test = self.test()?;
        let run = |(file, model): (&Vec<u8>, &Model<'_>)| {
            // Each answers in its own scale: what is wanted is that of the data, in its units.
            let (targets, wanted) = (metadata::targets(model), metadata::targets(&self.models[0]));
            let of = regression::evaluate_int8(file, &targets, &test, self.threads())?;
            Ok(Regression { wanted: regression::restored(&wanted, &test.targets), ..of })
        };
        let answers = self.files.iter().zip(self.models).map(run);
        let answers = answers.collect::<Result<Vec<_>, EvaluateError>>()?;
        let of = SideBySide::of_values(&self.side_by_side(&answers));
        Ok((table(&of), of.to_html()))
    }

    fn of_inputs(&self) -> Result<(String, String), CliError> {
        let (path, request) = self.data();
        let data = DataDir::read(&path, &request)?;
        model_file::check_images(&self.args.models[0], &self.models[0], &data.test)?;
        let run = |(file, model): (&Vec<u8>, &Model<'_>)| {
            let threshold = model.metadata().threshold();
            reconstruction::evaluate_int8(file, threshold, &data, self.threads())
        };
        let answers = self.files.iter().zip(self.models).map(run);
        let answers = answers.collect::<Result<Vec<_>, EvaluateError>>()?;
        let of = SideBySide::of_inputs(&self.side_by_side(&answers));
        Ok((table(&of), of.to_html()))
    }

    fn side_by_side<'a, Answers>(
        &self,
        answers: &'a [Answers],
    ) -> Vec<side_by_side::Contender<'a, Answers>> {
        let each = self.args.models.iter().zip(self.models).zip(answers);
        let contender = |((path, model), answers): ((&PathBuf, &Model<'_>), &'a Answers)| {
            side_by_side::Contender {
                name: path.display().to_string(),
                answers,
                file_bytes: model.file_bytes(),
                arena_bytes: model.arena_bytes(),
                macs: model.macs(),
            }
        };
        each.map(contender).collect()
    }
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
        let gives = |model: &Model<'_>| model.input().interface.gives;
        let same = [
            model.image_shape() == first.image_shape(),
            model.classes() == first.classes() && gives(model) == gives(first),
        ];
        let what = |model: &Model<'_>| match (same[0], gives(model)) {
            (false, _) => format!("{} images", model.image_shape()),
            (true, OutputType::Scores) => format!("{} classes", model.classes()),
            (true, gives) => format!("{} values that are {gives}", model.classes()),
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

fn text(comparison: &Comparison) -> String {
    format!(
        "{} test images\n\n{}\n{}\n{}",
        comparison.images,
        model_table(comparison),
        pair_table(&comparison.pairs, ["only first right", "only second right"]),
        disagreement_list(comparison)
    )
}

/// Models that answer no classes.
fn table(of: &SideBySide) -> String {
    let mut text = format!("{} test images\n", of.images);
    for model in &of.models {
        let cells = of.titles.iter().zip(&model.cells);
        let cells: String =
            cells.map(|(title, cell)| format!("  {title:<24} {}\n", plain(cell))).collect();
        text += &format!(
            "\n{} {}\n{cells}  {:<24} {}\n  {:<24} {}\n  {:<24} {}\n",
            model.letter,
            printable(&model.name),
            "file bytes",
            model.file_bytes,
            "RAM bytes",
            model.arena_bytes,
            "MACs",
            model.macs
        );
    }
    match of.pairs[..] {
        [] => text,
        _ => format!("{text}\n{}", pair_table(&of.pairs, ["for the first", "for the second"])),
    }
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

/// The pairs, with what is counted for the first and the second.
fn pair_table(pairs: &[PairRow], counted: [&str; 2]) -> String {
    let [first, second] = counted.map(|what| format!(">{what}"));
    let mut table = Table::new(["pair", &first, &second, ">mid-p", ">exact p", "verdict"]);
    for pair in pairs {
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
    let note = match pairs.len() {
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
