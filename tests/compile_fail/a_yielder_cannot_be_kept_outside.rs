use corio_coroutine::{Yielder, scope};

fn main() {
    let mut kept: Option<&Yielder<(), ()>> = None;
    scope(|s| {
        s.coroutine::<(), (), (), _>(|co, ()| kept = Some(co)).resume(());
    });
    kept.unwrap().yield_(());
}
