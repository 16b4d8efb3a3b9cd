//! The behaviour of the crate on a loop that does nothing but what the contract asks for.

mod contract;
mod event;
mod future;
mod lock;
mod mini_loop;
mod wait_list;
