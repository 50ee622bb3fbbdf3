//! Which rows of a stream are made, and when: of tensors whose rows never end.
//!
//! ```text
//! for each row of tensor 0:
//!     hold it
//!     repeat until nothing changes:
//!         for each layer in order:
//!             if its inputs hold all rows of its next window, and there is room: make a row
//! ```
//!
//! A tensor holds the rows that a reader has still to read; the others are dropped when the next
//! one needs their place. Each place is counted from the first row that is held, so that numbers
//! stay small for ever. A row that all readers pass over is not made.
//!
//! A layer whose single row reads its whole input, such as a dense one, slides over it row by row:
//! [`Operator::stream_window`](crate::ops::Operator::stream_window).

use crate::error::{StreamError, StreamProblem};
use crate::features::Feature;
use crate::graph::layer::Layer;
use crate::graph::network::Network;
use crate::ops::LayerKind;
use crate::schedule::{
    BRANCHES, HOLDS_ROWS, INPUTS, INPUTS_MAX, InputRows, RowWindow, SLICES_MAX, Slice,
};

/// Most rows in which a stream must have come to do the same for each output.
pub const ROWS_MAX: u32 = SLICES_MAX;

/// Which rows of each tensor are held, and which each layer reads next, of a network of at most
/// `LAYERS` layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow<const LAYERS: usize> {
    /// Rows of tensor 0 that are held.
    held: u16,
    layers: [Progress; LAYERS],
}

/// How far a layer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    /// Rows of its tensor that are held.
    held: u16,
    /// The first row of its next window in each input, from the first that is held: negative where
    /// that is padding.
    next: [i32; INPUTS_MAX],
}

/// When a stream does the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Rows after which it has done the same for a whole period.
    pub rows: u32,
    /// Rows of a period.
    pub period: u32,
}

/// What became of a tensor's next row.
enum Opened {
    /// It has a place.
    Place(Slice),
    /// No reader will read it.
    Skipped,
    /// There is no room.
    Full,
}

impl<const LAYERS: usize> Flow<LAYERS> {
    /// Before the first row.
    ///
    /// # Errors
    /// A network that cannot stream, whatever its plan.
    pub fn new(network: &Network<'_>) -> Result<Self, StreamError> {
        check::<LAYERS>(network)?;
        let mut flow = Self { held: 0, layers: [Progress::default(); LAYERS] };
        flow.reset(network);
        Ok(flow)
    }

    /// Forgets all rows.
    pub fn reset(&mut self, network: &Network<'_>) {
        self.held = 0;
        for (progress, layer) in self.layers.iter_mut().zip(network.layers()) {
            let origin = |input| window(layer, input).map_or(0, |window| window.origin);
            *progress = Progress { held: 0, next: core::array::from_fn(origin) };
        }
    }

    /// Takes a row of tensor 0, and has all rows made that it makes possible: `make` is told each,
    /// that of tensor 0 first, unless nobody reads it. How many rows of the first output were made;
    /// `None` when `make` gave that, or when tensor 0 has no room.
    pub fn push(
        &mut self,
        network: &Network<'_>,
        make: &mut impl FnMut(&Slice) -> Option<()>,
    ) -> Option<u32> {
        match self.open(network, 0) {
            Opened::Place(slice) => make(&slice)?,
            Opened::Skipped => (),
            Opened::Full => return None,
        }
        let output = network.outputs().first().copied().unwrap_or_default() as usize;
        let mut outputs = 0;
        loop {
            let (mut moved, mut again) = (false, false);
            for index in 0..network.layers().len() {
                if !self.is_ready(network, index) {
                    continue;
                }
                match self.open(network, index + 1) {
                    Opened::Full => {
                        again = true;
                        continue;
                    }
                    Opened::Skipped => (),
                    Opened::Place(slice) => make(&self.with_inputs(network, index, slice))?,
                }
                self.move_on(network, index);
                moved = true;
                outputs += (index + 1 == output) as u32;
                again |= self.is_ready(network, index);
            }
            if !moved || !again {
                return Some(outputs);
            }
        }
    }

