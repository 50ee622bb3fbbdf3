mod appearance;
mod arrays;
mod drawing;
mod folders;
mod series;
mod targets;

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use infer::Shape;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

/// An IDX file of unsigned bytes.
fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|side| side.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A data set of 4 training and 2 test images of 2x3 pixels, as files that tests then break.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(TempDir::new().unwrap());
        files.write("train-images-idx3-ubyte", &idx(&[4, 2, 3], &(0..24).collect::<Vec<_>>()));
        files.write("train-labels-idx1-ubyte", &idx(&[4], &[0, 1, 2, 1]));
        files.write("t10k-images-idx3-ubyte", &idx(&[2, 2, 3], &(100..112).collect::<Vec<_>>()));
        files.write("t10k-labels-idx1-ubyte", &idx(&[2], &[4, 0]));
        files
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// One file replaced, then the message of the error, without the directory.
    fn error_with(name: &str, bytes: &[u8]) -> String {
        let files = Self::new();
        files.write(name, bytes);
        files.error()
    }

    fn error(&self) -> String {
        let message = self.load().unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message.replace(&format!("{}{}", self.0.path().display(), std::path::MAIN_SEPARATOR), "")
    }

    fn load(&self) -> Result<DataDir, DataError> {
        DataDir::load(self.0.path())
    }
}

#[test]
fn plain_files_are_read_in_order() {
    let data = Files::new().load().unwrap();
    assert_eq!(data.train.shape, Shape::new(2, 3, 1));
    assert_eq!(data.train.image(1), [6, 7, 8, 9, 10, 11]);
    assert_eq!(data.train.labels, [0, 1, 2, 1]);
    assert_eq!(data.test.image(1), [106, 107, 108, 109, 110, 111]);
    assert_eq!((data.train.len(), data.test.len()), (4, 2));
}

#[test]
fn classes_are_those_of_both_parts() {
    let data = Files::new().load().unwrap();
    assert_eq!((data.train.classes, data.test.classes), (5, 5));
}

#[test]
fn gzip_is_recognised_by_content() {
    let files = Files::new();
    let plain = files.load().unwrap();
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        let bytes = fs::read(files.0.path().join(name)).unwrap();
        files.write(name, &gzip(&bytes));
    }
    assert_eq!(files.load().unwrap(), plain);
}

#[test]
fn gzip_names_are_found() {
    let files = Files::new();
    let plain = files.load().unwrap();
    for part in ["train", "t10k"] {
        for name in ["images-idx3", "labels-idx1"].map(|kind| format!("{part}-{kind}-ubyte")) {
            let bytes = fs::read(files.0.path().join(&name)).unwrap();
            files.write(&format!("{name}.gz"), &gzip(&bytes));
            fs::remove_file(files.0.path().join(&name)).unwrap();
        }
    }
    assert_eq!(files.load().unwrap(), plain);
}

#[test]
fn four_dimensions_are_images_with_channels() {
    let files = Files::new();
    for (name, images) in [("train", 4), ("t10k", 2)] {
        fs::remove_file(files.0.path().join(format!("{name}-images-idx3-ubyte"))).unwrap();
        let values: Vec<u8> = (0..images * 18).map(|value| value as u8).collect();
        files.write(&format!("{name}-images-idx4-ubyte"), &idx(&[images, 2, 3, 3], &values));
    }
    let data = files.load().unwrap();
    assert_eq!(data.train.shape, Shape::new(2, 3, 3));
    assert_eq!(data.train.image(3), (54..72).collect::<Vec<u8>>());
}

#[test]
fn a_missing_directory_is_named() {
    let error = DataDir::load(Path::new("no/such/place")).unwrap_err().to_string();
    assert_eq!(
        error,
        "no/such/place: no such file or folder: --data takes a folder of IDX files, of .npy files \
            or of pictures, or an .npz file"
    );
}

#[test]
fn a_missing_file_is_named() {
    let files = Files::new();
    fs::remove_file(files.0.path().join("train-labels-idx1-ubyte")).unwrap();
    let error = files.error();
    assert!(
        error.contains(": no file of train-labels: a data set is train-images-idx3-ubyte, "),
        "{error}"
    );
}

