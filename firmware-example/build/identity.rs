//! What a program was built from, in a section of its ELF file that no chip loads: `trainer device`
//! and `qemu.sh` read it back before they call a program built, or run it.

use std::env;

use crate::model::{Chosen, id};

/// One line: `kindling-firmware board=NAME model=ID of=ID bytes=COUNT target=TARGET
/// opt-level=LEVEL`; `of` is the model that was asked for, which `model` may be a plan of.
pub fn text(board: &str, model: &Chosen) -> String {
    // Cargo sets both for every build script.
    let [target, level] = ["TARGET", "OPT_LEVEL"].map(|name| env::var(name).unwrap_or_default());
    let (id, of, bytes) = (id(&model.file), &model.asked, model.file.len());
    format!(
        "kindling-firmware board={board} model={id} of={of} bytes={bytes} \
         target={target} opt-level={level}\n"
    )
}

/// The linker's command that writes `text` into the program. It stands in the script that every
/// program of this package is linked by, so that none goes without.
pub fn section(text: &str) -> String {
    let bytes: String = text.bytes().map(|byte| format!("        BYTE({byte})\n")).collect();
    format!(
        "\n\nSECTIONS\n{{\n    .kindling_firmware 0 (INFO) :\n    {{\n{bytes}    }}\n}} \
         INSERT AFTER .uninit;\n"
    )
}
