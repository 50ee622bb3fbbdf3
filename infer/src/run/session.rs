//! A network at work in the caller's memory.

use core::marker::PhantomData;

use super::observer::Observer;
use super::slice::{make, make_room};
use super::values::Value;
use crate::error::{InputError, RunError, SessionError};
use crate::graph::layer::Input;
use crate::graph::network::Network;
use crate::ops::{KernelSet, Kernels, Native, window};
use crate::schedule::{Schedule, Slice};
use crate::scores::{Reals, Reconstruction, Scores};
use crate::value_type::{OutputType, ValueType};

/// A network with the buffer it works in. One run at a time: [`Session::run`] borrows the session
/// mutably.
pub struct Session<'m, 'a> {
    pub(super) network: Network<'m>,
    pub(super) arena: &'a mut [i8],
}

impl<'m, 'a> Session<'m, 'a> {
    /// Joins a model, or a [`Network`] that was built in, and its working memory, of as many bytes
    /// as its `arena_bytes` says or more: an [`Arena`](crate::Arena). What the buffer holds does
    /// not matter.
    ///
    /// # Errors
    /// A buffer that is too small or not aligned for this build's backend.
    pub fn new(model: impl Into<Network<'m>>, arena: &'a mut [i8]) -> Result<Self, SessionError> {
        let network = model.into();
        let (needed, found) = (network.arena_bytes(), arena.len());
        if found < needed {
            return Err(SessionError::BufferTooSmall { needed, found });
        }
        let needed = Native::ALIGNMENT_BYTES;
        if !arena.as_ptr().addr().is_multiple_of(needed) {
            return Err(SessionError::BufferMisaligned { needed });
        }
        Ok(Self { network, arena })
    }

    /// Classifies one image: rows of [`Network::image_shape`] of the values that the model takes,
    /// `u8` pixels, 0 is black, `i8` or `f32`.
    ///
    /// # Errors
    /// An image of the wrong size or of other values, or a model that gives no scores, before any
    /// work. A run of a network that was
    /// checked cannot fail once it started; one that was made by hand of parts that do not belong
    /// together is [`RunError::Network`].
    pub fn run<V: Value>(&mut self, image: &[V]) -> Result<Scores<'_>, RunError> {
        self.require(OutputType::Scores)?;
        V::run(image, V::TYPE, self)
    }

    /// The real values that a model gives for an input.
    ///
    /// # Errors
    /// As [`Session::run`], of a model that gives no real values.
    pub fn regress<V: Value>(&mut self, input: &[V]) -> Result<Reals<'_>, RunError> {
        self.require(OutputType::Reals)?;
        V::run(input, V::TYPE, self).map(Reals::new)
    }

    /// The input as the model makes it once more, and how far that is from it:
    /// [`Session::reconstruction_error`].
    ///
    /// # Errors
    /// As [`Session::run`], of a model that gives no reconstruction.
    pub fn reconstruct<V: Value>(&mut self, input: &[V]) -> Result<Reconstruction<'_>, RunError> {
        self.require(OutputType::Reconstruction)?;
        V::run(input, V::TYPE, self)?;
        let error = self.reconstruction_error(input)?;
        let values = self.output(0).map(Reals::new).ok_or(RunError::Network)?;
        Ok(Reconstruction { values, error })
    }

    /// How far the reconstruction that the last run left is from its input, given once more: after
    /// a run by steps or by rows. Where [`Session::output`] means nothing, neither does this.
    ///
    /// It is the mean of `(input - output)^2`, summed up in `f32` in memory order: of the input's
    /// real values as the network means them, [`ChannelScale::apply`](crate::ChannelScale) done,
    /// not rounded.
    ///
    /// # Errors
    /// As [`Session::run`], of a model that gives no reconstruction.
    pub fn reconstruction_error<V: Value>(&self, input: &[V]) -> Result<f32, RunError> {
        self.require(OutputType::Reconstruction)?;
        self.check(input.len(), V::TYPE).map_err(RunError::Input)?;
        let values = self.output(0).map(Reals::new).ok_or(RunError::Network)?;
        let channels = (0..self.network.image_shape().channels as usize).cycle();
        let pairs = values.iter().zip(input.iter().zip(channels));
        let difference = |(output, (value, channel)): (f32, (&V, usize))| {
            value.real(self.network.input(), channel) - output
        };
        let squares = pairs.map(difference).map(|difference| difference * difference);
        Ok(squares.sum::<f32>() / input.len().max(1) as f32)
    }

    fn require(&self, asked: OutputType) -> Result<(), RunError> {
        let gives = self.network.input().interface.gives;
        if gives == asked { Ok(()) } else { Err(RunError::Output { gives, asked }) }
    }

    /// [`Session::run`] with a kernel set of the caller's choice and an observer, whatever the
    /// model gives. Every kernel set gives the same bytes.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_with<Set: Kernels>(
        &mut self,
        image: &[impl Value],
        observer: &mut impl Observer,
    ) -> Result<Scores<'_>, RunError> {
        self.run_as::<_, Set>(image, type_of(image), observer)
    }

    /// [`Session::run_with`] on an image as files and messages hold it, whatever the model takes: a
    /// byte for each value, which is the int8 value that the network reads, plus 128. So a pixel is
    /// itself.
    ///
    /// # Errors
    /// An image of the wrong size; else as [`Session::run`].
    pub fn run_stored<Set: Kernels>(
        &mut self,
        image: &[u8],
        observer: &mut impl Observer,
    ) -> Result<Scores<'_>, RunError> {
        self.run_as::<_, Set>(image, self.network.input().interface.takes, observer)
    }

    /// Runs on values that stand for those of a type.
    pub(crate) fn run_as<V: Value, Set: Kernels>(
        &mut self,
        image: &[V],
        given: ValueType,
        observer: &mut impl Observer,
    ) -> Result<Scores<'_>, RunError> {
        let mut run = self.begin_as::<V, Set>(image, given).map_err(RunError::Input)?;
        while run.step_with(observer) {}
        let scores = if run.is_complete() { self.output(0) } else { None };
        scores.ok_or(RunError::Network)
    }

    /// Begins a run that goes on step by step, so that other work can be done in between: see
    /// [`Run::step`].
    ///
    /// # Errors
    /// An image of the wrong size or of other values than the model takes.
    pub fn begin<'s, V: Value>(
        &'s mut self,
        image: &'s [V],
    ) -> Result<Run<'s, 'm, 'a, V>, InputError> {
        self.begin_as(image, V::TYPE)
    }

    fn begin_as<'s, V: Value, Set: Kernels>(
        &'s mut self,
        image: &'s [V],
        given: ValueType,
    ) -> Result<Run<'s, 'm, 'a, V, Set>, InputError> {
        self.check(image.len(), given)?;
        let schedule = Schedule::new();
        Ok(Run { session: self, image, schedule, is_broken: false, kernels: PhantomData })
    }

    /// Whether the network takes this number of values, of this type.
    fn check(&self, values: usize, given: ValueType) -> Result<(), InputError> {
        let (takes, expected) =
            (self.network.input().interface.takes, self.network.image_shape().len());
        if (takes != given) | (values != expected) {
            return Err(InputError::of((takes, given), (expected, values)));
        }
        Ok(())
    }

    /// Output number `index` of the last run: 0 is what [`Session::run`] gives; `None` after the
    /// last. What it holds before the first run, and after one that did not end with scores, means
    /// nothing.
    pub fn output(&self, index: usize) -> Option<Scores<'_>> {
        let (tensor, at) = self.network.output(index)?;
        Some(Scores::new(self.arena.get(at..at + tensor.shape.len())?, tensor.quant))
    }
}

