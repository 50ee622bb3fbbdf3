//! The loops of training: forward and backward of a layer that multiplies weights. A convolution
//! and a dense layer are the same loop over *positions*: places in a map under which a kernel's
//! taps lie.
//!
//! The algorithm is written once, over a vector of sixteen floats; an instruction set supplies its
//! operations. Lanes are outputs going forward and taps going backward, never parts of one sum, so
//! every sum keeps its order on every instruction set.

mod aligned;
mod backward;
mod channel_blocks;
mod dispatch;
mod forward;
mod gather;
mod map_gradient;
mod outer_products;
mod prefetch;
mod product;
mod terms;
mod vector;

pub use aligned::Aligned;
pub use backward::{Gradient, InputGradient, backward};
pub use dispatch::Loops;
pub use forward::forward;
pub use gather::gather;
pub use prefetch::prefetch;
pub use vector::LANES;

use channel_blocks::ChannelBlocks;

/// An instruction set that the kernels are written for, whether a machine has it or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// AVX-512F, with AVX2 and FMA; x86-64.
    Avx512,
    /// AVX2 and FMA, x86-64.
    Avx2,
    /// NEON, aarch64.
    Neon,
    /// Plain Rust; its results differ from the others' in the last bits.
    Plain,
}

/// The instruction set the kernels use, which this machine has: only [`InstructionSet::detect`] and
/// [`InstructionSet::available`] make one, so no safe code runs instructions that are not there.
///
/// ```
/// use trainer::kernels::{Extension, InstructionSet};
///
/// let set = InstructionSet::detect();
/// assert_eq!(set == InstructionSet::PLAIN, set.extension() == Extension::Plain);
/// ```
///
/// Naming one does not make one:
///
/// ```compile_fail,E0423
/// use trainer::kernels::{Extension, InstructionSet};
///
/// let set = InstructionSet(Extension::Avx512);
/// ```
///
/// ```compile_fail,E0599
/// let set = trainer::kernels::InstructionSet::Avx512;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstructionSet(Extension);

/// Name of the environment variable that forces an instruction set: `avx512`, `avx2`, `neon` or
/// `plain`.
pub const INSTRUCTION_SET_VARIABLE: &str = "KINDLING_INSTRUCTION_SET";

impl InstructionSet {
    /// What every machine has.
    pub const PLAIN: Self = Self(Extension::Plain);

    /// The best one of this machine, or the one that the environment forces; plain Rust where that
    /// is [not there](Self::missing).
    pub fn detect() -> Self {
        let forced = forced();
        let wanted = |set: &Self| forced.as_deref().is_none_or(|name| name == set.name());
        Self::available().into_iter().find(wanted).unwrap_or(Self::PLAIN)
    }

    /// What the environment forces, when this machine has no such set.
    pub fn missing() -> Option<String> {
        forced().filter(|name| Self::available().iter().all(|set| set.name() != name))
    }

    /// All that this machine has, best first; ends with [`InstructionSet::PLAIN`].
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 =
                std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
            if has_avx2 && std::is_x86_feature_detected!("avx512f") {
                sets.push(Self(Extension::Avx512));
            }
            if has_avx2 {
                sets.push(Self(Extension::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        sets.push(Self(Extension::Neon));
        sets.push(Self::PLAIN);
        sets
    }

    /// Which one it is.
    pub const fn extension(self) -> Extension {
        self.0
    }

    /// Name, as the environment variable takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Extension::Avx512 => "avx512",
            Extension::Avx2 => "avx2",
            Extension::Neon => "neon",
            Extension::Plain => "plain",
        }
    }
}

fn forced() -> Option<String> {
    std::env::var_os(INSTRUCTION_SET_VARIABLE).map(|name| name.to_string_lossy().into_owned())
}

/// How the taps of one position lie in the map it reads: `rows` runs of `run` floats, `row_step`
/// apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Runs.
    pub rows: usize,
    /// Floats from one run to the next.
    pub row_step: usize,
    /// Floats of a run.
    pub run: usize,
    /// Floats of a run's tap from one column to the next.
    pub channels: usize,
}

impl Reach {
    /// Taps of a position.
    pub const fn taps(&self) -> usize {
        self.rows * self.run
    }

    /// Taps of a run, of all its channels each.
    pub const fn columns(&self) -> usize {
        self.run / self.channels
    }

    /// Floats from a position's first tap to after its last.
    pub const fn span(&self) -> usize {
        (self.rows - 1) * self.row_step + self.run
    }
}

/// Weights in the orders that the kernels read.
#[derive(Clone, Debug)]
pub struct Weights {
    /// `[output][tap]`.
    pub rows: Aligned,
    /// `[output / 16][tap][output % 16]`, filled up with zeros.
    packed: Aligned,
    /// One per output.
    pub bias: Vec<f32>,
    /// The same, filled up with zeros to whole vectors.
    packed_bias: Aligned,
    /// For the map's gradient, where it has been asked for.
    channel_blocks: Option<ChannelBlocks>,
    /// Those of the convolutions that compute the map's gradient, where it goes that way.
    pub transposed: Vec<Weights>,
    taps: usize,
}

impl Weights {
    /// Packs `rows`, `[output][tap]`.
    pub fn new(rows: &[f32], bias: Vec<f32>) -> Self {
        let taps = rows.len() / bias.len().max(1);
        let mut packed = Aligned::zeros(bias.len().next_multiple_of(LANES) * taps);
        for (output, row) in rows.chunks_exact(taps.max(1)).enumerate() {
            let block = &mut packed[output / LANES * taps * LANES..];
            for (tap, weight) in row.iter().enumerate() {
                block[tap * LANES + output % LANES] = *weight;
            }
        }
        let mut packed_bias = Aligned::zeros(bias.len().next_multiple_of(LANES));
        packed_bias[..bias.len()].copy_from_slice(&bias);
        Self {
            rows: rows.into(),
            packed,
            bias,
            packed_bias,
            channel_blocks: None,
            transposed: Vec::new(),
            taps,
        }
    }

    /// The same, ready to go backward to a map that is read as `reach` says.
    pub fn with_map_gradient(self, reach: Reach) -> Self {
        Self { channel_blocks: ChannelBlocks::new(&self.rows, self.outputs(), reach), ..self }
    }

    /// The same, with those of convolutions that compute the map's gradient: `turn` makes them of
    /// `[output][tap]`.
    pub fn with_transposed(self, turn: impl FnOnce(&[f32]) -> Vec<Self>) -> Self {
        Self { transposed: turn(&self.rows), ..self }
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

/// The positions of a layer in one map.
#[derive(Clone, Copy, Debug)]
pub struct Positions<'p> {
    /// How each position reads its taps.
    pub reach: Reach,
    /// For each output pixel the place of its first position.
    pub pixels: &'p [usize],
    /// The positions of an output pixel, relative to its first; the output is the largest of them.
    /// `[0]` without pooling.
    pub window: &'p [usize],
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Positions<'_> {
    /// Floats a map must have for all positions to lie inside.
    fn reached(&self) -> usize {
        let last = |places: &[usize]| places.iter().copied().max().unwrap_or(0);
        last(self.pixels) + last(self.window) + self.reach.span()
    }
}

#[cfg(test)]
mod tests;
