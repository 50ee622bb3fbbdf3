//! A model at work in the caller's memory.

use crate::error::{ImageError, SessionError};
use crate::kernels::{Kernels, Native, window};
use crate::layer::{Input, Layer, LayerKind};
use crate::model::Model;
use crate::quant::{INPUT_ZERO_POINT, quantise_pixel};
use crate::scores::Scores;

/// A model with the buffer it works in. One run at a time: [`Session::run`] borrows the session mutably.
pub struct Session<'m, 'a> {
    model: &'m Model<'m>,
    arena: &'a mut [i8],
}

/// Told about each layer of a run: a profiler, or a reader of feature maps. `()` does nothing and costs nothing.
pub trait Observer {
    /// Layer `index` is about to run.
    fn before(&mut self, index: usize, layer: &Layer<'_>) {
        let _ = (index, layer);
    }

    /// Layer `index` has run and left `output`, in memory order.
    fn after(&mut self, index: usize, layer: &Layer<'_>, output: &[i8]) {
        let _ = (index, layer, output);
    }
}

impl Observer for () {}

impl<'m, 'a> Session<'m, 'a> {
    /// Joins a model and its working memory, of [`Model::arena_bytes`] bytes or more: an [`Arena`](crate::Arena).
    /// What the buffer holds does not matter.
    ///
    /// # Errors
    /// A buffer that is too small or not aligned for this build's backend.
    pub fn new(model: &'m Model<'m>, arena: &'a mut [i8]) -> Result<Self, SessionError> {
        let (needed, found) = (model.arena_bytes(), arena.len());
        if found < needed {
            return Err(SessionError::BufferTooSmall { needed, found });
        }
        let needed = Native::ALIGNMENT_BYTES;
        if !arena.as_ptr().addr().is_multiple_of(needed) {
            return Err(SessionError::BufferMisaligned { needed });
        }
        Ok(Self { model, arena })
    }

    /// Classifies one image: rows of pixels of [`Model::image_shape`], 8 bits per value, 0 is black.
    ///
    /// # Errors
    /// Only for an image of the wrong size, before any work. A run that started cannot fail.
    pub fn run(&mut self, image: &[u8]) -> Result<Scores<'_>, ImageError> {
        self.run_with::<Native>(image, &mut ())
    }

    /// [`Session::run`] with a kernel set of the caller's choice and an observer. Every kernel set gives the same
    /// bytes.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_with<Set: Kernels>(
        &mut self,
        image: &[u8],
        observer: &mut impl Observer,
    ) -> Result<Scores<'_>, ImageError> {
        let expected = self.model.image_shape().len();
        if image.len() != expected {
            return Err(ImageError { expected, found: image.len() });
        }
        self.place(image);
        for (index, layer) in self.model.layers().iter().enumerate() {
            observer.before(index, layer);
            run_layer::<Set>(layer, self.arena);
            observer.after(index, layer, slice(self.arena, layer.buffers.output_at, layer.output().len()));
        }
        Ok(self.scores())
    }

    /// Puts the part of the image that the network reads where the first layer expects it.
    fn place(&mut self, image: &[u8]) {
        let input = self.model.input();
        let end = input.arena_at + input.map.len();
        if let Some(map) = self.arena.get_mut(input.arena_at..end) {
            place_image(input, image, map);
        }
    }

    fn scores(&self) -> Scores<'_> {
        let values = slice(self.arena, self.model.output_at(), self.model.classes());
        Scores::new(values, self.model.output_quant())
    }
}

fn place_image(input: &Input, image: &[u8], map: &mut [i8]) {
    let channels = input.map.channels as i32;
    for (row, out) in (0..).zip(map.chunks_exact_mut(input.map.row_len().max(1))) {
        let source = window::row(image, input.image, input.origin[0] as i32 + row);
        let start = input.origin[1] as i32 * channels;
        window::copy(source, start, out, INPUT_ZERO_POINT, quantise_pixel);
    }
}

/// Runs one layer on its buffers. The model guarantees that they lie apart inside of the arena.
fn run_layer<Set: Kernels>(layer: &Layer<'_>, arena: &mut [i8]) {
    let ranges = layer.arena_use().map(|(start, bytes)| start..start + bytes);
    let [input, scratch, output] = match &layer.kind {
        LayerKind::Conv(_) => ranges,
        LayerKind::MaxPool(_) | LayerKind::Dense(_) => {
            let [input, _, output] = ranges;
            [input, output.end..output.end, output]
        }
    };
    let Ok([input, scratch, output]) = arena.get_disjoint_mut([input, scratch, output]) else {
        return;
    };
    match &layer.kind {
        LayerKind::Conv(conv) => Set::conv(conv, input, scratch, output),
        LayerKind::MaxPool(pool) => Set::max_pool(pool, input, output),
        LayerKind::Dense(dense) => Set::dense(dense, input, output),
    }
}

/// A part of the arena that the model guarantees to be there.
fn slice(arena: &[i8], at: usize, len: usize) -> &[i8] {
    arena.get(at..at + len).unwrap_or_default()
}
