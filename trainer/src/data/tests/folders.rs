use std::fs;
use std::path::{Path, PathBuf};

use infer::Shape;
use tempfile::TempDir;

use crate::data::picture_file;
use crate::data::reading::{Reading, Resize};
use crate::data::{DataDir, Known, Request};

/// Writes a picture of one colour, with `channels` values per pixel.
fn write_png(path: PathBuf, side: u32, colour: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), side, side);
    let grey = colour.len() == 1;
    encoder.set_color(if grey { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    let pixels = colour.repeat((side * side) as usize);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// Classes 9 and 10 with a grey training picture each, and a test picture of 10.
fn numbered() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (class, grey) in [("9", 90), ("10", 100)] {
        write_png(folder.path().join("train").join(class).join("a.png"), 4, &[grey]);
    }
    write_png(folder.path().join("test/10/z.png"), 4, &[101]);
    folder
}

fn read(folder: &Path, wanted: Option<Shape>, resize: Resize) -> Result<DataDir, String> {
    let reading = Reading { resize, ..Reading::default() };
    let read = DataDir::read(folder, &Request { reading, wanted, ..Request::default() });
    read.map_err(|error| {
        let message = error.to_string();
        assert!(!message.contains('\n'), "{message}");
        message.replace(&format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR), "")
    })
}

fn jpeg(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/jpeg").join(name)
}

#[test]
fn folders_are_classes_in_the_order_of_their_numbers() {
    let folder = numbered();
    let data = DataDir::load(folder.path()).unwrap();
    assert_eq!(data.names, ["9", "10"]);
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 1][..], &[1][..]));
    assert_eq!(data.train.shape, Shape::new(4, 4, 1));
    assert_eq!((data.train.image(1)[0], data.test.image(0)[0]), (100, 101));
    assert_eq!(data.train.classes, 2);
}

#[test]
fn the_network_decides_colour_and_size() {
    let folder = numbered();
    write_png(folder.path().join("train/9/b.png"), 8, &[255, 0, 0]);
    let grey = read(folder.path(), Some(Shape::new(2, 2, 1)), Resize::Area).unwrap();
    assert_eq!(grey.train.pixels, [[90; 4], [76; 4], [100; 4]].concat());
    let colour = read(folder.path(), Some(Shape::new(1, 1, 3)), Resize::Nearest).unwrap();
    assert_eq!(colour.train.image(1), [255, 0, 0]);
    let exact = read(folder.path(), Some(Shape::new(4, 4, 1)), Resize::Exact).unwrap_err();
    assert_eq!(
        exact,
        "train/9/b.png: 8x8 pixels, 4x4 are needed: --size area, nearest or bilinear scales it"
    );
    let unknown = read(folder.path(), None, Resize::Area).unwrap_err();
    assert!(unknown.starts_with("train/9/b.png: 8x8 pixels, 4x4 are needed"), "{unknown}");
    let two = read(folder.path(), Some(Shape::new(4, 4, 2)), Resize::Area).unwrap_err();
    assert!(two.contains("1 or 3 values per pixel, the network's are 4x4x2: it must"), "{two}");
}

#[test]
fn what_is_no_picture_is_named() {
    let folder = numbered();
    let case = |path: &str, expected: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "no picture").unwrap();
        let message = read(folder.path(), None, Resize::Area).unwrap_err();
        assert!(message.starts_with(expected), "{message}");
        fs::remove_file(path).unwrap();
    };
    case("train/9/notes.txt", "train/9/notes.txt: neither PNG nor JPEG: convert it, or leave it");
    case("train/notes.txt", "train/notes.txt: a file beside the folders of the classes");
    case("train/9/deep/a.png", "train/9/deep: a folder inside of a class");
    fs::remove_dir(folder.path().join("train/9/deep")).unwrap();
    fs::write(folder.path().join("train/9/.DS_Store"), "of a system").unwrap();
    fs::write(folder.path().join("train/9/Thumbs.db"), "of a system").unwrap();
    assert!(DataDir::load(folder.path()).is_ok());
    let whole = fs::read(folder.path().join("train/9/a.png")).unwrap();
    fs::write(folder.path().join("train/9/a.png"), &whole[..whole.len() - 20]).unwrap();
    let message = read(folder.path(), None, Resize::Area).unwrap_err();
    assert!(message.starts_with("train/9/a.png: not a whole PNG file"), "{message}");
}

#[test]
fn one_folder_is_parted_by_share() {
    let folder = TempDir::new().unwrap();
    for index in 0..40 {
        write_png(folder.path().join(format!("cat/{index}.png")), 2, &[index]);
        write_png(folder.path().join(format!("dog/{index}.png")), 2, &[100 + index]);
    }
    let message = DataDir::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("no test images: --test-share 0.2"), "{message}");
    let reading = Reading { test_share: Some(0.25), ..Reading::default() };
    let request = Request { reading, ..Request::default() };
    let data = DataDir::read(folder.path(), &request).unwrap();
    assert_eq!((data.train.len() + data.test.len(), data.names.len()), (80, 2));
    assert!((8..=32).contains(&data.test.len()));
}

