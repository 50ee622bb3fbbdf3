//! The server through a debug probe (RTT): the board is emulated, and a stand-in for the probe
//! reaches into its memory.

use std::fs;
use std::time::Duration;

use tests::emulated::Emulated;
use tests::plans::{another_tutorial, reference_scores};
use tests::server::{Built, built};
use tests::{firmware, rtt_probe};
use trainer::device::client::Client;
use trainer::device::firmware::ServerLine;
use trainer::device::session::Session;
use trainer::device::tcp::Tcp;

/// A board whose flash holds two models beside the program.
const BOARD: &str = "mps2-an386";

/// Pixels of the stored digits.
const IMAGE_BYTES: usize = 784;

fn session(port: &str) -> Session<Tcp> {
    let line = Tcp::connect(Tcp::address(port).unwrap()).unwrap();
    Session::open(Client::new(line), Duration::from_secs(30)).unwrap()
}

/// Whether the chip answers the stored digits as the host does with `model`.
fn answers_as_host(session: &mut Session<Tcp>, model: &[u8]) {
    let digits = fs::read(firmware::folder().join("digits/images.bin")).unwrap();
    let expected = reference_scores(model, &digits);
    for (image, scores) in digits.chunks_exact(IMAGE_BYTES).zip(expected.chunks_exact(10)) {
        assert_eq!(session.infer(image).unwrap().values, scores);
    }
}

#[test]
fn a_probe_carries_images_a_self_test_and_an_update() {
    let Built { machine, elf, model, memory } = built(BOARD, ServerLine::Rtt);
    let mut board = Emulated::halted(&machine, &elf);
    let ram = board.memory(memory.ram, (memory.variables_end - memory.ram) as usize);
    // As with a real probe, the program may start after it.
    let port = rtt_probe::serve(ram);
    board.run();

    let mut first = session(&port);
    answers_as_host(&mut first, &model);
    let test = first.self_test().unwrap();
    assert!(test.model_intact && (test.images, test.as_known) == (11, 11), "{test:?}");
    let new = another_tutorial(1);
    let update = first.update(&new, &mut |_| ()).unwrap();
    assert!(update.is_lasting && first.self_test().unwrap().as_known == 1);
    drop(first);
    answers_as_host(&mut session(&port), &new);
}
