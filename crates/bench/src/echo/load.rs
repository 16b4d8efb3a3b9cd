//! What an echo server is put under: so many connections, messages of so many bytes, and for an open loop how many a
//! second.

use std::{fmt, str::FromStr};

use crate::harness::{Result, Session};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Load {
    pub(super) connections: usize,
    /// Bytes.
    pub(super) message: usize,
    /// Messages a second on all connections together, sent without waiting for answers. Without it each connection has
    /// one message on its way.
    pub(super) rate: Option<u32>,
}

/// What the whole matrix is made of.
const CONNECTIONS: [usize; 4] = [1, 50, 1000, 10_000];
const MESSAGES: [usize; 4] = [64, 1024, 16 * 1024, 100 * 1024];

/// Half of what a fast server can do with one core of a machine of today, and most of it.
const OPEN: [Load; 3] = [open(50, 64, 50_000), open(1000, 64, 50_000), open(1000, 64, 80_000)];

/// What is measured unless the user names something else.
const USUAL: [Load; 9] = [
    closed(1, 64),
    closed(50, 64),
    closed(1000, 64),
    closed(10_000, 64),
    closed(50, 1024),
    closed(1000, 1024),
    closed(50, 16 * 1024),
    closed(50, 100 * 1024),
    open(1000, 64, 50_000),
];

pub(super) const fn closed(connections: usize, message: usize) -> Load {
    Load { connections, message, rate: None }
}

const fn open(connections: usize, message: usize, rate: u32) -> Load {
    Load { connections, message, rate: Some(rate) }
}

/// More connections than this take a while to make.
const QUICK_CONNECTIONS: usize = 1000;

/// So many messages a second anyone can answer.
const QUICK_RATE: u32 = 2000;

impl Load {
    /// Those that `--load` names, or the usual ones.
    pub(super) fn of(session: &Session) -> Result<Vec<Self>> {
        let mut loads = Vec::new();
        for named in &session.loads {
            if named == "all" {
                let matrix = MESSAGES.iter().flat_map(|&m| CONNECTIONS.map(|c| closed(c, m)));
                loads.extend(matrix.chain(OPEN));
            } else {
                loads.push(named.parse()?);
            }
        }
        if loads.is_empty() {
            loads.extend(USUAL);
        }
        if session.quick {
            loads.retain(|load| load.connections <= QUICK_CONNECTIONS);
            for load in &mut loads {
                load.rate = load.rate.map(|rate| rate.min(QUICK_RATE));
            }
        }
        Ok(loads)
    }

    pub(super) fn describe(&self) -> String {
        let plural = if self.connections == 1 { "" } else { "s" };
        let rate = self.rate.map(|rate| format!(", {rate} a second")).unwrap_or_default();
        format!("messages of {} B on {} connection{plural}{rate}", self.message, self.connections)
    }

    /// What an echo server is sent, and returns.
    pub(super) fn message(&self) -> Vec<u8> {
        (0..self.message).map(|i| i as u8).collect()
    }
}

/// As in `50x64`: connections, then bytes; or as in `50x64@20000`.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.connections, self.message)?;
        self.rate.map_or(Ok(()), |rate| write!(f, "@{rate}"))
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (size, rate) = match text.split_once('@') {
                Some((size, rate)) => (size, Some(rate.parse().ok()?)),
                None => (text, None),
            };
            let (connections, message) = size.split_once('x')?;
            let load = Self {
                connections: connections.parse().ok()?,
                message: message.parse().ok()?,
                rate,
            };
            let nothing = load.connections == 0 || load.message == 0 || load.rate == Some(0);
            (!nothing).then_some(load)
        };
        parse().ok_or_else(|| {
            format!("no load `{text}`: one is named as in 50x64, 1000x64@50000, or `all`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_read_as_it_is_written() {
        for load in USUAL.into_iter().chain(OPEN) {
            assert_eq!(load.to_string().parse(), Ok(load));
        }
    }

    #[test]
    fn what_is_not_a_load_is_refused() {
        for text in
            ["", "50", "50x", "x64", "0x64", "50x0", "50x64@", "50x64@0", "50x64@x", "-1x64"]
        {
            assert!(text.parse::<Load>().is_err(), "{text}");
        }
    }

    #[test]
    fn all_is_the_matrix_and_the_open_loops() {
        let session = Session { loads: vec!["all".into()], ..Session::default() };
        let loads = Load::of(&session).unwrap();
        assert_eq!(loads.len(), 16 + OPEN.len());
        assert!(loads.contains(&closed(10_000, 100 * 1024)));
    }
}
