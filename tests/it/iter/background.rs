//! Loading ahead: what all iterators with tasks have in common.

use std::cell::{Cell, RefCell};
use std::iter::repeat;
use std::rc::Rc;

use corio::iter::{IteratorExt, from_queue, merge};
use corio::{
    Cancelled, CannotWait, Error, NoRunningLoop, Queue, Result, all_tasks, create_task,
    current_task, get_running_loop, sleep, task_group, timeout,
};
use corio_tests::{Log, ms, now, panic_of, settle, virtual_run};
use proptest::prelude::*;

use super::{assert_at_rest, run_to_rest, secs, slow};

#[test]
fn nothing_is_loaded_before_the_first_next_and_no_more_than_n_after() -> Result<()> {
    run_to_rest(|| {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let mut items = (0..10).inspect(move |_| count.set(count.get() + 1)).buffered(3);
        settle()?;
        assert_eq!(asked.get(), 0);
        for given in 1..5 {
            assert_eq!(items.next().transpose()?, Some(given - 1));
            settle()?;
            assert_eq!(asked.get(), given + 3, "three are loaded and not given out");
        }
        Ok(())
    })
}

#[test]
fn a_buffer_of_none_is_a_buffer_of_one() -> Result<()> {
    run_to_rest(|| {
        assert_eq!((0..5).buffered(0).collect::<Result<Vec<_>>>()?, [0, 1, 2, 3, 4]);
        assert_eq!((0..5).map_concurrent(0, Ok).collect::<Result<Vec<_>>>()?, [0, 1, 2, 3, 4]);
        assert_eq!((0..3).chunks_timeout(0, ms(1)).count(), 3);
        Ok(())
    })
}

#[test]
fn loading_goes_on_while_the_consumer_is_busy() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        for item in slow([(100, 1), (100, 2), (100, 3)]).try_buffered(1) {
            item?;
            sleep(ms(100))?;
        }
        assert_eq!(now() - began, ms(400));
        Ok(())
    })
}

#[test]
fn the_end_comes_again_and_again() -> Result<()> {
    run_to_rest(|| {
        let mut items = (0..1).buffered(4);
        // asyncio's `anext(items, default)`.
        let mut anext = |default| items.next().unwrap_or(Ok(default));
        assert_eq!([anext(7)?, anext(8)?, anext(9)?], [0, 8, 9]);
        Ok(())
    })
}

#[test]
fn breaking_out_of_a_loop_over_a_reference_leaves_the_iterator_open() -> Result<()> {
    run_to_rest(|| {
        let mut items = (0..6).buffered(2);
        for item in items.by_ref() {
            if item? == 2 {
                break;
            }
        }
        assert_eq!(items.collect::<Result<Vec<_>>>()?, [3, 4, 5]);
        Ok(())
    })
}

#[test]
fn a_cancellation_of_the_consumer_is_an_item_and_nothing_is_lost() -> Result<()> {
    run_to_rest(|| {
        let consumer = create_task(|| {
            let mut items = slow([(10, 'a'), (10, 'b')]).try_buffered(5);
            let first = items.next().expect("there is an item");
            assert!(first.unwrap_err().is_cancelled());
            current_task()?.uncancel();
            items.collect::<Result<String>>()
        });
        sleep(ms(5))?;
        consumer.cancel();
        assert_eq!(consumer.wait()?, "ab");
        Ok(())
    })
}

#[test]
fn a_consumer_that_is_cancelled_stops_its_producers() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let noted = log.clone();
        let consumer = create_task(move || {
            let source = repeat(()).map(move |()| {
                let cleanup = noted.on_drop("cleaned up");
                sleep(secs(60)).map(|()| drop(cleanup))
            });
            source.try_buffered(5).try_for_each(|item| item)
        });
        sleep(ms(5))?;
        assert_eq!(all_tasks()?.len(), 3);
        consumer.cancel();
        assert!(consumer.wait().unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["cleaned up"]);
        Ok(())
    })
}

