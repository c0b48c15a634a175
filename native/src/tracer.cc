#include "tracer.h"

#include <bpf/btf.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "errors.h"
#include "variable.h"

namespace undertrace {
namespace {

constexpr char kObjectName[] = "undertrace";

// Members of anonymous structs and unions count as the outer struct's own, as they do in C.
void AddMembers(Napi::Env env, const btf* types, const btf_type* type, uint32_t base_bits, Napi::Object members) {
  const btf_member* member = btf_members(type);
  for (uint16_t i = 0; i < btf_vlen(type); ++i, ++member) {
    uint32_t bits = base_bits + btf_member_bit_offset(type, i);
    std::string name = btf__name_by_offset(types, member->name_off);
    const btf_type* inner = btf__type_by_id(types, member->type);
    if (name.empty() && btf_is_composite(inner)) {
      AddMembers(env, types, inner, bits, members);
      continue;
    }
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("offset", Napi::Number::New(env, bits / 8));
    entry.Set("size", Napi::Number::New(env, static_cast<double>(btf__resolve_size(types, member->type))));
    members.Set(name, entry);
  }
}

}  // namespace

std::string TextArgument(const Napi::CallbackInfo& info, size_t index, const char* what) {
  if (!info[index].IsString()) throw Napi::TypeError::New(info.Env(), std::string(what) + " must be a string");
  return info[index].As<Napi::String>().Utf8Value();
}

Napi::Function Tracer::Define(Napi::Env env) {
  return DefineClass(env, "Tracer",
                     {
                         InstanceAccessor<&Tracer::Programs>("programs", napi_enumerable),
                         InstanceMethod<&Tracer::SetConstant>("setConstant"),
                         InstanceMethod<&Tracer::SetMaxEntries>("setMaxEntries"),
                         InstanceMethod<&Tracer::DisableProgram>("disableProgram"),
                         InstanceMethod<&Tracer::DisableMap>("disableMap"),
                         InstanceMethod<&Tracer::PinMap>("pinMap"),
                         InstanceMethod<&Tracer::Load>("load"),
                         InstanceMethod<&Tracer::Attach>("attach"),
                         InstanceMethod<&Tracer::Detach>("detach"),
                         InstanceMethod<&Tracer::RunOnce>("runOnce"),
                         InstanceMethod<&Tracer::RunIterator>("runIterator"),
                         InstanceMethod<&Tracer::GetGlobal>("getGlobal"),
                         InstanceMethod<&Tracer::SetGlobal>("setGlobal"),
                         InstanceMethod<&Tracer::DrainRing>("drain"),
                         InstanceMethod<&Tracer::Pending>("pending"),
                         InstanceMethod<&Tracer::RingState>("ring"),
                         InstanceMethod<&Tracer::OnWakeup>("onWakeup"),
                         InstanceMethod<&Tracer::SumPerCpuArray>("sumPerCpuArray"),
                         InstanceMethod<&Tracer::Entries>("entries"),
                         InstanceMethod<&Tracer::DumpMap>("dump"),
                         InstanceMethod<&Tracer::Lookup>("lookup"),
                         InstanceMethod<&Tracer::Update>("update"),
                         InstanceMethod<&Tracer::Delete>("delete"),
                         InstanceMethod<&Tracer::MapInfo>("mapInfo"),
                         InstanceMethod<&Tracer::ProgramStats>("programStats"),
                         InstanceMethod<&Tracer::HoldStats>("holdStats"),
                         InstanceMethod<&Tracer::StructLayout>("structLayout"),
                         InstanceMethod<&Tracer::Close>("close"),
                     });
}

Tracer::Tracer(const Info& info) : Napi::ObjectWrap<Tracer>(info) {
  Napi::Env env = info.Env();
  if (!info[0].IsObject()) throw Napi::TypeError::New(env, "Tracer takes { object: path or bytes, btfPath? }");
  Napi::Object options = info[0].As<Napi::Object>();
  Napi::Value source = options.Get("object");
  Napi::Value btf_path = options.Get("btfPath");

  LIBBPF_OPTS(bpf_object_open_opts, opts);
  opts.object_name = kObjectName;
  std::string custom_btf;
  if (!btf_path.IsUndefined()) {
    if (!btf_path.IsString()) throw Napi::TypeError::New(env, "btfPath must be a string");
    custom_btf = btf_path.As<Napi::String>().Utf8Value();
    opts.btf_custom_path = custom_btf.c_str();
  }

  Warnings warnings;
  if (source.IsString()) {
    std::string path = source.As<Napi::String>().Utf8Value();
    object_.reset(bpf_object__open_file(path.c_str(), &opts));
    if (!object_) throw SystemError(env, "opening " + path, "bpf_object__open_file", errno, &warnings);
  } else if (source.IsTypedArray() && source.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    Napi::Uint8Array bytes = source.As<Napi::Uint8Array>();
    object_.reset(bpf_object__open_mem(bytes.Data(), bytes.ByteLength(), &opts));
    if (!object_) throw SystemError(env, "opening an object from memory", "bpf_object__open_mem", errno, &warnings);
  } else {
    throw Napi::TypeError::New(env, "object must be a path or a Uint8Array");
  }
}

void Tracer::Release() noexcept {
  Warnings quiet;
  wakeup_.reset();
  ring_.reset();
  links_.clear();
  object_.reset();
  if (stats_ >= 0) close(stats_);
  stats_ = -1;
  loaded_ = false;
}

bpf_object* Tracer::Opened(Napi::Env env, const char* method) const {
  if (!object_) throw Napi::TypeError::New(env, std::string(method) + "() on a closed Tracer");
  return object_.get();
}

bpf_object* Tracer::Unloaded(Napi::Env env, const char* method) const {
  bpf_object* object = Opened(env, method);
  if (loaded_) throw SystemError(env, std::string(method) + "() comes before load()", method, EBUSY);
  return object;
}

bpf_object* Tracer::Loaded(Napi::Env env, const char* method) const {
  bpf_object* object = Opened(env, method);
  if (!loaded_) throw SystemError(env, std::string(method) + "() comes after load()", method, EBADF);
  return object;
}

bpf_program* Tracer::FindProgram(Napi::Env env, bpf_object* object, const std::string& name) const {
  bpf_program* program = bpf_object__find_program_by_name(object, name.c_str());
  if (!program) throw SystemError(env, "no such program: " + name, "bpf_object__find_program_by_name", ENOENT);
  return program;
}

bpf_map* Tracer::FindMap(Napi::Env env, bpf_object* object, const std::string& name) const {
  bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
  if (!map) throw SystemError(env, "no such map: " + name, "bpf_object__find_map_by_name", ENOENT);
  return map;
}

Napi::Value Tracer::Programs(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Opened(env, "programs");
  Napi::Array names = Napi::Array::New(env);
  bpf_program* program;
  uint32_t count = 0;
  bpf_object__for_each_program(program, object) names.Set(count++, bpf_program__name(program));
  return names;
}

Napi::Value Tracer::SetConstant(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Unloaded(env, "setConstant");
  Variable::Find(env, object, TextArgument(info, 0, "name"), Variable::Section::kConstant).Write(env, info[1]);
  return env.Undefined();
}

Napi::Value Tracer::SetMaxEntries(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Unloaded(env, "setMaxEntries");
  std::string name = TextArgument(info, 0, "map");
  bpf_map* map = FindMap(env, object, name);
  double entries = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  if (!(entries >= 1 && entries <= UINT32_MAX)) throw Napi::TypeError::New(env, "entries must be a number from 1 to 2^32 - 1");
  Warnings warnings;
  int error = bpf_map__set_max_entries(map, static_cast<uint32_t>(entries));
  if (error) throw SystemError(env, "sizing map " + name, "bpf_map__set_max_entries", error, &warnings);
  return env.Undefined();
}

Napi::Value Tracer::DisableProgram(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Unloaded(env, "disableProgram");
  std::string name = TextArgument(info, 0, "program");
  int error = bpf_program__set_autoload(FindProgram(env, object, name), false);
  if (error) throw SystemError(env, "leaving out program " + name, "bpf_program__set_autoload", error);
  return env.Undefined();
}

Napi::Value Tracer::DisableMap(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Unloaded(env, "disableMap");
  std::string name = TextArgument(info, 0, "map");
  int error = bpf_map__set_autocreate(FindMap(env, object, name), false);
  if (error) throw SystemError(env, "leaving out map " + name, "bpf_map__set_autocreate", error);
  return env.Undefined();
}

Napi::Value Tracer::PinMap(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Unloaded(env, "pinMap");
  std::string name = TextArgument(info, 0, "map");
  std::string path = TextArgument(info, 1, "path");
  int error = bpf_map__set_pin_path(FindMap(env, object, name), path.c_str());
  if (error) throw SystemError(env, "pinning map " + name, "bpf_map__set_pin_path", error);
  return env.Undefined();
}

namespace {

// Keeps signals from this thread: the verifier gives up with EAGAIN where one is pending, and a profiler of the process sends thousands a second.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

// A load that failed leaves an object that libbpf cannot load again, so the Tracer closes. libbpf raises RLIMIT_MEMLOCK by itself
// where the kernel charges BPF memory to it (before 5.11).
Napi::Value Tracer::Load(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Unloaded(env, "load");
  Warnings warnings;
  int error;
  {
    SignalsHeld held;
    error = bpf_object__load(object);
  }
  if (error) {
    Release();
    throw SystemError(env, "loading into the kernel", "bpf_object__load", error, &warnings);
  }
  loaded_ = true;
  return env.Undefined();
}

Napi::Value Tracer::GetGlobal(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Loaded(env, "getGlobal");
  return Variable::Find(env, object, TextArgument(info, 0, "name"), Variable::Section::kGlobal).Read(env);
}

Napi::Value Tracer::SetGlobal(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Opened(env, "setGlobal");
  Variable::Find(env, object, TextArgument(info, 0, "name"), Variable::Section::kGlobal).Write(env, info[1]);
  return env.Undefined();
}

Napi::Value Tracer::StructLayout(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Opened(env, "structLayout");
  std::string name = TextArgument(info, 0, "name");
  const btf* types = bpf_object__btf(object);
  int id = types ? btf__find_by_name_kind(types, name.c_str(), BTF_KIND_STRUCT) : -ENOENT;
  if (id < 0) throw SystemError(env, "no such struct: " + name, "btf__find_by_name_kind", ENOENT);
  const btf_type* type = btf__type_by_id(types, static_cast<uint32_t>(id));
  Napi::Object layout = Napi::Object::New(env);
  Napi::Object members = Napi::Object::New(env);
  AddMembers(env, types, type, 0, members);
  layout.Set("size", Napi::Number::New(env, type->size));
  layout.Set("members", members);
  return layout;
}

Napi::Value Tracer::Close(const Info& info) {
  Release();
  return info.Env().Undefined();
}

}  // namespace undertrace
