#include "policy/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"
#include "policy/field_reader.h"
#include "policy/parser.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

using Properties = std::vector<std::pair<std::string_view, std::string>>;

std::string Enum(Words words) {
  std::string out;
  for (const std::string_view word : words) {
    out += (out.empty() ? "" : ", ") + JsonQuote(word);
  }
  return "{ \"enum\": [" + out + "] }";
}

std::string Ref(std::string_view name) {
  return fmt::format("{{ \"$ref\": \"#/$defs/{}\" }}", name);
}

std::string List(const std::string& of, size_t most = kMaxListItems) {
  return fmt::format(
      "{{ \"type\": \"array\", \"items\": {}, \"minItems\": 1, \"maxItems\": "
      "{} "
      "}}",
      of, most);
}

std::string Pattern(std::string_view pattern) {
  return fmt::format("{{ \"type\": \"string\", \"pattern\": {} }}",
                     JsonQuote(pattern));
}

std::string ByName(const std::string& value) {
  return fmt::format(
      "{{ \"type\": \"object\", \"propertyNames\": {}, "
      "\"additionalProperties\": {} }}",
      Ref("id"), value);
}

// An object of exactly these keys. A word that has no value here is a mistake
// of this file: it gets "false", which a test finds.
std::string Object(Words keys, Words newer, const Properties& values,
                   Words required) {
  std::vector<std::string_view> all(keys.begin(), keys.end());
  all.insert(all.end(), newer.begin(), newer.end());
  std::string properties;
  for (const std::string_view key : all) {
    const auto at = std::ranges::find(
        values, key, &std::pair<std::string_view, std::string>::first);
    properties +=
        fmt::format("{}\n        {}: {}", properties.empty() ? "" : ",",
                    JsonQuote(key), at == values.end() ? "false" : at->second);
  }
  std::string needed;
  for (const std::string_view key : required) {
    needed += (needed.empty() ? "" : ", ") + JsonQuote(key);
  }
  return fmt::format(
      "{{\n      \"type\": \"object\",\n      \"additionalProperties\": "
      "false,\n      \"required\": [{}],\n      \"properties\": {{{}\n      "
      "}}\n    }}",
      needed, properties);
}

constexpr std::string_view kFlag = "{ \"type\": \"boolean\" }";

std::string Text(size_t cap_bytes) {
  return fmt::format("{{ \"type\": \"string\", \"maxLength\": {} }}",
                     cap_bytes);
}

std::string DeviceMatchSchema() {
  const std::string text = Ref("pattern");
  const std::string interfaces =
      List(Pattern("^([0-9A-Fa-f]{2}|\\*)(/([0-9A-Fa-f]{2}|\\*)){2}$"));
  const std::string hex = Pattern("^[0-9A-Fa-f*?]{1,8}$");
  const std::string names = List(Ref("id"));
  const std::string more = Ref("match");
  return Object(kDeviceMatchKeys, kDeviceMatchKeys2,
                {{"bus", text},
                 {"vendor_id", hex},
                 {"product_id", hex},
                 {"serial", text},
                 {"manufacturer", text},
                 {"product", text},
                 {"port", text},
                 {"descriptor_hash", text},
                 {"filesystem", text},
                 {"volume_uuid", text},
                 {"volume_label", text},
                 {"encryption", text},
                 {"medium_serial", text},
                 {"size_bytes", Ref("range")},
                 {"interfaces_all", interfaces},
                 {"interfaces_any", interfaces},
                 {"interface_count", Ref("range")},
                 {"persons", List(text)},
                 {"origins", List(text)},
                 {"terminals", List(text)},
                 {"device_groups", names},
                 {"person_groups", names},
                 {"terminal_groups", names},
                 {"during", names},
                 {"online", std::string(kFlag)},
                 {"all", List(more)},
                 {"any", List(more)},
                 {"not", more}},
                {});
}

