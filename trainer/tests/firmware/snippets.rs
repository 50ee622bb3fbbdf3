//! Every piece of Rust and C in the documents compiles, Rust in both editions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::chip::tutorial;
use crate::own::{CRATES, Own, infer};
use trainer::device::board::firmware_folder;

/// A fenced piece of a document.
struct Snippet {
    /// `docs/integrate.md:23`.
    place: String,
    language: String,
    text: String,
}

fn root() -> PathBuf {
    firmware_folder().with_file_name("")
}

/// The documents: Markdown files of the repository's root, `docs` and `infer`.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions", "infer"].map(|name| root().join(name));
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

fn snippets() -> Vec<Snippet> {
    documents().iter().flat_map(|path| of_document(path)).collect()
}

fn of_document(path: &Path) -> Vec<Snippet> {
    let (text, name) = (fs::read_to_string(path).unwrap(), path.strip_prefix(root()).unwrap());
    let mut snippets = Vec::new();
    let mut open: Option<Snippet> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => snippets.extend(open.take()),
            (Some(language), None) => {
                let place = format!("{}:{}", name.display(), number + 1);
                let language = language.to_owned();
                open = Some(Snippet { place, language, text: String::new() });
            }
            (None, Some(snippet)) => snippet.text += &format!("{line}\n"),
            (None, None) => (),
        }
    }
    assert!(open.is_none(), "{}: a piece has no end", path.display());
    snippets
}

/// A piece as a program: a whole one as it is, another with what a program must have.
fn program(text: &str) -> String {
    if text.starts_with("#![no_std]") {
        return text.to_owned();
    }
    format!("#![no_std]\n#![no_main]\n#![allow(dead_code)]\n{text}\nuse panic_halt as _;\n")
}

#[test]
fn every_piece_of_rust_compiles_in_both_editions() {
    let mut pieces = snippets();
    pieces.retain(|snippet| snippet.language.starts_with("rust"));
    assert!(pieces.len() >= 6, "the documents have lost their Rust");
    for edition in [2021, 2024] {
        let (all, features) = ("\"defmt\", \"signature\", \"update\", \"wire\"", "\"build\"");
        let own = Own::new(
            edition,
            &format!(
                "[dependencies]\n{}\n{CRATES}\n[build-dependencies]\n{}\n",
                infer(all),
                infer(features)
            ),
        );
        own.write("model.kndl", tutorial()).write("src/bin/model.kndl", tutorial());
        own.write("src/bin/maker.pub", [9; 32]);
        let mut scripts = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            println!("{}, edition {edition}", piece.place);
            let name = format!("piece{index}");
            if piece.text.starts_with("// build.rs") {
                own.write(&format!("{name}.rs"), &piece.text);
                scripts += &format!(
                    "mod {name} {{\n    include!(\"{name}.rs\");\n    pub fn run() {{\n        \
                     main()\n    }}\n}}\n"
                );
            } else {
                own.write(&format!("src/bin/{name}.rs"), program(&piece.text));
            }
        }
        let modules =
            scripts.lines().filter_map(|line| line.strip_prefix("mod ")?.split(' ').next());
        let calls: String = modules.map(|name| format!("    {name}::run();\n")).collect();
        own.write("build.rs", format!("{scripts}fn main() {{\n{calls}}}\n"));
        let output = own.cargo(&["check", "--bins", "--target", "thumbv7em-none-eabihf"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let place = |index: usize| format!("piece{index} is {}", pieces[index].place);
        let places: Vec<String> = (0..pieces.len()).map(place).collect();
        assert!(output.status.success(), "edition {edition}, {}:\n{said}", places.join(", "));
    }
}

/// The first program of `docs/integrate.md`, with the manifest and the build script given there,
/// for the core that needs the most beside it.
#[test]
fn the_documented_firmware_links_for_a_cortex_m0() {
    let pieces = of_document(&root().join("docs/integrate.md"));
    let of = |language: &'static str| {
        pieces.iter().filter(move |piece| piece.language == language).map(|piece| &*piece.text)
    };
    let folder = root().join("infer").to_str().unwrap().to_owned();
    let tables: Vec<String> =
        of("toml").map(|text| text.replace("../kindling/infer", &folder)).collect();
    // The second piece goes on with the dependencies of the first.
    let [first, second] = &tables[..] else { panic!("{} pieces of TOML", tables.len()) };
    let (dependencies, builder) = first.split_at(first.find("[build-dependencies]").unwrap());
    let manifest = second.replacen("[dependencies]\n", dependencies, 1) + builder;
    let own = Own::new(2024, &manifest);
    let rust: Vec<&str> = of("rust").collect();
    own.write("build.rs", rust[0]).write("src/main.rs", rust[1]).write("model.kndl", tutorial());
    let memory = fs::read(firmware_folder().join("boards/mps2-an385/memory.x")).unwrap();
    own.write("memory.x", memory);
    own.build(&["--release", "--target", "thumbv6m-none-eabi"]);
}

#[test]
fn every_piece_of_c_compiles() {
    let folder = tempfile::tempdir().unwrap();
    for piece in snippets().iter().filter(|snippet| snippet.language == "c") {
        let path = folder.path().join("piece.c");
        fs::write(&path, &piece.text).unwrap();
        let mut command = Command::new("cc");
        command.args(["-std=c99", "-Wall", "-Werror", "-fsyntax-only", "-I"]);
        let output = command.arg(firmware_folder().join("c-api/include")).arg(&path).output();
        let output = output.expect("cc, which links Rust's programs too");
        assert!(
            output.status.success(),
            "{}:\n{}",
            piece.place,
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// What is neither compiled here nor run elsewhere must be of a kind that cannot be.
#[test]
fn no_piece_is_of_an_unknown_kind() {
    for snippet in snippets() {
        let known = ["rust", "c", "toml", "console", "text", "python"];
        assert!(known.contains(&&*snippet.language), "{}: {:?}", snippet.place, snippet.language);
    }
}
