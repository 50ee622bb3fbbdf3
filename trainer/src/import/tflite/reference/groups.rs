//! Values that become one: those along some dimensions of a map.

use super::error::Misfit;
use super::node::Node;

/// For each value of the output the values that it is made of, as many for each.
pub struct Groups {
    /// For each value of the input which value of the output it belongs to.
    to: Vec<u32>,
    outputs: usize,
}

impl Groups {
    /// Along the dimensions that the operator's second input names.
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let shape = &node.input(0)?.shape;
        let rank = shape.len() as i64;
        let axes = node.integers(1)?;
        let reduced = |dimension: usize| {
            axes.iter().any(|axis| (axis + if *axis < 0 { rank } else { 0 }) == dimension as i64)
        };
        let mut to = vec![0_u32];
        for (dimension, side) in shape.iter().enumerate() {
            let kept = u32::from(!reduced(dimension));
            let along = |place: u32| {
                let scale = if kept == 1 { *side as u32 } else { 1 };
                (0..*side as u32).map(move |index| place * scale + kept * index)
            };
            to = to.into_iter().flat_map(along).collect();
        }
        let outputs = node.output()?.elements();
        let is_whole = outputs > 0 && to.len() >= outputs;
        if is_whole { Ok(Self { to, outputs }) } else { Err(Misfit::Count) }
    }

    /// How many values become one.
    pub fn count(&self) -> usize {
        self.to.len() / self.outputs
    }

    /// What all values of each group make of `start`.
    pub fn folded(&self, start: i32, values: &[i8], combine: impl Fn(i32, i8) -> i32) -> Vec<i32> {
        let mut made = vec![start; self.outputs];
        for (value, to) in values.iter().zip(&self.to) {
            made[*to as usize] = combine(made[*to as usize], *value);
        }
        made
    }
}
