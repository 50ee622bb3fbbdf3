//! The reader on networks of a converter, and on files made by hand.

mod builder;
mod examples;
mod float;
mod hostile;
mod networks;
mod numpy;
mod onnx;
mod plain;
mod reference;

/// A network of the folder of fixtures.
macro_rules! fixture {
    ($name:literal) => {
        &include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $name))[..]
    };
}
use fixture;
