//! Sizes as people write them.

use std::fmt;

/// Displays a number of bytes in the largest binary unit that divides it.
pub(crate) struct Bytes(pub(crate) usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        let mut value = self.0;
        let mut unit = 0;
        while value != 0 && value.is_multiple_of(1024) && unit + 1 < units.len() {
            value /= 1024;
            unit += 1;
        }
        write!(f, "{value} {}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn the_largest_unit_that_divides_is_used() {
        let cases = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (262_144, "256 KiB"),
            (3 << 20, "3 MiB"),
            (1025, "1025 bytes"),
        ];
        for (value, text) in cases {
            assert_eq!(Bytes(value).to_string(), text);
        }
    }
}
