//! `StreamReader`.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::Shutdown;

use corio::streams::open;
use corio::{Error, IncompleteRead, LimitOverrun, Result, StreamReader, create_task, run, timeout};
use corio_tests::{ms, virtual_run, yield_now};
use proptest::prelude::*;

use super::{Puppet, stream_and_socket};
use crate::net::pattern;

/// A reader of these pieces.
fn reader(pieces: &[&str]) -> StreamReader {
    open(Puppet::reading(pieces.iter().copied())).0
}

#[track_caller]
fn incomplete(error: Error) -> (String, Option<usize>) {
    let IncompleteRead { partial, expected } = error.downcast_ref().expect("it is incomplete");
    (String::from_utf8_lossy(partial).into_owned(), *expected)
}

#[track_caller]
fn overrun(error: Error) -> (usize, usize) {
    let LimitOverrun { consumed, limit } = error.downcast_ref().expect("it is over the limit");
    (*consumed, *limit)
}

#[test]
fn some_bytes_are_at_least_one_and_at_most_what_is_asked_for() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["abcdef", "g"]);
        assert_eq!(reader.read_some(0)?, b"");
        assert_eq!(reader.read_some(2)?, b"ab");
        assert_eq!(reader.read_some(100)?, b"cdef");
        assert!(!reader.at_eof());
        assert_eq!(reader.read_some(100)?, b"g");
        assert_eq!(reader.read_some(100)?, b"");
        assert_eq!(reader.read_some(100)?, b"");
        assert!(reader.at_eof());
        Ok(())
    })
}

#[test]
fn exactly_is_all_or_an_error_with_what_there_was() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["abc", "d", "ef"]);
        assert_eq!(reader.read_exactly(0)?, b"");
        assert_eq!(reader.read_exactly(4)?, b"abcd");
        let error = reader.read_exactly(1000).unwrap_err();
        assert_eq!(incomplete(error), ("ef".to_owned(), Some(1000)));
        let error = reader.read_exactly(usize::MAX).unwrap_err();
        assert_eq!(incomplete(error), (String::new(), Some(usize::MAX)));
        assert_eq!(reader.read_exactly(0)?, b"");
        Ok(())
    })
}

#[test]
fn lines_come_with_their_ends_and_the_last_as_it_is() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["one\ntw", "o\n\r\n", "\n", "three"]);
        for line in ["one\n", "two\n", "\r\n", "\n", "three", "", ""] {
            assert_eq!(reader.read_line()?, line.as_bytes());
        }
        Ok(())
    })
}

#[test]
fn iterated_lines_are_text_without_their_ends() -> Result<()> {
    virtual_run(|| {
        let reader = &mut reader(&["one\r\ntwo\n", "\n", "th\rree\r"]);
        let lines: Result<Vec<_>> = reader.into_iter().collect();
        assert_eq!(lines?, ["one", "two", "", "th\rree\r"]);
        Ok(())
    })
}

#[test]
fn iterated_lines_end_with_the_first_error_and_the_reader_goes_on() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::reading([&b"good\nb\xFFd\ngood again\n"[..]]);
        let reader = &mut open(puppet).0;
        let mut lines = reader.into_iter();
        assert_eq!(lines.next().expect("a line")?, "good");
        assert!(lines.next().expect("an error").unwrap_err().to_string().contains("utf-8"));
        assert!(lines.next().is_none());
        assert_eq!(reader.into_iter().next().expect("a line")?, "good again");
        Ok(())
    })
}

#[test]
fn a_separator_may_come_in_pieces() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["abS", "EPA", "RATO", "R", "SEPARATO", "Rx"]);
        assert_eq!(reader.read_until("SEPARATOR")?, b"abSEPARATOR");
        assert_eq!(reader.read_until("SEPARATOR")?, b"SEPARATOR");
        let error = reader.read_until("SEPARATOR").unwrap_err();
        assert_eq!(incomplete(error), ("x".to_owned(), None));
        Ok(())
    })
}

