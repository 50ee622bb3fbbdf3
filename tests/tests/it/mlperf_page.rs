//! The page on MLPerf Tiny is what `mlperf` writes, and its figures are as good as is said of them.

#[path = "../../tools/src/mlperf/cmsis_nn.rs"]
mod cmsis_nn;
#[path = "../../tools/src/mlperf/page.rs"]
mod page;
// Rows are only read here.
#[allow(dead_code)]
#[path = "../../tools/src/mlperf/row.rs"]
mod row;

use std::fs;
use std::path::Path;

use row::{PLANS, Row};

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
    assert_eq!(rows.len(), cmsis_nn::COUNTS.len() * cmsis_nn::CORES.len() * PLANS.len());
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
