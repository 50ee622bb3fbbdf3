//! trainer.
fn main() {}
