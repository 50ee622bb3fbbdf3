//! Whole test set, three ways: the trainer's evaluation, `infer` with the reference kernels on the
//! host, and the firmware on the emulated chip give the same score vectors, byte for byte.
//!
//! `KINDLING_PARITY_IMAGES` says how many images (default 1,000; `./ci.sh parity` asks for all
//! 10,000).

use std::env;
use std::fs;

use infer::{Model, Reference, Session};
use tests::firmware::{self, EVERY_CORE, M4};
use trainer::data::{DataDir, Dataset};
use trainer::evaluate::evaluate_int8;
use trainer::model_file::ModelTable;

/// Images unless the environment says otherwise.
const IMAGES: usize = 1_000;

/// The first images of the test set.
fn images() -> Dataset {
    let wanted =
        env::var("KINDLING_PARITY_IMAGES").map_or(IMAGES, |count| count.parse().expect("a number"));
    let mut test =
        DataDir::load(&DataDir::default_path()).expect("the data set of the repository").test;
    let count = wanted.min(test.len());
    test.labels.truncate(count);
    test.pixels.truncate(count * test.shape.len());
    test
}

fn reference_scores(file: &[u8], images: &Dataset) -> Vec<Vec<i8>> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let mut scores = |index| {
        let scores =
            session.run_with::<Reference>(images.image(index), &mut ()).expect("the model's image");
        scores.values().to_vec()
    };
    (0..images.len()).map(&mut scores).collect()
}

#[test]
fn chip_and_host_give_the_same_bytes() {
    let path = firmware::folder().join("model/tutorial.kndl");
    let file = fs::read(&path).expect("the firmware's model");
    let images = images();
    let evaluated = evaluate_int8(&file, &images, 2).expect("the model fits the data set");
    let evaluated: Vec<Vec<i8>> =
        evaluated.answers.into_iter().map(|answer| answer.scores).collect();
    let reference = reference_scores(&file, &images);
    assert!(evaluated == reference, "the trainer's evaluation is not the reference's");

    let chip = firmware::answers(M4, &path, &images.pixels, 10);
    assert_eq!(chip.len(), images.len());
    let differing =
        chip.iter().zip(&reference).filter(|(chip, reference)| chip.scores != **reference).count();
    assert_eq!(differing, 0, "score vectors differ on the chip");
    let (least, most) = chip.iter().fold((u32::MAX, 0), |(least, most), answer| {
        (least.min(answer.instructions), most.max(answer.instructions))
    });
    println!("{} images on {}: {least} to {most} instructions each", chip.len(), M4.name);
}

/// Images that the other cores answer: enough to meet every branch of the kernels.
const IMAGES_OF_OTHER_CORES: usize = 50;

#[test]
fn every_core_gives_the_same_bytes() {
    let path = firmware::folder().join("model/tutorial.kndl");
    let file = fs::read(&path).expect("the firmware's model");
    let mut images = images();
    images.labels.truncate(IMAGES_OF_OTHER_CORES);
    let pixels = images.labels.len() * images.shape.len();
    let reference = reference_scores(&file, &images);
    for board in EVERY_CORE {
        let chip = firmware::answers(board, &path, &images.pixels[..pixels], 10);
        let chip_scores: Vec<_> = chip.iter().map(|answer| answer.scores.clone()).collect();
        assert!(chip_scores == reference, "score vectors differ on {}", board.name);
        println!("{} images on {}: {} instructions", chip.len(), board.name, chip[0].instructions);
    }
}

#[test]
fn the_demonstration_says_that_all_is_well() {
    let path = firmware::folder().join("model/tutorial.kndl");
    let said = firmware::run(M4, &path, &[]);
    assert!(said.contains("kernels dsp"), "the wrong kernels ran: {said}");
    assert!(said.contains("10 as on the host"), "{said}");
}

/// Once such a file was answered as far as it went, and the firmware ended as if all was well.
#[test]
fn image_files_that_are_cut_off_or_missing_are_refused() {
    let model = firmware::folder().join("model/tutorial.kndl");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (images, answers) = (folder.path().join("images"), folder.path().join("answers"));

    fs::write(&images, vec![0; 2 * 784 - 1]).expect("the temporary folder can be written");
    let said = firmware::run_refused(M4, &model, &[&images, &answers]);
    assert!(said.contains("1567 bytes are no whole number of images of 28x28x1"), "{said}");
    assert!(!answers.exists(), "answers to a damaged file");

    fs::remove_file(&images).expect("the file can be removed");
    let said = firmware::run_refused(M4, &model, &[&images, &answers]);
    assert!(said.contains("cannot read"), "{said}");
    let said = firmware::run_refused(M4, &model, &[&images]);
    assert!(said.contains("name two files"), "{said}");
}
