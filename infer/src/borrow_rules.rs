//! What the borrow checker forbids, each as a program that must not compile, beside one that must.
//!
//! One run at a time, and its scores are read before the next one:
//!
//! ```
//! # use infer::{Model, Session};
//! fn twice(model: &Model, arena: &mut [i8], image: &[u8]) -> Option<i8> {
//!     let mut session = Session::new(model, arena).ok()?;
//!     let first = session.run(image).ok()?.values()[0];
//!     let second = session.run(image).ok()?;
//!     Some(first + second.values()[0])
//! }
//! ```
//!
//! ```compile_fail,E0499
//! # use infer::{Model, Session};
//! fn twice(model: &Model, arena: &mut [i8], image: &[u8]) -> Option<i8> {
//!     let mut session = Session::new(model, arena).ok()?;
//!     let first = session.run(image).ok()?;
//!     let second = session.run(image).ok()?; // would overwrite the first scores
//!     Some(first.values()[0] + second.values()[0])
//! }
//! ```
//!
//! A run cannot be begun within a run, not even by an observer:
//!
//! ```compile_fail,E0499
//! # use infer::{Layer, Native, Observer, Session};
//! struct Again<'s, 'm, 'a>(&'s mut Session<'m, 'a>);
//! impl Observer for Again<'_, '_, '_> {
//!     fn before(&mut self, _: usize, _: &Layer<'_>, _: core::ops::Range<u16>) {
//!         let _ = self.0.run(&[0u8; 0]);
//!     }
//! }
//! fn nested(session: &mut Session, image: &[u8]) {
//!     let mut again = Again(session);
//!     let _ = session.run_with::<Native>(image, &mut again);
//! }
//! ```
//!
//! Two sessions at once need two buffers:
//!
//! ```
//! # use infer::{Model, Session};
//! fn two(model: &Model, arenas: [&mut [i8]; 2]) -> bool {
//!     let [first, second] = arenas;
//!     let (first, second) = (Session::new(model, first), Session::new(model, second));
//!     first.is_ok() && second.is_ok()
//! }
//! ```
//!
//! ```compile_fail,E0499
//! # use infer::{Model, Session};
//! fn two(model: &Model, arena: &mut [i8]) -> bool {
//!     let (first, second) = (Session::new(model, &mut *arena), Session::new(model, &mut *arena));
//!     first.is_ok() && second.is_ok()
//! }
//! ```
//!
//! The buffer and the model stay as long as the session:
//!
//! ```compile_fail,E0505
//! # use infer::{Model, Session};
//! fn gone(model: Model<'static>, arena: &mut [i8], image: &[u8]) {
//!     let mut session = Session::new(&model, arena).unwrap();
//!     drop(model);
//!     let _ = session.run(image);
//! }
//! ```
