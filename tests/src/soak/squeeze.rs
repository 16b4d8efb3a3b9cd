//! Moments in which there are no file descriptors.

use std::fs;
use std::io;
use std::time::Duration;

use corio::{Error, Result, sleep};
use fastrand::Rng;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::world::World;

/// Takes away all file descriptors that are free, and gives them back a moment later.
pub(super) fn squeeze(world: &World, rng: &mut Rng) -> Result<()> {
    let Some(_only) = world.squeezing.try_lock() else { return Ok(()) };
    // The directory is open while it is read, and so there is always one more.
    let open = fs::read_dir("/proc/self/fd")?.count() as u64;
    let _squeezed = Squeezed::to(rng.u64(3..=open + 5))?;
    world.squeezes.set(world.squeezes.get() + 1);
    sleep(Duration::from_millis(rng.u64(1..300)))
}

/// The limit is lower as long as this lives.
struct Squeezed {
    usual: Rlimit,
}

impl Squeezed {
    fn to(limit: u64) -> io::Result<Self> {
        let usual = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..usual })?;
        Ok(Self { usual })
    }
}

impl Drop for Squeezed {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.usual).expect("what was allowed is allowed");
    }
}

/// Whether there were no file descriptors. Errors that name an address say so only in words.
pub(super) fn is_shortage(error: &Error) -> bool {
    error.to_string().contains(&io::Error::from(Errno::MFILE).to_string())
}
