//! Which stages' weights are int4, and what that costs.
//!
//! A stage's cost is what it changes of the network's answers when its weights alone are int4:
//!
//! ```text
//! change = root of the mean over images and values of (answer with int4 - answer with int8)^2
//! ```
//!
//! Where flash is short, stages become int4 in the order of `change^2` for each byte that is saved:
//! as long as changes are small and have nothing to do with each other, their squares add up.

mod scale;

use infer::packing::WeightBits;

pub use scale::{INT4_MAX, INT4_MIN, int4_scale};

use crate::calibrate::spread;
use crate::data::Dataset;
use crate::evaluate::{Int8Outputs, int8_outputs};
use crate::export::{Export, ExportError, saved};
use crate::graph::Stage;
use crate::model_file;
use crate::ops::Operator;
use crate::plain_model::PlainModel;
use crate::plan::{FastestError, Miss};

/// Training images on which changes are measured, spread evenly over the set.
const MEASURED_IMAGES: usize = 500;

/// Which stages' weights are int4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Int4 {
    /// Those of which the network's description says so.
    #[default]
    Described,
    /// None.
    None,
    /// All that can be.
    All,
    /// Those of which the description says so, and of the others those that lose least, until the
    /// model with its plan fits the chip.
    Auto,
}

/// A stage whose weights are int4, and what that costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Int4Stage {
    /// Its number.
    pub stage: usize,
    /// Its name.
    pub name: String,
    /// Bytes that its weights take less, planned for any core.
    pub saved_bytes: usize,
    /// What it changes of the network's answers, by itself, in steps of an answer.
    pub change: f64,
}

impl Int4 {
    /// The bits of each stage's weights; those of `automatic` stand for what is chosen later.
    pub fn bits(self, stages: &[Stage], automatic: Self) -> Vec<WeightBits> {
        let of_stage = |stage: &Stage| match if self == Self::Auto { automatic } else { self } {
            Self::None => WeightBits::Eight,
            Self::All => fewest(stage),
            Self::Described | Self::Auto => stage.bits,
        };
        stages.iter().map(of_stage).collect()
    }
}

impl Int4Stage {
    /// What is lost for each byte that is saved.
    fn loss_per_byte(&self) -> f64 {
        self.change * self.change / self.saved_bytes.max(1) as f64
    }
}

/// The bits of each stage's weights, and the stages that are int4.
///
/// # Errors
/// As those of an export; with [`Int4::Auto`] a chip that is too small even for int4.
pub(crate) fn chosen(
    export: &Export<'_>,
) -> Result<(Vec<WeightBits>, Vec<Int4Stage>), ExportError> {
    let stages = export.model.network.stages()?;
    let mut bits = export.options.int4.bits(&stages, Int4::Described);
    let is_int4 = |stage: &usize| bits[*stage] == WeightBits::Four;
    let wanted: Vec<usize> = (0..stages.len()).filter(is_int4).collect();
    let mut int4 = measured(export, &stages, &wanted)?;
    if export.options.int4 == Int4::Auto {
        make_fit(export, &stages, &mut bits, &mut int4)?;
    }
    Ok((bits, int4))
}

/// The fewest bits that a stage's weights can have.
fn fewest(stage: &Stage) -> WeightBits {
    if stage.kind.has_int4() { WeightBits::Four } else { WeightBits::Eight }
}

/// Turns stages to int4, those first that lose least for each byte, until the model fits.
fn make_fit(
    export: &Export<'_>,
    stages: &[Stage],
    bits: &mut [WeightBits],
    int4: &mut Vec<Int4Stage>,
) -> Result<(), ExportError> {
    let Some(mut missed) = miss(export, bits)? else { return Ok(()) };
    let can_be = |stage: &usize| bits[*stage] != fewest(&stages[*stage]);
    let left: Vec<usize> = (0..stages.len()).filter(can_be).collect();
    let mut left = measured(export, stages, &left)?;
    left.sort_by(|a, b| a.loss_per_byte().total_cmp(&b.loss_per_byte()));
    for stage in left {
        bits[stage.stage] = WeightBits::Four;
        int4.push(stage);
        match miss(export, bits)? {
            None => {
                int4.sort_by_key(|stage| stage.stage);
                return Ok(());
            }
            Some(miss) => missed = miss,
        }
    }
    Err(FastestError::Miss(missed).into())
}

/// By how much the model with these bits does not fit the chip; `None` where it does.
fn miss(export: &Export<'_>, bits: &[WeightBits]) -> Result<Option<Miss>, ExportError> {
    let (_, plain) = export.quantised(bits)?;
    // It takes as much room as the threshold that is measured at the end.
    let threshold = export.about.threshold_quantile.map(|_| 0.0);
    match saved(&export.completed(plain, threshold)?, export.options) {
        Ok(_) => Ok(None),
        Err(FastestError::Miss(miss)) => Ok(Some(miss)),
        Err(error) => Err(error.into()),
    }
}

/// What it costs that the weights of each of these stages are int4.
fn measured(
    export: &Export<'_>,
    stages: &[Stage],
    wanted: &[usize],
) -> Result<Vec<Int4Stage>, ExportError> {
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    let chosen = spread(export.training.len(), MEASURED_IMAGES);
    let images = export.training.of(chosen.into_iter());
    let mut bits = vec![WeightBits::Eight; stages.len()];
    let (_, int8) = export.quantised(&bits)?;
    let answers = outputs(&int8, &images)?;
    let mut measured = vec![];
    for stage in wanted {
        bits[*stage] = WeightBits::Four;
        let (_, int4) = export.quantised(&bits)?;
        bits[*stage] = WeightBits::Eight;
        let [before, after] = [packed_bytes(&int8, *stage)?, packed_bytes(&int4, *stage)?];
        measured.push(Int4Stage {
            stage: *stage,
            name: stages[*stage].name.clone(),
            saved_bytes: before.saturating_sub(after),
            change: change(&answers, &outputs(&int4, &images)?),
        });
    }
    Ok(measured)
}

/// Bytes of a layer's weights, planned for any core.
fn packed_bytes(model: &PlainModel, layer: usize) -> Result<usize, ExportError> {
    let layer = &model.layers[layer];
    Ok(model_file::packed_layer(layer, layer.choices()[0])?.len())
}

fn outputs(model: &PlainModel, images: &Dataset) -> Result<Int8Outputs, ExportError> {
    let file = model_file::write(model, &model.direct())?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(int8_outputs(&file, images, threads)?)
}

/// The root of the mean squared difference of answers, in steps of those before.
fn change(before: &Int8Outputs, after: &Int8Outputs) -> f64 {
    let (before_reals, after_reals) = (before.reals(), after.reals());
    let squares = before_reals.iter().zip(&after_reals).map(|(a, b)| f64::from(a - b).powi(2));
    let mean = squares.sum::<f64>() / before_reals.len().max(1) as f64;
    mean.sqrt() / f64::from(before.quant.scale)
}

#[cfg(test)]
mod tests;
