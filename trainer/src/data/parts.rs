//! From files to labelled images, whatever kind of files they are.

use std::fs;
use std::path::{Path, PathBuf};

use infer::Shape;

use super::elements::{Element, Numbers, PixelScale};
use super::error::DataError;
use super::folder;
use super::idx::Idx;
use super::npy::{self, Array};
use super::npz::{self, Npz};
use super::reading::Wanted;
use super::scale::Scale;
use super::series;
use super::target::Target;
use super::windows;
use super::{Dataset, Known, Request};
use crate::network::OUTPUTS_MAX;
use crate::recipe::Task;

/// What a path holds, told by names and first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A folder of IDX files.
    Idx(PathBuf),
    /// A folder of `.npy` files.
    Npy(PathBuf),
    /// An `.npz` file.
    Npz(PathBuf),
    /// An `.npy` file: inputs alone.
    Array(PathBuf),
    /// A folder with folders of classes in `train` and, perhaps, in `test`.
    Parts(PathBuf),
    /// A folder of classes.
    Classes(PathBuf),
    /// A folder of pictures without classes.
    Flat(PathBuf),
    /// A folder with such folders, `train` and perhaps `test`.
    FlatParts(PathBuf),
    /// A CSV file.
    Series(PathBuf),
    /// A folder with a CSV file for each part.
    SeriesParts(PathBuf),
}

/// What a source gives.
pub(super) struct Loaded {
    /// The training images.
    pub train: Dataset,
    /// The test images, where the source has some of its own.
    pub test: Option<Dataset>,
    /// Names of the classes; empty where there are none.
    pub names: Vec<String>,
    /// What a user might not expect, one sentence each.
    pub notes: Vec<String>,
    /// Scale of each channel, where the values are no pixels.
    pub scales: Vec<Scale>,
    /// The real values to answer.
    pub targets: Vec<Target>,
    /// Whether the share of test images has been taken out.
    pub is_shared_out: bool,
    /// Whether it is known what is to be answered.
    pub is_labelled: bool,
}

impl Loaded {
    /// Folders of pictures name classes.
    fn of_pictures(train: Dataset, test: Option<Dataset>, names: Vec<String>, task: Task) -> Self {
        Self {
            train,
            test,
            names,
            notes: vec![],
            scales: vec![],
            targets: vec![],
            is_shared_out: false,
            is_labelled: task != Task::Regress,
        }
    }

    fn of_numbers(train: Dataset, test: Option<Dataset>, meaning: Meaning) -> Self {
        let Meaning { scale, targets, notes, is_labelled, .. } = meaning;
        let (names, scales, is_shared_out) = (vec![], scale.scales().to_vec(), false);
        Self { train, test, names, notes, scales, targets, is_shared_out, is_labelled }
    }
}

/// What numbers mean: fixed by the training set, and the same for the test set.
struct Meaning {
    task: Task,
    /// Whether images alone will do.
    labels_optional: bool,
    /// Whether all images that were read have something to be answered.
    is_labelled: bool,
    /// How they become pixels.
    scale: PixelScale,
    /// The real values that a model answers; empty before they are known.
    targets: Vec<Target>,
    /// What a user might not expect.
    notes: Vec<String>,
}

impl Meaning {
    fn new(scale: PixelScale, request: &Request) -> Self {
        let targets = request.known.as_ref().map(|known| known.targets.clone()).unwrap_or_default();
        let notes = scale_note(scale.scales(), &[]).into_iter().collect();
        let (task, labels_optional) = (request.task, is_optional(request));
        Self { task, labels_optional, is_labelled: true, scale, targets, notes }
    }
}

/// Whether images alone will do: an autoencoder answers with its input.
const fn is_optional(request: &Request) -> bool {
    request.labels_optional || matches!(request.task, Task::Reconstruct)
}

/// Labels or values to answer, with the file they are of and how many there are for each image.
struct Truth {
    at: PathBuf,
    numbers: Numbers,
    each: usize,
}

/// Names of one part's files: what they begin with, and what arrays are called.
struct Part {
    images: &'static [&'static str],
    labels: &'static [&'static str],
    image_arrays: &'static [&'static str],
    label_arrays: &'static [&'static str],
}

