//! Compares the public API of `infer` with `infer/public-api.txt`, item by item: a change is seen
//! as users will see it, and belongs into `CHANGELOG.md`.
//!
//! The arguments: what rustdoc says of `infer` as JSON, and the file. `KINDLING_WRITE_API=1` writes
//! the file anew.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

/// The format of rustdoc's JSON that `public-api` reads.
const FORMAT: u64 = 57;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [described, known] = &arguments[..] else { return Err("two arguments, please".into()) };
    let json: serde_json::Value = serde_json::from_slice(&fs::read(described)?)?;
    if json["format_version"].as_u64() != Some(FORMAT) {
        let found = &json["format_version"];
        println!("skipped: rustdoc's JSON has format {found}, public-api reads {FORMAT}");
        return Ok(ExitCode::SUCCESS);
    }
    let found = api(described.as_ref())?;
    if env::var_os("KINDLING_WRITE_API").is_some() {
        fs::write(known, &found)?;
    }
    Ok(told(&changes(&fs::read_to_string(known)?, &found)))
}

/// An item a line, without what every type has.
fn api(described: &Path) -> Result<String, public_api::Error> {
    let api = public_api::Builder::from_rustdoc_json(described)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// Lines that are in one of the two only.
fn changes(known: &str, found: &str) -> Vec<String> {
    let only = |of: &str, other: &str, mark: char| -> Vec<String> {
        let others: BTreeSet<&str> = other.lines().collect();
        let lines = of.lines().filter(|line| !others.contains(line));
        lines.map(|line| format!("{mark} {line}")).collect()
    };
    [only(known, found, '-'), only(found, known, '+')].concat()
}

fn told(changes: &[String]) -> ExitCode {
    if changes.is_empty() {
        println!("the public API of infer is that of infer/public-api.txt");
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "the public API of infer has changed; if it should, say so in CHANGELOG.md and run \
         KINDLING_WRITE_API=1 ./ci.sh api:\n{}",
        changes.join("\n")
    );
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn what_is_removed_added_or_changed_is_seen() {
        let known = "pub fn infer::a()\npub fn infer::b()\n";
        assert_eq!(changes(known, known), [""; 0]);
        assert_eq!(changes(known, "pub fn infer::a()\n"), ["- pub fn infer::b()"]);
        let changed = "pub fn infer::a()\npub fn infer::b(u8)\n";
        assert_eq!(changes(known, changed), ["- pub fn infer::b()", "+ pub fn infer::b(u8)"]);
    }
}
