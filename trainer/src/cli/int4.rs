//! Which layers' weights became int4, as a table.

use crate::int4::Int4Stage;
use crate::terminal::number::grouped;
use crate::terminal::table::Table;

/// The layers, what each saves, and what it costs by itself; nothing where there are none.
pub(super) fn table(stages: &[Int4Stage]) -> String {
    if stages.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["int4 weights", ">bytes saved", ">change of the answers, steps"]);
    for Int4Stage { name, saved_bytes, change, .. } in stages {
        table.row([name.clone(), grouped(*saved_bytes as u64), format!("{change:.2}")]);
    }
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_each_layer() {
        assert_eq!(table(&[]), "");
        let name = "conv3".to_owned();
        let said = table(&[Int4Stage { stage: 2, name, saved_bytes: 18_432, change: 0.504 }]);
        let row: Vec<&str> = said.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["conv3", "18,432", "0.50"]);
    }
}