#[test]
fn of_several_separators_the_one_that_ends_first_counts() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["ABCDEFG", "HIJKLMNOP"]);
        assert_eq!(reader.read_until_any(&["DEF", "BCDE"])?, b"ABCDE");
        assert_eq!(reader.read_until_any(&["OP", "JK", "FGHIJKL"])?, b"FGHIJK");
        assert_eq!(reader.read_until_any(&["KLMNOPQ", "P"])?, b"LMNOP");
        Ok(())
    })
}

#[test]
fn a_separator_has_at_least_one_byte() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["abc"]);
        for error in [
            reader.read_until("").unwrap_err(),
            reader.read_until_any(&["b", ""]).unwrap_err(),
            reader.read_until_any(&[[0; 0]; 0]).unwrap_err(),
        ] {
            let error: &std::io::Error = error.downcast_ref().expect("an io::Error");
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(reader.read_until("b")?, b"ab");
        Ok(())
    })
}

#[test]
fn beyond_the_limit_nothing_is_lost() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["123456", "7\n", "12345678\nrest\n"]);
        reader.set_limit(7);
        assert_eq!(reader.limit(), 7);
        assert_eq!(reader.read_line()?, b"1234567\n", "the limit does not count the separator");
        assert_eq!(overrun(reader.read_line().unwrap_err()), (8, 7));
        assert_eq!(overrun(reader.read_line().unwrap_err()), (8, 7), "it is still there");
        reader.set_limit(8);
        assert_eq!(reader.read_line()?, b"12345678\n");
        assert_eq!(reader.read_line()?, b"rest\n");
        Ok(())
    })
}

#[test]
fn a_line_without_an_end_is_not_buffered_without_end() -> Result<()> {
    virtual_run(|| {
        let mut reader = open(Puppet::reading((0..1000).map(|_| pattern(1000)))).0;
        let (consumed, limit) = overrun(reader.read_until([0, 1, 2, 3]).unwrap_err());
        assert_eq!(limit, 64 * 1024);
        assert!((limit..limit + 10_000).contains(&consumed), "{consumed}");
        // What surely comes before a separator can be skipped.
        assert_eq!(reader.read_exactly(consumed)?.len(), consumed);
        assert_eq!(reader.read_some(1)?.len(), 1);
        Ok(())
    })
}

#[test]
fn std_reads_from_it_as_from_anything() -> Result<()> {
    virtual_run(|| {
        let mut reader = reader(&["one\ntwo\nth", "ree\nbytes and more", " to the end"]);
        let mut line = String::new();
        BufRead::read_line(&mut reader, &mut line)?;
        assert_eq!(line, "one\n");
        assert_eq!(reader.read_line()?, b"two\n");
        assert_eq!(BufRead::skip_until(&mut reader, b'\n')?, 6);
        let mut bytes = [0; 5];
        reader.read_exact(&mut bytes)?;
        assert_eq!(&bytes, b"bytes");
        assert_eq!(reader.read(&mut [])?, 0);
        reader.consume(5);
        let mut rest = String::new();
        reader.read_to_string(&mut rest)?;
        assert_eq!(rest, "more to the end");
        Ok(())
    })
}

#[test]
fn large_reads_pass_the_buffer_by_and_small_ones_do_not() -> Result<()> {
    run(|| {
        let (mut reader, _writer, mut far) = stream_and_socket()?;
        let bytes = pattern(3_000_000);
        let sent = bytes.clone();
        let sending = create_task(move || {
            far.write_all(&sent)?;
            Ok(far.shutdown(Shutdown::Write)?)
        });
        let mut received = reader.read_exactly(1_000_000)?;
        let mut small = [0; 10];
        reader.read_exact(&mut small)?;
        received.extend(small);
        reader.read_to_end(&mut received)?;
        assert!(received == bytes);
        sending.wait()
    })
}

#[test]
fn a_cancelled_read_leaves_what_has_come_for_the_next() -> Result<()> {
    virtual_run(|| {
        let (mut reader, _writer, mut far) = stream_and_socket()?;
        far.write_all(b"ab")?;
        assert!(timeout(ms(5), || reader.read_exactly(4)).unwrap_err().is_timeout());
        far.write_all(b"c")?;
        assert!(timeout(ms(5), || reader.read_line()).unwrap_err().is_timeout());
        far.write_all(b"\n")?;
        assert_eq!(reader.read_line()?, b"abc\n");
        Ok(())
    })
}

