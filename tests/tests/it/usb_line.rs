//! The firmware's USB port and its loop on the host: the files are the firmware's own,
//! the bus is a cable without hardware.

#[path = "../../../firmware-example/src/board/cdc.rs"]
mod cdc;
#[path = "../../../firmware-example/src/board/line.rs"]
pub(crate) mod line;
#[path = "../../../firmware-example/src/server/station.rs"]
mod station;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cdc::Cdc;
use infer::format::LAYERS_MAX;
use infer::wire::{
    Clock, Incoming, Known, NoRoom, Receiver, Server, Streams, UpdateRoom, frame_bytes, model_id,
};
use infer::{Model, Session as Reference};
use station::{Served, Station};
use tests::firmware;
use tests::usb_cable::{Cable, Host};
use trainer::device::client::Client;
use trainer::device::session::Session;
use trainer::model_file::ModelTable;
use usb_device::bus::UsbBusAllocator;

/// What the device calls itself.
const BOARD: &str = "a board without hardware";

/// Bytes of a request's part and of an answer's.
const PART_BYTES: usize = 1024;

/// Room for another model.
const UPDATE_BYTES: usize = 512 * 1024;

/// As the firmware's interrupt.
const TICK: Duration = Duration::from_millis(1);

type Port = Arc<Mutex<Cdc<'static, Cable>>>;

/// The firmware's line, which waits by polling.
struct Polled(Port);

impl line::Line for Polled {
    fn read(&mut self) -> u8 {
        loop {
            let mut port = self.0.lock().unwrap();
            match port.read() {
                Some(byte) => return byte,
                None => port.poll(),
            }
            drop(port);
            thread::sleep(Duration::from_micros(20));
        }
    }

    fn write(&mut self, byte: u8) {
        let mut port = self.0.lock().unwrap();
        while !port.write(byte) {
            port.poll();
            drop(port);
            thread::yield_now();
            port = self.0.lock().unwrap();
        }
    }
}

/// A chip's clock, which makes a run take long while `slow` is set.
struct Sleepy {
    slow: Arc<AtomicBool>,
    running: Arc<AtomicBool>,
}

impl Clock for Sleepy {
    fn now(&mut self) -> u64 {
        if self.slow.swap(false, Ordering::SeqCst) {
            self.running.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(400));
            self.running.store(false, Ordering::SeqCst);
        }
        0
    }
}

/// A chip that serves the tutorial's model.
struct Chip {
    cable: Cable,
    model: &'static [u8],
    slow: Arc<AtomicBool>,
    running: Arc<AtomicBool>,
}

fn leaked<Value>(value: Value) -> &'static mut Value {
    Box::leak(Box::new(value))
}

impl Chip {
    fn start() -> Self {
        let cable = Cable::default();
        let file = std::fs::read(firmware::folder().join("model/tutorial.kndl"))
            .expect("the firmware's model");
        let model: &'static [u8] = leaked(file);
        let port = Cdc::new(leaked(UsbBusAllocator::new(cable.clone())), BOARD).unwrap();
        let port = Arc::new(Mutex::new(port));
        let (slow, running) = (Arc::default(), Arc::default());
        let clock = Sleepy { slow: Arc::clone(&slow), running: Arc::clone(&running) };
        let ticking = Arc::clone(&port);
        thread::spawn(move || {
            loop {
                thread::sleep(TICK);
                ticking.lock().unwrap().poll();
            }
        });
        thread::spawn(move || serve(model, port, clock));
        Self { cable, model, slow, running }
    }

    fn session(&self) -> Session<Host> {
        let mut host = self.cable.host();
        let described = host.enumerate().unwrap();
        assert_eq!(described.names, ["Kindling", BOARD]);
        assert_eq!(described.ids, (0x16C0, 0x27DD));
        Session::open(Client::new(host), Duration::from_secs(5)).unwrap()
    }

    /// The host's scores for the stored digits, beside them.
    fn expected(&self, file: &[u8]) -> Vec<(Vec<u8>, Vec<i8>)> {
        let mut table = ModelTable::new();
        let model = Model::from_bytes(file, &mut table).unwrap();
        let digits =
            std::fs::read(firmware::folder().join("digits/images.bin")).expect("the stored digits");
        let mut arena = vec![0; model.arena_bytes()];
        let mut session = Reference::new(&model, &mut arena).unwrap();
        let images = digits.chunks_exact(model.image_shape().len());
        images
            .map(|image| (image.to_vec(), session.run(image).unwrap().values().to_vec()))
            .collect()
    }
}

