//! Who waits for whom.

use corio::{
    NoRunningLoop, Result, TaskOptions, capture_call_graph, create_task_with, sleep, task_group,
};
use corio_tests::{ms, settle, virtual_run};

fn named(name: &str) -> TaskOptions {
    TaskOptions::new().name(name)
}

/// The graph without the places in the source, which change with the tests.
fn shown() -> Result<String> {
    let graph = capture_call_graph()?.to_string();
    let place = |line: &str| {
        let begin = line.find(" (").filter(|_| line.contains(".rs:"))?;
        Some((begin, begin + line[begin..].find(')')? + 1))
    };
    let lines = graph.lines().map(|line| match place(line) {
        Some((begin, end)) => format!("{}{}", &line[..begin], &line[end..]),
        None => line.to_owned(),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_graph_shows_groups_chains_and_who_waits_for_time() -> Result<()> {
    virtual_run(|| {
        let parent = create_task_with(named("parent"), || {
            task_group(|group| {
                group.create_task_with(named("child"), || sleep(ms(5)));
                group.create_task_with(named("nested"), || {
                    let inner = create_task_with(named("inner"), || sleep(ms(5)));
                    inner.wait()
                });
                Ok(())
            })
        });
        settle()?;
        assert_eq!(
            shown()?,
            "task 'Task-1' runs\n\
             task 'parent' waits for the tasks of a group\n\
             ├─ task 'child' waits for time to pass\n\
             └─ task 'nested' waits for task 'inner'\n   \
             └─ task 'inner' waits for time to pass"
        );
        let graph = capture_call_graph()?;
        assert_eq!(graph.awaited_by("child").collect::<Vec<_>>(), ["parent"]);
        assert_eq!(graph.awaited_by("inner").collect::<Vec<_>>(), ["nested"]);
        assert_eq!(graph.awaited_by("parent").count(), 0);
        assert!(graph.waits_for("child").all(|wait| wait.starts_with("time to pass (")));
        parent.wait()
    })
}

#[test]
fn a_circle_is_cut_and_named() -> Result<()> {
    let mut shown_circle = String::new();
    let result = virtual_run(|| {
        let other = std::rc::Rc::new(std::cell::OnceCell::new());
        let late = std::rc::Rc::clone(&other);
        let a = create_task_with(named("a"), move || {
            sleep(ms(1))?;
            let b: &corio::SharedTask<'_, ()> = late.get().expect("it was made");
            b.wait()
        })
        .shared();
        let waits_for_a = a.clone();
        let b = create_task_with(named("b"), move || waits_for_a.wait()).shared();
        assert!(other.set(b).is_ok());
        sleep(ms(2))?;
        shown_circle = shown()?;
        a.cancel();
        Ok(())
    });
    result?;
    assert_eq!(
        shown_circle,
        "task 'Task-1' runs\n\
         task 'a' waits for task 'b'\n\
         └─ task 'b' waits for task 'a'\n   \
         └─ task 'a' waits for task 'b' (a circle)"
    );
    Ok(())
}

#[test]
fn a_chain_longer_than_a_stack_is_deep_can_be_shown() -> Result<()> {
    virtual_run(|| {
        let mut last = create_task_with(named("last"), || sleep(ms(5)));
        for _ in 0..10_000 {
            last = create_task_with(TaskOptions::new(), move || last.wait());
        }
        settle()?;
        assert!(shown()?.contains('…'));
        last.wait()
    })
}

#[test]
fn off_the_loop_there_is_no_graph() {
    let error: NoRunningLoop = capture_call_graph().unwrap_err();
    assert!(error.to_string().contains("the call graph"));
}
