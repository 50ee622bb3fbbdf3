//! What is said of a finished run.

use std::path::{Path, PathBuf};

use super::train::REPORT;
use crate::data::DataDir;
use crate::evaluate::Evaluation;
use crate::export::Exported;
use crate::metrics::Metrics;
use crate::terminal::confusion;
use crate::terminal::number::{grouped, percent};
use crate::terminal::shell;

/// The table, the confusion matrix and the next commands.
pub(super) fn text(
    metrics: &Metrics,
    exported: &Exported,
    evaluation: &Evaluation,
    model: &Path,
) -> String {
    let matrix = confusion::draw(&evaluation.int8.confusion, evaluation.int8.classes);
    format!("\n{}\n{matrix}\n{}", table(metrics, exported), next_commands(model))
}

fn table(metrics: &Metrics, exported: &Exported) -> String {
    let (float, int8) = (percent(metrics.float_test_accuracy), percent(metrics.int8_test_accuracy));
    let images = grouped(metrics.test_images as u64);
    let (macs, described) = (grouped(exported.macs), grouped(exported.macs_described));
    let rows = [
        ("test accuracy", format!("float {float}, int8 {int8} ({images} images)")),
        ("same answer", format!("{} of the images", percent(metrics.agreement))),
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
    rows.iter().map(|(name, value)| format!("{name:<16}{value}\n")).collect()
}

fn next_commands(model: &Path) -> String {
    let (here, sample) = (quoted(model), quoted(&sample()));
    let from_firmware =
        quoted(&if model.is_absolute() { model.to_owned() } else { Path::new("..").join(model) });
    let report = quoted(&model.with_file_name(REPORT));
    format!(
        "written: {here} and {report}, to look at in a browser\nnext:\n  cargo run --release -p \
            trainer -- predict {here} {sample}\n  cd firmware-example && \
            KINDLING_MODEL={from_firmware} cargo run --release\n"
    )
}

/// A picture to try: relative to the repository's folder when that is where we are.
fn sample() -> PathBuf {
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
    fn the_firmware_finds_the_model_from_its_folder() {
        assert!(
            next_commands(Path::new("out/model.kndl"))
                .contains("KINDLING_MODEL=../out/model.kndl ")
        );
        assert!(
            next_commands(Path::new("/tmp/model.kndl")).contains("KINDLING_MODEL=/tmp/model.kndl ")
        );
    }
}
