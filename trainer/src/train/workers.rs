//! Threads that stay from one batch to the next: a batch has about ten parallel parts of less than
//! a millisecond each, and starting threads for each of them takes longer than their imbalance.
//!
//! For the same reason nobody sleeps at the end of a part: waking a thread takes as long as a tenth
//! of the work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{hint, thread};

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

    /// Does `work` for each number below `count`, each thread taking the next that is left; results
    /// in the order of the numbers.
    pub fn each<R: Default + Clone + Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> R + Sync,
    ) -> Vec<R> {
        self.each_while(count, work, || ())
    }

    /// As [`Workers::each`]; the calling thread does `meanwhile` first.
    pub fn each_while<R: Default + Clone + Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> R + Sync,
        meanwhile: impl FnOnce(),
    ) -> Vec<R> {
        let (next, done, gone) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let results = Mutex::new(vec![R::default(); count]);
        let take = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                let _counted = CountedWhenDropped(&done);
                let result = work(index);
                results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
            }
            wait_until(|| done.load(Ordering::Acquire) == count);
        };
        match &self.others {
            Some(others) => others.in_place_scope(|scope| {
                let called = self.threads.min(count).saturating_sub(1);
                for _ in 0..called {
                    scope.spawn(|_| {
                        let _counted = CountedWhenDropped(&gone);
                        take();
                    });
                }
                meanwhile();
                take();
                // The end of the scope would go to sleep if the others were not through.
                wait_until(|| gone.load(Ordering::Acquire) == called);
            }),
            None => {
                meanwhile();
                take();
            }
        }
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one more when it goes, even if a panic takes it along: others wait for the count.
struct CountedWhenDropped<'c>(&'c AtomicUsize);

impl Drop for CountedWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Looks so often before it lets others have the core: some ten microseconds.
const LOOKS: usize = 300;

/// Waits for something that is about to happen on another thread, without sleeping.
fn wait_until(happened: impl Fn() -> bool) {
    let mut looks = 0;
    while !happened() {
        looks += 1;
        if looks < LOOKS { hint::spin_loop() } else { thread::yield_now() }
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
                assert!(
                    squares.into_iter().eq((0..count).map(|index| index * index)),
                    "{threads} {count}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "number 3")]
    fn a_panic_comes_out() {
        Workers::new(2).each(5, |index| assert!(index != 3, "number {index}"));
    }

    #[test]
    #[should_panic(expected = "number")]
    fn panics_on_all_threads_come_out() {
        Workers::new(3).each(100, |index| assert!(index > 100, "number {index}"));
    }

    #[test]
    #[should_panic(expected = "meanwhile")]
    fn a_panic_of_what_is_done_meanwhile_comes_out() {
        Workers::new(2).each_while(5, |index| index, || panic!("meanwhile"));
    }
}
