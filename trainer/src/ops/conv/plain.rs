//! A convolution in integers: its record, and as `infer` runs it.

use infer::format::{ConvRecord, DilatedRecord, OperatorRecord};
use infer::quant::ChannelParameters;
use infer::{Conv, LayerProblem, Shape};

use super::{Algorithm, terms};
use crate::ops::{Choice, Mixing, PlainKind, PlainOperator, Running, Term, leaves_map, refused};

/// A convolution with the pooling that follows it; fields as in [`ConvRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Step from one tap to the next in rows and columns: a record of its own has it unless that is
    /// 1, 1.
    pub dilation: [u8; 2],
    /// Input row and column under the first tap of the first output.
    pub origin: [i16; 2],
    /// Rows and columns of the pooling window.
    pub pool: [u8; 2],
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        Algorithm::ALL.to_vec()
    }

    fn mixing(&self, input: Shape, output: Shape) -> Mixing {
        let axis = |axis: usize, inputs: u16, outputs: u16| {
            let Self { kernel, stride, dilation, origin, pool } = *self;
            let [kernel, stride, dilation, pool] =
                [kernel, stride, dilation, pool].map(|of| i32::from(of[axis]));
            let outputs = i32::from(outputs) * pool;
            let window = [i32::from(origin[axis]), kernel, dilation, stride];
            leaves_map(window, [inputs.into(), outputs])
        };
        let is_padded = axis(0, input.height, output.height) || axis(1, input.width, output.width);
        Mixing::All { is_padded }
    }

    fn record(&self, inputs: &[u8], algorithm: Algorithm) -> OperatorRecord {
        let Self { kernel, stride, dilation, origin, pool } = *self;
        let input = inputs[0];
        let conv = ConvRecord { input, kernel, stride, origin, pool, algorithm };
        match dilation {
            [1, 1] => OperatorRecord::Conv(conv),
            _ => OperatorRecord::Dilated(DilatedRecord { conv, dilation }),
        }
    }
}

impl Running for Conv<'_> {
    fn choice(&self) -> Choice {
        Choice::Conv(self.algorithm)
    }

    fn plain(&self) -> PlainKind {
        let Conv { kernel, stride, dilation, origin, pool, .. } = *self;
        PlainKind::Conv(Plain { kernel, stride, dilation, origin, pool })
    }

    fn channels(&self) -> Vec<ChannelParameters> {
        self.channel_parameters().collect()
    }

    fn weights(&self) -> Vec<i8> {
        let row = |channel| (0..self.taps()).map(move |tap| self.weight(channel, tap));
        (0..self.output.channels as usize).flat_map(row).collect()
    }

    fn pack(&self, channels: &[u8], weights: &[i8]) -> Result<Vec<u8>, LayerProblem> {
        if !self.algorithm.fits(self) {
            return Err(LayerProblem::Algorithm);
        }
        let filters = self.filters();
        let mut packed = vec![0; filters.packed_bytes() as usize];
        filters.pack(weights, &mut packed).map_err(refused)?;
        self.with_numbers(channels, &packed)?;
        Ok(packed)
    }

    fn terms(&self) -> Vec<Term> {
        terms::of(self)
    }

    /// `conv 3x3 stride 2x2, pool 2x2 (Direct)`.
    fn describe(&self) -> String {
        let by = |[rows, columns]: [u8; 2]| format!("{rows}x{columns}");
        let unless_one = |word: &str, size: [u8; 2]| match size {
            [1, 1] => String::new(),
            size => format!("{word}{}", by(size)),
        };
        let (stride, pool) =
            (unless_one(" stride ", self.stride), unless_one(", pool ", self.pool));
        let dilation = unless_one(" dilation ", self.dilation);
        format!("conv {}{stride}{dilation}{pool} ({:?})", by(self.kernel), self.algorithm)
    }
}
