#include "policy/suggest.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text.h"
#include "policy/evaluator.h"
#include "policy/match.h"
#include "policy/parser.h"
#include "policy/simulate.h"

namespace sekisho::policy {
namespace {

bool IsPrintable(std::string_view text) {
  return IsValidUtf8(text) && std::ranges::none_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

std::string Whose(const SeenDevice& seen) {
  return fmt::format("{}", fmt::join(seen.persons, " "));
}

DeviceEntry RowFor(const SeenDevice& seen) {
  DeviceEntry row;
  row.list = "approvals";
  row.vendor_id = seen.facts.vendor_id;
  row.product_id = seen.facts.product_id;
  row.serial = seen.facts.serial;
  row.access = Access::kInspect;
  // Used at one terminal only: opened at no other.
  if (seen.terminals.size() == 1) row.terminal = *seen.terminals.begin();
  if (row.terminal == "*") row.terminal.clear();
  row.owner = Whose(seen).substr(0, 256);
  if (!IsPrintable(row.owner)) row.owner.clear();
  row.purpose = "suggested from use";
  return row;
}

}  // namespace

std::string WeakSerial(std::string_view serial) {
  if (serial.empty()) return "it has no serial";
  const bool same =
      std::ranges::all_of(serial, [&](char c) { return c == serial[0]; });
  if (serial.size() < 4 || same) return "its serial is a default";
  for (const std::string_view known :
       {"0123456789", "123456789", "1234567890", "0123456789ABCDEF",
        "0123456789abcdef", "12345678", "00000001"}) {
    if (serial.ends_with(known) || known.starts_with(serial)) {
      return "its serial is a default";
    }
  }
  if (!IsPrintable(serial)) return "its serial holds no readable text";
  return "";
}

void Suggester::Add(const PastEvent& event) {
  const std::string name = DeviceName(event.device);
  if (seen_.size() >= kMaxDevices && !seen_.contains(name)) return;
  SeenDevice& seen = seen_[name];
  const auto medium = seen.facts.medium;
  seen.facts = event.device;
  if (!seen.facts.medium) seen.facts.medium = medium;
  seen.terminals.insert(event.terminal.terminal);
  seen.persons.insert(event.person.person.empty() ? "unknown"
                                                  : event.person.person);
  seen.days.insert(std::chrono::floor<std::chrono::days>(event.time)
                       .time_since_epoch()
                       .count());
  if (!event.device.descriptor_hash.empty()) {
    seen.hashes.insert(event.device.descriptor_hash);
  }
  if (event.kind == PastEvent::Kind::kDevice) {
    ++seen.plugs;
  } else {
    ++seen.transfers;
    seen.people += std::max<int64_t>(event.content.persons, 0);
  }
}

Suggester::Draft Suggester::Make(const Options& options) const {
  Draft draft;
  // What the pack opens by itself needs no rule.
  const std::string head = fmt::format(
      "policy: 2\nname: suggested\nmode: observe\ninclude: pack:{}\n",
      options.pack);
  auto base = ParsePolicy(head, "suggested");
  CHECK(base);
  const auto pack = Snapshot::Make(*base, {}, 0);
  std::map<std::string, DeviceRule> others;
  for (const auto& [name, seen] : seen_) {
    const bool storage = CanHoldMedium(seen.facts);
    if (!storage &&
        pack->DecideDevice(seen.facts, {}, {}, {}).access != Access::kBlock) {
      continue;
    }
    std::string why = storage ? WeakSerial(seen.facts.serial) : "";
    if (seen.days.size() < options.days) {
      why = fmt::format("seen on {} day{} only", seen.days.size(),
                        seen.days.size() == 1 ? "" : "s");
    } else if (storage && seen.hashes.size() > 1) {
      why = "devices of different make have this serial";
    } else if (storage && !seen.facts.vendor_id.empty() && why.empty()) {
      draft.rows.push_back(RowFor(seen));
    } else if (why.empty() && seen.facts.vendor_id.size() == 4) {
      DeviceRule rule;
      rule.id = fmt::format("seen-{}-{}", seen.facts.vendor_id,
                            seen.facts.product_id);
      rule.match.vendor_id = seen.facts.vendor_id;
      rule.match.product_id = seen.facts.product_id;
      for (const UsbInterface& i : seen.facts.interfaces) {
        const InterfacePattern one{i.klass, i.subclass, i.protocol};
        auto& all = rule.match.interfaces_all;
        if (std::ranges::find(all, one) == all.end()) all.push_back(one);
      }
      rule.access = Access::kFull;
      if (!rule.match.interfaces_all.empty()) others[rule.id] = rule;
    }
    if (!why.empty()) draft.losses.push_back({name, why, seen});
  }
  std::ranges::sort(draft.losses, [](const Loss& a, const Loss& b) {
    return a.seen.transfers != b.seen.transfers
               ? a.seen.transfers > b.seen.transfers
               : a.device < b.device;
  });
  draft.policy = std::move(*base);
  std::vector<DeviceRule> rules;
  for (const auto& [id, rule] : others) rules.push_back(rule);
  draft.policy.devices.insert(draft.policy.devices.begin(), rules.begin(),
                              rules.end());
  draft.policy.mode = Mode::kObserve;
  draft.text = PrintPolicy(draft.policy);
  return draft;
}

}  // namespace sekisho::policy
