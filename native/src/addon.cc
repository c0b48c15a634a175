// The module: Tracer, features(), clocks() and libbpfVersion. ../index.d.ts documents them.
#include <napi.h>

#include "errors.h"
#include "features.h"
#include "tracer.h"

namespace undertrace {
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
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
