#include "betalps/threads.hpp"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace betalps {
namespace {

/// How many processes lie between the first one and this one. A crew made under another count has no threads here.
std::atomic<unsigned> generation{0};

unsigned current_generation() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1); });
  if (registered != 0) throw std::runtime_error("pthread_atfork failed: a pool of threads would not survive fork()");
  return generation.load(std::memory_order_relaxed);
}

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

/// Waits for the condition without sleeping, which costs tens of microseconds to wake from; returns whether it came
/// true. The time covers what a molecular dynamics step does between two calls of the kernel.
template <class Condition>
bool spin(std::chrono::microseconds limit, Condition condition) {
  if (condition()) return true;
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    for (int turn = 0; turn < 64; ++turn) {
      if (condition()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return condition();
}

}  // namespace

struct ThreadPool::Crew {
  explicit Crew(int threads)
      : made_in(current_generation()),
        patience(static_cast<unsigned>(threads) <= std::thread::hardware_concurrency() ? 200 : 0) {
    try {
      for (int t = 1; t < threads; ++t) workers.emplace_back([this, t] { serve(t); });
    } catch (...) {
      dismiss();
      throw;
    }
  }

  ~Crew() { dismiss(); }

  void run(const std::function<void(int)>& job) {
    work = &job;
    error = nullptr;
    busy.store(static_cast<int>(workers.size()), std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      ticket.fetch_add(1, std::memory_order_release);
    }
    start.notify_all();
    attempt(0);
    const auto idle = [this] { return busy.load(std::memory_order_acquire) == 0; };
    if (!spin(patience, idle)) {
      std::unique_lock<std::mutex> lock(mutex);
      done.wait(lock, idle);
    }
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  const unsigned made_in;

 private:
  void serve(int t) {
    for (std::uint64_t seen = 0;; ++seen) {
      const auto called = [this, seen] { return ticket.load(std::memory_order_acquire) != seen; };
      if (!spin(patience, called)) {
        std::unique_lock<std::mutex> lock(mutex);
        start.wait(lock, called);
      }
      if (stop) return;
      attempt(t);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        // Under the lock, so that the caller cannot fall asleep between its look at `busy` and this call.
        const std::lock_guard<std::mutex> lock(mutex);
        done.notify_one();
      }
    }
  }

  void attempt(int t) {
    try {
      (*work)(t);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
    }
  }

  void dismiss() {
    stop = true;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      ticket.fetch_add(1, std::memory_order_release);
    }
    start.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  const std::chrono::microseconds patience;  // spinning before sleep; none where threads outnumber processors
  std::mutex mutex;
  std::condition_variable start, done;
  std::atomic<std::uint64_t> ticket{0};  // counts the jobs
  std::atomic<int> busy{0};              // workers that have not finished this job
  const std::function<void(int)>* work = nullptr;
  std::exception_ptr error;
  bool stop = false;  // written before a ticket is given out, read after
  std::vector<std::thread> workers;
};

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  if (threads < 1 || threads > 1024) {
    throw std::invalid_argument("threads is " + std::to_string(threads) + ": expected 1 to 1024");
  }
}

ThreadPool::~ThreadPool() {
  // After fork() the crew's threads do not exist in the child: they can be neither joined nor destroyed.
  if (crew_ && crew_->made_in != generation.load(std::memory_order_relaxed)) crew_.release();
}

void ThreadPool::run(const std::function<void(int)>& work) {
  if (threads_ == 1) return work(0);
  if (crew_ && crew_->made_in != current_generation()) crew_.release();  // see ~ThreadPool
  if (!crew_) crew_ = std::make_unique<Crew>(threads_);
  crew_->run(work);
}

}  // namespace betalps
