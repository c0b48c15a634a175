// The module: Tracer, features(), replaceProcess(), clocks() and libbpfVersion. ../index.d.ts documents them.
#include <fcntl.h>
#include <malloc.h>
#include <napi.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "errors.h"
#include "features.h"
#include "tracer.h"

namespace undertrace {
namespace {

// Requests and compressed requests come and go by the hundred kilobytes, in all threads. glibc's malloc learns from that to keep such blocks in its
// heaps, which then never shrink: tens of MB. A fixed threshold gives each its own mapping, and the memory back; two heaps are enough for
// threads that mostly wait.
void TuneAllocator() noexcept {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  mallopt(M_ARENA_MAX, 2);
#endif
}

// execv(3): the process goes on as another program. Returns only to throw.
void ReplaceProcess(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsArray()) {
    throw Napi::TypeError::New(env, "replaceProcess(args: string[])");
  }
  Napi::Array given = info[0].As<Napi::Array>();
  std::vector<std::string> words;
  for (uint32_t i = 0; i < given.Length(); i++) words.push_back(given.Get(i).ToString().Utf8Value());
  if (words.empty()) throw Napi::TypeError::New(env, "replaceProcess needs the path of a program");
  std::vector<char*> args;
  for (std::string& word : words) args.push_back(word.data());
  args.push_back(nullptr);
  // Node marks its standard streams close-on-exec, so that children get only what they are given.
  for (int fd = 0; fd <= 2; fd++) fcntl(fd, F_SETFD, 0);
  // A profiler's signal that is on its way would end the new program, which does not expect it yet.
  struct sigaction ignore = {}, before;
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPROF, &ignore, &before);
  execv(args[0], args.data());
  int error = errno;
  sigaction(SIGPROF, &before, nullptr);
  throw SystemError(env, words[0], "execv", error);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  TuneAllocator();
  Warnings::Install();
  exports.Set("Tracer", Tracer::Define(env));
  exports.Set("features", Napi::Function::New<Features>(env, "features"));
  exports.Set("replaceProcess", Napi::Function::New<ReplaceProcess>(env, "replaceProcess"));
  exports.Set("clocks", Napi::Function::New<Clocks>(env, "clocks"));
  exports.Set("libbpfVersion", Napi::String::New(env, LIBBPF_VERSION));
  return exports;
}

}  // namespace
}  // namespace undertrace

static Napi::Object InitModule(Napi::Env env, Napi::Object exports) { return undertrace::Init(env, exports); }

NODE_API_MODULE(undertrace, InitModule)
