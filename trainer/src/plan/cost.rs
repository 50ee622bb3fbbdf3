//! What a layer costs on a core: formulas whose coefficients are measured, not guessed. They lie in
//! `trainer/costs.toml`, written by `cargo run --release -p tools --bin refit`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use infer::LayerKind;
use infer::features::Feature;
use infer::quant::Rounding;
use serde::{Deserialize, Serialize};

use super::Core;
use super::code::{Build, Code, Loading};
use super::cycles::{CyclesPerInstruction, Estimates, Processor};
use super::frame::FrameWork;
use crate::ops::depthwise::SQUARE;
use crate::ops::{Choice, Running, Term};

/// Instructions for each occurrence of a term.
pub type Formula = BTreeMap<String, f64>;

/// Name of the formula for what runs apart from the layers' kernels.
pub const FRAME: &str = "Frame";

/// Name of the formula for layers of an algorithm that are of a [case](Running::case) and round so:
/// with two roundings other loops run on some cores.
pub fn formula(choice: Choice, case: &str, rounding: Rounding) -> String {
    let end = match rounding {
        Rounding::Once => "",
        Rounding::Twice => "Twice",
    };
    choice.formula() + case + end
}

/// Name of a layer's formula.
pub fn formula_of(kind: &LayerKind<'_>) -> String {
    formula(kind.choice(), kind.case(), rounding(kind))
}

/// How a layer rounds.
fn rounding(kind: &LayerKind<'_>) -> Rounding {
    if kind.needs(Feature::TwoRoundings) { Rounding::Twice } else { Rounding::Once }
}

/// The costs by [`Core::name`] and [`Build::profile`].
pub type AllCosts = BTreeMap<String, BTreeMap<String, Costs>>;

/// The measured costs of a class of cores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Flash taken by code where the chip loads the model.
    pub code: Code,
    /// Flash taken by code where the model is built in.
    pub built_in_code: Code,
    /// Formula of each algorithm, by [`formula`]'s name.
    pub formulas: BTreeMap<String, Formula>,
    /// Cycles of an instruction on average, by processor of the class and by formula; empty for a
    /// class without published timings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cycles_per_instruction: BTreeMap<Processor, CyclesPerInstruction>,
}

impl Costs {
    /// The costs measured for a class of cores and a build.
    ///
    /// # Panics
    /// When the file compiled in is damaged; a test reads all of them.
    pub fn of(core: Core, build: Build) -> Self {
        static ALL: OnceLock<AllCosts> = OnceLock::new();
        let read = || toml::from_str(include_str!("../../costs.toml")).expect("trainer/costs.toml");
        ALL.get_or_init(read)[core.name()][build.profile()].clone()
    }

    /// Flash taken by code.
    pub const fn code(&self, loading: Loading) -> &Code {
        match loading {
            Loading::OnChip => &self.code,
            Loading::BuiltIn => &self.built_in_code,
        }
    }

    /// Whether the core has a loop of its own for weights packed so. One without vectors takes
    /// those that are packed for vectors apart again, for twice the instructions of the direct loop
    /// and some 300 bytes of code less: no plan is made of that.
    pub fn has_loop(&self, choice: Choice) -> bool {
        choice.loop_term().is_none_or(|term| {
            let formula = nearest(&self.formulas, &choice.formula());
            formula.is_some_and(|formula| formula.contains_key(term))
        })
    }

    /// Predicted instructions of a layer.
    pub fn layer(&self, kind: &LayerKind<'_>) -> f64 {
        self.sum(&formula_of(kind), &kind.terms())
    }

    /// Predicted instructions of all that is not a layer's kernel.
    pub fn frame(&self, work: &FrameWork) -> f64 {
        self.sum(FRAME, &work.terms())
    }

    /// Estimated cycles of a layer that takes `instructions`.
    pub fn layer_cycles(&self, kind: &LayerKind<'_>, instructions: f64) -> Estimates {
        self.cycles(&formula_of(kind), instructions)
    }

    /// Estimated cycles of `instructions` that are no layer's kernel.
    pub fn frame_cycles(&self, instructions: f64) -> Estimates {
        self.cycles(FRAME, instructions)
    }

    /// On the processors for which instructions of this formula were counted by kind.
    fn cycles(&self, name: &str, instructions: f64) -> Estimates {
        let on = |(processor, all): (&Processor, &CyclesPerInstruction)| {
            let cycles = nearest(all, name)?;
            Some((*processor, *cycles * instructions))
        };
        self.cycles_per_instruction.iter().filter_map(on).collect()
    }

    /// An algorithm that was never measured on the core costs infinitely much, so that it is never
    /// chosen.
    fn sum(&self, name: &str, terms: &[Term]) -> f64 {
        let Some(formula) = nearest(&self.formulas, name) else { return f64::INFINITY };
        terms.iter().map(|(term, count)| formula.get(*term).unwrap_or(&0.0) * count).sum()
    }
}

/// What belongs to a formula. One that was measured with one rounding only counts so with two, one
/// that was measured with int8 weights only so with int4, and a case for which a core has no loop
/// as others do.
fn nearest<'f, Of>(all: &'f BTreeMap<String, Of>, name: &str) -> Option<&'f Of> {
    let of_others = |suffix: &str| all.get(name.strip_suffix(suffix)?);
    let of_other_cases = || all.get(&name.replace(SQUARE, ""));
    let of_roundings = || of_others("Twice").or_else(|| of_others("Int4"));
    all.get(name).or_else(of_other_cases).or_else(of_roundings)
}
