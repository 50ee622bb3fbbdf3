//! The caller's memory: how many bytes a model needs, known at compile time, and a buffer of that
//! size.

use core::ops::{Deref, DerefMut};

use crate::error::ModelError;
use crate::header::Header;

/// Alignment of [`Arena`] and of [`Aligned`], bytes: enough for every backend's widest load.
pub const ALIGNMENT_BYTES: usize = 16;

/// Bytes of working memory the model in `file` needs, from its header; `None` when this is no
/// model's header.
///
/// For a model that is compiled in, take the macro [`arena_bytes!`](macro@crate::arena_bytes). It
/// is the number itself. For a file that is no model it is a build error that says why.
///
/// Only the header is read; [`Model::from_bytes`](crate::Model::from_bytes) proves that the number
/// is right.
pub const fn arena_bytes(file: &[u8]) -> Option<usize> {
    match Header::read(file) {
        Ok(header) => Some(header.arena_bytes as usize),
        Err(_) => None,
    }
}

/// Layers of the model in `file`, from its header: the capacity of the [`Table`](crate::Table) that
/// it is loaded into; `None` when this is no model's header. Runs at compile time, as
/// [`arena_bytes`].
pub const fn layers(file: &[u8]) -> Option<usize> {
    match Header::read(file) {
        Ok(header) => Some(header.layers as usize),
        Err(_) => None,
    }
}

/// What [`arena_bytes!`](macro@crate::arena_bytes) and [`layers!`](macro@crate::layers) read: only
/// ever evaluated at compile time, where a panic is a build error.
#[doc(hidden)]
pub const fn header_of_included(file: &[u8]) -> Header {
    match Header::read(file) {
        Ok(header) if header.file_bytes as usize == file.len() => header,
        Ok(_) => panic!("the model file is damaged: its header states another length"),
        Err(ModelError::TooShort { .. }) => panic!("no model: the file is shorter than a header"),
        Err(ModelError::Magic { .. }) => panic!("no model: the file does not begin with KNDL"),
        Err(ModelError::Version { .. }) => {
            panic!("a model of another format than this version of infer reads: export it anew")
        }
        Err(_) => panic!("the model file is damaged: its header is not whole"),
    }
}

/// Bytes of working memory of a model that is compiled in: a constant.
///
/// ```ignore
/// const MODEL: &[u8] = infer::include_model!("model.kndl");
/// static ARENA: ConstStaticCell<Arena<{ infer::arena_bytes!(MODEL) }>> =
///     ConstStaticCell::new(Arena::new());
/// ```
#[macro_export]
macro_rules! arena_bytes {
    ($file:expr) => {
        const { $crate::header_of_included($file).arena_bytes as usize }
    };
}

/// Layers of a model that is compiled in: a constant, the capacity of its
/// [`Table`](crate::Table).
#[macro_export]
macro_rules! layers {
    ($file:expr) => {
        const { $crate::header_of_included($file).layers as usize }
    };
}

/// Working memory of `BYTES` bytes for a [`Session`](crate::Session), aligned for every backend.
#[repr(C, align(16))]
pub struct Arena<const BYTES: usize>([i8; BYTES]);

impl<const BYTES: usize> Arena<BYTES> {
    /// A zeroed buffer. It lies in `.bss` when it is a `static`, by itself or in a
    /// `ConstStaticCell`. In an expression, such as `StaticCell::init(Arena::new())`, it is built
    /// on the stack first.
    pub const fn new() -> Self {
        Self([0; BYTES])
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize> Deref for Arena<BYTES> {
    type Target = [i8];

    fn deref(&self) -> &[i8] {
        &self.0
    }
}

impl<const BYTES: usize> DerefMut for Arena<BYTES> {
    fn deref_mut(&mut self) -> &mut [i8] {
        &mut self.0
    }
}

/// Bytes at an address that is a multiple of 16, as a model in flash must be.
#[repr(C, align(16))]
pub struct Aligned<Bytes: ?Sized>(pub Bytes);

/// A model file compiled in, aligned as every backend needs it: a `&'static [u8]`, usable in
/// constants.
///
/// Cargo sees by the file's time that it has changed, and misses a file that is replaced by an
/// older one: touch that, or embed the model in a build script, which sees it (`build::embed`).
#[macro_export]
macro_rules! include_model {
    ($path:expr) => {{
        const MODEL: &$crate::Aligned<[u8]> = &$crate::Aligned(*include_bytes!($path));
        &MODEL.0
    }};
}

/// Defines `MODEL`, `ARENA_BYTES`, `IMAGE_BYTES`, `CLASSES`, `NETWORK` and `SELF_TEST` of the model
/// that the package's build script embedded with `infer::build::embed` (feature `build`), where it
/// has been checked. With a name, of the one of several that has it.
///
/// ```ignore
/// infer::embedded_model!();
/// static ARENA: ConstStaticCell<Arena<ARENA_BYTES>> = ConstStaticCell::new(Arena::new());
///
/// mod digits {
///     infer::embedded_model!("digits");
/// }
/// ```
#[macro_export]
macro_rules! embedded_model {
    () => {
        include!(env!(
            "KINDLING_EMBEDDED_MODEL",
            "no model is embedded: say infer::build::embed(\"model.kndl\") in main() of this \
             package's build.rs, with infer and its feature `build` under [build-dependencies]"
        ));
    };
    ($name:literal) => {
        include!(env!(
            concat!("KINDLING_EMBEDDED_MODEL_", $name),
            concat!(
                "no model is embedded as \"", $name, "\": say infer::build::embed(\"", $name,
                ".kndl\") in main() of this package's build.rs, with infer and its feature `build` \
                 under [build-dependencies]"
            )
        ));
    };
}
