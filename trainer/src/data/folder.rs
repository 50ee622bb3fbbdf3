//! Folders of pictures: one folder for each class, or pictures alone in one folder.

use std::fs;
use std::path::{Path, PathBuf};

use infer::Shape;
use rayon::prelude::*;
use thiserror::Error;

use super::Dataset;
use super::picture::Picture;
use super::picture_file::{self, PictureError, is_picture};
use super::reading::{Resize, Wanted};

/// Most classes: labels are bytes.
const CLASSES_MAX: usize = 256;

/// Files that systems leave in folders.
const NOT_MEANT: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// Why folders of pictures are no data set.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The operating system refused.
    #[error("{}: cannot be read: {cause}", path.display())]
    Unreadable {
        /// File or folder.
        path: PathBuf,
        /// What the operating system says.
        cause: std::io::Error,
    },
    /// A file that is no picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A folder where pictures are expected.
    #[error("{}: a folder inside of a class: a class is one folder of pictures", path.display())]
    Nested {
        /// The folder.
        path: PathBuf,
    },
    /// A folder beside pictures that have no class.
    #[error("{}: a folder among pictures: move it away, or each picture into the folder of its \
        class", path.display())]
    Among {
        /// The folder.
        path: PathBuf,
    },
    /// A file beside the folders of the classes.
    #[error("{}: a file beside the folders of the classes: move it into the folder of its class, \
        or away", path.display())]
    Stray {
        /// The file.
        path: PathBuf,
    },
    /// A name that is no text.
    #[error("{}: the name of a class must be text (UTF-8): rename the folder", path.display())]
    Name {
        /// The folder.
        path: PathBuf,
    },
    /// No picture at all.
    #[error("{}: no pictures: each class is a folder of PNG or JPEG files", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// More classes than labels can tell apart.
    #[error("{}: {classes} classes, at most {CLASSES_MAX} can be told apart", path.display())]
    Classes {
        /// The folder.
        path: PathBuf,
        /// Folders in it.
        classes: usize,
    },
    /// A picture of another size than it must have.
    #[error("{}: {found} pixels, {expected} are needed: --size area, nearest or bilinear scales \
        it", path.display())]
    Size {
        /// The picture.
        path: PathBuf,
        /// Its rows and columns.
        found: String,
        /// Rows and columns of the images.
        expected: String,
    },
    /// A network whose pixels are neither grey nor RGB.
    #[error("{}: pictures have 1 or 3 values per pixel, the network's are {wanted}: it must have 1 \
        or 3 channels (in a preset, [network.input])", path.display())]
    Channels {
        /// The folder.
        path: PathBuf,
        /// Of the network.
        wanted: Shape,
    },
}

/// Names of the classes in `folder`, in order: by number where all are numbers, else by letter.
///
/// # Errors
/// A folder that cannot be read, or that has files beside the classes.
pub fn classes(folder: &Path) -> Result<Vec<String>, FolderError> {
    let mut names = Vec::new();
    for path in entries(folder)? {
        if !path.is_dir() {
            return Err(FolderError::Stray { path });
        }
        match path.file_name().and_then(|name| name.to_str()) {
            Some(name) => names.push(name.to_owned()),
            None => return Err(FolderError::Name { path }),
        }
    }
    Ok(names)
}

/// All files of the classes in `folder`, in order.
///
/// # Errors
/// A folder that cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let mut files = Vec::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        files.extend(entries(&class)?);
    }
    Ok(files)
}

/// Puts names in order, each once: by number where all are numbers, else by letter.
pub fn in_order(mut names: Vec<String>) -> Vec<String> {
    let numbers = names.iter().map(|name| name.parse().ok()).collect::<Option<Vec<u64>>>();
    match numbers {
        Some(_) => {
            names.sort_by_key(|name| (name.parse::<u64>().unwrap_or_default(), name.clone()))
        }
        None => names.sort(),
    }
    names.dedup();
    names
}

/// Whether a folder holds folders of pictures.
pub fn has_classes(folder: &Path) -> bool {
    let is_class = |path: PathBuf| {
        path.is_dir() && entries(&path).is_ok_and(|files| files.iter().any(|file| is_picture(file)))
    };
    entries(folder).is_ok_and(|paths| paths.into_iter().any(is_class))
}

/// Whether pictures lie in a folder itself.
pub fn has_pictures(folder: &Path) -> bool {
    entries(folder).is_ok_and(|paths| paths.iter().any(|path| is_picture(path)))
}

/// Whether a folder holds nothing but `train` and perhaps `test`, and they hold pictures.
pub fn has_flat_parts(folder: &Path) -> bool {
    let names = |paths: Vec<PathBuf>| paths.iter().map(|path| name_of(path)).collect::<Vec<_>>();
    let are_parts = |names: Vec<String>| names == ["train"] || names == ["test", "train"];
    let has_only_parts = entries(folder).is_ok_and(|paths| are_parts(names(paths)));
    let is_flat = |part: &str| {
        let part = folder.join(part);
        !part.exists() || has_pictures(&part) && !has_classes(&part)
    };
    has_only_parts && is_flat("train") && is_flat("test")
}

