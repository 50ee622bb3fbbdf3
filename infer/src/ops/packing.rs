//! How weights lie in the file: what the packings of several operators share.

/// A buffer given to a packing function does not have the layer's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeMismatch;

impl core::fmt::Display for SizeMismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(
            "the weights or their packed form do not have the size that the layer gives them",
        )
    }
}

impl core::error::Error for SizeMismatch {}

/// Bytes in `count` runs of `run` bytes each, whose first bytes are `step` bytes apart.
pub struct Runs {
    pub start: usize,
    pub step: usize,
    pub run: usize,
    pub count: usize,
}

impl Runs {
    pub const fn one(start: usize, bytes: usize) -> Self {
        Self { start, step: bytes, run: bytes, count: 1 }
    }

    pub fn of<'p>(&self, packed: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let run = self.run;
        let steps =
            packed.get(self.start..).unwrap_or_default().chunks(self.step.max(1)).take(self.count);
        steps.filter_map(move |bytes| bytes.get(..run))
    }

    /// Sum of the sizes of int8 values.
    #[inline(never)]
    pub fn magnitude(&self, packed: &[u8]) -> u64 {
        let from_start = packed.get(self.start..).unwrap_or_default();
        match self {
            Self { run: 1, step, count, .. } => {
                let values = from_start.iter().step_by((*step).max(1)).take(*count);
                values.map(|byte| size(*byte as i8) as u64).sum()
            }
            Self { count: 1, run, .. } => {
                let run = from_start.get(..*run).unwrap_or_default();
                run.chunks(SUMMED_MAX).map(sum_of_sizes).sum()
            }
            _ => self.of(packed).map(sum_of_sizes).sum(),
        }
    }
}

/// Most values whose sizes are summed in 32 bits: 128 * 2^24 is 2^31.
const SUMMED_MAX: usize = 1 << 24;

/// Sum of the sizes of at most [`SUMMED_MAX`] int8 values.
#[inline(always)]
fn sum_of_sizes(packed: &[u8]) -> u64 {
    packed.iter().map(|byte| size(*byte as i8)).sum::<u32>() as u64
}

/// Size of a weight.
pub const fn size(weight: i8) -> u32 {
    weight.unsigned_abs() as u32
}

pub fn put<const BYTES: usize>(packed: &mut [u8], place: usize, value: [u8; BYTES]) {
    if let Some(bytes) = packed.get_mut(place..place + BYTES) {
        bytes.copy_from_slice(&value);
    }
}

pub fn get<const BYTES: usize>(packed: &[u8], place: usize) -> [u8; BYTES] {
    packed.get(place..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; BYTES])
}
