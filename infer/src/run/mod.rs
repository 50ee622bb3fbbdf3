//! How a network runs, in the caller's memory.

pub(crate) mod flow;
pub(crate) mod observer;
pub(crate) mod rows;
pub(crate) mod self_test;
pub(crate) mod session;
mod slice;
pub(crate) mod stream;
pub(crate) mod values;
