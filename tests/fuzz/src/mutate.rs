//! Damage to model files that gets past the first checks: lengths and CRC are set right again, records are changed more often than weights.

use infer::format::{Header, SECTION_ALIGNMENT_BYTES, checksum};
use infer::{Model, ModelError};

/// Bytes that numbers are likely to break at.
const EDGES: [u8; 8] = [0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF];

/// Numbers that belong to a seed.
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit.max(1) as u64) as usize
    }
}

/// Changes a few bytes of the records or sections of `file`, or takes some out or puts some in; what cannot be told apart is changed anywhere.
pub fn damage(file: &[u8], seed: u64) -> Vec<u8> {
    let random = &mut Random(seed);
    let Some((header, mut records, mut sections)) = parts(file) else {
        let mut bytes = file.to_vec();
        change(&mut bytes, random);
        return bytes;
    };
    for _ in 0..1 + random.below(3) {
        if random.below(4) > 0 { change(&mut records, random) } else { change(&mut sections, random) }
    }
    let record_bytes = records.len() as u32;
    let mut bytes = Header { record_bytes, ..header }.to_bytes().to_vec();
    bytes.extend(records);
    bytes.resize(bytes.len().next_multiple_of(SECTION_ALIGNMENT_BYTES), 0);
    bytes.extend(sections);
    repair(&mut bytes);
    bytes
}

/// Header, records and what follows the padding behind them.
fn parts(file: &[u8]) -> Option<(Header, Vec<u8>, Vec<u8>)> {
    let header = Header::read(file).ok()?;
    let end = Header::BYTES.checked_add(header.record_bytes as usize)?;
    let records = file.get(Header::BYTES..end)?;
    let sections = file.get(end.next_multiple_of(SECTION_ALIGNMENT_BYTES)..)?;
    Some((header, records.to_vec(), sections.to_vec()))
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes.insert(at.min(bytes.len()), EDGES[random.below(EDGES.len())]),
        1 if !bytes.is_empty() => _ = bytes.remove(at),
        2 => bytes.extend([0; 16]),
        _ if bytes.is_empty() => {}
        3 => bytes[at] = EDGES[random.below(EDGES.len())],
        4 => bytes[at] = bytes[at].wrapping_add(1),
        5 => bytes[at] = bytes[at].wrapping_sub(1),
        6 => bytes[at] = random.below(256) as u8,
        _ => bytes[at] ^= 1 << random.below(8),
    }
}

/// Sets length, CRC and, where that is all that is wrong, working memory right.
pub fn repair(file: &mut [u8]) {
    if file.len() < Header::BYTES {
        return;
    }
    let length = (file.len() as u32).to_le_bytes();
    file[8..12].copy_from_slice(&length);
    seal(file);
    let refused = Model::from_bytes(file).err();
    if let Some(ModelError::ArenaBytes { needed, .. }) = refused {
        file[16..20].copy_from_slice(&needed.to_le_bytes());
        seal(file);
    }
}

fn seal(file: &mut [u8]) {
    let crc = checksum(&file[Header::CHECKED_FROM..]).to_le_bytes();
    file[12..16].copy_from_slice(&crc);
}
