#include "agent/notices.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "common/unique_fd.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxShownBytes = 200;
constexpr size_t kMaxPolicyTextBytes = 1024;

std::string Shown(const std::string& raw) {
  return EscapeUntrusted(raw, kMaxShownBytes);
}

std::string TextFor(const std::map<std::string, std::string>& texts,
                    const std::string& language) {
  const auto found = texts.find(language);
  return found == texts.end()
             ? ""
             : EscapeUntrusted(found->second, kMaxPolicyTextBytes);
}

std::string WhatJapanese(const Refusal& refusal) {
  if (refusal.kind == Refusal::Kind::kDevice) {
    return fmt::format("機器の使用を止めました: {}", Shown(refusal.what));
  }
  return fmt::format("コピーを止めました: {}", Shown(refusal.what));
}

std::string WhatEnglish(const Refusal& refusal) {
  if (refusal.kind == Refusal::Kind::kDevice) {
    return fmt::format("device refused: {}", Shown(refusal.what));
  }
  return fmt::format("copy refused: {}", Shown(refusal.what));
}

std::string WhyJapanese(const Refusal& refusal) {
  std::string text = TextFor(refusal.notify, "ja");
  if (refusal.persons > 0) {
    text += fmt::format("(個人データ 約{}人分)", refusal.persons);
  }
  if (text.empty()) text = "ポリシーで許可されていません";
  return text + fmt::format(" (規則: {})", Shown(refusal.rule));
}

std::string WhyEnglish(const Refusal& refusal) {
  std::string text = TextFor(refusal.notify, "en");
  if (text.empty()) text = Shown(refusal.reason);
  if (refusal.persons > 0) {
    text += fmt::format(" (personal data of about {} people)", refusal.persons);
  }
  return text + fmt::format(" (rule: {})", Shown(refusal.rule));
}

std::string HowJapanese(const Refusal& refusal) {
  const std::string contact = TextFor(refusal.contact, "ja");
  if (refusal.contained) {
    return "承認の申請では解除されません。セキュリティ担当(SOC)に連絡して"
           "ください。" +
           contact;
  }
  std::string text = contact.empty() && !refusal.may_ask
                         ? "承認の申請: sekisho request"
                         : contact;
  if (refusal.other_granted) {
    text = "許可されたのは別の内容のファイルです。" + text;
  }
  if (refusal.may_ask) {
    text += " この1回のコピーの申請: sekisho request --copy --purpose 目的";
  }
  return text;
}

std::string HowEnglish(const Refusal& refusal) {
  const std::string contact = TextFor(refusal.contact, "en");
  if (refusal.contained) {
    return "an approval does not lift it: call your security team (SOC). " +
           contact;
  }
  std::string text = contact.empty() && !refusal.may_ask
                         ? "to ask for approval: sekisho request"
                         : contact;
  if (refusal.other_granted) {
    text = "what was granted has another content. " + text;
  }
  if (refusal.may_ask) {
    text += " To ask for this one copy: sekisho request --copy --purpose WHY";
  }
  return text;
}

std::string AnswerJapanese(const Answer& answer) {
  const std::string until =
      answer.until.empty() ? "" : fmt::format("{}まで、", answer.until);
  switch (answer.kind) {
    case Answer::Kind::kTransfer:
      return fmt::format(
          "許可されました: {} を{}同じ媒体へ1回だけコピーできます",
          Shown(answer.what), until);
    case Answer::Kind::kDevice:
      return fmt::format("承認されました: {}", Shown(answer.what));
    case Answer::Kind::kDenied:
      break;
  }
  return fmt::format(
      "申請は承認されませんでした: {} (申請 {}、理由は情報セキュリティ窓口へ)",
      Shown(answer.what), answer.request_id);
}

std::string AnswerEnglish(const Answer& answer) {
  const std::string until =
      answer.until.empty() ? "" : fmt::format(" until {}", answer.until);
  switch (answer.kind) {
    case Answer::Kind::kTransfer:
      return fmt::format("granted: copy {} once to the same medium{}",
                         Shown(answer.what), until);
    case Answer::Kind::kDevice:
      return fmt::format("approved: {}", Shown(answer.what));
    case Answer::Kind::kDenied:
      break;
  }
  return fmt::format(
      "your request was denied: {} (request {}; the security desk knows why)",
      Shown(answer.what), answer.request_id);
}

std::string LockedJapanese(const Locked& locked) {
  return fmt::format(
      "暗号化された媒体です: {}。端末で次のコマンドを入力し、媒体の"
      "パスフレーズで開いてください: sekisho unlock {}",
      Shown(locked.what), locked.device);
}

