// What the running kernel can do, and what its clocks say.
#ifndef UNDERTRACE_NATIVE_FEATURES_H_
#define UNDERTRACE_NATIVE_FEATURES_H_

#include <napi.h>

namespace undertrace {

// features(btfPath?): see index.d.ts. Asks the kernel by trying; a refusal for want of privilege reads as "cannot".
// The result holds the kernel's BTF, some MB, until it is collected.
Napi::Value Features(const Napi::CallbackInfo& info);

// clocks(): three clocks read within less than a microsecond, as a rule.
Napi::Value Clocks(const Napi::CallbackInfo& info);

}  // namespace undertrace

#endif  // UNDERTRACE_NATIVE_FEATURES_H_
