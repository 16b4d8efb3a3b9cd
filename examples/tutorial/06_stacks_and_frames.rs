//! A call pushes a frame with the argument and the place to return to; a return pops it.
//!
//! In Python every thread has one such stack. So it is here, but for tasks: each has a stack of its
//! own, with ordinary frames on it, which is why any function can wait.

fn a_func(x: i32) -> i32 {
    x - 2
}

fn main() {
    let some_value = 12;
    let some_other_value = a_func(some_value);
    println!("{some_other_value}");
}
