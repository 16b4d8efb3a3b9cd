use corio::{ReturnWhen, create_task, sleep, wait};
use std::time::Duration;
fn main() -> corio::Result<()> {
    let t = std::time::Instant::now();
    let r = corio::run(|| {
        let after = |ms| {
            create_task(move || {
                let r = sleep(Duration::from_millis(ms));
                eprintln!("{ms} {r:?}");
                r
            })
        };
        let tasks = [after(1), after(5_000)];
        let (done, pending) = wait(&tasks, ReturnWhen::FirstCompleted, None)?;
        eprintln!("{} {} {:?}", done.len(), pending.len(), t.elapsed());
        Ok(())
    });
    eprintln!("{:?}", t.elapsed());
    r
}