std::string ContentMatchSchema() {
  const std::string text = Ref("pattern");
  std::string data = Enum(kDataWords);
  data = fmt::format("{{ \"anyOf\": [{}, {}] }}", data,
                     Pattern("^custom:[a-z0-9._-]{1,64}$"));
  return Object(kContentMatchKeys, kContentMatchKeys2,
                {{"persons", Ref("range")},
                 {"bytes", Ref("range")},
                 {"data", List(data)},
                 {"inspection", List(Enum(kInspectionWords))},
                 {"reason", List(text)},
                 {"format", List(text)},
                 {"data_owner", List(text)},
                 {"file_groups", List(Ref("id"))},
                 {"totals", List(Ref("total"))}},
                {});
}

std::string WindowSchema() {
  const std::string time = Pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$");
  return Object(kWindowKeys, {},
                {{"zone", Ref("zone")},
                 {"days", List(Enum(kDayWords))},
                 {"from", time},
                 {"to", time},
                 {"except", List(Ref("id"))},
                 {"only_on", List(Ref("id"))}},
                {});
}

std::string TypeSchema() {
  const std::string words = Text(kMaxTypeValueBytes);
  return Object(kTypeKeys, {},
                {{"pattern", Text(kMaxTypePatternBytes)},
                 {"headers", List(words, kMaxTypeHeaders)},
                 {"check", Enum(kTypeCheckWords)},
                 {"values", List(words, kMaxTypeValues)}},
                {});
}

std::string NameGroupSchema() {
  const std::string names = List(Ref("pattern"));
  static constexpr auto kNeeded = WordList("any");
  return fmt::format(
      "{{ \"anyOf\": [{}, {}] }}", names,
      Object(kNameGroupKeys, {}, {{"any", names}, {"not", names}}, kNeeded));
}

std::string GroupsSchema() {
  return Object(
      kGroupKeys, {},
      {{"devices", ByName(Ref("match"))},
       {"persons", ByName(Ref("names"))},
       {"terminals", ByName(Ref("names"))},
       {"files", ByName(List(Pattern("^[0-9a-f]{64}$"), kMaxFileHashes))}},
      {});
}

std::string TotalSchema() {
  return Object(kTotalKeys, {},
                {{"of", Enum(kTotalOfWords)},
                 {"by", Enum(kTotalByWords)},
                 {"over", Pattern("^[0-9]{1,5}[hd]$")},
                 {"at_least", "{ \"type\": \"integer\", \"minimum\": 0 }"}},
                kTotalKeys);
}

std::string DeviceRuleSchema() {
  static constexpr auto kNeeded = WordList("id");
  return Object(kDeviceRuleKeys, {},
                {{"id", Ref("id")},
                 {"match", Ref("match")},
                 {"list", Ref("id")},
                 {"access", Enum(kAccessWords)},
                 {"encrypted_only", std::string(kFlag)},
                 {"no_exec", std::string(kFlag)},
                 {"notify", Ref("texts")}},
                kNeeded);
}

std::string ContentRuleSchema() {
  static constexpr auto kNeeded = WordList("id", "when", "verdict");
  return Object(kContentRuleKeys, kContentRuleKeys2,
                {{"id", Ref("id")},
                 {"when", Ref("when")},
                 {"match", Ref("match")},
                 {"verdict", Enum(kVerdictWords)},
                 {"grant", Enum(kGrantingWords)},
                 {"notify", Ref("texts")}},
                kNeeded);
}

std::string LandingsSchema() {
  static constexpr auto kNeeded = WordList("folders");
  return Object(kLandingKeys, {},
                {{"persons", "{ \"type\": \"integer\", \"minimum\": 1 }"},
                 {"folders", List(Pattern("^/"), kMaxLandingFolders)},
                 {"lies_for", Pattern("^[0-9]{1,4}[hd]$")}},
                kNeeded);
}

std::string IdentifySchema() {
  static constexpr auto kNeeded = WordList("accounts", "proof");
  return Object(
      kIdentifyKeys, {},
      {{"accounts", List(Pattern("^[A-Za-z0-9_][A-Za-z0-9._@$-]{0,63}$"),
                         kMaxSharedAccounts)},
       {"proof", List(Enum(kProofWords))},
       {"lasts", Pattern("^[0-9]{1,3}[hd]$")}},
      kNeeded);
}

