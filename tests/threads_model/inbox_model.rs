//! A loop that sleeps is woken by whoever sends, and not otherwise.

use loom::thread;

use crate::inbox::{Found, Inbox};
use crate::sync::{Arc, AtomicUsize, Condvar, Mutex, Ordering};

/// A loop's inbox and the bell that it sleeps by.
struct Post {
    inbox: Inbox<u32>,
    rung: Mutex<bool>,
    bell: Condvar,
    rings: AtomicUsize,
}

impl Post {
    fn new(senders: usize) -> Arc<Self> {
        let inbox = Inbox::new();
        for _ in 0..senders {
            inbox.add_sender();
        }
        let (rung, bell, rings) = (Mutex::new(false), Condvar::new(), AtomicUsize::new(0));
        Arc::new(Self { inbox, rung, bell, rings })
    }

    fn ring(&self, found: Found) {
        if found == Found::Asleep {
            self.rings.fetch_add(1, Ordering::Relaxed);
            *self.rung.lock().unwrap() = true;
            self.bell.notify_one();
        }
    }

    /// What the loop does when nothing is ready. Says whether it has slept.
    fn sleep(&self) -> bool {
        let sleeps = self.inbox.nod_off();
        if sleeps {
            let mut rung = self.rung.lock().unwrap();
            while !*rung {
                rung = self.bell.wait(rung).unwrap();
            }
            *rung = false;
            drop(rung);
            self.inbox.wake_up();
        }
        sleeps
    }

    fn collect(&self) -> Vec<u32> {
        let mut mail = Vec::new();
        if self.inbox.has_mail() {
            self.inbox.collect(&mut mail);
        }
        mail
    }
}

#[test]
fn no_wake_up_is_lost_and_none_is_given_twice() {
    crate::check_three_threads(|| {
        let post = Post::new(0);
        let senders = [1, 2].map(|message| {
            let post = Arc::clone(&post);
            thread::spawn(move || post.ring(post.inbox.push(message).unwrap()))
        });
        let (mut received, mut sleeps) = (Vec::new(), 0);
        while received.len() < 2 {
            let mail = post.collect();
            if mail.is_empty() {
                sleeps += usize::from(post.sleep());
            }
            received.extend(mail);
        }
        for sender in senders {
            sender.join().unwrap();
        }
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
        assert!(post.rings.load(Ordering::Relaxed) <= sleeps);
    });
}

#[test]
fn messages_of_one_sender_stay_in_order() {
    loom::model(|| {
        let post = Post::new(0);
        let sender = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                for message in [1, 2] {
                    post.ring(post.inbox.push(message).unwrap());
                }
            })
        };
        let mut received = Vec::new();
        while received.len() < 2 {
            let mail = post.collect();
            if mail.is_empty() {
                post.sleep();
            }
            received.extend(mail);
        }
        assert_eq!(received, [1, 2]);
        sender.join().unwrap();
    });
}

/// The deadlock detector's question: a loop gives up only when nobody is left who could send, and
/// nothing that was sent is overlooked.
#[test]
fn a_loop_gives_up_neither_too_early_nor_never() {
    loom::model(|| {
        let post = Post::new(1);
        let sender = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                post.ring(post.inbox.push(1).unwrap());
                post.ring(post.inbox.remove_sender());
            })
        };
        let mut received = post.collect();
        while post.inbox.may_get_mail() {
            post.sleep();
            received.extend(post.collect());
        }
        assert_eq!(received, [1]);
        sender.join().unwrap();
    });
}

#[test]
fn what_is_sent_to_a_loop_that_closes_is_refused_or_found() {
    loom::model(|| {
        let post = Post::new(0);
        let sender = {
            let post = Arc::clone(&post);
            thread::spawn(move || post.inbox.push(1).is_ok())
        };
        let found = post.inbox.close().unwrap();
        let accepted = sender.join().unwrap();
        assert_eq!(found.len(), usize::from(accepted));
        assert!(post.inbox.is_closed() && post.inbox.push(2) == Err(2));
    });
}
