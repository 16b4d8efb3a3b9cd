//! A message put together in a fixed buffer, for use inside a signal handler.

use crate::stack::{Stack, StackLabel};

/// A message that forgets what does not fit.
pub(super) struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Text {
    /// The report on `stack`, with `noun` for stacks that have a name.
    pub(super) fn report(stack: &Stack, noun: &str) -> Self {
        let mut text = Self { bytes: [0; 512], len: 0 };
        text.push("\n");
        stack.peek_label(|label| text.subject(label, noun));
        text.push(" overflowed its ");
        text.number(stack.size() as u64 / 1024);
        text.push(
            " KiB stack\nhelp: give it a larger stack, or recurse less deeply; only the pages that are touched cost memory\n",
        );
        text
    }

    fn subject(&mut self, label: &StackLabel, noun: &str) {
        match label {
            StackLabel::Unnamed => self.push("a coroutine"),
            StackLabel::Created(location) => {
                self.push("the coroutine created at ");
                self.push(location.file());
                self.push(":");
                self.number(location.line().into());
            }
            StackLabel::Numbered(prefix, number) => {
                self.push(noun);
                self.push(" '");
                self.push(prefix);
                self.number(*number);
                self.push("'");
            }
            StackLabel::Named(name) => {
                self.push(noun);
                self.push(" '");
                self.push(name);
                self.push("'");
            }
        }
    }

    fn push(&mut self, text: &str) {
        let room = self.bytes.len() - self.len;
        let fits = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.len..self.len + fits.len()].copy_from_slice(fits);
        self.len += fits.len();
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        // Digits are ASCII.
        self.push(str::from_utf8(&digits[at..]).unwrap_or("?"));
    }

    /// The message.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(label: StackLabel, start: &str) {
        let stack = Stack::new(48 * 1024).unwrap();
        stack.set_label(label);
        let report = Text::report(&stack, "task");
        let report = str::from_utf8(report.as_bytes()).unwrap();
        assert!(report.starts_with(start), "{report}");
    }

    #[test]
    fn every_label_makes_a_sentence() {
        check(StackLabel::Unnamed, "\na coroutine overflowed its 48 KiB stack\n");
        check(StackLabel::Numbered("Task-", 0), "\ntask 'Task-0' overflowed its 48 KiB stack\n");
        check(StackLabel::Numbered("Task-", u64::MAX), "\ntask 'Task-18446744073709551615' overflowed");
        check(StackLabel::Named("parser".into()), "\ntask 'parser' overflowed its 48 KiB stack\n");
        let here = std::panic::Location::caller();
        check(StackLabel::Created(here), &format!("\nthe coroutine created at {}:{} overflowed", here.file(), here.line()));
    }

    #[test]
    fn a_long_name_is_cut() {
        check(StackLabel::Named("x".repeat(1000).into()), &format!("\ntask '{}", "x".repeat(500)));
    }
}
