//! What a network takes on a chip, from its description alone: with random weights, which change
//! neither sizes nor, by more than a little, instructions.

use infer::Shape;
use thiserror::Error;

use crate::calibrate::calibrate;
use crate::data::Dataset;
use crate::export::{ExportError, plain_model};
use crate::int4::Int4;
use crate::model_file::WriteModelError;
use crate::network::Network;
use crate::plain_model::{PlainLayer, PlainModel};
use crate::plan::{Budget, Core, Loading, Miss, Plan, front_of};
use crate::quantize::quantize_to;
use crate::train::initial;

/// Why nothing can be said of a network.
#[derive(Debug, Error)]
pub enum EstimateError {
    /// The network cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// No model file can hold it.
    #[error(transparent)]
    Write(#[from] WriteModelError),
}

/// A network as planning sees it.
pub struct Estimate {
    model: PlainModel,
}

/// What a network takes on a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Instructions of a run, flash and working memory in bytes: of the fastest plan that fits, or
    /// of the one that comes closest.
    pub instructions: Option<u64>,
    /// Bytes of flash: model and code.
    pub flash: usize,
    /// Bytes of working memory, without the image.
    pub ram: usize,
    /// Whether it fits.
    pub fits: bool,
}

impl Estimate {
    /// Of a network for images of the shape of its input.
    ///
    /// # Errors
    /// A network that cannot be built or exported.
    pub fn of(network: &Network) -> Result<Self, EstimateError> {
        Self::with(network, Int4::Described)
    }

    /// [`Estimate::of`] with int4 weights where these say so; of [`Int4::Auto`] with as many as
    /// there can be.
    ///
    /// # Errors
    /// As [`Estimate::of`].
    pub fn with(network: &Network, int4: Int4) -> Result<Self, EstimateError> {
        let stages = network.stages().map_err(ExportError::Network)?;
        let bits = int4.bits(&stages, Int4::All);
        let float = initial(network, 0).map_err(ExportError::Network)?;
        let images = some_images(network.input.shape());
        let ranges = calibrate(&float, &images);
        let quant = quantize_to(&float, &ranges, &[], &bits).map_err(ExportError::Quantize)?;
        Ok(Self { model: plain_model(&float, quant, images.shape)? })
    }

    /// All plans for a core.
    ///
    /// # Errors
    /// A model that no file can hold.
    pub fn plans(&self, core: Core, loading: Loading) -> Result<Vec<Plan>, EstimateError> {
        Ok(front_of(&self.model, core, loading)?)
    }

    /// The layer whose weights take most of the flash, with their bytes.
    pub fn heaviest(&self) -> Option<(&str, usize)> {
        let layers = self.model.layers.iter();
        layers.map(|layer| (&*layer.name, layer.weight_bytes())).max_by_key(|(_, bytes)| *bytes)
    }

    /// The layer whose inputs and output take most memory together, with both in bytes.
    pub fn widest(&self) -> Option<(&str, [usize; 2])> {
        let read =
            |layer: &PlainLayer| layer.inputs.iter().map(|edge| edge.tensor.shape.len()).sum();
        let maps = |layer: &PlainLayer| [read(layer), layer.output.shape.len()];
        let layers = self.model.layers.iter().map(|layer| (&*layer.name, maps(layer)));
        layers.max_by_key(|(_, [input, output])| input + output)
    }
}

impl Row {
    /// The best of the plans within a budget.
    pub fn of(plans: &[Plan], budget: Budget) -> Self {
        match budget.choose(plans) {
            Ok(index) => {
                let plan = &plans[index];
                Self {
                    instructions: Some(plan.instructions.round() as u64),
                    flash: plan.flash,
                    ram: plan.ram,
                    fits: true,
                }
            }
            Err(Miss { flash, ram, .. }) => Self { instructions: None, flash, ram, fits: false },
        }
    }
}

/// Two images, so that no map is all zeros: one bright, one of stripes.
fn some_images(shape: Shape) -> Dataset {
    let stripes = (0..shape.len()).map(|place| (place * 37 % 256) as u8);
    let pixels = std::iter::repeat_n(200, shape.len()).chain(stripes).collect();
    Dataset { shape, pixels, labels: vec![0, 0], classes: 1, targets: vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn the_standard_network_fits_an_m4_and_not_a_small_m0() {
        let network = Preset::load("standard").unwrap().network;
        let estimate = Estimate::of(&network).unwrap();
        let row = |core, flash, ram| {
            let budget = Budget { flash: Some(flash), ram: Some(ram) };
            Row::of(&estimate.plans(core, Loading::OnChip).unwrap(), budget)
        };
        let m4 = row(Core::M4, 512 << 10, 16 << 10);
        assert!(m4.fits && m4.ram <= 16 << 10, "{m4:?}");
        // The tutorial's model, whose weights were trained, took 545,640.
        assert!((520_000..570_000).contains(&m4.instructions.unwrap()), "{m4:?}");
        let small = row(Core::M0, 64 << 10, 4 << 10);
        assert!(!small.fits && small.flash > 64 << 10, "{small:?}");
        assert_eq!(estimate.heaviest(), Some(("conv3", 36_864)));
        assert_eq!(estimate.widest().unwrap().0, "conv2");
    }
}
