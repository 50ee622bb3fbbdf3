//! What holds for the repository as a whole: lines that fit a screen, pages that name files which
//! exist, links that lead somewhere, plain English, an index of the tests, one table of environment
//! variables, unsafe blocks that say why they are sound.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Most columns of a line of code or of a comment.
const COLUMNS: usize = 100;

/// Endings of the files that people write.
const CODE: [&str; 9] = ["rs", "s", "S", "sh", "py", "toml", "x", "c", "h"];

/// Written by a program, one line for each layer.
const WRITTEN: &str = "infer/tests/built_in/network.rs";

/// Folders of what is built, and of what is no text.
const SKIPPED: [&str; 4] = ["target", ".git", "corpus", "out"];

/// Begins the name of each variable; in parts, so that this file reads none.
const PREFIX: &str = concat!("KIND", "LING_");

/// Most words of a sentence in a document.
const WORDS: usize = 30;

/// Written by programs, or no prose.
const NO_PROSE: [&str; 3] = ["docs/benchmarks.md", "docs/mlperf-tiny.md", "docs/SUMMARY.md"];

/// Phrases that have plainer ones; in parts, so that this file has none of them.
const UNCOMMON: [&str; 9] = [
    concat!("who", "ever"),
    concat!("be", "sides "),
    concat!("so ", "many "),
    concat!("take ", "turns"),
    concat!("takes ", "turns"),
    concat!("can be ", "had"),
    concat!(" ought ", "to "),
    concat!("throws ", "away"),
    concat!("as it ", "were"),
];

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).expect("the repository")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files under a folder whose names have one of the endings, by their paths in the repository.
fn files(folder: &Path, endings: &[&str], found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("its entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && !SKIPPED.contains(&&*name) {
            files(&path, endings, found);
        }
        let is_it = path.extension().is_some_and(|end| endings.iter().any(|known| end == *known));
        if path.is_file() && is_it {
            let path = path.strip_prefix(root()).expect("a path below the root");
            found.insert(path.to_string_lossy().into_owned());
        }
    }
}

fn all_files() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    files(&root(), &CODE, &mut found);
    assert!(found.len() > 300, "{} files", found.len());
    found
}

#[test]
fn no_line_is_wider_than_a_screen() {
    let mut wide = vec![];
    for path in all_files().iter().filter(|path| *path != WRITTEN) {
        for (index, line) in text(path).lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS {
                wide.push(format!("{path}:{}: {columns} columns", index + 1));
            }
        }
    }
    assert!(wide.is_empty(), "more than {COLUMNS} columns:\n{}", wide.join("\n"));
}

/// What stands between backquotes at the begin of the rows of a page's tables.
fn first_column(page: &str) -> BTreeSet<String> {
    let cell = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    text(page).lines().filter_map(cell).collect()
}

#[test]
fn the_index_lists_every_test() {
    let is_test = |path: &&String| {
        let Some((_, rest)) = path.split_once("tests/") else { return false };
        let of_a_crate = ["infer/tests/", "trainer/tests/", "tests/tests/"];
        let is_shared = ["support/", "common/", "built_in/"];
        of_a_crate.iter().any(|folder| path.starts_with(folder))
            && !is_shared.iter().any(|folder| rest.contains(folder))
            && !path.ends_with("/main.rs")
    };
    // A line for all of these, so that a new operator needs none.
    let one = |path: &String| match path.starts_with("infer/tests/operator_") {
        true => "infer/tests/operator_*.rs".to_owned(),
        false => path.clone(),
    };
    let there: BTreeSet<String> = all_files().iter().filter(is_test).map(one).collect();
    let listed = first_column("tests/README.md");
    let listed = listed.into_iter().filter(|path| path.ends_with(".rs")).collect();
    assert_eq!(there, listed, "tests/README.md");
}

/// Paths of files that a page names between backquotes.
fn paths(page: &str) -> impl Iterator<Item = &str> {
    let folders = ["infer/", "trainer/", "tests/", "firmware-example/", "docs/"];
    let is_path = move |word: &&str| {
        let is_file = word.rsplit_once('.').is_some_and(|(_, end)| CODE.contains(&end));
        is_file && folders.iter().any(|folder| word.starts_with(folder))
    };
    // Capitals stand for any name.
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c);
    let plain = move |word: &&str| word.chars().all(is_plain);
    page.split(['`', '(', ')', ' ', ',', '\n']).filter(is_path).filter(plain)
}

