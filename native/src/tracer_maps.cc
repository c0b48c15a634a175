// Tracer: the ring and the maps.
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "errors.h"
#include "tracer.h"

namespace undertrace {
namespace {

// The first size of drain()'s memory; it grows to what a drain needs.
constexpr size_t kBatchMin = 256 * 1024;
// Entries a batch call asks for.
constexpr uint32_t kEntriesStep = 4096;

// A Buffer over memory that JavaScript already holds: N-API can only make one that owns its memory.
Napi::Value BufferOver(Napi::Env env, Napi::ArrayBuffer memory, size_t offset, size_t length) {
  Napi::Object type = env.Global().Get("Buffer").As<Napi::Object>();
  return type.Get("from").As<Napi::Function>().Call(
      type, {memory, Napi::Number::New(env, static_cast<double>(offset)), Napi::Number::New(env, static_cast<double>(length))});
}

Napi::Value BufferOf(Napi::Env env, const std::vector<uint8_t>& bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
}

// An argument's bytes, which must be exactly `size`. The pointer lives as long as the argument.
uint8_t* Bytes(const Napi::CallbackInfo& info, size_t index, size_t size, const char* what) {
  if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw Napi::TypeError::New(info.Env(), std::string(what) + " must be a Uint8Array");
  Napi::Uint8Array bytes = info[index].As<Napi::Uint8Array>();
  if (bytes.ByteLength() != size) {
    std::string sizes = std::to_string(size) + " bytes, not " + std::to_string(bytes.ByteLength());
    throw Napi::TypeError::New(info.Env(), std::string(what) + " must have " + sizes);
  }
  return bytes.Data();
}

// The kernel's own account of a map's memory; 0 where it does not give one.
double MemoryOf(int fd) {
  std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
  FILE* file = fopen(path.c_str(), "re");
  if (!file) return 0;
  char line[128];
  unsigned long long bytes = 0;
  while (fgets(line, sizeof(line), file))
    if (sscanf(line, "memlock: %llu", &bytes) == 1) break;
  fclose(file);
  return static_cast<double>(bytes);
}

}  // namespace

bool IsPerCpu(const bpf_map* map) {
  switch (bpf_map__type(map)) {
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return true;
    default:
      return false;
  }
}

size_t ValueBytes(const bpf_map* map) {
  size_t size = bpf_map__value_size(map);
  if (!IsPerCpu(map)) return size;
  int cpus = libbpf_num_possible_cpus();
  return ((size + 7) & ~size_t{7}) * static_cast<size_t>(std::max(cpus, 1));
}

bpf_map* Tracer::LiveMap(const Info& info, const char* method) const {
  Napi::Env env = info.Env();
  bpf_object* object = Loaded(env, method);
  std::string name = TextArgument(info, 0, "map");
  bpf_map* map = FindMap(env, object, name);
  // libbpf gives what it did not create a descriptor of something else, to hold the place.
  if (!bpf_map__autocreate(map)) throw SystemError(env, name + " was left out of the load", "bpf_map__fd", EBADF);
  return map;
}

bpf_map* Tracer::RingMap(Napi::Env env, const char* method) const {
  bpf_object* object = Loaded(env, method);
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF && bpf_map__autocreate(map)) return map;
  }
  throw SystemError(env, "the object has no ring buffer", method, ENOENT);
}

Ring& Tracer::OpenedRing(Napi::Env env, const char* method) {
  if (!ring_ || !loaded_) {
    bpf_map* map = RingMap(env, method);
    int error = 0;
    ring_ = Ring::Open(bpf_map__fd(map), bpf_map__max_entries(map), &error);
    if (!ring_) throw SystemError(env, "mapping the ring", "mmap", error);
  }
  return *ring_;
}

// drain()'s memory with room for `bytes`. Grown by doubling; a Buffer over the older memory keeps that alive and unchanged.
uint8_t* Tracer::Reserve(Napi::Env env, size_t bytes) {
  size_t had = 0;
  if (!batch_.IsEmpty()) {
    Napi::ArrayBuffer memory = batch_.Value();
    had = memory.ByteLength();  // 0 once JavaScript has transferred it away
    if (had >= bytes && had > 0) return static_cast<uint8_t*>(memory.Data());
  }
  size_t size = kBatchMin;
  while (size < bytes) size *= 2;
  Napi::ArrayBuffer memory = Napi::ArrayBuffer::New(env, size);
  batch_ = Napi::Persistent(memory);
  return static_cast<uint8_t*>(memory.Data());
}

// Cost: a memcpy a record and one Buffer object a call.
Napi::Value Tracer::DrainRing(const Info& info) {
  Napi::Env env = info.Env();
  Ring& ring = OpenedRing(env, "drain");
  size_t limit = ring.size();
  if (!info[0].IsUndefined()) {
    double asked = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
    if (!(asked >= 1)) throw Napi::TypeError::New(env, "maxBytes must be a positive number");
    limit = static_cast<size_t>(std::min(asked, static_cast<double>(limit)));
  }
  size_t room = std::min(limit, ring.Used());
  size_t needed = 0;
  size_t written = ring.Drain(Reserve(env, room), room, &needed);
  // A limit below the size of one record would stall the ring for ever: one record always goes.
  if (written == 0 && needed > 0) written = ring.Drain(Reserve(env, needed), needed, &needed);
  return BufferOver(env, batch_.Value(), 0, written);
}