#[test]
fn a_producer_that_somebody_cancels_says_so_and_ends() -> Result<()> {
    run_to_rest(|| {
        // This source makes nothing of a cancellation.
        let source = (0..100).inspect(|_| drop(sleep(ms(10))));
        let mut items = source.buffered(1);
        assert_eq!(items.next().transpose()?, Some(0));
        sleep(ms(5))?;
        for task in all_tasks()? {
            if task != current_task()? {
                task.cancel();
            }
        }
        assert_eq!(items.next().transpose()?, Some(1));
        assert!(items.next().expect("an error").unwrap_err().is_cancelled());
        assert!(items.next().is_none());
        Ok(())
    })
}

#[test]
fn the_end_of_a_cancelled_source_is_not_taken_for_its_end() -> Result<()> {
    run_to_rest(|| {
        // This source ends when it is cancelled.
        let source = (0..100).take_while(|_| sleep(ms(10)).is_ok());
        let mut items = source.buffered(1);
        assert_eq!(items.next().transpose()?, Some(0));
        sleep(ms(5))?;
        for task in all_tasks()?.iter().skip(1) {
            task.cancel();
        }
        assert!(items.next().expect("an error").unwrap_err().is_cancelled());
        assert!(items.next().is_none());
        Ok(())
    })
}

#[test]
fn a_producer_that_is_cancelled_before_it_begins_says_so() -> Result<()> {
    virtual_run(|| {
        let mut items = merge([(0..2), (10..12)]);
        let canceller = create_task(|| {
            for task in all_tasks()?.iter().skip(2) {
                task.cancel();
            }
            Ok(())
        });
        let first = items.next().expect("an item");
        canceller.wait()?;
        // Whichever of them had begun.
        let rest: Vec<_> = std::iter::once(first).chain(items).collect();
        assert!(rest.iter().any(|item| matches!(item, Err(error) if error.is_cancelled())));
        assert_at_rest()
    })
}

#[test]
fn an_error_of_the_source_ends_the_try_form_when_the_producers_have_ended() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let closed = log.on_drop("closed");
        let source = (0..).map(move |n| {
            let _in_the_source = &closed;
            if n == 2 { Err(Error::msg("two")) } else { Ok(n) }
        });
        let mut items = source.try_buffered(1);
        assert_eq!(items.next().transpose()?, Some(0));
        assert_eq!(items.next().transpose()?, Some(1));
        assert_eq!(log.take(), [""; 0]);
        let error = items.next().expect("an error").unwrap_err();
        assert_eq!((error.to_string(), log.take()), ("two".into(), vec!["closed".into()]));
        assert_at_rest()?;
        assert!(items.next().is_none());
        Ok(())
    })
}

#[test]
fn errors_of_other_crates_go_through_the_try_forms() -> Result<()> {
    run_to_rest(|| {
        let numbers = "1 2 x".split(' ').map(str::parse::<u8>);
        let error = numbers.try_buffered(2).collect::<Result<Vec<_>>>().unwrap_err();
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        Ok(())
    })
}

#[test]
fn a_panic_of_the_source_resurfaces_in_its_place() -> Result<()> {
    run_to_rest(|| {
        let mut items = (0..5).inspect(|n| assert!(*n < 2, "no such page: {n}")).buffered(5);
        assert_eq!(items.next().transpose()?, Some(0));
        assert_eq!(items.next().transpose()?, Some(1));
        assert_eq!(panic_of(|| items.next()), "no such page: 2");
        assert!(items.next().is_none());
        Ok(())
    })
}

#[test]
fn a_panic_that_nobody_asks_for_is_reported() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        log.note_reports();
        let mut items = (0..5).inspect(|n| assert!(*n < 2, "no such page: {n}")).buffered(5);
        items.next();
        drop(items);
        let reports = log.take();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].ends_with("no such page: 2"), "{reports:?}");
        Ok(())
    })
}

#[test]
fn off_the_loop_an_iterator_says_so_and_can_be_used_on_it_later() -> Result<()> {
    let mut items = (0..2).buffered(1);
    for _ in 0..2 {
        let error = items.next().expect("an error").unwrap_err();
        assert!(error.downcast_ref::<NoRunningLoop>().is_some());
    }
    run_to_rest(|| {
        assert_eq!(items.collect::<Result<Vec<_>>>()?, [0, 1]);
        Ok(())
    })
}

