//! Which class is taken for which.

use super::value::{Count, Percent};
use crate::data::Dataset;
use crate::data::class_names::ClassNames;
use crate::evaluate::Evaluation;

/// Most classes for which the whole matrix is shown.
const MATRIX_CLASSES_MAX: usize = 12;

/// Most rows of the list of mistakes.
const PAIRS_MAX: usize = 20;

/// Steps of a cell's shade.
const SHADES: usize = 6;

/// Both models' mistakes.
pub struct Confusion {
    /// Of the float model, then of the int8 model.
    pub models: [ModelConfusion; 2],
    /// Titles of the columns: the classes, when there are few enough for a matrix.
    pub classes: Vec<usize>,
}

/// One model's mistakes.
pub struct ModelConfusion {
    /// The model's name.
    pub name: &'static str,
    /// One row per true class; empty when there are too many classes.
    pub rows: Vec<Row>,
    /// The most frequent mistakes, in that order.
    pub pairs: Vec<Pair>,
}

/// Answers to the images of one class.
pub struct Row {
    /// The class.
    pub truth: usize,
    /// Its name; empty where it is called by its number.
    pub name: String,
    /// Images for each answer.
    pub cells: Vec<Cell>,
    /// Share of right ones.
    pub right: Percent,
}

/// Images of one class with one answer.
pub struct Cell {
    /// How many.
    pub images: Count,
    /// Whether the answer is right.
    pub right: bool,
    /// 0 for none to 5 for the most frequent mistake.
    pub shade: usize,
}

/// One kind of mistake.
pub struct Pair {
    /// The class.
    pub truth: usize,
    /// What it is taken for.
    pub answer: usize,
    /// Names of both, or their numbers.
    pub names: [String; 2],
    /// How often.
    pub images: Count,
}

impl Confusion {
    /// Counts both models' answers.
    pub fn of(evaluation: &Evaluation, test: &Dataset, names: &ClassNames) -> Self {
        let classes = evaluation.int8.classes;
        let float = evaluation.float_confusion(&test.labels);
        let shown = if classes <= MATRIX_CLASSES_MAX { classes } else { 0 };
        Self {
            models: [
                ModelConfusion::of("float", &float, classes, names),
                ModelConfusion::of("int8", &evaluation.int8.confusion, classes, names),
            ],
            classes: (0..shown).collect(),
        }
    }
}

impl ModelConfusion {
    fn of(name: &'static str, counts: &[u32], classes: usize, names: &ClassNames) -> Self {
        let pairs = pairs(counts, classes, names);
        let most = pairs.first().map_or(1, |pair| pair.images.0);
        let rows = counts.chunks_exact(classes.max(1)).enumerate();
        let rows = match classes <= MATRIX_CLASSES_MAX {
            true => rows.map(|(truth, counts)| Row::of(truth, counts, most, names)).collect(),
            false => Vec::new(),
        };
        Self { name, rows, pairs: pairs.into_iter().take(PAIRS_MAX).collect() }
    }
}

impl Row {
    /// `most` is the count of the most frequent mistake.
    fn of(truth: usize, counts: &[u32], most: usize, names: &ClassNames) -> Self {
        let cell = |(answer, count): (usize, &u32)| Cell {
            images: Count(*count as usize),
            right: answer == truth,
            shade: (*count as usize * (SHADES - 1)).div_ceil(most).min(SHADES - 1),
        };
        let all = counts.iter().map(|count| *count as usize).sum();
        Self {
            truth,
            name: if names.are_given() { names.of(truth) } else { String::new() },
            cells: counts.iter().enumerate().map(cell).collect(),
            right: Percent::of(counts[truth] as usize, all),
        }
    }
}

fn pairs(counts: &[u32], classes: usize, names: &ClassNames) -> Vec<Pair> {
    let pair = |(place, count): (usize, &u32)| Pair {
        truth: place / classes,
        answer: place % classes,
        names: [place / classes, place % classes].map(|class| names.of(class)),
        images: Count(*count as usize),
    };
    let pairs = counts.iter().enumerate().map(pair);
    let mut mistakes: Vec<Pair> =
        pairs.filter(|pair| pair.images.0 > 0 && pair.truth != pair.answer).collect();
    mistakes.sort_by_key(|pair| (std::cmp::Reverse(pair.images), pair.truth, pair.answer));
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_mistake_is_the_darkest() {
        let model = ModelConfusion::of("int8", &[90, 10, 1, 5], 2, &ClassNames::default());
        let shades: Vec<_> =
            model.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.shade).collect();
        assert_eq!(shades, [5, 5, 1, 3]);
        assert_eq!(model.rows[1].right, Percent(5.0 / 6.0));
        assert_eq!(
            (model.pairs[0].truth, model.pairs[0].answer, model.pairs[0].images),
            (0, 1, Count(10))
        );
        assert_eq!(model.pairs.len(), 2);
    }

    #[test]
    fn many_classes_are_a_list() {
        let mut counts = vec![0; 26 * 26];
        counts[3 * 26 + 25] = 2;
        let model = ModelConfusion::of("float", &counts, 26, &ClassNames::default());
        assert!(model.rows.is_empty());
        assert_eq!((model.pairs[0].truth, model.pairs[0].answer), (3, 25));
        assert_eq!(model.pairs[0].names, ["3", "25"]);
    }
}
