// One eBPF object: open, configure, load, attach, drain, close.
#ifndef UNDERTRACE_NATIVE_TRACER_H_
#define UNDERTRACE_NATIVE_TRACER_H_

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <bpf/libbpf.h>

#include "ring.h"
#include "wakeup.h"

namespace undertrace {

// The class behind `Tracer` of index.d.ts, which documents every method.
//
// Thread: JavaScript's only, but for the thread that Wakeup owns. No policy: what to attach and what to do about a refusal is
// decided by the caller.
// Owns: everything in the kernel. Release() gives it back; close(), the destructor and a failed load() call it. A constructor
// that throws leaves nothing, since its members clean up after themselves.
// Throws: SystemError's for what libbpf and the kernel refuse, TypeError for wrong arguments and after close().
class Tracer : public Napi::ObjectWrap<Tracer> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Tracer(const Napi::CallbackInfo& info);
  ~Tracer() override { Release(); }

 private:
  struct Free {
    void operator()(bpf_object* object) const noexcept { bpf_object__close(object); }
    void operator()(bpf_link* link) const noexcept { bpf_link__destroy(link); }
  };
  // The entries of a map, one after the other.
  struct Dump {
    size_t count = 0;
    size_t key_size = 0;
    size_t value_size = 0;
    std::vector<uint8_t> keys;
    std::vector<uint8_t> values;
  };
  using Info = Napi::CallbackInfo;

  // tracer.cc: the object's life
  Napi::Value Programs(const Info& info);
  Napi::Value SetConstant(const Info& info);
  Napi::Value SetMaxEntries(const Info& info);
  Napi::Value DisableProgram(const Info& info);
  Napi::Value DisableMap(const Info& info);
  Napi::Value PinMap(const Info& info);
  Napi::Value Load(const Info& info);
  Napi::Value GetGlobal(const Info& info);
  Napi::Value SetGlobal(const Info& info);
  Napi::Value StructLayout(const Info& info);
  Napi::Value Close(const Info& info);

  // tracer_programs.cc: running them
  Napi::Value Attach(const Info& info);
  Napi::Value Detach(const Info& info);
  Napi::Value RunOnce(const Info& info);
  Napi::Value RunIterator(const Info& info);
  Napi::Value ProgramStats(const Info& info);
  Napi::Value HoldStats(const Info& info);

  // tracer_maps.cc: what they leave behind
  Napi::Value DrainRing(const Info& info);
  Napi::Value Pending(const Info& info);
  Napi::Value RingState(const Info& info);
  Napi::Value OnWakeup(const Info& info);
  Napi::Value SumPerCpuArray(const Info& info);
  Napi::Value Entries(const Info& info);
  Napi::Value DumpMap(const Info& info);
  Napi::Value Lookup(const Info& info);
  Napi::Value Update(const Info& info);
  Napi::Value Delete(const Info& info);
  Napi::Value MapInfo(const Info& info);

  // Each throws unless the Tracer is open, and in the state the caller names.
  bpf_object* Opened(Napi::Env env, const char* method) const;
  bpf_object* Unloaded(Napi::Env env, const char* method) const;
  bpf_object* Loaded(Napi::Env env, const char* method) const;

  // Each throws ENOENT for a name that the object does not have. The second form wants it in the kernel, too.
  bpf_program* FindProgram(Napi::Env env, bpf_object* object, const std::string& name) const;
  bpf_map* FindMap(Napi::Env env, bpf_object* object, const std::string& name) const;
  int ProgramFd(Napi::Env env, bpf_program* program) const;
  bpf_map* LiveMap(const Info& info, const char* method) const;

  Ring& OpenedRing(Napi::Env env, const char* method);
  bpf_map* RingMap(Napi::Env env, const char* method) const;
  uint8_t* Reserve(Napi::Env env, size_t bytes);
  Dump ReadAll(Napi::Env env, bpf_map* map) const;
  void Release() noexcept;

  std::unique_ptr<bpf_object, Free> object_;
  bool loaded_ = false;
  std::unordered_map<std::string, std::unique_ptr<bpf_link, Free>> links_;
  std::unique_ptr<Ring> ring_;
  std::unique_ptr<Wakeup> wakeup_;
  int stats_ = -1;
  // Memory that drain() hands out again and again. JavaScript owns it, so a Buffer outlives close().
  Napi::Reference<Napi::ArrayBuffer> batch_;
};

// Arguments, checked. `what` is the name in the error.
std::string TextArgument(const Napi::CallbackInfo& info, size_t index, const char* what);

// The bytes of a map's key, value and so on. Per-CPU maps carry a value for every possible CPU, each padded to 8 bytes.
size_t ValueBytes(const bpf_map* map);
bool IsPerCpu(const bpf_map* map);

}  // namespace undertrace

#endif  // UNDERTRACE_NATIVE_TRACER_H_
