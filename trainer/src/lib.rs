//! The path of the data on the host: read, train, calibrate, quantise, plan, write, evaluate.

pub mod atomic_file;
pub mod data;
pub mod metrics;
pub mod network;
pub mod preset;
pub mod recipe;
