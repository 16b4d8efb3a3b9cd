//! Conditions, semaphores, barriers and queues, on the loop that the other tests use.

mod barrier;
mod condition;
mod puppet;
mod queue;
mod queue_model;
mod semaphore;

#[path = "../it/mini_loop.rs"]
#[allow(dead_code, reason = "these tests do not use all of it")]
mod mini_loop;
