//! How real values are answered.

use super::picture::Sheet;
use super::plot::{Plot, scatter};
use super::value::{Count, Percent, Real};
use crate::data::Dataset;
use crate::data::target::Target;
use crate::evaluate::regression::{Distance, Regression};

/// Most values whose answers are drawn.
const PLOTS_MAX: usize = 6;

/// Most images in a chart, spread evenly over the set.
const POINTS_MAX: usize = 500;

/// Images that are answered worst.
const WORST: usize = 24;

/// Most values that are spelt out for an image.
const SPELT_MAX: usize = 4;

/// Both models' answers beside the wanted ones.
pub struct Values {
    /// Value by value.
    pub rows: Vec<ValueRow>,
    /// The images that the int8 model answers worst, the worst first.
    pub worst: Vec<Exhibit>,
    /// Whether the images can be shown.
    pub are_pictures: bool,
    /// The same images.
    pub sheet: Sheet,
    /// Mean over the values of the explained variance: float, int8.
    pub explained: [Percent; 2],
}

/// How one value is answered.
pub struct ValueRow {
    /// What it is called.
    pub name: String,
    /// By the float and by the int8 model.
    pub models: [DistanceView; 2],
    /// Mean difference of the two models' answers.
    pub apart: Real,
    /// Wanted and answered values; of the first values.
    pub plot: Option<Plot>,
}

/// How far answers are from what is wanted, in the value's unit.
pub struct DistanceView {
    /// Mean of the differences without their sign.
    pub mean_absolute: Real,
    /// Root of the mean of the squared differences.
    pub root_mean_square: Real,
    /// Share of the variance that is explained.
    pub explained: Percent,
}

/// One image with what is wanted and answered.
pub struct Exhibit {
    /// Its number in the test set, from 0.
    pub image: usize,
    /// The first values: name, wanted, answered by the float and by the int8 model.
    pub said: Vec<(String, [Real; 3])>,
    /// Where it lies in the sheet: pixels of the page to the left and above.
    pub place: [usize; 2],
}

impl From<Distance> for DistanceView {
    fn from(of: Distance) -> Self {
        Self {
            mean_absolute: Real(of.mean_absolute),
            root_mean_square: Real(of.root_mean_square),
            explained: Percent(of.explained),
        }
    }
}

impl Values {
    /// Measures and draws what both models answer on `test`.
    pub fn of(regression: &Regression, test: &Dataset) -> Self {
        let names = Target::names(&regression.targets);
        let distances = regression.distances();
        let mean = |model: usize| {
            let all = distances.iter().map(|of| of[model].explained);
            Percent(all.sum::<f64>() / distances.len().max(1) as f64)
        };
        let (explained, worst) = ([mean(0), mean(1)], worst(regression));
        let are_pictures = is_picture(test.shape);
        let pictures: Vec<&[u8]> =
            worst.iter().filter(|_| are_pictures).map(|image| test.image(*image)).collect();
        let sheet = Sheet::of(test.shape, &pictures);
        let exhibit = |(index, image): (usize, &usize)| Exhibit {
            image: *image,
            said: said(regression, *image),
            place: if are_pictures { sheet.place(index) } else { [0, 0] },
        };
        let row = |(place, of): (usize, [Distance; 2])| ValueRow {
            name: names.of(place),
            models: of.map(DistanceView::from),
            apart: Real(regression.apart(place)),
            plot: (place < PLOTS_MAX).then(|| plot(regression, place, &names.of(place))),
        };
        Self {
            rows: distances.into_iter().enumerate().map(row).collect(),
            worst: worst.iter().enumerate().map(exhibit).collect(),
            are_pictures,
            explained,
            sheet,
        }
    }

    /// Values that are answered.
    pub fn count(&self) -> Count {
        Count(self.rows.len())
    }
}

/// Whether inputs of a shape can be looked at as pictures.
pub(super) fn is_picture(shape: infer::Shape) -> bool {
    [1, 3].contains(&shape.channels) && shape.height.min(shape.width) >= 8
}

/// Numbers of the images that the int8 model answers worst.
fn worst(regression: &Regression) -> Vec<usize> {
    let mut images: Vec<(f64, usize)> =
        (0..regression.images()).map(|image| (regression.squared_error(image), image)).collect();
    images.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.cmp(&two.1)));
    images.into_iter().take(WORST).map(|(_, image)| image).collect()
}

fn said(regression: &Regression, image: usize) -> Vec<(String, [Real; 3])> {
    let (each, names) = (regression.targets.len(), Target::names(&regression.targets));
    let of = |place: usize| {
        let at = image * each + place;
        let values = [&regression.wanted, &regression.float, &regression.int8];
        (names.of(place), values.map(|values| Real(values[at] as f64)))
    };
    (0..each.min(SPELT_MAX)).map(of).collect()
}

fn plot(regression: &Regression, place: usize, name: &str) -> Plot {
    let (each, images) = (regression.targets.len(), regression.images());
    let shown = images.min(POINTS_MAX);
    let pairs = |values: &[f32]| -> Vec<[f64; 2]> {
        let chosen = (0..shown).map(|index| index * images / shown * each + place);
        chosen.map(|at| [regression.wanted[at] as f64, values[at] as f64]).collect()
    };
    let label = format!("Wanted and answered {name} of {shown} test images");
    scatter::draw(label, &pairs(&regression.float), &pairs(&regression.int8))
}

#[cfg(test)]
mod tests {
    use infer::Shape;

    use super::*;

    #[test]
    fn the_worst_answers_come_first() {
        let target = Target { name: "warm".to_owned(), mean: 0.0, deviation: 1.0 };
        let regression = Regression {
            targets: vec![target],
            wanted: vec![0.0, 1.0, 2.0],
            float: vec![0.0, 1.0, 2.0],
            int8: vec![0.5, 1.0, 0.0],
            seconds: 0.0,
        };
        let test = Dataset {
            shape: Shape::new(1, 1, 1),
            pixels: vec![0; 3],
            labels: vec![0; 3],
            classes: 1,
            targets: vec![0.0, 1.0, 2.0],
        };
        let values = Values::of(&regression, &test);
        let order: Vec<usize> = values.worst.iter().map(|exhibit| exhibit.image).collect();
        assert_eq!(order, [2, 0, 1]);
        assert_eq!(values.worst[0].said[0].1.map(|value| value.0), [2.0, 2.0, 0.0]);
        assert_eq!((values.rows[0].name.as_str(), values.explained[0].0), ("warm", 1.0));
        assert!(!values.are_pictures && values.sheet.shown == 0);
    }
}
