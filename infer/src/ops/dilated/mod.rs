//! Convolution whose taps lie apart: a convolution with two numbers more in its record, computed by
//! the same loops.

use serde::{Deserialize, Serialize};

use super::checks::check_sides;
use super::conv::{Conv, ConvRecord};
use super::operator::{Buffers, Inputs, Operator, Reading, Record, Tensor, Work};
use super::sets::KernelSet;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::shape::Shape;

/// A convolution whose taps lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DilatedRecord {
    /// The convolution; its algorithm is one that computes taps which lie apart.
    pub conv: ConvRecord,
    /// Step from one tap to the next in rows and columns.
    pub dilation: [u8; 2],
}

/// A convolution whose taps lie apart: tap (i, j) of convolved pixel (row, column) lies at input
/// row `origin[0] + row * stride[0] + i * dilation[0]`, and likewise its column.
#[derive(Clone, Copy, Debug)]
pub struct Dilated<'m>(Conv<'m>);

/// The kernels of a set for convolutions whose taps lie apart.
pub trait Kernels: KernelSet {
    /// Convolution, requantisation and pooling.
    fn run(dilated: &Dilated<'_>, buffers: Buffers<'_>);
}

/// [`LayerKind::run`](crate::LayerKind::run) runs it as the convolution that it is.
impl<Set: KernelSet> Kernels for Set {
    fn run(_: &Dilated<'_>, _: Buffers<'_>) {}
}

impl<'m> Dilated<'m> {
    /// The operator of a record that reads `inputs` and makes `output`, still without its numbers.
    pub const fn of(record: &DilatedRecord, inputs: &[Tensor; INPUTS_MAX], output: Tensor) -> Self {
        let conv = Conv::of(&record.conv, inputs, output);
        Self(Conv { dilation: record.dilation, ..conv })
    }

    /// The convolution, with its [`Conv::dilation`].
    pub const fn conv(&self) -> &Conv<'m> {
        &self.0
    }

    pub(crate) const fn with_unchecked(self, channels: &'m [u8], weights: &'m [u8]) -> Self {
        Self(self.0.with_unchecked(channels, weights))
    }

    /// The operator with its numbers: see [`Conv::with_numbers`].
    ///
    /// # Errors
    /// As there.
    pub fn with_numbers(self, channels: &'m [u8], weights: &'m [u8]) -> Result<Self, LayerProblem> {
        self.0.with_numbers(channels, weights).map(Self)
    }

    /// The size of what it makes.
    pub(crate) const fn made(&self) -> Shape {
        self.0.made()
    }

    pub(crate) const fn belongs_to(&self, inputs: &[Shape; INPUTS_MAX]) -> bool {
        self.0.belongs_to(inputs)
    }
}

impl<'m> Operator<'m> for Dilated<'m> {
    type Record = DilatedRecord;

    const IS_BUILT: bool = Feature::Dilation.is_built() && <Conv<'m> as Operator<'m>>::IS_BUILT;
    const PART: Feature = match Feature::Dilation.left_out() {
        Some(part) => part,
        None => <Conv<'m> as Operator<'m>>::PART,
    };

    fn read(record: &DilatedRecord, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
        check_sides(&[record.dilation])?;
        Feature::Dilation.check()?;
        record.conv.read(record.dilation, reading).map(Self)
    }

    fn record(&self, inputs: Inputs) -> DilatedRecord {
        DilatedRecord { conv: self.0.record(inputs), dilation: self.0.dilation }
    }

    fn input(&self, input: usize) -> Shape {
        Operator::input(&self.0, input)
    }

    fn output(&self) -> Tensor {
        Operator::output(&self.0)
    }

    fn row_window(&self, input: usize) -> RowWindow {
        self.0.row_window(input)
    }

    fn slice(&self, slice: &Slice) -> Self {
        Self(Operator::slice(&self.0, slice))
    }

    fn scratch_bytes(&self) -> usize {
        self.0.scratch_bytes()
    }

    fn numbers(&self) -> [&'m [u8]; 2] {
        self.0.numbers()
    }

    fn work(&self) -> Work {
        self.0.work()
    }

    fn left_out(&self) -> Option<Feature> {
        Feature::Dilation.left_out().or_else(|| Operator::left_out(&self.0))
    }

    fn needs(&self, feature: Feature) -> bool {
        feature == Feature::Dilation || Operator::needs(&self.0, feature)
    }
}

impl Record for DilatedRecord {
    fn inputs(&self) -> Inputs {
        self.conv.inputs()
    }
}
