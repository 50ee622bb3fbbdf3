//! Chips that answer, stop answering, or never did: emulated boards, and serial ports with
//! something else at the other end.

use std::fs;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::chip::{Chip, tutorial};
use crate::common::run;
use assert_cmd::Command;
use infer::{Model, Reference, Session};
use serial2::SerialPort;
use trainer::model_file::ModelTable;

/// Images that the emulated boards classify.
const IMAGES: &str = "100";

fn trainer(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("trainer").unwrap();
    command.args(arguments);
    command
}

/// The message of a command that fails, after what it tells of its progress.
fn error(command: &mut Command) -> String {
    let (_, stderr) = run(command, 1);
    let line = stderr.lines().last().unwrap();
    line.strip_prefix("error: ").unwrap_or_else(|| panic!("{stderr}")).to_owned()
}

#[test]
fn emulated_boards_answer_as_the_host() {
    for board in ["microbit", "netduinoplus2", "stm32vldiscovery"] {
        let (stdout, stderr) =
            run(&mut trainer(&["device", "eval", "--qemu", board, "--limit", IMAGES]), 0);
        assert!(
            stdout.contains("100 of 100 score vectors are the host's"),
            "{board}: {stdout}{stderr}"
        );
        assert!(
            stdout.contains("99 of 100 images right") && stdout.contains(" instructions"),
            "{stdout}"
        );
    }
}

/// An array file of bytes.
fn npy(path: &Path, descr: &str, sides: &str, values: impl IntoIterator<Item = u8>) {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    fs::write(path, bytes).unwrap();
}

/// Rows of six values, as a sensor might give them.
fn rows(folder: &Path, count: usize) -> PathBuf {
    let path = folder.join("rows.npy");
    let values = (0..6 * count).map(|place| (place * place / 7) as u8);
    npy(&path, "|u1", &format!("{count}, 6"), values);
    path
}

/// The tutorial's model, some images and the answers of the reference, in files.
struct Checked {
    folder: tempfile::TempDir,
    answers: Vec<u8>,
}

const CHECKED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-example/model/tutorial.kndl");

impl Checked {
    fn new() -> Self {
        let bytes = fs::read(CHECKED).unwrap();
        let mut table = ModelTable::new();
        let model = Model::from_bytes(&bytes, &mut table).unwrap();
        let mut arena = vec![0; model.arena_bytes()];
        let mut session = Session::new(&model, &mut arena).unwrap();
        let images: Vec<u8> = (0..3 * 784).map(|place| (place * place / 13) as u8).collect();
        let answers = images
            .chunks(784)
            .map(|image| session.run_with::<Reference>(image, &mut ()).unwrap().values().to_vec());
        let answers: Vec<u8> = answers.flatten().map(|score| score as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        npy(&folder.path().join("x.npy"), "|u1", "3, 28, 28", images);
        npy(&folder.path().join("y.npy"), "|i1", "3, 10", answers.iter().copied());
        Self { folder, answers }
    }

    /// Another answer is expected of the last image.
    fn spoil(&mut self) {
        self.answers[2 * 10 + 7] ^= 1;
        npy(&self.folder.path().join("y.npy"), "|i1", "3, 10", self.answers.iter().copied());
    }

    /// `trainer check` by a chip.
    fn check(&self, chip: &[&str]) -> Command {
        let mut command = trainer(&["check", CHECKED, "--inputs", "x.npy", "--expected", "y.npy"]);
        command.args(chip).current_dir(self.folder.path());
        command
    }
}

/// On the board of a core class.
#[test]
fn answers_are_checked_on_an_emulated_core() {
    let mut checked = Checked::new();
    let (stdout, stderr) = run(&mut checked.check(&["--core", "m4"]), 0);
    let said = "3 of 3 answers are as expected, byte for byte, on MPS2 AN386";
    assert!(stdout.starts_with(said) && stdout.contains(" instructions"), "{stdout}{stderr}");
    checked.spoil();
    let message = error(&mut checked.check(&["--core", "m4"]));
    let said = "1 of 3 answers differ; the first: input 2, value 7: expected ";
    assert!(message.starts_with(said), "{message}");
}

/// An emulated board at the other end of a serial port, as a board on a desk is.
#[test]
fn answers_are_checked_over_a_serial_port() {
    let chip = Chip::start("mps2-an386", &tutorial());
    let line = Bridge::to(chip.port.strip_prefix("tcp:").unwrap());
    let mut checked = Checked::new();
    let port = ["--port", line.path.to_str().unwrap()];
    let (stdout, stderr) = run(&mut checked.check(&port), 0);
    let said = "3 of 3 answers are as expected, byte for byte, on MPS2 AN386";
    assert!(stdout.starts_with(said), "{stdout}{stderr}");
    // Again, by the same line.
    checked.spoil();
    let message = error(&mut checked.check(&port));
    assert!(
        message.starts_with("1 of 3 answers differ; the first: input 2, value 7: "),
        "{message}"
    );
    let other = [&port[..], &["--baud", "9600"]].concat();
    let message = error(&mut checked.check(&other));
    assert!(message.starts_with("1 of 3 answers differ"), "{message}");
    line.end();
}

/// A serial port whose other end is a TCP port.
struct Bridge {
    path: PathBuf,
    stop: Sender<()>,
    thread: JoinHandle<()>,
    /// Keeps the port there while nobody has it open.
    _port: SerialPort,
}

impl Bridge {
    fn to(address: &str) -> Self {
        let (mut ours, port) = SerialPort::pair().unwrap();
        let path = fs::read_link(format!("/proc/self/fd/{}", port.as_raw_fd())).unwrap();
        let mut chip = TcpStream::connect(address).unwrap();
        ours.set_read_timeout(Duration::from_millis(5)).unwrap();
        chip.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut buffer = [0; 1024];
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                if let Ok(bytes) = ours.read(&mut buffer) {
                    chip.write_all(&buffer[..bytes]).unwrap();
                }
                if let Ok(bytes) = chip.read(&mut buffer) {
                    ours.write_all(&buffer[..bytes]).unwrap();
                }
            }
        });
        Self { path, stop, thread, _port: port }
    }

    fn end(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

/// 128 rows are the window of the first output.
#[test]
fn a_stream_on_an_emulated_board_gives_the_hosts_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(folder.path(), 300);
    for board in ["microbit", "netduinoplus2"] {
        let stream = ["device", "stream", rows.to_str().unwrap(), "--qemu", board];
        let (stdout, stderr) = run(&mut trainer(&stream), 0);
        let said = "300 rows, 173 outputs\n300 of 300 rows have the host's output, byte for byte\n";
        assert!(stdout.contains(said), "{board}: {stdout}{stderr}");
        assert!(!stdout.contains("row 126: ") && stdout.contains("row 127: "), "{stdout}");
        let (stdout, _) = run(&mut trainer(&[&stream[..], &["--limit", "127"]].concat()), 0);
        assert!(stdout.starts_with("127 rows, 0 outputs\n"), "{stdout}");
    }
}