#[test]
fn in_a_callback_only_what_is_there_can_be_had() -> Result<()> {
    run_to_rest(|| {
        let mut items = slow([(0, 'a'), (9, 'b')]).try_buffered(1);
        assert_eq!(items.next().transpose()?, Some('a'));
        let seen = Rc::new(RefCell::new(None));
        let answer = Rc::clone(&seen);
        get_running_loop()?.call_soon(move || {
            *answer.borrow_mut() = items.next(); // and it is dropped, where nothing can wait
        });
        settle()?;
        let error = seen.take().expect("it was called").unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(CannotWait::InCallback(_))));
        Ok(())
    })
}

#[test]
fn the_items_of_a_queue_end_when_it_is_shut_down() -> Result<()> {
    run_to_rest(|| {
        let queue = Rc::new(Queue::bounded(2));
        let putting = Rc::clone(&queue);
        let putter = create_task(move || {
            for n in 0..10 {
                putting.put(n)?;
                sleep(ms(n % 3))?;
            }
            putting.shutdown();
            Ok(())
        });
        let got = from_queue(queue).try_buffered(3).collect::<Result<Vec<_>>>()?;
        assert_eq!(got, (0..10).collect::<Vec<_>>());
        putter.wait()
    })
}

#[test]
fn a_group_lends_its_tasks_to_what_borrows() -> Result<()> {
    run_to_rest(|| {
        let words = ["a".to_owned(), "bc".to_owned(), "def".to_owned()];
        let used = Cell::new(0);
        let (lengths, merged) = task_group(|group| {
            let lengths = words.iter().within(group).map_concurrent(2, |word| {
                used.set(used.get() + 1);
                Ok(word.len())
            });
            let merged = words.iter().within(group).merge(&words);
            Ok((lengths.sum::<Result<usize>>()?, merged.count()))
        })?;
        assert_eq!((lengths, merged, used.get()), (6, 6, 3));
        Ok(())
    })
}

#[test]
fn every_form_can_borrow_in_a_group() -> Result<()> {
    run_to_rest(|| {
        let words = ["to", "be", "or", "not"].map(str::to_owned);
        let good = || words.iter().map(Ok::<&String, Error>);
        let broken = || good().chain([Err(Error::msg("broken"))]);
        task_group(|group| {
            let all = || words.iter().within(group);
            assert_eq!(all().buffered(2).count(), 4);
            assert_eq!(all().map_concurrent(2, |word| Ok(&words[0] < word)).count(), 4);
            assert_eq!(all().map_concurrent_unordered(2, Ok).count(), 4);
            assert_eq!(all().merge(words.iter()).count(), 8);
            assert_eq!(all().zip_latest(words.iter()).count(), 7);
            assert_eq!(all().chunks_timeout(3, ms(1)).count(), 2);
            assert_eq!(all().timeout(ms(1)).count(), 4);

            let failed = |results: &mut dyn Iterator<Item = Result<()>>| {
                assert_eq!(results.last().expect("an item").unwrap_err().to_string(), "broken");
            };
            let all = || broken().within(group);
            failed(&mut all().try_buffered(2).map(|item| item.map(drop)));
            failed(&mut all().try_map_concurrent(2, |word| match words.contains(word) {
                true => Ok(()),
                false => Err(Error::msg("no such word")),
            }));
            failed(&mut all().try_map_concurrent_unordered(2, |_| Ok(())));
            failed(&mut all().try_merge(good()).map(|item| item.map(drop)));
            failed(&mut all().try_zip_latest(good()).map(|item| item.map(drop)));
            failed(&mut all().try_chunks_timeout(3, ms(1)).map(|item| item.map(drop)));
            failed(&mut all().try_timeout(ms(1)).map(|item| item.map(drop)));
            Ok(())
        })
    })
}

#[test]
fn errors_of_items_are_none_of_the_groups_business() -> Result<()> {
    run_to_rest(|| {
        let failures = task_group(|group| {
            let results = (0..6).within(group).map_concurrent_unordered(2, |n| match n % 2 {
                0 => Err(Error::msg("even")),
                _ => Ok(()),
            });
            Ok(results.filter(Result::is_err).count())
        })?;
        assert_eq!(failures, 3);
        Ok(())
    })
}

