#include "cli/status_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/control_client.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage = "usage: sekisho status [--json]\n";

struct Words {
  std::string_view terminal, not_enrolled, mode, observe, enforce, gate, server,
      connected, not_connected, policy, policy_note, no_policy, version, events,
      waiting, media, no_media, refused, person, asked, proven, recorded;
};

constexpr Words kEnglishWords = {
    .terminal = "Terminal",
    .not_enrolled = "not enrolled (sudo sekisho enroll)",
    .mode = "Mode",
    .observe = "observe: nothing is refused; what happens is recorded",
    .enforce = "enforce: policy decides what may be used and copied",
    .gate = "Protection",
    .server = "Server",
    .connected = "connected",
    .not_connected = "not connected",
    .policy = "Policy",
    .policy_note = "Note on the policy",
    .no_policy = "none yet",
    .version = "version",
    .events = "Events",
    .waiting = "waiting to be sent; space used",
    .media = "Media with access now",
    .no_media = "none",
    .refused = "Plugged in, not allowed",
    .person = "You are",
    .asked = "several people use this account: sekisho iam YOUR-ID",
    .proven = "proven by",
    .recorded =
        "What is recorded on this terminal: devices that are plugged in and "
        "what was\ndecided about them; files copied to removable media, with "
        "name, hash, format, how\nmany people's data and which kinds were "
        "found (not the data themselves); who was\nlogged in, from where, and "
        "with which program. Records go to the policy server of\nyour "
        "organisation.\n"};

constexpr Words kJapaneseWords = {
    .terminal = "端末",
    .not_enrolled = "未登録 (sudo sekisho enroll で登録)",
    .mode = "動作",
    .observe = "監視: 何も止めず、記録だけを行います",
    .enforce = "強制: 利用とコピーの可否をポリシーが決めます",
    .gate = "保護の状態",
    .server = "サーバー",
    .connected = "接続中",
    .not_connected = "未接続",
    .policy = "ポリシー",
    .policy_note = "ポリシーについて",
    .no_policy = "未受信",
    .version = "版",
    .events = "記録",
    .waiting = "件が送信待ち、使用領域",
    .media = "現在利用できる媒体",
    .no_media = "なし",
    .refused = "接続中だが利用できない機器",
    .person = "現在の利用者",
    .asked = "このアカウントは複数の人が使用します: sekisho iam 自分のID",
    .proven = "本人確認",
    .recorded =
        "この端末で記録されるもの: "
        "接続された機器とその可否の判断。リムーバブル媒体"
        "への\nコピーについて、ファイル名、ハッシュ、形式、見つかった個人データ"
        "の種類と"
        "人数\n(データそのものは記録しません)"
        "。ログイン中の利用者、接続元、使われた"
        "プログラム。\n記録は貴組織のポリシーサーバーに送られます。\n"};

std::string ModeText(const ipc::StatusAnswer& status, const Words& words) {
  if (status.mode == "observe") return std::string(words.observe);
  if (status.mode == "enforce") return std::string(words.enforce);
  return EscapeUntrusted(status.mode);
}

std::string WithDetail(std::string_view text, const std::string& detail) {
  return detail.empty() ? std::string(text)
                        : fmt::format("{} ({})", text, EscapeUntrusted(detail));
}

std::string MediumText(const ipc::MediumStatus& medium) {
  // sekishod escaped what the device says of itself.
  std::string out = fmt::format("  {}  {}  {}", medium.device, medium.name,
                                EscapeUntrusted(medium.access));
  if (!medium.mount_point.empty()) {
    out += fmt::format("  {}", EscapeUntrusted(medium.mount_point));
  }
  return out +
         fmt::format("\n      {}\n",
                     WithDetail(EscapeUntrusted(medium.reason), medium.rule));
}

// What can be used, then, if there is any, what cannot.
std::string MediaText(const std::vector<ipc::MediumStatus>& media,
                      const Words& words) {
  std::string usable;
  std::string refused;
  for (const ipc::MediumStatus& medium : media) {
    (medium.access == "block" ? refused : usable) += MediumText(medium);
  }
  if (usable.empty()) usable = fmt::format("  {}\n", words.no_media);
  std::string out = fmt::format("{}:\n{}", words.media, usable);
  if (!refused.empty()) out += fmt::format("{}:\n{}", words.refused, refused);
  return out;
}

std::string PersonText(const ipc::StatusAnswer& status, const Words& words) {
  const std::string account = EscapeUntrusted(status.account);
  if (!status.stated_person.empty()) {
    const int64_t minutes =
        std::max<int64_t>(0, status.stated_left_us) / 60'000'000;
    return fmt::format("{} ({}, {} {}, {}:{:02} h)",
                       EscapeUntrusted(status.stated_person), account,
                       words.proven, EscapeUntrusted(status.proven_by),
                       minutes / 60, minutes % 60);
  }
  return status.asks_who ? WithDetail(account, std::string(words.asked))
                         : account;
}

}  // namespace

