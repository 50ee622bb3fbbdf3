//! An emulated board that a test holds by its serial line and, as through a debug probe, by its
//! memory, which is read and written while it runs.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use trainer::device::board::Machine;
use trainer::device::client::Client;
use trainer::device::session::Session;
use trainer::device::tcp::Tcp;

/// A board in QEMU; it ends with this value.
pub struct Emulated {
    process: Child,
    monitor: ChildStdin,
    said: BufReader<ChildStdout>,
    /// The serial line, as `--port` takes it.
    pub port: String,
}

impl Emulated {
    /// The board with the program in `elf`, halted before its first instruction.
    ///
    /// # Panics
    /// Without an emulator: see `./ci.sh setup`.
    pub fn halted(machine: &Machine, elf: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new("qemu-system-arm");
        command.args(["-M", &machine.machine, "-icount", "shift=0", "-display", "none", "-S"]);
        command.args(&machine.options);
        command.args([
            "-monitor",
            "stdio",
            "-serial",
            &format!("tcp:{port},server=on,wait=off"),
            "-kernel",
        ]);
        command.arg(elf).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("qemu-system-arm: see ./ci.sh setup");
        let (monitor, said) =
            (process.stdin.take().expect("piped"), process.stdout.take().expect("piped"));
        Self { process, monitor, said: BufReader::new(said), port: format!("tcp:{port}") }
    }

    /// Lets it run.
    ///
    /// # Panics
    /// When the emulator has ended.
    pub fn run(&mut self) {
        self.say("cont");
    }

    /// A session with the server on its serial line.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn session(&self) -> Session<Tcp> {
        let address = Tcp::address(&self.port).expect("a TCP port");
        let connected = (0..100).find_map(|_| {
            thread::sleep(Duration::from_millis(50));
            Tcp::connect(address).ok()
        });
        let line = connected.expect("the emulator takes connections");
        Session::open(Client::new(line), Duration::from_secs(60)).expect("the server answers")
    }

    /// `bytes` bytes of memory from `address` on, which is RAM in one piece.
    ///
    /// # Panics
    /// When the emulator has no memory there, or the system does not let its parent see it.
    pub fn memory(&mut self, address: u32, bytes: usize) -> Memory {
        self.say(&format!("gpa2hva {address:#x}"));
        // Host virtual address for 0x20000000 (netduinoplus2.sram) is 0x7f...
        let place = self.answer("is 0x");
        let host = u64::from_str_radix(&place, 16).expect("an address");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(format!("/proc/{}/mem", self.process.id()));
        Memory { file: file.expect("memory of a child"), host, address, bytes }
    }

    fn say(&mut self, command: &str) {
        writeln!(self.monitor, "{command}").expect("the emulator's monitor");
    }

    /// What follows `mark` on the next line that has it.
    fn answer(&mut self, mark: &str) -> String {
        loop {
            let mut line = String::new();
            let bytes = self.said.read_line(&mut line).expect("the emulator's monitor");
            assert!(bytes > 0, "the emulator has ended");
            // No memory is mapped at address ..., Memory at address ... is not RAM
            assert!(!line.contains("emory ") || line.contains(mark), "{line}");
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.trim().to_owned();
            }
        }
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Address of a TCP port that was free a moment ago.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    listener.local_addr().expect("bound").to_string()
}

/// Memory of an emulated board.
pub struct Memory {
    file: File,
    /// Where the emulator keeps it.
    host: u64,
    address: u32,
    bytes: usize,
}

impl Memory {
    fn place(&self, address: u32, bytes: usize) -> io::Result<u64> {
        let offset = address.checked_sub(self.address).map(|offset| offset as usize);
        let offset = offset.filter(|offset| offset + bytes <= self.bytes);
        offset
            .map(|offset| self.host + offset as u64)
            .ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Where it begins.
    pub fn address(&self) -> u32 {
        self.address
    }

    /// Reads from `address` on.
    ///
    /// # Errors
    /// Outside of this memory, or an emulator that has ended.
    pub fn read(&self, address: u32, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, self.place(address, buffer.len())?)
    }

    /// Writes from `address` on.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write(&self, address: u32, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.place(address, bytes.len())?)
    }

    /// All of it.
    ///
    /// # Errors
    /// An emulator that has ended.
    pub fn all(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.bytes];
        self.read(self.address, &mut bytes)?;
        Ok(bytes)
    }
}