const TRAIN: Part = Part {
    images: &["train-images"],
    labels: &["train-labels"],
    image_arrays: &["x_train", "X_train", "train_images"],
    label_arrays: &["y_train", "Y_train", "train_labels"],
};

const TEST: Part = Part {
    images: &["t10k-images", "test-images"],
    labels: &["t10k-labels", "test-labels"],
    image_arrays: &["x_test", "X_test", "test_images"],
    label_arrays: &["y_test", "Y_test", "test_labels"],
};

impl Source {
    /// What lies at `path`.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        if path.is_file() {
            return Self::of_file(path);
        }
        if !path.is_dir() {
            return Err(DataError::NoDirectory { directory: path.to_owned() });
        }
        let folder = path.to_owned();
        let idx = || [&TRAIN, &TEST].iter().flat_map(|part| [part.images, part.labels]).flatten();
        let has_idx = idx().any(|stem| !candidates(path, stem).is_empty());
        let arrays = TRAIN.image_arrays.iter().chain(TEST.image_arrays);
        let has_npy = || arrays.into_iter().any(|name| path.join(format!("{name}.npy")).is_file());
        match () {
            () if has_idx => Ok(Self::Idx(folder)),
            () if has_npy() => Ok(Self::Npy(folder)),
            () if path.join("train.csv").is_file() => Ok(Self::SeriesParts(folder)),
            () if folder::has_classes(&path.join("train")) => Ok(Self::Parts(folder)),
            () if folder::has_flat_parts(path) => Ok(Self::FlatParts(folder)),
            () if folder::has_classes(path) => Ok(Self::Classes(folder)),
            () if folder::has_pictures(path) => Ok(Self::Flat(folder)),
            () => Err(DataError::Nothing { path: folder }),
        }
    }

    /// What lies at `path`, if it is what a request is for.
    pub fn of_request(path: &Path, request: &Request) -> Result<Self, DataError> {
        let source = Self::of(path)?;
        match request.needs_pictures && !source.is_of_pictures() {
            true => Err(DataError::NoPictures { path: path.to_owned() }),
            false => Ok(source),
        }
    }

    fn of_file(path: &Path) -> Result<Self, DataError> {
        let begins = |magic: &[u8]| {
            let mut start = Vec::new();
            let read = fs::File::open(path).and_then(|file| {
                std::io::Read::read_to_end(&mut std::io::Read::take(file, 8), &mut start)
            });
            read.is_ok() && start.starts_with(magic)
        };
        match () {
            () if begins(npz::MAGIC) => Ok(Self::Npz(path.to_owned())),
            () if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) => {
                Ok(Self::Series(path.to_owned()))
            }
            () if begins(npy::MAGIC) => Ok(Self::Array(path.to_owned())),
            () => Err(DataError::Nothing { path: path.to_owned() }),
        }
    }

    /// All of it.
    pub fn load(&self, request: &Request) -> Result<Loaded, DataError> {
        let Request { reading, wanted, task, labels_optional, .. } = request;
        let is_series = matches!(self, Self::Series(_) | Self::SeriesParts(_));
        if reading.columns.is_some() && !is_series {
            return Err(DataError::NoSeries { path: self.path().to_owned() });
        }
        let names_classes = matches!(self, Self::Parts(_) | Self::Classes(_));
        if *task == Task::Regress && names_classes && !labels_optional {
            return Err(DataError::NoValues { path: self.path().to_owned() });
        }
        match self {
            Self::Series(path) | Self::SeriesParts(path) => {
                windows::load(path, &self.files()?, request)
            }
            Self::Idx(folder) => idx_files(folder, request),
            Self::Npy(folder) => arrays(folder, request, &mut |name| npy_file(folder, name)),
            Self::Npz(file) => {
                let unreadable = |cause| DataError::Unreadable { path: file.to_owned(), cause };
                let bytes = fs::read(file).map_err(unreadable)?;
                let damaged = |problem| DataError::Npz { path: file.to_owned(), problem };
                let archive = Npz::new(&bytes).map_err(damaged)?;
                arrays(file, request, &mut |name| archive.array(name).map_err(damaged))
            }
            Self::Array(file) => inputs_alone(file, request),
            Self::Parts(folder) => pictures(folder, request),
            Self::Flat(folder) => pictures_alone(folder, None, request),
            Self::FlatParts(folder) => {
                let test = Some(folder.join("test")).filter(|test| test.is_dir());
                pictures_alone(&folder.join("train"), test.as_deref(), request)
            }
            Self::Classes(folder) => {
                let names = names_of(request, folder::classes(folder)?, folder)?;
                let train = folder::read(folder, &names, reading.resize, *wanted)?;
                Ok(Loaded::of_pictures(train, None, names, *task))
            }
        }
    }

    /// The test images of IDX files alone, where they do not depend on the training images.
    pub fn test_alone(&self, known: Option<&Known>) -> Result<Option<Dataset>, DataError> {
        let Self::Idx(folder) = self else { return Ok(None) };
        let is_scaled = known.is_some_and(|known| !known.scales.is_empty());
        if is_scaled || candidates_of(folder, TEST.images).is_empty() {
            return Ok(None);
        }
        Ok(match idx_images(folder, &TEST)? {
            (at, shape, numbers) if numbers.element == super::elements::Element::U8 => {
                let meaning = &mut Meaning::new(PixelScale::AsTheyAre, &Request::default());
                Some(idx_part(folder, &TEST, (at, shape, numbers), meaning)?)
            }
            _ => None,
        })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Idx(path)
            | Self::Npy(path)
            | Self::Npz(path)
            | Self::Array(path)
            | Self::Parts(path)
            | Self::Classes(path)
            | Self::Flat(path)
            | Self::FlatParts(path)
            | Self::Series(path)
            | Self::SeriesParts(path) => path,
        }
    }

    /// Whether it is pictures.
    pub fn is_of_pictures(&self) -> bool {
        matches!(self, Self::Parts(_) | Self::Classes(_) | Self::Flat(_) | Self::FlatParts(_))
    }

    /// The files that it is read from.
    pub fn files(&self) -> Result<Vec<PathBuf>, DataError> {
        match self {
            Self::Idx(folder) => {
                let stems = [TRAIN.images, TRAIN.labels, TEST.images, TEST.labels];
                let found = stems.iter().filter(|stems| !candidates_of(folder, stems).is_empty());
                found.map(|stems| find(folder, stems)).collect()
            }
            Self::Npz(file) | Self::Array(file) => Ok(vec![file.clone()]),
            Self::Npy(folder) => {
                let parts = [&TRAIN, &TEST].into_iter();
                let names = parts.flat_map(|part| [part.image_arrays, part.label_arrays]).flatten();
                let paths = names.map(|name| folder.join(format!("{name}.npy")));
                Ok(paths.filter(|path| path.is_file()).collect())
            }
            Self::Parts(folder) => {
                let [train, test] = ["train", "test"].map(|part| folder.join(part));
                let mut files = folder::files_below(&train)?;
                if test.is_dir() {
                    files.extend(folder::files_below(&test)?);
                }
                Ok(files)
            }
            Self::Classes(folder) | Self::FlatParts(folder) => Ok(folder::files_below(folder)?),
            Self::Flat(folder) => Ok(folder::files_in(folder)?),
            Self::Series(file) => Ok(vec![file.clone()]),
            Self::SeriesParts(folder) => Ok(series::files(folder)),
        }
    }
}