#[test]
fn a_chip_profiles_tests_itself_and_takes_another_model() {
    let board = ["--qemu", "mps2-an386"];
    let (profile, _) = run(&mut trainer(&[&["device", "profile"], &board[..]].concat()), 0);
    assert!(profile.contains("conv2") && profile.contains("1,179,648"), "{profile}");
    let (test, _) = run(&mut trainer(&[&["device", "test"], &board[..]].concat()), 0);
    assert_eq!(test, "the model is intact; 11 of 11 known answers are right\n");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-example/model/tutorial.kndl");
    let (updated, _) = run(&mut trainer(&[&["device", "update", model], &board[..]].concat()), 0);
    let bytes = fs::metadata(model).unwrap().len();
    assert!(updated.contains(&format!("{bytes} bytes, intact")), "{updated}");
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/samples/digit-7.png");
    let (predicted, _) =
        run(&mut trainer(&[&["device", "predict", picture], &board[..]].concat()), 0);
    assert!(
        predicted.contains("digit-7.png: 7 (") && predicted.contains("on the chip"),
        "{predicted}"
    );
}

/// An emulator that ends when it has said 2,000 bytes.
const CUT_OFF: &str = r#"#!/bin/sh
pipe=$(mktemp -u) && mkfifo "$pipe"
exec 3<&0
timeout 60 qemu-system-arm "$@" <&3 >"$pipe" 2>/dev/null &
dd bs=1 count=2000 if="$pipe" 2>/dev/null
kill $!
rm "$pipe"
"#;

/// The emulator's output ends after 2,000 bytes, as when a board is unplugged: some fifty images
/// are answered by then.
#[test]
fn a_board_that_is_unplugged_leaves_a_partial_result() {
    let folder = tempfile::tempdir().unwrap();
    let wrapper = folder.path().join("qemu");
    fs::write(&wrapper, CUT_OFF).unwrap();
    fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = trainer(&["device", "eval", "--qemu", "netduinoplus2", "--limit", "1000"]);
    let (stdout, stderr) = run(command.env("KINDLING_QEMU", &wrapper), 1);
    let line = stderr.lines().last().unwrap();
    assert!(line.contains("of 1000 images: the result is partial: the line is gone"), "{stderr}");
    assert!(stdout.starts_with("PARTIAL: ") && stdout.contains("accuracy on the chip"), "{stdout}");
}

#[test]
fn no_emulator_and_no_board_are_said() {
    let mut command = trainer(&["device", "eval", "--qemu", "netduinoplus2"]);
    let message = error(command.env("KINDLING_QEMU", "/no/such/qemu"));
    assert!(
        message.starts_with("/no/such/qemu cannot be started") && message.contains("ci.sh setup"),
        "{message}"
    );
    let message = error(&mut trainer(&["device", "stream", "x.npy", "--qemu", "nothing"]));
    assert!(message.starts_with("no board 'nothing'"), "{message}");
    let message = error(&mut trainer(&["device", "eval", "--qemu", "nothing"]));
    assert!(
        message.starts_with("no board 'nothing'; there are ") && message.contains("microbit"),
        "{message}"
    );
    let message = error(&mut trainer(&["device", "flash", "microbit", "--usb", "--build-only"]));
    assert!(
        message.starts_with("the firmware knows no USB port of the chip's own on 'microbit'"),
        "{message}"
    );
    assert!(message.contains("pico") && !message.contains("nucleo-f411"), "{message}");
}