#[test]
fn missing_images_are_counted() {
    let full = idx(&[4, 2, 3], &[0; 24]);
    // Header 16 bytes, one image, and one byte of the second.
    let error = Files::error_with("train-images-idx3-ubyte", &full[..23]);
    let expected = "3 of 4 images missing (file ends at byte 23): copy the file again";
    assert_eq!(error, format!("train-images-idx3-ubyte: {expected}"));
}

#[test]
fn missing_labels_are_counted() {
    let error = Files::error_with("t10k-labels-idx1-ubyte", &idx(&[60], &[1, 2, 3]));
    assert!(error.contains("57 of 60 labels missing (file ends at byte 11)"), "{error}");
}

#[test]
fn broken_off_gzip_says_what_is_missing() {
    let noise: Vec<u8> = (0..24_u32).map(|value| (value * value * 37) as u8).collect();
    let packed = gzip(&idx(&[4, 2, 3], &noise));
    let error = Files::error_with("train-images-idx3-ubyte", &packed[..packed.len() - 14]);
    assert!(error.contains("of 4 images missing (file ends at byte"), "{error}");
}

#[test]
fn gzip_cut_at_any_byte_is_refused() {
    let packed = gzip(&idx(&[4, 2, 3], &[7; 24]));
    for length in 0..packed.len() {
        let files = Files::new();
        files.write("train-images-idx3-ubyte", &packed[..length]);
        assert!(files.load().is_err(), "{length} of {} bytes", packed.len());
    }
}

#[test]
fn damaged_gzip_is_refused() {
    let mut packed = gzip(&idx(&[4, 2, 3], &[7; 24]));
    let checksum = packed.len() - 6;
    packed[checksum] ^= 1;
    let error = Files::error_with("train-images-idx3-ubyte", &packed);
    assert!(error.contains("damaged gzip data after byte 40 of the unpacked file"), "{error}");
}

#[test]
fn another_kind_of_file_is_refused() {
    let error = Files::error_with("train-images-idx3-ubyte", b"\x89PNG and more");
    assert!(
        error.contains("begins with 89 50 4e 47, an IDX file of images begins with 00 00 08 03"),
        "{error}"
    );
}

#[test]
fn an_empty_file_has_no_header() {
    let error = Files::error_with("train-labels-idx1-ubyte", b"");
    assert_eq!(
        error,
        "train-labels-idx1-ubyte: no IDX header (file ends at byte 0): copy the file again"
    );
}

#[test]
fn another_element_type_is_refused() {
    let error = Files::error_with("train-images-idx3-ubyte", &[0, 0, 0x0f, 3, 0, 0, 0, 1]);
    assert!(error.contains("element type 0x0f; IDX has 0x08 (unsigned byte), "), "{error}");
}

#[test]
fn swapped_files_are_recognised() {
    let error = Files::error_with("train-images-idx3-ubyte", &idx(&[4], &[0, 1, 2, 1]));
    assert!(
        error.contains("1 dimensions, images have 3 or 4: are image and label files swapped?"),
        "{error}"
    );
}

#[test]
fn no_images_are_refused() {
    let error = Files::error_with("train-images-idx3-ubyte", &idx(&[0, 28, 28], &[]));
    assert!(error.contains("holds no image: its dimensions are 0 x 28 x 28"), "{error}");
}

#[test]
fn images_without_pixels_are_refused() {
    let error = Files::error_with("train-images-idx3-ubyte", &idx(&[4, 0, 28], &[]));
    assert!(error.contains("holds no image: its dimensions are 4 x 0 x 28"), "{error}");
}

#[test]
fn a_header_that_lies_costs_no_memory() {
    let error = Files::error_with("train-images-idx3-ubyte", &idx(&[u32::MAX; 3], &[0; 9]));
    assert!(
        error.contains("4294967295 of 4294967295 images missing (file ends at byte 25)"),
        "{error}"
    );
}

#[test]
fn overlong_sides_are_refused() {
    let error = Files::error_with("train-images-idx3-ubyte", &idx(&[1, 1, 65536], &[0; 65536]));
    assert!(
        error.contains("dimensions 1 x 1 x 65536: a side of an image may have at most 65535"),
        "{error}"
    );
}

#[test]
fn trailing_bytes_are_refused() {
    let error = Files::error_with("t10k-labels-idx1-ubyte", &idx(&[2], &[4, 0, 0]));
    assert!(
        error.contains("goes on after byte 10, where the last of its 2 labels ends"),
        "{error}"
    );
}