std::string LockedEnglish(const Locked& locked) {
  return fmt::format(
      "this medium is encrypted: {}. Open it in a terminal with its "
      "passphrase: sekisho unlock {}",
      Shown(locked.what), locked.device);
}

std::string WaitingJapanese(const Waiting& waiting) {
  return fmt::format("検査しています({} %): {}。終わるとコピーは続きます",
                     waiting.percent, Shown(waiting.what));
}

std::string WaitingEnglish(const Waiting& waiting) {
  return fmt::format("being checked, {} %: {}. The copy goes on by itself",
                     waiting.percent, Shown(waiting.what));
}

// What is no refusal: the product's name above, one sentence below.
ipc::Notice Told(const std::string& language, std::string japanese,
                 std::string english) {
  ipc::Notice notice;
  notice.severity = "info";
  notice.title = "Sekisho";
  notice.text =
      language.starts_with("ja") ? std::move(japanese) : std::move(english);
  return notice;
}

std::string InBoth(const std::string& japanese, const std::string& english) {
  return fmt::format("\r\nSekisho: {}\r\nSekisho: {}\r\n", japanese, english);
}

}  // namespace

ipc::Notice NoticeOf(const Refusal& refusal, const std::string& language) {
  ipc::Notice notice;
  notice.severity = "blocked";
  if (language.starts_with("ja")) {
    notice.title = WhatJapanese(refusal);
    notice.text = WhyJapanese(refusal) + "。" + HowJapanese(refusal);
  } else {
    notice.title = WhatEnglish(refusal);
    notice.text = WhyEnglish(refusal) + ". " + HowEnglish(refusal);
  }
  return notice;
}

ipc::Notice NoticeOf(const Answer& answer, const std::string& language) {
  return Told(language, AnswerJapanese(answer), AnswerEnglish(answer));
}

ipc::Notice NoticeOf(const Locked& locked, const std::string& language) {
  return Told(language, LockedJapanese(locked), LockedEnglish(locked));
}

ipc::PlacedNotice NoticeOf(const Waiting& waiting,
                           const std::string& language) {
  ipc::PlacedNotice placed;
  placed.place = waiting.place;
  placed.notice.severity = "info";
  if (waiting.over) return placed;
  placed.notice =
      Told(language, WaitingJapanese(waiting), WaitingEnglish(waiting));
  return placed;
}

std::string TerminalText(const Waiting& waiting) {
  return InBoth(WaitingJapanese(waiting), WaitingEnglish(waiting));
}

std::string TerminalText(const Locked& locked) {
  return InBoth(LockedJapanese(locked), LockedEnglish(locked));
}

std::string TerminalText(const Answer& answer) {
  return InBoth(AnswerJapanese(answer), AnswerEnglish(answer));
}

std::string EndText(WallTime now, WallTime end) {
  const auto seconds = [](WallTime time) -> time_t {
    return std::chrono::duration_cast<std::chrono::seconds>(
               time.time_since_epoch())
        .count();
  };
  const time_t at = seconds(now);
  const time_t last_second = seconds(end);
  tm today{};
  tm last{};
  if (::localtime_r(&at, &today) == nullptr ||
      ::localtime_r(&last_second, &last) == nullptr) {
    return {};
  }
  const bool same_day =
      today.tm_yday == last.tm_yday && today.tm_year == last.tm_year;
  std::array<char, 32> text{};
  const size_t size = ::strftime(text.data(), text.size(),
                                 same_day ? "%H:%M" : "%m-%d %H:%M", &last);
  return {text.data(), size};
}

std::string TerminalText(const Refusal& refusal) {
  return fmt::format("\r\nSekisho: {}。{}。{}\r\nSekisho: {}: {}; {}\r\n",
                     WhatJapanese(refusal), WhyJapanese(refusal),
                     HowJapanese(refusal), WhatEnglish(refusal),
                     WhyEnglish(refusal), HowEnglish(refusal));
}

std::string WriteToTerminal(const std::string& tty, std::string text) {
  // "pts/0", "tty1", "ttyS0": as logind and the kernel name them.
  if (tty.empty() || tty.find("..") != std::string::npos) return {};
  const std::string path = "/dev/" + tty;
  const UniqueFd fd(::open(
      path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  struct stat about{};
  if (!fd || ::fstat(fd.get(), &about) != 0 || !S_ISCHR(about.st_mode) ||
      ::isatty(fd.get()) != 1) {
    return {};
  }
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written < 0) return errno == EAGAIN ? text : "";
  return text.substr(static_cast<size_t>(written));
}

}  // namespace sekisho::agent
