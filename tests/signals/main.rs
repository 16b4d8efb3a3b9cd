//! Signals, which belong to the whole process: so these tests have a program of their own, and no two
//! of them use the same one.
#![cfg(unix)]

mod handlers;
mod stream;
