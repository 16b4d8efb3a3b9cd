//! A soak: servers and clients that do to each other whatever comes to a network, for as long as one
//! likes, and a look at what is left when all of them are gone.
//!
//! | file | what is in it |
//! |---|---|
//! | `plan` | what a client has in mind |
//! | `client` | how it goes about it |
//! | `connection` | its end of a connection, of whatever kind |
//! | `protocol` | what both ends say; bytes that know their place |
//! | `servers`, `handlers` | the other end |
//! | `squeeze` | no file descriptors for a moment |
//! | `world` | what all of them share |
//! | `pulse` | whether time has stood still |
//! | `levels`, `report` | what is in use, and whether it is again what it was |
//!
//! A seed decides what each client does. What comes first among what happens at the same time is
//! the system's to decide: two runs are alike, and not the same.

mod client;
mod connection;
mod handlers;
mod levels;
mod plan;
mod protocol;
mod pulse;
mod report;
mod servers;
mod squeeze;
mod world;

use std::rc::Rc;
use std::time::Duration;

use corio::{Result, Runner, gather, task_group};

use self::levels::{Levels, Timeline};
pub use self::report::Report;
use self::servers::Servers;
use self::world::World;

/// What a soak is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides what each client does.
    pub seed: u64,
    /// How many clients there are at a time.
    pub clients: usize,
    /// One client in so many takes all file descriptors away for a moment.
    pub squeeze_every: u64,
    /// How long it takes until all that is kept for later is there.
    pub warm_up: Extent,
    /// How long it goes on after that.
    pub soak: Extent,
}

/// How long clients go on coming.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// Until there were so many.
    Clients(u64),
    /// As long as there is time.
    Time(Duration),
}

/// Runs servers and clients in this process, on one loop, and says what came of it.
///
/// It takes file descriptors from the whole process now and then, and counts them.
///
/// # Errors
///
/// If it could not be done. What has gone wrong in doing so is in the report.
pub fn run(options: &Options) -> Result<Report> {
    Runner::new()?.run(|| {
        let at_first = Levels::now()?;
        let world = World::new(options)?;
        let servers = Rc::new(Servers::start(&world)?);
        let serving = Levels::now()?;
        let warmed_up = come_and_go(&world, &servers, options.warm_up, &serving)?;
        let soaked = come_and_go(&world, &servers, options.soak, &serving)?;
        servers.stop()?;
        world.close();
        let closed = Levels::when_as(&at_first, &world)?;
        let timeline = Timeline { at_first, serving, warmed_up, soaked, closed };
        Ok(Report::new(options, &world, timeline))
    })
}

/// Has clients come, until there were enough, and waits until they are gone.
fn come_and_go(
    world: &Rc<World>,
    servers: &Rc<Servers>,
    extent: Extent,
    idle: &Levels,
) -> Result<Levels> {
    let open = world.open_for(extent);
    task_group(|group| {
        let beating = group.create_task(|| world.pulse.beat());
        let clients = (0..world.options.clients).map(|_| {
            || {
                while let Some(number) = open.next_client() {
                    client::visit(world, servers, number)?;
                }
                Ok(())
            }
        });
        gather(clients.collect::<Vec<_>>())?;
        beating.cancel();
        Ok(())
    })?;
    Levels::when_as(idle, world)
}
