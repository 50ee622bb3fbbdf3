//! The values that a network can take.

use super::session::Session;
use crate::error::RunError;
use crate::graph::layer::Input;
use crate::ops::{Native, window};
use crate::quant::{quantise_pixel, quantise_pixels};
use crate::scores::Scores;
use crate::value_type::ValueType;

/// A value that a network can take: `u8`, a pixel, `i8` or `f32`.
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

impl Value for f32 {
    const TYPE: ValueType = ValueType::Reals;
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
        fn place(input: &Input<'_>, source: &[Self], start: i32, out: &mut [i8]);

        /// The real value of a value of a channel, as the network means it, not rounded.
        fn real(self, input: &Input<'_>, channel: usize) -> f32;
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
    fn place(input: &Input<'_>, source: &[Self], start: i32, out: &mut [i8]) {
        match usize::try_from(start).ok().and_then(|start| source.get(start..start + out.len())) {
            Some(bytes) => quantise_pixels(out, bytes),
            None => window::copy(source, start, out, input.zero(), quantise_pixel),
        }
    }

    fn real(self, input: &Input<'_>, _: usize) -> f32 {
        input.tensor.quant.real(quantise_pixel(self))
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
    fn place(input: &Input<'_>, source: &[Self], start: i32, out: &mut [i8]) {
        window::copy(source, start, out, input.zero(), |value| value);
    }

    fn real(self, input: &Input<'_>, _: usize) -> f32 {
        input.tensor.quant.real(self)
    }
}

impl sealed::Values for f32 {
    #[inline]
    fn run<'s>(
        values: &[Self],
        given: ValueType,
        session: &'s mut Session<'_, '_>,
    ) -> Result<Scores<'s>, RunError> {
        session.run_as::<_, Native>(values, given, &mut ())
    }

    #[inline(always)]
    fn place(input: &Input<'_>, source: &[Self], start: i32, out: &mut [i8]) {
        let channels = input.image.channels.max(1) as usize;
        for (at, out) in (start..).zip(out) {
            let place = usize::try_from(at).ok();
            let value = place.and_then(|at| Some((source.get(at)?, at % channels)));
            *out = value.map_or(input.zero(), |(value, channel)| {
                input.tensor.quant.quantise(value.real(input, channel))
            });
        }
    }

    fn real(self, input: &Input<'_>, channel: usize) -> f32 {
        input.interface.scale(channel).apply(self)
    }
}
