//! How a network runs, in the caller's memory.

pub(crate) mod observer;
pub(crate) mod self_test;
pub(crate) mod session;
pub(crate) mod values;