#[test]
fn counts_must_match() {
    let error = Files::error_with("t10k-labels-idx1-ubyte", &idx(&[3], &[4, 0, 0]));
    let expected = "t10k-images-idx3-ubyte: 2 images, but t10k-labels-idx1-ubyte has 3 labels: \
        both must come from the same data set";
    assert_eq!(error, expected);
}

#[test]
fn shapes_must_match() {
    let error = Files::error_with("t10k-images-idx3-ubyte", &idx(&[2, 2, 2], &[0; 8]));
    assert!(
        error.contains("training images are 2x3x1, test images 2x2x1: both must have one shape"),
        "{error}"
    );
}

#[test]
fn a_directory_in_place_of_a_file_is_unreadable() {
    let files = Files::new();
    fs::remove_file(files.0.path().join("train-labels-idx1-ubyte")).unwrap();
    fs::create_dir(files.0.path().join("train-labels-idx1-ubyte")).unwrap();
    let error = files.error();
    assert!(error.starts_with("train-labels-idx1-ubyte: cannot be read: "), "{error}");
}

/// The four files in the tree are the published MNIST: SHA-256 of the unpacked files, as the README
/// beside them says.
#[test]
fn the_data_set_in_the_tree_is_mnist() {
    let directory = DataDir::default_path();
    let readme = fs::read_to_string(directory.join("README.md")).unwrap();
    for part in ["train", "t10k"] {
        for name in ["images-idx3", "labels-idx1"].map(|kind| format!("{part}-{kind}-ubyte")) {
            let packed = fs::File::open(directory.join(format!("{name}.gz"))).unwrap();
            let mut unpacked = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut unpacked)
                .unwrap();
            let digest: String =
                Sha256::digest(&unpacked).iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(readme.contains(&format!("{digest}  {name}\n")), "{name} has SHA-256 {digest}");
        }
    }
}

#[test]
fn mnist_is_read_by_default() {
    let data = DataDir::load(&DataDir::default_path()).unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.train.classes), (60_000, 10_000, 10));
    assert_eq!(data.train.shape, Shape::new(28, 28, 1));
    assert_eq!(data.test.labels[..8], [7, 2, 1, 0, 4, 1, 4, 9]);
}

#[test]
fn other_element_types_are_pixels_where_they_can_be() {
    let plain = Files::new().load().unwrap();
    let typed = |code: u8, element: fn(u8) -> Vec<u8>| {
        let files = Files::new();
        for (name, images, first) in [("train", 4, 0), ("t10k", 2, 100)] {
            let mut bytes = idx(&[images, 2, 3], &[]);
            bytes[2] = code;
            bytes.extend((first..first + images as u8 * 6).flat_map(element));
            files.write(&format!("{name}-images-idx3-ubyte"), &bytes);
        }
        files.load()
    };
    let same = [
        typed(0x09, |value| vec![value]),
        typed(0x0b, |value| (value as i16).to_be_bytes().to_vec()),
        typed(0x0c, |value| (value as i32).to_be_bytes().to_vec()),
        typed(0x0d, |value| (value as f32).to_be_bytes().to_vec()),
        typed(0x0e, |value| (value as f64 / 255.0).to_be_bytes().to_vec()),
    ];
    for data in same {
        assert_eq!(data.unwrap(), plain);
    }
    let signed = typed(0x0b, |value| (value as i16 - 7).to_be_bytes().to_vec()).unwrap();
    assert_eq!(signed.scales, [Scale { low: -7.0, high: 16.0 }]);
    assert!(signed.notes[0].contains("scales each channel from -7 to 16"));
    let nan = typed(0x0d, |_| f32::NAN.to_be_bytes().to_vec()).unwrap_err().to_string();
    assert!(nan.contains("value 0 is NaN: images are finite numbers"), "{nan}");
    // Training images from 0 to 1, test images from 0 to 255.
    let other = typed(0x0d, |value| (value as f32 / 23.0).to_be_bytes().to_vec()).unwrap_err();
    let expected = "those of the training images are real numbers from 0 to 1";
    assert!(other.to_string().contains(expected), "{other}");
    let rounded = typed(0x0d, |value| (value as f32 + 0.5).to_be_bytes().to_vec()).unwrap();
    assert!(rounded.notes[0].contains("rounded to the nearest"), "{:?}", rounded.notes);
}