#[test]
fn the_files_that_pages_name_are_there() {
    let mut pages = BTreeSet::new();
    files(&root(), &["md"], &mut pages);
    let named = |page: &String| {
        let text = text(page);
        let missing = |path: &&str| !root().join(path).exists();
        paths(&text).filter(missing).map(|path| format!("{page}: {path}")).collect::<Vec<_>>()
    };
    let missing: Vec<String> = pages.iter().flat_map(named).collect();
    assert!(pages.len() > 15 && missing.is_empty(), "no such file:\n{}", missing.join("\n"));
}

/// Where the links of a page lead, but for other sites. What stands between backquotes is code.
fn links(page: &str) -> Vec<String> {
    let prose: String = page.split('`').step_by(2).collect();
    let targets = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    inside.map(str::to_owned).collect()
}

/// The name of a heading in a link, as hosts and mdbook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Whether a page has a heading of that name.
fn has_anchor(page: &Path, name: &str) -> bool {
    let text = fs::read_to_string(page).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).any(|found| found == name)
}

/// Whether a link of a page leads to a file or folder, and to a heading where it names one.
fn leads_somewhere(page: &str, link: &str) -> bool {
    let (path, heading) = link.split_once('#').map_or((link, None), |(p, h)| (p, Some(h)));
    let page = root().join(page);
    let target = if path.is_empty() { page } else { page.with_file_name("").join(path) };
    target.exists() && heading.is_none_or(|heading| has_anchor(&target, heading))
}

#[test]
fn links_lead_somewhere() {
    let mut pages = BTreeSet::new();
    files(&root(), &["md"], &mut pages);
    let (mut dead, mut count) = (vec![], 0);
    for page in &pages {
        let all = links(&text(page));
        count += all.len();
        let lost = all.iter().filter(|link| !leads_somewhere(page, link));
        dead.extend(lost.map(|link| format!("{page}: {link}")));
    }
    assert!(count > 100 && dead.is_empty(), "{count} links, dead ones:\n{}", dead.join("\n"));
}

#[test]
fn the_book_has_every_page_once() {
    let mut pages = BTreeSet::new();
    files(&root().join("docs"), &["md"], &mut pages);
    pages.remove("docs/SUMMARY.md");
    let mut listed: Vec<String> =
        links(&text("docs/SUMMARY.md")).iter().map(|link| format!("docs/{link}")).collect();
    listed.sort();
    assert_eq!(pages.into_iter().collect::<Vec<_>>(), listed, "docs/SUMMARY.md");
}

/// The prose of a page, a line each: no code, no tables, no headings, no marks of lists.
fn prose(page: &str) -> Vec<(usize, String)> {
    let mut is_code = false;
    let lines = page.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        let is_other = ["|", "#", "![", "    "].iter().any(|mark| line.starts_with(mark));
        !is_code && !is_fence && !is_other
    });
    lines.map(|(index, line)| (index + 1, plain(line))).collect()
}

/// A line without marks: code and addresses of links become a word.
fn plain(line: &str) -> String {
    let text: Vec<&str> = line.split('`').step_by(2).collect();
    let text = text.join("X");
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, r)| r));
    let text = text.trim_start().trim_start_matches(['>', '-', ' ']);
    let text = text.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(". ");
    // A lead-in in bold is a title.
    match text.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
        Some((_, rest)) => rest.trim().to_owned(),
        None => text.to_owned(),
    }
}

/// The sentences of a line. A letter with a point is a name's.
fn sentences(line: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let begins = |word: &str| word.starts_with(|c: char| c.is_uppercase() || "\"*[(".contains(c));
    let ends = |word: &str| word.len() > 2 && word.ends_with(['.', '?', '!']);
    let is_border = |pair: [&str; 2]| ends(pair[0]) && begins(pair[1]);
    words.chunk_by(|a, b| !is_border([a, b])).map(<[&str]>::to_vec).collect()
}

