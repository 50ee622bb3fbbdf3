//! Cycles of a plan, estimated: from its predicted instructions, by how many cycles an instruction
//! of each formula takes on average. These lie in `trainer/costs.toml`, which `cargo run --release
//! -p tools --bin refit Cycles` writes from counts of executed instructions by kind and Arm's
//! published timings without wait states; `docs/mlperf-tiny.md` tells how.

use std::collections::BTreeMap;
use std::ops::{Add, Mul};

use serde::{Deserialize, Serialize};

use super::Core;

/// A processor whose timings Arm publishes. Those of a Cortex-M7, M33 or M55 it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processor {
    /// Cortex-M0 with the multiplier of one cycle.
    M0,
    /// Cortex-M0+ with the multiplier of one cycle.
    #[serde(rename = "m0+")]
    M0Plus,
    /// Cortex-M3.
    M3,
    /// Cortex-M4.
    M4,
}

impl Processor {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::M0, Self::M0Plus, Self::M3, Self::M4];

    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::M0 => "Cortex-M0",
            Self::M0Plus => "Cortex-M0+",
            Self::M3 => "Cortex-M3",
            Self::M4 => "Cortex-M4",
        }
    }

    /// The processor that a core's name names, as the command line takes it; `None` for those whose
    /// timings are not published.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().trim_start_matches("cortex-") {
            "m0" => Some(Self::M0),
            "m0+" | "m0plus" => Some(Self::M0Plus),
            "m3" => Some(Self::M3),
            "m4" => Some(Self::M4),
            _ => None,
        }
    }

    /// The class of cores that it is of.
    pub const fn core(self) -> Core {
        match self {
            Self::M0 | Self::M0Plus => Core::M0,
            Self::M3 => Core::M3,
            Self::M4 => Core::M4,
        }
    }
}

/// Cycles without wait states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 3]", into = "[f64; 3]")]
pub struct Cycles {
    /// With all that is published as a range at its lower end.
    pub least: f64,
    /// With all of it in the middle: the estimate.
    pub about: f64,
    /// With all of it at its upper end.
    pub most: f64,
}

impl From<[f64; 3]> for Cycles {
    fn from([least, about, most]: [f64; 3]) -> Self {
        Self { least, about, most }
    }
}

impl From<Cycles> for [f64; 3] {
    fn from(Cycles { least, about, most }: Cycles) -> Self {
        [least, about, most]
    }
}

impl Add for Cycles {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            least: self.least + other.least,
            about: self.about + other.about,
            most: self.most + other.most,
        }
    }
}

impl Mul<f64> for Cycles {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self { least: self.least * times, about: self.about * times, most: self.most * times }
    }
}

/// Cycles of an instruction on average, by formula.
pub type CyclesPerInstruction = BTreeMap<String, Cycles>;

/// The estimates of a plan, by processor; none for classes of cores without published timings.
pub type Estimates = BTreeMap<Processor, Cycles>;

/// Adds what else runs; a processor for which that is not known has no estimate.
pub fn add(sum: &mut Estimates, other: &Estimates, times: f64) {
    sum.retain(|processor, _| other.contains_key(processor));
    for (processor, cycles) in sum {
        *cycles = *cycles + other[processor] * times;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_names_the_processor_and_its_class() {
        for name in Core::NAMES.replace(" or ", ", ").split(", ") {
            let core: Core = name.parse().unwrap();
            let of = Processor::named(name);
            assert!(of.is_none_or(|processor| processor.core() == core), "{name}");
            let is_published = !["m7", "m33", "m55"].contains(&name);
            assert_eq!(of.is_some(), is_published, "{name}");
        }
    }

    #[test]
    fn a_sum_has_the_processors_that_all_have() {
        let of = |about| Cycles { least: about - 1.0, about, most: about + 2.0 };
        let mut sum = Estimates::from([(Processor::M0, of(10.0)), (Processor::M0Plus, of(5.0))]);
        add(&mut sum, &Estimates::from([(Processor::M0Plus, of(3.0))]), 2.0);
        let expected = Cycles { least: 8.0, about: 11.0, most: 17.0 };
        assert_eq!(sum, Estimates::from([(Processor::M0Plus, expected)]));
    }
}
