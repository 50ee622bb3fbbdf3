//! What a model leaves out, as a table.

use crate::savings::{Effort, Savings};
use crate::terminal::number::grouped;
use crate::terminal::table::Table;

/// Multiply-accumulates and weights before and after; nothing where nothing was left out.
pub(super) fn table(savings: &Savings) -> String {
    if savings.is_none() {
        return String::new();
    }
    let mut table =
        Table::new(["no answer depends on the rest (--keep-all)", ">network", ">model"]);
    let mut row = |what: &str, of: fn(&Effort) -> u64| {
        let [whole, kept] = [savings.whole, savings.kept].map(|effort| grouped(of(&effort)));
        table.row([what.to_owned(), whole, kept]);
    };
    row("multiply-accumulates", |effort| effort.macs);
    row("weights and tables, bytes", |effort| effort.weights as u64);
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_and_after() {
        let whole = Effort { macs: 7_489_664, weights: 208_112 };
        let kept = Effort { macs: 3_727_313, weights: 29_066 };
        assert_eq!(table(&Savings { whole, kept: whole }), "");
        let said = table(&Savings { whole, kept });
        let lines: Vec<Vec<&str>> =
            said.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["multiply-accumulates", "7,489,664", "3,727,313"]);
        assert_eq!(lines[1], ["weights", "and", "tables,", "bytes", "208,112", "29,066"]);
    }
}
