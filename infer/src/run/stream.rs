//! A network over time: a row goes in, an output comes whenever there is one, and no row of any map
//! is computed twice.

use core::marker::PhantomData;
use core::ops::Range;

use super::flow::{Flow, row_of};
use super::session::Session;
use super::slice::{input_part, make_room, part};
use super::values::Value;
use crate::error::{PushError, StreamError, StreamProblem};
use crate::graph::layer::{Input, Layer};
use crate::graph::network::Network;
use crate::ops::{Buffers, Kernels, Native};
use crate::quant::OutputQuant;
use crate::schedule::{BRANCHES, Slice};
use crate::scores::Scores;
use crate::value_type::ValueType;

/// A network of at most `LAYERS` layers whose input never ends.
///
/// ```
/// # fn demo(
/// #     model: &infer::Model, arena: &mut [i8], mut sample: impl FnMut() -> [i8; 6],
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use infer::Stream;
///
/// let mut stream = Stream::<8>::new(model, arena)?; // for a network of up to 8 layers
/// loop {
///     if let Some(scores) = stream.push(&sample())? {
///         let class = scores.class();
/// #       let _ = class; return Ok(());
///     }
/// }
/// # }
/// ```
///
/// Rows are made as if the input's rows were all rows there will ever be: what a layer reads before
/// the first row is its padding, windows are a stride apart from row 0 on. A layer whose single row
/// reads its whole input, a dense one or a global average, slides over it row by row. So each
/// output is that of a run on the whole sequence so far.
pub struct Stream<'m, 'a, const LAYERS: usize, Set = Native> {
    session: Session<'m, 'a>,
    progress: Progress<LAYERS>,
    kernels: PhantomData<Set>,
}

impl<'m, 'a, const LAYERS: usize> Stream<'m, 'a, LAYERS> {
    /// Joins a model, or a [`Network`] that was built in, and its working memory: see
    /// [`Session::new`]. The model must be planned for streams, by `trainer plan --stream` or
    /// `trainer import --stream`.
    ///
    /// # Errors
    /// A network that cannot stream, with the layer that cannot; a plan that keeps too few rows; a
    /// buffer that is no arena of the model.
    pub fn new(model: impl Into<Network<'m>>, arena: &'a mut [i8]) -> Result<Self, StreamError> {
        Self::with_kernels(model, arena)
    }
}

impl<'m, 'a, const LAYERS: usize, Set: Kernels> Stream<'m, 'a, LAYERS, Set> {
    /// [`Stream::new`] with a kernel set of the caller's choice.
    ///
    /// # Errors
    /// As [`Stream::new`].
    pub fn with_kernels(
        model: impl Into<Network<'m>>,
        arena: &'a mut [i8],
    ) -> Result<Self, StreamError> {
        let network = model.into();
        let progress = Progress::new(&network)?;
        let session = Session::new(network, arena).map_err(StreamError::Session)?;
        Ok(Self { session, progress, kernels: PhantomData })
    }

    /// Takes a row of the input, `width * channels` values of [`Network::image_shape`], and does
    /// the work that it makes possible. The output that this row completes, whatever the model
    /// gives; `None` where it completes none.
    ///
    /// # Errors
    /// A row of other values than the model takes or of the wrong length, which changes nothing; or
    /// [`PushError::Network`], of a network that was made by hand of parts that do not belong
    /// together.
    pub fn push<V: Value>(&mut self, row: &[V]) -> Result<Option<Scores<'_>>, PushError> {
        self.push_as(row, V::TYPE)
    }

    /// [`Stream::push`] of a row as files and messages hold it: see [`Session::run_stored`].
    ///
    /// # Errors
    /// As [`Stream::push`].
    pub fn push_stored(&mut self, row: &[u8]) -> Result<Option<Scores<'_>>, PushError> {
        self.push_as(row, self.session.network.input().interface.takes)
    }

    /// Forgets all rows: the next one is row 0.
    pub fn reset(&mut self) {
        self.progress.reset(&self.session.network);
    }

    /// The newest row of output number `index`; `None` before the first, and after the last output.
    pub fn output(&self, index: usize) -> Option<Scores<'_>> {
        let Session { network, arena } = &self.session;
        let (range, quant) = self.progress.newest(network, index)?;
        Some(Scores::new(arena.get(range)?, quant))
    }

    fn push_as<V: Value>(
        &mut self,
        row: &[V],
        given: ValueType,
    ) -> Result<Option<Scores<'_>>, PushError> {
        let Session { network, arena } = &mut self.session;
        let (takes, expected) = (network.input().interface.takes, network.image_shape().row_len());
        if takes != given {
            return Err(PushError::Type { takes, given });
        }
        if row.len() != expected {
            return Err(PushError::Length { expected, found: row.len() });
        }
        match self.progress.push::<V, Set>(network, arena, row) {
            None => Err(PushError::Network),
            Some(false) => Ok(None),
            Some(true) => self.output(0).ok_or(PushError::Network).map(Some),
        }
    }
}

/// How far a stream is: all that is kept of it beside the working memory.
pub(crate) struct Progress<const LAYERS: usize> {
    flow: Flow<LAYERS>,
    /// Rows of the input that are still to be passed over.
    ahead: u16,
}

