//! A line that carries bytes both ways.

use std::io;
use std::time::Duration;

/// A line to a chip.
pub trait Line {
    /// Sends all bytes.
    ///
    /// # Errors
    /// Whatever the line says; a line that cannot take the bytes in reasonable time is an error
    /// too.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits for bytes, up to `timeout`; the number that came, 0 when the time is over and none
    /// did.
    ///
    /// # Errors
    /// Whatever the line says. [`io::ErrorKind::UnexpectedEof`] when there is nobody at the other
    /// end any more.
    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize>;
}

impl<L: Line + ?Sized> Line for Box<L> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).send(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        (**self).receive(buffer, timeout)
    }
}

impl<L: Line + ?Sized> Line for &mut L {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).send(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        (**self).receive(buffer, timeout)
    }
}
