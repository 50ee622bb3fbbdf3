//! Threads that stay from one batch to the next: a batch has about ten parallel parts of less than a millisecond each, and starting threads for
//! each of them takes longer than their imbalance.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A number of threads, the calling one among them.
pub struct Workers {
    /// The others; none where there is one thread.
    others: Option<ThreadPool>,
    threads: usize,
}

impl Workers {
    /// `threads` threads, 1 or more; the calling one alone where the system gives no others.
    pub fn new(threads: usize) -> Self {
        let others = match threads {
            0 | 1 => None,
            _ => ThreadPoolBuilder::new().num_threads(threads - 1).build().ok(),
        };
        Self { threads: if others.is_some() { threads } else { 1 }, others }
    }

    /// Does `work` for each number below `count`, each thread taking the next that is left; results in the order of the numbers.
    pub fn each<R: Default + Clone + Send>(&self, count: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
        self.each_while(count, work, || ())
    }

    /// As [`Workers::each`]; the calling thread does `meanwhile` first.
    pub fn each_while<R: Default + Clone + Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> R + Sync,
        meanwhile: impl FnOnce(),
    ) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(vec![R::default(); count]);
        let take = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                let result = work(index);
                results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
            }
        };
        match &self.others {
            Some(others) => others.in_place_scope(|scope| {
                for _ in 1..self.threads.min(count) {
                    scope.spawn(|_| take());
                }
                meanwhile();
                take();
            }),
            None => {
                meanwhile();
                take();
            }
        }
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_on_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let workers = Workers::new(threads);
            for count in [0, 1, 3, 100] {
                let mut done = false;
                let squares = workers.each_while(count, |index| index * index, || done = true);
                assert!(done);
                assert!(squares.into_iter().eq((0..count).map(|index| index * index)), "{threads} {count}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "number 3")]
    fn a_panic_comes_out() {
        Workers::new(2).each(5, |index| assert!(index != 3, "number {index}"));
    }
}