#[test]
fn reads_of_every_kind_that_are_cancelled_at_any_moment_lose_nothing() -> Result<()> {
    run(|| {
        let (mut reader, _writer, mut far) = stream_and_socket()?;
        let bytes = pattern(200_000);
        let all = bytes.clone();
        let writing = create_task(move || {
            for piece in all.chunks(777) {
                far.write_all(piece)?;
                yield_now()?;
            }
            Ok(())
        });
        let mut received = Vec::new();
        for step in 0.. {
            let limit = std::time::Duration::from_micros(step % 7 * 10);
            let read = timeout(limit, || match step % 4 {
                0 => reader.read_line(),
                1 => reader.read_until_any(&["\r\n", "x"]),
                2 => reader.read_exactly(1000),
                _ => reader.read_some(50),
            });
            match read {
                Ok(read) if read.is_empty() => break,
                Ok(read) => received.extend(read),
                Err(error) if error.is_timeout() => {}
                Err(error) => {
                    let end: &IncompleteRead = error.downcast_ref().expect("the end");
                    received.extend(&end.partial);
                }
            }
        }
        assert!(received == bytes);
        writing.wait()
    })
}

#[test]
fn a_reset_is_an_error_now_and_later() -> Result<()> {
    run(|| {
        let (mut reader, writer, far) = stream_and_socket()?;
        far.set_linger(Some(std::time::Duration::ZERO))?;
        (&far).write_all(b"partial")?;
        assert_eq!(reader.read_some(3)?, b"par");
        drop(far);
        for _ in 0..3 {
            let error = reader.read_exactly(100).unwrap_err();
            let error: &std::io::Error = error.downcast_ref().expect("an io::Error");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        assert_eq!(reader.read_exactly(4)?, b"tial", "what had come is there");
        assert!(writer.drain().is_err(), "the writer knows as well");
        assert!(writer.write("x").is_err());
        Ok(())
    })
}

#[test]
fn off_the_loop_a_reader_says_so() -> Result<()> {
    let (mut reader, _writer, _far) = run(stream_and_socket)?;
    let error = reader.read_line().unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
    Ok(())
}

#[test]
fn a_reader_that_waits_lets_others_run() -> Result<()> {
    virtual_run(|| {
        let (mut reader, _writer, mut far) = stream_and_socket()?;
        let reading = create_task(move || reader.read_line());
        yield_now()?;
        far.write_all(b"now\n")?;
        assert_eq!(reading.wait()?, b"now\n");
        Ok(())
    })
}

/// Texts of few letters, so that separators are found, and nearly found, often.
fn letters(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(&b"ab\n"[..]), length)
}

/// What `read_until_any` is to do, said the other way round: the shortest beginning of `text` that
/// ends with a separator.
fn shortest_end(text: &[u8], separators: &[Vec<u8>]) -> Option<usize> {
    (1..=text.len()).find(|&end| separators.iter().any(|s| text[..end].ends_with(s)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn however_the_bytes_come_the_same_is_read(
        pieces in prop::collection::vec(letters(1..8), 0..12),
        separators in prop::collection::vec(letters(1..4), 1..4),
    ) {
        virtual_run(|| {
            let mut reader = open(Puppet::reading(pieces.clone())).0;
            let text = pieces.concat();
            let mut rest = &text[..];
            while let Some(end) = shortest_end(rest, &separators) {
                let (expected, after) = rest.split_at(end);
                assert_eq!(reader.read_until_any(&separators)?, expected);
                rest = after;
            }
            let error = reader.read_until_any(&separators).unwrap_err();
            assert_eq!(incomplete(error).0.as_bytes(), rest);
            Ok(())
        }).expect("it does as it should");
    }

    #[test]
    fn lines_are_those_of_std(pieces in prop::collection::vec(letters(1..8), 0..12)) {
        virtual_run(|| {
            let reader = &mut open(Puppet::reading(pieces.clone())).0;
            let lines: Result<Vec<_>> = reader.into_iter().collect();
            let text = pieces.concat();
            let expected: std::io::Result<Vec<_>> = text.lines().collect();
            assert_eq!(lines?, expected?);
            Ok(())
        }).expect("it does as it should");
    }
}