    /// Follows the stream until it does the same again and again: nothing gets stuck before, so
    /// nothing ever does. `make` is told as by [`Flow::push`].
    ///
    /// # Errors
    /// A stream that gets stuck, gives more than one output for a row, or takes too long.
    pub fn settle(
        &self,
        network: &Network<'_>,
        make: &mut impl FnMut(&Slice) -> Option<()>,
    ) -> Result<Settled, StreamError> {
        let (mut flow, mut outputs) = (self.clone(), 0u32);
        let (mut before, mut begun) = (self.clone(), 0);
        for rows in 1..=ROWS_MAX {
            match flow.push(network, make).ok_or(StreamError::Stuck)? {
                0 => continue,
                1 if outputs > 0 && flow == before => {
                    return Ok(Settled { rows, period: rows - begun });
                }
                1 => outputs += 1,
                _ => return Err(StreamError::Burst),
            }
            // As Brent's algorithm finds circles: a period need not be one output.
            if outputs.is_power_of_two() {
                (before, begun) = (flow.clone(), rows);
            }
        }
        Err(StreamError::TooLong)
    }

    /// Rows of a tensor that are held.
    pub fn held(&self, tensor: usize) -> u16 {
        match tensor.checked_sub(1) {
            None => self.held,
            Some(layer) => self.layers.get(layer).map_or(0, |layer| layer.held),
        }
    }

    /// Whether the inputs of a layer hold its next window.
    fn is_ready(&self, network: &Network<'_>, index: usize) -> bool {
        let (Some(layer), Some(progress)) = (network.layers().get(index), self.layers.get(index))
        else {
            return false;
        };
        progress.next.iter().enumerate().all(|(input, next)| {
            layer.inputs.get(input).zip(window(layer, input)).is_none_or(|(tensor, window)| {
                next.saturating_add(window.reach as i32) <= self.held(tensor) as i32
            })
        })
    }

    /// Drops the rows of a tensor that no reader will read again, and finds a place for the next.
    fn open(&mut self, network: &Network<'_>, tensor: usize) -> Opened {
        let (held, first) = (self.held(tensor), self.first_needed(network, tensor));
        let is_output = network.outputs().contains(&(tensor as u8));
        let is_skipped = first > held as u32 && !is_output;
        let dropped = first.min(held as u32) as u16;
        let kept = held - dropped;
        if !is_skipped && kept >= network.held_rows(tensor) {
            return Opened::Full;
        }
        self.drop_rows(network, tensor, dropped as i32 + is_skipped as i32);
        let held = match tensor.checked_sub(1) {
            None => Some(&mut self.held),
            Some(layer) => self.layers.get_mut(layer).map(|layer| &mut layer.held),
        };
        let Some(held) = held else { return Opened::Full };
        *held = kept + !is_skipped as u16;
        match is_skipped {
            true => Opened::Skipped,
            false => Opened::Place(Slice { tensor, rows: 0..1, dropped, kept, ..Slice::default() }),
        }
    }

    /// The first row of a tensor that a reader has still to read; beyond all rows where none reads
    /// it.
    fn first_needed(&self, network: &Network<'_>, tensor: usize) -> u32 {
        let mut first = i32::MAX;
        for index in readers(network, tensor) {
            let (Some(layer), Some(progress)) =
                (network.layers().get(index), self.layers.get(index))
            else {
                break;
            };
            for (input, next) in progress.next.iter().enumerate().take(INPUTS) {
                if layer.inputs.get(input) == Some(tensor) {
                    first = first.min(*next);
                }
            }
        }
        first.max(0) as u32
    }

    /// Counts the readers' rows from a row that lies `count` rows after the one before.
    fn drop_rows(&mut self, network: &Network<'_>, tensor: usize, count: i32) {
        for index in readers(network, tensor) {
            let (Some(layer), Some(progress)) =
                (network.layers().get(index), self.layers.get_mut(index))
            else {
                return;
            };
            for (input, next) in progress.next.iter_mut().enumerate().take(INPUTS) {
                if layer.inputs.get(input) == Some(tensor) {
                    *next = next.saturating_sub(count);
                }
            }
        }
    }

