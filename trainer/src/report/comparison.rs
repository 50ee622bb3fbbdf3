//! Several models side by side, on the same images.

use askama::Template;

use super::Accuracy;
use super::picture::Sheet;
use super::value::{Count, Probability, Significance};
use crate::data::Dataset;
use crate::evaluate::{Answer, Int8Evaluation};
use crate::statistics::{McNemar, mcnemar};

/// Chance of calling any of the pairs different although all models are equally good.
const LEVEL: f64 = 0.05;

/// A model with its answers.
pub struct Contender<'c> {
    /// Its path as given.
    pub name: String,
    /// What it answers.
    pub evaluation: &'c Int8Evaluation,
    /// The file, bytes.
    pub file_bytes: usize,
    /// Working memory without the image, bytes.
    pub arena_bytes: usize,
    /// Multiply-accumulates of one run.
    pub macs: u64,
}

/// Models side by side.
#[derive(Template)]
#[template(path = "report/comparison.html")]
pub struct Comparison {
    /// Test images.
    pub images: Count,
    /// The models, in the order given.
    pub models: Vec<ModelRow>,
    /// Every pair of them.
    pub pairs: Vec<PairRow>,
    /// Images on which not all models give the same class, in the order of the data set.
    pub disagreements: Vec<Disagreement>,
    /// The images of the first of them.
    pub sheet: Sheet,
}

/// One model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// `A`, `B`, …: what it is called in what follows.
    pub letter: char,
    /// Its path as given.
    pub name: String,
    /// Its accuracy.
    pub accuracy: Accuracy,
    /// The file, bytes.
    pub file_bytes: Count,
    /// Working memory without the image, bytes.
    pub arena_bytes: Count,
    /// Multiply-accumulates of one run.
    pub macs: Count,
}

/// Two models.
#[derive(Clone, Debug, PartialEq)]
pub struct PairRow {
    /// Their letters.
    pub letters: [char; 2],
    /// Images that only the first, and only the second gets right.
    pub only_right: [Count; 2],
    /// Exact p of McNemar's test.
    pub exact: Significance,
    /// Its mid-p.
    pub mid: Significance,
    /// Which of them is better, when the mid-p says so for all pairs together.
    pub better: Option<char>,
}

/// An image on which models differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// Its number in the test set, from 0.
    pub image: usize,
    /// Its class.
    pub label: usize,
    /// What each model says, in the models' order.
    pub said: Vec<Said>,
    /// Where it lies in the sheet; `None` when there is no room for it.
    pub place: Option<[usize; 2]>,
}

/// One model's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// The model's letter.
    pub letter: char,
    /// The class.
    pub class: usize,
    /// The probability it gives it.
    pub probability: Probability,
    /// Whether the class is the label.
    pub right: bool,
}

