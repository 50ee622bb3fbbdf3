//! How a board shares out its RAM when it serves a model over a serial line (`src/bin/server.rs`).

/// Bytes of each buffer. The built-in model's working memory takes the place of `arena_bytes` where
/// it is larger.
pub struct ServerMemory {
    /// Most bytes of an image or a model in one request; a row of the built-in model's image where
    /// that is longer, up to 1,024.
    pub part_bytes: usize,
    /// Most bytes of scores in one answer; 128 at least.
    pub answer_bytes: usize,
    /// Room in RAM for a model that comes over the line; 0 where there is none to spare. Boards
    /// with a `flash.rs` put it there.
    pub update_bytes: usize,
    /// Working memory for such a model.
    pub arena_bytes: usize,
    /// A row of its image. One that is no longer than a part takes no memory.
    pub row_bytes: usize,
    /// Layers that a run can time at once, of 4 bytes each.
    pub timed_layers: usize,
    /// Whether the stored digits, 7,940 bytes of flash, are there for the self-test. Without them
    /// it is the model's own image.
    pub digits: bool,
}
