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
    introduction: "README.md"
    coroutines: "tutorial/1-coroutines.md"
    stacks: "tutorial/2-stacks.md"
    event_loop: "tutorial/3-event-loop.md"
    tasks_and_futures: "tutorial/4-tasks-and-futures.md"
    context_managers: "tutorial/5-context-managers.md"
    iterators: "tutorial/6-iterators.md"
    generators: "tutorial/7-generators.md"
    groups: "tutorial/8-groups.md"
    threads: "tutorial/9-threads.md"
    io: "tutorial/10-io.md"
    testing: "tutorial/11-testing.md"
    from_asyncio: "from/asyncio.md"
    from_tokio: "from/tokio.md"
    from_threads: "from/threads.md"
    cancellation: "cancellation.md"
    guarantees: "guarantees.md"
    performance: "performance.md"
    rationale: "rationale.md"
    architecture: "architecture.md"
    safety: "safety.md"
    deviations: "deviations.md"
    semantics: "semantics.md"
}
