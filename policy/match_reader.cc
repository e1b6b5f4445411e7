#include "policy/match_reader.h"

#include <algorithm>

#include "policy/words.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kTotalExample =
    "a list such as [{ of: persons, by: person, over: 24h, at_least: 101 }]";

template <typename T>
std::vector<std::string_view> NamesOf(const std::vector<T>& sets) {
  std::vector<std::string_view> names;
  names.reserve(sets.size());
  for (const T& set : sets) names.push_back(set.name);
  return names;
}

}  // namespace

// As deep as the YAML reader lets a tree nest.
// NOLINTNEXTLINE(misc-no-recursion)
DeviceMatch MatchReader::ReadDevice(const YamlNode& node,
                                    std::string_view key) {
  DeviceMatch match;
  if (!in_.IsMapping(node, "conditions such as { vendor_id: \"0951\" }")) {
    return match;
  }
  in_.CheckKeys(node, key, kDeviceMatchKeys, kDeviceMatchKeys2);
  in_.KnownPattern(node.Find("bus"), kBusWords, &match.bus);
  in_.HexPattern(node.Find("vendor_id"), &match.vendor_id);
  in_.HexPattern(node.Find("product_id"), &match.product_id);
  in_.Pattern(node.Find("serial"), &match.serial);
  in_.Pattern(node.Find("manufacturer"), &match.manufacturer);
  in_.Pattern(node.Find("product"), &match.product);
  in_.Pattern(node.Find("port"), &match.port);
  in_.Pattern(node.Find("descriptor_hash"), &match.descriptor_hash);
  in_.Pattern(node.Find("filesystem"), &match.filesystem);
  in_.Pattern(node.Find("volume_uuid"), &match.volume_uuid);
  in_.Pattern(node.Find("volume_label"), &match.volume_label);
  in_.KnownPattern(node.Find("encryption"), kEncryptionWords,
                   &match.encryption);
  in_.Pattern(node.Find("medium_serial"), &match.medium_serial);
  match.size_bytes = in_.Range(node.Find("size_bytes"));
  in_.Interfaces(node.Find("interfaces_all"), &match.interfaces_all);
  in_.Interfaces(node.Find("interfaces_any"), &match.interfaces_any);
  match.interface_count = in_.Range(node.Find("interface_count"));
  ReadSituation(node, &match);
  ReadNested(node, &match);
  return match;
}

void MatchReader::ReadSituation(const YamlNode& node, DeviceMatch* match) {
  in_.Patterns(node.Find("persons"), &match->persons);
  in_.Items(node.Find("origins"), "a list such as [console, ssh]",
            [&](const YamlNode& item) {
              std::optional<std::string> word;
              in_.KnownPattern(&item, kOriginWords, &word);
              if (word) match->origins.push_back(std::move(*word));
            });
  in_.Patterns(node.Find("terminals"), &match->terminals);
  in_.Names(node.Find("device_groups"), "group of devices",
            NamesOf(sets_.devices), &match->device_groups);
  in_.Names(node.Find("person_groups"), "group of persons",
            NamesOf(sets_.persons), &match->person_groups);
  in_.Names(node.Find("terminal_groups"), "group of terminals",
            NamesOf(sets_.terminals), &match->terminal_groups);
  in_.Names(node.Find("during"), "window", NamesOf(sets_.windows),
            &match->during);
  if (const YamlNode* online = node.Find("online")) {
    bool value = true;
    in_.Flag(online, &value);
    match->online = value;
  }
}

// NOLINTNEXTLINE(misc-no-recursion)
void MatchReader::ReadNested(const YamlNode& node, DeviceMatch* match) {
  static constexpr std::string_view kExample =
      "a list of conditions such as [{ vendor_id: \"0951\" }]";
  in_.Items(node.Find("all"), kExample, [&](const YamlNode& item) {
    match->all.push_back(ReadDevice(item, "a condition of 'all'"));
  });
  in_.Items(node.Find("any"), kExample, [&](const YamlNode& item) {
    match->any.push_back(ReadDevice(item, "a condition of 'any'"));
  });
  if (const YamlNode* none = node.Find("not")) {
    match->none.push_back(ReadDevice(*none, "'not'"));
  }
}