#[test]
fn documents_have_short_sentences_one_a_line() {
    let mut pages = BTreeSet::new();
    files(&root(), &["md"], &mut pages);
    let (mut bad, mut count) = (vec![], 0);
    for page in pages.iter().filter(|page| !NO_PROSE.contains(&&***page)) {
        for (line, prose) in prose(&text(page)) {
            let sentences = sentences(&prose);
            count += sentences.len();
            if sentences.len() > 1 {
                bad.push(format!("{page}:{line}: {} sentences", sentences.len()));
            }
            let long = sentences.iter().filter(|words| words.len() > WORDS);
            bad.extend(long.map(|words| format!("{page}:{line}: {} words", words.len())));
        }
    }
    assert!(count > 1000 && bad.is_empty(), "{count} sentences:\n{}", bad.join("\n"));
}

#[test]
fn words_are_plain() {
    let mut pages = all_files();
    files(&root(), &["md", "html", "js"], &mut pages);
    let mut bad = vec![];
    for page in pages {
        for (index, line) in text(&page).lines().enumerate() {
            let lower = line.to_lowercase();
            let found = UNCOMMON.iter().filter(|phrase| lower.contains(**phrase));
            bad.extend(found.map(|phrase| format!("{page}:{}: {phrase}", index + 1)));
        }
    }
    assert!(bad.is_empty(), "say it plainly, see CONTRIBUTING.md:\n{}", bad.join("\n"));
}

/// A package's manifest denies unsafe blocks without a SAFETY line, or unsafe code; or it has the
/// lints of its workspace, which do.
#[test]
fn unsafe_blocks_are_explained_in_every_workspace() {
    let denies = |manifest: &str| {
        manifest.contains("undocumented_unsafe_blocks = \"deny\"")
            || manifest.contains("unsafe_code = \"forbid\"")
    };
    let shares = |manifest: &str| manifest.contains("[lints]\nworkspace = true");
    let (mut workspaces, mut bad) = (0, vec![]);
    for path in all_files().iter().filter(|path| path.ends_with("Cargo.toml")) {
        let manifest = text(path);
        let is_alone = manifest.contains("[workspace]");
        workspaces += is_alone as usize;
        if !denies(&manifest) && (is_alone || !shares(&manifest)) {
            bad.push(path.clone());
        }
    }
    assert!(bad.is_empty() && workspaces == 4, "{workspaces} workspaces, without a lint: {bad:?}");
}

/// What begins a message, and what makes a wrapped error a source; in parts, as above.
const MESSAGE: &str = concat!("#[err", "or(");
const SOURCES: [&str; 3] =
    [concat!("#[fr", "om]"), concat!("#[sour", "ce]"), concat!(" sour", "ce:")];

/// Variants of errors whose message tells what their source tells as well.
fn told_twice(code: &str) -> impl Iterator<Item = &str> {
    code.split(MESSAGE).skip(1).filter(|variant| {
        let is_passed_on = variant.starts_with("transparent");
        let variant = variant.split("///").next().unwrap_or_default();
        let variant = variant.split("\n}").next().unwrap_or_default();
        !is_passed_on && SOURCES.iter().any(|source| variant.contains(source))
    })
}

/// The trainer's messages tell the cause, so the cause is no source too: what prints a chain of
/// causes would tell it twice.
#[test]
fn causes_are_told_once() {
    for path in all_files().iter().filter(|path| path.ends_with(".rs")) {
        if let Some(variant) = told_twice(&text(path)).next() {
            panic!("{path}: the cause of {variant:.200} is told twice: write `From` by hand");
        }
    }
    assert_eq!(told_twice(concat!("#[err", "or(\"{0}\")] A(#[fr", "om] io::Error)")).count(), 1);
}

/// Whether what is named so in the file is a variable: assembly and C have other names, and so has
/// what is written for C.
fn has_variables(path: &&String) -> bool {
    let is_for_c = path.starts_with("firmware-example/c-api/src/");
    !is_for_c && ["rs", "sh", "py"].contains(&path.rsplit_once('.').map_or("", |(_, end)| end))
}

/// The variables that a text names.
fn variables(text: &str) -> Vec<String> {
    let named = text.split(PREFIX).skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('_');
        (!name.is_empty()).then(|| format!("{PREFIX}{name}"))
    });
    named.collect()
}

#[test]
fn the_table_of_variables_is_whole() {
    let sources = all_files();
    let sources = sources.iter().filter(has_variables);
    let named: BTreeSet<String> = sources.flat_map(|path| variables(&text(path))).collect();
    assert!(named.len() > 15, "{named:?}");
    assert_eq!(named, first_column("docs/environment.md"), "docs/environment.md");
}
