#include "wakeup.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "errors.h"

namespace undertrace {
namespace {

enum Source : uint32_t { kRing, kStop };

int Add(int epoll, int fd, uint32_t events, Source source) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? errno : 0;
}

}  // namespace

std::unique_ptr<Wakeup> Wakeup::Start(Napi::Env env, int ring_fd, Napi::Function callback) {
  std::unique_ptr<Wakeup> wakeup(new Wakeup(env));
  int error = wakeup->Prepare(ring_fd);
  if (error) throw SystemError(env, "onWakeup()", "epoll_ctl", error);

  wakeup->call_ = Napi::ThreadSafeFunction::New(env, callback, "undertrace.wakeup", 1, 1);
  wakeup->callable_ = true;
  wakeup->call_.Unref(env);
  // Hooks run last in, first out: this one before that of the thread-safe function, which must not end under the thread.
  napi_add_env_cleanup_hook(env, StopAtExit, wakeup.get());

  // Signals are for the threads of Node: what is blocked here stays blocked in the new thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    wakeup->thread_ = std::thread([raw = wakeup.get()]() noexcept { raw->Watch(); });
  } catch (const std::system_error& failure) {
    error = failure.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error) throw SystemError(env, "onWakeup()", "pthread_create", error);
  return wakeup;
}

int Wakeup::Prepare(int ring_fd) noexcept {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return errno;
  stop_ = eventfd(0, EFD_CLOEXEC);
  if (stop_ < 0) return errno;
  int error = Add(epoll_, stop_, EPOLLIN, kStop);
  return error ? error : Add(epoll_, ring_fd, EPOLLIN | EPOLLET, kRing);
}

void Wakeup::Watch() noexcept {
  for (;;) {
    epoll_event events[2];
    int count = epoll_wait(epoll_, events, 2, -1);
    if (count < 0 && errno != EINTR) return;
    for (int i = 0; i < count; ++i)
      if (events[i].data.u32 == kStop) return;
    // A full queue means that a call is on its way already.
    if (count > 0 && call_.NonBlockingCall() == napi_closing) return;
  }
}

void Wakeup::Stop() noexcept {
  if (thread_.joinable()) {
    uint64_t one = 1;
    while (write(stop_, &one, sizeof(one)) < 0 && errno == EINTR) continue;
    thread_.join();
  }
  if (callable_) {
    callable_ = false;
    call_.Abort();
  }
}

void Wakeup::StopAtExit(void* self) noexcept { static_cast<Wakeup*>(self)->Stop(); }

Wakeup::~Wakeup() {
  if (callable_) napi_remove_env_cleanup_hook(env_, StopAtExit, this);
  Stop();
  if (stop_ >= 0) close(stop_);
  if (epoll_ >= 0) close(epoll_);
}

}  // namespace undertrace
