//! What an assembler sees of this crate has names of its own: with optimisation at link time the
//! assembly of all crates of a program becomes one file, where two macros of a name do not fit.

use std::fs;
use std::path::Path;

#[test]
fn macros_and_symbols_have_the_name_of_the_project() {
    let (mut wrong, mut names) = (vec![], 0);
    each_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |file, text| {
        for name in text.lines().filter_map(defined) {
            names += 1;
            if !name.to_lowercase().starts_with("kindling_") {
                wrong.push(format!("{}: {name}", file.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "names without KINDLING_:\n{}", wrong.join("\n"));
    assert!(names > 300, "{names} names: are these all?");
}

/// The macro, constant or function that a line of assembly defines.
fn defined(line: &str) -> Option<&str> {
    let (directive, rest) = line.trim().split_once(' ')?;
    let is_definition = [".macro", ".set", ".equ", ".global"].contains(&directive);
    let name = rest.split([' ', ',']).next()?;
    // A parameter of the macro around it.
    (is_definition && !name.starts_with('\\')).then_some(name)
}

fn each_file(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "s") {
            visit(&path, &fs::read_to_string(&path).expect("text"));
        }
    }
}
