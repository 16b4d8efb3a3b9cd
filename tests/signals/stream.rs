//! Waiting for signals.

use std::rc::Rc;

use corio::signal::{BadSignal, SIGCONT, SIGIO, SIGQUIT, SIGTTIN, SIGTTOU, Signals, raise};
use corio::{Result, Runner, create_task, run, timeout};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

#[test]
fn signals_come_by_number_and_those_of_one_kind_are_one() -> Result<()> {
    virtual_run(|| {
        let mut signals = Signals::new([SIGTTIN, SIGTTOU])?;
        for signal in [SIGTTOU, SIGTTIN, SIGTTOU] {
            raise(signal)?;
        }
        assert_eq!((signals.wait()?, signals.wait()?), (SIGTTIN, SIGTTOU));
        let error = timeout(ms(5), || signals.wait()).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        raise(SIGTTIN)?;
        assert_eq!(signals.next().expect("there is no end")?, SIGTTIN);
        Ok(())
    })
}

#[test]
fn a_task_that_waits_for_a_signal_is_no_deadlock_and_can_be_cancelled() -> Result<()> {
    run(|| {
        let signals = Signals::new([SIGCONT])?;
        assert_eq!(format!("{signals:?}"), "Signals SIGCONT");
        let error = timeout(ms(5), || signals.wait()).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        Ok(())
    })
}

#[test]
fn each_signal_goes_to_one_of_those_who_wait_and_none_is_lost() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let signals = Rc::new(Signals::new([SIGIO, SIGQUIT])?);
        let tasks: Vec<_> = ["first", "second", "third"]
            .into_iter()
            .map(|name| {
                let (signals, log) = (Rc::clone(&signals), log.clone());
                create_task(move || {
                    let signal = signals.wait()?;
                    log.note(format!("{name} {}", corio::signal::name(signal).unwrap_or("?")));
                    Ok(())
                })
            })
            .collect();
        yield_now()?;
        raise(SIGIO)?;
        raise(SIGQUIT)?;
        // The first is woken, and cancelled before it runs: the others get both.
        corio::get_running_loop()?.call_soon(|| {});
        tasks[0].cancel();
        settle()?;
        assert_eq!(log.take(), ["second SIGQUIT", "third SIGIO"]);
        assert!(tasks[0].cancelled());
        Ok(())
    })
}

#[test]
fn bad_signals_are_refused_and_the_good_ones_before_them_given_back() -> Result<()> {
    virtual_run(|| {
        let error = Signals::new([SIGIO, 9]).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&BadSignal::Uncatchable(9)));
        Ok(())
    })
}

#[test]
fn signals_are_listened_to_on_a_loop_and_waited_for_there() -> Result<()> {
    let error = Signals::new([SIGIO]).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");

    let (mut here, mut there) = (Runner::with_virtual_clock()?, Runner::with_virtual_clock()?);
    let signals = here.run(|| Signals::new([SIGIO]))?;
    let error = there.run(|| signals.wait()).unwrap_err();
    assert!(error.to_string().contains("belong to another event loop"), "{error}");
    Ok(())
}
