//! The stream that a chip follows: a row in each request, an answer to each.

use core::ops::Range;

use super::incoming::Work;
use super::message::Refusal;
use super::room::Text;
use crate::graph::network::Network;
use crate::ops::Native;
use crate::run::stream::Progress;

/// A stream of a network of at most `LAYERS` layers, to be lent to a [`Server`](super::Server) as
/// [`Streams`].
pub struct Follower<const LAYERS: usize> {
    progress: Option<Progress<LAYERS>>,
    last: Last,
}

/// The row that was taken last.
#[derive(Clone, Copy, Default)]
struct Last {
    /// Id of the model.
    model: u32,
    /// Sequence number of the request.
    sequence: u32,
    /// The next row.
    next: u32,
    /// Whether it completed an output.
    gave: bool,
    /// Time it took.
    ticks: u64,
}

/// A row of a stream.
pub(super) struct Row<'r> {
    pub model: u32,
    /// Sequence number of the request.
    pub sequence: u32,
    /// Its number.
    pub number: u32,
    pub values: &'r [u8],
}

impl<const LAYERS: usize> Follower<LAYERS> {
    /// Nothing is followed yet.
    pub const fn new() -> Self {
        let last = Last { model: 0, sequence: 0, next: 0, gave: false, ticks: 0 };
        Self { progress: None, last }
    }
}

impl<const LAYERS: usize> Default for Follower<LAYERS> {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a chip follows streams. One that does not has none of the code in its program.
pub struct Streams<'s>(Option<&'s mut dyn Follow>);

impl<'s> Streams<'s> {
    /// It does not.
    pub const NONE: Self = Self(None);

    /// It does, of networks of at most `LAYERS` layers.
    pub fn of<const LAYERS: usize>(follower: &'s mut Follower<LAYERS>) -> Self {
        Self(Some(follower))
    }

    /// The working memory is used for something else: the stream is lost.
    pub(super) fn forget(&mut self) {
        if let Some(follower) = &mut self.0 {
            follower.forget();
        }
    }

    /// Takes a row, as [`Follow::take`].
    pub(super) fn take<'e>(
        &mut self,
        row: &Row<'_>,
        work: &mut Work<'_>,
        now: &mut dyn FnMut() -> u64,
        text: &'e mut Text,
    ) -> Result<Option<Output>, Refusal<'e>> {
        match &mut self.0 {
            Some(follower) => follower.take(row, work, now, text),
            None => Err(Refusal::NoStream { problem: "its firmware follows none" }),
        }
    }
}

/// An output: its place in the working memory, and the time of its row.
pub(super) struct Output {
    pub values: Range<usize>,
    pub ticks: u64,
}

/// A follower whatever its size.
trait Follow {
    fn forget(&mut self);

    /// Takes a row; the output that it completes, if any. A row that comes again changes nothing.
    fn take<'e>(
        &mut self,
        row: &Row<'_>,
        work: &mut Work<'_>,
        now: &mut dyn FnMut() -> u64,
        text: &'e mut Text,
    ) -> Result<Option<Output>, Refusal<'e>>;
}

impl<const LAYERS: usize> Follow for Follower<LAYERS> {
    fn forget(&mut self) {
        self.progress = None;
    }

    fn take<'e>(
        &mut self,
        row: &Row<'_>,
        work: &mut Work<'_>,
        now: &mut dyn FnMut() -> u64,
        text: &'e mut Text,
    ) -> Result<Option<Output>, Refusal<'e>> {
        if row.values.len() != work.network.image_shape().row_len() {
            return Err(Refusal::PartOutside);
        }
        if !self.has(row) {
            if row.number == 0 {
                self.begin(row, work, text)?;
            } else if !self.is_next(row) {
                return Err(Refusal::RowLost { next: self.next() });
            }
            self.push(row, work, now)?;
        }
        Ok(self.output(&work.network).filter(|_| self.last.gave))
    }
}

impl<const LAYERS: usize> Follower<LAYERS> {
    /// Whether a row is the last one, in a request that was repeated or came twice. Row 0 in
    /// another request begins anew.
    fn has(&self, row: &Row<'_>) -> bool {
        let Last { model, sequence, next, .. } = self.last;
        let is_repeated = row.number > 0 || row.sequence == sequence;
        self.progress.is_some() && row.model == model && after(row.number) == next && is_repeated
    }

    fn is_next(&self, row: &Row<'_>) -> bool {
        self.progress.is_some() && (row.model, row.number) == (self.last.model, self.last.next)
    }

    /// The row that is waited for.
    fn next(&self) -> u32 {
        if self.progress.is_some() { self.last.next } else { 0 }
    }

    fn begin<'e>(
        &mut self,
        row: &Row<'_>,
        work: &mut Work<'_>,
        text: &'e mut Text,
    ) -> Result<(), Refusal<'e>> {
        let is_under_way = self.progress.is_some() && self.last.model == row.model;
        match &mut self.progress {
            // What was proved of the network stays proved.
            Some(progress) if is_under_way => progress.reset(&work.network),
            progress => {
                *progress = None;
                work.check_memory()?;
                match Progress::new(&work.network) {
                    Ok(begun) => *progress = Some(begun),
                    Err(error) => return Err(Refusal::NoStream { problem: text.say(&error) }),
                }
            }
        }
        Ok(())
    }

    fn push<'e>(
        &mut self,
        row: &Row<'_>,
        work: &mut Work<'_>,
        now: &mut dyn FnMut() -> u64,
    ) -> Result<(), Refusal<'e>> {
        let lost = Refusal::RowLost { next: 0 };
        let Some(progress) = &mut self.progress else { return Err(lost) };
        let begun = now();
        let Some(gave) = progress.push::<u8, Native>(&work.network, work.arena, row.values) else {
            self.forget();
            return Err(lost);
        };
        let Row { model, sequence, number, .. } = *row;
        self.last = Last { model, sequence, next: after(number), gave, ticks: now() - begun };
        Ok(())
    }

    fn output(&self, network: &Network<'_>) -> Option<Output> {
        let (values, _) = self.progress.as_ref()?.newest(network, 0)?;
        Some(Output { values, ticks: self.last.ticks })
    }
}

/// The number of the row after a row: 0 is that of the first alone.
const fn after(number: u32) -> u32 {
    if number == u32::MAX { 1 } else { number + 1 }
}
