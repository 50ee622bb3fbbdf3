//! One run at a time in a folder: two would write each other's files over.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Name of the file that a run holds locked.
const NAME: &str = ".run.lock";

/// Another run is under way.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}: another run is under way there: wait for it, or name another folder with \
    --out", folder.display())]
pub struct FolderBusy {
    /// The folder.
    pub folder: PathBuf,
}

/// Holds a folder until it is dropped, or its process ends in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    /// Empty where the folder cannot be locked: what cannot be written is said by who writes.
    held: Option<(File, PathBuf)>,
}

impl FolderLock {
    /// Takes the folder, which is made if it is not there.
    ///
    /// # Errors
    /// When another run has it.
    pub fn take(folder: &Path) -> Result<Self, FolderBusy> {
        let path = folder.join(NAME);
        loop {
            let opened = fs::create_dir_all(folder).and_then(|()| File::create(&path));
            let Ok(file) = opened else { return Ok(Self { held: None }) };
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(FolderBusy { folder: folder.to_owned() });
                }
                Err(TryLockError::Error(_)) => return Ok(Self { held: None }),
                Ok(()) if is_still_at(&file, &path) => {
                    return Ok(Self { held: Some((file, path)) });
                }
                // The run that had it removed the file after it was opened here.
                Ok(()) => (),
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.held {
            // One that stays harms nobody: what counts is the lock.
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |data: fs::Metadata| (data.dev(), data.ino());
    file.metadata().ok().map(number) == fs::metadata(path).ok().map(number)
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_still_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_once_at_a_time() {
        let parent = tempfile::TempDir::new().unwrap();
        let folder = parent.path().join("out/new");
        let first = FolderLock::take(&folder).unwrap();
        assert_eq!(FolderLock::take(&folder).unwrap_err(), FolderBusy { folder: folder.clone() });
        drop(first);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        drop(FolderLock::take(&folder).unwrap());
    }

    #[test]
    fn what_a_killed_run_left_holds_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::write(folder.path().join(NAME), "").unwrap();
        assert!(FolderLock::take(folder.path()).unwrap().held.is_some());
    }
}
