#include "agent/notices.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

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
  return contact.empty() ? "承認の申請: sekisho request" : contact;
}

std::string HowEnglish(const Refusal& refusal) {
  const std::string contact = TextFor(refusal.contact, "en");
  if (refusal.contained) {
    return "an approval does not lift it: call your security team (SOC). " +
           contact;
  }
  return contact.empty() ? "to ask for approval: sekisho request" : contact;
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

std::string TerminalText(const Refusal& refusal) {
  return fmt::format("\r\nSekisho: {}。{}。{}\r\nSekisho: {}: {}; {}\r\n",
                     WhatJapanese(refusal), WhyJapanese(refusal),
                     HowJapanese(refusal), WhatEnglish(refusal),
                     WhyEnglish(refusal), HowEnglish(refusal));
}

void WriteToTerminal(const std::string& tty, const std::string& text) {
  // "pts/0", "tty1", "ttyS0": as logind and the kernel name them.
  if (tty.empty() || tty.find("..") != std::string::npos) return;
  const std::string path = "/dev/" + tty;
  const UniqueFd fd(::open(
      path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  struct stat about{};
  if (!fd || ::fstat(fd.get(), &about) != 0 || !S_ISCHR(about.st_mode) ||
      ::isatty(fd.get()) != 1) {
    return;
  }
  // A terminal that does not read misses the line; the event stands.
  [[maybe_unused]] const ssize_t written =
      ::write(fd.get(), text.data(), text.size());
}

}  // namespace sekisho::agent
