//! What a build script makes of a model file.
#![cfg(feature = "build")]

use infer::build::source;

/// As the source names the file; it is not compiled here.
const FILE: &str = "\"model.kndl\"";

#[test]
fn a_bad_file_is_refused_with_the_loaders_words() {
    let said = source(b"KNDX, and more than twenty-four bytes", FILE).unwrap_err();
    assert!(said.contains("begins with") && said.contains("KNDL"), "{said}");
    assert!(source(&[], FILE).unwrap_err().starts_with("no model: 0 bytes, a header takes "));
}

#[test]
fn sizes_are_those_of_the_model() {
    let file = include_bytes!("../../firmware-example/model/tutorial.kndl");
    let mut table = infer::Table::<16>::new();
    let model = infer::Model::from_bytes(file, &mut table).unwrap();
    let source = source(file, FILE).unwrap();
    for expected in [
        format!("static LAYERS: [Layer<'static>; {}]", model.layers().len()),
        format!("ARENA_BYTES: usize = {};", model.arena_bytes()),
        "IMAGE_BYTES: usize = 784;".to_owned(),
        "CLASSES: usize = 10;".to_owned(),
    ] {
        assert!(source.contains(&expected), "{expected} in {source}");
    }
}