Napi::Value Tracer::Pending(const Info& info) {
  Napi::Env env = info.Env();
  Ring& ring = OpenedRing(env, "pending");
  uint64_t used = ring.Used();
  if (!info[0].IsUndefined()) {
    double asked = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
    if (!(asked >= 0)) throw Napi::TypeError::New(env, "used must be a number of bytes");
    used = static_cast<uint64_t>(std::min(asked, static_cast<double>(used)));
  }
  Ring::Content content = ring.Pending(used);
  Napi::Object result = Napi::Object::New(env);
  result.Set("records", Napi::Number::New(env, static_cast<double>(content.records)));
  result.Set("bytes", Napi::Number::New(env, static_cast<double>(content.bytes)));
  return result;
}

Napi::Value Tracer::RingState(const Info& info) {
  Napi::Env env = info.Env();
  Ring& ring = OpenedRing(env, "ring");
  Napi::Object result = Napi::Object::New(env);
  result.Set("size", Napi::Number::New(env, static_cast<double>(ring.size())));
  result.Set("consumed", Napi::Number::New(env, static_cast<double>(ring.Consumed())));
  result.Set("used", Napi::Number::New(env, static_cast<double>(ring.Used())));
  result.Set("invalid", Napi::Number::New(env, static_cast<double>(ring.invalid())));
  return result;
}

Napi::Value Tracer::OnWakeup(const Info& info) {
  Napi::Env env = info.Env();
  int fd = bpf_map__fd(RingMap(env, "onWakeup"));
  if (!info[0].IsFunction()) throw Napi::TypeError::New(env, "callback must be a function");
  wakeup_.reset();
  wakeup_ = Wakeup::Start(env, fd, info[0].As<Napi::Function>());
  return env.Undefined();
}

Napi::Value Tracer::SumPerCpuArray(const Info& info) {
  Napi::Env env = info.Env();
  bpf_map* map = LiveMap(info, "sumPerCpuArray");
  if (bpf_map__type(map) != BPF_MAP_TYPE_PERCPU_ARRAY || bpf_map__value_size(map) % sizeof(uint64_t))
    throw SystemError(env, std::string(bpf_map__name(map)) + " is not a per-CPU array of 64-bit values", "sumPerCpuArray", EINVAL);
  uint32_t entries = bpf_map__max_entries(map);
  size_t width = bpf_map__value_size(map) / sizeof(uint64_t);
  std::vector<uint64_t> values(ValueBytes(map) / sizeof(uint64_t));
  Napi::ArrayBuffer memory = Napi::ArrayBuffer::New(env, entries * width * sizeof(uint64_t));
  auto* sums = static_cast<uint64_t*>(memory.Data());
  for (uint32_t key = 0; key < entries; ++key) {
    int error = bpf_map_lookup_elem(bpf_map__fd(map), &key, values.data());
    if (error) throw SystemError(env, std::string("reading ") + bpf_map__name(map), "bpf_map_lookup_elem", error);
    uint64_t* sum = sums + key * width;
    std::fill_n(sum, width, 0);
    for (size_t i = 0; i < values.size(); ++i) sum[i % width] += values[i];
  }
  return Napi::BigUint64Array::New(env, entries * width, memory, 0, napi_biguint64_array);
}

// Batches walk a hash bucket by bucket, so an entry deleted meanwhile cannot throw the walk back to its start, as it does with
// get_next_key. Array-like maps have a fixed order and no such trouble; some kernels have batches for hashes only.
Tracer::Dump Tracer::ReadAll(Napi::Env env, bpf_map* map) const {
  int fd = bpf_map__fd(map);
  Dump dump;
  dump.key_size = bpf_map__key_size(map);
  dump.value_size = ValueBytes(map);
  uint32_t step = std::min(kEntriesStep, std::max(bpf_map__max_entries(map), 1u));
  std::vector<uint8_t> cursor(std::max<size_t>(dump.key_size, sizeof(uint64_t)));
  LIBBPF_OPTS(bpf_map_batch_opts, opts);
  for (bool first = true;;) {
    dump.keys.resize((dump.count + step) * dump.key_size);
    dump.values.resize((dump.count + step) * dump.value_size);
    uint32_t count = step;
    int error = bpf_map_lookup_batch(fd, first ? nullptr : cursor.data(), cursor.data(), dump.keys.data() + dump.count * dump.key_size,
                                     dump.values.data() + dump.count * dump.value_size, &count, &opts);
    if (error == -ENOSPC) {  // a bucket that is longer than the step
      step *= 2;
      continue;
    }
    if (error && error != -ENOENT && first) break;
    if (error && error != -ENOENT) throw SystemError(env, std::string("reading ") + bpf_map__name(map), "bpf_map_lookup_batch", error);
    dump.count += count;
    first = false;
    if (error == -ENOENT) {
      dump.keys.resize(dump.count * dump.key_size);
      dump.values.resize(dump.count * dump.value_size);
      return dump;
    }
  }

  dump.keys.clear();
  dump.values.clear();
  std::vector<uint8_t> key(dump.key_size), next(dump.key_size), value(dump.value_size);
  const void* previous = nullptr;
  // The bound ends a walk that deletions keep throwing back.
  for (uint32_t left = bpf_map__max_entries(map); left > 0; --left) {
    int error = bpf_map_get_next_key(fd, previous, next.data());
    if (error == -ENOENT) break;
    if (error) throw SystemError(env, std::string("reading ") + bpf_map__name(map), "bpf_map_get_next_key", error);
    key = next;
    previous = key.data();
    error = bpf_map_lookup_elem(fd, key.data(), value.data());
    if (error == -ENOENT) continue;
    if (error) throw SystemError(env, std::string("reading ") + bpf_map__name(map), "bpf_map_lookup_elem", error);
    dump.keys.insert(dump.keys.end(), key.begin(), key.end());
    dump.values.insert(dump.values.end(), value.begin(), value.end());
    ++dump.count;
  }
  return dump;
}

