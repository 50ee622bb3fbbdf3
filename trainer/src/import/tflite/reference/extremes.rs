//! `MAXIMUM`, `MINIMUM` and `REDUCE_MAX`: values are compared as they are.
//!
//! ```text
//! output = the larger, or the smaller, of a and b
//! output = the largest of count values
//! ```
//! TensorFlow Lite's kernels never scale a value here. So the maps have the output's scale and zero
//! point, which is how converters write these operators; others would make no sense.

use super::Kernel;
use super::broadcast::Broadcast;
use super::error::Misfit;
use super::groups::Groups;
use super::node::Node;

/// The larger or the smaller of two values.
pub struct Extremum {
    broadcast: Broadcast,
    is_least: bool,
}

impl Extremum {
    pub fn new(node: Node<'_>, is_least: bool) -> Result<Self, Misfit> {
        node.same_scale(2)?;
        Ok(Self { broadcast: Broadcast::new(node)?, is_least })
    }

    /// That of two values.
    pub fn value(&self, a: i8, b: i8) -> i8 {
        if self.is_least { a.min(b) } else { a.max(b) }
    }
}

impl Kernel for Extremum {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        self.broadcast.map(inputs, |a, b| self.value(a, b))
    }
}

/// The largest value along some dimensions.
pub struct Largest(Groups);

impl Largest {
    pub fn new(node: Node<'_>) -> Result<Self, Misfit> {
        node.same_scale(1)?;
        Groups::new(node).map(Self)
    }
}

impl Kernel for Largest {
    fn run(&self, inputs: &[&[i8]]) -> Vec<i8> {
        let larger = |largest: i32, value: i8| largest.max(value.into());
        let largest = self.0.folded(i8::MIN.into(), inputs[0], larger);
        largest.into_iter().map(|value| value as i8).collect()
    }
}
