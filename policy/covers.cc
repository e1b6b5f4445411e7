#include "policy/covers.h"

#include <algorithm>

#include "policy/match.h"

namespace sekisho::policy {
namespace {

bool IsLiteral(std::string_view text) {
  return text.find_first_of("*?") == std::string_view::npos;
}

// A pattern of '*' and letters takes every text that `narrow` could stand for
// if it takes `narrow` itself, wildcards as letters: only its '*' can.
bool CoversPattern(std::string_view wide, std::string_view narrow) {
  if (wide == narrow) return true;
  const bool simple = wide.find('?') == std::string_view::npos;
  return (simple || IsLiteral(narrow)) && MatchesPattern(wide, narrow);
}

bool CoversText(const std::optional<std::string>& wide,
                const std::optional<std::string>& narrow) {
  return !wide || (narrow && CoversPattern(*wide, *narrow));
}

bool CoversRange(const std::optional<IntRange>& wide,
                 const std::optional<IntRange>& narrow) {
  if (!wide) return true;
  if (!narrow) return false;
  return (!wide->at_least ||
          (narrow->at_least && *narrow->at_least >= *wide->at_least)) &&
         (!wide->at_most ||
          (narrow->at_most && *narrow->at_most <= *wide->at_most));
}

bool CoversPart(std::optional<uint8_t> wide, std::optional<uint8_t> narrow) {
  return !wide || wide == narrow;
}

bool CoversInterface(const InterfacePattern& wide,
                     const InterfacePattern& narrow) {
  return CoversPart(wide.klass, narrow.klass) &&
         CoversPart(wide.subclass, narrow.subclass) &&
         CoversPart(wide.protocol, narrow.protocol);
}

// "Any of" lists: each entry of the narrow one lies in one of the wide one.
template <typename T, typename F>
bool CoversList(const std::vector<T>& wide, const std::vector<T>& narrow,
                F covers) {
  if (wide.empty()) return true;
  return !narrow.empty() && std::ranges::all_of(narrow, [&](const T& inner) {
    return std::ranges::any_of(
        wide, [&](const T& outer) { return covers(outer, inner); });
  });
}

template <typename T>
bool Same(const T& a, const T& b) {
  return a == b;
}

// "All of" lists: whatever the wide one asks the narrow one asks too.
template <typename T>
bool Includes(const std::vector<T>& wide, const std::vector<T>& narrow) {
  return std::ranges::all_of(wide, [&](const T& asked) {
    return std::ranges::find(narrow, asked) != narrow.end();
  });
}

bool CoversTexts(const DeviceMatch& wide, const DeviceMatch& narrow) {
  return CoversText(wide.bus, narrow.bus) &&
         CoversText(wide.vendor_id, narrow.vendor_id) &&
         CoversText(wide.product_id, narrow.product_id) &&
         CoversText(wide.serial, narrow.serial) &&
         CoversText(wide.manufacturer, narrow.manufacturer) &&
         CoversText(wide.product, narrow.product) &&
         CoversText(wide.port, narrow.port) &&
         CoversText(wide.descriptor_hash, narrow.descriptor_hash) &&
         CoversText(wide.filesystem, narrow.filesystem) &&
         CoversText(wide.volume_uuid, narrow.volume_uuid) &&
         CoversText(wide.volume_label, narrow.volume_label) &&
         CoversText(wide.encryption, narrow.encryption) &&
         CoversText(wide.medium_serial, narrow.medium_serial);
}

}  // namespace

bool Covers(const DeviceMatch& wide, const DeviceMatch& narrow) {
  return CoversTexts(wide, narrow) &&
         CoversRange(wide.size_bytes, narrow.size_bytes) &&
         CoversRange(wide.interface_count, narrow.interface_count) &&
         CoversList(wide.interfaces_all, narrow.interfaces_all,
                    CoversInterface) &&
         CoversList(wide.interfaces_any, narrow.interfaces_any,
                    CoversInterface) &&
         CoversList(wide.persons, narrow.persons, CoversPattern) &&
         CoversList(wide.origins, narrow.origins, CoversPattern) &&
         CoversList(wide.terminals, narrow.terminals, CoversPattern) &&
         CoversList(wide.device_groups, narrow.device_groups,
                    Same<std::string>) &&
         CoversList(wide.person_groups, narrow.person_groups,
                    Same<std::string>) &&
         CoversList(wide.terminal_groups, narrow.terminal_groups,
                    Same<std::string>) &&
         CoversList(wide.during, narrow.during, Same<std::string>) &&
         (!wide.online || wide.online == narrow.online) &&
         Includes(wide.all, narrow.all) &&
         (wide.any.empty() || wide.any == narrow.any) &&
         Includes(wide.none, narrow.none);
}

bool Covers(const ContentRule& wide_rule, const ContentRule& narrow_rule) {
  const ContentMatch& wide = wide_rule.match;
  const ContentMatch& narrow = narrow_rule.match;
  const bool totals =
      std::ranges::all_of(wide.totals, [&](const TotalLimit& limit) {
        return std::ranges::any_of(narrow.totals, [&](const TotalLimit& other) {
          return other.key == limit.key && other.at_least >= limit.at_least;
        });
      });
  return totals && CoversRange(wide.persons, narrow.persons) &&
         CoversRange(wide.bytes, narrow.bytes) &&
         CoversList(wide.data, narrow.data, Same<std::string>) &&
         CoversList(wide.inspection, narrow.inspection, Same<Inspection>) &&
         CoversList(wide.reason, narrow.reason, CoversPattern) &&
         CoversList(wide.format, narrow.format, CoversPattern) &&
         CoversList(wide.data_owner, narrow.data_owner, CoversPattern) &&
         CoversList(wide.file_groups, narrow.file_groups, Same<std::string>) &&
         Covers(wide_rule.situation, narrow_rule.situation);
}

}  // namespace sekisho::policy
