//! An emulated board that outlives a command: its serial line is a TCP port, and its reset button
//! can be pressed.

// Each test file uses its part of it.
#![allow(dead_code)]

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use infer::format::{Header, checksum};
use infer::wire::frame_bytes;
use trainer::device::board::Board;
use trainer::device::client::Client;
use trainer::device::firmware::{self, Planned};
use trainer::device::line::Line;
use trainer::device::session::Session;
use trainer::device::tcp::Tcp;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;

/// The running board; it ends with this value.
pub struct Chip {
    process: Child,
    monitor: ChildStdin,
    /// As `--port` takes it.
    pub port: String,
    /// The model that it was flashed with.
    pub model: Vec<u8>,
}

impl Chip {
    /// The server with `model` on the board called `id`.
    pub fn start(id: &str, model: &[u8]) -> Self {
        let (board, machine) = Board::emulated(id).unwrap();
        let planned = Planned::new(&board, model).unwrap();
        let firmware = firmware::build(&board, "server", planned).unwrap();
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("qemu-system-arm");
        command.args([
            "-M",
            &machine.machine,
            "-icount",
            "shift=0",
            "-display",
            "none",
            "-monitor",
            "stdio",
        ]);
        command.args(&machine.options);
        command.args(["-serial", &format!("tcp:127.0.0.1:{port},server=on,wait=off"), "-kernel"]);
        command.arg(&firmware.elf).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().expect("qemu-system-arm: see ./ci.sh setup");
        let monitor = process.stdin.take().unwrap();
        let port = format!("tcp:127.0.0.1:{port}");
        let chip = Self { process, monitor, port, model: firmware.model.clone() };
        chip.wait();
        chip
    }

    /// Waits until the emulator takes connections.
    fn wait(&self) {
        let address = Tcp::address(&self.port).unwrap();
        let there = (0..100).any(|_| {
            thread::sleep(Duration::from_millis(50));
            Tcp::connect(address).is_ok()
        });
        assert!(there, "the emulator takes no connection");
    }

    /// A line to it.
    pub fn connect(&self) -> Tcp {
        Tcp::connect(Tcp::address(&self.port).unwrap()).unwrap()
    }

    /// It has said who it is.
    pub fn session(&self) -> Session<Tcp> {
        Session::open(Client::new(self.connect()), Duration::from_secs(30)).unwrap()
    }

    /// Presses the reset button. What is no part of the program stays in memory, as flash does.
    pub fn reset(&mut self) {
        self.say("system_reset");
    }

    /// Says a line to the emulator's monitor.
    pub fn say(&mut self, command: &str) {
        writeln!(self.monitor, "{command}").unwrap();
        self.monitor.flush().unwrap();
        thread::sleep(Duration::from_millis(200));
    }
}

impl Drop for Chip {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A line that is cut off after a number of bytes to the chip.
pub struct CutOff {
    pub line: Tcp,
    pub bytes_left: usize,
}

impl Line for CutOff {
    fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let sent = bytes.len().min(self.bytes_left);
        self.bytes_left -= sent;
        self.line.send(&bytes[..sent])?;
        if sent == bytes.len() { Ok(()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> std::io::Result<usize> {
        self.line.receive(buffer, timeout)
    }
}

/// The tutorial's model.
pub fn tutorial() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-example/model/tutorial.kndl"))
        .unwrap()
}

/// The tutorial's model as version `version`, with other weights.
pub fn another(version: u32) -> Vec<u8> {
    let mut model =
        PlainModel::of(&infer::Model::from_bytes(&tutorial(), &mut ModelTable::new()).unwrap());
    model.version = version;
    model.layers.last_mut().unwrap().channels[3].bias += 20_000;
    let image = model.self_test.take().unwrap().image;
    model.self_test = Some(image.into());
    write(&model, &model.direct()).unwrap()
}

/// A valid model that does not answer as its file says.
pub fn lying() -> Vec<u8> {
    let mut file = another(9);
    *file.last_mut().unwrap() ^= 1;
    let crc = checksum(&file[Header::CHECKED_FROM..]);
    file[12..16].copy_from_slice(&crc.to_le_bytes());
    file
}

/// Bytes on the line for `parts` full parts and what goes before.
pub fn bytes_of_parts(parts: usize) -> usize {
    parts * frame_bytes(infer::wire::PART_BYTES_MAX)
}
