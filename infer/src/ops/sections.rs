//! The sections of a model file: the operators' numbers, one after the other.

use super::checks::SIZE_MAX_BYTES;
use crate::error::LayerProblem;
use crate::quant::Rounding;

/// Sections start at multiples of this many bytes.
pub const SECTION_ALIGNMENT_BYTES: usize = 16;

/// A model file and how far its sections are read.
pub struct Sections<'m> {
    rounding: Rounding,
    file: &'m [u8],
    at: usize,
}

impl<'m> Sections<'m> {
    /// The sections of `file`, a model of this rounding, from byte `at` on.
    pub(crate) const fn new(rounding: Rounding, file: &'m [u8], at: usize) -> Self {
        Self { rounding, file, at }
    }

    /// The channel parameters and the packed weights of a layer.
    pub(crate) fn numbers(
        &mut self,
        channels: u16,
        weight_bytes: u64,
    ) -> Result<(&'m [u8], &'m [u8]), LayerProblem> {
        self.of_bytes(channels as usize * self.rounding.channel_bytes(), weight_bytes)
    }

    /// The same of a layer whose channels have one multiplier and shift, with two roundings.
    pub(crate) fn per_tensor_numbers(
        &mut self,
        channels: u16,
        weight_bytes: u64,
    ) -> Result<(&'m [u8], &'m [u8]), LayerProblem> {
        match self.rounding {
            Rounding::Once => Err(LayerProblem::Algorithm),
            Rounding::Twice => self.of_bytes(Rounding::per_tensor_bytes(channels), weight_bytes),
        }
    }

    fn of_bytes(
        &mut self,
        parameter_bytes: usize,
        weight_bytes: u64,
    ) -> Result<(&'m [u8], &'m [u8]), LayerProblem> {
        let parameters = self.next(parameter_bytes)?;
        if weight_bytes > SIZE_MAX_BYTES as u64 {
            return Err(LayerProblem::TooLarge);
        }
        Ok((parameters, self.next(weight_bytes as usize)?))
    }

    /// The next section, of `bytes` bytes.
    pub(crate) fn next(&mut self, bytes: usize) -> Result<&'m [u8], LayerProblem> {
        let aligned = self.at.checked_next_multiple_of(SECTION_ALIGNMENT_BYTES);
        aligned.and_then(|start| self.zeros_until(start)).ok_or(LayerProblem::SectionMissing)?;
        let rest = self.file.get(self.at..).unwrap_or_default();
        let section = rest.get(..bytes).ok_or(LayerProblem::SectionMissing)?;
        self.at += bytes;
        Ok(section)
    }

    /// Skips padding up to `end`; `None` when the file ends before or a byte is not 0.
    pub(crate) fn zeros_until(&mut self, end: usize) -> Option<()> {
        let padding = self.file.get(self.at..end)?;
        self.at = end;
        padding.iter().all(|byte| *byte == 0).then_some(())
    }

    /// Whether all of the file is read.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.at == self.file.len()
    }
}