Napi::Value Tracer::DumpMap(const Info& info) {
  Napi::Env env = info.Env();
  Dump dump = ReadAll(env, LiveMap(info, "dump"));
  Napi::Object result = Napi::Object::New(env);
  result.Set("count", Napi::Number::New(env, static_cast<double>(dump.count)));
  result.Set("keySize", Napi::Number::New(env, static_cast<double>(dump.key_size)));
  result.Set("valueSize", Napi::Number::New(env, static_cast<double>(dump.value_size)));
  result.Set("keys", BufferOf(env, dump.keys));
  result.Set("values", BufferOf(env, dump.values));
  return result;
}

Napi::Value Tracer::Entries(const Info& info) {
  Napi::Env env = info.Env();
  Dump dump = ReadAll(env, LiveMap(info, "entries"));
  Napi::Array entries = Napi::Array::New(env, dump.count);
  for (size_t i = 0; i < dump.count; ++i) {
    Napi::HandleScope scope(env);
    Napi::Array pair = Napi::Array::New(env, 2);
    pair.Set(0u, Napi::Buffer<uint8_t>::Copy(env, dump.keys.data() + i * dump.key_size, dump.key_size));
    pair.Set(1u, Napi::Buffer<uint8_t>::Copy(env, dump.values.data() + i * dump.value_size, dump.value_size));
    entries.Set(static_cast<uint32_t>(i), pair);
  }
  return entries;
}

Napi::Value Tracer::Lookup(const Info& info) {
  Napi::Env env = info.Env();
  bpf_map* map = LiveMap(info, "lookup");
  uint8_t* key = Bytes(info, 1, bpf_map__key_size(map), "key");
  std::vector<uint8_t> value(ValueBytes(map));
  int error = bpf_map_lookup_elem(bpf_map__fd(map), key, value.data());
  if (error == -ENOENT) return env.Undefined();
  if (error) throw SystemError(env, std::string("reading ") + bpf_map__name(map), "bpf_map_lookup_elem", error);
  return BufferOf(env, value);
}

Napi::Value Tracer::Update(const Info& info) {
  Napi::Env env = info.Env();
  bpf_map* map = LiveMap(info, "update");
  uint8_t* key = Bytes(info, 1, bpf_map__key_size(map), "key");
  uint8_t* value = Bytes(info, 2, ValueBytes(map), "value");
  int error = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);
  if (error) throw SystemError(env, std::string("writing to ") + bpf_map__name(map), "bpf_map_update_elem", error);
  return env.Undefined();
}

Napi::Value Tracer::Delete(const Info& info) {
  Napi::Env env = info.Env();
  bpf_map* map = LiveMap(info, "delete");
  uint8_t* key = Bytes(info, 1, bpf_map__key_size(map), "key");
  int error = bpf_map_delete_elem(bpf_map__fd(map), key);
  if (error && error != -ENOENT)
    throw SystemError(env, std::string("deleting from ") + bpf_map__name(map), "bpf_map_delete_elem", error);
  return Napi::Boolean::New(env, error == 0);
}

Napi::Value Tracer::MapInfo(const Info& info) {
  Napi::Env env = info.Env();
  bpf_map* map = LiveMap(info, "mapInfo");
  Napi::Object result = Napi::Object::New(env);
  const char* type = libbpf_bpf_map_type_str(bpf_map__type(map));
  result.Set("type", type ? type : "unknown");
  result.Set("maxEntries", Napi::Number::New(env, bpf_map__max_entries(map)));
  result.Set("keySize", Napi::Number::New(env, bpf_map__key_size(map)));
  result.Set("valueSize", Napi::Number::New(env, bpf_map__value_size(map)));
  result.Set("bytes", Napi::Number::New(env, MemoryOf(bpf_map__fd(map))));
  return result;
}

}  // namespace undertrace
