// The pool of threads: everybody works, exceptions arrive, and a forked child starts afresh.
#include "betalps/threads.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"

using betalps::ThreadPool;

namespace {

void everybody_works() {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    std::vector<int> calls(static_cast<std::size_t>(threads), 0);
    std::vector<std::thread::id> who(static_cast<std::size_t>(threads));
    for (int round = 0; round < 500; ++round) {
      pool.run([&](int t) {
        ++calls[static_cast<std::size_t>(t)];
        who[static_cast<std::size_t>(t)] = std::this_thread::get_id();
      });
    }
    for (const int count : calls) CHECK(count == 500);
    CHECK(who[0] == std::this_thread::get_id());
    CHECK(std::set<std::thread::id>(who.begin(), who.end()).size() == static_cast<std::size_t>(threads));
  }
}

/// Long enough between two calls for the workers to fall asleep, and work long enough for the caller to.
void wakes_up() {
  ThreadPool pool(2);
  std::atomic<int> sum{0};
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    pool.run([&](int t) {
      if (t == 1) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      sum += t + 1;
    });
    CHECK(sum == 3 * (round + 1));
  }
}

void exceptions_arrive() {
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    for (int thrower = 0; thrower < threads; ++thrower) {
      std::atomic<int> others{0};
      CHECK_THROWS(pool.run([&](int t) {
        if (t == thrower) throw std::runtime_error("thread " + std::to_string(t));
        ++others;
      }),
                   std::runtime_error, "thread " + std::to_string(thrower));
      CHECK(others == threads - 1);
    }
    std::atomic<int> calls{0};
    pool.run([&](int) { ++calls; });  // an old exception does not come back
    CHECK(calls == threads);
  }
}

/// The sum of t + 1 over the threads of one run().
int work_through(ThreadPool& pool) {
  std::atomic<int> sum{0};
  pool.run([&](int t) { sum += t + 1; });
  return sum;
}

/// Runs `body` in a forked child, which fails when it hangs for 20 seconds; true when the child's body was.
template <class Body>
bool in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void survives_fork() {
  auto* pool = new ThreadPool(3);
  CHECK(work_through(*pool) == 6);
  CHECK(in_child([&] { return work_through(*pool) == 6 && work_through(*pool) == 6; }));
  CHECK(in_child([&] {
    delete pool;  // without a run() in the child: there are no threads to join
    return true;
  }));
  CHECK(in_child([&] {
    const bool ran = work_through(*pool) == 6;
    const bool grandchild = in_child([&] { return work_through(*pool) == 6; });
    delete pool;
    return ran && grandchild;
  }));
  CHECK(work_through(*pool) == 6);  // the parent's threads are still there
  delete pool;
}

void bad_counts() {
  CHECK_THROWS(ThreadPool(0), std::invalid_argument, "threads is 0: expected 1 to 1024");
  CHECK_THROWS(ThreadPool(-3), std::invalid_argument, "threads is -3");
  CHECK_THROWS(ThreadPool(1025), std::invalid_argument, "threads is 1025");
}

}  // namespace

int main() {
  everybody_works();
  wakes_up();
  exceptions_arrive();
  survives_fork();
  bad_counts();
  return check::finish();
}
