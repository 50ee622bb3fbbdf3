//! Two maps of which one may be smaller: its dimensions of 1 are read again and again.

use super::error::Misfit;
use super::node::Node;

/// For each value of the output the places of both inputs.
pub struct Broadcast(Vec<[u32; 2]>);

impl Broadcast {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        let output = &node.output()?.shape;
        let strides = [
            strides(&node.input(0)?.shape, output.len()),
            strides(&node.input(1)?.shape, output.len()),
        ];
        let mut places = vec![[0; 2]];
        for (dimension, side) in output.iter().enumerate() {
            let step = [strides[0][dimension], strides[1][dimension]];
            let along = |[a, b]: [u32; 2]| {
                (0..*side as u32).map(move |index| [a + index * step[0], b + index * step[1]])
            };
            places = places.into_iter().flat_map(along).collect();
        }
        Ok(Self(places))
    }

    /// Makes one value of each pair.
    pub fn map(&self, inputs: &[&[i8]], mut combine: impl FnMut(i8, i8) -> i8) -> Vec<i8> {
        let pairs = self.0.iter();
        pairs.map(|[a, b]| combine(inputs[0][*a as usize], inputs[1][*b as usize])).collect()
    }
}

/// Values from one index to the next, for each of `rank` dimensions; 0 where there is only one.
fn strides(shape: &[usize], rank: usize) -> Vec<u32> {
    let mut strides = vec![0; rank];
    let mut stride = 1;
    for (place, side) in strides.iter_mut().rev().zip(shape.iter().rev()) {
        if *side != 1 {
            *place = stride;
        }
        stride *= *side as u32;
    }
    strides
}
