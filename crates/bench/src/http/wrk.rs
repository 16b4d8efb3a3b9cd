//! wrk as the load: a client that knows nothing of us, and says itself how many requests a second were answered and how
//! long they took.

use std::process::{Command, Stdio};

use crate::{
    echo::{process::Process, round::Rounds},
    harness::{Better, Result, Session, Table},
};

/// What it says of a second's work.
pub(super) struct Report {
    /// Requests a second.
    rate: f64,
    /// Microseconds.
    median: f64,
    p99: f64,
}

pub(super) fn is_there() -> bool {
    let mut version = Command::new("wrk");
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok()
}

/// Runs it for a second, on the core of this thread.
pub(super) fn measure(server: &Process, connections: usize) -> Result<Report> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--duration", "1s", "--latency"]);
    wrk.arg("--connections").arg(connections.to_string());
    wrk.arg(format!("http://127.0.0.1:{}/", server.port()));
    let output = wrk.output()?;
    let said = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("wrk ended with {}: {said}", output.status).into());
    }
    parse(&said).map_err(Into::into)
}

pub(super) fn show(session: &Session, connections: usize, samples: &[Rounds<Report>]) {
    let table = |figure, about, unit, better| {
        let about = format!("requests of wrk on {connections} connections: {about}");
        let table = Table::new(format!("http/{connections}/{figure}"), about, unit, better);
        table.reference("tokio")
    };
    let mut rate = table("wrk-rate", "how many a second", "/s", Better::Higher);
    let mut latency = table("wrk-latency", "how long each takes", "us", Better::Lower);
    for (name, reports) in samples {
        for report in reports {
            rate.add(name, report.rate);
            latency.add(name, report.median);
        }
        let p99 = reports.iter().map(|report| report.p99).sum::<f64>() / reports.len() as f64;
        latency.note(name, format!("p99 {p99:.0}"));
    }
    session.show(&rate);
    session.show(&latency);
}

fn parse(said: &str) -> Result<Report, String> {
    let line = |key| said.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    // It is silent about errors if there were none.
    for key in ["Socket errors:", "Non-2xx or 3xx responses:"] {
        if let Some(errors) = line(key) {
            return Err(format!("wrk was not content: {key} {errors}"));
        }
    }
    let figures = || {
        Some(Report {
            rate: line("Requests/sec:")?.parse().ok()?,
            median: micros(line("50%")?)?,
            p99: micros(line("99%")?)?,
        })
    };
    figures().ok_or_else(|| format!("wrk says what is not understood: {said}"))
}

/// As in `12.34us`, `1.20ms` and `1.00s`.
fn micros(time: &str) -> Option<f64> {
    let unit = time.find(|c: char| c.is_ascii_alphabetic())?;
    let (figure, unit) = time.split_at(unit);
    let scale = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    Some(figure.parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   410.00us   80.00us   2.00ms   91.00%
  Latency Distribution
     50%  395.00us
     75%  430.00us
     90%  500.00us
     99%    1.25ms
  120000 requests in 1.00s, 10.00MB read
Requests/sec: 119000.50
Transfer/sec:      9.90MB
";

    #[test]
    fn a_report_has_rate_and_latencies() {
        let report = parse(SAID).unwrap();
        assert_eq!((report.rate, report.median, report.p99), (119_000.5, 395.0, 1250.0));
    }

    #[test]
    fn errors_of_the_server_are_errors() {
        let errors = "  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        assert!(parse(&format!("{SAID}{errors}")).is_err());
        let errors = "  Non-2xx or 3xx responses: 7\n";
        assert!(parse(&format!("{SAID}{errors}")).is_err());
    }
}
