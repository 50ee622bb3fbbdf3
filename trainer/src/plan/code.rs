//! How much code a plan needs: firmware links only the parts of `infer` that its model calls for.
//!
//! Sizes are measured by linking a program that loads and runs a model, or one that runs a model
//! that was built in ([`Code::base`]), and again with each part; the vector table, which every
//! program has, is not counted.

use std::collections::BTreeMap;

use infer::LayerKind;
use infer::features::Feature;
use serde::{Deserialize, Serialize};

/// Parts of `infer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

/// How firmware is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// For speed: cargo's `opt-level = 3`.
    Fast,
    /// For size: cargo's `opt-level = "s"`.
    Small,
}

/// Where the model is read and checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loading {
    /// On the chip, from a file that may change in the field: [`infer::Model::from_bytes`].
    #[default]
    OnChip,
    /// When the firmware is built, by `infer::build::embed`: the chip has no loader.
    BuiltIn,
}

/// Bytes of code, as measured for a core, a build and a loading.
///
/// ```text
/// bytes = base + sum of the parts' bytes
///              + sum of the pairs' bytes for all pairs of parts that are both there
/// ```
///
/// A pair is negative where two parts share code, and positive where one of them needs more because
/// of the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// What every model needs: walking the layers, what all convolutions have in common, and the
    /// loader if there is one.
    pub base: usize,
    /// What each part adds, by its feature's name.
    pub parts: BTreeMap<String, i32>,
    /// What two parts together add to that, by the names with a space between.
    pub pairs: BTreeMap<String, i32>,
}

/// The pairs of parts that depend on each other, or have code in common that not all convolutions
/// have.
pub const PAIRS: [[Feature; 2]; 29] = [
    [Feature::WinogradF2, Feature::WinogradF4],
    [Feature::WinogradF2, Feature::WinogradStored],
    [Feature::WinogradF4, Feature::WinogradStored],
    [Feature::WinogradF2, Feature::WinogradOnTheFly],
    [Feature::WinogradF4, Feature::WinogradOnTheFly],
    [Feature::WinogradF2, Feature::WinogradSingleTile],
    [Feature::WinogradF4, Feature::WinogradSingleTile],
    [Feature::WinogradF2, Feature::Edges],
    [Feature::WinogradF4, Feature::Edges],
    [Feature::WinogradF4, Feature::SingleChannel],
    [Feature::SingleChannel, Feature::Direct],
    [Feature::SingleChannel, Feature::DirectPaired],
    [Feature::SingleChannel, Feature::Edges],
    [Feature::SingleChannel, Feature::HeldRows],
    [Feature::DirectInPlace, Feature::DirectPaired],
    [Feature::DirectInPlace, Feature::Unpooled],
    [Feature::DirectPaired, Feature::Unpooled],
    [Feature::DirectVector, Feature::Unpooled],
    [Feature::DenseQuads, Feature::DenseQuadsWide],
    [Feature::DenseQuads, Feature::DenseQuadsPaired],
    // All of these copy: on the M0 a copy takes 600 bytes, once.
    [Feature::WinogradF4, Feature::DenseQuads],
    [Feature::SingleChannel, Feature::DenseQuads],
    [Feature::HeldRows, Feature::DenseQuads],
    [Feature::HeldRows, Feature::Branches],
    [Feature::DirectPaired, Feature::PairedWide],
    [Feature::DirectPaired, Feature::Int4],
    [Feature::DirectVector, Feature::Int4],
    [Feature::SingleChannel, Feature::Int4],
    [Feature::DenseQuads, Feature::Int4],
];

impl Build {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Fast, Self::Small];

    /// Its `opt-level` as `Cargo.toml` has it.
    pub const fn opt_level(self) -> &'static str {
        match self {
            Self::Fast => "3",
            Self::Small => "\"s\"",
        }
    }

    /// The profile of the example firmware.
    pub const fn profile(self) -> &'static str {
        match self {
            Self::Fast => "release",
            Self::Small => "small",
        }
    }
}

impl Loading {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::OnChip, Self::BuiltIn];

    /// Bytes of flash that layers take apart from code and model file.
    pub const fn layer_bytes(self, layers: usize) -> usize {
        match self {
            Self::OnChip => 0,
            Self::BuiltIn => layers * infer::LAYER_BYTES,
        }
    }
}

impl Features {
    /// No part.
    pub const NONE: Self = Self(0);

