//! What a host might say to a chip: requests with odd numbers, updates to damaged models, frames
//! that were damaged on the line.

use infer::format::{Header, checksum};
use infer::wire::{Request, encode};

use super::model::{Damage, repair};
use super::{Random, change};

/// Bytes of the image of the built-in model, and most of a part.
const PART_BYTES: usize = 64;

/// Makes conversations as [`talk`](crate::wire::talk) takes them; keeps its memory from one to the
/// next.
#[derive(Default)]
pub struct Conversation {
    bytes: Vec<u8>,
    damage: Damage,
}

impl Conversation {
    /// The conversation of this number, from those that are known and from models to update to.
    pub fn of(&mut self, known: &[Vec<u8>], models: &[Vec<u8>], number: u64) -> &[u8] {
        let random = &mut Random::new(number);
        self.bytes.clear();
        match random.below(16) {
            0 => self.update(models, number, random),
            1..4 => self.bytes.extend(random.one_of(known)),
            4..7 => self.frames(random),
            _ => (0..1 + random.below(4)).for_each(|_| self.request(random)),
        }
        for _ in 0..random.below(3) {
            change(&mut self.bytes, random);
        }
        &self.bytes
    }

    /// The conversation made last.
    pub fn last(&self) -> &[u8] {
        &self.bytes
    }

    /// A whole update, to a model that is damaged more often than not.
    fn update(&mut self, models: &[Vec<u8>], number: u64, random: &mut Random) {
        let seed: &Vec<u8> = random.one_of(models);
        let file = self.damage.of(seed, number);
        if random.one_in(2) {
            repair(file);
        }
        let model = Header::read(file).map_or(0, |header| header.checksum);
        say(&mut self.bytes, &Request::BeginUpdate { bytes: file.len() as u32, model });
        for (part, at) in file.chunks(PART_BYTES).zip((0..).step_by(PART_BYTES)) {
            say(&mut self.bytes, &Request::Update { at, part });
        }
        say(&mut self.bytes, &Request::FinishUpdate { model });
        say(&mut self.bytes, &Request::SelfTest);
    }

    /// Requests as they are on the line; what damages them there is undone by nobody.
    fn frames(&mut self, random: &mut Random) {
        let mut requests = std::mem::take(&mut self.bytes);
        (0..1 + random.below(3)).for_each(|_| self.request(random));
        std::mem::swap(&mut requests, &mut self.bytes);
        let mut rest = &requests[..];
        while let Ok((request, after)) = postcard::take_from_bytes::<Request>(rest) {
            let mut frame = [0; 2 * PART_BYTES];
            self.bytes.extend(encode(random.size(), &request, &mut frame).unwrap_or_default());
            rest = after;
        }
    }

    fn request(&mut self, random: &mut Random) {
        let image = [random.below(256) as u8; PART_BYTES];
        let crc = if random.one_in(4) { random.size() } else { checksum(&image) };
        let at = if random.one_in(2) { 0 } else { random.size() };
        let part = &image[..if random.one_in(2) { PART_BYTES } else { random.below(PART_BYTES) }];
        let (bytes, model) = (random.size(), random.size());
        let timed_from = random.one_in(2).then(|| random.below(4) as u8);
        let request = match random.below(9) {
            0 => Request::Identify,
            1 => Request::Infer { image: crc, at, timed_from, part },
            2 => Request::Profile { image: crc, layer: random.below(4) as u8 },
            3 => Request::BeginUpdate { bytes, model },
            4 => Request::Update { at, part },
            5 => Request::FinishUpdate { model },
            6 | 7 => {
                Request::Push { row: random.below(3) as u32, values: &part[..part.len().min(8)] }
            }
            _ => Request::SelfTest,
        };
        say(&mut self.bytes, &request);
    }
}

fn say(bytes: &mut Vec<u8>, request: &Request<'_>) {
    let mut buffer = [0; 2 * PART_BYTES];
    bytes.extend_from_slice(postcard::to_slice(request, &mut buffer).expect("a small request"));
}
