//! Functions of one value, batch normalisation, sums and products.

use super::{Import, Value, layer_name};
use crate::import::float::misfit::Misfit;
use crate::import::float::values::Arithmetic;
use crate::import::onnx::{Attribute, Node};
use crate::ops::{Gelu, HardSwish, LayerKind, Sigmoid, Tanh};

/// Slope of a leaky ReLU below 0 where it is left out.
const LEAKY_SLOPE: f32 = 0.01;

/// Slope and summand of a hard sigmoid where they are left out.
const HARD_SIGMOID: [f32; 2] = [0.2, 0.5];

/// Those of the hard sigmoid in a hard swish.
const HARD_SWISH: [f32; 2] = [1.0 / 6.0, 0.5];

impl<'n, 'a> Import<'n, 'a> {
    /// A function of each value.
    pub(super) fn function(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let name = layer_name(node);
        let kind = match node.operator {
            "Relu" => {
                let tensor = self.sketch.relu(name, value.tensor)?;
                return Ok(value.in_place(tensor));
            }
            "Sigmoid" => LayerKind::Sigmoid(Sigmoid {}),
            "Tanh" => LayerKind::Tanh(Tanh {}),
            "HardSwish" => LayerKind::HardSwish(HardSwish {}),
            "Gelu" => match node.attribute("approximate") {
                None | Some(Attribute::Text(b"none")) => LayerKind::Gelu(Gelu::of(false)),
                Some(Attribute::Text(b"tanh")) => LayerKind::Gelu(Gelu::of(true)),
                _ => return Err("an approximation that is not known: none and tanh are".into()),
            },
            _ => {
                let slope = float(node, "alpha").unwrap_or(LEAKY_SLOPE);
                return self.sketch.leaky_relu(name, &value, slope);
            }
        };
        self.sketch.function(name, &value, kind)
    }

    /// `x`, and below 0 a factor for each channel times `x`.
    pub(super) fn prelu(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let (value, slopes) = (self.value(node, 0)?, self.constant(node, 1)?.clone());
        self.sketch.prelu(layer_name(node), &value, &slopes)
    }

    /// Values cut off below and above.
    pub(super) fn clip(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let bound = |number: usize, name: &str, open: f32| -> Result<f32, Misfit> {
            let input = self.optional(node, number)?.and_then(|array| array.values.first());
            Ok(input.copied().or(float(node, name)).unwrap_or(open))
        };
        let low = bound(1, "min", f32::NEG_INFINITY)?;
        let high = bound(2, "max", f32::INFINITY)?;
        self.sketch.clip(layer_name(node), &value, [low, high])
    }

    /// `clip(alpha * x + beta, 0, 1)`.
    pub(super) fn hard_sigmoid(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let (name, map) = (layer_name(node), value.map());
        let tensor = self.sketch.limited(name, map, hard_sigmoid(node), [0.0, 1.0])?;
        Ok(value.in_place(tensor))
    }

    /// Whether a hard sigmoid is only read by a product with what it reads: `x * sigmoid(x)`.
    pub(super) fn is_half_of_hard_swish(&self, node: &Node<'a>) -> bool {
        let (&[x], &[gate]) = (&node.inputs[..], &node.outputs[..]) else { return false };
        let is_product = |node: &&'n Node<'a>| {
            node.operator == "Mul" && node.inputs.contains(&x) && node.inputs.contains(&gate)
        };
        let [slope, summand] = hard_sigmoid(node);
        let is_exact = (slope - HARD_SWISH[0]).abs() < 1e-6 && summand == HARD_SWISH[1];
        let is_read_once = self.readers.get(gate) == Some(&1);
        is_exact && is_read_once && self.makers.values().any(is_product)
    }

    /// What a product is the hard swish of.
    fn hard_swish_of(&self, node: &Node<'a>) -> Option<Value> {
        let mut makers = node.inputs.iter().filter_map(|name| self.makers.get(name));
        let is_gate = |maker: &&&'n Node<'a>| {
            maker.operator == "HardSigmoid" && self.is_half_of_hard_swish(maker)
        };
        self.values.get(makers.find(is_gate)?.inputs.first()?).cloned()
    }

