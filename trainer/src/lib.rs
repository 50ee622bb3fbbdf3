//! The path of the data on the host: read, train, calibrate, quantise, plan, write, evaluate.

pub mod atomic_file;
pub mod backend;
pub mod calibrate;
pub mod cli;
pub mod data;
pub mod device;
pub mod evaluate;
pub mod events;
pub mod export;
pub mod float_model;
pub mod float_record;
pub mod inputs;
pub mod metrics;
pub mod model_file;
pub mod net;
pub mod network;
pub mod plain_model;
pub mod plan;
pub mod preset;
pub mod quantize;
pub mod recipe;
pub mod report;
pub mod signing;
pub mod statistics;
pub mod terminal;
pub mod train;
