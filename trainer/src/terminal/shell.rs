//! Words as a POSIX shell takes them.

use std::borrow::Cow;
use std::ffi::OsString;

/// The text as a shell takes it for one word.
pub fn quoted(text: &str) -> Cow<'_, str> {
    let plain = |character: char| character.is_alphanumeric() || "/._-+=:,".contains(character);
    match !text.is_empty() && text.chars().all(plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', "'\\''"))),
    }
}

/// The command that runs this program with `arguments` (the program's own name is not among them).
pub fn command(arguments: impl Iterator<Item = OsString>) -> String {
    let words = arguments.map(|word| quoted(&word.to_string_lossy()).into_owned());
    ["cargo run --release -p trainer --".to_owned()]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("out/model.kndl"), "out/model.kndl");
        assert_eq!(quoted("my out/model.kndl"), "'my out/model.kndl'");
        assert_eq!(quoted("a'b"), "'a'\\''b'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_command_can_be_typed_again() {
        let words = ["train", "my net.toml", "--seed", "3"].map(OsString::from).into_iter();
        assert_eq!(
            command(words),
            "cargo run --release -p trainer -- train 'my net.toml' --seed 3"
        );
    }
}
