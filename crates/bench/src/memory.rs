//! What a process uses, and what the kernel does, read from `/proc`.

use std::fs;

use crate::harness::Result;

/// Bytes, but for the last.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// As `smaps_rollup` counts them: exactly, where `VmRSS` may be some pages behind.
    pub(crate) resident: u64,
    /// Not part of what is resident.
    pub(crate) page_tables: u64,
    /// How many there are.
    pub(crate) mappings: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let file = |name: &str| format!("/proc/{process}/{name}");
        Ok(Self {
            resident: kibibytes(&file("smaps_rollup"), "Rss:")? * 1024,
            page_tables: kibibytes(&file("status"), "VmPTE:")? * 1024,
            mappings: fs::read_to_string(file("maps"))?.lines().count() as u64,
        })
    }
}

/// Bytes of the kernel's slabs, where sockets, their inodes and files, epoll's entries and mappings are kept: those
/// of the whole machine, as the kernel does not say whose they are.
pub(crate) fn slabs() -> Result<u64> {
    Ok(kibibytes("/proc/meminfo", "Slab:")? * 1024)
}

/// Bytes that TCP accounts for what lies in buffers, on the whole machine (in this network namespace, at least).
pub(crate) fn tcp_buffers() -> Result<u64> {
    let path = "/proc/net/sockstat";
    let text = fs::read_to_string(path)?;
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP:"));
    let pages = tcp.and_then(|line| line.split_once("mem ")).map(|(_, pages)| pages.trim());
    let pages: u64 = pages.ok_or_else(|| format!("{path} has no memory of TCP"))?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

/// The figure on the line of a `/proc` file that starts with `key`.
fn kibibytes(path: &str, key: &str) -> Result<u64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let figure = line.and_then(|line| line.split_whitespace().next());
    Ok(figure.ok_or_else(|| format!("{path} has no {key}"))?.parse()?)
}
