//! Host and chip over a line that damages what it carries: an answer that is accepted is right.

use std::time::Duration;

use infer::Model;
use tests::faulty_line::{Counts, Faults, FaultyLine};
use tests::plans::untrained;
use tests::random_layer::Random;
use trainer::device::client::{Client, ClientError};
use trainer::device::session::{DeviceError, Session};
use trainer::model_file;
use trainer::model_file::ModelTable;
use trainer::network::Network;

/// Messages that the line carries at least.
const MESSAGES: u64 = 100_000;

/// Images between two updates of the model.
const IMAGES_PER_MODEL: usize = 150;

const IMAGE_BYTES: usize = 10 * 10;

/// Every tenth message or so is damaged, every tenth lost, doubled or late.
const BAD: Faults = Faults {
    lost: 1500,
    flipped: 1500,
    doubled: 1500,
    swapped: 1500,
    message_lost: 30,
    message_doubled: 30,
    message_late: 30,
};

fn model(units: u16) -> Vec<u8> {
    let text = format!(
        r#"input = {{ height = 10, width = 10, channels = 1 }}
        layer = [
            {{ type = "conv", filters = 3, kernel = 3, activation = "relu" }},
            {{ type = "max_pool", size = 2 }},
            {{ type = "dense", units = {units} }},
        ]"#
    );
    let network: Network = toml::from_str(&text).expect("a network");
    let plain = untrained(&network);
    model_file::write(&plain, &plain.direct()).expect("a model")
}

fn scores(file: &[u8], image: &[u8]) -> Vec<i8> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = infer::Session::new(&model, &mut arena).expect("a buffer of the right size");
    session.run(image).expect("an image of the right size").values().to_vec()
}

fn image(random: &mut Random) -> Vec<u8> {
    (0..IMAGE_BYTES).map(|_| random.within(0, 255) as u8).collect()
}

fn is_the_lines_fault(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Client(ClientError::Silent { .. } | ClientError::Garbage { .. }))
}

/// What the host got.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    given_up: usize,
    updates: usize,
}

/// Sends images and, now and then, the other of two models, until the line has carried enough
/// messages.
fn talk(faults: Faults, seed: u64, messages: u64) -> (Tally, Counts) {
    let models = [model(4), model(5)];
    let (mut random, mut tally) = (Random::new(seed), Tally::default());
    let mut line = FaultyLine::new(&models[0], faults, seed);
    while line.counts.messages < messages {
        let client = Client::with_sequence(&mut line, random.within(1, u16::MAX).into());
        let Ok(mut session) = Session::open(client, Duration::from_secs(60)) else { continue };
        let wanted = &models[random.within(0, 1) as usize];
        match session.update(wanted, &mut |_| ()) {
            Ok(_) => tally.updates += 1,
            Err(error) if is_the_lines_fault(&error) => continue,
            Err(error) => panic!("the update failed: {error}"),
        }
        for _ in 0..IMAGES_PER_MODEL {
            let image = image(&mut random);
            match session.infer(&image) {
                Ok(answer) => {
                    assert_eq!(
                        answer.values,
                        scores(wanted, &image),
                        "a wrong answer was accepted"
                    );
                    tally.answered += 1;
                }
                Err(error) if is_the_lines_fault(&error) => tally.given_up += 1,
                Err(DeviceError::Refused(_) | DeviceError::ModelChanged { .. }) => {
                    tally.given_up += 1
                }
                Err(error) => panic!("the chip failed: {error}"),
            }
        }
    }
    (tally, line.counts)
}

#[test]
fn no_wrong_answer_is_accepted_on_a_bad_line() {
    let (tally, counts) = talk(BAD, 1, MESSAGES);
    println!("{tally:?}, {counts:?}");
    let rarely = |part: u64| part > counts.messages / 50;
    assert!(
        rarely(counts.damaged) && rarely(counts.misplaced),
        "the line was too good: {counts:?}"
    );
    // With thirteen seeds 585 to 673 images of 13,500 were given up, 630 on average. The bound is
    // seven standard deviations above that.
    assert!(tally.given_up < tally.answered / 16, "retries do not help: {tally:?}");
    assert!(tally.updates > 20, "{tally:?}");
}

/// Where nearly nothing arrives whole, nearly nothing is answered, and still nothing wrong.
#[test]
fn a_hopeless_line_gives_errors_and_no_wrong_answers() {
    let hopeless = Faults { lost: 60, flipped: 60, doubled: 60, swapped: 60, ..BAD };
    let (tally, counts) = talk(hopeless, 2, MESSAGES / 10);
    assert!(counts.damaged > counts.messages / 2, "{counts:?}");
    assert!(tally.answered < counts.messages as usize / 2, "{tally:?}");
}

#[test]
fn a_good_line_answers_everything() {
    let good = Faults {
        lost: 0,
        flipped: 0,
        doubled: 0,
        swapped: 0,
        message_lost: 0,
        message_doubled: 0,
        message_late: 0,
    };
    let (tally, _) = talk(good, 3, MESSAGES / 10);
    assert!(tally.given_up == 0 && tally.answered > 1000, "{tally:?}");
}
