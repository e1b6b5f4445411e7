#include "policy/model.h"

#include <array>
#include <utility>

namespace sekisho::policy {
namespace {

template <typename T, size_t kSize>
std::optional<T> Find(
    const std::array<std::pair<std::string_view, T>, kSize>& words,
    std::string_view word) {
  for (const auto& [name, value] : words) {
    if (name == word) return value;
  }
  return std::nullopt;
}

template <typename T>
using Word = std::pair<std::string_view, T>;

constexpr std::array<Word<Mode>, 2> kModes{{
    {"observe", Mode::kObserve},
    {"enforce", Mode::kEnforce},
}};
constexpr std::array<Word<Access>, 5> kAccesses{{
    {"block", Access::kBlock},
    {"read_only", Access::kReadOnly},
    {"inspect", Access::kInspect},
    {"audit", Access::kAudit},
    {"full", Access::kFull},
}};
constexpr std::array<Word<Verdict>, 3> kVerdicts{{
    {"allow", Verdict::kAllow},
    {"alert", Verdict::kAlert},
    {"block", Verdict::kBlock},
}};
constexpr std::array<Word<Inspection>, 3> kInspections{{
    {"full", Inspection::kFull},
    {"partial", Inspection::kPartial},
    {"none", Inspection::kNone},
}};
constexpr std::array<Word<WhenStale>, 2> kWhenStales{{
    {"keep", WhenStale::kKeep},
    {"stricter", WhenStale::kStricter},
}};
constexpr std::array<Word<Granting>, 2> kGrantings{{
    {"transfer", Granting::kTransfer},
    {"never", Granting::kNever},
}};

constexpr std::array<Word<TotalOf>, 3> kTotalOfs{{
    {"persons", TotalOf::kPersons},
    {"bytes", TotalOf::kBytes},
    {"files", TotalOf::kFiles},
}};
constexpr std::array<Word<TotalBy>, 3> kTotalBys{{
    {"person", TotalBy::kPerson},
    {"device", TotalBy::kDevice},
    {"terminal", TotalBy::kTerminal},
}};

constexpr std::array<Word<TypeCheck>, 5> kTypeChecks{{
    {"none", TypeCheck::kNone},
    {"luhn", TypeCheck::kLuhn},
    {"mod11", TypeCheck::kMod11},
    {"mod97", TypeCheck::kMod97},
    {"verhoeff", TypeCheck::kVerhoeff},
}};

constexpr std::array<Word<Proof>, 2> kProofs{{
    {"pin", Proof::kPin},
    {"totp", Proof::kTotp},
}};

template <typename T, size_t kSize>
const char* NameIn(const std::array<Word<T>, kSize>& words, T value) {
  for (const auto& [name, known] : words) {
    if (known == value) return name.data();  // literals end in NUL
  }
  return "unknown";
}

}  // namespace

const char* Name(Mode mode) { return NameIn(kModes, mode); }
const char* Name(Access access) { return NameIn(kAccesses, access); }
const char* Name(Verdict verdict) { return NameIn(kVerdicts, verdict); }
const char* Name(Inspection inspection) {
  return NameIn(kInspections, inspection);
}
const char* Name(WhenStale when) { return NameIn(kWhenStales, when); }
const char* Name(Granting granting) { return NameIn(kGrantings, granting); }
const char* Name(TotalOf of) { return NameIn(kTotalOfs, of); }
const char* Name(TotalBy by) { return NameIn(kTotalBys, by); }
const char* Name(TypeCheck check) { return NameIn(kTypeChecks, check); }
const char* Name(Proof proof) { return NameIn(kProofs, proof); }

std::optional<Mode> ParseMode(std::string_view word) {
  return Find(kModes, word);
}
std::optional<Access> ParseAccess(std::string_view word) {
  return Find(kAccesses, word);
}
std::optional<Verdict> ParseVerdict(std::string_view word) {
  return Find(kVerdicts, word);
}
std::optional<Inspection> ParseInspection(std::string_view word) {
  return Find(kInspections, word);
}
std::optional<Granting> ParseGranting(std::string_view word) {
  return Find(kGrantings, word);
}
std::optional<WhenStale> ParseWhenStale(std::string_view word) {
  return Find(kWhenStales, word);
}
std::optional<TotalOf> ParseTotalOf(std::string_view word) {
  return Find(kTotalOfs, word);
}
std::optional<TotalBy> ParseTotalBy(std::string_view word) {
  return Find(kTotalBys, word);
}

std::optional<TypeCheck> ParseTypeCheck(std::string_view word) {
  return Find(kTypeChecks, word);
}

std::optional<Proof> ParseProof(std::string_view word) {
  return Find(kProofs, word);
}

bool DeviceMatch::NeedsMedium() const {
  return filesystem || volume_uuid || volume_label || encryption ||
         medium_serial || size_bytes;
}

}  // namespace sekisho::policy