/// Pictures in `train` and `test`, with the classes of both.
fn pictures(folder: &Path, request: &Request) -> Result<Loaded, DataError> {
    let Request { reading, wanted, .. } = request;
    let [train, test] = ["train", "test"].map(|part| folder.join(part));
    let mut names = folder::classes(&train)?;
    if test.is_dir() {
        names.extend(folder::classes(&test)?);
    }
    let names = names_of(request, names, folder)?;
    let trained = folder::read(&train, &names, reading.resize, *wanted)?;
    let wanted = wanted.or(Some(trained.shape)).filter(|_| wanted.is_some());
    let test = test.is_dir().then(|| folder::read(&test, &names, reading.resize, wanted));
    Ok(Loaded::of_pictures(trained, test.transpose()?, names, request.task))
}

/// Pictures without classes, where nothing more is needed.
fn pictures_alone(
    train: &Path,
    test: Option<&Path>,
    request: &Request,
) -> Result<Loaded, DataError> {
    if !is_optional(request) {
        return Err(DataError::NoClasses { path: train.to_owned() });
    }
    let Request { reading, wanted, .. } = request;
    let trained = folder::read_flat(train, reading.resize, *wanted)?;
    let wanted = wanted.or(Some(trained.shape)).filter(|_| wanted.is_some());
    let test = test.map(|test| folder::read_flat(test, reading.resize, wanted)).transpose()?;
    let loaded = Loaded::of_pictures(trained, test, vec![], request.task);
    Ok(Loaded { is_labelled: false, ..loaded })
}

