//! Serial ports of the host.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serial2::SerialPort;
use thiserror::Error;

use super::line::Line;

/// The firmware's baud rate.
pub const BAUD: u32 = 115_200;

/// A line that takes no bytes for so long has failed.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// The shortest time that is waited for bytes.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// Why a port cannot be used.
#[derive(Debug, Error)]
pub enum PortError {
    /// No such port.
    #[error("{port}: no such port; {known}")]
    Missing {
        /// As named.
        port: String,
        /// What there is.
        known: String,
    },
    /// The operating system does not let us.
    #[error("{port}: no permission{}", permission_hint())]
    Permission {
        /// As named.
        port: String,
    },
    /// Somebody else has it open.
    #[error(
        "{port}: busy: another program has it open (a terminal such as minicom, or a debugger)"
    )]
    Busy {
        /// As named.
        port: String,
    },
    /// Anything else.
    #[error(
        "{port}: cannot be opened as a serial port: {cause}; `trainer device list` shows those \
            there are"
    )]
    Other {
        /// As named.
        port: String,
        /// What the operating system says.
        cause: io::Error,
    },
}

fn permission_hint() -> &'static str {
    if cfg!(target_os = "linux") {
        ": add yourself to the port's group and log in again (Debian, Ubuntu: \
         sudo usermod -aG dialout $USER; Arch: group uucp), \
         or allow it by a udev rule"
    } else {
        ": does another user own it?"
    }
}

/// An open port.
pub struct Port(SerialPort);

impl Port {
    /// Opens `port` with `baud`, 8 data bits, no parity, 1 stop bit.
    ///
    /// # Errors
    /// No port, no permission, busy: each says what to do.
    pub fn open(port: &str, baud: u32) -> Result<Self, PortError> {
        let open = || {
            let mut open = SerialPort::open(port, baud)?;
            lock(&open)?;
            open.set_write_timeout(SEND_TIMEOUT)?;
            open.discard_buffers()?;
            Ok(Self(open))
        };
        open().map_err(|cause| error(port, cause))
    }
}

/// Keeps other programs off the port: two on one would each get a part of the answers.
#[cfg(unix)]
fn lock(port: &SerialPort) -> io::Result<()> {
    use std::os::fd::AsFd;
    let file = fs::File::from(port.as_fd().try_clone_to_owned()?);
    // The lock belongs to the open port, not to this handle: it goes with the port.
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        Err(fs::TryLockError::Error(cause)) => Err(cause),
        Ok(()) => Ok(()),
    }
}

/// Windows opens a port for one program alone.
#[cfg(not(unix))]
fn lock(_: &SerialPort) -> io::Result<()> {
    Ok(())
}

fn error(port: &str, cause: io::Error) -> PortError {
    let port = port.to_owned();
    match cause.kind() {
        io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => PortError::Busy { port },
        io::ErrorKind::PermissionDenied => PortError::Permission { port },
        io::ErrorKind::NotFound => PortError::Missing { port, known: known() },
        _ => PortError::Other { port, cause },
    }
}

/// The ports there are, as a sentence.
fn known() -> String {
    match list().as_slice() {
        [] => "no serial port is there: is the board plugged in, with a cable that carries data?"
            .to_owned(),
        ports => {
            let names: Vec<_> = ports.iter().map(|port| port.display().to_string()).collect();
            format!("there are {}", names.join(", "))
        }
    }
}

/// The ports of this machine, those of USB devices first.
pub fn list() -> Vec<PathBuf> {
    // A system without serial ports has nothing to list.
    let mut ports = SerialPort::available_ports().unwrap_or_default();
    ports.sort_by_key(|port| (usb_device(port).is_none(), port.clone()));
    ports
}

/// What Linux knows of a port's USB device: maker and product. Nothing for other ports and other
/// systems.
pub fn usb_device(port: &Path) -> Option<String> {
    let tty = Path::new("/sys/class/tty").join(port.file_name()?).join("device");
    // The device of the port is the USB interface, or below it; its parents describe the device.
    let device = fs::canonicalize(tty).ok()?;
    let described = device.ancestors().take(4).find(|folder| folder.join("idVendor").exists())?;
    let read =
        |name: &str| fs::read_to_string(described.join(name)).unwrap_or_default().trim().to_owned();
    let text = format!(
        "{} {} ({}:{})",
        read("manufacturer"),
        read("product"),
        read("idVendor"),
        read("idProduct")
    );
    Some(text.trim().to_owned())
}

impl Line for Port {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        // A timeout of nothing is refused by some systems.
        self.0.set_read_timeout(timeout.max(SHORTEST_TIMEOUT))?;
        loop {
            return match self.0.read(buffer) {
                Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the port has closed")),
                Ok(bytes) => Ok(bytes),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // What an unplugged port says differs from system to system.
                Err(error) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: io::ErrorKind) -> String {
        error("/dev/ttyX", kind.into()).to_string()
    }

    #[test]
    fn every_reason_not_to_open_a_port_says_what_to_do() {
        let permission = message(io::ErrorKind::PermissionDenied);
        assert!(permission.starts_with("/dev/ttyX: no permission"), "{permission}");
        if cfg!(target_os = "linux") {
            assert!(
                permission.contains("usermod -aG dialout") && permission.contains("udev rule"),
                "{permission}"
            );
        }
        for kind in [io::ErrorKind::ResourceBusy, io::ErrorKind::WouldBlock] {
            let busy = message(kind);
            assert!(busy.starts_with("/dev/ttyX: busy: another program has it open"), "{busy}");
        }
        let missing = message(io::ErrorKind::NotFound);
        assert!(missing.starts_with("/dev/ttyX: no such port; "), "{missing}");
        let other = message(io::ErrorKind::InvalidInput);
        assert!(other.starts_with("/dev/ttyX: cannot be opened as a serial port: "), "{other}");
    }

    /// What Linux answers to the calls, not what Rust calls it.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_s_own_numbers_are_told_apart() {
        const EACCES: i32 = 13;
        const EBUSY: i32 = 16;
        const ENOENT: i32 = 2;
        let said = |number| error("/dev/ttyX", io::Error::from_raw_os_error(number)).to_string();
        assert!(said(EACCES).starts_with("/dev/ttyX: no permission"), "{}", said(EACCES));
        assert!(said(EBUSY).starts_with("/dev/ttyX: busy"), "{}", said(EBUSY));
        assert!(said(ENOENT).starts_with("/dev/ttyX: no such port"), "{}", said(ENOENT));
    }
}
