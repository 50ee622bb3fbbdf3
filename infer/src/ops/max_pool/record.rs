//! The record of a pooling in the model file, and every check of it.

use serde::{Deserialize, Serialize};

use super::MaxPool;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::ops::checks::check_sizes;
use crate::ops::operator::{Place, Record};
use crate::shape::Shape;

/// Maximum over windows of the map that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPoolRecord<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// The map it leaves.
    pub output: Shape,
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Rows of the output that are held at once, from 1 to all of them: see
    /// [`schedule`](crate::schedule).
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub output_at: u32,
}

impl<'m> Record<'m> for MaxPoolRecord<'m> {
    fn place(&self) -> Place<'m> {
        let Self { name, held_rows, output_at, .. } = *self;
        Place { name, held_rows, output_at, scratch_at: output_at }
    }
}

impl MaxPoolRecord<'_> {
    pub(super) fn read(&self, input: Shape) -> Result<MaxPool, LayerProblem> {
        let Self { name, output, size, stride, .. } = *self;
        check_sizes(name, output, &[size, stride])?;
        let rows_read = (output.height as u32 - 1) * stride[0] as u32 + size[0] as u32;
        let columns_read = (output.width as u32 - 1) * stride[1] as u32 + size[1] as u32;
        let inside = rows_read <= input.height as u32 && columns_read <= input.width as u32;
        if !inside || output.channels != input.channels {
            return Err(LayerProblem::OutsideMap);
        }
        if !Feature::MaxPool.is_built() {
            return Err(LayerProblem::NotBuilt);
        }
        Ok(MaxPool { input, output, size, stride })
    }
}
