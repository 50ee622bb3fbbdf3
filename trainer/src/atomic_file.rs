//! Files that appear whole or not at all: written under a temporary name beside their place, then
//! renamed into it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

/// How temporary names begin.
const UNFINISHED: &str = ".unfinished-";

/// Why a file could not be written. Nothing has changed at its place.
#[derive(Debug, Error)]
#[error("{}: cannot be written: {}", path.display(), told(path, cause))]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system says.
    pub cause: io::Error,
}

/// What keeps a file from being written, and what to do where that is known.
fn told(path: &Path, cause: &io::Error) -> String {
    let folder = folder_of(path);
    match cause.kind() {
        io::ErrorKind::IsADirectory => "it is a folder: name a file in it".to_owned(),
        io::ErrorKind::NotFound if !folder.exists() => {
            format!("there is no folder {}: make it first", folder.display())
        }
        _ => cause.to_string(),
    }
}

/// A file whose content is safe on disk, still under a temporary name. Dropped, it is gone.
#[derive(Debug)]
pub struct PendingFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    /// Writes `bytes` beside `path` and waits until they are on disk.
    ///
    /// # Errors
    /// A folder that cannot be written to, a full disk.
    pub fn write(path: &Path, bytes: &[u8]) -> Result<Self, WriteError> {
        let written = || {
            // Known before anything is written: a command commits several files.
            if path.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let mut temporary = temporary_beside(path, 0o666)?;
            temporary.write_all(bytes)?;
            temporary.as_file().sync_all()?;
            Ok(temporary)
        };
        let temporary = written().map_err(|cause| WriteError { path: path.to_owned(), cause })?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// Gives the file its name, in place of one that is there.
    ///
    /// # Errors
    /// A place that is taken by a folder, or whose folder has become unwritable.
    pub fn commit(self) -> Result<(), WriteError> {
        let Self { temporary, path } = self;
        let named = || {
            temporary.persist(&path).map_err(|error| error.error)?;
            sync_folder(folder_of(&path))
        };
        named().map_err(|cause| WriteError { path: path.clone(), cause })
    }
}

/// Proves that the file `path` can be written, by writing one beside it.
///
/// # Errors
/// As [`PendingFile::write`] and [`PendingFile::commit`].
pub fn prepare_file(path: &Path) -> Result<(), WriteError> {
    let failed = |cause| WriteError { path: path.to_owned(), cause };
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    temporary_beside(path, 0o666).map(drop).map_err(failed)
}

/// Writes a file that only its owner can read (mode 0600 on Unix), and that replaces none.
///
/// # Errors
/// A file of that name, a folder that cannot be written to, a full disk.
pub fn write_private_new(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_new(path, bytes, 0o600)
}

/// Writes a file that replaces none.
///
/// # Errors
/// As [`write_private_new`].
pub fn write_public_new(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_new(path, bytes, 0o666)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), WriteError> {
    let written = || {
        let mut temporary = temporary_beside(path, mode)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(folder_of(path))
    };
    written().map_err(|cause| WriteError { path: path.to_owned(), cause })
}

/// Creates `folder` if it is not there and proves that the files `names` can be written in it, by
/// writing one.
///
/// # Errors
/// A folder that cannot be made or written to, or a name that is taken by a folder.
pub fn prepare_folder(folder: &Path, names: &[&str]) -> Result<(), WriteError> {
    let failed = |path: &Path, cause| WriteError { path: path.to_owned(), cause };
    if folder.exists() && !folder.is_dir() {
        return Err(failed(folder, io::ErrorKind::NotADirectory.into()));
    }
    fs::create_dir_all(folder).map_err(|cause| failed(folder, cause))?;
    for path in names.iter().map(|name| folder.join(name)) {
        if path.is_dir() {
            return Err(failed(&path, io::ErrorKind::IsADirectory.into()));
        }
        temporary_beside(&path, 0o666).map_err(|cause| failed(folder, cause))?;
    }
    remove_unfinished(folder);
    Ok(())
}

/// Removes what a killed run has left: nothing else knows of these files. If some stay, they do no
/// harm.
fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// An empty file in the folder of `path` that vanishes when dropped, with the Unix permissions
/// `mode` less the user's mask.
fn temporary_beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    // The error's own text names the temporary file, which a user does not know.
    builder.tempfile_in(folder_of(path)).map_err(|error| match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename survive a power cut; where folders cannot be opened as files there is nothing to
/// do.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn nothing_is_there_until_the_commit() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "old").unwrap();
        let pending = PendingFile::write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        pending.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(&folder), ["model"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        drop(PendingFile::write(&folder.path().join("model"), b"new").unwrap());
        assert!(names(&folder).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        PendingFile::write(&ours, b"").unwrap().commit().unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_folder_is_made_and_left_empty() {
        let folder = TempDir::new().unwrap();
        let inner = folder.path().join("a/b");
        prepare_folder(&inner, &["model"]).unwrap();
        assert_eq!(fs::read_dir(inner).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_is_removed() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(".unfinished-a1b2c3"), "half").unwrap();
        fs::write(folder.path().join("model"), "whole").unwrap();
        prepare_folder(folder.path(), &["model"]).unwrap();
        assert_eq!(names(&folder), ["model"]);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "").unwrap();
        let error = prepare_folder(&path, &["model"]).unwrap_err().to_string();
        assert!(error.ends_with("out: cannot be written: not a directory"), "{error}");
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_refused() {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("model")).unwrap();
        let error = prepare_folder(folder.path(), &["model"]).unwrap_err().to_string();
        assert!(
            error.contains("model: cannot be written: it is a folder: name a file in it"),
            "{error}"
        );
    }
}
