#include "agent/scan/names.h"

#include <algorithm>
#include <string>

#include "agent/ipc/name_may_say.h"

namespace sekisho::scan {
namespace {

// "backup.csv": the ending says nothing, and would join the last word.
constexpr size_t kMaxEndingBytes = 5;

std::string AsProse(std::string_view name) {
  const size_t dot = name.rfind('.');
  const bool has_ending = dot != std::string_view::npos && dot > 0 &&
                          name.size() - dot <= kMaxEndingBytes + 1;
  std::string text(has_ending ? name.substr(0, dot) : name);
  // What people write instead of a space.
  std::ranges::replace(text, '_', ' ');
  std::ranges::replace(text, '+', ' ');
  // A name may hold any byte but these lines are one.
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace(text, '\r', ' ');
  return text;
}

}  // namespace

detect::Findings InspectName(std::string_view name,
                             const detect::Options& options) {
  if (!ipc::NameMaySay(name)) {
    return {};
  }
  detect::Options text = options;
  text.known_text = true;
  return detect::Inspect(AsBytes(AsProse(name)), text);
}

void AddName(const detect::Findings& name, detect::Findings* content) {
  if (name.persons == 0 && name.custom.empty()) {
    return;
  }
  content->people.Merge(name.people);
  content->persons = content->people.Persons();
  for (size_t i = 0; i < detect::kDataTypeCount; ++i) {
    content->data[i] += name.data[i];
  }
  for (const detect::CustomCount& count : name.custom) {
    const auto same =
        std::ranges::find(content->custom, count.id, &detect::CustomCount::id);
    if (same == content->custom.end()) {
      content->custom.push_back(count);
    } else {
      same->values += count.values;
    }
  }
}

}  // namespace sekisho::scan
