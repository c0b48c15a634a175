#include "errors.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace undertrace {
namespace {

constexpr size_t kLineMax = 128 * 1024;
constexpr size_t kLinesMax = 256 * 1024;
constexpr size_t kTextMax = 64 * 1024;

thread_local Warnings* collector = nullptr;

bool StartsWith(const std::string& text, const char* prefix) {
  return text.compare(0, std::strlen(prefix), prefix) == 0;
}

// Lines that only repeat the outcome, or carry the verifier's log, which has a place of its own and may have lost its beginning.
bool SaysLittle(const std::string& line) {
  return line.empty() || StartsWith(line, "failed to load object") || line.find("': failed to load: -") != std::string::npos ||
         line.find("-- END PROG LOAD LOG --") != std::string::npos;
}

struct Name {
  int number;
  const char* name;
};

// What bpf(2), perf_event_open(2), mmap(2), epoll(7) and libbpf return. glibc's strerrorname_np is not in every libc.
constexpr Name kNames[] = {
    {EPERM, "EPERM"},           {ENOENT, "ENOENT"},         {ESRCH, "ESRCH"},           {EINTR, "EINTR"},
    {EIO, "EIO"},               {E2BIG, "E2BIG"},           {ENOEXEC, "ENOEXEC"},       {EBADF, "EBADF"},
    {EAGAIN, "EAGAIN"},         {ENOMEM, "ENOMEM"},         {EACCES, "EACCES"},         {EFAULT, "EFAULT"},
    {EBUSY, "EBUSY"},           {EEXIST, "EEXIST"},         {EXDEV, "EXDEV"},           {ENODEV, "ENODEV"},
    {ENOTDIR, "ENOTDIR"},       {EISDIR, "EISDIR"},         {EINVAL, "EINVAL"},         {ENFILE, "ENFILE"},
    {EMFILE, "EMFILE"},         {EFBIG, "EFBIG"},           {ENOSPC, "ENOSPC"},         {EROFS, "EROFS"},
    {EPIPE, "EPIPE"},           {EDOM, "EDOM"},             {ERANGE, "ERANGE"},         {EDEADLK, "EDEADLK"},
    {ENAMETOOLONG, "ENAMETOOLONG"}, {ENOSYS, "ENOSYS"},     {ELOOP, "ELOOP"},           {ENODATA, "ENODATA"},
    {EPROTO, "EPROTO"},         {EBADMSG, "EBADMSG"},       {EOVERFLOW, "EOVERFLOW"},   {EILSEQ, "EILSEQ"},
    {EOPNOTSUPP, "EOPNOTSUPP"}, {ENOBUFS, "ENOBUFS"},       {ETIMEDOUT, "ETIMEDOUT"},   {EALREADY, "EALREADY"},
    {EINPROGRESS, "EINPROGRESS"}, {ESTALE, "ESTALE"},       {ECANCELED, "ECANCELED"},   {EKEYREJECTED, "EKEYREJECTED"},
    {524, "ENOTSUPP"},  // the kernel's own; leaks out of bpf(2)
};

}  // namespace

Warnings::Warnings() noexcept : outer_(collector) { collector = this; }

Warnings::~Warnings() { collector = outer_; }

void Warnings::Install() noexcept { libbpf_set_print(Print); }

// Called by libbpf in the middle of C frames, so nothing may be thrown from here: a line that finds no memory is left out.
int Warnings::Print(enum libbpf_print_level level, const char* format, va_list args) noexcept {
  if (!collector || level != LIBBPF_WARN) return 0;
  char* text = nullptr;
  int length = vasprintf(&text, format, args);
  if (length < 0) return 0;
  try {
    size_t size = static_cast<size_t>(length);
    size_t from = size > kLineMax ? size - kLineMax : 0;
    collector->Keep(std::string(text + from, size - from));
  } catch (...) {
    length = 0;
  }
  std::free(text);
  return length;
}

void Warnings::Keep(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  if (StartsWith(line, "libbpf: ")) line.erase(0, 8);
  bytes_ += line.size();
  lines_.push_back(std::move(line));
  while (bytes_ > kLinesMax && lines_.size() > 1) {
    bytes_ -= lines_.front().size();
    lines_.erase(lines_.begin());
  }
}

std::string Warnings::Last() const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
    if (!SaysLittle(*line)) return *line;
  return std::string();
}

std::string Warnings::Text() const {
  std::string text;
  for (const std::string& line : lines_) text += line + '\n';
  return text.size() > kTextMax ? text.substr(text.size() - kTextMax) : text;
}

namespace {

// libbpf has numbers of its own from 4000 on, for files it cannot make sense of.
int ToErrno(int number) {
  if (number < __LIBBPF_ERRNO__START) return number;
  return number <= LIBBPF_ERRNO__ENDIAN ? ENOEXEC : EINVAL;
}

}  // namespace

std::string ErrnoName(int number) {
  for (const Name& known : kNames)
    if (known.number == number) return known.name;
  return "E" + std::to_string(number);
}

Napi::Error SystemError(Napi::Env env, const std::string& what, const char* syscall, int error, const Warnings* warnings) {
  char reason[128];
  libbpf_strerror(std::abs(error), reason, sizeof(reason));
  int number = ToErrno(std::abs(error));
  std::string code = ErrnoName(number);
  std::string message = what + ": " + reason + " (" + code + ")";
  std::string last = warnings ? warnings->Last() : std::string();
  if (!last.empty()) message += ": " + last;

  Napi::Error made = Napi::Error::New(env, message);
  made.Set("code", Napi::String::New(env, code));
  made.Set("errno", Napi::Number::New(env, number));
  made.Set("syscall", Napi::String::New(env, syscall));
  std::string log = warnings ? warnings->Text() : std::string();
  // Not enumerable: who prints the error does not want a megabyte of registers.
  if (!log.empty())
    made.Value().DefineProperty(Napi::PropertyDescriptor::Value("log", Napi::String::New(env, log), napi_writable));
  return made;
}

}  // namespace undertrace
