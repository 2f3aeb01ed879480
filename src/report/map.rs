//! A ROM drawn on one line, to the scale of its BAR.

/// Columns that the BAR takes.
const WIDTH: u64 = 72;

/// One stretch of the BAR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// What stands there, such as `EFI X64`.
    pub(super) label: String,
    /// Its length in bytes.
    pub(super) length: u64,
    /// The character it is drawn with.
    pub(super) fill: char,
}

/// Draws stretches that follow each other up to the end of a BAR. Each has
/// its share of the line, and at least one column; a label stands where it
/// fits.
pub(super) fn draw(stretches: &[Stretch]) -> String {
    let stretches = stretches.iter().filter(|stretch| stretch.length > 0);
    let lengths = stretches.clone().map(|stretch| stretch.length);
    let total = lengths.fold(0, u64::saturating_add);
    let drawn: Vec<String> = stretches
        .map(|stretch| {
            let share = stretch.length.saturating_mul(WIDTH).checked_div(total);
            let columns = share.and_then(|share| usize::try_from(share).ok());
            let columns = columns.unwrap_or(1).max(1);
            filled(stretch, columns)
        })
        .collect();
    format!("[{}]", drawn.join("|"))
}

fn filled(stretch: &Stretch, columns: usize) -> String {
    let label = format!(" {} {} ", stretch.label, kibibytes(stretch.length));
    let fill = |columns| std::iter::repeat_n(stretch.fill, columns).collect::<String>();
    let Some(rest) = columns.checked_sub(label.len()) else {
        return fill(columns);
    };
    let before = rest / 2;
    format!(
        "{}{label}{}",
        fill(before),
        fill(rest.saturating_sub(before))
    )
}

/// A length in KiB, exact to the 512-byte unit.
fn kibibytes(bytes: u64) -> String {
    let half = if bytes % 1024 >= 512 { ".5" } else { "" };
    format!("{}{half}K", bytes / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(label: &str, length: u64, fill: char) -> Stretch {
        Stretch {
            label: label.to_owned(),
            length,
            fill,
        }
    }

    #[test]
    fn stretches_have_their_share_and_a_label_where_it_fits() {
        let line = draw(&[
            stretch("x86", 75_776, '#'),
            stretch("EFI X64", 173_568, '='),
            stretch("padding", 12_800, '.'),
            stretch("free", 0, ' '),
        ]);
        assert_eq!(
            line,
            "[##### x86 74K ######|=============== EFI X64 169.5K ================|...]"
        );
    }

    #[test]
    fn a_tiny_stretch_is_one_column() {
        let line = draw(&[stretch("x86", 512, '#'), stretch("free", 1 << 20, ' ')]);
        assert!(line.starts_with("[#|"), "{line}");
    }
}
