//! Autoencoders: how far what comes out is from what went in, and how well that tells unusual
//! inputs from usual ones.

use infer::format::OutputQuant;
use infer::quant::quantise_pixel;

use super::{EvaluateError, float_values, int8_outputs};
use crate::data::{DataDir, Dataset};
use crate::float_model::FloatModel;
use crate::inputs::network_inputs;
use crate::statistics::area_under_curve;

/// How float and int8 model make their inputs once more.
#[derive(Clone, Debug)]
pub struct Reconstruction {
    /// Error of the float model on each test image: mean of the squared differences, of values from
    /// 0 to 1.
    pub float: Vec<f32>,
    /// Error of the int8 model on each test image, as a chip computes it.
    pub int8: Vec<f32>,
    /// Which test images have a label that no training image has; all `false` where there are no
    /// labels.
    pub unusual: Vec<bool>,
    /// The error above which the model calls an input unusual, where its file says it.
    pub threshold: Option<f32>,
    /// Wall time of the int8 runs.
    pub seconds: f64,
}

/// How errors tell unusual inputs from usual ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detection {
    /// Mean error of all images.
    pub mean: f64,
    /// Area under the curve of unusual images found over usual ones called unusual, for all
    /// thresholds: 1 tells all apart, 0.5 none. `None` where all images are of one kind.
    pub area: Option<f64>,
    /// Unusual images above the threshold, and all unusual ones.
    pub found: [usize; 2],
    /// Usual images above the threshold, and all usual ones.
    pub alarms: [usize; 2],
}

impl Reconstruction {
    /// How the float and the int8 model tell unusual inputs from usual ones.
    pub fn detections(&self) -> [Detection; 2] {
        [&self.float, &self.int8].map(|errors| self.detection(errors))
    }

    fn detection(&self, errors: &[f32]) -> Detection {
        let of = |wanted: bool| -> Vec<f32> {
            let pairs = errors.iter().zip(&self.unusual);
            pairs.filter(|(_, is)| **is == wanted).map(|(error, _)| *error).collect()
        };
        let [usual, unusual] = [of(false), of(true)];
        let threshold = self.threshold.unwrap_or(f32::INFINITY);
        let above = |errors: &[f32]| {
            [errors.iter().filter(|error| **error > threshold).count(), errors.len()]
        };
        Detection {
            mean: errors.iter().map(|error| *error as f64).sum::<f64>()
                / errors.len().max(1) as f64,
            area: area_under_curve(&usual, &unusual),
            found: above(&unusual),
            alarms: above(&usual),
        }
    }
}

/// Runs both models over the test images on `threads` threads (1 or more).
///
/// # Errors
/// A model that is refused, or images of another size.
pub fn evaluate(
    float: &FloatModel,
    file: &[u8],
    threshold: Option<f32>,
    data: &DataDir,
    threads: usize,
) -> Result<Reconstruction, EvaluateError> {
    let int8 = evaluate_int8(file, threshold, data, threads)?;
    Ok(Reconstruction { float: float_errors(float, &data.test, threads), ..int8 })
}

/// Runs the int8 model alone; the errors of the float model are empty.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_int8(
    file: &[u8],
    threshold: Option<f32>,
    data: &DataDir,
    threads: usize,
) -> Result<Reconstruction, EvaluateError> {
    let begun = std::time::Instant::now();
    let int8 = int8_errors(file, &data.test, threads)?;
    Ok(Reconstruction {
        float: vec![],
        int8,
        unusual: unusual(data),
        threshold,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Which test images have a label that no training image has.
pub fn unusual(data: &DataDir) -> Vec<bool> {
    let mut is_usual = [false; u8::MAX as usize + 1];
    data.train.labels.iter().for_each(|label| is_usual[*label as usize] = true);
    data.test.labels.iter().map(|label| !is_usual[*label as usize]).collect()
}

/// Error of the int8 model on each image.
///
/// # Errors
/// As [`evaluate`].
pub fn int8_errors(
    file: &[u8],
    images: &Dataset,
    threads: usize,
) -> Result<Vec<f32>, EvaluateError> {
    let outputs = int8_outputs(file, images, threads)?;
    let (input, values) = (outputs.input, outputs.reals());
    let each = images.shape.len();
    let pairs = images.pixels.chunks_exact(each).zip(values.chunks_exact(each));
    Ok(pairs.map(|(image, values)| error(input, image, values)).collect())
}

/// Mean of the squared differences of what a network leaves from the stored image, whose values
/// `input` tells, summed up as [`Session::reconstruct`](infer::Session::reconstruct) does.
pub fn error(input: OutputQuant, image: &[u8], values: &[f32]) -> f32 {
    mean_square(image.iter().map(|stored| input.real(quantise_pixel(*stored))), values)
}

fn float_errors(model: &FloatModel, images: &Dataset, threads: usize) -> Vec<f32> {
    let values = float_values(model, images, threads);
    let each = images.shape.len();
    let errors = values.chunks_exact(each).enumerate().map(|(image, values)| {
        mean_square(network_inputs(&model.network.input, images, &[image]).into_iter(), values)
    });
    errors.collect()
}

fn mean_square(inputs: impl Iterator<Item = f32>, values: &[f32]) -> f32 {
    let squares = inputs.zip(values).map(|(input, value)| (input - value) * (input - value));
    squares.sum::<f32>() / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scale::PIXELS;

    #[test]
    fn unusual_images_are_counted_by_the_threshold() {
        let of = Reconstruction {
            float: vec![0.1, 0.2, 0.3, 0.4],
            int8: vec![0.1, 0.5, 0.3, 0.4],
            unusual: vec![false, false, true, true],
            threshold: Some(0.25),
            seconds: 0.0,
        };
        let [float, int8] = of.detections();
        assert_eq!((float.area, float.found, float.alarms), (Some(1.0), [2, 2], [0, 2]));
        assert_eq!((int8.area, int8.found, int8.alarms), (Some(0.5), [2, 2], [1, 2]));
        assert!((float.mean - 0.25).abs() < 1e-6);
        let of = Reconstruction { unusual: vec![false; 4], ..of };
        assert_eq!(of.detections()[1].area, None);
    }

    /// By hand: (0 - 0.5)^2 and (1 - 0.8)^2 in the mean: 0.145.
    #[test]
    fn an_error_by_hand() {
        assert!((error(PIXELS, &[0, 255], &[0.5, 0.8]) - 0.145).abs() < 1e-6);
    }

    /// Stored bytes of 118 and 138 are the int8 values -10 and 10: 0 and 10 in steps of 0.5 from
    /// -10. (0 - 1)^2 and (10 - 7)^2 in the mean: 5.
    #[test]
    fn an_error_of_an_input_with_a_scale_of_its_own() {
        let input = OutputQuant { scale: 0.5, zero_point: -10 };
        assert_eq!(error(input, &[118, 138], &[1.0, 7.0]), 5.0);
    }
}
