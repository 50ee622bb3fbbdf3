//! Layers as files describe them, made of what the trainer has. A convolution whose taps lie apart
//! in both directions has zeros between them. Values cut off anywhere are a ReLU6 of another scale.

use std::ops::Range;

use infer::Shape;
use infer::packing::WeightBits;

use super::array::Array;
use super::layout::Side;
use super::misfit::Misfit;
use super::moving::{Moving, count, extent};
use super::sketch::Sketch;
use crate::float_model::StageWeights;
use crate::network::Padding;
use crate::ops::{LayerKind, Relu, Relu6, average_pool, conv, dense, depthwise, max_pool};

/// Said of weights beyond the limit.
const TOO_MANY: &str = "more weights than a layer can have";

/// Largest value after a ReLU6.
const RELU6_MAX: f32 = 6.0;

/// A map, and whether nothing else reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Map {
    /// Its number in the sketch.
    pub tensor: usize,
    /// Whether the layer that is drawn next alone reads it.
    pub is_sole: bool,
}

impl Map {
    /// What a layer has just left.
    const fn fresh(tensor: usize) -> Self {
        Self { tensor, is_sole: true }
    }
}

/// What rows or columns become one by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reduction {
    /// Their mean.
    Mean,
    /// The largest of them.
    Max,
}

impl Sketch {
    /// A convolution with the taps `[row][column][channel][output]`.
    pub fn conv(
        &mut self,
        name: &str,
        map: Map,
        moving: Moving,
        taps: &Array,
        bias: Vec<f32>,
    ) -> Result<usize, Misfit> {
        let (tensor, border) = self.without_border(map.tensor, map.is_sole);
        let moving = moving.around(border);
        let ([rows, columns], [down, right]) = (moving.kernel, moving.dilation);
        let is_spread = right > 1 && rows > 1 && columns > 1;
        let (spread, dilation) =
            if is_spread { ([1, right], [down, 1]) } else { ([1, 1], [down, right]) };
        let reach = [rows, if is_spread { moving.reach(1) } else { columns }];
        let kind = LayerKind::Conv(conv::Layer {
            filters: count(bias.len())?,
            kernel: extent(reach)?,
            stride: extent(moving.stride)?,
            dilation: extent(dilation)?,
            padding: moving.padding()?,
            activation: None,
            weights: WeightBits::Eight,
        });
        let weights = StageWeights { weights: taps.spread(spread).ok_or(TOO_MANY)?, bias };
        self.push(name, &[tensor], kind, Some(weights))
    }

    /// A depthwise convolution with the taps `[row][column][output]`.
    pub fn depthwise(
        &mut self,
        name: &str,
        map: Map,
        moving: Moving,
        taps: &Array,
        bias: Vec<f32>,
    ) -> Result<usize, Misfit> {
        let channels = usize::from(self.shape(map.tensor).channels).max(1);
        let (tensor, border) = self.without_border(map.tensor, map.is_sole);
        let moving = moving.around(border);
        let kind = LayerKind::Depthwise(depthwise::Layer {
            kernel: extent([moving.reach(0), moving.reach(1)])?,
            stride: extent(moving.stride)?,
            padding: moving.padding()?,
            multiplier: count(bias.len() / channels)?.max(1),
            activation: None,
        });
        let weights = taps.spread(moving.dilation).ok_or(TOO_MANY)?;
        let weights = StageWeights { weights, bias };
        self.push(name, &[tensor], kind, Some(weights))
    }

