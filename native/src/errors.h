// libbpf's errno values and warnings, turned into JavaScript errors.
#ifndef UNDERTRACE_NATIVE_ERRORS_H_
#define UNDERTRACE_NATIVE_ERRORS_H_

#include <napi.h>

#include <cstdarg>
#include <string>
#include <vector>

#include <bpf/libbpf.h>

namespace undertrace {

// What libbpf warns about on this thread while the object lives. Nothing is ever printed.
//
// One is made at the head of every call into libbpf that can fail. They may nest; the innermost collects. The text kept is
// bounded, since a verifier's log may run to megabytes and only its end names the fault.
class Warnings {
 public:
  Warnings() noexcept;
  ~Warnings();
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;

  // Points libbpf at the collector. Process-wide, but this copy of libbpf is the addon's own. Call once, at module load.
  static void Install() noexcept;

  // The last line that says more than "loading failed", without libbpf's prefix; empty if there is none.
  std::string Last() const;
  // All of it, cut to its last 64 KiB.
  std::string Text() const;

 private:
  static int Print(enum libbpf_print_level level, const char* format, va_list args) noexcept;
  void Keep(std::string line);

  std::vector<std::string> lines_;
  size_t bytes_ = 0;
  Warnings* outer_;
};

// The name of a positive errno value, such as "EPERM"; "E<number>" for one that is not known.
std::string ErrnoName(int number);

// Error with `code`, `errno`, `syscall` and, where libbpf said anything, `log`. `error` is an errno of either sign.
// `what` names the object at hand; the message reads "<what>: <strerror> (<code>): <last warning>".
Napi::Error SystemError(Napi::Env env, const std::string& what, const char* syscall, int error,
                        const Warnings* warnings = nullptr);

}  // namespace undertrace

#endif  // UNDERTRACE_NATIVE_ERRORS_H_