#[test]
fn transposed_images_are_turned() {
    let request = Request {
        reading: Reading { transpose: true, ..Reading::default() },
        ..Request::default()
    };
    let data = DataDir::read(Files::new().0.path(), &request).unwrap();
    assert_eq!(data.train.shape, Shape::new(3, 2, 1));
    assert_eq!(data.train.image(0), [0, 3, 1, 4, 2, 5]);
    assert_eq!(data.test.image(1), [106, 109, 107, 110, 108, 111]);
}

#[test]
fn sets_with_names_of_their_own_are_found_one_at_a_time() {
    let files = Files::new();
    let plain = files.load().unwrap();
    let rename = |from: &str, to: &str| {
        fs::rename(files.0.path().join(from), files.0.path().join(to)).unwrap();
    };
    rename("train-images-idx3-ubyte", "emnist-letters-train-images-idx3-ubyte");
    rename("train-labels-idx1-ubyte", "emnist-letters-train-labels-idx1-ubyte");
    rename("t10k-images-idx3-ubyte", "emnist-letters-test-images-idx3-ubyte");
    rename("t10k-labels-idx1-ubyte", "test-labels.idx1-ubyte");
    assert_eq!(files.load().unwrap(), plain);
    files.write("emnist-digits-train-images-idx3-ubyte", &[]);
    let error = files.error();
    assert!(error.contains("two data sets in one folder"), "{error}");
}

#[test]
fn a_share_of_the_images_is_parted_by_what_they_show() {
    let files = Files::new();
    for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(files.0.path().join(name)).unwrap();
    }
    let images: u32 = 200;
    let pixels = |images: u32| -> Vec<u8> {
        let image = |number: u32| {
            let kind = number % 150;
            (0..6).map(move |place| (kind * 6 + place) as u8 ^ (kind / 40) as u8)
        };
        (0..images).flat_map(image).collect()
    };
    let write = |images: u32| {
        files.write("train-images-idx3-ubyte", &idx(&[images, 2, 3], &pixels(images)));
        files.write("train-labels-idx1-ubyte", &idx(&[images], &vec![1; images as usize]));
    };
    let read = |share| {
        let reading = Reading { test_share: Some(share), ..Reading::default() };
        DataDir::read(files.0.path(), &Request { reading, ..Request::default() })
    };
    write(images);
    assert!(files.error().contains("no test images: --test-share 0.2 makes a fifth"));
    let data = read(0.2).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 200);
    assert!((20..=60).contains(&data.test.len()), "{}", data.test.len());
    // Fifty images are there twice: on one side each.
    assert_eq!(survey::Survey::of(&data).shared, 0);
    // A larger set parts the images that were there before as before.
    let before: Vec<&[u8]> = (0..data.test.len()).map(|index| data.test.image(index)).collect();
    write(240);
    let later = read(0.2).unwrap();
    let test: Vec<&[u8]> = (0..later.test.len()).map(|index| later.test.image(index)).collect();
    assert!(before.iter().all(|image| test.contains(image)));
    let all = read(1e-9).unwrap_err().to_string();
    assert!(all.contains("of 240 images --test-share 0.000000001 makes 0 test images"), "{all}");
    let own = Files::new();
    let reading = Reading { test_share: Some(0.2), ..Reading::default() };
    let request = Request { reading, ..Request::default() };
    let error = DataDir::read(own.0.path(), &request).unwrap_err().to_string();
    assert!(error.contains("it has test images of its own: leave --test-share out"), "{error}");
}

#[test]
fn names_of_the_classes_come_from_a_file() {
    let files = Files::new();
    let with = |text: &str| {
        files.write("names", text.as_bytes());
        let labels = Some(files.0.path().join("names"));
        let reading = Reading { labels, ..Reading::default() };
        DataDir::read(files.0.path(), &Request { reading, ..Request::default() })
    };
    let named = with("zero\none \ntwo\r\nthree\nfour\nfive\n\n").unwrap();
    assert_eq!(named.names, ["zero", "one", "two", "three", "four", "five"]);
    assert_eq!((named.train.classes, named.test.classes), (6, 6));
    let few = with("zero\none\n").unwrap_err().to_string();
    assert!(
        few.ends_with(
            "names: the number of names is 2, 5 are needed: a line for each class or value"
        ),
        "{few}"
    );
    assert!(with("a\n\nc\nd\ne\n").is_err());
}
