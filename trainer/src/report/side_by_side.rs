//! Several models that answer no classes side by side, on the same inputs.

use askama::Template;

use super::comparison::{PairRow, pair_rows};
use super::value::{Count, Percent, Real};
use crate::data::target::Target;
use crate::evaluate::reconstruction::Reconstruction;
use crate::evaluate::regression::Regression;

/// Most values to answer that a table has columns for.
const VALUES_MAX: usize = 4;

/// A model with its answers.
pub struct Contender<'c, Answers> {
    /// Its path as given.
    pub name: String,
    /// What it answers.
    pub answers: &'c Answers,
    /// The file, bytes.
    pub file_bytes: usize,
    /// Working memory without the image, bytes.
    pub arena_bytes: usize,
    /// Multiply-accumulates of one run.
    pub macs: u64,
}

/// Models side by side.
#[derive(Template)]
#[template(path = "report/side_by_side.html")]
pub struct SideBySide {
    /// Test images.
    pub images: Count,
    /// What is measured, apart from file, memory and work.
    pub titles: Vec<String>,
    /// The models, in the order given.
    pub models: Vec<ModelRow>,
    /// Every pair of them.
    pub pairs: Vec<PairRow>,
    /// What counts for one model of a pair and against the other.
    pub better_on: &'static str,
}

/// One model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// `A`, `B`, …: what it is called in what follows.
    pub letter: char,
    /// Its path as given.
    pub name: String,
    /// What is measured.
    pub cells: Vec<String>,
    /// The file, bytes.
    pub file_bytes: Count,
    /// Working memory without the image, bytes.
    pub arena_bytes: Count,
    /// Multiply-accumulates of one run.
    pub macs: Count,
}

impl SideBySide {
    /// Models that answer the same real values, on the same images.
    pub fn of_values(contenders: &[Contender<'_, Regression>]) -> Self {
        let first = contenders.first().map(|contender| contender.answers);
        let targets = first.map_or(&[][..], |of| &of.targets);
        let shown = 0..targets.len().min(VALUES_MAX);
        let names = Target::names(targets);
        let titles = shown.clone().flat_map(|place| {
            ["mean error", "explained"].map(|what| format!("{}: {what}", names.of(place)))
        });
        let cells = |of: &Regression| {
            let distances = of.distances();
            let cells = shown.clone().flat_map(|place| {
                let [_, int8] = distances[place];
                [Real(int8.mean_absolute).to_string(), Percent(int8.explained).to_string()]
            });
            cells.collect()
        };
        let images = first.map_or(0, Regression::images);
        let nearer = |image: usize, pair: [&Regression; 2]| {
            let [first, second] = pair.map(|of| of.squared_error(image));
            [first < second, second < first]
        };
        Self {
            images: Count(images),
            titles: titles.collect(),
            models: rows(contenders, cells),
            pairs: pairs(contenders, images, nearer),
            better_on: "whose answer is nearer",
        }
    }

    /// Autoencoders on the same images. Where none is unusual, nothing tells which is better.
    pub fn of_inputs(contenders: &[Contender<'_, Reconstruction>]) -> Self {
        let titles = ["mean error", "area under curve", "unusual found", "false alarms"];
        let cells = |of: &Reconstruction| {
            let [_, int8] = of.detections();
            let share = |[part, all]: [usize; 2]| format!("{part} of {all}");
            vec![
                Real(int8.mean).to_string(),
                int8.area.map_or("\u{2013}".to_owned(), |area| format!("{area:.4}")),
                share(int8.found),
                share(int8.alarms),
            ]
        };
        let first = contenders.first().map(|contender| contender.answers);
        let has_unusual = first.is_some_and(|of| of.unusual.contains(&true));
        let images = first.map_or(0, |of| of.int8.len());
        let right = |image: usize, pair: [&Reconstruction; 2]| {
            let is_right = pair.map(|of| {
                let is_above = of.threshold.is_some_and(|threshold| of.int8[image] > threshold);
                is_above == of.unusual[image]
            });
            [is_right[0] && !is_right[1], is_right[1] && !is_right[0]]
        };
        Self {
            images: Count(images),
            titles: titles.map(str::to_owned).to_vec(),
            models: rows(contenders, cells),
            pairs: if has_unusual { pairs(contenders, images, right) } else { vec![] },
            better_on: "who alone is right about usual or unusual",
        }
    }

    /// The page.
    pub fn to_html(&self) -> String {
        self.render().expect("writing to a string does not fail")
    }
}

fn rows<Answers>(
    contenders: &[Contender<'_, Answers>],
    cells: impl Fn(&Answers) -> Vec<String>,
) -> Vec<ModelRow> {
    let row = |(letter, of): (char, &Contender<'_, Answers>)| ModelRow {
        letter,
        name: of.name.clone(),
        cells: cells(of.answers),
        file_bytes: Count(of.file_bytes),
        arena_bytes: Count(of.arena_bytes),
        macs: Count(of.macs as usize),
    };
    ('A'..).zip(contenders).map(row).collect()
}

/// Counts for each pair the images that speak for either.
fn pairs<Answers>(
    contenders: &[Contender<'_, Answers>],
    images: usize,
    speaks_for: impl Fn(usize, [&Answers; 2]) -> [bool; 2],
) -> Vec<PairRow> {
    pair_rows(contenders.len(), |pair| {
        let answers = pair.map(|index| contenders[index].answers);
        let mut counts = [0, 0];
        for image in 0..images {
            let of = speaks_for(image, answers);
            counts.iter_mut().zip(of).for_each(|(count, is)| *count += usize::from(is));
        }
        counts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender<Answers>(answers: &Answers) -> Contender<'_, Answers> {
        Contender { name: "<a>".to_owned(), answers, file_bytes: 1, arena_bytes: 2, macs: 3 }
    }

    fn regression(int8: Vec<f32>) -> Regression {
        let target = Target { name: "warm".to_owned(), mean: 0.0, deviation: 1.0 };
        let wanted = vec![0.0, 1.0, 2.0];
        Regression { targets: vec![target], wanted, float: vec![], int8, seconds: 0.0 }
    }

    /// A is nearer twice, B once.
    #[test]
    fn real_values_are_compared_image_by_image() {
        let models = [vec![0.1, 1.0, 4.0], vec![0.2, 1.5, 2.0]].map(regression);
        let of = SideBySide::of_values(&models.each_ref().map(contender));
        assert_eq!(of.titles, ["warm: mean error", "warm: explained"]);
        assert_eq!(of.models[0].cells[0], "0.700");
        assert_eq!(of.pairs[0].only_right, [Count(2), Count(1)]);
        assert_eq!((of.pairs[0].letters, of.pairs[0].better), (['A', 'B'], None));
        assert!(of.to_html().contains("&#60;a&#62;"));
    }

    #[test]
    fn autoencoders_are_compared_where_something_is_unusual() {
        let of = |int8: Vec<f32>| Reconstruction {
            float: vec![],
            int8,
            unusual: vec![false, true],
            threshold: Some(0.5),
            seconds: 0.0,
        };
        let mut models = [of(vec![0.1, 0.9]), of(vec![0.1, 0.2])];
        let found = SideBySide::of_inputs(&models.each_ref().map(contender));
        assert_eq!(found.models[1].cells[1..], ["1.0000", "0 of 1", "0 of 1"]);
        assert_eq!(found.pairs[0].only_right, [Count(1), Count(0)]);
        models.iter_mut().for_each(|model| model.unusual = vec![false; 2]);
        assert!(SideBySide::of_inputs(&models.each_ref().map(contender)).pairs.is_empty());
    }
}
