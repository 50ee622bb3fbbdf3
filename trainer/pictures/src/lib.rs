//! Pictures of any size and drawings on any paper, made into the images a model takes.
//!
//! - [`picture`]: a picture in memory, and how it gets a model's shape;
//! - [`appearance`]: what the images of a data set have in common;
//! - `drawing`: a drawing made to look so; `turning`: a camera held upright.

pub mod appearance;
mod drawing;
pub mod picture;
mod turning;
