//! Scratch.
use std::time::{Duration, Instant};
fn main() -> corio::Result<()> {
    let what = std::env::args().nth(1).unwrap_or_default();
    corio::run(|| {
        for _ in 0..3 {
            let n = 1_000_000u32;
            if what != "yield" {
                let t = Instant::now();
                for _ in 0..n {
                    corio::create_task(|| Ok(())).wait()?;
                }
                println!("spawn+join {:.1} ns", t.elapsed().as_nanos() as f64 / n as f64);
                let t = Instant::now();
                for _ in 0..100 {
                    let tasks: Vec<_> = (0..1000).map(|_| corio::create_task(|| Ok(()))).collect();
                    for t in tasks {
                        t.wait()?;
                    }
                }
                println!("spawn+join batch {:.1} ns", t.elapsed().as_nanos() as f64 / 1e5);
            }
            if what != "spawn" {
                let t = Instant::now();
                let k = 3000;
                corio::task_group(|g| {
                    for _ in 0..1000 {
                        g.create_task(|| {
                            for _ in 0..k {
                                corio::sleep(Duration::ZERO)?;
                            }
                            Ok(())
                        });
                    }
                    Ok(())
                })?;
                println!("yield {:.1} ns", t.elapsed().as_nanos() as f64 / 3e6);
            }
        }
        Ok(())
    })
}
