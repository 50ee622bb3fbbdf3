//! A line through a TCP connection: to a debug probe's RTT server (OpenOCD, J-Link), a serial port
//! of another machine (ser2net), or an emulator.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use thiserror::Error;

use super::line::Line;

/// What marks the name of a port as one of these.
const PREFIX: &str = "tcp:";

/// A host that does not answer in this time is not there; a line that takes no bytes for so long
/// has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The shortest time that is waited for bytes.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// Why there is no connection.
#[derive(Debug, Error)]
#[error(
    "tcp:{address}: cannot be connected to: {cause}; is the server there (OpenOCD: rtt server \
        start PORT CHANNEL), is it HOST:PORT?"
)]
pub struct TcpError {
    /// As named.
    address: String,
    /// What the operating system says.
    cause: io::Error,
}

/// An open connection.
pub struct Tcp(TcpStream);

impl Tcp {
    /// The address in a port's name such as `tcp:localhost:9090`; `None` for other names.
    pub fn address(port: &str) -> Option<&str> {
        port.strip_prefix(PREFIX)
    }

    /// Connects to `address`, such as `localhost:9090`.
    ///
    /// # Errors
    /// Nobody there who takes the connection.
    pub fn connect(address: &str) -> Result<Self, TcpError> {
        connect(address).map(Self).map_err(|cause| TcpError { address: address.to_owned(), cause })
    }
}

/// Tries all addresses of a name: "localhost" has two.
fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no such host");
    for socket in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&socket, TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?; // requests are small, and each waits for its answer
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Line for Tcp {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.0.set_read_timeout(Some(timeout.max(SHORTEST_TIMEOUT)))?;
        loop {
            return match self.0.read(buffer) {
                Ok(0) => {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"))
                }
                Ok(bytes) => Ok(bytes),
                // Which of the two depends on the system.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
                    ) =>
                {
                    Ok(0)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}
