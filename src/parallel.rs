//! Work on all processors; where no thread can be started, this one does it.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::OnceLock;

/// A thread for each processor. rayon's own pool ends the program where there
/// can be none.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| ThreadPoolBuilder::new().build().ok())
        .as_ref()
}

/// Does both; the second may begin when the first has ended.
pub fn both<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    match pool() {
        Some(pool) => pool.join(first, second),
        None => (first(), second()),
    }
}

/// Does something with every item; results come in order.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    each_on(pool(), items, work)
}

/// The same, with up to `jobs` items at a time.
pub fn each_of<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let pool = ThreadPoolBuilder::new().num_threads(jobs).build().ok();
    each_on(pool.as_ref(), items, work)
}

fn each_on<T: Sync, R: Send>(
    pool: Option<&ThreadPool>,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let work = &work;
    match pool {
        Some(pool) => {
            let items = items.par_iter().with_max_len(1);
            pool.install(|| items.map(work).collect())
        }
        None => items.iter().map(work).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_with_threads_and_without() {
        let items: Vec<u32> = (0..1000).collect();
        let wanted: Vec<u32> = items.iter().map(|item| item * 2).collect();
        assert_eq!(each(&items, |item| item * 2), wanted);
        assert_eq!(each_of(3, &items, |item| item * 2), wanted);
        assert_eq!(each_on(None, &items, |item| item * 2), wanted);
        assert_eq!(both(|| 1, || "two"), (1, "two"));
    }
}
