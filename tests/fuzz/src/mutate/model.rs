//! Model files: records are changed more often than weights, lengths and CRC are right.

use infer::Table;
use infer::format::LAYERS_MAX;
use infer::format::{Header, SECTION_ALIGNMENT_BYTES, checksum};
use infer::{Model, ModelError};

use super::{Random, change};

/// Makes damaged files; keeps its memory from one to the next.
#[derive(Default)]
pub struct Damage {
    records: Vec<u8>,
    sections: Vec<u8>,
    file: Vec<u8>,
}

impl Damage {
    /// `file` with a few bytes of its records or sections changed; what cannot be told apart is
    /// changed anywhere.
    pub fn of(&mut self, file: &[u8], number: u64) -> &mut [u8] {
        let random = &mut Random::new(number);
        self.file.clear();
        let Some((header, records, sections)) = parts(file) else {
            self.file.extend(file);
            change(&mut self.file, random);
            return &mut self.file;
        };
        self.records.clear();
        self.records.extend(records);
        self.sections.clear();
        self.sections.extend(sections);
        for _ in 0..1 + random.below(3) {
            change(
                if random.below(4) > 0 { &mut self.records } else { &mut self.sections },
                random,
            );
        }
        self.assemble(header);
        if random.below(64) == 0 {
            let at = random.below(Header::BYTES);
            self.file[at] ^= 1 << random.below(8);
        }
        &mut self.file
    }

    fn assemble(&mut self, header: Header) {
        let record_bytes = self.records.len() as u32;
        self.file.extend(Header { record_bytes, ..header }.to_bytes());
        self.file.extend(&self.records);
        self.file.resize(self.file.len().next_multiple_of(SECTION_ALIGNMENT_BYTES), 0);
        self.file.extend(&self.sections);
        seal(&mut self.file);
    }
}

/// [`Damage::of`], with the working memory in the header set right where that is all that is wrong.
pub fn damage(file: &[u8], number: u64) -> Vec<u8> {
    let mut damaged = Damage::default().of(file, number).to_vec();
    if let Some(error) = refusal(&damaged) {
        repair_arena(&mut damaged, error);
    }
    damaged
}

/// Header, records and what follows the padding after them.
fn parts(file: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let header = Header::read(file).ok()?;
    let end = Header::BYTES.checked_add(header.record_bytes as usize)?;
    let records = file.get(Header::BYTES..end)?;
    let sections = file.get(end.next_multiple_of(SECTION_ALIGNMENT_BYTES)..)?;
    Some((header, records, sections))
}

/// Sets length, CRC and, where that is all that is wrong, working memory right.
pub fn repair(file: &mut [u8]) {
    seal(file);
    if let Some(error) = refusal(file) {
        repair_arena(file, error);
    }
}

/// Why the file is no model, if it is none.
fn refusal(file: &[u8]) -> Option<ModelError> {
    Model::from_bytes(file, &mut Table::<LAYERS_MAX>::new()).err()
}

/// Sets the working memory right, if that is what `error` is about; whether it was.
pub fn repair_arena(file: &mut [u8], error: ModelError) -> bool {
    let ModelError::ArenaBytes { needed, .. } = error else { return false };
    file[16..20].copy_from_slice(&needed.to_le_bytes());
    seal(file);
    true
}

/// Sets length and CRC right.
fn seal(file: &mut [u8]) {
    if file.len() < Header::BYTES {
        return;
    }
    let length = (file.len() as u32).to_le_bytes();
    file[8..12].copy_from_slice(&length);
    let crc = checksum(&file[Header::CHECKED_FROM..]).to_le_bytes();
    file[12..16].copy_from_slice(&crc);
}
