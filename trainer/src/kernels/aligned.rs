//! Floats that begin on a cache line. A vector of sixteen read from anywhere else lies on two lines
//! and takes twice as long.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of sixteen floats.
const LINE_BYTES: usize = 64;

const LINE_FLOATS: usize = LINE_BYTES / size_of::<f32>();

/// A slice of floats that begins on a cache line.
#[derive(Debug)]
pub struct Aligned {
    /// The floats and up to a line of others before or after them.
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let values = vec![0.0; len + LINE_FLOATS - 1];
        // The contract of `align_offset` allows it to give up; the floats are as right from
        // anywhere.
        let start = match values.as_ptr().align_offset(LINE_BYTES) {
            floats if floats < LINE_FLOATS => floats,
            _ => 0,
        };
        Self { values, start, len }
    }

    /// Floats that it can hold in the memory it has.
    pub fn capacity(&self) -> usize {
        self.values.len() - self.start
    }

    /// Makes it `len` floats, in the memory it has if that is enough: whatever lies there.
    pub fn set_len(&mut self, len: usize) {
        if len <= self.capacity() {
            self.len = len;
        } else {
            *self = Self::zeros(len);
        }
    }

    /// Makes it `len` zeros, in the memory it has if that is enough.
    pub fn set_zeros(&mut self, len: usize) {
        if len <= self.capacity() {
            self.len = len;
            self.fill(0.0);
        } else {
            *self = Self::zeros(len);
        }
    }
}

impl Default for Aligned {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl From<&[f32]> for Aligned {
    fn from(values: &[f32]) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        // Other memory may begin elsewhere on its line.
        Self::from(&**self)
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_another_length_holds_zeros_and_begins_on_a_line() {
        let mut buffer = Aligned::from(&[1.0; 100][..]);
        for len in [100, 7, 0, 50, 1000, 999] {
            buffer.set_zeros(len);
            assert!(buffer.len() == len && buffer.iter().all(|value| *value == 0.0), "{len}");
            assert!((buffer.as_ptr() as usize).is_multiple_of(LINE_BYTES), "{len}");
            buffer.fill(2.0);
        }
    }

    #[test]
    fn every_buffer_and_every_clone_begins_on_a_line() {
        for len in [0, 1, 15, 16, 1000, 100_000] {
            let mut one = Aligned::zeros(len);
            one.iter_mut().enumerate().for_each(|(index, value)| *value = index as f32);
            let two = one.clone();
            assert_eq!((&*one, one.len()), (&*two, len));
            for buffer in [&one, &two] {
                assert!((buffer.as_ptr() as usize).is_multiple_of(LINE_BYTES), "{len}");
            }
        }
    }
}