/// The classes that a model knows, or else those that were found, in order. Where no class is
/// answered there may be others after those that the model knows.
pub(super) fn names_of(
    request: &Request,
    found: Vec<String>,
    folder: &Path,
) -> Result<Vec<String>, DataError> {
    let known = request.known.as_ref().map(|known| &known.names);
    let Some(known) = known.filter(|names| !names.is_empty()) else {
        return Ok(folder::in_order(found));
    };
    let mut others = found.into_iter().filter(|name| !known.contains(name));
    if !request.task.is_classify() {
        return Ok([known.to_vec(), folder::in_order(others.collect())].concat());
    }
    match others.next() {
        Some(class) => Err(DataError::UnknownClass {
            folder: folder.to_owned(),
            class,
            known: known.join(", "),
        }),
        None => Ok(known.to_vec()),
    }
}

fn idx_files(folder: &Path, request: &Request) -> Result<Loaded, DataError> {
    let images = idx_images(folder, &TRAIN)?;
    let scale = scale_of(&images.0, images.1, &images.2, request.known.as_ref())?;
    let mut meaning = Meaning::new(scale, request);
    let train = idx_part(folder, &TRAIN, images, &mut meaning)?;
    let has_test = !candidates_of(folder, TEST.images).is_empty()
        || !candidates_of(folder, TEST.labels).is_empty();
    let test = match has_test {
        true => {
            let images = idx_images(folder, &TEST)?;
            Some(idx_part(folder, &TEST, images, &mut meaning)?)
        }
        false => None,
    };
    Ok(Loaded::of_numbers(train, test, meaning))
}

/// File, shape and values of a part's images.
type Images = (PathBuf, Shape, Numbers);

fn idx_images(folder: &Path, part: &Part) -> Result<Images, DataError> {
    let path = find(folder, part.images)?;
    let idx = Idx::read(&path, "image", &[3, 4]).map_err(|error| error.at(&path))?;
    let side = |axis: usize| idx.dimensions.get(axis).map_or(Ok(1), |side| u16::try_from(*side));
    let shape = || Ok(Shape::new(side(1)?, side(2)?, side(3)?));
    let too_large = |_: std::num::TryFromIntError| super::IdxError::SideTooLong {
        dimensions: idx.dimensions.clone(),
    };
    let shape = shape().map_err(too_large).map_err(|error| error.at(&path))?;
    Ok((path, shape, idx.numbers))
}

fn idx_part(
    folder: &Path,
    part: &Part,
    (images_at, shape, numbers): Images,
    meaning: &mut Meaning,
) -> Result<Dataset, DataError> {
    let is_absent = candidates_of(folder, part.labels).is_empty();
    if is_absent && meaning.labels_optional {
        return dataset(shape, (images_at, numbers), None, meaning);
    }
    let ranks: &[u8] = if meaning.task == Task::Regress { &[1, 2] } else { &[1] };
    let at = find(folder, part.labels)?;
    let idx = Idx::read(&at, "label", ranks).map_err(|error| error.at(&at))?;
    let each = idx.dimensions.get(1).map_or(1, |values| *values as usize);
    let truth = Truth { at, numbers: idx.numbers, each };
    dataset(shape, (images_at, numbers), Some(truth), meaning)
}

