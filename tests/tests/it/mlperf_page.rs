//! The page on MLPerf Tiny is what `mlperf` writes, and its figures are as good as is said of them.

#[path = "../../tools/src/mlperf/aims.rs"]
mod aims;
#[path = "../../tools/src/mlperf/cmsis_nn.rs"]
mod cmsis_nn;
#[path = "../../tools/src/mlperf/page.rs"]
mod page;
#[path = "../../tools/src/mlperf/published.rs"]
mod published;
// Rows are only read here.
#[allow(dead_code)]
#[path = "../../tools/src/mlperf/row.rs"]
mod row;

use std::fs;
use std::path::Path;

use row::{PLANS, Row, STREAM};

/// A file of the documents.
fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `mlperf` measured last.
fn measured() -> Vec<Row> {
    serde_json::from_str(&text("mlperf-tiny.json")).expect("as mlperf writes it")
}

#[test]
fn the_page_is_what_mlperf_writes() {
    assert!(
        text("mlperf-tiny.md") == page::text(&measured()),
        "docs/mlperf-tiny.md: run `cargo run --release -p tools --bin mlperf page`"
    );
}

#[test]
fn all_answers_are_exact() {
    let rows = measured();
    // `sww` is a stream too.
    let each_core = cmsis_nn::COUNTS.len() * PLANS.len() + 1;
    assert_eq!(rows.len(), cmsis_nn::CORES.len() * each_core);
    for Row { network, core, plan, inputs, exact, .. } in rows {
        assert!(exact && inputs >= 20, "{network} on {core}, {plan}: {inputs} inputs");
    }
}

/// README and docs/compare.md say so.
#[test]
fn each_network_takes_fewer_instructions_than_with_cmsis_nn() {
    let rows = measured();
    for (network, counts, ..) in cmsis_nn::COUNTS {
        for (core, theirs) in cmsis_nn::CORES.into_iter().zip(counts) {
            let is_it =
                |row: &&Row| row.network == network && row.core == core && row.plan == PLANS[0];
            let ours = rows.iter().find(is_it).expect("a row").instructions;
            assert!(u64::from(ours) < theirs, "{network} on {core}: {ours}, CMSIS-NN {theirs}");
        }
    }
}

/// What CMSIS-NN takes for each operator adds up to what it takes for the network, but for ticks of
/// the counter and the faster build that the sum of `ic` on the M4 is not of.
#[test]
fn operators_of_cmsis_nn_add_up() {
    for (network, counts, ..) in cmsis_nn::COUNTS {
        for (index, core) in cmsis_nn::OPERATOR_CORES.into_iter().enumerate() {
            let whole = counts[cmsis_nn::CORES.iter().position(|name| *name == core).unwrap()];
            let of_network = cmsis_nn::BY_OPERATOR.iter().filter(|(name, ..)| *name == network);
            let sum: u64 = of_network.map(|(_, _, counts)| counts[index]).sum();
            let off = sum as f64 / whole as f64 - 1.0;
            assert!(off.abs() < 0.004, "{network} on {core}: {sum}, as a whole {whole}");
        }
    }
}

/// On the cores where CMSIS-NN's operators were counted apart, each of ours has its counterpart.
#[test]
fn each_operator_stands_beside_that_of_cmsis_nn() {
    let is_asked =
        |row: &&Row| cmsis_nn::OPERATOR_CORES.contains(&&*row.core) && row.plan == PLANS[0];
    for row in measured().iter().filter(is_asked) {
        let of_network = cmsis_nn::BY_OPERATOR.iter().filter(|(name, ..)| *name == row.network);
        let theirs: Vec<&str> = of_network.map(|(_, operator, _)| *operator).collect();
        let ours: Vec<&str> = row.operators.keys().map(|name| &**name).collect();
        assert_eq!(ours, theirs, "{} on {}", row.network, row.core);
    }
}

/// A new row of the wake word takes a sixth of CMSIS-NN's run on the window, or less.
#[test]
fn a_new_row_of_the_wake_word_takes_little() {
    let rows = measured();
    let (_, windows, ..) = cmsis_nn::COUNTS.iter().find(|(name, ..)| *name == "sww").unwrap();
    for (core, window) in cmsis_nn::CORES.iter().zip(windows) {
        let is_it = |row: &&Row| row.network == "sww" && row.core == *core && row.plan == STREAM;
        let row = rows.iter().find(is_it).expect("a row");
        assert!(6 * u64::from(row.instructions) < *window, "{core}: {}", row.instructions);
        assert!(row.arena_bytes <= 6 * 1024, "{core}: {} bytes", row.arena_bytes);
        assert!(row.inputs == 10_000 && row.macs == 46_040, "{core}: {} rows", row.inputs);
    }
}
