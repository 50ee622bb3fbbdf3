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
    let names: Vec<String> = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    match !counts.contains(&names.len()) || names.iter().any(String::is_empty) {
        true => Err(DataError::Names {
            path: file.to_owned(),
            names: names.len(),
            classes: *counts.start(),
        }),
        false => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_a_name_is_called_by_its_number() {
        let names = ClassNames::new(&["cat".to_owned()]);
        assert_eq!((names.of(0), names.of(1)), ("cat".to_owned(), "1".to_owned()));
        assert!(names.are_given() && !ClassNames::default().are_given());
    }
}
