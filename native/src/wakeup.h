// Carries the kernel's wake-ups of a ring to JavaScript.
#ifndef UNDERTRACE_NATIVE_WAKEUP_H_
#define UNDERTRACE_NATIVE_WAKEUP_H_

#include <napi.h>

#include <memory>
#include <thread>

namespace undertrace {

// One thread that sleeps in epoll_wait(2) on the ring and calls back on JavaScript's thread when the kernel wakes it.
//
// The thread touches only descriptors and the thread-safe function. Edge-triggered, so that it reports each wake-up once and
// not for as long as records wait; wake-ups that come before JavaScript has run the callback are one call.
// Does not keep the event loop alive. Destruction joins the thread, and no callback comes after it; so does the end of the
// environment, which may come first.
class Wakeup {
 public:
  // Thread: JavaScript's. Throws Napi::Error when descriptors or threads are exhausted.
  static std::unique_ptr<Wakeup> Start(Napi::Env env, int ring_fd, Napi::Function callback);
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

 private:
  explicit Wakeup(Napi::Env env) : env_(env) {}
  int Prepare(int ring_fd) noexcept;
  void Watch() noexcept;
  void Stop() noexcept;
  static void StopAtExit(void* self) noexcept;

  napi_env env_;
  Napi::ThreadSafeFunction call_;
  bool callable_ = false;
  int epoll_ = -1;
  int stop_ = -1;
  std::thread thread_;
};

}  // namespace undertrace

#endif  // UNDERTRACE_NATIVE_WAKEUP_H_
