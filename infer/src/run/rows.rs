//! An image that comes row by row: it is never in memory.
//!
//! ```text
//! for each row of the image:
//!     if the tensor's next row is read from it: put it where the schedule has room
//!     while no row of the image is waited for: run the next slice
//! ```
//!
//! The schedule makes several rows of tensor 0 by one slice. Room for all of them is made when the
//! slice begins, and the slice ends when the last of them has come.

use core::marker::PhantomData;

use super::observer::Observer;
use super::session::Session;
use super::slice::{make, make_room};
use super::values::Value;
use crate::error::RowsError;
use crate::graph::layer::Input;
use crate::graph::network::Network;
use crate::ops::{Kernels, Native};
use crate::schedule::{Schedule, Slice};
use crate::scores::Scores;
use crate::value_type::ValueType;

/// An image that comes row by row: see [`Session::begin_rows`]. Dropping it ends the run; the next
/// one is not affected.
///
/// ```
/// # use infer::{RowsError, Session};
/// # fn demo(
/// #     session: &mut Session, mut camera: impl FnMut(&mut [u8; 96]),
/// # ) -> Result<(), RowsError> {
/// let mut row = [0; 96];
/// let mut rows = session.begin_rows::<u8>()?;
/// for _ in 0..96 {
///     camera(&mut row);
///     rows.push(&row)?; // used and forgotten
/// }
/// let class = rows.finish()?.class();
/// # let _ = class; Ok(()) }
/// ```
pub struct Rows<'s, 'm, 'a, V = u8, Set = Native> {
    session: &'s mut Session<'m, 'a>,
    feed: Feed,
    kind: PhantomData<(V, Set)>,
}

impl<'m, 'a> Session<'m, 'a> {
    /// Begins a run on an image that comes row by row, from the first to the last, each of
    /// `width * channels` values of [`Network::image_shape`]. Scores are those of
    /// [`Session::run`], byte for byte, whatever the plan. How much of the image the working memory
    /// holds is what the plan says: see [`Input::held_rows`](crate::Input::held_rows).
    ///
    /// # Errors
    /// Other values than the model takes.
    pub fn begin_rows<'s, V: Value>(&'s mut self) -> Result<Rows<'s, 'm, 'a, V>, RowsError> {
        self.begin_rows_as(V::TYPE)
    }

    /// [`Session::begin_rows`] with a kernel set of the caller's choice.
    ///
    /// # Errors
    /// As [`Session::begin_rows`].
    pub fn begin_rows_with<'s, V: Value, Set: Kernels>(
        &'s mut self,
    ) -> Result<Rows<'s, 'm, 'a, V, Set>, RowsError> {
        self.begin_rows_as(V::TYPE)
    }

    /// [`Session::begin_rows_with`] on rows as files and messages hold them: see
    /// [`Session::run_stored`].
    pub fn begin_stored_rows<'s, Set: Kernels>(&'s mut self) -> Rows<'s, 'm, 'a, u8, Set> {
        Rows { session: self, feed: Feed::new(), kind: PhantomData }
    }

    fn begin_rows_as<'s, V: Value, Set: Kernels>(
        &'s mut self,
        given: ValueType,
    ) -> Result<Rows<'s, 'm, 'a, V, Set>, RowsError> {
        let takes = self.network.input().interface.takes;
        if takes != given {
            return Err(RowsError::Type { takes, given });
        }
        Ok(Rows { session: self, feed: Feed::new(), kind: PhantomData })
    }
}

impl<'s, V: Value, Set: Kernels> Rows<'s, '_, '_, V, Set> {
    /// Takes the next row, and does the work that it makes possible: none, or some rows of some
    /// layers. A row that nobody reads is dropped.
    ///
    /// # Errors
    /// A row of the wrong length, or more rows than the image has, which change nothing.
    pub fn push(&mut self, row: &[V]) -> Result<(), RowsError> {
        self.push_with(row, &mut ())
    }

    /// [`Rows::push`] with an observer.
    ///
    /// # Errors
    /// As [`Rows::push`].
    pub fn push_with(&mut self, row: &[V], observer: &mut impl Observer) -> Result<(), RowsError> {
        let Session { network, arena } = &mut *self.session;
        self.feed.push::<V, Set>(network, arena, row, observer)
    }

    /// Rows of the image.
    pub const fn image_rows(&self) -> u16 {
        self.session.network.image_shape().height
    }

    /// Rows that have come.
    pub const fn come(&self) -> u16 {
        self.feed.come
    }

    /// Forgets the rows that have come: the next one is the first of a new image.
    pub fn restart(&mut self) {
        self.feed = Feed::new();
    }

