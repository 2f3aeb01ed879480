//! The date of a Debian changelog's newest entry (Debian Policy 4.4), and
//! dates in its form.

use jiff::{Timestamp, fmt::rfc2822};
use thiserror::Error;

/// Why a changelog has no date.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangelogError {
    /// No line ` -- Name <address>  date`.
    #[error("it has no line ` -- Name <address>  date`")]
    NoTrailer,
    /// A newest entry of more than [`MAX_ENTRY_LINES`].
    #[error("its newest entry has more than {MAX_ENTRY_LINES} lines, the limit")]
    LongEntry,
    /// A date of another form.
    #[error("`{0}` is no date like `Mon, 01 Jan 2024 00:00:00 +0000`")]
    Date(String),
    /// A date before 1970 or after 9999.
    #[error("{0} seconds since 1970 are no date before the year 10000")]
    OutOfRange(u64),
}

/// More lines than this are not searched for the end of the newest entry.
pub const MAX_ENTRY_LINES: usize = 100_000;

/// Date of the newest entry, in seconds since 1970-01-01 UTC.
///
/// # Errors
/// [`ChangelogError`] where there is no trailer line or its date is none.
pub fn newest_date(changelog: &[u8]) -> Result<u64, ChangelogError> {
    let text = String::from_utf8_lossy(changelog);
    let trailer = text
        .lines()
        .take(MAX_ENTRY_LINES)
        .find(|line| line.starts_with(" -- "))
        .ok_or_else(|| match text.lines().nth(MAX_ENTRY_LINES) {
            Some(_) => ChangelogError::LongEntry,
            None => ChangelogError::NoTrailer,
        })?;
    let date = trailer
        .rsplit_once("  ")
        .map(|(_, date)| date.trim())
        .ok_or(ChangelogError::NoTrailer)?;
    let error = || ChangelogError::Date(date.chars().take(60).collect());
    let timestamp = rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(date)
        .map_err(|_| error())?;
    u64::try_from(timestamp.as_second()).map_err(|_| error())
}

/// A date in the form of a changelog, in UTC.
///
/// # Errors
/// [`ChangelogError::OutOfRange`] beyond the year 9999.
pub fn date_line(epoch: u64) -> Result<String, ChangelogError> {
    let out_of_range = || ChangelogError::OutOfRange(epoch);
    let seconds = i64::try_from(epoch).map_err(|_| out_of_range())?;
    let timestamp = Timestamp::from_second(seconds).map_err(|_| out_of_range())?;
    Ok(timestamp
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entry_is_the_first() {
        let text = b"a (1) unstable; urgency=low\n\n  * x\n\n -- A B <a@b.c>  Sun, 07 Feb 2021 18:25:00 +0100\n\na (0) x; urgency=low\n\n -- A <a@b>  Sun, 07 Feb 2010 00:00:00 +0000\n";
        assert_eq!(newest_date(text), Ok(1_612_718_700));
    }

    #[test]
    fn a_wrong_weekday_is_forgiven_and_a_wrong_date_is_not() {
        assert!(newest_date(b" -- A <a@b>  Mon, 07 Feb 2021 18:25:00 +0100\n").is_ok());
        assert!(matches!(
            newest_date(b" -- A <a@b>  yesterday"),
            Err(ChangelogError::Date(_))
        ));
        assert_eq!(newest_date(b"\xff\xfe"), Err(ChangelogError::NoTrailer));
    }

    #[test]
    fn the_end_of_an_entry_is_searched_up_to_the_limit() {
        let trailer = " -- A <a@b>  Sun, 07 Feb 2021 18:25:00 +0100\n";
        let after =
            |lines: usize| newest_date(format!("{}{trailer}", "\n".repeat(lines)).as_bytes());
        assert_eq!(after(MAX_ENTRY_LINES - 1), Ok(1_612_718_700));
        assert_eq!(after(MAX_ENTRY_LINES), Err(ChangelogError::LongEntry));
    }

    #[test]
    fn dates_are_from_1970_to_9999() {
        let date = |date: &str| newest_date(format!(" -- A <a@b>  {date}\n").as_bytes());
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 +0000"), Ok(0));
        assert!(date("Wed, 31 Dec 1969 23:59:59 +0000").is_err());
        assert_eq!(date_line(0).unwrap(), "Thu, 01 Jan 1970 00:00:00 +0000");
        // The last second that is before the year 10000 in every time zone.
        let last = 253_402_207_200;
        assert_eq!(date_line(last).unwrap(), "Thu, 30 Dec 9999 22:00:00 +0000");
        assert!(date_line(last + 1).is_err());
    }

    #[test]
    fn dates_are_written_in_utc() {
        assert_eq!(
            date_line(1_612_718_700).unwrap(),
            "Sun, 07 Feb 2021 17:25:00 +0000"
        );
        assert!(date_line(u64::MAX).is_err());
    }
}
