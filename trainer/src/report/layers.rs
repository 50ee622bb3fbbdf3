//! What quantisation does to each layer, measured on test images: the int8 feature maps against the
//! float ones.

use std::ops::Range;

use infer::{Layer, Model, Observer, Session};

use super::ReportError;
use super::plot::{Plot, weights};
use super::value::{Count, Decibel, Percent, Real, Signed};
use crate::data::Dataset;
use crate::export::Exported;
use crate::float_model::FloatModel;
use crate::forward::Forward;
use crate::inputs::network_inputs;
use crate::model_file::ModelTable;
use crate::quantize::{QuantModel, QuantStage};

/// Most test images that the layers are compared on, spread evenly over the set.
const IMAGES_MAX: usize = 1_000;

/// Most images per forward pass.
const BATCH_IMAGES: usize = 50;

/// One layer's quantisation.
pub struct LayerView {
    /// The layer's name.
    pub name: String,
    /// The map it leaves.
    pub output: String,
    /// Real value of one step of its output.
    pub scale: Real,
    /// The int8 value that stands for 0.
    pub zero_point: Signed,
    /// Smallest and largest real value of one step of a weight over the channels; none for a
    /// pooling.
    pub weight_scales: Option<[Real; 2]>,
    /// Output values at an end of the int8 range that does not stand for 0: they may have been cut
    /// off.
    pub saturated: Percent,
    /// Output values that are exactly 0.
    pub zero: Percent,
    /// Power of the float map over power of the difference.
    pub signal_to_noise: Decibel,
    /// Weights.
    pub weight_count: Count,
    /// How the int8 weights are spread; none for a pooling.
    pub weights: Option<Plot>,
}

/// The test images that the layers are compared on.
pub fn chosen(images: usize) -> Vec<usize> {
    let count = images.min(IMAGES_MAX);
    (0..count).map(|index| index * images / count).collect()
}

/// Compares the stages of a network with the layers of its model on the chosen images.
///
/// # Errors
/// A model file that is refused.
pub fn of_stages(
    float: &FloatModel,
    exported: &Exported,
    images: &Dataset,
    chosen: &[usize],
) -> Result<Vec<LayerView>, ReportError> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(exported.by_stages(), &mut table).map_err(ReportError::Model)?;
    Ok(views(float, &exported.quant, &model, images, chosen))
}

/// The models are of one network, layer for stage.
fn views(
    float: &FloatModel,
    quant: &QuantModel,
    model: &Model<'_>,
    images: &Dataset,
    chosen: &[usize],
) -> Vec<LayerView> {
    let measured = measure(float, quant, model, images, chosen);
    let layers = model.layers().iter().zip(&quant.stages).zip(&measured);
    layers.map(|((layer, stage), measured)| view(layer, stage, measured)).collect()
}

fn view(layer: &Layer<'_>, stage: &QuantStage, measured: &Measured) -> LayerView {
    let scales = stage.weight_scales.iter().copied();
    let bounds = scales.clone().reduce(f64::min).zip(scales.reduce(f64::max));
    let plot = || {
        let label =
            format!("Histogram of the {} int8 weights of {}", stage.weights.len(), layer.name);
        weights::draw(label, &weights::counted(&stage.weights))
    };
    LayerView {
        name: layer.name.to_owned(),
        output: layer.output().to_string(),
        scale: Real(stage.output.scale as f64),
        zero_point: Signed(stage.output.zero_point as i32),
        weight_scales: bounds.map(|(low, high)| [Real(low), Real(high)]),
        saturated: Percent::of(measured.saturated, measured.values),
        zero: Percent::of(measured.zero, measured.values),
        signal_to_noise: Decibel(10.0 * (measured.signal / measured.noise).log10()),
        weight_count: Count(stage.weights.len()),
        weights: (!stage.weights.is_empty()).then(plot),
    }
}

