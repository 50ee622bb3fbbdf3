//! A board in QEMU, whose first serial port is the line.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use super::board::Machine;
use super::line::Line;
use super::setup;

/// The emulator, unless the environment names another.
const QEMU: &str = "qemu-system-arm";

/// The environment variable that does.
pub const QEMU_VARIABLE: &str = "KINDLING_QEMU";

/// Why there is no emulator.
#[derive(Debug, Error)]
#[error(
    "{program} cannot be started: {cause}; run ./ci.sh setup, or install it: sudo apt-get install \
        qemu-system-arm"
)]
pub struct EmulatorError {
    program: String,
    cause: io::Error,
}

/// A running emulator; it ends with this value.
pub struct Emulator {
    process: Child,
    to: ChildStdin,
    from: Receiver<Vec<u8>>,
    /// Bytes that came and were not taken yet.
    pending: Vec<u8>,
}

impl Emulator {
    /// Starts `machine` with the program in `elf`.
    ///
    /// # Errors
    /// No emulator installed.
    pub fn start(machine: &Machine, elf: &Path) -> Result<Self, EmulatorError> {
        let mut command = command(machine, elf);
        command.args(["-serial", "stdio", "-semihosting-config", "enable=on,target=native"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = start(command)?;
        let to = process.stdin.take().expect("standard input is piped");
        let from = process.stdout.take().expect("standard output is piped");
        Ok(Self { process, to, from: reader(from), pending: Vec::new() })
    }

    /// The emulator's process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Runs `machine` with the program in `elf` to its end; what the program says goes to standard
/// output.
///
/// # Errors
/// No emulator installed.
pub fn run(machine: &Machine, elf: &Path) -> Result<ExitStatus, EmulatorError> {
    let mut command = command(machine, elf);
    let semihosting = "enable=on,target=native,arg=kindling";
    command.args(["-serial", "none", "-semihosting-config", semihosting]);
    let program = command.get_program().to_string_lossy().into_owned();
    start(command)?.wait().map_err(|cause| EmulatorError { program, cause })
}

fn command(machine: &Machine, elf: &Path) -> Command {
    let program = std::env::var(QEMU_VARIABLE).unwrap_or_else(|_| QEMU.to_owned());
    let mut command = Command::new(program);
    // One instruction takes one nanosecond of virtual time: instructions can be counted, cycles
    // not.
    let Machine { machine, options, .. } = machine;
    command.args(["-M", machine, "-icount", "shift=0", "-display", "none", "-monitor", "none"]);
    command.args(options);
    command.args([OsStr::new("-kernel"), elf.as_os_str()]);
    command
}

/// Starts the emulator. One that is not there is looked for and installed once, unless the
/// environment names it.
fn start(mut command: Command) -> Result<Child, EmulatorError> {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let started = match command.spawn() {
        Err(error) if is_missing(&error) && std::env::var_os(QEMU_VARIABLE).is_none() => {
            let ready = setup::run(QEMU);
            if ready.is_some() { command.spawn() } else { Err(error) }
        }
        started => started,
    };
    let program = command.get_program().to_string_lossy().into_owned();
    started.map_err(|cause| EmulatorError { program, cause })
}

/// Reads in a thread of its own: a pipe knows no timeout. The channel ends with the pipe.
fn reader(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(bytes @ 1..) = from.read(&mut buffer) {
            if sender.send(buffer[..bytes].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Line for Emulator {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.to.flush()
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        if self.pending.is_empty() {
            self.pending = match self.from.recv_timeout(timeout) {
                Ok(bytes) => bytes,
                Err(RecvTimeoutError::Timeout) => return Ok(0),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the emulator has ended",
                    ));
                }
            };
        }
        let bytes = self.pending.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&self.pending[..bytes]);
        self.pending.drain(..bytes);
        Ok(bytes)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