impl Comparison {
    /// Compares models, up to 26, that have all been run on `test`.
    pub fn of(contenders: &[Contender<'_>], test: &Dataset) -> Self {
        let mut disagreements: Vec<Disagreement> =
            (0..test.len()).filter_map(|image| disagreement(contenders, test, image)).collect();
        let images: Vec<&[u8]> = disagreements.iter().map(|one| test.image(one.image)).collect();
        let sheet = Sheet::of(test.shape, &images);
        for (index, disagreement) in disagreements[..sheet.shown].iter_mut().enumerate() {
            disagreement.place = Some(sheet.place(index));
        }
        let models =
            contenders.iter().enumerate().map(|(index, one)| ModelRow::of(index, one, test.len()));
        Self {
            images: Count(test.len()),
            models: models.collect(),
            pairs: pairs(contenders, &test.labels),
            disagreements,
            sheet,
        }
    }

    /// Images for which the page has no room.
    pub fn hidden(&self) -> Count {
        Count(self.disagreements.len() - self.sheet.shown)
    }

    /// The page.
    pub fn to_html(&self) -> String {
        self.render().expect("writing to a string does not fail")
    }
}

impl ModelRow {
    fn of(index: usize, contender: &Contender<'_>, images: usize) -> Self {
        Self {
            letter: letter(index),
            name: contender.name.clone(),
            accuracy: Accuracy::of(contender.evaluation.correct, images),
            file_bytes: Count(contender.file_bytes),
            arena_bytes: Count(contender.arena_bytes),
            macs: Count(contender.macs as usize),
        }
    }
}

fn letter(index: usize) -> char {
    (b'A' + index as u8) as char
}

fn pairs(contenders: &[Contender<'_>], labels: &[u8]) -> Vec<PairRow> {
    pair_rows(contenders.len(), |pair| {
        only_right(pair.map(|index| &*contenders[index].evaluation.answers), labels)
    })
}

/// The test of every pair of `models` models, by the images that speak for either of them.
pub(super) fn pair_rows(
    models: usize,
    mut counts: impl FnMut([usize; 2]) -> [usize; 2],
) -> Vec<PairRow> {
    let each = (0..models).flat_map(|first| (first + 1..models).map(move |second| [first, second]));
    let tests = (models * models.saturating_sub(1) / 2) as f64;
    each.map(|pair| pair_row(pair, counts(pair), tests)).collect()
}

/// Images that only the first, and only the second gets right.
fn only_right(answers: [&[Answer]; 2], labels: &[u8]) -> [usize; 2] {
    let mut only = [0, 0];
    for ((first, second), label) in answers[0].iter().zip(answers[1]).zip(labels) {
        let right = [first, second].map(|answer| answer.class == *label as usize);
        only[0] += (right[0] && !right[1]) as usize;
        only[1] += (right[1] && !right[0]) as usize;
    }
    only
}

/// The test of two models among `tests` such tests: each may err with a part of [`LEVEL`] only
/// (Bonferroni's correction).
fn pair_row(pair: [usize; 2], only: [usize; 2], tests: f64) -> PairRow {
    let McNemar { exact, mid } = mcnemar(only[0], only[1]);
    let letters = pair.map(letter);
    let winner = if only[0] > only[1] { letters[0] } else { letters[1] };
    let better = (mid < LEVEL / tests).then_some(winner);
    PairRow {
        letters,
        only_right: only.map(Count),
        exact: Significance(exact),
        mid: Significance(mid),
        better,
    }
}

fn disagreement(
    contenders: &[Contender<'_>],
    test: &Dataset,
    image: usize,
) -> Option<Disagreement> {
    let label = test.labels[image] as usize;
    let said = |(index, contender): (usize, &Contender<'_>)| {
        let answer = &contender.evaluation.answers[image];
        let probability = answer.probabilities.get(answer.class).copied().unwrap_or_default();
        Said {
            letter: letter(index),
            class: answer.class,
            probability: Probability(probability as f64),
            right: answer.class == label,
        }
    };
    let said: Vec<Said> = contenders.iter().enumerate().map(said).collect();
    let differ = said.windows(2).any(|pair| pair[0].class != pair[1].class);
    differ.then_some(Disagreement { image, label, said, place: None })
}

#[cfg(test)]
mod tests {
    use infer::Shape;

    use super::*;

    fn evaluation(classes: &[usize], labels: &[u8]) -> Int8Evaluation {
        let answer = |class: &usize| Answer {
            class: *class,
            scores: vec![],
            probabilities: vec![0.25, 0.75],
        };
        Int8Evaluation {
            correct: classes
                .iter()
                .zip(labels)
                .filter(|(class, label)| **class == **label as usize)
                .count(),
            confusion: vec![0; 4],
            classes: 2,
            answers: classes.iter().map(answer).collect(),
            seconds: 0.0,
        }
    }

    fn comparison(answers: &[&[usize]], labels: &[u8]) -> Comparison {
        let test = Dataset {
            shape: Shape::new(1, 1, 1),
            pixels: vec![0; labels.len()],
            labels: labels.to_vec(),
            classes: 2,
            targets: vec![],
        };
        let evaluations: Vec<_> =
            answers.iter().map(|classes| evaluation(classes, labels)).collect();
        let contenders: Vec<_> = evaluations
            .iter()
            .map(|evaluation| Contender {
                name: "<model>".to_owned(),
                evaluation,
                file_bytes: 1000,
                arena_bytes: 20,
                macs: 3,
            })
            .collect();
        Comparison::of(&contenders, &test)
    }

    /// A is right on images 0 to 7, B on 8 and 9 only: 8 to 2, so p = 112 / 1024 and mid-p = 67 /
    /// 1024.
    #[test]
    fn a_pair_by_hand() {
        let labels = [1; 10];
        let a = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0];
        let b = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let comparison = comparison(&[&a, &b], &labels);
        let pair = &comparison.pairs[0];
        assert_eq!(
            (pair.letters, pair.only_right, pair.better),
            (['A', 'B'], [Count(8), Count(2)], None)
        );
        assert!(
            (pair.exact.0 - 112.0 / 1024.0).abs() < 1e-9
                && (pair.mid.0 - 67.0 / 1024.0).abs() < 1e-9,
            "{pair:?}"
        );
        assert_eq!(comparison.models[0].accuracy, Accuracy::of(8, 10));
        assert_eq!(comparison.disagreements.len(), 10);
    }

    /// 6 to 0: mid-p = 1 / 64 = 1.6 %, enough for one pair.
    #[test]
    fn more_pairs_need_more_evidence() {
        let labels = [1; 6];
        let (right, wrong) = ([1; 6], [0; 6]);
        let two = comparison(&[&right, &wrong], &labels);
        assert_eq!(two.pairs[0].better, Some('A'));
        assert!((two.pairs[0].mid.0 - 1.0 / 64.0).abs() < 1e-9);
        // Six pairs: each must stay below 0.83 %.
        let four = comparison(&[&right, &wrong, &wrong, &wrong], &labels);
        assert_eq!(four.pairs.len(), 6);
        assert_eq!(four.pairs[0].better, None);
    }

    #[test]
    fn images_on_which_all_agree_are_left_out() {
        let comparison = comparison(&[&[1, 0, 1], &[1, 0, 0], &[1, 0, 1]], &[1, 1, 0]);
        let numbers: Vec<_> = comparison.disagreements.iter().map(|one| one.image).collect();
        assert_eq!(numbers, [2]);
        let said: Vec<_> = comparison.disagreements[0]
            .said
            .iter()
            .map(|said| (said.letter, said.class, said.right))
            .collect();
        assert_eq!(said, [('A', 1, false), ('B', 0, true), ('C', 1, false)]);
    }

    #[test]
    fn the_page_escapes_names_and_points_nowhere() {
        let html = comparison(&[&[1, 0], &[1, 1]], &[1, 1]).to_html();
        assert!(html.contains("&#60;model&#62;") && !html.contains("<model>"));
        assert!(!html.contains("http:") && !html.contains("https:"));
        assert_eq!(html.matches("class=\"exhibit\"").count(), 1, "{html}");
    }
}
