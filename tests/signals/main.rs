//! Signals, which belong to the whole process: so these tests have a program of their own, and no two
//! of them use the same one, except in processes of their own.
#![cfg(unix)]

mod ends;
mod handlers;
mod stream;
