//! What an assembler sees of this crate has names of its own: with optimisation at link time the
//! assembly of all crates of a program becomes one file, where two macros of a name do not fit. And
//! what each file promises: see `src/arm/mod.rs`.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn macros_and_symbols_have_the_name_of_the_project() {
    let (mut wrong, mut names) = (vec![], 0);
    each_file(&source(), &mut |file, text| {
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

/// What the head of a file says of its functions.
const CONTRACT: [&str; 6] =
    ["arguments", "alignment", "clobbers", "stack bytes", "flags", "CCR.UNALIGN_TRP"];

#[test]
fn each_file_states_the_contract_of_its_functions() {
    let (mut wrong, mut files) = (vec![], 0);
    each_file(&source(), &mut |file, text| {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('@')).collect();
        let says = |beginning: &str| head.iter().any(|line| line.starts_with(beginning));
        let mut complain = |what: &str| wrong.push(format!("{}: {what}", file.display()));
        if text.contains("\n.size ") {
            files += 1;
            for part in CONTRACT.iter().filter(|part| !says(&format!("@ - {part}: "))) {
                complain(part);
            }
        } else if text.contains(".macro ") && !says("@ Macros only: ") {
            complain("Macros only");
        }
    });
    assert!(wrong.is_empty(), "heads of files lack:\n{}", wrong.join("\n"));
    assert!(files > 30, "{files} files: are these all?");
}

/// So that debuggers, profilers and linkers know a function, and where it ends.
#[test]
fn functions_have_a_type_and_a_size() {
    let (mut wrong, mut functions) = (vec![], 0);
    each_file(&source(), &mut |file, text| {
        let of = |directive| text.lines().filter_map(move |line| symbol(line, directive));
        for name in of(".global").chain(of(".type")) {
            functions += 1;
            let type_line = format!(".type {name}, %function");
            if !text.lines().any(|line| line == type_line) {
                wrong.push(format!("{}: no {type_line}", file.display()));
            }
            let size_line = format!(".size {name}, . - {name}");
            if !text.lines().any(|line| line == size_line) {
                wrong.push(format!("{}: no {size_line}", file.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "functions lack:\n{}", wrong.join("\n"));
    assert!(functions > 100, "{functions} functions: are these all?");
}

/// A processor is named in two files only, and what includes these tells the assembler of the
/// build's own again.
#[test]
fn the_assembler_goes_back_to_the_processor_of_the_build() {
    let naming = ["arm/dsp.s", "arm/mve.s"].map(|file| source().join(file));
    each_file(&source(), &mut |file, text| {
        let names = [".cpu", ".arch", ".arch_extension", ".fpu"];
        let is_naming = text.lines().any(|line| names.iter().any(|name| line.starts_with(name)));
        assert_eq!(is_naming, naming.iter().any(|named| named == file), "{}", file.display());
    });
    let shared = fs::read_to_string(source().join("arm/mod.rs")).expect("text");
    let blocks: Vec<&str> = shared.split("global_asm!(").skip(1).collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let block = block.split_once(");\n").expect("an end").0;
        let mut lines = block.lines().rev().map(str::trim).filter(|line| !line.is_empty());
        assert_eq!(lines.next(), Some("options(raw)"));
        assert_eq!(lines.next(), Some("env!(\"KINDLING_ASSEMBLER\"),"), "{block}");
    }
}

/// The macro that checks a loop's bytes; in parts, so that it is not taken for a variable.
const GUARD: &str = concat!("KIND", "LING_JUMP ");

/// The file whose jump goes to one of two labels: the assembler itself knows where these are.
const TO_LABELS: &str = "paired/armv7m_triples.s";

/// A jump to an address that is computed lands in an unrolled loop behind it, in the same macro:
/// the assembler checks the bytes of that.
#[test]
fn computed_jumps_are_guarded() {
    let (mut files, mut jumps, mut wrong) = (0, 0, vec![]);
    each_file(&source(), &mut |file, text| {
        if file.ends_with(TO_LABELS) {
            assert_eq!(text.lines().filter(|line| is_computed_jump(line.trim())).count(), 1);
            assert!(text.contains("  adr.w r0, 4f"), "{TO_LABELS}: no label's address");
            return;
        }
        let (mut open, before) = (None, jumps);
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if is_computed_jump(line) {
                (open, jumps) = (open.or(Some(index + 1)), jumps + 1);
            } else if line.starts_with(GUARD) {
                open = None;
            } else if line == ".endm" {
                wrong.extend(open.take().map(|jump| format!("{}:{jump}", file.display())));
            }
        }
        wrong.extend(open.map(|jump| format!("{}:{jump}", file.display())));
        files += usize::from(jumps > before);
    });
    assert!(wrong.is_empty(), "jumps without a guard behind them:\n{}", wrong.join("\n"));
    assert_eq!((files, jumps), (8, 9), "files with computed jumps, and jumps");
}

fn is_computed_jump(line: &str) -> bool {
    let (operation, rest) = line.split_once(' ').unwrap_or_default();
    let goes_to = |name: &str| rest.trim_start().split([',', ' ']).next() == Some(name);
    match operation {
        "ldr" | "ldr.w" | "mov" | "mov.w" | "add" | "add.w" | "sub" => goes_to("pc"),
        "bx" | "blx" => !goes_to("lr"),
        _ => operation.starts_with("tbb") || operation.starts_with("tbh"),
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The symbol that a directive is about.
fn symbol<'l>(line: &'l str, directive: &str) -> Option<&'l str> {
    let (first, rest) = line.trim().split_once(' ')?;
    (first == directive).then(|| rest.split([' ', ',']).next())?
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