    /// A dense layer with weights `[input][unit]`, the inputs in the order of a map's memory.
    pub fn dense(
        &mut self,
        name: &str,
        tensor: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<usize, Misfit> {
        if weights.len() != self.shape(tensor).len() * bias.len() {
            return Err("weights that do not fit the map".into());
        }
        let kind = LayerKind::Dense(dense::Layer::of(count(bias.len())?));
        self.push(name, &[tensor], kind, Some(StageWeights { weights, bias }))
    }

    /// Weights `[channel][output]` times the channels of each pixel.
    pub fn product(
        &mut self,
        name: &str,
        tensor: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<usize, Misfit> {
        let channels = usize::from(self.shape(tensor).channels);
        if weights.len() != channels * bias.len() {
            return Err("weights that do not fit the map".into());
        }
        let taps = Array { shape: vec![1, 1, channels, bias.len()], values: weights };
        self.conv(name, Map { tensor, is_sole: false }, Moving::POINT, &taps, bias)
    }

    /// Rows, columns or channels of a map, those of a range: a depthwise convolution of taps that
    /// are 0 but for one, or one of one tap for channels.
    pub fn part(
        &mut self,
        name: &str,
        tensor: usize,
        side: Side,
        range: &Range<usize>,
    ) -> Result<usize, Misfit> {
        let shape = self.shape(tensor);
        let channels: usize = shape.channels.into();
        if *range == (0..side.of(shape)) {
            return Ok(tensor);
        }
        if side == Side::Channel {
            let of = |channel| range.clone().map(move |taken| f32::from(taken == channel));
            let weights = (0..channels).flat_map(of).collect();
            return self.product(name, tensor, weights, vec![0.0; range.len()]);
        }
        let taps = side.of(shape) - range.len() + 1;
        let mut values = vec![0.0; taps * channels];
        values[range.start * channels..][..channels].fill(1.0);
        let kernel = if side == Side::Row { [taps, 1] } else { [1, taps] };
        let taps = Array { shape: vec![kernel[0], kernel[1], channels], values };
        let moving = Moving { kernel, ..Moving::POINT };
        let map = Map { tensor, is_sole: false };
        self.depthwise(name, map, moving, &taps, vec![0.0; channels])
    }

    /// The largest value of each window. What lies beyond the edge counts as zeros, which change
    /// nothing where no value is negative.
    pub fn max_pool(&mut self, name: &str, map: usize, moving: &Moving) -> Result<usize, Misfit> {
        let border = moving.border()?;
        if border != [0; 4] && !self.is_never_negative(map) {
            return Err(
                "it reaches beyond the edge of a map whose values may be negative: use no \
                        padding, or a ReLU before it"
                    .into(),
            );
        }
        let tensor = self.pad(name, map, border)?;
        let [size, stride] = [extent(moving.kernel)?, extent(moving.stride)?];
        let kind = LayerKind::MaxPool(max_pool::Layer { size, stride: Some(stride) });
        self.push(name, &[tensor], kind, None)
    }

    /// The mean of each window, of which the border counts for nothing.
    pub fn average_pool(
        &mut self,
        name: &str,
        map: usize,
        moving: &Moving,
    ) -> Result<usize, Misfit> {
        let (size, stride) = (Some(extent(moving.kernel)?), Some(extent(moving.stride)?));
        let layer = average_pool::Layer { size, stride, padding: moving.padding()? };
        self.push(name, &[map], LayerKind::AveragePool(layer), None)
    }

    /// The mean or the largest of all rows, of all columns or of both.
    pub fn reduced(
        &mut self,
        reduction: Reduction,
        name: &str,
        map: usize,
        [rows, columns]: [bool; 2],
    ) -> Result<usize, Misfit> {
        let Shape { height, width, .. } = self.shape(map);
        let [rows, columns] = [rows && height > 1, columns && width > 1];
        let is_all = (rows || height == 1) && (columns || width == 1);
        let side = |is_asked, length: u16| if is_asked { length.into() } else { 1 };
        if !rows && !columns {
            return Ok(map);
        }
        let size = extent([side(rows, height), side(columns, width)])?;
        let kind = match reduction {
            Reduction::Mean => {
                let size = Some(size).filter(|_| !is_all);
                let padding = Padding::Valid;
                LayerKind::AveragePool(average_pool::Layer { size, stride: None, padding })
            }
            Reduction::Max => LayerKind::MaxPool(max_pool::Layer { size, stride: None }),
        };
        self.push(name, &[map], kind, None)
    }

    /// `max(x, 0)`; nothing of the network's input, which is never negative.
    pub fn relu(&mut self, name: &str, map: usize) -> Result<usize, Misfit> {
        match map {
            0 => Ok(0),
            _ => self.push(name, &[map], LayerKind::Relu(Relu {}), None),
        }
    }

    /// `clip(scale * x + shift, low, high)`, as a ReLU6 of another scale.
    pub fn limited(
        &mut self,
        name: &str,
        map: Map,
        [scale, shift]: [f32; 2],
        [low, high]: [f32; 2],
    ) -> Result<usize, Misfit> {
        let step = (high - low) / RELU6_MAX;
        let before = [scale / step, (shift - low) / step];
        let tensor =
            if before == [1.0, 0.0] { map.tensor } else { self.scaled(name, map, before)? };
        let tensor = self.push(name, &[tensor], LayerKind::Relu6(Relu6 {}), None)?;
        match [step, low] {
            [1.0, 0.0] => Ok(tensor),
            after => self.scaled(name, Map::fresh(tensor), after),
        }
    }

    /// The same factor and summand for all channels.
    fn scaled(&mut self, name: &str, map: Map, numbers: [f32; 2]) -> Result<usize, Misfit> {
        let channels = self.shape(map.tensor).channels.into();
        let [scale, shift] = numbers.map(|number| vec![number; channels]);
        self.affine(name, map, [&scale, &shift])
    }
}