/// Images, and labels or values that belong to them; without, all have label 0.
fn dataset(
    shape: Shape,
    (images_at, numbers): (PathBuf, Numbers),
    truth: Option<Truth>,
    meaning: &mut Meaning,
) -> Result<Dataset, DataError> {
    let pixels =
        numbers.into_pixels(&meaning.scale).map_err(|problem| values(&images_at, problem))?;
    let images = pixels.values.len() / shape.len();
    if let Some(Truth { at, numbers, each }) = &truth
        && images * each != numbers.count()
    {
        let (labels_at, labels) = (at.clone(), numbers.count() / each);
        return Err(DataError::Counts { images_at, images, labels_at, labels });
    }
    if pixels.cut > 0 {
        meaning.notes.push(format!(
            "{}: {} values lie beyond those of the training images and are cut off",
            images_at.display(),
            pixels.cut
        ));
    }
    if pixels.rounded {
        meaning.notes.push(format!(
            "{}: values between two pixels were rounded to the nearest, 256 steps in all",
            images_at.display()
        ));
    }
    meaning.is_labelled &= truth.is_some();
    let unlabelled = Dataset {
        shape,
        pixels: pixels.values,
        labels: vec![0; images],
        classes: 1,
        targets: vec![],
    };
    match truth {
        Some(truth) => with_truth(unlabelled, truth, meaning),
        None => Ok(unlabelled),
    }
}

/// The images with their labels, or with their values.
fn with_truth(
    images: Dataset,
    Truth { at, numbers, each }: Truth,
    meaning: &mut Meaning,
) -> Result<Dataset, DataError> {
    let of = |problem| values(&at, problem);
    if meaning.task != Task::Regress {
        let labels = numbers.into_labels().map_err(of)?;
        let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
        return Ok(Dataset { labels, classes, ..images });
    }
    let numbers = numbers.into_targets().map_err(of)?;
    if meaning.targets.len() != each {
        meaning.targets = Target::of_values(&numbers, &vec![String::new(); each]);
    }
    Ok(Dataset { targets: Target::scaled(&meaning.targets, &numbers), ..images })
}

fn values(path: &Path, problem: super::elements::ValueError) -> DataError {
    DataError::Values { path: path.to_owned(), problem }
}

/// The array of a file in `folder`; `None` where there is none.
fn npy_file(folder: &Path, name: &str) -> Result<Option<Array>, DataError> {
    let path = folder.join(format!("{name}.npy"));
    path.is_file().then(|| array_at(&path)).transpose()
}

fn array_at(path: &Path) -> Result<Array, DataError> {
    let unreadable = |cause| DataError::Unreadable { path: path.to_owned(), cause };
    let file = std::io::BufReader::new(fs::File::open(path).map_err(unreadable)?);
    let damaged = |problem| DataError::Npy { path: path.to_owned(), problem };
    npy::decode(file).map_err(damaged)
}

/// An array of inputs, where nothing more is needed.
fn inputs_alone(path: &Path, request: &Request) -> Result<Loaded, DataError> {
    if !is_optional(request) {
        return Err(DataError::OneArray { path: path.to_owned() });
    }
    let array = array_at(path)?;
    let shape = shape_of(path, &array, request.wanted)?;
    let scale = scale_of(path, shape, &array.numbers, request.known.as_ref())?;
    let mut meaning = Meaning::new(scale, request);
    let images = dataset(shape, (path.to_owned(), array.numbers), None, &mut meaning)?;
    Ok(Loaded::of_numbers(images, None, meaning))
}

/// Gives the array of that name, where there is one.
type Get<'g> = &'g mut dyn FnMut(&str) -> Result<Option<Array>, DataError>;

/// Arrays by Keras's names.
fn arrays(at: &Path, request: &Request, get: Get<'_>) -> Result<Loaded, DataError> {
    let missing = |name| DataError::NoArray { path: at.to_owned(), name };
    let images = first(get, TRAIN.image_arrays)?.ok_or(missing("x_train"))?;
    let is_optional = is_optional(request);
    let labels = first(get, TRAIN.label_arrays)?;
    if labels.is_none() && !is_optional {
        return Err(missing("y_train"));
    }
    let path = at.join(images.0);
    let shape = shape_of(&path, &images.1, request.wanted)?;
    let scale = scale_of(&path, shape, &images.1.numbers, request.known.as_ref())?;
    let wanted = Some(shape);
    let mut meaning = Meaning::new(scale, request);
    let train = array_part(at, images, labels, wanted, &mut meaning)?;
    let test = match first(get, TEST.image_arrays)? {
        Some(images) => {
            let labels = first(get, TEST.label_arrays)?;
            if labels.is_none() && !is_optional {
                return Err(missing("y_test"));
            }
            Some(array_part(at, images, labels, wanted, &mut meaning)?)
        }
        None => None,
    };
    Ok(Loaded::of_numbers(train, test, meaning))
}