impl<const LAYERS: usize> Progress<LAYERS> {
    /// Before the first row.
    ///
    /// # Errors
    /// A network that cannot stream, or a plan that keeps too few rows.
    pub(crate) fn new(network: &Network<'_>) -> Result<Self, StreamError> {
        let flow = Flow::new(network)?;
        check_apart(network)?;
        let mut refused = None;
        let settled = flow.settle(network, &mut |slice| check_row(network, slice, &mut refused));
        settled.map_err(|error| refused.unwrap_or(error))?;
        Ok(Self { flow, ahead: network.input().origin[0].unsigned_abs() })
    }

    /// Forgets all rows.
    pub(crate) fn reset(&mut self, network: &Network<'_>) {
        self.flow.reset(network);
        self.ahead = network.input().origin[0].unsigned_abs();
    }

    /// Takes a row of the image's length; whether it completes an output. `None` of a network that
    /// was made by hand of parts that do not belong together.
    pub(crate) fn push<V: Value, Set: Kernels>(
        &mut self,
        network: &Network<'_>,
        arena: &mut [i8],
        row: &[V],
    ) -> Option<bool> {
        if self.ahead > 0 {
            self.ahead -= 1;
            return Some(false);
        }
        let mut make = |slice: &Slice| match slice.tensor.checked_sub(1) {
            None => place(network.input(), row, slice, arena),
            Some(index) => make_row::<Set>(network, network.layers().get(index)?, slice, arena),
        };
        self.flow.push(network, &mut make).map(|outputs| outputs > 0)
    }

    /// Where the newest row of output number `index` lies, and its quantisation.
    pub(crate) fn newest(
        &self,
        network: &Network<'_>,
        index: usize,
    ) -> Option<(Range<usize>, OutputQuant)> {
        let (tensor, at) = network.output(index)?;
        let newest = self.flow.held(*network.outputs().get(index)? as usize).checked_sub(1)?;
        let row_len = tensor.shape.row_len();
        let start = at + newest as usize * row_len;
        Some((start..start + row_len, tensor.quant))
    }
}

/// Puts a row of the input after those that stay.
fn place<V: Value>(input: &Input<'_>, row: &[V], slice: &Slice, arena: &mut [i8]) -> Option<()> {
    let (at, bytes) = input.arena_use();
    let out = make_room(arena.get_mut(at..at + bytes)?, slice, input.tensor.shape.row_len())?;
    V::place(input, row, input.origin[1] as i32 * input.image.channels as i32, out);
    Some(())
}

/// Makes a row of a layer; `None` where its buffers do not lie apart inside of the arena.
fn make_row<Set: Kernels>(
    network: &Network<'_>,
    layer: &Layer<'_>,
    slice: &Slice,
    arena: &mut [i8],
) -> Option<()> {
    let kind = row_of(&layer.kind, slice);
    let row_len = kind.output().shape.row_len();
    let rows = slice.kept as usize + slice.dropped.max(1) as usize;
    let held = part(layer.place.at, rows * row_len);
    let scratch = part(layer.scratch_at, kind.scratch_bytes());
    let first = input_part(network, layer, slice, &kind, 0);
    let has_second = BRANCHES && layer.inputs.count() > 1;
    let second = if has_second { input_part(network, layer, slice, &kind, 1) } else { 0..0 };
    let parts = arena.get_disjoint_mut([first, second, scratch, held]).ok()?;
    let [input, second, scratch, held] = parts;
    let output = make_room(held, slice, row_len)?;
    kind.run::<Set>(Buffers { input, second, scratch, output });
    Some(())
}

/// Checks that all tensors lie apart, and the scratch memory of each layer from all of them: in a
/// stream all tensors live for ever.
fn check_apart(network: &Network<'_>) -> Result<(), StreamError> {
    for (index, layer) in (0u8..).zip(network.layers()) {
        let overlaps = |(at, bytes): (usize, usize), tensor: usize| {
            let (start, other) = network.tensor_use(tensor).unwrap_or_default();
            bytes > 0 && other > 0 && at < start + other && start < at + bytes
        };
        let made = index as usize + 1;
        let apart = (0..=network.layers().len()).all(|tensor| {
            !overlaps(layer.scratch_use(), tensor)
                && (tensor >= made || !overlaps(layer.output_use(), tensor))
        });
        if !apart {
            return Err(StreamError::Layer { index, problem: StreamProblem::Plan });
        }
    }
    Ok(())
}

/// Whether a row can be made: its operator is in the build, and has scratch memory enough.
fn check_row(
    network: &Network<'_>,
    slice: &Slice,
    refused: &mut Option<StreamError>,
) -> Option<()> {
    let Some(index) = slice.tensor.checked_sub(1) else { return Some(()) };
    let layer = network.layers().get(index)?;
    let kind = row_of(&layer.kind, slice);
    let problem = match (kind.left_out(), kind.scratch_bytes() <= layer.scratch_bytes()) {
        (Some(part), _) => StreamProblem::NotBuilt(part),
        (None, true) => return Some(()),
        (None, false) => StreamProblem::Plan,
    };
    *refused = Some(StreamError::Layer { index: index as u8, problem });
    None
}
