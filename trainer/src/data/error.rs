//! Why a data directory cannot be used. Every message is one line: where, what, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use infer::Shape;
use thiserror::Error;

use super::elements::ValueError;
use super::folder::FolderError;
use super::idx_error::IdxError;
use super::npy::NpyError;
use super::npz::NpzError;
use super::series::SeriesError;

/// Why a path is not a data set.
#[derive(Debug, Error)]
pub enum DataError {
    /// There is nothing at the path.
    #[error(
        "{}: no such file or folder: --data takes a folder of IDX files, of .npy files or of \
            pictures, or an .npz file", directory.display()
    )]
    NoDirectory {
        /// The path.
        directory: PathBuf,
    },
    /// Nothing there that can be read.
    #[error(
        "{}: no data set: it must be a folder with train-images-idx3-ubyte and so on, with \
            x_train.npy and so on, or with a folder of PNG or JPEG files for each class (in train \
            and test, or with --test-share), or an .npz file", path.display()
    )]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// An array without its labels.
    #[error(
        "{}: inputs without labels, which `import` and `export` calibrate on; name the folder \
            that holds x_train.npy, y_train.npy, x_test.npy and y_test.npy, or an .npz file with \
            all of them", path.display()
    )]
    OneArray {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// An array that is not there.
    #[error(
        "{}: {name} is missing: the arrays of a data set are x_train, y_train, x_test and y_test",
        path.display()
    )]
    NoArray {
        /// File or folder.
        path: PathBuf,
        /// The array.
        name: &'static str,
    },
    /// A damaged archive.
    #[error("{}: {problem}", path.display())]
    Npz {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: NpzError,
    },
    /// A damaged array.
    #[error("{}: {problem}", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: NpyError,
    },
    /// An array of a shape that is neither images nor labels.
    #[error("{}: {why}", path.display())]
    ArrayShape {
        /// The file, and the array in it.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// Numbers that are neither pixels nor labels.
    #[error("{}: {problem}", path.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        problem: ValueError,
    },
    /// Folders of pictures that are no data set.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Series that cannot be read.
    #[error("{}: {problem}", path.display())]
    Series {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: SeriesError,
    },
    /// Pictures without values.
    #[error(
        "{}: folders of pictures name classes, no values: save pictures and values as NumPy \
            arrays, x_train and y_train, for task = \"regress\"", path.display()
    )]
    NoValues {
        /// The data.
        path: PathBuf,
    },
    /// An option for pictures, and other data.
    #[error(
        "{}: --size would change nothing: it is for folders of pictures, and the data is none: \
            leave it out", path.display()
    )]
    NoPictures {
        /// The data.
        path: PathBuf,
    },
    /// Pictures without classes.
    #[error(
        "{}: pictures without classes, which `import` and `export` calibrate on and autoencoders \
            learn from; put those of each class into a folder of its own", path.display()
    )]
    NoClasses {
        /// The folder.
        path: PathBuf,
    },
    /// Series whose columns nobody has named.
    #[error(
        "{}: say what its columns are: --columns A,B for the values, {truth}--window N for the \
            rows of a window; there are {there}", path.display()
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// What is to be said of what is answered.
        truth: &'static str,
        /// The columns there are.
        there: String,
    },
    /// More classes than labels can tell apart.
    #[error("{}: {classes} classes, at most 256 can be told apart", path.display())]
    SeriesClasses {
        /// The file.
        path: PathBuf,
        /// Different labels.
        classes: usize,
    },
    /// Columns of data that has none.
    #[error("{}: --columns and --window are for CSV files: leave them out", path.display())]
    NoSeries {
        /// The data.
        path: PathBuf,
    },
    /// Two sets in one folder.
    #[error(
        "{} and {}: two data sets in one folder: keep each in a folder of its own",
        first.display(), other.display()
    )]
    Ambiguous {
        /// A file of one.
        first: PathBuf,
        /// A file of the other.
        other: PathBuf,
    },
    /// A class that the model has not learnt.
    #[error("{}: the class '{class}' is none of the model's, which are {known}", folder.display())]
    UnknownClass {
        /// The data.
        folder: PathBuf,
        /// The class.
        class: String,
        /// The model's classes.
        known: String,
    },
    /// No test images.
    #[error(
        "{}: no test images: --test-share 0.2 makes a fifth of the images test images, chosen by \
            what they show", path.display()
    )]
    NoTest {
        /// The data.
        path: PathBuf,
    },
    /// A share of images that are parted already.
    #[error("{}: it has test images of its own: leave --test-share out", path.display())]
    HasTest {
        /// The data.
        path: PathBuf,
    },
    /// A share that leaves one side empty.
    #[error(
        "{}: of {images} images --test-share {share} makes {tests} test images: give another share",
        path.display()
    )]
    Share {
        /// The data.
        path: PathBuf,
        /// All images.
        images: usize,
        /// The share.
        share: f64,
        /// Images that would be test images.
        tests: usize,
    },
    /// A line without a name.
    #[error("{}: line {line} is empty: each line names one class or value", path.display())]
    EmptyName {
        /// The file of names.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
    },
    /// Too few names.
    #[error(
        "{}: the number of names is {names}, {classes} are needed: a line for each class or value",
        path.display()
    )]
    Names {
        /// The file of names.
        path: PathBuf,
        /// Names in it.
        names: usize,
        /// Classes of the data.
        classes: usize,
    },
    /// Names for classes that have names.
    #[error("{}: its folders name the classes: leave --labels out", path.display())]
    HasNames {
        /// The data.
        path: PathBuf,
    },
    /// One of the four files is not there.
    #[error(
        "{}: no file of {name}: a data set is train-images-idx3-ubyte, train-labels-idx1-ubyte, \
            t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or .gz", directory.display()
    )]
    Missing {
        /// Where it was looked for.
        directory: PathBuf,
        /// What its name begins with.
        name: &'static str,
    },
    /// A file that is there but not as it must be.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: IdxError,
    },
    /// Another number of images than of labels.
    #[error("{}: {images} images, but {} has {labels} labels: both must come from the same data \
        set", images_at.display(), labels_at.display())]
    Counts {
        /// The file of images.
        images_at: PathBuf,
        /// Its images.
        images: usize,
        /// The file of labels.
        labels_at: PathBuf,
        /// Its labels.
        labels: usize,
    },
    /// Training and test images of different shapes.
    #[error("{}: training images are {train}, test images {test}: both must have one \
        shape", directory.display())]
    Shapes {
        /// The data directory.
        directory: PathBuf,
        /// Of a training image.
        train: Shape,
        /// Of a test image.
        test: Shape,
    },
}

impl IdxError {
    /// The error with its file.
    pub(super) fn at(self, path: &Path) -> DataError {
        DataError::File { path: path.to_owned(), problem: self }
    }
}
