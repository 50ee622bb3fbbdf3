//! Real values to answer, from arrays, IDX files and the columns of tables.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::data::reading::{Columns, Reading};
use crate::data::scale::Scale;
use crate::data::target::Target;
use crate::data::{DataDir, Dataset, Known, Request, inputs};
use crate::recipe::Task;

/// An `.npy` file, version 1.
fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Three training and two test images of 2x2 with two values each.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        fs::write(folder.path().join(name).with_extension("npy"), bytes).unwrap();
    };
    write("x_train", npy("|u1", "(3, 2, 2)", &(0..12).collect::<Vec<u8>>()));
    write("y_train", npy("<f4", "(3, 2)", &floats(&[1.0, 10.0, 3.0, 20.0, 5.0, 30.0])));
    write("x_test", npy("|u1", "(2, 2, 2)", &(20..28).collect::<Vec<u8>>()));
    write("y_test", npy("<f4", "(2, 2)", &floats(&[3.0, 20.0, -1.0, 20.0])));
    folder
}

fn read(path: &Path, task: Task, reading: Reading) -> Result<DataDir, String> {
    DataDir::read(path, &Request { task, reading, ..Request::default() })
        .map_err(|error| error.to_string().replace(&path.display().to_string(), ""))
}

/// What the scaled values of a set stand for.
fn restored(images: &Dataset, targets: &[Target]) -> Vec<f32> {
    let pairs = images.targets.iter().zip(targets.iter().cycle());
    pairs.map(|(value, target)| target.scale().restore(*value).round()).collect()
}

#[test]
fn arrays_of_values_have_the_scale_of_the_training_set() {
    let data = read(folder().path(), Task::Regress, Reading::default()).unwrap();
    assert_eq!((data.targets[0].mean, data.targets[1].mean), (3.0, 20.0));
    assert_eq!(restored(&data.train, &data.targets), [1.0, 10.0, 3.0, 20.0, 5.0, 30.0]);
    assert_eq!(restored(&data.test, &data.targets), [3.0, 20.0, -1.0, 20.0]);
    assert_eq!((data.test.targets_of(0), data.test.labels.len()), (&[0.0, 0.0][..], 2));
}

#[test]
fn a_model_keeps_its_scale_and_names_come_from_a_file() {
    let folder = folder();
    let target = |mean| Target { name: String::new(), mean, deviation: 2.0 };
    let known = Known { targets: vec![target(1.0), target(0.0)], ..Known::default() };
    let names = folder.path().join("names");
    fs::write(&names, "warm\nwet\n").unwrap();
    let reading = Reading { labels: Some(names.clone()), ..Reading::default() };
    let request =
        Request { task: Task::Regress, reading, known: Some(known), ..Request::default() };
    let data = DataDir::read(folder.path(), &request).unwrap();
    assert_eq!(data.train.targets[..2], [0.0, 5.0]);
    assert_eq!((data.targets[0].name.as_str(), data.targets[1].name.as_str()), ("warm", "wet"));
    assert!(data.names.is_empty());
    fs::write(&names, "warm\n").unwrap();
    assert!(DataDir::read(folder.path(), &request).is_err());
}

#[test]
fn what_is_no_value_is_named() {
    let folder = folder();
    let said = |bytes: Vec<u8>| {
        fs::write(folder.path().join("y_train.npy"), bytes).unwrap();
        read(folder.path(), Task::Regress, Reading::default()).unwrap_err()
    };
    let nan = npy("<f4", "(3, 1)", &floats(&[1.0, f32::NAN, 2.0]));
    assert!(said(nan).ends_with("value 1 is NaN: values to answer are finite numbers of 32 bits"));
    let three = npy("<f4", "(3, 1, 1)", &floats(&[1.0; 3]));
    assert!(said(three).contains("values of shape 3 x 1 x 1; an array of images x values"));
    let few = npy("<f4", "(2, 2)", &floats(&[1.0; 4]));
    assert!(said(few).contains("3 images, but"), "as many values as images");
    // For classes the same values are no labels.
    let real = npy("<f4", "(3,)", &floats(&[0.5; 3]));
    fs::write(folder.path().join("y_train.npy"), real).unwrap();
    let classes = read(folder.path(), Task::Classify, Reading::default()).unwrap_err();
    assert!(classes.contains("label 0 is 0.5"), "{classes}");
}

