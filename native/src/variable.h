// Global variables of a BPF object, found by name through its BTF.
#ifndef UNDERTRACE_NATIVE_VARIABLE_H_
#define UNDERTRACE_NATIVE_VARIABLE_H_

#include <napi.h>

#include <cstdint>
#include <string>

#include <bpf/libbpf.h>

namespace undertrace {

// An integer, boolean or enum in .rodata, .data or .bss, or one element ("name[3]") of an array of them.
//
// Thread: JavaScript's. Owns nothing: `at` points into libbpf's copy of the section and lives as long as the object. After the load
// that copy is the kernel's own page, so a store is seen by programs at once; single stores are not torn.
class Variable {
 public:
  enum class Section { kConstant, kGlobal };

  // Throws Error ENOENT (no such variable in the section), ERANGE (index) or EINVAL (a type that is not an integer).
  static Variable Find(Napi::Env env, bpf_object* object, const std::string& name, Section section);

  // Throws TypeError for what is neither number nor bigint, Error ERANGE for what the type cannot hold.
  void Write(Napi::Env env, Napi::Value value) const;
  Napi::BigInt Read(Napi::Env env) const;

 private:
  Variable(std::string name, uint8_t* at, uint32_t size, bool is_signed, bool is_bool)
      : name_(std::move(name)), at_(at), size_(size), signed_(is_signed), bool_(is_bool) {}

  std::string name_;
  uint8_t* at_;
  uint32_t size_;
  bool signed_;
  bool bool_;
};

}  // namespace undertrace

#endif  // UNDERTRACE_NATIVE_VARIABLE_H_
