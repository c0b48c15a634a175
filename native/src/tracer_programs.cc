// Tracer: attaching and running programs.
#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>

#include "errors.h"
#include "tracer.h"

namespace undertrace {
namespace {

// MAX_BPF_FUNC_ARGS of the kernel: what BPF_PROG_TEST_RUN of a raw tracepoint takes.
constexpr uint32_t kArgumentsMax = 12;
constexpr size_t kReadStep = 64 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

uint64_t ToWord(Napi::Env env, const Napi::Value& value) {
  bool lossless;
  if (value.IsBigInt()) return value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (value.IsNumber()) return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
  throw Napi::TypeError::New(env, "arguments must be numbers or bigints");
}

}  // namespace

int Tracer::ProgramFd(Napi::Env env, bpf_program* program) const {
  int fd = bpf_program__fd(program);
  if (fd < 0) throw SystemError(env, std::string(bpf_program__name(program)) + " was left out of the load", "bpf_program__fd", EBADF);
  return fd;
}

Napi::Value Tracer::Attach(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Loaded(env, "attach");
  std::string name = TextArgument(info, 0, "program");
  bpf_program* program = FindProgram(env, object, name);
  ProgramFd(env, program);
  if (links_.count(name)) throw SystemError(env, name + " is attached already", "bpf_program__attach", EEXIST);
  Warnings warnings;
  std::unique_ptr<bpf_link, Free> link(bpf_program__attach(program));
  if (!link) throw SystemError(env, "attaching " + name, "bpf_program__attach", errno, &warnings);
  links_.emplace(std::move(name), std::move(link));
  return env.Undefined();
}

Napi::Value Tracer::Detach(const Info& info) {
  Napi::Env env = info.Env();
  Loaded(env, "detach");
  std::string name = TextArgument(info, 0, "program");
  if (links_.erase(name) == 0) throw SystemError(env, name + " is not attached", "bpf_link__destroy", ENOENT);
  return env.Undefined();
}

// Runs on this CPU and returns when the program has, so its stores are visible afterwards.
Napi::Value Tracer::RunOnce(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Loaded(env, "runOnce");
  std::string name = TextArgument(info, 0, "program");
  int fd = ProgramFd(env, FindProgram(env, object, name));

  uint64_t words[kArgumentsMax] = {};
  LIBBPF_OPTS(bpf_test_run_opts, opts);
  if (!info[1].IsUndefined()) {
    if (!info[1].IsArray()) throw Napi::TypeError::New(env, "arguments must be an array");
    Napi::Array given = info[1].As<Napi::Array>();
    if (given.Length() > kArgumentsMax) throw Napi::TypeError::New(env, "at most 12 arguments");
    for (uint32_t i = 0; i < given.Length(); ++i) words[i] = ToWord(env, given.Get(i));
    opts.ctx_in = words;
    opts.ctx_size_in = given.Length() * sizeof(words[0]);
  }
  Warnings warnings;
  int error = bpf_prog_test_run_opts(fd, &opts);
  if (error) throw SystemError(env, "running " + name, "bpf_prog_test_run_opts", error, &warnings);
  return Napi::Number::New(env, opts.retval);
}

// Blocks JavaScript until the iterator has seen everything: about 1 us an object.
Napi::Value Tracer::RunIterator(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Loaded(env, "runIterator");
  std::string name = TextArgument(info, 0, "program");
  bpf_program* program = FindProgram(env, object, name);
  ProgramFd(env, program);

  Warnings warnings;
  std::unique_ptr<bpf_link, Free> link(bpf_program__attach_iter(program, nullptr));
  if (!link) throw SystemError(env, "attaching " + name, "bpf_program__attach_iter", errno, &warnings);
  Descriptor iterator(bpf_iter_create(bpf_link__fd(link.get())));
  if (iterator.get() < 0) throw SystemError(env, "running " + name, "bpf_iter_create", iterator.get(), &warnings);

  std::vector<uint8_t> text;
  for (;;) {
    size_t size = text.size();
    text.resize(size + kReadStep);
    ssize_t got = read(iterator.get(), text.data() + size, kReadStep);
    int error = got < 0 ? errno : 0;
    text.resize(size + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0) break;
    // EAGAIN: the kernel rests after a million objects without output.
    if (got < 0 && error != EAGAIN && error != EINTR) throw SystemError(env, "reading " + name, "read", error);
  }
  return Napi::Buffer<uint8_t>::Copy(env, text.data(), text.size());
}

Napi::Value Tracer::ProgramStats(const Info& info) {
  Napi::Env env = info.Env();
  bpf_object* object = Loaded(env, "programStats");
  Napi::Array all = Napi::Array::New(env);
  uint32_t count = 0;
  bpf_program* program;
  bpf_object__for_each_program(program, object) {
    int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    bpf_prog_info stats{};
    uint32_t size = sizeof(stats);
    int error = bpf_prog_get_info_by_fd(fd, &stats, &size);
    std::string name = bpf_program__name(program);
    if (error) throw SystemError(env, "statistics of " + name, "bpf_prog_get_info_by_fd", error);
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", name);
    entry.Set("id", Napi::Number::New(env, stats.id));
    entry.Set("attached", Napi::Boolean::New(env, links_.count(name) != 0));
    entry.Set("runTimeNs", Napi::Number::New(env, static_cast<double>(stats.run_time_ns)));
    entry.Set("runCount", Napi::Number::New(env, static_cast<double>(stats.run_cnt)));
    entry.Set("recursionMisses", Napi::Number::New(env, static_cast<double>(stats.recursion_misses)));
    all.Set(count++, entry);
  }
  return all;
}

// The kernel counts holders: the switch goes off with the last descriptor.
Napi::Value Tracer::HoldStats(const Info& info) {
  Napi::Env env = info.Env();
  Opened(env, "holdStats");
  bool on = info[0].ToBoolean();
  if (on && stats_ < 0) {
    int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (fd < 0) throw SystemError(env, "switching statistics on", "bpf_enable_stats", fd);
    stats_ = fd;
  }
  if (!on && stats_ >= 0) {
    close(stats_);
    stats_ = -1;
  }
  return env.Undefined();
}

}  // namespace undertrace