/// An array with the name that it was found by.
type Named = (&'static str, Array);

fn first(get: Get<'_>, names: &[&'static str]) -> Result<Option<Named>, DataError> {
    for name in names {
        if let Some(array) = get(name)? {
            return Ok(Some((name, array)));
        }
    }
    Ok(None)
}

fn array_part(
    at: &Path,
    images: Named,
    labels: Option<Named>,
    wanted: Wanted,
    meaning: &mut Meaning,
) -> Result<Dataset, DataError> {
    let images_at = at.join(images.0);
    let shape = shape_of(&images_at, &images.1, wanted)?;
    let images = (images_at, images.1.numbers);
    let Some((name, labels)) = labels else { return dataset(shape, images, None, meaning) };
    let at = at.join(name);
    let each = match labels.shape[..] {
        [_] | [_, 1] => 1,
        [_, each] if meaning.task == Task::Regress && each <= OUTPUTS_MAX as u64 => each as usize,
        _ => return Err(DataError::ArrayShape { path: at, why: no_truth(&labels, meaning.task) }),
    };
    dataset(shape, images, Some(Truth { at, numbers: labels.numbers, each }), meaning)
}

/// Why an array is neither labels nor values to answer.
fn no_truth(array: &Array, task: Task) -> String {
    let shape = by(&array.shape);
    match task {
        Task::Regress => format!(
            "values of shape {shape}; an array of images x values is needed, up to {OUTPUTS_MAX} \
                values"
        ),
        _ => format!(
            "labels of shape {shape}; one whole number per image is needed: of scores or one-hot \
                rows save y.argmax(axis=1)"
        ),
    }
}

/// How a training set's values become pixels: as a model says, or else as they look.
pub(super) fn scale_of(
    path: &Path,
    shape: Shape,
    numbers: &Numbers,
    known: Option<&Known>,
) -> Result<PixelScale, DataError> {
    let channels = shape.channels.max(1) as usize;
    let scale = numbers.scale(channels).map_err(|problem| values(path, problem))?;
    Ok(match (scale, known) {
        (_, Some(known)) if known.takes_int8 && numbers.element == Element::I8 => PixelScale::Int8,
        (_, Some(known)) if known.scales.len() == channels => {
            PixelScale::Channels(known.scales.clone())
        }
        // What is beyond pixels is refused: the model was trained on such.
        (PixelScale::Channels(_), Some(_)) => PixelScale::AsTheyAre,
        (scale, _) => scale,
    })
}

/// Most channels whose scales are spelt out.
const SCALES_SHOWN: usize = 8;

