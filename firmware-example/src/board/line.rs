//! What the server asks of a line to a host: a UART, USB, or a debug probe.

/// A line that carries bytes both ways.
pub trait Line {
    /// Waits for a byte.
    fn read(&mut self) -> u8;

    /// Waits until a byte can be handed over, and hands it over.
    fn write(&mut self, byte: u8);
}