std::string JobSchema() {
  return Object(kJobKeys, {},
                {{"unit", Pattern("^[A-Za-z0-9:_.\\\\@-]{1,247}\\.service$")},
                 {"owner", Pattern("^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")}},
                kJobKeys);
}

std::string PolicyObject() {
  static constexpr auto kNeeded = WordList("policy", "name");
  const std::string dates = List(Pattern(
      "^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}\\.\\."
      "[0-9]{4}-[0-9]{2}-[0-9]{2}$"));
  const std::string pack = Pattern("^pack:[a-z0-9-]+$");
  const auto rules = [](std::string_view of) {
    return fmt::format(
        "{{ \"type\": \"array\", \"items\": {}, \"maxItems\": {} }}", Ref(of),
        kMaxRules);
  };
  return Object(
      kPolicyKeys, kPolicyKeys2,
      {{"policy", fmt::format("{{ \"type\": \"integer\", \"minimum\": 1, "
                              "\"maximum\": {} }}",
                              kSchemaVersion)},
       {"name", Text(kMaxPatternBytes)},
       {"mode", Enum(kModeWords)},
       {"when_stale", Enum(kWhenStaleWords)},
       {"devices", rules("device_rule")},
       {"device_default", Enum(kAccessWords)},
       {"content", rules("content_rule")},
       {"content_default", Enum(kVerdictWords)},
       {"contact", Ref("texts")},
       {"include", fmt::format("{{ \"anyOf\": [{}, {}] }}", pack, List(pack))},
       {"zone", Ref("zone")},
       {"groups", Ref("groups")},
       {"holidays", ByName(dates)},
       {"windows", ByName(Ref("window"))},
       {"types", ByName(Ref("type"))},
       {"samples", Ref("samples")},
       {"landings", Ref("landings")},
       {"identify", Ref("identify")},
       {"jobs", List(Ref("job"), kMaxJobs)}},
      kNeeded);
}

}  // namespace

std::string PolicySchema() {
  static constexpr auto kRangeKeys = WordList("at_least", "at_most");
  const std::string count = "{ \"type\": \"integer\", \"minimum\": 0 }";
  const Properties definitions{
      {"id", Pattern("^[a-z0-9][a-z0-9._-]{0,63}$")},
      {"pattern", Text(kMaxPatternBytes)},
      {"zone", Text(kMaxIdBytes)},
      {"texts",
       fmt::format("{{ \"type\": \"object\", \"propertyNames\": {}, "
                   "\"additionalProperties\": {} }}",
                   Pattern("^[a-z][A-Za-z-]{1,15}$"), Text(kMaxSentenceBytes))},
      {"range",
       Object(kRangeKeys, {}, {{"at_least", count}, {"at_most", count}}, {})},
      {"match", DeviceMatchSchema()},
      {"when", ContentMatchSchema()},
      {"total", TotalSchema()},
      {"names", NameGroupSchema()},
      {"groups", GroupsSchema()},
      {"window", WindowSchema()},
      {"type", TypeSchema()},
      {"samples", Object(kSamplesKeys, {},
                         {{"key", Pattern("^sekisho-p256:[A-Za-z0-9+/]{92}$")}},
                         kSamplesKeys)},
      {"landings", LandingsSchema()},
      {"identify", IdentifySchema()},
      {"job", JobSchema()},
      {"device_rule", DeviceRuleSchema()},
      {"content_rule", ContentRuleSchema()},
      {"policy", PolicyObject()}};
  std::string out =
      "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
      "  \"title\": \"Sekisho policy\",\n"
      "  \"$ref\": \"#/$defs/policy\",\n  \"$defs\": {";
  bool first = true;
  for (const auto& [name, schema] : definitions) {
    out += fmt::format("{}\n    {}: {}", first ? "" : ",", JsonQuote(name),
                       schema);
    first = false;
  }
  return out + "\n  }\n}\n";
}

}  // namespace sekisho::policy
