#include "features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>

#include "errors.h"

namespace undertrace {
namespace {

struct FreeBtf {
  void operator()(btf* types) const noexcept { btf__free(types); }
};
using Types = std::shared_ptr<btf>;

// Raw tracepoint programs share the helpers of tp_btf programs, and can be probed without naming a kernel function.
bool HasHelper(enum bpf_func_id helper) { return libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, helper, nullptr) == 1; }

// A function of JavaScript that says whether the kernel's BTF has `prefix` + its argument.
Napi::Function Finder(Napi::Env env, const char* name, const Types& types, const char* prefix, uint32_t kind) {
  auto find = [types, prefix, kind](const Napi::CallbackInfo& info) -> Napi::Value {
    if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "name must be a string");
    std::string full = prefix + info[0].As<Napi::String>().Utf8Value();
    bool found = types && btf__find_by_name_kind(types.get(), full.c_str(), kind) > 0;
    return Napi::Boolean::New(info.Env(), found);
  };
  return Napi::Function::New(env, find, name);
}

uint64_t Now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

Napi::Value Features(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path;
  if (!info[0].IsUndefined()) {
    if (!info[0].IsString()) throw Napi::TypeError::New(env, "btfPath must be a string");
    path = info[0].As<Napi::String>().Utf8Value();
  }
  Warnings quiet;
  Types types(path.empty() ? btf__load_vmlinux_btf() : btf__parse(path.c_str(), nullptr), FreeBtf());

  Napi::Object result = Napi::Object::New(env);
  auto set = [&](const char* name, bool value) { result.Set(name, Napi::Boolean::New(env, value)); };
  set("ringbuf", libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) == 1);
  // The map type came in 5.11, its use outside LSM programs in 5.13 (a10787e6d58c): ask for the helper.
  set("taskStorage", HasHelper(BPF_FUNC_task_storage_get));
  set("bpfLoop", HasHelper(BPF_FUNC_loop));
  set("currentTaskBtf", HasHelper(BPF_FUNC_get_current_task_btf));
  set("btf", types != nullptr);
  // A tracepoint appears as the type of its probe function, which include/trace/bpf_probe.h names.
  result.Set("hasTracepoint", Finder(env, "hasTracepoint", types, "btf_trace_", BTF_KIND_TYPEDEF));
  result.Set("hasStruct", Finder(env, "hasStruct", types, "", BTF_KIND_STRUCT));
  result.Set("hasFunction", Finder(env, "hasFunction", types, "", BTF_KIND_FUNC));
  return result;
}

// The three do not move at the same rate in one instant that can be named, so the middle one is the one that is set by others:
// of a few tries, the one whose outer readings are nearest to each other counts.
Napi::Value Clocks(const Napi::CallbackInfo& info) {
  constexpr int kTries = 4;
  Napi::Env env = info.Env();
  uint64_t monotonic = 0, realtime = 0, boottime = 0, best = UINT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    uint64_t before = Now(CLOCK_MONOTONIC);
    uint64_t real = Now(CLOCK_REALTIME);
    uint64_t boot = Now(CLOCK_BOOTTIME);
    uint64_t after = Now(CLOCK_MONOTONIC);
    if (after - before >= best) continue;
    best = after - before;
    monotonic = before + best / 2;
    realtime = real;
    boottime = boot;
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("monotonic", Napi::BigInt::New(env, monotonic));
  result.Set("realtime", Napi::BigInt::New(env, realtime));
  result.Set("boottime", Napi::BigInt::New(env, boottime));
  return result;
}

}  // namespace undertrace
