//! The cores there are plans for.

use std::str::FromStr;

/// A class of cores that run the same instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// Cortex-M0 and M0+: Armv6-M.
    M0,
    /// Cortex-M3: Armv7-M without DSP extension.
    M3,
    /// Cortex-M4 and M7: Armv7-M with DSP extension.
    M4,
    /// Cortex-M33: Armv8-M with DSP extension. The kernels are those of the M4, what the compiler
    /// makes of the rest is not.
    M33,
    /// Cortex-M55.
    M55,
}

impl Core {
    /// All classes.
    pub const ALL: [Self; 5] = [Self::M0, Self::M3, Self::M4, Self::M33, Self::M55];

    /// Names as the command line takes them.
    pub const NAMES: &'static str = "m0, m0+, m3, m4, m7, m33 or m55";

    /// The class's name, which is that of its cost file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::M0 => "m0",
            Self::M3 => "m3",
            Self::M4 => "m4",
            Self::M33 => "m33",
            Self::M55 => "m55",
        }
    }
}

/// What the compiler is told of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compilation {
    /// The target that a core's plans are measured for.
    pub target: &'static str,
    /// The feature of `infer` that names the core, where the target does not.
    pub feature: Option<&'static str>,
    /// As `-C target-cpu` has it, where the target is for several cores.
    pub cpu: Option<&'static str>,
}

impl Core {
    /// How firmware for it is compiled.
    pub const fn compilation(self) -> Compilation {
        let (target, feature, cpu) = match self {
            Self::M0 => ("thumbv6m-none-eabi", None, None),
            Self::M3 => ("thumbv7m-none-eabi", None, None),
            Self::M4 => ("thumbv7em-none-eabihf", None, None),
            Self::M33 => ("thumbv8m.main-none-eabi", Some("cortex-m33"), None),
            Self::M55 => ("thumbv8m.main-none-eabihf", Some("cortex-m55"), Some("cortex-m55")),
        };
        Compilation { target, feature, cpu }
    }
}

impl FromStr for Core {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().trim_start_matches("cortex-") {
            "m0" | "m0+" | "m0plus" => Ok(Self::M0),
            "m3" => Ok(Self::M3),
            "m4" | "m7" => Ok(Self::M4),
            "m33" => Ok(Self::M33),
            "m55" => Ok(Self::M55),
            _ => Err(format!("no such core; there are {}", Self::NAMES)),
        }
    }
}
