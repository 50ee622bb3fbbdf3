//! How much flash a program takes, from its ELF file.

/// A segment that is loaded into memory.
const LOAD: u32 = 1;

/// Bytes of all segments that the file puts into flash; `None` when it is no 32-bit little-endian ELF file.
pub fn flash_bytes(elf: &[u8]) -> Option<usize> {
    if elf.get(..6)? != b"\x7fELF\x01\x01" {
        return None;
    }
    let word = |at: usize| Some(u32::from_le_bytes(*elf.get(at..)?.first_chunk()?));
    let half = |at: usize| Some(u16::from_le_bytes(*elf.get(at..)?.first_chunk()?) as usize);
    let (table, entry_bytes, entries) = (word(28)? as usize, half(42)?, half(44)?);
    let segment = |index: usize| {
        let at = table + index * entry_bytes;
        Some(if word(at)? == LOAD { word(at + 16)? as usize } else { 0 })
    };
    (0..entries).map(segment).sum()
}