/// A pseudo-terminal: what a program is given as its serial port, and what this test does at the
/// other end.
struct Pty {
    path: PathBuf,
    stop: Sender<()>,
    thread: JoinHandle<()>,
    /// Keeps the port there while nobody has it open.
    _port: SerialPort,
}

impl Pty {
    /// A port whose other end sends `answer` again and again, if there is anything in it.
    fn new(answer: Vec<u8>) -> Self {
        let (mut ours, port) = SerialPort::pair().unwrap();
        let path = fs::read_link(format!("/proc/self/fd/{}", port.as_raw_fd())).unwrap();
        ours.set_read_timeout(Duration::from_millis(20)).unwrap();
        ours.set_write_timeout(Duration::from_millis(20)).unwrap();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                // Reads what comes so that the port takes more; a port that is full is no harm.
                let _ = ours.read(&mut [0; 1024]);
                let _ = ours.write(&answer);
            }
        });
        Self { path, stop, thread, _port: port }
    }

    fn eval(&self) -> Command {
        trainer(&["device", "eval", "--port", self.path.to_str().unwrap(), "--timeout", "1"])
    }

    fn end(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

#[test]
fn a_port_that_talks_nonsense_is_given_up() {
    let pty = Pty::new((1..=255).collect());
    let message = error(&mut pty.eval());
    assert!(
        message.contains("no answer to 5 requests") && message.contains("baud rate"),
        "{message}"
    );
    pty.end();
}

#[test]
fn a_silent_port_is_given_up() {
    let pty = Pty::new(Vec::new());
    let message = error(&mut pty.eval());
    assert!(message.starts_with("the chip is silent: 5 requests"), "{message}");
    pty.end();
}

#[test]
fn another_version_is_named() {
    let mut message = vec![9, 1, 1];
    message.extend(infer::format::checksum(&message).to_le_bytes());
    // COBS of bytes without a zero: their number and one.
    assert!(!message.contains(&0));
    let frame = [&[0, message.len() as u8 + 1][..], &message, &[0]].concat();
    let pty = Pty::new(frame);
    let said = error(&mut pty.eval());
    assert!(
        said.starts_with("the chip speaks version 9 of the wire, this program version 3"),
        "{said}"
    );
    pty.end();
}

#[test]
fn a_port_in_use_is_busy() {
    let pty = Pty::new(Vec::new());
    let _held = trainer::device::port::Port::open(pty.path.to_str().unwrap(), 115_200).unwrap();
    let message = error(&mut pty.eval());
    assert!(message.contains(": busy: another program has it open"), "{message}");
    drop(_held);
    pty.end();
}

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// Nobody may open the port. To root that means nothing, so root runs the program as somebody else.
#[test]
fn a_port_without_permission_says_what_to_do() {
    let pty = Pty::new(Vec::new());
    fs::set_permissions(&pty.path, Permissions::from_mode(0o0)).unwrap();
    // Where this user can read it, no matter who owns the folder it was built in.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("trainer");
    fs::copy(assert_cmd::cargo::cargo_bin("trainer"), &program).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["device", "test", "--port", pty.path.to_str().unwrap()]).current_dir("/");
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8(output.stderr).unwrap();
            let expected = format!("error: {}: no permission: add yourself", pty.path.display());
            assert!(said.starts_with(&expected) && said.contains("usermod -aG dialout"), "{said}");
            assert_eq!(output.status.code(), Some(1));
        }
        Err(error) => println!("not tested: this root cannot be another user: {error}"),
    }
    pty.end();
}

#[test]
fn a_port_that_goes_away_is_gone() {
    let pty = Pty::new(Vec::new());
    let mut command = pty.eval();
    let waiting = thread::spawn(move || error(&mut command));
    thread::sleep(Duration::from_millis(500));
    pty.end();
    let message = waiting.join().unwrap();
    assert!(message.starts_with("the line is gone: "), "{message}");
}

#[test]
fn a_port_that_is_not_there_is_said() {
    let message =
        error(&mut trainer(&["device", "predict", "--port", "/dev/no-such-port", "x.png"]));
    assert!(message.starts_with("/dev/no-such-port: no such port; "), "{message}");
}

#[test]
fn a_connection_that_is_refused_or_closed_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:{}", listener.local_addr().unwrap());
    let closes = thread::spawn(move || drop(listener.accept().unwrap()));
    let message = error(&mut trainer(&["device", "test", "--port", &port]));
    assert!(
        message.starts_with("the line is gone: ") && message.contains("unplugged"),
        "{message}"
    );
    closes.join().unwrap();
    let message = error(&mut trainer(&["device", "test", "--port", &port]));
    assert!(message.starts_with(&format!("{port}: cannot be connected to: ")), "{message}");
    let message = error(&mut trainer(&["device", "test", "--port", "tcp:nowhere"]));
    assert!(message.contains("is it HOST:PORT?"), "{message}");
}
