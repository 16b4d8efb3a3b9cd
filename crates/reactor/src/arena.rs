//! A table whose keys are never mistaken for one another.
//!
//! Slots are reused, most recently freed first, so that a busy table stays small and warm. Each
//! slot counts how often it was freed, and the count is part of the key: a key kept after its entry
//! was removed finds nothing, even when the slot has a new tenant. Sources need this because the
//! kernel hands back keys of file descriptors that were deregistered earlier in the same batch of
//! events; timers need it because a task may cancel a timer that has fired.
//!
//! The count wraps after 2³² reuses of one slot (4096 where pointers have 32 bits). Deliberately
//! absent: iteration, and giving memory back; a table stays as large as it has ever been.

/// How many bits of a packed key say which slot.
const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };

/// The generations that fit beside the index.
const GENERATION_MASK: u32 = ((1u64 << (usize::BITS - INDEX_BITS)) - 1) as u32;

/// The number of slots. One short of what fits, so that the largest packed key is never handed out:
/// selectors give it a meaning of their own.
pub(crate) const CAPACITY: usize = (1 << INDEX_BITS) - 1;

/// Ends the list of vacant slots.
const NONE: u32 = u32::MAX;

/// Names an entry of an [`Arena`], and no later one that reuses its slot.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// The slot, small and dense, for an owner that keeps something beside the table.
    pub(crate) fn index(self) -> usize {
        self.index as usize
    }

    /// Packs the key into the word that travels through the kernel with an event.
    pub(crate) fn to_usize(self) -> usize {
        (self.generation as usize) << INDEX_BITS | self.index as usize
    }

    /// Reverses [`to_usize`](Self::to_usize).
    pub(crate) fn from_usize(word: usize) -> Self {
        Self { index: (word & CAPACITY) as u32, generation: (word >> INDEX_BITS) as u32 }
    }
}

#[derive(Debug)]
pub(crate) struct Arena<V> {
    slots: Vec<Slot<V>>,
    vacant: u32,
    len: usize,
}

#[derive(Debug)]
struct Slot<V> {
    generation: u32,
    content: Content<V>,
}

#[derive(Debug)]
enum Content<V> {
    Occupied(V),
    Vacant { next: u32 },
}

impl<V> Arena<V> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), vacant: NONE, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether [`insert`](Self::insert) would panic.
    pub(crate) fn is_full(&self) -> bool {
        self.len == CAPACITY
    }

    /// Puts a value into a vacant slot.
    pub(crate) fn insert(&mut self, value: V) -> Key {
        let index = self.vacant;
        let key = match self.slots.get_mut(index as usize) {
            Some(slot) => {
                let Content::Vacant { next } = slot.content else {
                    unreachable!("the list of vacant slots leads to an occupied one");
                };
                self.vacant = next;
                slot.content = Content::Occupied(value);
                Key { index, generation: slot.generation }
            }
            None => {
                assert!(!self.is_full(), "more than {CAPACITY} entries in one table");
                self.slots.push(Slot { generation: 0, content: Content::Occupied(value) });
                Key { index: (self.slots.len() - 1) as u32, generation: 0 }
            }
        };
        self.len += 1;
        key
    }

    /// The value, unless it was removed.
    pub(crate) fn get(&self, key: Key) -> Option<&V> {
        match self.slots.get(key.index as usize) {
            Some(Slot { generation, content: Content::Occupied(value) })
                if *generation == key.generation =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// Takes the value out, unless it was removed before; its slot is free for the next one.
    pub(crate) fn remove(&mut self, key: Key) -> Option<V> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation != key.generation || matches!(slot.content, Content::Vacant { .. }) {
            return None;
        }
        let vacant = Content::Vacant { next: self.vacant };
        let Content::Occupied(value) = std::mem::replace(&mut slot.content, vacant) else {
            unreachable!("the slot was seen to be occupied");
        };
        slot.generation = slot.generation.wrapping_add(1) & GENERATION_MASK;
        self.vacant = key.index;
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_outlives_its_entry_harmlessly() {
        let mut arena = Arena::new();
        let old = arena.insert("old");
        assert_eq!(arena.remove(old), Some("old"));
        let new = arena.insert("new");
        assert_eq!(new.index, old.index, "the slot is reused");
        assert_eq!(arena.get(old), None);
        assert_eq!(arena.remove(old), None);
        assert_eq!(arena.get(new), Some(&"new"));
        assert_eq!(arena.len(), 1);
    }

    #[test]
    fn keys_survive_packing() {
        for index in [0, 1, CAPACITY as u32 - 1] {
            for generation in [0, 1, GENERATION_MASK] {
                let key = Key { index, generation };
                assert_eq!(Key::from_usize(key.to_usize()), key);
                assert_ne!(key.to_usize(), usize::MAX, "reserved for the selectors");
            }
        }
    }

    #[test]
    fn the_generation_wraps_to_a_value_that_survives_packing() {
        let mut arena = Arena::new();
        let first = arena.insert(());
        arena.remove(first);
        arena.slots[0].generation = GENERATION_MASK;
        let last = arena.insert(());
        arena.remove(last);
        assert_eq!(arena.slots[0].generation, 0);
    }
}
