//! The record of a pooling in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::MaxPool;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::ops::checks::check_sides;
use crate::ops::operator::{Inputs, Reading, Record, Tensor};
use crate::schedule::INPUTS_MAX;

/// Maximum over windows of the tensor that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPoolRecord {
    /// The tensor that it reads.
    pub input: u8,
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column at which the first window begins.
    pub origin: [u16; 2],
}

impl Record for MaxPoolRecord {
    fn inputs(&self) -> Inputs {
        Inputs::one(self.input)
    }
}

impl MaxPoolRecord {
    pub(super) fn read(&self, reading: &Reading<'_, '_>) -> Result<MaxPool, LayerProblem> {
        check_sides(&[self.size, self.stride])?;
        let ([input, ..], output) = (reading.inputs, reading.output);
        let pool = MaxPool::of(self, reading.inputs, output);
        if !pool.is_inside() {
            return Err(LayerProblem::OutsideMap);
        }
        if output.quant != input.quant {
            return Err(LayerProblem::OutputQuant);
        }
        Feature::MaxPool.check()?;
        Ok(pool)
    }
}

impl MaxPool {
    /// The operator of a record that reads `inputs` and makes `output`.
    pub const fn of(record: &MaxPoolRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let MaxPoolRecord { size, stride, origin, .. } = *record;
        Self {
            input: inputs[0].shape,
            output: output.shape,
            quant: output.quant,
            size,
            stride,
            origin,
        }
    }

    pub(crate) const fn with_unchecked(self, _: &[u8], _: &[u8]) -> Self {
        self
    }
}
