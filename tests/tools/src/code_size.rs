//! How much code a program has, from its ELF file.

use elf::ElfBytes;
use elf::abi::{SHF_ALLOC, SHT_PROGBITS};
use elf::endian::LittleEndian;

/// Every program has it, whatever it does.
const VECTOR_TABLE: &str = ".vector_table";

/// Bytes of code and constants that the program puts into flash, its vector table left out; `None`
/// when this is no ELF file.
pub fn code_bytes(elf: &[u8]) -> Option<usize> {
    let file = ElfBytes::<LittleEndian>::minimal_parse(elf).ok()?;
    let (sections, names) = file.section_headers_with_strtab().ok()?;
    let (sections, names) = (sections?, names?);
    let is_code = |name: &str, kind: u32, flags: u64| {
        kind == SHT_PROGBITS && flags & SHF_ALLOC as u64 != 0 && name != VECTOR_TABLE
    };
    let size = |section: elf::section::SectionHeader| {
        let name = names.get(section.sh_name as usize).unwrap_or_default();
        if is_code(name, section.sh_type, section.sh_flags) { section.sh_size as usize } else { 0 }
    };
    Some(sections.iter().map(size).sum())
}
