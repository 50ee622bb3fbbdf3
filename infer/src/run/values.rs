//! The values that a network can take.

use super::session::Session;
use crate::error::RunError;
use crate::graph::layer::Input;
use crate::ops::{Native, window};
use crate::quant::{quantise_pixel, quantise_pixels};
use crate::scores::Scores;
use crate::value_type::ValueType;

/// A value that a network can take: `u8`, a pixel, or `i8`.
///
/// Each type has code of its own, so that firmware holds that of the types it uses.
pub trait Value: sealed::Values {
    /// What a network must take for it.
    const TYPE: ValueType;
}

impl Value for u8 {
    const TYPE: ValueType = ValueType::Pixels;
}

impl Value for i8 {
    const TYPE: ValueType = ValueType::Int8;
}

pub(crate) mod sealed {
    use crate::error::RunError;
    use crate::graph::layer::Input;
    use crate::run::session::Session;
    use crate::scores::Scores;
    use crate::value_type::ValueType;

    /// Private, so that nobody adds a type.
    pub trait Values: Copy {
        /// Runs the network on values that stand for those of a type. Compiled in this crate,
        /// where the kernels are.
        fn run<'s>(
            values: &[Self],
            given: ValueType,
            session: &'s mut Session<'_, '_>,
        ) -> Result<Scores<'s>, RunError>;

        /// Fills `out` with `source[start..]` as the network has it; what lies outside of `source`
        /// is the input's zero.
        fn place(input: &Input, source: &[Self], start: i32, out: &mut [i8]);
    }
}

/// Pixels, and the stored bytes of any input.
impl sealed::Values for u8 {
    fn run<'s>(
        values: &[Self],
        given: ValueType,
        session: &'s mut Session<'_, '_>,
    ) -> Result<Scores<'s>, RunError> {
        session.run_as::<_, Native>(values, given, &mut ())
    }

    #[inline(always)]
    fn place(input: &Input, source: &[Self], start: i32, out: &mut [i8]) {
        match usize::try_from(start).ok().and_then(|start| source.get(start..start + out.len())) {
            Some(bytes) => quantise_pixels(out, bytes),
            None => window::copy(source, start, out, input.zero(), quantise_pixel),
        }
    }
}

impl sealed::Values for i8 {
    #[inline]
    fn run<'s>(
        values: &[Self],
        given: ValueType,
        session: &'s mut Session<'_, '_>,
    ) -> Result<Scores<'s>, RunError> {
        session.run_as::<_, Native>(values, given, &mut ())
    }

    #[inline(always)]
    fn place(input: &Input, source: &[Self], start: i32, out: &mut [i8]) {
        window::copy(source, start, out, input.zero(), |value| value);
    }
}
