//! The path of the data on the host: read, train, calibrate, quantise, plan, write, evaluate.

pub mod data;
pub mod network;
pub mod preset;
pub mod recipe;