/// A run under way. Dropping it ends the run; the next one is not affected.
///
/// ```
/// # use infer::{InputError, Session};
/// # fn demo(
/// #     session: &mut Session, image: &[u8], mut other_work: impl FnMut(),
/// # ) -> Result<(), InputError> {
/// let mut run = session.begin(image)?;
/// while run.step() {
///     other_work();
/// }
/// let class = run.scores().map(|scores| scores.class());
/// # let _ = class; Ok(()) }
/// ```
pub struct Run<'s, 'm, 'a, V = u8, Set = Native> {
    session: &'s mut Session<'m, 'a>,
    image: &'s [V],
    schedule: Schedule,
    /// Whether a slice could not be run.
    is_broken: bool,
    kernels: PhantomData<Set>,
}

impl<'s, V: Value, Set: Kernels> Run<'s, '_, '_, V, Set> {
    /// Runs one slice: places some rows of the image, or makes some rows of a layer's output, all
    /// of them where the plan holds all. `false` when there was nothing left to do.
    pub fn step(&mut self) -> bool {
        self.step_with(&mut ())
    }

    /// [`Run::step`] with an observer.
    pub fn step_with(&mut self, observer: &mut impl Observer) -> bool {
        let network = self.session.network;
        let Some(slice) = self.schedule.next(&network) else { return false };
        let arena = &mut *self.session.arena;
        let done = match slice.tensor.checked_sub(1) {
            None => place(network.input(), self.image, &slice, arena),
            Some(index) => make::<Set>(&network, index, slice, arena, observer),
        };
        self.is_broken |= done.is_none();
        !self.is_broken
    }

    /// Whether nothing is left to do: [`Run::step`] gives `false` from now on.
    pub fn is_over(&self) -> bool {
        self.is_broken || self.schedule.is_done(&self.session.network)
    }

    /// The scores, once all steps are done; `None` before, and when a network that was made by hand
    /// of parts that do not belong together could not be run.
    pub fn scores(self) -> Option<Scores<'s>> {
        if self.is_complete() { self.session.output(0) } else { None }
    }

    fn is_complete(&self) -> bool {
        self.schedule.is_done(&self.session.network) && !self.is_broken
    }
}

const fn type_of<V: Value>(_: &[V]) -> ValueType {
    V::TYPE
}

/// Puts the next rows of the part of the image that the network reads where the first layer expects
/// them; `None` when there is no room.
fn place<V: Value>(input: &Input<'_>, image: &[V], slice: &Slice, arena: &mut [i8]) -> Option<()> {
    let (at, bytes) = input.arena_use();
    let row_len = input.tensor.shape.row_len();
    let rows = make_room(arena.get_mut(at..at + bytes)?, slice, row_len)?;
    let channels = input.image.channels as i32;
    let first = input.origin[0] as i32 + slice.rows.start as i32;
    for (row, out) in (first..).zip(rows.chunks_exact_mut(row_len.max(1))) {
        let source = window::row(image, input.image, row);
        let start = input.origin[1] as i32 * channels;
        V::place(input, source, start, out);
    }
    Some(())
}
