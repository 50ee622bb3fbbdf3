//! No circle among the modules of this crate: each can be read and moved after those that it uses.
//!
//! A module here is a folder or a file of `src`; in `ops`, each operator's folder and each file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each module uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_modules_form_a_circle() {
    let uses = uses_of_crate();
    assert!(uses["ops"].contains("ops/conv"), "the sources were not understood: {uses:#?}");
    assert!(uses["ops/conv"].contains("quant"), "the sources were not understood: {uses:#?}");
    let mut done = BTreeSet::new();
    for module in uses.keys() {
        walk(&uses, module, &mut Vec::new(), &mut done);
    }
}

/// Follows the uses from a module on; panics where they lead back.
fn walk<'u>(uses: &'u Uses, module: &'u str, way: &mut Vec<&'u str>, done: &mut BTreeSet<&'u str>) {
    let comes_back = way.iter().position(|passed| *passed == module);
    if let Some(start) = comes_back {
        panic!("a circle of modules: {} -> {module}", way[start..].join(" -> "));
    }
    if done.contains(module) {
        return;
    }
    way.push(module);
    for used in uses.get(module).into_iter().flatten() {
        walk(uses, used, way, done);
    }
    way.pop();
    done.insert(module);
}

fn uses_of_crate() -> Uses {
    let (mut files, source) = (Vec::new(), Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    collect(&source, &mut Vec::new(), &mut files);
    let mut uses = Uses::new();
    for (file, text) in &files {
        let module = node(file, &files);
        let used = paths(text, file).into_iter().chain(children(text, file));
        let used = used.map(|path| node(&path, &files));
        let others: BTreeSet<String> = used.filter(|used| *used != module).collect();
        uses.entry(module).or_default().extend(others);
    }
    uses
}

/// A module by its path, and its source without comments and tests.
type Source = (Vec<String>, String);

fn collect(folder: &Path, path: &mut Vec<String>, files: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        path.push(name.clone());
        if entry.is_dir() {
            collect(&entry, path, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let own =
                if name == "mod" || name == "lib" { &path[..path.len() - 1] } else { &path[..] };
            files.push((own.to_vec(), code(&fs::read_to_string(&entry).unwrap())));
        }
        path.pop();
    }
}

fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The module that a path leads into, as it is counted here; the crate's root is `lib`.
fn node(path: &[String], files: &[Source]) -> String {
    let is_module = |path: &[String]| files.iter().any(|(file, _)| file == path);
    let known = (0..=path.len()).rev().find(|length| is_module(&path[..*length])).unwrap_or(0);
    match &path[..known] {
        [] => "lib".to_owned(),
        [ops, inner, ..] if ops == "ops" => format!("ops/{inner}"),
        [module, ..] => module.clone(),
    }
}

/// The modules that a source declares.
fn children(text: &str, file: &[String]) -> Vec<Vec<String>> {
    let declared =
        text.lines().filter_map(|line| line.trim().strip_suffix(';')?.split_once("mod "));
    declared.map(|(_, name)| [file, &[name.to_owned()]].concat()).collect()
}

/// All paths of a source that begin with `crate` or `super`.
fn paths(text: &str, file: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (start, keyword) in ["crate::", "super::"]
        .into_iter()
        .flat_map(|keyword| text.match_indices(keyword))
        .filter(|(start, _)| !text[..*start].ends_with(|before: char| "$:_".contains(before)))
    {
        let parent = &file[..file.len().saturating_sub(1)];
        let mut prefix = if keyword == "crate::" { vec![] } else { parent.to_vec() };
        let mut rest = &text[start + keyword.len()..];
        while let Some(after) = rest.strip_prefix("super::") {
            prefix.pop();
            rest = after;
        }
        tree(rest, prefix, &mut found);
    }
    found
}

/// The paths of a tree as in `use`, from `prefix` on; what follows the tree.
fn tree<'t>(text: &'t str, mut prefix: Vec<String>, found: &mut Vec<Vec<String>>) -> &'t str {
    let mut rest = text.trim_start();
    loop {
        if let Some(mut group) = rest.strip_prefix('{') {
            while let Some(inner) = group.trim_start().strip_prefix(|first| first != '}') {
                let start = group.len() - inner.len() - 1;
                group = tree(&group[start..], prefix.clone(), found).trim_start();
                group = group.strip_prefix(',').unwrap_or(group);
            }
            return group.trim_start().strip_prefix('}').unwrap_or(group);
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        prefix.push(name.to_owned());
        match after.strip_prefix("::") {
            Some(after) => rest = after,
            None => {
                found.push(prefix);
                return after;
            }
        }
    }
}
