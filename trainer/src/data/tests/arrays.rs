use std::fs;
use std::path::Path;

use infer::Shape;
use tempfile::TempDir;

use crate::data::reading::Reading;
use crate::data::scale::Scale;
use crate::data::{DataDir, Known, Request};
use crate::recipe::Task;

/// An `.npy` file, version 1.
fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

/// A folder of arrays: three training and two test images of 2x2, as tests then change it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        fs::write(folder.path().join(name).with_extension("npy"), bytes).unwrap();
    };
    write("x_train", npy("|u1", "(3, 2, 2)", &(0..12).collect::<Vec<u8>>()));
    write("y_train", npy("<i8", "(3,)", &[0, 1, 2].map(i64::to_le_bytes).concat()));
    write("x_test", npy("|u1", "(2, 2, 2)", &(20..28).collect::<Vec<u8>>()));
    write("y_test", npy("|u1", "(2, 1)", &[2, 1]));
    folder
}

/// The message when one array is another, without the folder.
fn error(name: &str, bytes: &[u8]) -> String {
    let folder = folder();
    fs::write(folder.path().join(name), bytes).unwrap();
    let message = DataDir::load(folder.path()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message.replace(&format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR), "")
}

fn corpus(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/arrays").join(name)
}

#[test]
fn arrays_are_read_by_keras_names() {
    let data = DataDir::load(folder().path()).unwrap();
    assert_eq!(data.train.shape, Shape::new(2, 2, 1));
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 1, 2][..], &[2, 1][..]));
    assert_eq!(data.train.image(2), [8, 9, 10, 11]);
    assert_eq!(data.test.image(0), [20, 21, 22, 23]);
}

#[test]
fn archives_are_read_stored_and_deflated() {
    for name in ["stored.npz", "deflated.npz"] {
        let data = DataDir::load(&corpus(name)).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (2, 1));
        assert_eq!(data.train.shape, Shape::new(3, 4, 1));
        assert_eq!(data.train.image(1), (12..24).collect::<Vec<u8>>());
        assert_eq!(data.train.labels, [0, 1]);
    }
}

#[test]
fn reals_from_0_to_1_are_parts_of_a_pixel() {
    let folder = folder();
    let write = |name: &str, count: u32, shape: &str| {
        let values = (0..count).flat_map(|value| (value as f32 / 255.0).to_le_bytes());
        let bytes = npy("<f4", shape, &values.collect::<Vec<u8>>());
        fs::write(folder.path().join(name), bytes).unwrap();
    };
    write("x_train.npy", 12, "(3, 2, 2)");
    write("x_test.npy", 8, "(2, 2, 2)");
    let data = DataDir::load(folder.path()).unwrap();
    assert_eq!(data.train.pixels, (0..12).collect::<Vec<u8>>());
    assert_eq!(data.notes, [""; 0]);
}

#[test]
fn vectors_take_the_shape_of_the_network() {
    let folder = folder();
    for (name, shape, count) in [("x_train", "(3, 4)", 12), ("x_test", "(2, 4)", 8)] {
        let bytes = npy("|u1", shape, &vec![9; count]);
        fs::write(folder.path().join(name).with_extension("npy"), bytes).unwrap();
    }
    assert_eq!(DataDir::load(folder.path()).unwrap().train.shape, Shape::new(1, 4, 1));
    let wanted = Some(Shape::new(2, 1, 2));
    let request = Request { wanted, ..Request::default() };
    assert_eq!(DataDir::read(folder.path(), &request).unwrap().train.shape, Shape::new(2, 1, 2));
}

