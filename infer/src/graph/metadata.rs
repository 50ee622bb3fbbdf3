//! What a model file says for people and for programs that show its answers. Nothing of it is
//! needed to run the model, and the loader passes over it.
//!
//! A field is a number and a byte string, in postcard; fields follow each other. A reader passes
//! over fields whose numbers it does not know, and over what cannot be read.

use super::format::read_record;
use crate::interface::ChannelScale;

/// The metadata of a model file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'m>(&'m [u8]);

/// The fields that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Field {
    /// Names of the classes in their order, or of the values of another output: strings.
    Names = 0,
    /// How an input is made from pictures or sensor values: text in TOML.
    Preparation = 1,
    /// How the values of an output of real values become what they stand for: a
    /// [`ChannelScale`] for each, `f32`, little endian.
    Scales = 2,
    /// The error of a reconstruction from which on the input is unusual: `f32`, little endian.
    Threshold = 3,
    /// Inputs to show, with what the model answers: a [`Sample`] each.
    Samples = 4,
}

/// An input that a file carries to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'m> {
    /// The class it belongs to, where there are classes.
    pub class: Option<u16>,
    /// Its values, as a [`Session`](crate::Session) runs them
    /// [stored](crate::Session::run_stored).
    pub image: &'m [u8],
    /// The int8 scores, or other values, that the model answers, a byte each.
    pub answer: &'m [u8],
}

impl<'m> Metadata<'m> {
    /// The metadata that these bytes are.
    pub const fn new(bytes: &'m [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(self) -> &'m [u8] {
        self.0
    }

    /// The name of a class, or of another output's value.
    pub fn name(self, index: usize) -> Option<&'m str> {
        self.names().nth(index)
    }

    /// The names in order, none where the file has none.
    pub fn names(self) -> impl Iterator<Item = &'m str> {
        let mut rest = self.field(Field::Names).unwrap_or_default();
        core::iter::from_fn(move || {
            let (name, after) = read_record(rest)?;
            rest = after;
            Some(name)
        })
    }

    /// Inputs to show, none where the file has none.
    pub fn samples(self) -> impl Iterator<Item = Sample<'m>> {
        let mut rest = self.field(Field::Samples).unwrap_or_default();
        core::iter::from_fn(move || {
            let ((class, image, answer), after) = read_record(rest)?;
            rest = after;
            Some(Sample { class, image, answer })
        })
    }

    /// How an input is made from pictures or sensor values: text in TOML.
    pub fn preparation(self) -> Option<&'m str> {
        core::str::from_utf8(self.field(Field::Preparation)?).ok()
    }

    /// How a value of an output of real values becomes what it stands for: by
    /// [`ChannelScale::restore`].
    pub fn scale(self, index: usize) -> Option<ChannelScale> {
        let scales = self.field(Field::Scales)?.as_chunks().0;
        scales.get(index).map(ChannelScale::from_le_bytes)
    }

    /// The error of a reconstruction above which the input is unlike those that the model was
    /// trained on.
    pub fn threshold(self) -> Option<f32> {
        let bytes = self.field(Field::Threshold)?.try_into().ok()?;
        Some(f32::from_le_bytes(bytes))
    }

    fn field(self, wanted: Field) -> Option<&'m [u8]> {
        let mut rest = self.0;
        while let Some(((number, content), after)) = read_record::<(u8, &[u8])>(rest) {
            if number == wanted as u8 {
                return Some(content);
            }
            rest = after;
        }
        None
    }
}