#[test]
fn a_group_that_fails_ends_its_iterators() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let error = task_group(|group| {
            group.create_task(|| {
                sleep(secs(1))?;
                Err::<(), _>(Error::msg("the other child"))
            });
            // Neither the source nor the consumer knows when to stop.
            let mut seen = 0;
            for item in repeat(()).inspect(|()| drop(sleep(ms(100)))).within(group).buffered(2) {
                match item {
                    Ok(()) => seen += 1,
                    Err(error) => assert!(error.is_cancelled() && seen > 0),
                }
            }
            Ok(())
        });
        let group = error.unwrap_err();
        assert_eq!(group.group().expect("a group").errors().len(), 1);
        assert_eq!(now() - began, secs(1));
        Ok(())
    })
}

#[test]
fn an_iterator_that_is_forgotten_ends_with_the_loop() -> Result<()> {
    virtual_run(|| {
        let mut items = slow(repeat((10, ()))).try_buffered(2);
        items.next().transpose()?;
        std::mem::forget(items);
        Ok(())
    })
}

#[test]
fn iterators_over_iterators_are_stopped_from_the_outside_in() -> Result<()> {
    run_to_rest(|| {
        let mut items = slow(repeat((10, 1)))
            .try_buffered(2)
            .try_map_concurrent(3, |n| sleep(ms(5)).map(|()| 2 * n))
            .try_merge(slow(repeat((70, 100))))
            .try_throttle(ms(1))
            .try_chunks_timeout(4, ms(100));
        for _ in 0..5 {
            assert!(items.next().transpose()?.is_some_and(|chunk| chunk.len() == 4));
        }
        drop(items);
        Ok(())
    })
}

#[test]
fn waiting_too_long_for_a_consumer_stops_it_and_its_producers() -> Result<()> {
    run_to_rest(|| {
        let all = || slow(repeat((10, ()))).try_buffered(4).try_for_each(|item| item);
        assert!(timeout(secs(1), all).unwrap_err().is_timeout());
        Ok(())
    })
}

#[test]
fn a_cancellation_with_a_reason_arrives_with_it() -> Result<()> {
    run_to_rest(|| {
        let consumer = create_task(|| slow([(10, ())]).try_buffered(1).collect::<Result<Vec<_>>>());
        settle()?;
        consumer.cancel_with(Cancelled::with_message("no longer needed"));
        let error = consumer.wait().unwrap_err();
        assert_eq!(error.to_string(), "cancelled: no longer needed");
        Ok(())
    })
}

proptest! {
    #[test]
    fn buffered_is_the_source_for_any_schedule_and_drop_point(
        delays in prop::collection::vec((0_u64..4, 0_u64..4), 0..20),
        n in 1_usize..6,
        taken in 0_usize..22,
    ) {
        run_to_rest(|| {
            let asked = Rc::new(Cell::new(0));
            let count = Rc::clone(&asked);
            let source = slow(delays.clone().into_iter().map(|(load, _)| load).zip(0..));
            let mut items = source.inspect(move |_| count.set(count.get() + 1)).try_buffered(n);
            let mut seen = Vec::new();
            for item in items.by_ref().take(taken) {
                seen.push(item?);
                sleep(ms(delays[seen.len() - 1].1))?;
                assert!(asked.get() <= seen.len() + n);
            }
            assert_eq!(seen, (0..delays.len().min(taken)).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn cancelled_at_any_time_a_consumer_leaves_nothing_behind(
        delays in prop::collection::vec(0_u64..4, 1..20),
        n in 1_usize..6,
        cancelled_at in 0_u64..40,
    ) {
        run_to_rest(|| {
            let count = delays.len();
            let consumer = create_task(move || {
                let one = slow(delays.clone().into_iter().zip(0..));
                let other = slow(delays.into_iter().rev().zip(0..));
                let both = one.try_buffered(n).try_merge(other.try_timeout(secs(1)));
                both.try_map_concurrent(n, |n| sleep(ms(n % 3)).map(|()| n))
                    .try_chunks_timeout(3, ms(5))
                    .try_fold(0, |sum, chunk| chunk.map(|chunk| sum + chunk.len()))
            });
            sleep(ms(cancelled_at))?;
            if consumer.cancel() {
                assert!(consumer.wait().unwrap_err().is_cancelled());
            } else {
                assert_eq!(consumer.wait()?, 2 * count);
            }
            Ok(())
        })
        .unwrap();
    }
}
