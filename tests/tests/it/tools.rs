//! What the tools in `tests/tools` compute, and that the written pages are what they write.

#[path = "../../tools/src/bench/cmsis_nn.rs"]
mod cmsis_nn;
#[path = "../../tools/src/refit/fit.rs"]
mod fit;
#[path = "../../tools/src/bench/measured.rs"]
pub mod measured;
#[path = "../../tools/src/bench/page.rs"]
mod page;

use std::fs;
use std::path::Path;

use measured::{Measured, Row};
use trainer::terminal::number::grouped;

/// A file of the repository.
fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `bench` measured last.
pub fn measured() -> Measured {
    serde_json::from_str(&text("docs/benchmarks.json")).expect("as bench writes it")
}

#[test]
fn the_measured_numbers_are_as_bench_writes_them() {
    assert!(text("docs/benchmarks.json") == measured().to_json());
}

#[test]
fn the_page_of_benchmarks_is_what_bench_writes() {
    let written = page::text(&measured());
    assert!(
        text("docs/benchmarks.md") == written,
        "docs/benchmarks.md: run `cargo run --release -p tools --bin bench page`"
    );
}

/// README has some of the page's rows, in units of its own, and all of those beside CMSIS-NN.
#[test]
fn the_readme_has_the_figures_of_the_benchmarks() {
    let (readme, rows) = (text("README.md"), measured().plans);
    let cells = |row: &Row| {
        let bytes = [row.code_bytes, row.model_bytes, row.arena_bytes];
        let bytes = bytes.map(|bytes| grouped(bytes as u64) + " B").join(" | ");
        let loading = if row.built_in { "built in" } else { "loaded" };
        format!("| {loading} | {} | {bytes} |", grouped(row.instructions.into()))
    };
    let known: Vec<String> = rows.iter().map(cells).collect();
    let is_figures = |line: &&str| line.contains(" | loaded | ") || line.contains(" | built in | ");
    let figures: Vec<&str> = readme.lines().filter(is_figures).collect();
    assert!(figures.len() >= 6, "{figures:?}");
    for line in figures {
        assert!(known.iter().any(|cells| line.ends_with(cells)), "README.md: {line}");
    }
    let beside = page::beside_cmsis_nn(&rows);
    for page in ["README.md", "docs/compare.md"] {
        assert!(text(page).contains(&beside), "{page} lacks the table\n{beside}");
    }
}

/// The page on row streaming compares two of the page's rows.
#[test]
fn row_streaming_has_the_figures_of_the_benchmarks() {
    let (page, rows) = (text("docs/row-streaming.md"), measured().plans);
    for plan in ["smallest flash", "smallest RAM"] {
        let is_it = |row: &&Row| row.core == "m4" && row.plan == plan && row.built_in;
        let row = rows.iter().find(is_it).unwrap_or_else(|| panic!("{plan} is not measured"));
        let [bytes, count] = [row.arena_bytes as u64, row.instructions.into()].map(grouped);
        let cells = format!(" | {bytes} | {count} |");
        let is_line =
            |line: &str| line.starts_with(&format!("| {plan}, ")) && line.ends_with(&cells);
        assert!(page.lines().any(is_line), "docs/row-streaming.md: {plan}{cells}");
    }
}