#[test]
fn what_is_wrong_is_said_with_its_remedy() {
    let cases: [(&str, Vec<u8>, &str); 12] = [
        (
            "x_train.npy",
            npy("|u1", "(3, 2, 2)", &[0; 11]),
            "x_train.npy: 11 bytes of values, its \
         shape [3, 2, 2] needs 12",
        ),
        (
            "x_train.npy",
            npy("|u1", "(3, 2, 2)", &[0; 13]),
            "x_train.npy: it goes on after the 12 \
         bytes",
        ),
        (
            "x_train.npy",
            npy("<f2", "(3, 2, 2)", &[0; 24]),
            "x_train.npy: its elements are '<f2': \
         convert it with .astype",
        ),
        ("x_train.npy", npy("|O", "(3,)", &[0; 24]), "x_train.npy: its elements are '|O'"),
        (
            "x_train.npy",
            npy("|u1", "(0, 2, 2)", &[]),
            "x_train.npy: it holds nothing: its shape is \
         [0, 2, 2]",
        ),
        (
            "x_train.npy",
            npy("|u1", "(1152921504606846976, 4)", &[0; 24]),
            "x_train.npy: 24 bytes \
         of values, its shape",
        ),
        ("x_train.npy", npy("c\n8", "(3,)", &[]), "x_train.npy: its elements are 'c\\n8': convert"),
        ("x_train.npy", b"GIF89a and so on".to_vec(), "x_train.npy: no array of NumPy's"),
        (
            "x_train.npy",
            b"\x93NUMPY\x01\x00\xff\xff{".to_vec(),
            "x_train.npy: its header cannot be \
         read (it ends early)",
        ),
        (
            "y_train.npy",
            npy("<f4", "(3,)", &[1.5_f32; 3].map(f32::to_le_bytes).concat()),
            "y_train: label 0 is 1.5: labels are whole numbers",
        ),
        (
            "y_train.npy",
            npy("|u1", "(3, 10)", &[0; 30]),
            "y_train: labels of shape 3 x 10; one \
         whole number per image is needed",
        ),
        ("y_train.npy", npy("|u1", "(2,)", &[0; 2]), "x_train: 3 images, but y_train has 2 labels"),
    ];
    for (name, bytes, expected) in cases {
        let found = error(name, &bytes);
        assert!(found.starts_with(expected), "{expected}\n{found}");
    }
    let first = error("x_train.npy", &npy("|u1", "(3, 3, 8, 8)", &[0; 576]));
    assert!(
        first.contains(
            "looks like channels first: save np.transpose(x, (0, 2, 3, \
        1))"
        ),
        "{first}"
    );
    let fortran = fs::read(corpus("fortran.npy")).unwrap();
    assert!(error("x_train.npy", &fortran).contains(
        "stored in Fortran order: save \
     np.ascontiguous"
    ));
}

/// Images of three rows, for a network whose input has as many.
#[test]
fn sides_that_the_network_names_are_no_channels_first() {
    let folder = TempDir::new().unwrap();
    for (part, images) in [("train", 2), ("test", 1)] {
        let write = |name, bytes| fs::write(folder.path().join(name), bytes).unwrap();
        let shape = format!("({images}, 3, 8, 2)");
        write(format!("x_{part}.npy"), npy("|u1", &shape, &vec![5; images * 48]));
        write(format!("y_{part}.npy"), npy("|u1", &format!("({images},)"), &vec![0; images]));
    }
    let read = |shape| {
        let request = Request { wanted: Some(shape), ..Request::default() };
        DataDir::read(folder.path(), &request)
    };
    let named = Shape::new(3, 8, 2);
    assert_eq!(read(named).unwrap().train.shape, named);
    let message = read(Shape::new(8, 2, 3)).unwrap_err().to_string();
    assert!(message.contains("looks like channels first"), "{message}");
}

#[test]
fn what_is_missing_is_named() {
    let folder = folder();
    fs::remove_file(folder.path().join("y_test.npy")).unwrap();
    let message = DataDir::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("y_test is missing: the arrays of a data set are"), "{message}");
    let one = DataDir::load(&folder.path().join("x_train.npy")).unwrap_err().to_string();
    assert!(one.contains("inputs without labels, which `import` and `export` calibrate"), "{one}");
    assert!(one.contains("name the folder that holds x_train.npy"), "{one}");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nothing = DataDir::load(sources).unwrap_err().to_string();
    assert!(nothing.contains(": no data set: it must be a folder with"), "{nothing}");
}

