//! Checks that values are made before they are read, and once.

use std::collections::HashSet;

use super::error::{Problem, shown};
use super::network::Network;

pub(super) fn check(network: &Network<'_>) -> Result<(), Problem> {
    let constants = network.constants.iter().map(|tensor| tensor.name);
    let given = network.inputs.iter().map(|value| value.name);
    let mut made = HashSet::new();
    for name in constants.chain(given) {
        make(&mut made, name)?;
    }
    for (node, step) in network.nodes.iter().enumerate() {
        let mut inputs = step.inputs.iter().filter(|name| !name.is_empty());
        if let Some(name) = inputs.find(|name| !made.contains(*name)) {
            let (operator, name) = (shown(step.operator), shown(name));
            return Err(Problem::NotMade { node, operator, name });
        }
        for name in step.outputs.iter().filter(|name| !name.is_empty()) {
            make(&mut made, name)?;
        }
    }
    match network.outputs.iter().find(|value| !made.contains(value.name)) {
        Some(value) => Err(Problem::NotMade {
            node: network.nodes.len(),
            operator: "output".to_owned(),
            name: shown(value.name),
        }),
        None => Ok(()),
    }
}

fn make<'a>(made: &mut HashSet<&'a str>, name: &'a str) -> Result<(), Problem> {
    if made.insert(name) { Ok(()) } else { Err(Problem::MadeTwice { name: shown(name) }) }
}
