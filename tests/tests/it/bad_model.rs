//! A model that is damaged is an error when the firmware is built, and the error says what is
//! wrong.

use std::fs;

use tests::firmware::{self, M4};

fn build_error(model: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.kndl");
    fs::write(&path, model).expect("the temporary folder can be written");
    firmware::build_refused(M4, &path)
}

#[test]
fn a_damaged_model_is_a_build_error() {
    let good =
        fs::read(firmware::folder().join("model/tutorial.kndl")).expect("the firmware's model");
    let said = build_error(&good[..good.len() / 2]);
    assert!(
        said.contains("model.kndl: the header says") && said.contains("copy the file again"),
        "{said}"
    );
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let said = build_error(&flipped);
    assert!(
        said.contains("model.kndl: CRC-32 is") && said.contains("the file is damaged"),
        "{said}"
    );
}
