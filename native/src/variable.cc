#include "variable.h"

#include <bpf/btf.h>

#include <cerrno>
#include <cmath>

#include "errors.h"

namespace undertrace {
namespace {

// Wide enough for every value of every 64-bit type.
__extension__ typedef __int128 Wide;

constexpr double kSafe = 9007199254740991.0;

struct Place {
  bpf_map* map = nullptr;
  uint32_t offset = 0;
  uint32_t type = 0;
};

bool Belongs(const std::string& section, Variable::Section wanted) {
  if (wanted == Variable::Section::kConstant) return section.rfind(".rodata", 0) == 0;
  return section.rfind(".data", 0) == 0 || section.rfind(".bss", 0) == 0;
}

// The sections' own BTF types list their variables with offsets, which libbpf has filled in when it opened the file.
Place FindPlace(bpf_object* object, const std::string& name, Variable::Section wanted) {
  const btf* types = bpf_object__btf(object);
  uint32_t count = types ? btf__type_cnt(types) : 0;
  for (uint32_t id = 1; id < count; ++id) {
    const btf_type* section = btf__type_by_id(types, id);
    if (!btf_is_datasec(section)) continue;
    std::string section_name = btf__name_by_offset(types, section->name_off);
    if (!Belongs(section_name, wanted)) continue;
    const btf_var_secinfo* entry = btf_var_secinfos(section);
    for (uint16_t i = 0; i < btf_vlen(section); ++i, ++entry) {
      const btf_type* variable = btf__type_by_id(types, entry->type);
      if (name != btf__name_by_offset(types, variable->name_off)) continue;
      return {bpf_object__find_map_by_name(object, section_name.c_str()), entry->offset, variable->type};
    }
  }
  return {};
}

const btf_type* Resolve(const btf* types, uint32_t id) {
  const btf_type* type = btf__type_by_id(types, id);
  while (type && (btf_is_mod(type) || btf_is_typedef(type))) type = btf__type_by_id(types, type->type);
  return type;
}

bool IsInteger(const btf_type* type) { return type && (btf_is_int(type) || btf_is_any_enum(type)); }

bool IsSigned(const btf_type* type) {
  return btf_is_int(type) ? (btf_int_encoding(type) & BTF_INT_SIGNED) != 0 : btf_kflag(type);
}

bool IsBool(const btf_type* type) { return btf_is_int(type) && (btf_int_encoding(type) & BTF_INT_BOOL) != 0; }

// "name[3]" -> "name" and 3; false when what stands in brackets is not an index.
bool SplitIndex(const std::string& text, std::string* name, int64_t* index) {
  size_t open = text.find('[');
  *name = text.substr(0, open);
  *index = -1;
  if (open == std::string::npos) return true;
  std::string digits = text.substr(open + 1, text.size() - open - 2);
  if (text.back() != ']' || digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos)
    return false;
  *index = std::stol(digits);
  return true;
}

Wide ToWide(Napi::Env env, const std::string& name, const Napi::Value& value) {
  if (value.IsNumber()) {
    double number = value.As<Napi::Number>().DoubleValue();
    if (std::trunc(number) != number || std::fabs(number) > kSafe)
      throw SystemError(env, name + " takes whole numbers; above 2^53 a bigint", "setGlobal", ERANGE);
    return static_cast<Wide>(number);
  }
  if (!value.IsBigInt()) throw Napi::TypeError::New(env, name + " takes a number or a bigint");
  bool lossless = false;
  Napi::BigInt big = value.As<Napi::BigInt>();
  int64_t small = big.Int64Value(&lossless);
  if (lossless) return small;
  uint64_t large = big.Uint64Value(&lossless);
  if (!lossless) throw SystemError(env, name + " has at most 64 bits", "setGlobal", ERANGE);
  return large;
}

}  // namespace

Variable Variable::Find(Napi::Env env, bpf_object* object, const std::string& text, Section section) {
  std::string name;
  int64_t index = -1;
  const char* kind = section == Section::kConstant ? "constant" : "global";
  const char* call = section == Section::kConstant ? "setConstant" : "setGlobal";
  if (!SplitIndex(text, &name, &index)) throw SystemError(env, "no such " + std::string(kind) + ": " + text, call, EINVAL);
  Place place = FindPlace(object, name, section);
  if (!place.map) throw SystemError(env, "no such " + std::string(kind) + ": " + name, call, ENOENT);

  const btf* types = bpf_object__btf(object);
  const btf_type* type = Resolve(types, place.type);
  if (index >= 0) {
    if (!type || !btf_is_array(type)) throw SystemError(env, name + " is not an array", call, EINVAL);
    const struct btf_array* array = btf_array(type);
    type = Resolve(types, array->type);
    if (static_cast<uint64_t>(index) >= array->nelems) throw SystemError(env, text + " is past the array's end", call, ERANGE);
    place.offset += static_cast<uint32_t>(index) * (type ? type->size : 0);
  }
  if (!IsInteger(type)) throw SystemError(env, text + " is not an integer", call, EINVAL);

  size_t bytes = 0;
  auto* base = static_cast<uint8_t*>(bpf_map__initial_value(place.map, &bytes));
  if (!base || place.offset + type->size > bytes)
    throw SystemError(env, text + " has no memory behind it", "bpf_map__initial_value", EINVAL);
  return Variable(text, base + place.offset, type->size, IsSigned(type), IsBool(type));
}

void Variable::Write(Napi::Env env, Napi::Value value) const {
  Wide wide = ToWide(env, name_, value);
  unsigned bits = bool_ ? 1 : size_ * 8;
  Wide low = signed_ ? -(Wide{1} << (bits - 1)) : 0;
  Wide high = signed_ ? (Wide{1} << (bits - 1)) - 1 : (Wide{1} << bits) - 1;
  if (wide < low || wide > high)
    throw SystemError(env, name_ + " cannot hold this value in " + std::to_string(bits) + " bits", "setGlobal", ERANGE);
  auto number = static_cast<uint64_t>(wide);
  switch (size_) {
    case 1: __atomic_store_n(at_, static_cast<uint8_t>(number), __ATOMIC_RELEASE); break;
    case 2: __atomic_store_n(reinterpret_cast<uint16_t*>(at_), static_cast<uint16_t>(number), __ATOMIC_RELEASE); break;
    case 4: __atomic_store_n(reinterpret_cast<uint32_t*>(at_), static_cast<uint32_t>(number), __ATOMIC_RELEASE); break;
    default: __atomic_store_n(reinterpret_cast<uint64_t*>(at_), number, __ATOMIC_RELEASE);
  }
}

Napi::BigInt Variable::Read(Napi::Env env) const {
  uint64_t number;
  switch (size_) {
    case 1: number = __atomic_load_n(at_, __ATOMIC_ACQUIRE); break;
    case 2: number = __atomic_load_n(reinterpret_cast<uint16_t*>(at_), __ATOMIC_ACQUIRE); break;
    case 4: number = __atomic_load_n(reinterpret_cast<uint32_t*>(at_), __ATOMIC_ACQUIRE); break;
    default: number = __atomic_load_n(reinterpret_cast<uint64_t*>(at_), __ATOMIC_ACQUIRE);
  }
  if (!signed_) return Napi::BigInt::New(env, number);
  unsigned unused = 64 - size_ * 8;
  return Napi::BigInt::New(env, static_cast<int64_t>(number << unused) >> unused);
}

}  // namespace undertrace
