//! The flash driver of Nordic's chips on the emulated nRF51, whose flash controller the emulator
//! has: pages, and a model that is installed and stays at a reset.

use std::fs;

use tests::firmware;
use tests::networks::ODD;
use tests::plans::untrained;
use trainer::model_file::write;

#[test]
fn a_model_is_installed_in_an_nrf51_s_flash_and_runs_after_a_reset() {
    let network =
        ODD.iter().find(|odd| odd.name == "no pooling").expect("a small network").network();
    let mut model = untrained(&network);
    let image: Vec<u8> = (0..model.image.len()).map(|place| place as u8).collect();
    model.version = 3;
    model.self_test = Some(image.into());
    let file = write(&model, &model.direct()).expect("a model");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.kndl");
    fs::write(&path, &file).expect("the temporary folder can be written");

    let (done, said) = firmware::nvmc(&path);
    let expected = format!(
        "pages: erased, written and read\ninstalled: version 3\n\
         after the reset: version 3, {} bytes, boots left None\n",
        file.len()
    );
    assert!(done && said == expected, "{said}\nexpected\n{expected}");
}