/// Inputs alone, where that is enough: of a folder without labels, and of one file.
#[test]
fn inputs_without_labels() {
    let folder = folder();
    let read = |name: &str, task, test_share| {
        let reading = Reading { test_share, ..Reading::default() };
        let request = Request { reading, task, labels_optional: true, ..Request::default() };
        DataDir::read(&folder.path().join(name), &request)
    };
    assert!(read("", Task::Classify, None).unwrap().is_labelled);
    fs::remove_file(folder.path().join("y_test.npy")).unwrap();
    assert!(!read("", Task::Classify, None).unwrap().is_labelled);
    fs::remove_file(folder.path().join("y_train.npy")).unwrap();
    let data = read("", Task::Regress, None).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (3, 2));
    assert!(!data.is_labelled && !data.tests_on_training() && data.targets.is_empty());
    for task in [Task::Classify, Task::Regress, Task::Reconstruct] {
        let data = read("x_train.npy", task, None).unwrap();
        assert_eq!(data.train.pixels, (0..12).collect::<Vec<u8>>());
        assert!(!data.is_labelled && data.tests_on_training());
    }
    let data = read("x_train.npy", Task::Classify, Some(0.5)).unwrap();
    assert_eq!((data.train.len() + data.test.len(), data.tests_on_training()), (3, false));
    // An autoencoder is trained on such too, and needs others to be measured on.
    let request = Request { task: Task::Reconstruct, ..Request::default() };
    let message = DataDir::read(&folder.path().join("x_train.npy"), &request).unwrap_err();
    assert!(message.to_string().contains("no test images: --test-share 0.2"), "{message}");
}

#[test]
fn damaged_archives_are_refused() {
    let whole = fs::read(corpus("deflated.npz")).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.npz");
    for length in 4..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let message = DataDir::load(&path).unwrap_err().to_string();
        assert!(message.contains("a.npz: ") && !message.contains('\n'), "{length}: {message}");
    }
    // A value that its CRC does not know.
    let mut damaged = fs::read(corpus("stored.npz")).unwrap();
    let at = damaged.windows(4).position(|bytes| bytes == [0, 1, 2, 3]).unwrap();
    damaged[at] ^= 1;
    fs::write(&path, damaged).unwrap();
    let message = DataDir::load(&path).unwrap_err().to_string();
    assert!(message.contains("a.npz: x_train: cannot be read: "), "{message}");
}

/// A folder of windows of two channels, in thirds: `values` and 1000 times as much.
fn sensors(folder: &Path, part: &str, values: &[f32]) {
    let both = values.iter().flat_map(|value| [*value, 1000.0 * value]);
    let bytes: Vec<u8> = both.flat_map(f32::to_le_bytes).collect();
    let windows = values.len() / 3;
    let shape = format!("({windows}, 3, 2)");
    fs::write(folder.join(format!("x_{part}.npy")), npy("<f4", &shape, &bytes)).unwrap();
    let labels = npy("|u1", &format!("({windows},)"), &vec![0; windows]);
    fs::write(folder.join(format!("y_{part}.npy")), labels).unwrap();
}

#[test]
fn sensor_values_are_scaled_channel_by_channel() {
    let folder = TempDir::new().unwrap();
    sensors(folder.path(), "train", &[-1.0, 0.0, 1.0, 0.5, -0.5, 1.0]);
    sensors(folder.path(), "test", &[0.0, 2.0, -2.0]);
    let data = DataDir::load(folder.path()).unwrap();
    assert_eq!(data.train.shape, Shape::new(3, 1, 2));
    assert_eq!(data.train.pixels, [0, 0, 127, 127, 255, 255, 191, 191, 64, 64, 255, 255]);
    assert_eq!(data.test.pixels, [127, 127, 255, 255, 0, 0]);
    let bounds: Vec<_> = data.scales.iter().map(|scale| (scale.low, scale.high)).collect();
    assert_eq!(bounds, [(-1.0, 1.0), (-1000.0, 1000.0)]);
    assert!(
        data.notes[0].contains("scales each channel from -1 to 1, -1000 to 1000"),
        "{:?}",
        data.notes
    );
    assert!(data.notes[1].contains("4 values lie beyond those of the"), "{:?}", data.notes);
    // A network of two dimensions takes the same values as one channel, with one scale.
    let read = |wanted, known| {
        let request = Request { wanted, known, ..Request::default() };
        DataDir::read(folder.path(), &request)
    };
    let plane = read(Some(Shape::new(3, 2, 1)), None).unwrap();
    assert_eq!((plane.train.shape, plane.scales.len()), (Shape::new(3, 2, 1), 1));
    // A model reads others by its own scales, and none where it was trained on pixels.
    let halved = data.scales.iter().map(|scale| Scale { low: 0.0, high: 2.0 * scale.high });
    let known = Known { scales: halved.collect(), ..Known::default() };
    assert_eq!(read(None, Some(known)).unwrap().test.pixels, [0, 0, 255, 255, 0, 0]);
    let message = read(None, Some(Known::default())).unwrap_err().to_string();
    let expected = "x_train: values from -1000 to 1000, those of the training images are pixels";
    assert!(message.contains(expected), "{message}");
}