    /// The slice with what it reads.
    fn with_inputs(&self, network: &Network<'_>, index: usize, mut slice: Slice) -> Slice {
        let (Some(layer), Some(progress)) = (network.layers().get(index), self.layers.get(index))
        else {
            return slice;
        };
        for (input, (rows, next)) in slice.inputs.iter_mut().zip(progress.next).enumerate() {
            let Some(window) = window(layer, input) else { break };
            // Fits: the end of a window is no more than the rows that are held.
            let within = |row: i32| row.clamp(0, u16::MAX as i32) as u16;
            let (first, end) = (within(next), within(next.saturating_add(window.reach as i32)));
            let origin = next.clamp(i16::MIN as i32, 0) as i16;
            *rows = InputRows { rows: first..end, skipped: first, origin };
        }
        slice
    }

    /// A row of a layer is made: its next windows lie a step on.
    fn move_on(&mut self, network: &Network<'_>, index: usize) {
        let (Some(layer), Some(progress)) =
            (network.layers().get(index), self.layers.get_mut(index))
        else {
            return;
        };
        for (input, next) in progress.next.iter_mut().enumerate() {
            let step = window(layer, input).map_or(0, |window| window.step);
            *next = next.saturating_add(step as i32);
        }
    }
}

/// The operator that makes the row of a slice.
pub fn row_of<'m>(kind: &LayerKind<'m>, slice: &Slice) -> LayerKind<'m> {
    // One that takes rows as they come takes all of them here.
    let rows = 0..kind.reduces().unwrap_or(1);
    kind.slice(&Slice { rows, inputs: slice.inputs.clone(), ..Slice::default() })
}

/// What a row of a layer reads of an input; `None` after the last.
fn window(layer: &Layer<'_>, input: usize) -> Option<RowWindow> {
    if input >= INPUTS.min(layer.inputs.count()) {
        return None;
    }
    layer.kind.stream_window(input)
}

/// The layers that may read a tensor.
fn readers(network: &Network<'_>, tensor: usize) -> core::ops::Range<usize> {
    tensor..if BRANCHES { network.last_reader(tensor) } else { tensor + 1 }
}

/// Whether a network can stream, whatever its plan.
fn check<const LAYERS: usize>(network: &Network<'_>) -> Result<(), StreamError> {
    let (input, layers) = (network.input(), network.layers());
    if !HOLDS_ROWS {
        return Err(StreamError::NotBuilt(Feature::HeldRows));
    }
    if layers.len() > LAYERS {
        return Err(StreamError::LayerCount { found: layers.len(), limit: LAYERS });
    }
    let row = input.origin[0] as i32;
    if row < 0 || row + input.tensor.shape.height as i32 > input.image.height as i32 {
        return Err(StreamError::Input);
    }
    let mut rates = [1; LAYERS];
    for (index, layer) in (0u8..).zip(layers) {
        let refused = |problem| StreamError::Layer { index, problem };
        let rate = check_layer(layer, &rates).map_err(refused)?;
        if let Some(of_layer) = rates.get_mut(index as usize) {
            *of_layer = rate;
        }
    }
    Ok(())
}

/// How many rows of tensor 0 there are for each row of the layer, where it can stream.
fn check_layer(layer: &Layer<'_>, rates: &[u32]) -> Result<u32, StreamProblem> {
    let mut rate = None;
    for (input, tensor) in layer.inputs.iter().enumerate() {
        let window = layer.kind.stream_window(input).ok_or(StreamProblem::WholeMap)?;
        let (read, rows) = (layer.kind.input(input).height, layer.output().height);
        if end_of(&window, rows) > read as i64 {
            return Err(StreamProblem::PaddingAfter);
        }
        let of_input = tensor.checked_sub(1).and_then(|made| rates.get(made)).copied();
        let of_layer = of_input.unwrap_or(1).saturating_mul(window.step);
        if rate.is_some_and(|rate| rate != of_layer) {
            return Err(StreamProblem::Rates);
        }
        rate = Some(of_layer);
    }
    rate.filter(|rate| *rate > 0).ok_or(StreamProblem::WholeMap)
}

/// The end of what `rows` rows read.
fn end_of(window: &RowWindow, rows: u16) -> i64 {
    window.origin as i64 + (rows as i64 - 1) * window.step as i64 + window.reach as i64
}
