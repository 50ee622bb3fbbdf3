//! Numbers as they stand in a page: the unit is part of the type.

use std::fmt;

use crate::terminal::number::{grouped, percent};

/// A whole number in groups of three: `2,797,832`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub usize);

/// A share of 0 to 1 in percent: `98.68 %`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

/// A difference of two shares in percentage points, with its sign: `+0.02`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Points(pub f64);

/// A time. The only kind of number of a report that is not the same in every run of one seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub f64);

/// A probability of 0 to 1 with three digits: `0.998`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability(pub f64);

/// A p value: three digits, and no zero where there is none: `0.034`, `< 0.001`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Significance(pub f64);

/// A whole number with a minus as long as a plus: `−128`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed(pub i32);

/// A ratio of powers: `41.3 dB`; of a signal without noise `exact`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decibel(pub f64);

/// A real value of any size with three digits: `0.00392`, `1.27e-7`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(pub f64);

impl Percent {
    /// `part` of `whole`; 0 of nothing.
    pub fn of(part: usize, whole: usize) -> Self {
        Self(part as f64 / whole.max(1) as f64)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grouped(self.0 as u64))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&percent(self.0).replace(' ', "\u{202f}"))
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (self.0 * 10_000.0).round();
        match hundredths {
            0.0 => f.write_str("0.00"),
            _ if hundredths < 0.0 => write!(f, "\u{2212}{:.2}", -hundredths / 100.0),
            _ => write!(f, "+{:.2}", hundredths / 100.0),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}\u{202f}s", self.0)
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Display for Significance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0.001 { f.write_str("< 0.001") } else { write!(f, "{:.3}", self.0) }
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().replace('-', "\u{2212}"))
    }
}

impl fmt::Display for Decibel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_finite() { write!(f, "{:.1}\u{202f}dB", self.0) } else { f.write_str("exact") }
    }
}

impl fmt::Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        match size {
            0.0 => f.write_str("0"),
            _ if !(1e-5..1e6).contains(&size) => write!(f, "{:.2e}", self.0),
            _ => write!(f, "{:.*}", (2 - size.log10().floor() as i32).max(0) as usize, self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(Count(96_680).to_string(), "96,680");
        assert_eq!(Percent::of(1, 4).to_string(), "25.00\u{202f}%");
        assert_eq!(Percent::of(0, 0).to_string(), "0.00\u{202f}%");
        assert_eq!(
            [0.000_2, -0.000_2, 0.000_001].map(|share| Points(share).to_string()),
            ["+0.02", "−0.02", "0.00"]
        );
        assert_eq!(
            (Probability(0.9984).to_string(), Signed(-128).to_string()),
            ("0.998".into(), "−128".into())
        );
        assert_eq!([0.0342, 1e-9].map(|p| Significance(p).to_string()), ["0.034", "< 0.001"]);
        assert_eq!(Decibel(f64::INFINITY).to_string(), "exact");
        let shown =
            [0.003_921_57, 1.27e-7, 0.0, 12.345, 1234.5].map(|value| Real(value).to_string());
        assert_eq!(shown, ["0.00392", "1.27e-7", "0", "12.3", "1234"]);
    }
}
