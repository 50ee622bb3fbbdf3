//! An update on the emulated chip: a new model is installed and runs, one that must not run does
//! not.

use std::fs;

use infer::format::{Header, checksum};
use infer::{Model, Session};
use tests::firmware::{self, M0, M4};
use tests::plans::another_tutorial;
use trainer::model_file::ModelTable;
use trainer::plain_model::PlainModel;

/// What the program prints of a model that runs: its version and its scores of the first stored
/// digit, as the host computes them.
fn line(when: &str, file: &[u8]) -> String {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let images = fs::read(firmware::folder().join("digits/images.bin")).expect("the stored digits");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let scores = session.run(&images[..model.image_shape().len()]).expect("the model's image");
    format!("{when}: version {}, scores {:?}\n", model.version(), scores.values())
}

#[test]
fn a_new_model_is_installed_and_one_that_must_not_run_is_not() {
    let factory = firmware::folder().join("model/tutorial.kndl");
    let old = fs::read(&factory).expect("the firmware's model");
    let new = another_tutorial(5);
    let mut lying = new.clone();
    *lying.last_mut().expect("bytes") ^= 1;
    let crc = checksum(&lying[Header::CHECKED_FROM..]);
    lying[12..16].copy_from_slice(&crc.to_le_bytes());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("new.kndl");
    let update = |board, file: &[u8]| {
        fs::write(&path, file).expect("the temporary folder can be written");
        firmware::update(board, &factory, &path)
    };

    for board in [M4, M0] {
        let (done, said) = update(board, &new);
        let expected = line("before", &old) + &line("after", &new);
        assert!(done && said.starts_with(&expected), "{said}\nexpected\n{expected}");
        assert!(said.contains("version 5 is installed, boots left on trial: Some(2)"), "{said}");
    }
    for (file, problem) in [
        (&new[..50_000], "the new model is refused: the header says"),
        (&lying, "self-test: the model does not give the scores"),
    ] {
        let (done, said) = update(M4, file);
        let expected = line("before", &old) + &line("after", &old);
        assert!(!done && said.starts_with(&expected) && said.contains(problem), "{said}");
    }
    assert_ne!(
        PlainModel::of(&Model::from_bytes(&old, &mut ModelTable::new()).unwrap()),
        PlainModel::of(&Model::from_bytes(&new, &mut ModelTable::new()).unwrap())
    );
}