/// The pictures that lie in a folder itself, in order.
///
/// # Errors
/// A folder that cannot be read, or that has a folder beside the pictures.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let files = entries(folder)?;
    match files.iter().find(|path| path.is_dir()) {
        Some(path) => Err(FolderError::Among { path: path.clone() }),
        None => Ok(files),
    }
}

/// What pictures have in common before they are made into images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows and columns, where all have the same.
    pub common: Option<[usize; 2]>,
    /// Values per pixel: 3 where any has colour, else 1.
    pub channels: usize,
}

/// Looks at all of these pictures; `None` where there are none.
///
/// # Errors
/// A file that gives no picture.
pub fn sizes(files: &[PathBuf]) -> Result<Option<Sizes>, FolderError> {
    let size = |path: &PathBuf| -> Result<Sizes, FolderError> {
        let picture = picture_file::read(path)?;
        let common = Some([picture.height, picture.width]);
        Ok(Sizes { common, channels: picture.channels })
    };
    let both = |one: Sizes, other: Sizes| Sizes {
        common: one.common.filter(|common| Some(*common) == other.common),
        channels: one.channels.max(other.channels),
    };
    files.par_iter().map(size).try_reduce_with(|one, other| Ok(both(one, other))).transpose()
}

/// The pictures of `folder`, class by class in the order of `names`, by name in each.
///
/// # Errors
/// See [`FolderError`].
pub fn read(
    folder: &Path,
    names: &[String],
    resize: Resize,
    wanted: Wanted,
) -> Result<Dataset, FolderError> {
    if names.len() > CLASSES_MAX {
        return Err(FolderError::Classes { path: folder.to_owned(), classes: names.len() });
    }
    dataset(folder, files(folder, names)?, names.len(), resize, wanted)
}

/// The pictures that lie in a folder itself, by name, all with label 0.
///
/// # Errors
/// See [`FolderError`].
pub fn read_flat(folder: &Path, resize: Resize, wanted: Wanted) -> Result<Dataset, FolderError> {
    let files = files_in(folder)?.into_iter().map(|path| (path, 0)).collect();
    dataset(folder, files, 1, resize, wanted)
}

/// Pictures with their labels.
fn dataset(
    folder: &Path,
    files: Vec<(PathBuf, u8)>,
    classes: usize,
    resize: Resize,
    wanted: Wanted,
) -> Result<Dataset, FolderError> {
    let Some((first, _)) = files.first() else {
        return Err(FolderError::Empty { path: folder.to_owned() });
    };
    let shape = match wanted {
        Some(shape) => shape,
        None => shape_of(&picture_file::read(first)?, &files)?,
    };
    if ![1, 3].contains(&shape.channels) {
        return Err(FolderError::Channels { path: folder.to_owned(), wanted: shape });
    }
    let resize = if wanted.is_some() { resize } else { Resize::Exact };
    let images: Vec<Result<Vec<u8>, FolderError>> =
        files.par_iter().map(|(path, _)| image(path, shape, resize)).collect();
    let mut pixels = Vec::with_capacity(files.len() * shape.len());
    for image in images {
        pixels.extend(image?);
    }
    let labels = files.iter().map(|(_, label)| *label).collect();
    Ok(Dataset { shape, pixels, labels, classes, targets: vec![] })
}

/// Paths and labels of all pictures.
fn files(folder: &Path, names: &[String]) -> Result<Vec<(PathBuf, u8)>, FolderError> {
    let mut files = Vec::new();
    for (label, name) in names.iter().enumerate() {
        let class = folder.join(name);
        // A class of the other part alone.
        if !class.is_dir() {
            continue;
        }
        for path in entries(&class)? {
            if path.is_dir() {
                return Err(FolderError::Nested { path });
            }
            files.push((path, label as u8));
        }
    }
    Ok(files)
}

/// One picture's size, in colour if any of them is.
fn shape_of(first: &Picture, files: &[(PathBuf, u8)]) -> Result<Shape, FolderError> {
    let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let mut channels = first.channels;
    for (path, _) in files.iter().skip(1) {
        if channels == 3 {
            break;
        }
        channels = channels.max(picture_file::read(path)?.channels);
    }
    Ok(Shape::new(side(first.height), side(first.width), channels as u16))
}

fn image(path: &Path, shape: Shape, resize: Resize) -> Result<Vec<u8>, FolderError> {
    let picture = picture_file::read(path)?;
    let (height, width) = (shape.height as usize, shape.width as usize);
    if resize == Resize::Exact && (picture.height, picture.width) != (height, width) {
        return Err(FolderError::Size {
            path: path.to_owned(),
            found: format!("{}x{}", picture.height, picture.width),
            expected: format!("{height}x{width}"),
        });
    }
    Ok(picture.plain(shape, resize))
}

/// What is in a folder, by name, without what is hidden or put there by a system.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let unreadable = |cause| FolderError::Unreadable { path: folder.to_owned(), cause };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = name_of(&path).to_lowercase();
        if !name.starts_with('.') && !NOT_MEANT.contains(&name.as_str()) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