/// What is said of scales that are no pixels', with the names of their channels, or none.
pub(super) fn scale_note(scales: &[Scale], names: &[String]) -> Option<String> {
    if scales.is_empty() {
        return None;
    }
    let shown = scales.iter().enumerate().take(SCALES_SHOWN);
    let shown = shown.map(|(channel, scale)| match names.get(channel) {
        Some(name) => format!("{name} {scale}"),
        None => scale.to_string(),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let rest = if scales.len() > SCALES_SHOWN { ", …" } else { "" };
    Some(format!(
        "the values are no pixels: the model takes them as they are, as f32, and scales each \
         channel from {shown}{rest}"
    ))
}

fn shape_of(path: &Path, array: &Array, wanted: Wanted) -> Result<Shape, DataError> {
    let of_sensors = || matches!(array.numbers.scale(1), Ok(PixelScale::Channels(_)));
    image_shape(&array.shape, wanted, &of_sensors)
        .map_err(|why| DataError::ArrayShape { path: path.to_owned(), why })
}

/// The shape of one image of an array: rows and columns, perhaps channels. Plain vectors take the
/// shape of the network's input where they have as many values, and so do steps x channels. Sensor
/// values that no network waits for are steps x channels, those of a vector a channel each. What
/// looks like channels first is none where the network's input has just these sides.
fn image_shape(
    sides: &[u64],
    wanted: Wanted,
    of_sensors: &dyn Fn() -> bool,
) -> Result<Shape, String> {
    let image = sides.get(1..).unwrap_or_default();
    let side = |side: u64| {
        u16::try_from(side).map_err(|_| {
            format!("its shape is {}: a side of an image may have at most 65535 values", by(sides))
        })
    };
    match (image, wanted) {
        ([values], Some(shape)) if *values == shape.len() as u64 => Ok(shape),
        ([values], None) if of_sensors() => Ok(Shape::vector(side(*values)?)),
        ([values], _) => Ok(Shape::new(1, side(*values)?, 1)),
        ([steps, values], Some(shape))
            if *steps == shape.height as u64
                && *values == shape.width as u64 * shape.channels as u64 =>
        {
            Ok(shape)
        }
        ([steps, values], None) if steps != values && of_sensors() => {
            Ok(Shape::new(side(*steps)?, 1, side(*values)?))
        }
        ([height, width], _) => Ok(Shape::new(side(*height)?, side(*width)?, 1)),
        (_, Some(shape)) if image == [shape.height, shape.width, shape.channels].map(u64::from) => {
            Ok(shape)
        }
        ([channels @ (1 | 3), height, width], _) if ![1, 3].contains(width) && height > &4 => {
            Err(format!(
                "its shape is {0}, which looks like channels first: save np.transpose(x, (0, 2, 3, \
                    1)), of shape {1} x {height} x {width} x {channels}",
                by(sides),
                sides[0]
            ))
        }
        ([height, width, channels], _) => {
            Ok(Shape::new(side(*height)?, side(*width)?, side(*channels)?))
        }
        _ => Err(format!(
            "its shape is {}: images are arrays of images x rows x columns, with or without \
                channels at the end",
            by(sides)
        )),
    }
}

pub(super) fn by(sides: &[u64]) -> String {
    sides.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ")
}

/// Files whose names are those of IDX files of `stem`: `train-images-idx3-ubyte`,
/// `train-images.idx3-ubyte`, with or without `.gz`, with or without the set's name before it.
fn candidates(folder: &Path, stem: &str) -> Vec<PathBuf> {
    let is_idx = |name: &str| {
        name.split_once(stem).is_some_and(|(before, after)| {
            (before.is_empty() || before.ends_with('-'))
                && (after.starts_with("-idx") || after.starts_with(".idx"))
        })
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(is_idx) && path.exists()
    };
    let mut paths: Vec<PathBuf> = entries.filter(named).collect();
    // By the length of the name: without a set's name, with three dimensions, plain before gzip.
    paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    paths
}

fn candidates_of(folder: &Path, stems: &[&str]) -> Vec<PathBuf> {
    stems.iter().flat_map(|stem| candidates(folder, stem)).collect()
}

/// The file of one of these stems; of a plain and a gzip file the plain one.
fn find(folder: &Path, stems: &'static [&'static str]) -> Result<PathBuf, DataError> {
    let found = candidates_of(folder, stems);
    let Some(first) = found.first() else {
        return Err(DataError::Missing { directory: folder.to_owned(), name: stems[0] });
    };
    let plain = |path: &Path| path.to_string_lossy().trim_end_matches(".gz").to_owned();
    let begins_with_stem = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        stems.iter().any(|stem| name.starts_with(stem))
    };
    let other = found.iter().find(|path| plain(path) != plain(first));
    match other {
        Some(other) if !begins_with_stem(first) => {
            Err(DataError::Ambiguous { first: first.clone(), other: other.clone() })
        }
        _ => Ok(first.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_of_sensor_values_has_a_channel_for_each() {
        let shape = |wanted, of_sensors| image_shape(&[5, 12], wanted, &|| of_sensors).unwrap();
        assert_eq!(shape(None, true), Shape::vector(12));
        assert_eq!(shape(None, false), Shape::new(1, 12, 1));
        let network = Shape::new(3, 4, 1);
        assert_eq!(shape(Some(network), true), network);
    }
}
