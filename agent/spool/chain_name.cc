#include "agent/spool/chain_name.h"

#include <fmt/format.h>

#include <charconv>

#include "common/text.h"

namespace sekisho::spool {
namespace {

constexpr std::string_view kNameFormat = "sekisho-chain-1";

template <typename T>
bool ParseNumber(std::string_view text, T& out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseNameLine(std::string_view line, ChainName& name) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  if (key == "agent_id") {
    name.agent_id = value;
    return true;
  }
  if (key == "epoch") return ParseNumber(value, name.epoch);
  if (key == "beginning") return ParseNumber(value, name.beginning);
  if (key == "closed_epoch") return ParseNumber(value, name.closed_epoch);
  const auto parts = Split(value, '/');
  Position& after = name.carry_after.emplace();
  return key == "carry_after" && parts.size() == 2 &&
         ParseNumber(parts[0], after.epoch) &&
         ParseNumber(parts[1], after.sequence);
}

}  // namespace

std::string PrintName(const ChainName& name) {
  std::string text =
      fmt::format("{}\nagent_id={}\nepoch={}\nbeginning={}\n", kNameFormat,
                  name.agent_id, name.epoch, name.beginning);
  if (name.closed_epoch > 0) {
    text += fmt::format("closed_epoch={}\n", name.closed_epoch);
  }
  if (name.carry_after) {
    text += fmt::format("carry_after={}/{}\n", name.carry_after->epoch,
                        name.carry_after->sequence);
  }
  return text;
}

Result<ChainName> ParseName(std::string_view text) {
  const auto lines = Split(Trim(text), '\n');
  ChainName name;
  bool ok = !lines.empty() && lines[0] == kNameFormat;
  for (size_t i = 1; ok && i < lines.size(); ++i) {
    ok = ParseNameLine(lines[i], name);
  }
  if (!ok || name.agent_id.empty() || name.epoch <= 0 || name.beginning <= 0) {
    return Fail(Code::kDataLoss, "the chain's name is unreadable");
  }
  return name;
}

}  // namespace sekisho::spool
