//! What operators cost, before anything is made faster.

use std::collections::BTreeSet;

use super::network::Network;
use super::operator::{Kind, Operator};

/// Multiply-accumulates and parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of convolutions and dense layers, taps on padding counted.
    pub macs: u64,
    /// Weights and biases.
    pub parameters: u64,
}

/// The cost of an operator of `network`.
pub fn cost(network: &Network<'_>, operator: &Operator) -> Cost {
    let elements = |tensor: usize| network.tensors[tensor].elements() as u64;
    let outputs: u64 = operator.outputs.iter().copied().map(elements).sum();
    let taps = taps(network, operator).unwrap_or_default();
    Cost {
        macs: outputs.saturating_mul(taps),
        parameters: parameters(network, operator).map(elements).sum(),
    }
}

/// The cost of all operators; parameters that several of them read count once.
pub fn total(network: &Network<'_>) -> Cost {
    let macs = network.operators.iter().map(|operator| cost(network, operator).macs);
    let parameters: BTreeSet<usize> =
        network.operators.iter().flat_map(|operator| parameters(network, operator)).collect();
    let elements = parameters.iter().map(|tensor| network.tensors[*tensor].elements() as u64);
    Cost { macs: macs.fold(0, u64::saturating_add), parameters: elements.sum() }
}

/// The tensors of weights and bias.
fn parameters<'n>(
    network: &'n Network<'_>,
    operator: &'n Operator,
) -> impl Iterator<Item = usize> + 'n {
    let has = taps(network, operator).is_some();
    let constant = |tensor: &usize| network.tensors[*tensor].data.is_some();
    operator.inputs.iter().skip(1).filter(move |_| has).flatten().copied().filter(constant)
}

/// Products in each element of the output; `None` where there are none.
fn taps(network: &Network<'_>, operator: &Operator) -> Option<u64> {
    let weights = operator.inputs.get(1).copied().flatten()?;
    let shape = &network.tensors[weights].shape[..];
    let counted = match operator.kind {
        Kind::Conv(..) | Kind::FullyConnected { .. } => shape.get(1..)?,
        Kind::DepthwiseConv(..) => shape.get(1..3)?,
        _ => return None,
    };
    Some(counted.iter().product::<usize>() as u64)
}
