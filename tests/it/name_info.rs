//! The names of addresses.

use std::io::{ErrorKind, read_to_string};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use corio::net::{NameInfo, lookup_addr, lookup_host};
use corio::{Error, Result, create_task, get_running_loop, run};
use corio_tests::yield_now;

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn info(host: &str, service: &str) -> NameInfo {
    NameInfo { host: host.to_owned(), service: service.to_owned() }
}

/// The port by which the services of this system have different names by TCP and by UDP, and both
/// names; `None` if there is none.
fn ambiguous_service() -> Option<(u16, String, String)> {
    let services = read_to_string(std::fs::File::open("/etc/services").ok()?).ok()?;
    let mut names = std::collections::BTreeMap::new();
    for line in services.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        if let (Some(name), Some(port)) = (words.next(), words.next()) {
            names.entry(port).or_insert(name);
        }
    }
    names.iter().find_map(|(port, tcp)| {
        let (number, protocol) = port.split_once('/')?;
        let udp = names.get(format!("{number}/udp").as_str())?;
        (protocol == "tcp" && udp != tcp)
            .then(|| Some((number.parse().ok()?, (*tcp).to_owned(), (*udp).to_owned())))?
    })
}

#[test]
fn numbers_are_given_at_once_and_never_wait() -> Result<()> {
    // No loop runs, so whatever went to a thread would fail.
    let numeric = NameInfo::options().numeric_host(true).numeric_service(true);
    assert_eq!(numeric.lookup(loopback(80))?, info("127.0.0.1", "80"));
    assert_eq!(numeric.lookup((Ipv6Addr::LOCALHOST, 65_535))?, info("::1", "65535"));
    let scoped = SocketAddrV6::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 0, 0, 4711);
    assert_eq!(numeric.lookup(scoped)?, info("fe80::1%4711", "0"));
    Ok(())
}

#[test]
fn an_option_that_is_taken_back_is_not_set() {
    let options = NameInfo::options;
    assert_eq!(options().numeric_host(true).numeric_host(false), options());
    let set = options().require_name(true).datagram(true).numeric_service(true);
    assert_ne!(set, set.datagram(false));
}

#[test]
fn the_name_of_an_address_leads_back_to_it() -> Result<()> {
    run(|| {
        let names = NameInfo::options().require_name(true).lookup(loopback(80))?;
        assert!(names.host.parse::<std::net::IpAddr>().is_err(), "{names:?}");
        assert!(lookup_host((names.host, 80))?.contains(&loopback(80)));
        Ok(())
    })
}

#[test]
fn a_service_may_have_one_name_by_tcp_and_another_by_udp() -> Result<()> {
    let Some((port, tcp, udp)) = ambiguous_service() else { return Ok(()) };
    run(|| {
        let numeric = NameInfo::options().numeric_host(true);
        assert_eq!(numeric.lookup(loopback(port))?, info("127.0.0.1", &tcp));
        assert_eq!(numeric.datagram(true).lookup(loopback(port))?, info("127.0.0.1", &udp));
        assert_eq!(numeric.lookup(loopback(0))?.service, "0", "it has no name");
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_is_required_and_not_there_is_an_error_with_the_address() -> Result<()> {
    run(|| {
        // Without this contradiction it would take an address that surely has no name.
        let options = NameInfo::options().require_name(true).numeric_host(true);
        let error = options.lookup(loopback(4711)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "cannot name 127.0.0.1:4711: it has no name");
        Ok(())
    })
}

#[test]
fn a_look_up_takes_a_loop_and_lets_other_tasks_run() -> Result<()> {
    let error = Error::from(lookup_addr(loopback(80)).unwrap_err());
    assert!(error.to_string().contains("no running event loop"), "{error}");
    run(|| {
        let other = create_task(|| Ok(()));
        lookup_addr(loopback(80))?;
        assert!(other.done());
        Ok(())
    })
}

#[test]
fn a_look_up_is_cancelled_at_once() -> Result<()> {
    run(|| {
        // An executor that never gets round to it.
        get_running_loop()?.set_default_executor(std::mem::forget::<corio::Work>);
        let stuck = create_task(|| Ok(lookup_addr(loopback(80)).map(drop)?));
        yield_now()?;
        stuck.cancel();
        assert!(stuck.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}