/// The firmware's loop: the built-in model, and another that came.
fn serve(built_in: &'static [u8], port: Port, clock: Sleepy) {
    let server = Server {
        firmware: "0.0.0",
        board: BOARD,
        ticks_per_second: 1,
        part_bytes: PART_BYTES as u16,
        clock,
        incoming: Incoming::new(&mut [], leaked([0; 2])),
        streams: Streams::NONE,
        known: Known { model: model_id(built_in), images: &[], scores: &[] },
    };
    let [request, out] = [0, 1].map(|_| leaked(vec![0; frame_bytes(PART_BYTES)]));
    let receiver = Receiver::new(&mut request[..]);
    let arena = leaked(vec![0; 64 * 1024]);
    let mut station = Station { server, receiver, out, line: Polled(port), arena };
    let mut table = ModelTable::new();
    let model = Model::from_bytes(built_in, &mut table).unwrap();
    let mut room = UpdateRoom::<LAYERS_MAX>::new(leaked(vec![0; UPDATE_BYTES]));
    loop {
        station.serve(Served::loaded(&model, built_in), Some(&mut room), UPDATE_BYTES);
        if let Some(file) = room.model() {
            let mut table = ModelTable::new();
            let model = Model::from_bytes(file, &mut table).unwrap();
            station.serve::<NoRoom>(Served::loaded(&model, file), None, UPDATE_BYTES);
        }
        room.clear();
    }
}

#[test]
fn a_chip_on_usb_answers_as_the_host_and_takes_another_model() {
    let chip = Chip::start();
    let mut session = chip.session();
    for (image, scores) in chip.expected(chip.model) {
        assert_eq!(session.infer(&image).unwrap().values, scores);
    }
    let file = tests::plans::another_tutorial(1);
    session.update(&file, &mut |_| ()).unwrap();
    let test = session.self_test().unwrap();
    assert!(test.model_intact && (test.images, test.as_known) == (1, 1), "{test:?}");
    for (image, scores) in chip.expected(&file) {
        assert_eq!(session.infer(&image).unwrap().values, scores);
    }
}

/// Another program that opens the port asks the device: it has to answer while a model runs.
#[test]
fn the_host_is_answered_while_a_model_runs() {
    let chip = Chip::start();
    let mut session = chip.session();
    let (image, scores) = chip.expected(chip.model).remove(0);
    chip.slow.store(true, Ordering::SeqCst);
    let (slow, running) = (Arc::clone(&chip.slow), Arc::clone(&chip.running));
    let mut second = chip.cable.host();
    let asking = thread::spawn(move || {
        while slow.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(50));
        assert!(running.load(Ordering::SeqCst));
        for _ in 0..20 {
            second.control_out([0x21, 0x22], 3, 0, &[]).unwrap();
            let line_coding = second.control_in([0xA1, 0x21], 0, 0, 7); // GET_LINE_CODING
            assert_eq!(line_coding.unwrap().len(), 7);
        }
        assert!(running.load(Ordering::SeqCst), "the answers came after the run");
    });
    assert_eq!(session.infer(&image).unwrap().values, scores);
    asking.join().unwrap();
}

/// The cable is pulled in the middle of a request, and plugged in again.
#[test]
fn after_a_reset_of_the_bus_the_chip_answers_again() {
    let chip = Chip::start();
    let (image, scores) = chip.expected(chip.model).remove(3);
    for bytes in [1, 63, 64, 65, 300] {
        let mut host = chip.cable.host();
        host.enumerate().unwrap();
        trainer::device::line::Line::send(&mut host, &vec![0xA5; bytes]).unwrap();
        let mut session = chip.session();
        assert_eq!(session.infer(&image).unwrap().values, scores);
    }
}

/// An answer for a host that has gone is dropped; one for a host that does not take it waits, and
/// does not keep a new program from asking.
#[test]
fn a_host_that_does_not_listen_blocks_nothing() {
    let cable = Cable::default();
    let bus = leaked(UsbBusAllocator::new(cable.clone()));
    let mut port = Cdc::new(bus, BOARD).unwrap();
    let begun = Instant::now();
    assert!((0..10_000).all(|_| port.write(0x55)), "no host is there, and bytes wait for it");

    let port = Arc::new(Mutex::new(port));
    let ticking = Arc::clone(&port);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let tick = thread::spawn(move || {
        while !stopped.load(Ordering::SeqCst) {
            ticking.lock().unwrap().poll();
            thread::sleep(TICK);
        }
    });
    let mut host = cable.host();
    host.enumerate().unwrap();
    let taken = (0..10_000).take_while(|_| port.lock().unwrap().write(0x55)).count();
    assert!(
        (1152..1152 + 2 * 64).contains(&taken),
        "{taken} bytes wait for a host that takes none"
    );
    host.control_out([0x21, 0x22], 3, 0, &[]).unwrap();
    let mut came = 0;
    while came < taken {
        let mut buffer = [0; 256];
        let bytes =
            trainer::device::line::Line::receive(&mut host, &mut buffer, Duration::from_secs(5))
                .unwrap();
        assert!(bytes > 0 && buffer[..bytes].iter().all(|byte| *byte == 0x55));
        came += bytes;
    }
    assert_eq!(came, taken);
    stop.store(true, Ordering::SeqCst);
    tick.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
}