std::string StatusText(const ipc::StatusAnswer& status, Language language) {
  const Words& words =
      language == Language::kJapanese ? kJapaneseWords : kEnglishWords;
  const auto line = [](std::string_view name, const std::string& value) {
    return fmt::format("{}: {}\n", name, value);
  };
  std::string out =
      fmt::format("Sekisho {}\n", EscapeUntrusted(status.version));
  out += line(words.terminal,
              status.agent_id.empty()
                  ? std::string(words.not_enrolled)
                  : fmt::format("{} ({})", EscapeUntrusted(status.terminal),
                                EscapeUntrusted(status.agent_id)));
  out += line(words.mode, ModeText(status, words));
  out += line(words.gate, WithDetail(EscapeUntrusted(status.gate_state),
                                     status.gate_detail));
  out += line(words.server,
              status.connected
                  ? std::string(words.connected)
                  : WithDetail(words.not_connected, status.uplink_detail));
  out += line(words.policy,
              status.policy_version == 0
                  ? std::string(words.no_policy)
                  : fmt::format("{} {} {}", EscapeUntrusted(status.policy_name),
                                words.version, status.policy_version));
  if (!status.policy_note.empty()) {
    out += line(words.policy_note, EscapeUntrusted(status.policy_note));
  }
  out += line(words.events,
              fmt::format("{} {} {}/{} MiB", status.spooled_count,
                          words.waiting, status.spool_used_bytes >> 20,
                          status.spool_size_bytes >> 20));
  if (!status.account.empty()) {
    out += line(words.person, PersonText(status, words));
  }
  out += MediaText(status.media, words);
  return out + "\n" + std::string(words.recorded);
}

std::string StatusJson(const ipc::StatusAnswer& status) {
  std::string media;
  for (const ipc::MediumStatus& medium : status.media) {
    media += fmt::format(
        R"({}{{"device":{},"name":{},"access":{},"mount_point":{},"rule":{},)"
        R"("reason":{}}})",
        media.empty() ? "" : ",", JsonQuote(medium.device),
        JsonQuote(medium.name), JsonQuote(medium.access),
        JsonQuote(medium.mount_point), JsonQuote(medium.rule),
        JsonQuote(medium.reason));
  }
  return fmt::format(
      R"({{"version":{},"terminal":{},"agent_id":{},"enrolled":{},"mode":{},)"
      R"("gate_state":{},"gate_detail":{},"connected":{},"uplink_detail":{},)"
      R"("policy_version":{},"policy_name":{},"policy_note":{},"spooled_count":{},)"
      R"("spool_used_bytes":{},"spool_size_bytes":{},"head":{{"epoch":{},)"
      R"("sequence":{},"hash":{}}},"account":{},"stated_person":{},)"
      R"("proven_by":{},"asks_who":{},"media":[{}]}})",
      JsonQuote(status.version), JsonQuote(status.terminal),
      JsonQuote(status.agent_id), !status.agent_id.empty(),
      JsonQuote(status.mode), JsonQuote(status.gate_state),
      JsonQuote(status.gate_detail), status.connected,
      JsonQuote(status.uplink_detail), status.policy_version,
      JsonQuote(status.policy_name), JsonQuote(status.policy_note),
      status.spooled_count, status.spool_used_bytes, status.spool_size_bytes,
      status.head.epoch, status.head.sequence,
      JsonQuote(ToHex(status.head.hash)), JsonQuote(status.account),
      JsonQuote(status.stated_person), JsonQuote(status.proven_by),
      status.asks_who, media);
}

int RunStatus(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options || !options->words.empty()) {
    fmt::print(
        stderr, "{}{}",
        options ? "" : "sekisho status: " + options.error().message + "\n",
        kUsage);
    return 2;
  }
  auto status = [&]() -> Result<ipc::StatusAnswer> {
    ASSIGN_OR_RETURN(auto client,
                     ControlClient::Connect(options->Get("--runtime")));
    return client.Ask<ipc::StatusAnswer>(ipc::StatusRequest{});
  }();
  if (!status) {
    fmt::print(stderr, "sekisho status: {}\n", status.error().message);
    return ExitCodeOf(status.error());
  }
  if (options->Has("--json")) {
    fmt::print("{}\n", StatusJson(*status));
  } else {
    fmt::print("{}", StatusText(*status, UserLanguage()));
  }
  return 0;
}

}  // namespace sekisho::cli
