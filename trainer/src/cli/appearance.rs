//! What the images look like that a model was trained on: the model decides, not the picture.

use infer::Model;

use crate::data::appearance::Appearance;
use crate::data::metadata::Preparation;
use crate::data::picture::Look;
use crate::data::record::DataRecord;

/// If the strokes of one image lie at most this many pixels beside its middle, those of all images
/// are taken to lie in the middle.
const CENTRED: f64 = 1.5;

/// What the model file says, or the record beside it. If neither does, what the image of the
/// self-test looks like, which is the first of the training set.
pub(super) fn of(record: Option<&DataRecord>, model: &Model<'_>) -> Look {
    if let Some(Preparation { appearance, resize, .. }) = Preparation::of_model(model.metadata()) {
        return Look { appearance, resize };
    }
    match record {
        Some(record) => Look { appearance: record.appearance, resize: record.reading.resize },
        None => Look { appearance: of_self_test(model), ..Look::default() },
    }
}

fn of_self_test(model: &Model<'_>) -> Option<Appearance> {
    let shape = model.image_shape();
    let one = Appearance::of(shape, model.self_test()?.image)?;
    let middle = [shape.height, shape.width].map(|side| (side as f64 - 1.0) / 2.0);
    let is_central =
        |centre: [f64; 2]| (0..2).all(|axis| (centre[axis] - middle[axis]).abs() <= CENTRED);
    // Where one image has its strokes elsewhere, others may have them anywhere.
    match one.centre.is_some_and(is_central) {
        true => Some(one),
        false => Some(Appearance { side: None, centre: None, ..one }),
    }
}
