//! The path of the data on the host: describe, work out the graph, train, calibrate, quantise,
//! plan, place, write, test, evaluate.
//!
//! [`ops`] holds what is special to each operator; the other modules are the steps. A model's way
//! through them is told in [`export`](mod@export).

pub mod atomic_file;
pub mod backend;
pub mod calibrate;
pub mod check;
pub mod cli;
pub mod data;
pub mod device;
pub mod estimate;
pub mod evaluate;
pub mod events;
pub mod export;
pub mod float_model;
pub mod float_record;
pub mod folder_lock;
pub mod format2;
pub mod forward;
pub mod graph;
pub mod import;
pub mod inputs;
pub mod int4;
pub mod kernels;
pub mod live;
pub mod metrics;
pub mod model_file;
pub mod net;
pub mod network;
pub mod ops;
pub mod placement;
pub mod plain_model;
pub mod plan;
pub mod preset;
pub mod quantize;
pub mod recipe;
pub mod report;
pub mod samples;
pub mod savings;
pub mod self_test;
pub mod signing;
pub mod statistics;
pub mod terminal;
pub mod train;
