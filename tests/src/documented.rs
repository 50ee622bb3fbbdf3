//! The numbers of `docs/limits.md`, which tests hold the product to.

use std::fs;
use std::path::Path;

/// The numbers of the row that begins with `| name |` in the section `heading` of the document.
///
/// # Panics
/// Without such a row.
pub fn numbers(heading: &str, name: &str) -> Vec<u32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let text = fs::read_to_string(path).expect("docs/limits.md");
    let section =
        text.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let row =
        section.lines().find(|line| line.starts_with(&format!("| {name} |"))).expect("the row");
    let number = |cell: &str| cell.trim().replace(',', "").parse().ok();
    row.split('|').filter_map(number).collect()
}
