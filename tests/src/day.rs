//! What an ordinary run does in part, it does in other parts on the next day.

use std::time::SystemTime;

const SECONDS_A_DAY: u64 = 86_400;

/// Days since 1970, in UTC.
///
/// # Panics
/// When the clock is before 1970.
pub fn today() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a date");
    since.as_secs() / SECONDS_A_DAY
}
