// The module: Tracer, features(), clocks() and libbpfVersion. ../index.d.ts documents them.
#include <malloc.h>
#include <napi.h>

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

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  TuneAllocator();
  Warnings::Install();
  exports.Set("Tracer", Tracer::Define(env));
  exports.Set("features", Napi::Function::New<Features>(env, "features"));
  exports.Set("clocks", Napi::Function::New<Clocks>(env, "clocks"));
  exports.Set("libbpfVersion", Napi::String::New(env, LIBBPF_VERSION));
  return exports;
}

}  // namespace
}  // namespace undertrace

static Napi::Object InitModule(Napi::Env env, Napi::Object exports) { return undertrace::Init(env, exports); }

NODE_API_MODULE(undertrace, InitModule)
