//! The model that is built in, where the build names one by `KINDLING_MODEL`.

use infer::Network;

#[cfg(built_in)]
#[allow(dead_code, reason = "the file and its sizes, of which only the network is used")]
mod embedded {
    infer::embedded_model!();
}

/// Its network, checked when this was built.
#[cfg(built_in)]
pub(crate) const NETWORK: Option<Network<'static>> = Some(embedded::NETWORK);

/// None.
#[cfg(not(built_in))]
pub(crate) const NETWORK: Option<Network<'static>> = None;
