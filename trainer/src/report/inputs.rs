//! How inputs are made once more, and which of them come out badly.

use infer::{Model, Native, Reals, Session};

use super::picture::Sheet;
use super::plot::{Plot, errors};
use super::value::{Count, Percent, Real};
use super::values::is_picture;
use crate::data::Dataset;
use crate::data::class_names::ClassNames;
use crate::evaluate::reconstruction::{Detection, Reconstruction};

/// Images that come out worst.
const WORST: usize = 40;

/// Both models' errors.
pub struct Inputs {
    /// Of the float and of the int8 model.
    pub models: [DetectionView; 2],
    /// Error above which the model calls an input unusual.
    pub threshold: Option<Real>,
    /// How the errors of the int8 model are spread.
    pub plot: Option<Plot>,
    /// Whether some test images are unusual.
    pub has_unusual: bool,
    /// The test images that come out worst of the int8 model, the worst first.
    pub worst: Vec<Exhibit>,
    /// Whether the images can be shown.
    pub are_pictures: bool,
    /// The images, each beside what the int8 model makes of it.
    pub sheet: Sheet,
}

/// How errors tell unusual inputs from usual ones.
pub struct DetectionView {
    /// Mean error.
    pub mean: Real,
    /// Area under the curve.
    pub area: Option<String>,
    /// Unusual images above the threshold, and all of them.
    pub found: [Count; 2],
    /// The share of that.
    pub found_share: Percent,
    /// Usual images above the threshold, and all of them.
    pub alarms: [Count; 2],
    /// The share of that.
    pub alarms_share: Percent,
}

/// One image.
pub struct Exhibit {
    /// Its number in the test set, from 0.
    pub image: usize,
    /// What its label is called; empty where there are no labels.
    pub label: String,
    /// Whether it is unusual.
    pub unusual: bool,
    /// Error of the float model.
    pub float: Real,
    /// Error of the int8 model.
    pub int8: Real,
    /// Whether that is above the threshold.
    pub above: bool,
    /// Where it lies in the sheet: pixels of the page to the left and above.
    pub place: [usize; 2],
}

impl From<Detection> for DetectionView {
    fn from(of: Detection) -> Self {
        Self {
            mean: Real(of.mean),
            area: of.area.map(|area| format!("{area:.4}")),
            found: of.found.map(Count),
            found_share: Percent::of(of.found[0], of.found[1]),
            alarms: of.alarms.map(Count),
            alarms_share: Percent::of(of.alarms[0], of.alarms[1]),
        }
    }
}

impl Inputs {
    /// Measures and draws what both models make of `test`.
    pub fn of(of: &Reconstruction, model: &Model<'_>, test: &Dataset, names: &ClassNames) -> Self {
        let worst = worst(of);
        let are_pictures = is_picture(test.shape);
        let pictures = if are_pictures { beside(model, test, &worst) } else { vec![] };
        let mut shape = test.shape;
        shape.width = shape.width.saturating_mul(2);
        let sheet = Sheet::of(shape, &pictures.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let has_labels = test.classes > 1 || names.are_given();
        let exhibit = |(index, image): (usize, &usize)| {
            let label = names.of(test.labels[*image].into());
            Exhibit {
                image: *image,
                label: if has_labels { label } else { String::new() },
                unusual: of.unusual[*image],
                float: Real(of.float[*image].into()),
                int8: Real(of.int8[*image].into()),
                above: of.threshold.is_some_and(|threshold| of.int8[*image] > threshold),
                place: if are_pictures { sheet.place(index) } else { [0, 0] },
            }
        };
        let shown = if are_pictures { sheet.shown } else { worst.len() };
        Self {
            models: of.detections().map(DetectionView::from),
            threshold: of.threshold.map(|threshold| Real(threshold.into())),
            plot: plot(of),
            has_unusual: of.unusual.contains(&true),
            worst: worst.iter().take(shown).enumerate().map(exhibit).collect(),
            are_pictures,
            sheet,
        }
    }
}

/// Numbers of the images that come out worst of the int8 model.
fn worst(of: &Reconstruction) -> Vec<usize> {
    let mut images: Vec<usize> = (0..of.int8.len()).collect();
    images.sort_by(|one, two| of.int8[*two].total_cmp(&of.int8[*one]).then(one.cmp(two)));
    images.truncate(WORST);
    images
}

fn plot(of: &Reconstruction) -> Option<Plot> {
    let errors = |unusual: bool| -> Vec<f32> {
        let pairs = of.int8.iter().zip(&of.unusual);
        pairs.filter(|(_, is)| **is == unusual).map(|(error, _)| *error).collect()
    };
    let [usual, unusual] = [errors(false), errors(true)];
    let label = format!(
        "Errors of the int8 model on {} usual and {} unusual test images",
        usual.len(),
        unusual.len()
    );
    errors::draw(label, &usual, &unusual, of.threshold)
}

/// Each image with what the model makes of it to its right.
fn beside(model: &Model<'_>, test: &Dataset, images: &[usize]) -> Vec<Vec<u8>> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let row = test.shape.row_len();
    let mut picture = |image: &usize| {
        let image = test.image(*image);
        let made = session.run_stored::<Native>(image, &mut ());
        let made = Reals::new(made.expect("the images have been run before"));
        let made: Vec<u8> = made.iter().map(|value| (value * 255.0).round() as u8).collect();
        let rows = image.chunks_exact(row).zip(made.chunks_exact(row));
        rows.flat_map(|(image, made)| [image, made].concat()).collect()
    };
    images.iter().map(&mut picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_come_first() {
        let of = Reconstruction {
            float: vec![0.0; 3],
            int8: vec![0.1, 0.5, 0.3],
            unusual: vec![false; 3],
            threshold: None,
            seconds: 0.0,
        };
        assert_eq!(worst(&of), [1, 2, 0]);
    }
}
