// A small persistent pool of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace betalps {

/// Runs one function on several threads at once. Survives fork(): a child starts threads of its own.
/// Not for use by two callers at the same time; callers hold one pool each.
class ThreadPool {
 public:
  /// Throws std::invalid_argument unless 1 <= threads <= 1024.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls work(t) for t = 0..threads-1 (0 on the calling thread), returns when all have; the first exception
  /// thrown by any of them is thrown again here.
  void run(const std::function<void(int)>& work);

 private:
  struct Crew;
  int threads_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace betalps
