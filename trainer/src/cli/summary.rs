//! What is said of a finished run.

use std::path::{Path, PathBuf};

use super::int4;
use super::predict::is_series;
use super::train::REPORT;
use crate::data::DataDir;
use crate::data::class_names::ClassNames;
use crate::data::picture_file::is_picture;
use crate::evaluate::Outcome;
use crate::export::Exported;
use crate::metrics::{Metrics, Results};
use crate::report::value::Real;
use crate::terminal::number::{grouped, percent};
use crate::terminal::shell;
use crate::terminal::{answers, confusion};

/// The table, how the answers are, and the next commands.
pub(super) fn text(
    metrics: &Metrics,
    exported: &Exported,
    outcome: &Outcome,
    names: &ClassNames,
    model: &Path,
    sample: Option<&Path>,
    planned: Option<&str>,
) -> String {
    let answers = match outcome {
        Outcome::Classes(of) => confusion::draw(&of.int8.confusion, of.int8.classes, names),
        Outcome::Values(of) => answers::values(of),
        Outcome::Inputs(of) => answers::inputs(of),
        Outcome::Alike(of) => answers::alike(of),
    };
    let (table, next) = (table(metrics, exported), next_commands(model, sample));
    let int4 = match int4::table(&exported.int4) {
        of_layers if of_layers.is_empty() => of_layers,
        of_layers => format!("\n{of_layers}"),
    };
    let planned = planned.map_or(String::new(), |planned| format!("{:<16}{planned}\n", "planned"));
    format!("\n{table}{planned}{int4}\n{answers}\n{next}")
}

fn table(metrics: &Metrics, exported: &Exported) -> String {
    let images = grouped(metrics.test_images as u64);
    let (macs, described) = (grouped(exported.macs), grouped(exported.macs_described));
    let results = match &metrics.results {
        Results::Classes(of) => {
            let [float, int8] = [of.float_test_accuracy, of.int8_test_accuracy].map(percent);
            vec![
                ("test accuracy", format!("float {float}, int8 {int8} ({images} images)")),
                ("same answer", format!("{} of the images", percent(of.agreement))),
            ]
        }
        Results::Values(_) | Results::Alike(_) => vec![("test images", images)],
        Results::Inputs(of) => {
            let threshold = of.threshold.map_or("-".to_owned(), |at| Real(at.into()).to_string());
            vec![("test images", images), ("threshold", threshold)]
        }
    };
    let rows = [
        ("model file", format!("{} bytes", grouped(metrics.model_bytes as u64))),
        (
            "working RAM",
            format!("{} bytes, without the image", grouped(metrics.arena_bytes as u64)),
        ),
        ("MACs per image", format!("{macs} ({described} before unread outputs are left out)")),
        (
            "training",
            format!("{:.2} s per epoch, threads {}", metrics.seconds_per_epoch, metrics.threads),
        ),
    ];
    let savings = exported.savings;
    let left_out = (!savings.is_none()).then(|| {
        let [kept, whole] =
            [savings.kept, savings.whole].map(|effort| grouped(effort.weights as u64));
        ("weights", format!("{kept} of {whole} bytes: no answer depends on the rest"))
    });
    results
        .iter()
        .chain(&rows)
        .chain(&left_out)
        .map(|(name, value)| format!("{name:<16}{value}\n"))
        .collect()
}

/// Commands that work when they are pasted in the repository's folder, with a picture or a
/// series to look at, where there is one.
fn next_commands(model: &Path, sample: Option<&Path>) -> String {
    let (here, report) = (quoted(model), quoted(&model.with_file_name(REPORT)));
    let look = match sample {
        Some(picture) => format!("predict {here} {}", quoted(picture)),
        None => format!("eval {here}"),
    };
    format!(
        "written: {here} and {report}, to look at in a browser\n\
         next:\n  \
         cargo run --release -p trainer -- device run --model {here}\n  \
         cargo run --release -p trainer -- {look}\n"
    )
}

/// A picture or a series to try a model with: one of the data's own, where it is such, or one of
/// the repository's where it is MNIST.
pub(super) fn sample(named: Option<&Path>) -> Option<PathBuf> {
    let Some(data) = named else { return Some(digit()) };
    let files = DataDir::files(data).unwrap_or_default();
    files.into_iter().next_back().filter(|file| is_picture(file) || is_series(file))
}

/// One of the repository's digits: relative to its folder when that is where we are.
fn digit() -> PathBuf {
    let relative = Path::new("trainer/data/samples/digit-7.png");
    match relative.exists() {
        true => relative.to_owned(),
        false => DataDir::default_path().with_file_name("samples").join("digit-7.png"),
    }
}

fn quoted(path: &Path) -> String {
    shell::quoted(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_commands_are_for_the_data_of_the_run() {
        let model = Path::new("my out/model.kndl");
        let of_mnist = next_commands(model, Some(Path::new("my 7.png")));
        assert!(of_mnist.contains(" device run --model 'my out/model.kndl'\n"), "{of_mnist}");
        assert!(of_mnist.contains(" predict 'my out/model.kndl' 'my 7.png'\n"), "{of_mnist}");
        let of_others = next_commands(model, None);
        assert!(of_others.contains(" eval 'my out/model.kndl'\n"), "{of_others}");
    }
}