#[test]
fn an_autoencoder_needs_no_labels() {
    let folder = folder();
    for name in ["y_train.npy", "y_test.npy"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let data = read(folder.path(), Task::Reconstruct, Reading::default()).unwrap();
    assert_eq!((&data.train.labels[..], data.train.classes), (&[0, 0, 0][..], 1));
    let error = read(folder.path(), Task::Regress, Reading::default()).unwrap_err();
    assert!(error.contains("y_train is missing"), "{error}");
}

/// Four numbers of IDX, and two values for each of two images.
#[test]
fn idx_files_hold_values_too() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[&[u8]]| {
        fs::write(folder.path().join(name), bytes.concat()).unwrap();
    };
    let sides =
        |sides: &[u32]| -> Vec<u8> { sides.iter().flat_map(|side| side.to_be_bytes()).collect() };
    let reals: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|of| of.to_be_bytes()).collect();
    for part in ["train", "t10k"] {
        write(
            &format!("{part}-images-idx3-ubyte"),
            &[&[0, 0, 8, 3], &sides(&[2, 1, 2]), &[1, 2, 3, 4]],
        );
        write(&format!("{part}-labels-idx2-float"), &[&[0, 0, 0x0d, 2], &sides(&[2, 2]), &reals]);
    }
    let data = read(folder.path(), Task::Regress, Reading::default()).unwrap();
    assert_eq!(restored(&data.test, &data.targets), [1.0, 2.0, 3.0, 4.0]);
}

fn columns(window: u16, targets: &[&str]) -> Columns {
    Columns {
        values: vec!["x".to_owned()],
        label: None,
        targets: targets.iter().map(|name| (*name).to_owned()).collect(),
        group: None,
        window,
        step: 1,
    }
}

fn table(rows: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..rows).map(|row| format!("{row},{}\n", 100 + row)).collect();
    fs::write(folder.path().join("all.csv"), format!("x,y\n{rows}")).unwrap();
    folder
}

fn read_table(
    folder: &TempDir,
    task: Task,
    columns: Columns,
    share: f64,
) -> Result<DataDir, String> {
    let reading = Reading { columns: Some(columns), test_share: Some(share), ..Reading::default() };
    read(&folder.path().join("all.csv"), task, reading)
}

#[test]
fn rows_of_a_table_are_tested_on_by_what_they_hold() {
    let data = read_table(&table(200), Task::Regress, columns(1, &["y"]), 0.25).unwrap();
    assert_eq!(data.targets[0].name, "y");
    let tests = restored(&data.test, &data.targets);
    assert!((30..70).contains(&tests.len()) && tests.iter().any(|value| *value < 150.0));
    assert_eq!(data.train.len() + data.test.len(), 200);
}

/// The value of a window is that of its last row, and no row is in both parts.
#[test]
fn a_series_without_groups_is_tested_on_at_its_end() {
    let data = read_table(&table(40), Task::Regress, columns(4, &["y"]), 0.25).unwrap();
    let trained = restored(&data.train, &data.targets);
    let tests = restored(&data.test, &data.targets);
    assert_eq!((trained[0], trained.len(), *trained.last().unwrap()), (103.0, 27, 129.0));
    assert_eq!((tests[0], tests.len(), *tests.last().unwrap()), (133.0, 7, 139.0));
}

#[test]
fn columns_that_are_missing_are_asked_for() {
    let said = |task, columns| read_table(&table(9), task, columns, 0.5).unwrap_err();
    let values = said(Task::Regress, columns(1, &[]));
    assert!(values.contains("--target-columns D,E for the values to answer"), "{values}");
    let class = said(Task::Classify, columns(1, &["y"]));
    assert!(class.contains("--label-column C for the class"), "{class}");
    assert!(read_table(&table(40), Task::Reconstruct, columns(2, &[]), 0.5).is_ok());
}

/// Inputs alone: several, a single one, and such as the model does not take.
#[test]
fn inputs_are_read_as_those_that_were_trained_on() {
    let folder = folder();
    let path = folder.path().join("x.npy");
    let shape = infer::Shape::new(2, 2, 1);
    let read = |bytes: Vec<u8>, known: &Known| {
        fs::write(&path, bytes).unwrap();
        inputs::read(&path, shape, known).map_err(|error| error.to_string())
    };
    let pixels = Known::default();
    let two = npy("|u1", "(2, 4)", &[1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(read(two, &pixels).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
    let one = npy("<f4", "(2, 2)", &floats(&[-1.0, 0.0, 1.0, 3.0]));
    assert!(read(one.clone(), &pixels).unwrap_err().contains("values from -1 to 3"));
    let sensors = Known { scales: vec![Scale { low: -1.0, high: 1.0 }], ..Known::default() };
    assert_eq!(read(one, &sensors).unwrap(), [0, 127, 255, 255]);
    let five = npy("|u1", "(1, 5)", &[0; 5]);
    let said = read(five, &pixels).unwrap_err();
    assert!(said.ends_with("its shape is 1 x 5: the model takes 2x2x1, 4 values for each input"));
}

#[test]
fn pictures_have_no_values() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("train/cat")).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples/digit-7.png");
    fs::copy(samples, folder.path().join("train/cat/a.png")).unwrap();
    let error = read(folder.path(), Task::Regress, Reading::default()).unwrap_err();
    assert!(error.contains("folders of pictures name classes, no values"), "{error}");
}
