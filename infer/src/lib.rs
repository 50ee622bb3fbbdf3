//! int8 inference.
#![no_std]
mod shape;
pub use shape::Shape;
