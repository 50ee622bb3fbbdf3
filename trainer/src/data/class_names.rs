//! What classes are called.

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
