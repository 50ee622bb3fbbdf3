//! What a chip has to give, and the fastest plan that makes do with it.

use std::fmt;

use super::Plan;

/// Part of the code that flash is to have room for beside what is predicted: predictions of single
/// plans are off by some per cent (`tests/tests/it/plans.rs`).
const CODE_RESERVE: f64 = 0.045;

/// Limits; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Flash for model and code, bytes.
    pub flash: Option<usize>,
    /// Working memory, bytes.
    pub ram: Option<usize>,
}

/// No plan fits: what the one that comes closest needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What there is.
    pub budget: Budget,
    /// Flash of the closest plan, bytes.
    pub flash: usize,
    /// Working memory of the closest plan, bytes.
    pub ram: usize,
}

impl Budget {
    /// Index of the plan with the fewest instructions among those that fit, with 4.5 % of their
    /// code to spare.
    ///
    /// # Errors
    /// By how much the closest plan misses, when none fits.
    pub fn choose(&self, front: &[Plan]) -> Result<usize, Miss> {
        let fits = |plan: &Plan| self.excess(plan) == [0, 0];
        let fitting = (0..front.len()).filter(|index| fits(&front[*index]));
        let fastest =
            fitting.min_by(|a, b| front[*a].instructions.total_cmp(&front[*b].instructions));
        fastest.ok_or_else(|| self.miss(front))
    }

    /// The closest plan is the one whose worst excess is the smallest part of its limit.
    fn miss(&self, front: &[Plan]) -> Miss {
        let part =
            |excess: usize, limit: Option<usize>| excess as f64 / limit.unwrap_or(1).max(1) as f64;
        let worst = |plan: &Plan| {
            let [flash, ram] = self.excess(plan);
            part(flash, self.flash).max(part(ram, self.ram))
        };
        let closest = front.iter().min_by(|a, b| worst(a).total_cmp(&worst(b)));
        let (flash, ram) = closest.map_or((0, 0), |plan| (with_reserve(plan), plan.ram));
        Miss { budget: *self, flash, ram }
    }

    /// Bytes beyond the limits: flash and working memory.
    fn excess(&self, plan: &Plan) -> [usize; 2] {
        let beyond = |needed: usize, limit: Option<usize>| {
            needed.saturating_sub(limit.unwrap_or(usize::MAX))
        };
        [beyond(with_reserve(plan), self.flash), beyond(plan.ram, self.ram)]
    }
}

/// Bytes of flash that a plan needs if its code is somewhat larger than predicted.
fn with_reserve(plan: &Plan) -> usize {
    plan.flash + (plan.code_bytes as f64 * CODE_RESERVE).ceil() as usize
}

impl std::error::Error for Miss {}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |what: &str, needed: usize, limit: Option<usize>| {
            let over = needed.saturating_sub(limit?);
            (over > 0).then(|| format!("{needed} bytes of {what}, {over} more than there are"))
        };
        let sides =
            [side("flash", self.flash, self.budget.flash), side("RAM", self.ram, self.budget.ram)];
        let sides: Vec<String> = sides.into_iter().flatten().collect();
        write!(f, "no plan fits: the closest needs {}", sides.join(" and "))
    }
}
