//! The image that is coming in: each row is used and forgotten, so no memory holds the image.
//!
//! ```text
//! a part of the image that is coming, which was taken before: nothing to do
//! the first part of an image: begin anew
//! the next part: run the network on each row that it completes
//! the last part: are all bytes those that the host sent?
//! ```
//!
//! Parts come in order. A host whose part is refused sends the image anew.

use core::ops::Range;

use super::message::Refusal;
use super::server::Clock;
use super::stated;
use crate::checksum::extend_checksum;
use crate::graph::layer::Layer;
use crate::graph::network::Network;
use crate::ops::Native;
use crate::run::observer::Observer;
use crate::run::rows::Feed;
use crate::run::session::Session;

/// An image that comes row by row, and the network's run on it.
pub struct Incoming<'s> {
    /// For a row that comes in several parts.
    row: &'s mut [u8],
    /// Time of as many layers as there is room for.
    layer_ticks: &'s mut [u32],
    /// Bytes of a row that are in `row`.
    filled: usize,
    feed: Feed,
    image: Option<Image>,
}

/// Which image is coming, and how much of it is there.
#[derive(Clone, Copy)]
struct Image {
    key: Key,
    /// Sequence number of the request that began it.
    begun_by: u32,
    /// Bytes that have come.
    bytes: usize,
    /// CRC-32 of them, before its last step.
    register: u32,
    /// Time of the run so far.
    ticks: u64,
}

/// What tells a run from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// Id of the model.
    pub model: u32,
    /// CRC-32 of the image.
    pub image: u32,
    /// The first layer that is timed.
    pub timed_from: Option<u8>,
}

/// A part of an image.
pub(super) struct Part<'p> {
    pub key: Key,
    /// Sequence number of the request.
    pub sequence: u32,
    /// Place in the image, bytes.
    pub at: usize,
    pub bytes: &'p [u8],
}

/// A network with its working memory.
pub(super) struct Work<'w> {
    pub network: Network<'w>,
    pub arena: &'w mut [i8],
}

impl<'s> Incoming<'s> {
    /// `row` is for rows that are longer than a part, and may be empty where none are;
    /// `layer_ticks` takes the times of layers: a run can time as many as it has room for.
    pub const fn new(row: &'s mut [u8], layer_ticks: &'s mut [u32]) -> Self {
        Self { row, layer_ticks, filled: 0, feed: Feed::new(), image: None }
    }

    /// Longest row that can come in several parts.
    pub(super) fn row_bytes(&self) -> usize {
        self.row.len()
    }

    /// The working memory is used for something else: what has come is lost.
    pub(super) fn forget(&mut self) {
        self.image = None;
    }

    /// Takes a part; the time of the whole run once the image is complete.
    pub(super) fn take<'e>(
        &mut self,
        part: &Part<'_>,
        work: &mut Work<'_>,
        clock: &mut impl Clock,
    ) -> Result<Option<u64>, Refusal<'e>> {
        let image_bytes = work.network.image_shape().len();
        let end = part.at.checked_add(part.bytes.len()).filter(|end| *end <= image_bytes);
        let end = end.ok_or(Refusal::PartOutside)?;
        let mut image = match self.image {
            Some(image) if image.has(part, end) => image,
            Some(image) if part.at > 0 && image.key == part.key && image.bytes == part.at => {
                self.go_on(image, part, work, clock)?
            }
            _ if part.at == 0 => {
                self.begin(work)?;
                self.go_on(Image::begun_by(part), part, work, clock)?
            }
            _ => return Err(Refusal::ImageIncomplete),
        };
        image.bytes = image.bytes.max(end);
        if image.bytes == image_bytes && !image.register != image.key.image {
            self.forget();
            return Err(Refusal::ImageIncomplete);
        }
        self.image = Some(image);
        Ok((end == image_bytes).then_some(image.ticks))
    }

    /// Time of a layer in the run on an image, if that is the last one and the layer was timed.
    pub(super) fn layer_ticks(&self, model: u32, image: u32, layer: u8) -> Option<u32> {
        let Key { model: of_model, image: of_image, timed_from } = self.image?.key;
        let index = layer.checked_sub(timed_from?)?;
        let is_same = (model, image) == (of_model, of_image);
        self.layer_ticks.get(index as usize).copied().filter(|_| is_same)
    }

    fn begin<'e>(&mut self, work: &mut Work<'_>) -> Result<(), Refusal<'e>> {
        self.image = None;
        work.check_memory()?;
        self.feed = Feed::new();
        self.filled = 0;
        self.layer_ticks.fill(0);
        Ok(())
    }

    /// Runs the network on the rows that a part completes.
    fn go_on<'e>(
        &mut self,
        mut image: Image,
        part: &Part<'_>,
        work: &mut Work<'_>,
        clock: &mut impl Clock,
    ) -> Result<Image, Refusal<'e>> {
        // An error leaves nothing that could go on.
        self.image = None;
        let begun = clock.now();
        let first = part.key.timed_from;
        let mut observer = Timed { clock, first, ticks: self.layer_ticks, begun: 0 };
        let (mut rest, row_bytes) = (part.bytes, work.network.image_shape().row_len());
        while let Some((row, taken)) = next_row(self.row, &mut self.filled, rest, row_bytes)? {
            let Work { network, arena } = work;
            let pushed = self.feed.push::<u8, Native>(network, arena, row, &mut observer);
            pushed.map_err(|_| Refusal::ImageIncomplete)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        image.ticks += clock.now() - begun;
        image.register = extend_checksum(image.register, part.bytes);
        Ok(image)
    }
}

