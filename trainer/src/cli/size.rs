//! Sizes on the command line: `256K`, `1M`, `4096`.

/// Bytes of a size: a whole number, with K for 1,024 bytes or M for 1,048,576 after it.
pub(super) fn parse(text: &str) -> Result<usize, String> {
    let wrong = || {
        "a size is a whole number of bytes, or of K (1,024) or M (1,048,576), such as 256K"
            .to_owned()
    };
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1,
        "K" | "k" | "KB" | "KiB" => 1024,
        "M" | "m" | "MB" | "MiB" => 1024 * 1024,
        _ => return Err(wrong()),
    };
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes() {
        assert_eq!(
            ["256K", "1M", "4096", "16k"].map(parse),
            [Ok(262_144), Ok(1_048_576), Ok(4096), Ok(16_384)]
        );
        for wrong in
            ["", "K", "-1", "1.5K", "12Q", "1 2", "99999999999999999999", "18446744073709551615M"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