#[test]
fn a_model_keeps_the_order_of_its_classes() {
    let folder = numbered();
    let known = ["10", "11", "9"].map(str::to_owned).to_vec();
    let request = Request {
        known: Some(Known { names: known.clone(), ..Known::default() }),
        ..Request::default()
    };
    let test = DataDir::read_test(folder.path(), &request).unwrap();
    assert_eq!((&test.labels[..], test.classes), (&[0][..], 3));
    fs::rename(folder.path().join("test/10"), folder.path().join("test/bird")).unwrap();
    let message = DataDir::read_test(folder.path(), &request).unwrap_err().to_string();
    assert!(message.contains("the class 'bird' is none of the model's, which are 10, 11, 9"));
}

/// Pixels as Pillow 12 gives them, to a step or two: decoders round differently.
#[test]
fn jpeg_files_are_pictures() {
    let near = |pixels: &[u8], expected: &[u8]| {
        pixels.iter().zip(expected).all(|(pixel, expected)| pixel.abs_diff(*expected) <= 3)
    };
    let grey = picture_file::read(&jpeg("grey.jpg")).unwrap();
    assert_eq!((grey.height, grey.width, grey.channels), (9, 13, 1));
    assert!(near(&grey.pixels, &[2, 7, 14, 18, 21, 25, 32, 37, 43, 46, 51, 57, 61, 19, 24]));
    let colour = picture_file::read(&jpeg("rgb.jpg")).unwrap();
    assert_eq!((colour.height, colour.width, colour.channels), (9, 13, 3));
    assert!(
        near(&colour.pixels, &[19, 240, 13, 20, 239, 13, 24, 236, 14]),
        "{:?}",
        &colour.pixels[..9]
    );
    let progressive = picture_file::read(&jpeg("progressive.jpg")).unwrap();
    assert!(near(&progressive.pixels, &colour.pixels));
    // Stored 9 high and 6 wide, held on its side.
    let turned = picture_file::read(&jpeg("turned.jpg")).unwrap();
    assert_eq!((turned.height, turned.width), (6, 9));
    let bytes = fs::read(jpeg("rgb.jpg")).unwrap();
    let cut = std::io::Cursor::new(&bytes[..bytes.len() / 2]);
    let error = picture_file::decode(Path::new("a.jpg"), cut).unwrap_err().to_string();
    assert!(error.starts_with("a.jpg: not a whole JPEG file ("), "{error}");
}

/// Pictures without classes are enough where no labels are needed: all in one folder, or in parts.
#[test]
fn pictures_without_classes() {
    let folder = TempDir::new().unwrap();
    for index in 0..20 {
        write_png(folder.path().join(format!("{index:02}.png")), 2, &[100 + index]);
    }
    let with = |path: &Path, request: Request| {
        DataDir::read(path, &request).map_err(|error| error.to_string())
    };
    let calibrating = || Request { labels_optional: true, ..Request::default() };
    let data = with(folder.path(), calibrating()).unwrap();
    assert!(!data.is_labelled && data.tests_on_training() && data.names.is_empty());
    let first: Vec<u8> = (0..20).map(|image| data.train.image(image)[0]).collect();
    assert_eq!(first, (100..120).collect::<Vec<u8>>());
    let reading = Reading { test_share: Some(0.3), ..Reading::default() };
    let apart = with(folder.path(), Request { reading, ..calibrating() }).unwrap();
    assert_eq!(apart.train.len() + apart.test.len(), 20);
    assert!(!apart.is_labelled && !apart.test.is_empty());
    let refused = with(folder.path(), Request::default()).unwrap_err();
    assert!(refused.contains("pictures without classes, which `import` and `export`"), "{refused}");
    assert_eq!(DataDir::files(folder.path()).unwrap().len(), 20);
    assert_eq!(DataDir::picture_sizes(folder.path()).unwrap().unwrap().common, Some([2, 2]));
    fs::create_dir(folder.path().join("more")).unwrap();
    let among = with(folder.path(), calibrating()).unwrap_err();
    assert!(among.contains("more: a folder among pictures: move it away"), "{among}");
    write_png(folder.path().join("more/a.png"), 2, &[1]);
    let stray = with(folder.path(), calibrating()).unwrap_err();
    assert!(stray.contains("00.png: a file beside the folders of the classes"), "{stray}");
}

/// `train` and `test` alone, with pictures in them, are parts, no classes; beside others they are.
#[test]
fn parts_without_classes() {
    let folder = TempDir::new().unwrap();
    write_png(folder.path().join("train/a.png"), 2, &[7]);
    write_png(folder.path().join("test/b.png"), 2, &[9]);
    let task = crate::recipe::Task::Reconstruct;
    let learning = Request { task, ..Request::default() };
    let data = DataDir::read(folder.path(), &learning).unwrap();
    assert_eq!((data.train.image(0)[0], data.test.image(0)[0]), (7, 9));
    assert!(!data.is_labelled);
    let refused = DataDir::load(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("train: pictures without classes"), "{refused}");
    assert_eq!(DataDir::files(folder.path()).unwrap().len(), 2);
    write_png(folder.path().join("bus/c.png"), 2, &[1]);
    let classes = Request {
        reading: Reading { test_share: Some(0.5), ..Reading::default() },
        ..Request::default()
    };
    assert_eq!(DataDir::read(folder.path(), &classes).unwrap().names, ["bus", "test", "train"]);
}
