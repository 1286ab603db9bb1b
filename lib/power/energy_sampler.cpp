#include "power/energy_sampler.h"

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace alertbench {

struct EnergySampler::Thread {
  std::mutex mutex;
  std::condition_variable wake;
  bool done = false;
  std::thread thread;
};

EnergySampler::EnergySampler(EnergyCounter& counter, double interval_s)
    : thread_(std::make_unique<Thread>()) {
  // Signals are for the main thread, which may be asleep and has to wake up.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_->thread = std::thread([t = thread_.get(), &counter, interval_s] {
    std::unique_lock<std::mutex> lock(t->mutex);
    while (!t->wake.wait_for(lock, std::chrono::duration<double>(interval_s), [t] { return t->done; }))
      counter.sample();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

EnergySampler::~EnergySampler() {
  {
    const std::lock_guard<std::mutex> lock(thread_->mutex);
    thread_->done = true;
  }
  thread_->wake.notify_one();
  thread_->thread.join();
}

}  // namespace alertbench
