//! Frames of the wire: their exact bytes, and how a receiver finds its place again.
#![cfg(feature = "wire")]

mod support;

use infer::format::{Content, OperatorRecord, Section, Tensor, TensorRecord};
use infer::wire::{
    Answer, Clock, Frame, InUse, Incoming, Known, NoRoom, PART_BYTES_MAX, Receiver, Refusal,
    Request, Server, Streams, Turn, Values, encode, frame_bytes,
};
use infer::{Interface, Metadata, Model, Shape, Table};
use support::{Parts, written};

type Buffer = Vec<u8>;

fn receiver() -> Receiver<Buffer> {
    Receiver::new(vec![0; frame_bytes(PART_BYTES_MAX)])
}

fn frame(sequence: u32, request: &Request<'_>) -> Vec<u8> {
    let mut buffer = vec![0; frame_bytes(PART_BYTES_MAX)];
    encode(sequence, request, &mut buffer).unwrap().to_vec()
}

/// How many messages `bytes` complete.
fn push_all(receiver: &mut Receiver<Buffer>, bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| receiver.push(**byte)).count()
}

fn received(receiver: &Receiver<Buffer>) -> Option<Frame<Request<'_>>> {
    receiver.frame()
}

/// Other hosts rely on these bytes: they change only with the version.
#[test]
fn frames_are_these_bytes() {
    assert_eq!(hex(&frame(5, &Request::Identify)), "00 03 03 05 05 0e 93 70 80 00");
    let part = Request::Infer { image: 0xCAFE, at: 300, timed_from: Some(7), part: &[0, 1, 0] };
    assert_eq!(
        hex(&frame(300, &part)),
        "00 0d 03 ac 02 01 fe 95 03 ac 02 01 07 03 02 01 05 5f d7 a0 84 00"
    );
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&mut self) -> u64 {
        0
    }
}

/// A pooling that leaves a map of 65,792 values as the scores.
fn model_of_many_classes() -> Vec<u8> {
    let (mut input, mut pool) = (Parts::default().input, Parts::default().pool);
    let quant = input.tensor.tensor.quant;
    let tensor = Tensor { shape: Shape::new(256, 257, 1), quant };
    let held_rows = tensor.shape.height;
    (input.image, input.tensor) = (tensor.shape, TensorRecord { tensor, held_rows, at: 0 });
    (pool.operator.size, pool.operator.stride, pool.operator.input) = ([1, 1], [1, 1], 0);
    pool.output = TensorRecord { tensor, held_rows, at: 65_792 };
    written(&Content {
        input,
        interface: Interface::default(),
        metadata: Metadata::default(),
        layers: &[pool.record(OperatorRecord::MaxPool)],
        sections: &[Section { channels: &[], weights: &[] }],
        outputs: &[1],
        arena_bytes: 2 * 65_792,
        model_version: 1,
        self_test: None,
    })
}

