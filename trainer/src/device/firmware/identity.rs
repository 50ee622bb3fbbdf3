//! What a program says that it was built from, and whether that is what was asked for.
//!
//! The firmware's build script has the linker write one line into a section that no chip loads; see
//! `firmware-example/build/identity.rs`. The model itself is looked for byte by byte.

use elf::ElfBytes;
use elf::abi::PT_LOAD;
use elf::endian::LittleEndian;
use infer::wire::model_id;
use thiserror::Error;

/// The section.
const SECTION: &str = ".kindling_firmware";

/// A model lies at an address that is a multiple of this, in bytes.
const MODEL_ALIGNMENT_BYTES: usize = infer::format::SECTION_ALIGNMENT_BYTES;

/// What was asked for.
pub(super) struct Asked<'a> {
    pub board: &'a str,
    /// The model file.
    pub model: &'a [u8],
    /// The compiler's target.
    pub target: &'a str,
    pub opt_level: &'a str,
}

/// What of a program is not as asked for.
#[derive(Debug, PartialEq, Error)]
pub enum WrongProgram {
    /// A file that is none of the firmware's programs.
    #[error("it does not say what it was built from")]
    Unknown,
    /// Another board, model, target or optimisation.
    #[error("it was built for {key} {found}, not {asked}")]
    Other {
        /// What: `board`, `model`, `target` or `opt-level`.
        key: &'static str,
        /// As built.
        found: String,
        /// As asked.
        asked: String,
    },
    /// The program names the model, and its bytes are not there.
    #[error("the model's {0} bytes are not in it")]
    NoModel(usize),
}

impl Asked<'_> {
    /// Whether the program in `elf` is what was asked for.
    ///
    /// # Errors
    /// The first thing that is different.
    pub fn check(&self, elf: &[u8]) -> Result<(), WrongProgram> {
        let file = ElfBytes::minimal_parse(elf).map_err(|_| WrongProgram::Unknown)?;
        let said = said(&file).ok_or(WrongProgram::Unknown)?;
        let model = format!("{:08x}", model_id(self.model));
        let asked = [
            ("board", self.board),
            ("model", &model),
            ("target", self.target),
            ("opt-level", self.opt_level),
        ];
        for (key, asked) in asked {
            let found = value(said, key).ok_or(WrongProgram::Unknown)?;
            if found != asked {
                let (found, asked) = (found.to_owned(), asked.to_owned());
                return Err(WrongProgram::Other { key, found, asked });
            }
        }
        match holds(&file, self.model) {
            true => Ok(()),
            false => Err(WrongProgram::NoModel(self.model.len())),
        }
    }
}

/// The line of the build script.
fn said<'e>(file: &ElfBytes<'e, LittleEndian>) -> Option<&'e str> {
    let section = file.section_header_by_name(SECTION).ok()??;
    let (bytes, _) = file.section_data(&section).ok()?;
    std::str::from_utf8(bytes).ok()
}

/// What the line says after `key=`.
fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// Whether the bytes are among those that are loaded, where a model may lie.
fn holds(file: &ElfBytes<'_, LittleEndian>, bytes: &[u8]) -> bool {
    let segments = file.segments().into_iter().flatten();
    let mut loaded = segments.filter(|segment| segment.p_type == PT_LOAD);
    loaded.any(|segment| {
        let data = file.segment_data(&segment).unwrap_or_default();
        let first = (segment.p_vaddr as usize).wrapping_neg() % MODEL_ALIGNMENT_BYTES;
        let mut places = (first..data.len()).step_by(MODEL_ALIGNMENT_BYTES);
        places.any(|place| data[place..].starts_with(bytes))
    })
}
