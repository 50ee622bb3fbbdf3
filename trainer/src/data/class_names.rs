//! What classes are called.

use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::Path;

use super::DataError;

/// Most bytes of a file of names.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Names of classes: those that the data gives them, or else their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassNames(Vec<String>);

impl ClassNames {
    /// Of these names; none where classes have only numbers.
    pub fn new(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// The name of a class, or its number.
    pub fn of(&self, class: usize) -> String {
        self.0.get(class).map_or_else(|| class.to_string(), String::clone)
    }

    /// Whether they are more than numbers.
    pub fn are_given(&self) -> bool {
        !self.0.is_empty()
    }
}

/// The names in a file, one a line.
///
/// # Errors
/// A file that cannot be read, an empty line, or another number of names.
pub fn read(file: &Path, counts: RangeInclusive<usize>) -> Result<Vec<String>, DataError> {
    let unreadable = |cause| DataError::Unreadable { path: file.to_owned(), cause };
    let mut text = String::new();
    let opened = File::open(file).map_err(unreadable)?;
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    // Some editors begin a file with the byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim_end();
    let names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    let path = || file.to_owned();
    match names.iter().position(String::is_empty) {
        Some(index) => Err(DataError::EmptyName { path: path(), line: index + 1 }),
        None if !counts.contains(&names.len()) => {
            Err(DataError::Names { path: path(), names: names.len(), classes: *counts.start() })
        }
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_a_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let of = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            read(file.path(), 2..=3).map_err(|error| error.to_string())
        };
        assert_eq!(of("\u{feff}cat\r\n dog \n"), Ok(vec!["cat".to_owned(), "dog".to_owned()]));
        let why = ": line 2 is empty: each line names one class or value";
        assert!(of("cat\n\ncow\n").is_err_and(|said| said.ends_with(why)));
        let why = ": the number of names is 1, 2 are needed: a line for each class or value";
        assert!(of("cat\n").is_err_and(|said| said.ends_with(why)));
    }

    #[test]
    fn a_class_without_a_name_is_called_by_its_number() {
        let names = ClassNames::new(&["cat".to_owned()]);
        assert_eq!((names.of(0), names.of(1)), ("cat".to_owned(), "1".to_owned()));
        assert!(names.are_given() && !ClassNames::default().are_given());
    }
}