/// 65,792 were stated as 256.
#[test]
fn a_chip_states_how_many_classes_there_are() {
    let file = model_of_many_classes();
    let mut table = Table::<1>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut server = Server {
        firmware: "",
        board: "",
        ticks_per_second: 1,
        part_bytes: 16,
        clock: Still,
        incoming: Incoming::new(&mut [], &mut []),
        streams: Streams::NONE,
        known: Known::default(),
    };
    let (mut receiver, mut out) = (receiver(), vec![0; frame_bytes(PART_BYTES_MAX)]);
    push_all(&mut receiver, &frame(1, &Request::Identify));
    let mut used = InUse::<NoRoom>::new(&model, &file, &mut []);
    let Turn::Answer(bytes) = server.turn(&receiver, &mut used, &mut out) else {
        panic!("no answer");
    };
    let mut host = Receiver::new(vec![0; frame_bytes(PART_BYTES_MAX)]);
    push_all(&mut host, bytes);
    let Some(Frame::Message { content: Answer::Identity(chip), .. }) = host.frame() else {
        panic!("no identity");
    };
    assert_eq!(chip.classes, 65_792);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// COBS begins a new block after 254 bytes: lengths around that, with zeros and without.
#[test]
fn parts_of_every_length_come_through() {
    let mut receiver = receiver();
    for len in 0..=PART_BYTES_MAX {
        for value in [0, 1] {
            let bytes = vec![value; len];
            let part = Request::Update { at: u32::MAX, part: &bytes };
            assert_eq!(
                push_all(&mut receiver, &frame(u32::MAX, &part)),
                1,
                "{len} bytes of {value}"
            );
            assert_eq!(
                received(&receiver),
                Some(Frame::Message { sequence: u32::MAX, content: part })
            );
        }
    }
}

#[test]
fn a_receiver_finds_its_place_after_noise() {
    let mut receiver = receiver();
    let wanted = frame(7, &Request::SelfTest);
    let noises: [&[u8]; 4] =
        [b"\xff\xff\xff", b"\x00\x00\x05\x01\x00", &[0x55; 5000], &wanted[..wanted.len() / 2]];
    for noise in noises {
        push_all(&mut receiver, noise);
        assert_eq!(push_all(&mut receiver, &wanted), 1, "after {} bytes of noise", noise.len());
        assert_eq!(
            received(&receiver),
            Some(Frame::Message { sequence: 7, content: Request::SelfTest })
        );
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let right = frame(9, &Request::Profile { image: 1, layer: 2 });
    for bit in 0..right.len() * 8 {
        let mut flipped = right.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut receiver = receiver();
        push_all(&mut receiver, &flipped);
        // A zero that is flipped leaves the frame as it was, or joins it with the next.
        let zero = bit / 8 == 0 || bit / 8 == right.len() - 1;
        assert!(zero || received(&receiver).is_none(), "bit {bit}");
    }
}

#[test]
fn another_version_is_named() {
    let mut receiver = receiver();
    let mut message = vec![2, 77, 77, 77];
    message.extend(infer::format::checksum(&message).to_le_bytes());
    let mut bytes = vec![0; 32];
    let len = cobs::encode(&message, &mut bytes);
    bytes.truncate(len);
    bytes.push(0);
    assert_eq!(push_all(&mut receiver, &bytes), 1);
    assert_eq!(received(&receiver), Some(Frame::OtherVersion(2)));
}

#[test]
fn a_message_that_is_none_keeps_its_number() {
    let mut receiver = receiver();
    let mut buffer = vec![0; 64];
    let unknown = encode(4, &200u8, &mut buffer).unwrap().to_vec();
    assert_eq!(push_all(&mut receiver, &unknown), 1);
    assert_eq!(received(&receiver), Some(Frame::Unreadable { sequence: Some(4) }));
}

#[test]
fn a_frame_that_is_too_long_is_left_out() {
    let mut small = Receiver::new(vec![0; frame_bytes(16)]);
    let long = frame(1, &Request::Update { at: 0, part: &[1; 200] });
    assert_eq!(push_all(&mut small, &long), 0);
    assert_eq!(small.damaged(), 1);
    assert_eq!(push_all(&mut small, &frame(2, &Request::Identify)), 1);
}

#[test]
fn an_answer_that_is_too_long_for_the_buffer_is_an_error() {
    for len in 0..40 {
        let mut buffer = vec![0; len];
        let answer = Answer::Scores { model: 1, ticks: 2, values: Values::Arena(&[-3; 40]) };
        assert!(encode(1, &answer, &mut buffer).is_err(), "{len}");
    }
}

#[test]
fn scores_are_the_same_bytes_from_either_side() {
    let mut buffer = [vec![0; 64], vec![0; 64]];
    let [left, right] = &mut buffer;
    let answer = |values| Answer::Scores { model: 1, ticks: 2, values };
    let from_arena = encode(1, &answer(Values::Arena(&[-1, 0, 127])), left).unwrap();
    assert_eq!(from_arena, encode(1, &answer(Values::Message(&[255, 0, 127])), right).unwrap());
    let refused: Answer<'_> = Answer::Refused(Refusal::NoLayer);
    assert_ne!(refused, answer(Values::Message(&[])));
}
