//! Who waits for whom: asyncio's call graph, for all tasks of a loop at once.
//!
//! The edges are those that corio keeps anyway: a task that awaits another by its handle, and the
//! parent of a group's or a gather's members. Who waits for a lock or a queue is said in words;
//! nobody knows which task will release it.

use std::collections::HashMap;
use std::fmt;

use corio_futures::NoRunningLoop;

use crate::event_loop::EventLoop;
use crate::task::Runnable;

/// The tasks of the running loop, with what each waits for and who waits for it. asyncio's
/// `capture_call_graph`; printing it is `print_call_graph`.
///
/// # Errors
///
/// [`NoRunningLoop`] off the loop.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{TaskOptions, capture_call_graph, create_task_with, sleep};
///
/// corio::run(|| {
///     let sleeper = create_task_with(TaskOptions::new().name("sleeper"), || {
///         sleep(Duration::from_millis(2))
///     });
///     let waiter = create_task_with(TaskOptions::new().name("waiter"), || sleeper.wait());
///     sleep(Duration::from_millis(1))?;
///     println!("{}", capture_call_graph()?);
///     // task 'Task-1' runs
///     // task 'waiter' waits for task 'sleeper' (src/main.rs:9:79)
///     // └─ task 'sleeper' waits for time to pass (src/main.rs:7:9)
///     waiter.wait()
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn capture_call_graph() -> Result<CallGraph, NoRunningLoop> {
    let tasks = EventLoop::current("the call graph")?.unfinished_tasks();
    let keys = tasks.iter().enumerate().map(|(index, task)| (task.header().key, index));
    let indices: HashMap<_, _> = keys.collect();
    let index_of = |key: usize| indices.get(&key).copied();
    let mut nodes: Vec<_> = tasks.iter().map(|task| Node::of(&**task)).collect();
    for (index, task) in tasks.iter().enumerate() {
        let parent = task.parent_key().and_then(index_of);
        let awaited = task.header().awaited_key().and_then(index_of);
        if let Some(parent) = parent {
            nodes[parent].awaits.push(index);
            nodes[index].awaited_by.push(parent);
        }
        if let Some(awaited) = awaited.filter(|awaited| !nodes[index].awaits.contains(awaited)) {
            nodes[index].awaits.push(awaited);
            nodes[awaited].awaited_by.push(index);
        }
    }
    Ok(CallGraph { nodes })
}

/// The tasks of a loop and who waits for whom, at one moment. Made by [`capture_call_graph`].
///
/// Shown as a forest: below each task stand those that it waits for. One that several wait for
/// stands below each of them, and a circle is cut where it closes, and named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallGraph {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    name: String,
    waits_for: Option<String>,
    /// Indices of tasks.
    awaits: Vec<usize>,
    awaited_by: Vec<usize>,
}

impl Node {
    fn of(task: &dyn Runnable) -> Self {
        let header = task.header();
        Self {
            name: header.name().to_string(),
            waits_for: header.waits_for(),
            awaits: Vec::new(),
            awaited_by: Vec::new(),
        }
    }
}

impl CallGraph {
    /// The names of the tasks, in the order in which they were made.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.name.as_str())
    }

    /// What the tasks of this name wait for, in words; nothing for one that runs or is ready to.
    pub fn waits_for(&self, task: &str) -> impl Iterator<Item = &str> {
        self.named(task).filter_map(|node| node.waits_for.as_deref())
    }

    /// The names of those that wait for the tasks of this name, by their handle or as their group.
    pub fn awaited_by(&self, task: &str) -> impl Iterator<Item = &str> {
        self.named(task)
            .flat_map(|node| &node.awaited_by)
            .map(|&index| self.nodes[index].name.as_str())
    }

    fn named(&self, task: &str) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.name == task)
    }

    /// The tasks to begin with: those that nobody waits for, and one of each circle that is not
    /// below one of them.
    fn roots(&self) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let free = |&index: &usize| self.nodes[index].awaited_by.is_empty();
        let (roots, others): (Vec<_>, Vec<_>) = (0..self.nodes.len()).partition(free);
        let mut chosen = Vec::new();
        for index in roots.into_iter().chain(others) {
            if !seen[index] {
                chosen.push(index);
            }
            let mut below = vec![index];
            while let Some(index) = below.pop() {
                if !std::mem::replace(&mut seen[index], true) {
                    below.extend(&self.nodes[index].awaits);
                }
            }
        }
        chosen
    }

    /// Writes what is below the last task of `path`, and that below it, and so on.
    fn write_below(
        &self,
        f: &mut fmt::Formatter<'_>,
        path: &mut Vec<usize>,
        indent: &str,
    ) -> fmt::Result {
        /// Chains of waits may be longer than a stack is deep.
        const DEPTH: usize = 64;
        let Some(awaits) = path.last().map(|&index| &self.nodes[index].awaits) else {
            return Ok(());
        };
        for (at, &index) in awaits.iter().enumerate() {
            let last = at + 1 == awaits.len();
            let (branch, below) = if last { ("└─", "   ") } else { ("├─", "│  ") };
            write!(f, "\n{indent}{branch} {}", self.nodes[index])?;
            if path.contains(&index) {
                f.write_str(" (a circle)")?;
            } else if path.len() >= DEPTH {
                f.write_str(" …")?;
            } else {
                path.push(index);
                self.write_below(f, path, &format!("{indent}{below}"))?;
                path.pop();
            }
        }
        Ok(())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.waits_for {
            Some(wait) => write!(f, "task '{}' waits for {wait}", self.name),
            None => write!(f, "task '{}' runs", self.name),
        }
    }
}

impl fmt::Display for CallGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, root) in self.roots().into_iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}", self.nodes[root])?;
            self.write_below(f, &mut vec![root], "")?;
        }
        Ok(())
    }
}