    /// `(x - mean) / sqrt(variance + epsilon) * scale + bias` for each channel.
    pub(super) fn batch_norm(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        if node.int("training_mode").unwrap_or(0) != 0 {
            return Err("it normalises over a batch: call eval() before the export".into());
        }
        let seen = self.seen(node)?;
        let channels: usize = seen.shape.channels.into();
        let list = |number: usize| {
            let array = self.constant(node, number)?;
            let fits = array.values.len() == channels;
            fits.then_some(&array.values).ok_or(Misfit::from("it has not a number a channel"))
        };
        let [gamma, beta, mean, variance] = [list(1)?, list(2)?, list(3)?, list(4)?];
        let epsilon = float(node, "epsilon").unwrap_or(1e-5);
        let root = |variance: &f32| (f64::from(*variance) + f64::from(epsilon)).sqrt();
        let factors = gamma.iter().zip(variance);
        let factor = |(gamma, variance): (&f32, &f32)| (f64::from(*gamma) / root(variance)) as f32;
        let scale: Vec<f32> = factors.map(factor).collect();
        let summands = beta.iter().zip(mean).zip(&scale);
        let shift: Vec<f32> = summands.map(|((beta, mean), scale)| beta - mean * scale).collect();
        let (name, map) = (layer_name(node), seen.value.map());
        let tensor = self.sketch.affine(name, map, [&scale, &shift])?;
        Ok(Value::fresh(tensor, seen.value.layout))
    }

    /// A sum, difference, product or quotient.
    pub(super) fn arithmetic(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let arithmetic = match node.operator {
            "Add" => Arithmetic::Add,
            "Sub" => Arithmetic::Sub,
            "Mul" => Arithmetic::Mul,
            _ => Arithmetic::Div,
        };
        let name = layer_name(node);
        if let Some(value) = self.hard_swish_of(node).filter(|_| arithmetic == Arithmetic::Mul) {
            return self.sketch.function(name, &value, LayerKind::HardSwish(HardSwish {}));
        }
        self.pair(node, arithmetic)
    }

    /// What is done to the two values that a node reads, one of which may be constant.
    fn pair(&mut self, node: &Node<'a>, arithmetic: Arithmetic) -> Result<Value, Misfit> {
        let name = layer_name(node);
        let constant =
            |number: usize| node.inputs.get(number).and_then(|name| self.constants.get(name));
        match [constant(0), constant(1)] {
            [None, Some(constant)] => {
                let value = self.value(node, 0)?;
                self.sketch.with_constant(name, &value, arithmetic, (constant, true))
            }
            [Some(constant), None] => {
                let value = self.value(node, 1)?;
                self.sketch.with_constant(name, &value, arithmetic, (constant, false))
            }
            [None, None] => {
                let maps = [self.value(node, 0)?, self.value(node, 1)?];
                self.sketch.of_maps(name, arithmetic, maps)
            }
            [Some(_), Some(_)] => Err("it is of constants only: fold them while exporting".into()),
        }
    }

    /// The larger or the smaller of two values; one alone is what it is.
    pub(super) fn extremum(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        match (node.operator, node.inputs.len()) {
            (_, 1) => self.value(node, 0),
            ("Max", 2) => self.pair(node, Arithmetic::Max),
            (_, 2) => self.pair(node, Arithmetic::Min),
            _ => Err("it compares more than two values: export it as several operators".into()),
        }
    }

    /// Maps side by side in their channels.
    pub(super) fn concat(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let values = (0..node.inputs.len()).map(|number| self.value(node, number));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        self.sketch.side_by_side(layer_name(node), &values, node.int("axis").unwrap_or(1))
    }
}

/// Slope and summand of a hard sigmoid.
fn hard_sigmoid(node: &Node<'_>) -> [f32; 2] {
    let [slope, summand] = HARD_SIGMOID;
    [float(node, "alpha").unwrap_or(slope), float(node, "beta").unwrap_or(summand)]
}

/// An option that is a number.
pub(super) fn float(node: &Node<'_>, name: &str) -> Option<f32> {
    match node.attribute(name) {
        Some(Attribute::Float(value)) => Some(*value),
        _ => None,
    }
}
