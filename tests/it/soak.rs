//! A short soak: `cargo run --release -p corio-tests --bin soak` is a long one.

use corio_tests::soak::{Extent, Options, run};

#[test]
fn nothing_is_left_of_many_clients_and_no_byte_is_lost() {
    let test = "soak::nothing_is_left_of_many_clients_and_no_byte_is_lost";
    let output = corio_tests::in_a_process(test, || {
        let report = run(&Options {
            seed: 1,
            clients: 40,
            squeeze_every: 250,
            warm_up: Extent::Clients(400),
            soak: Extent::Clients(600),
        })
        .expect("it can be done");
        assert!(report.complaints().is_empty() && report.has_seen_all(), "{report}");
    });
    if let Some(output) = output {
        assert!(output.status.success(), "{output:?}");
    }
}
