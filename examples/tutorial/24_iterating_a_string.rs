//! What can be iterated over is not always an iterator, but can make one.
//!
//! In Python `for` and `iter` ask a string for an iterator, and `next` of the string itself is a
//! `TypeError`. Here `chars` is asked for, and `next` of the string itself does not compile.

fn main() {
    let s = "foobar";

    for ch in s.chars() {
        println!("{ch}");
    }

    // s.next(): "no method named `next` found for reference `&str`"
    println!("a string is not an iterator");

    let my_iterator = &mut s.chars();

    for ch in my_iterator.take(3) {
        println!("{ch}");
    }
}