impl Image {
    const fn begun_by(part: &Part<'_>) -> Self {
        Self { key: part.key, begun_by: part.sequence, bytes: 0, register: u32::MAX, ticks: 0 }
    }

    /// Whether a part has been taken before: a request that was repeated, or came twice. The first
    /// part in another request begins the image anew.
    fn has(&self, part: &Part<'_>, end: usize) -> bool {
        let is_repeated = part.at > 0 || self.begun_by == part.sequence;
        self.key == part.key && end <= self.bytes && is_repeated
    }
}

/// Runs the network on an image that is all there, through the same code as one that comes: the
/// values that it gives.
pub(super) fn run<'w>(
    work: Work<'w>,
    image: &[u8],
    clock: &mut impl Clock,
) -> Result<&'w [i8], Refusal<'w>> {
    let mut work = work;
    work.check_memory()?;
    let Work { network, arena } = work;
    let mut observer = Timed { clock, first: None, ticks: &mut [], begun: 0 };
    let mut feed = Feed::new();
    for row in image.chunks(network.image_shape().row_len().max(1)) {
        let pushed = feed.push::<u8, Native>(&network, arena, row, &mut observer);
        pushed.map_err(|_| Refusal::ImageIncomplete)?;
    }
    Ok(values(network, arena))
}

/// The values of the first output.
pub(super) fn values<'a>(network: Network<'_>, arena: &'a [i8]) -> &'a [i8] {
    let output = network.output(0);
    output.and_then(|(tensor, at)| arena.get(at..at + tensor.shape.len())).unwrap_or_default()
}

impl Work<'_> {
    /// Whether the memory is an arena of the network.
    pub(super) fn check_memory<'e>(&mut self) -> Result<(), Refusal<'e>> {
        let (needed, room) = (stated(self.network.arena_bytes()), stated(self.arena.len()));
        let session = Session::new(self.network, self.arena);
        session.map(|_| ()).map_err(|_| Refusal::NoMemory { needed, room })
    }
}

/// The next row, and how many bytes of the part it took: a row lies in the part alone, or came in
/// several and lies in `buffer`. `None` where the part ends before the row.
fn next_row<'r, 'e>(
    buffer: &'r mut [u8],
    filled: &mut usize,
    part: &'r [u8],
    row_bytes: usize,
) -> Result<Option<(&'r [u8], usize)>, Refusal<'e>> {
    if *filled == 0
        && let Some(row) = part.get(..row_bytes)
    {
        return Ok(Some((row, row_bytes)));
    }
    if part.is_empty() {
        return Ok(None);
    }
    let buffer = buffer.get_mut(..row_bytes).ok_or(Refusal::PartOutside)?;
    let missing = buffer.get_mut(*filled..).unwrap_or_default();
    let taken = missing.len().min(part.len());
    missing.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
    *filled += taken;
    if *filled < row_bytes {
        return Ok(None);
    }
    *filled = 0;
    Ok(Some((buffer, taken)))
}

/// Times some layers, from the first that is asked for.
struct Timed<'c, Time> {
    clock: &'c mut Time,
    first: Option<u8>,
    ticks: &'c mut [u32],
    begun: u64,
}

impl<Time: Clock> Timed<'_, Time> {
    fn ticks_of(&mut self, layer: usize) -> Option<&mut u32> {
        self.ticks.get_mut(layer.checked_sub(self.first? as usize)?)
    }
}

impl<Time: Clock> Observer for Timed<'_, Time> {
    fn before(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>) {
        if self.ticks_of(index).is_some() {
            self.begun = self.clock.now();
        }
    }

    fn after(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>, _: &[i8]) {
        let begun = self.begun;
        if self.ticks_of(index).is_some() {
            let taken = stated_ticks(self.clock.now() - begun);
            let _ = self.ticks_of(index).map(|ticks| *ticks = ticks.saturating_add(taken));
        }
    }
}

fn stated_ticks(ticks: u64) -> u32 {
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
