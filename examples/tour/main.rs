//! A web server and a crawler of a few hundred clients, in one thread.
//!
//! `cargo run --release --example tour` serves the current folder on a free port of 127.0.0.1,
//! crawls it, and says what that took. With `--serve 127.0.0.1:8000` it only serves, for browsers,
//! curl and wrk.
//!
//! | file | what it shows |
//! |---|---|
//! | `server` | a task for each connection, in a group; what goes wrong in one stays there |
//! | `request` | timeouts and limits around code that just reads |
//! | `response` | sending large files in chunks to clients that may not read |
//! | `site`, `percent` | (plain Rust: a folder as a site) |
//! | `client` | `BufReader` and `Take` of the standard library over a corio socket |
//! | `crawler` | hundreds of tasks that borrow from their parent, each request under a timeout |
//! | `frontier` | tasks that share data without a lock, and an event that they wait for |
//! | `links` | a generator that waits for its input |
//! | `report` | a task that runs beside, until it is cancelled |

mod client;
mod crawler;
mod frontier;
mod links;
mod percent;
mod report;
mod request;
mod response;
mod server;
mod site;

use std::path::PathBuf;

use corio::net::TcpListener;
use corio::task_group;

use crate::crawler::Crawl;
use crate::site::Site;

const USAGE: &str = "\
usage: tour [--folder PATH] [--clients N] [--serve ADDRESS]

  --folder PATH    the folder to serve, instead of the current one
  --clients N      how many clients crawl it at a time, instead of 200
  --serve ADDRESS  do not crawl: serve at ADDRESS, such as 127.0.0.1:8000";

struct Arguments {
    folder: PathBuf,
    clients: usize,
    serve: Option<String>,
}

fn main() -> corio::Result<()> {
    let Some(arguments) = parse_arguments()? else {
        println!("{USAGE}");
        return Ok(());
    };
    corio::run(|| {
        let site = Site::open(&arguments.folder)?;
        match &arguments.serve {
            Some(address) => serve(address, &site),
            None => tour(&site, arguments.clients),
        }
    })
}

fn serve(address: &str, site: &Site) -> corio::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("serving at http://{}/", listener.local_addr()?);
    server::serve(&listener, site)
}

fn tour(site: &Site, clients: usize) -> corio::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let crawl = Crawl::new(listener.local_addr()?);
    let took = task_group(|group| {
        let server = group.create_task(|| server::serve(&listener, site));
        let progress = group.create_task(|| report::show_progress(&crawl));
        let took = crawl.run(clients)?;
        progress.cancel();
        server.cancel();
        Ok(took)
    })?;
    report::print_table(&crawl, took)?;
    match crawl.counts.failures.get() {
        0 => Ok(()),
        failures => Err(corio::Error::msg(format!("{failures} requests failed"))),
    }
}

/// The arguments; `None` if they ask for help.
fn parse_arguments() -> corio::Result<Option<Arguments>> {
    use lexopt::{Arg, ValueExt};

    let mut arguments = Arguments { folder: PathBuf::from("."), clients: 200, serve: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("folder") => arguments.folder = parser.value()?.into(),
            Arg::Long("clients") => arguments.clients = parser.value()?.parse()?,
            Arg::Long("serve") => arguments.serve = Some(parser.value()?.string()?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    match arguments.clients {
        0 => Err(corio::Error::msg("--clients must be at least 1")),
        _ => Ok(Some(arguments)),
    }
}