void MatchReader::ReadData(const YamlNode* node,
                           std::vector<std::string>* out) {
  in_.Items(node, "a list such as [my_number, credit_card]",
            [&](const YamlNode& item) {
              auto text = in_.Text(item, kMaxPatternBytes, "a data type");
              if (!text) return;
              if (!IsDataType(*text)) {
                in_.problems().Add(
                    item.line, item.column,
                    fmt::format("expected a data type ({}, custom:<id>), "
                                "found {}{}",
                                Joined(kDataWords), Quoted(*text),
                                Suggestion(*text, kDataWords)));
                return;
              }
              // Version 1 defines no types, and goes on naming them.
              const std::string_view id = CustomId(*text);
              if (in_.version() >= 2 && !id.empty() &&
                  std::ranges::find(sets_.types, id, &CustomType::name) ==
                      sets_.types.end()) {
                const auto known = NamesOf(sets_.types);
                in_.problems().Add(
                    item.line, item.column,
                    fmt::format("expected the name of a type of this policy "
                                "({}), found {}{}",
                                known.empty() ? "there is none" : Joined(known),
                                Quoted(*text), Suggestion(id, known)));
                return;
              }
              out->push_back(std::move(*text));
            });
}

void MatchReader::ReadReasons(const YamlNode* node,
                              std::vector<std::string>* out) {
  in_.Items(node, "a list such as [encrypted, \"limit:*\"]",
            [&](const YamlNode& item) {
              auto text = in_.Text(item, kMaxPatternBytes, "a reason");
              if (!text) return;
              if (!IsPattern(*text) && !IsReason(*text)) {
                in_.problems().Add(
                    item.line, item.column,
                    fmt::format("expected one of {}, limit:<name>, found "
                                "{}{}",
                                Joined(kReasonWords), Quoted(*text),
                                Suggestion(*text, kReasonWords)));
                return;
              }
              out->push_back(std::move(*text));
            });
}

ContentMatch MatchReader::ReadContent(const YamlNode& node) {
  ContentMatch match;
  if (!in_.IsMapping(node,
                     "conditions such as { persons: { at_least: 21 } }")) {
    return match;
  }
  in_.CheckKeys(node, "when", kContentMatchKeys, kContentMatchKeys2);
  match.persons = in_.Range(node.Find("persons"));
  match.bytes = in_.Range(node.Find("bytes"));
  ReadData(node.Find("data"), &match.data);
  in_.Items(node.Find("inspection"), "a list such as [partial, none]",
            [&](const YamlNode& item) {
              Inspection value = Inspection::kNone;
              in_.Word(&item, ParseInspection, kInspectionWords, &value);
              match.inspection.push_back(value);
            });
  ReadReasons(node.Find("reason"), &match.reason);
  in_.Patterns(node.Find("format"), &match.format);
  in_.Patterns(node.Find("data_owner"), &match.data_owner);
  in_.Names(node.Find("file_groups"), "group of files", NamesOf(sets_.files),
            &match.file_groups);
  in_.Items(node.Find("totals"), kTotalExample, [&](const YamlNode& item) {
    match.totals.push_back(ReadTotal(item));
  });
  return match;
}

TotalLimit MatchReader::ReadTotal(const YamlNode& node) {
  TotalLimit limit;
  if (!in_.IsMapping(node,
                     "a total such as { of: persons, by: person, over: "
                     "24h, at_least: 101 }")) {
    return limit;
  }
  in_.CheckKeys(node, "a total", kTotalKeys);
  in_.Word(in_.Required(node, "a total", "of", "persons"), ParseTotalOf,
           kTotalOfWords, &limit.key.of);
  in_.Word(in_.Required(node, "a total", "by", "person"), ParseTotalBy,
           kTotalByWords, &limit.key.by);
  if (const YamlNode* over = in_.Required(node, "a total", "over", "24h")) {
    const auto hours = ParseHours(over->text);
    if (over->kind == YamlNode::Kind::kScalar && hours) {
      limit.key.hours = *hours;
    } else {
      in_.Wrong(*over, "hours or days such as 24h or 30d, at most 400d");
    }
  }
  if (const YamlNode* low = in_.Required(node, "a total", "at_least", "101")) {
    limit.at_least = in_.Count(*low).value_or(0);
  }
  return limit;
}

}  // namespace sekisho::policy
