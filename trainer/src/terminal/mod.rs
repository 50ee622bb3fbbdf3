//! What a person sees: text, notes, tables, digits, progress.

pub mod answers;
pub mod confusion;
pub mod data;
pub mod digit;
pub mod number;
pub mod progress;
pub mod shell;
pub mod sparkline;
pub mod table;

use std::io::{self, IsTerminal, Write};

/// Writes `text` to standard output. A reader that has gone (`| head`) is no error.
///
/// # Errors
/// A full disk and the like.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// A name from a file or a chip as a terminal may show it: control characters, which could move its
/// cursor or worse, are spelt out.
pub fn printable(name: &str) -> String {
    let shown = |character: char| -> String {
        if character.is_control() { character.escape_default().collect() } else { character.into() }
    };
    name.chars().map(shown).collect()
}

/// Writes one line to standard error, if anybody listens.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether standard output shows colours: a terminal, not a dumb one, and no `NO_COLOR`
/// (<https://no-color.org>).
pub fn shows_colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelt_out() {
        assert_eq!(printable("conv1, größer"), "conv1, größer");
        assert_eq!(printable("a\u{1b}[2J\n\u{9b}"), "a\\u{1b}[2J\\n\\u{9b}");
    }
}
