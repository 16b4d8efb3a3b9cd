//! The book in `docs/`, so that its snippets are compiled and run.

macro_rules! pages {
    ($($page:ident: $file:literal)+) => {
        $(
            #[doc = include_str!(concat!("../../docs/", $file))]
            mod $page {}
        )+
    };
}

pages! {
    coroutines: "tutorial/1-coroutines.md"
    stacks: "tutorial/2-stacks.md"
    event_loop: "tutorial/3-event-loop.md"
    tasks_and_futures: "tutorial/4-tasks-and-futures.md"
    groups: "tutorial/8-groups.md"
    cancellation: "cancellation.md"
    guarantees: "guarantees.md"
    rationale: "rationale.md"
}