    /// The scores, whatever the model gives.
    ///
    /// # Errors
    /// Too few rows; or [`RowsError::Network`], of a network that was made by hand of parts that
    /// do not belong together.
    pub fn finish(self) -> Result<Scores<'s>, RowsError> {
        self.feed.check_end(&self.session.network)?;
        self.session.output(0).ok_or(RowsError::Network)
    }
}

/// How far an image is that comes row by row.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    schedule: Schedule,
    /// Rows of tensor 0 that are waited for.
    waiting: Waiting,
    /// Rows of the image that have come.
    come: u16,
    /// Whether a slice could not be run.
    is_broken: bool,
}

/// Rows of tensor 0 for which there is room.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    /// The next row.
    row: u16,
    /// The row after the last.
    end: u16,
    /// Rows that are held before the next one.
    held: u16,
}

impl Feed {
    /// Nothing has come.
    pub(crate) const fn new() -> Self {
        let waiting = Waiting { row: 0, end: 0, held: 0 };
        Self { schedule: Schedule::new(), waiting, come: 0, is_broken: false }
    }

    /// See [`Rows::push`].
    pub(crate) fn push<V: Value, Set: Kernels>(
        &mut self,
        network: &Network<'_>,
        arena: &mut [i8],
        row: &[V],
        observer: &mut impl Observer,
    ) -> Result<(), RowsError> {
        let (input, image) = (network.input(), network.image_shape());
        if row.len() != image.row_len() {
            let (expected, found) = (image.row_len(), row.len());
            return Err(RowsError::Length { expected, found });
        }
        if self.come >= image.height {
            return Err(RowsError::TooMany { image: image.height });
        }
        self.advance::<Set>(network, arena, observer);
        if self.waiting.is_some() && self.waiting.row_of_image(input) == self.come as i32 {
            let start = input.origin[1] as i32 * image.channels as i32;
            let place = self.waiting.next(input, arena);
            self.is_broken |= place.map(|out| V::place(input, row, start, out)).is_none();
        }
        self.come += 1;
        self.advance::<Set>(network, arena, observer);
        if self.is_broken { Err(RowsError::Network) } else { Ok(()) }
    }

    /// Whether all rows have come and all is done.
    pub(crate) fn check_end(&self, network: &Network<'_>) -> Result<(), RowsError> {
        let (expected, found) = (network.image_shape().height, self.come);
        if found < expected {
            return Err(RowsError::TooFew { expected, found });
        }
        let is_done = self.schedule.is_done(network) && !self.is_broken;
        if is_done { Ok(()) } else { Err(RowsError::Network) }
    }

    /// Runs slices until a row of the image is waited for, or all is done. Not inlined: it has all
    /// of the kernels.
    #[inline(never)]
    fn advance<Set: Kernels>(
        &mut self,
        network: &Network<'_>,
        arena: &mut [i8],
        observer: &mut impl Observer,
    ) {
        while !self.is_broken {
            self.fill_outside(network.input(), arena);
            if self.waiting.is_some() {
                return;
            }
            let Some(slice) = self.schedule.next(network) else { return };
            let done = match slice.tensor.checked_sub(1) {
                None => self.wait_for(&slice, network.input(), arena),
                Some(index) => make::<Set>(network, index, slice, arena, observer),
            };
            self.is_broken |= done.is_none();
        }
    }

    /// Makes room for the rows of a slice of tensor 0.
    fn wait_for(&mut self, slice: &Slice, input: &Input<'_>, arena: &mut [i8]) -> Option<()> {
        let (at, bytes) = input.arena_use();
        make_room(arena.get_mut(at..at + bytes)?, slice, input.tensor.shape.row_len())?;
        self.waiting = Waiting { row: slice.rows.start, end: slice.rows.end, held: slice.kept };
        Some(())
    }

    /// Fills the next rows that lie outside of the image.
    fn fill_outside(&mut self, input: &Input<'_>, arena: &mut [i8]) {
        while self.waiting.is_some() {
            let row = self.waiting.row_of_image(input);
            if (0..input.image.height as i32).contains(&row) {
                return;
            }
            self.waiting.next(input, arena).unwrap_or_default().fill(input.zero());
        }
    }
}

impl Waiting {
    const fn is_some(&self) -> bool {
        self.row < self.end
    }

    /// The row of the image that the next row is read from.
    const fn row_of_image(&self, input: &Input<'_>) -> i32 {
        input.origin[0] as i32 + self.row as i32
    }

    /// The place of the next row, which is then no longer waited for.
    fn next<'r>(&mut self, input: &Input<'_>, arena: &'r mut [i8]) -> Option<&'r mut [i8]> {
        let row_len = input.tensor.shape.row_len();
        let start = input.arena_use().0 + self.held as usize * row_len;
        self.row += 1;
        self.held += 1;
        arena.get_mut(start..start + row_len)
    }
}