/// Sums over all values of a layer's output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Measured {
    values: usize,
    saturated: usize,
    zero: usize,
    /// Sum of squares of the float values.
    signal: f64,
    /// Sum of squares of the differences.
    noise: f64,
}

impl Measured {
    fn add(&mut self, float: &[f32], int8: &[i8], quant: &QuantStage) {
        let (zero, scale) = (quant.output.zero_point, quant.output.scale);
        for (float, int8) in float.iter().zip(int8) {
            let real = (*int8 as i32 - zero as i32) as f32 * scale;
            self.values += 1;
            self.zero += (*int8 == zero) as usize;
            self.saturated += (*int8 != zero && [i8::MIN, i8::MAX].contains(int8)) as usize;
            self.signal += (*float as f64).powi(2);
            self.noise += (*float as f64 - real as f64).powi(2);
        }
    }
}

fn measure(
    float: &FloatModel,
    quant: &QuantModel,
    model: &Model<'_>,
    images: &Dataset,
    chosen: &[usize],
) -> Vec<Measured> {
    let forward = Forward::new(float);
    let mut arena = vec![0; model.arena_bytes()];
    let mut session =
        Session::new(model, &mut arena).expect("the buffer has the size the model states");
    let mut measured = vec![Measured::default(); quant.stages.len()];
    for batch in chosen.chunks(forward.images_at_once(BATCH_IMAGES)) {
        let mut maps = vec![Vec::new(); quant.stages.len()];
        let inputs = network_inputs(&float.network.input, images, batch);
        forward.run(&inputs, &mut |stage, values| maps[stage] = values.to_vec());
        for (place, index) in batch.iter().enumerate() {
            let mut compare =
                Compare { maps: &maps, quant, place, images: batch.len(), measured: &mut measured };
            let run = session.run_stored::<infer::Native>(images.image(*index), &mut compare);
            run.expect("the images have been run before");
        }
    }
    measured
}

/// Compares each layer's output with the float maps of a batch.
struct Compare<'c> {
    /// Stage by stage, all images of the batch.
    maps: &'c [Vec<f32>],
    quant: &'c QuantModel,
    /// The image's place in the batch.
    place: usize,
    /// Images in the batch.
    images: usize,
    measured: &'c mut [Measured],
}

impl Observer for Compare<'_> {
    fn after(&mut self, index: usize, layer: &Layer<'_>, rows: Range<u16>, values: &[i8]) {
        let len = self.maps[index].len() / self.images;
        debug_assert_eq!(
            len,
            layer.output().len(),
            "both models leave the part of the map that is read"
        );
        let first = self.place * len + rows.start as usize * layer.output().row_len();
        let float = &self.maps[index][first..first + values.len()];
        self.measured[index].add(float, values, &self.quant.stages[index]);
    }
}

#[cfg(test)]
mod tests {
    use infer::format::OutputQuant;
    use infer::packing::WeightBits;

    use super::*;

    #[test]
    fn images_are_spread() {
        assert_eq!(chosen(3), [0, 1, 2]);
        assert_eq!(chosen(10_000)[..3], [0, 10, 20]);
        assert!(chosen(0).is_empty());
    }

    /// Steps of 0.5 from a zero point of -128: 0, 1, cut off at 127.5. The float values are 0,
    /// 1.25, 200.
    #[test]
    fn noise_and_saturation_by_hand() {
        let output = OutputQuant { scale: 0.5, zero_point: -128 };
        let stage = QuantStage::without_weights(output, WeightBits::Eight);
        let mut measured = Measured::default();
        measured.add(&[0.0, 1.25, 200.0], &[-128, -126, 127], &stage);
        let expected = Measured {
            values: 3,
            saturated: 1,
            zero: 1,
            signal: 1.25 * 1.25 + 40_000.0,
            noise: 0.25 * 0.25 + 72.5 * 72.5,
        };
        assert_eq!(measured, expected);
    }
}
