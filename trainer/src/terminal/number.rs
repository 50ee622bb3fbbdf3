//! Numbers as people read them.

/// A share of 0 to 1 in percent: `98.68 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// `part` of `whole` in percent; `-` of nothing.
pub fn percent_of(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { percent(part as f64 / whole as f64) }
}

/// A whole number in groups of three: `2,797,832`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as `0:08`, `1:05` or `2:03:00`: minutes and seconds, and hours if there are any.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_three() {
        let shown = [0, 999, 1000, 97_418, 2_797_832].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "97,418", "2,797,832"]);
    }

    #[test]
    fn times() {
        assert_eq!([0.4, 59.4, 65.0, 7380.0].map(clock), ["0:00", "0:59", "1:05", "2:03:00"]);
    }

    #[test]
    fn shares() {
        assert_eq!(percent_of(9868, 10_000), "98.68 %");
        assert_eq!(percent_of(0, 0), "-");
    }
}