    /// All parts.
    pub fn all() -> Self {
        Self::from_iter(Feature::ALL)
    }

    /// The parts that a layer needs.
    pub fn of_layer(kind: &LayerKind<'_>) -> Self {
        Self::from_iter(Feature::ALL.into_iter().filter(|feature| feature.is_needed_by(kind)))
    }

    /// These and those.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These and that one.
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u32)
    }

    /// Whether the part is among them.
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u32) != 0
    }

    /// Their names in `Cargo.toml`.
    pub fn names(self) -> Vec<&'static str> {
        Feature::ALL.into_iter().filter(|feature| self.has(*feature)).map(Feature::name).collect()
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<Parts: IntoIterator<Item = Feature>>(parts: Parts) -> Self {
        Self(parts.into_iter().fold(0, |bits, feature| bits | 1 << feature as u32))
    }
}

impl Code {
    /// Bytes with these parts.
    pub fn bytes(&self, features: Features) -> usize {
        let of =
            |map: &BTreeMap<String, i32>, name: &str| map.get(name).copied().unwrap_or_default();
        let parts: i32 = features.names().into_iter().map(|name| of(&self.parts, name)).sum();
        let together = PAIRS.iter().filter(|pair| pair.iter().all(|part| features.has(*part)));
        let pairs: i32 = together.map(|pair| of(&self.pairs, &pair_name(*pair))).sum();
        self.base.saturating_add_signed((parts + pairs) as isize)
    }
}

/// What each part can add at most, whatever else is there: to compare plans that still lack layers.
#[derive(Clone, Debug)]
pub struct MostBytes([usize; Feature::ALL.len()]);

impl MostBytes {
    /// From measured sizes.
    pub fn of(code: &Code) -> Self {
        Self(Feature::ALL.map(|feature| {
            let partners = PAIRS.iter().filter(|pair| pair.contains(&feature));
            let pairs = partners.filter_map(|pair| code.pairs.get(&pair_name(*pair)));
            let part = code.parts.get(feature.name()).copied().unwrap_or_default();
            (part.max(0) + pairs.map(|bytes| (*bytes).max(0)).sum::<i32>()) as usize
        }))
    }

    /// Most bytes by which the code grows when `features` join those that are among `others`
    /// already.
    pub fn beyond(&self, features: Features, others: Features) -> usize {
        let new = features.0 & !others.0;
        self.0
            .iter()
            .enumerate()
            .map(|(bit, bytes)| if new & 1 << bit != 0 { *bytes } else { 0 })
            .sum()
    }
}

/// A pair's name in [`Code::pairs`].
pub fn pair_name([a, b]: [Feature; 2]) -> String {
    format!("{} {}", a.name(), b.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Core, Costs};

    /// What is not measured would count as no bytes.
    #[test]
    fn every_part_and_pair_is_measured_for_every_core() {
        for (core, build) in Core::ALL.into_iter().flat_map(|core| Build::ALL.map(|b| (core, b))) {
            let Costs { code, built_in_code, .. } = Costs::of(core, build);
            for Code { parts, pairs, .. } in [code, built_in_code] {
                for part in Feature::ALL.map(Feature::name) {
                    assert!(parts.contains_key(part), "{core:?}, {build:?}: {part}");
                }
                for pair in PAIRS.map(pair_name) {
                    assert!(pairs.contains_key(&pair), "{core:?}, {build:?}: {pair}");
                }
            }
        }
    }

    #[test]
    fn pairs_count_where_both_parts_are_there() {
        let parts = [("winograd-f2", 50), ("winograd-f4", 60), ("single-channel", 7)];
        let pairs = [("winograd-f2 winograd-f4", -20), ("single-channel edges", 3)];
        let map = |entries: &[(&str, i32)]| {
            entries
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), *bytes))
                .collect::<BTreeMap<_, _>>()
        };
        let code = Code { base: 100, parts: map(&parts), pairs: map(&pairs) };
        let of = |features: &[Feature]| code.bytes(Features::from_iter(features.iter().copied()));
        assert_eq!(of(&[]), 100);
        assert_eq!(of(&[Feature::WinogradF2, Feature::Edges]), 150);
        assert_eq!(of(&[Feature::WinogradF2, Feature::WinogradF4]), 190);
        assert_eq!(of(&[Feature::SingleChannel, Feature::Edges]), 110);
    }
}
