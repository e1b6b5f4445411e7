#include "agent/notices.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/unique_fd.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

Refusal Sample() {
  return {.what = "顧客\x1b[2J.csv",
          .kind = Refusal::Kind::kCopy,
          .persons = 1500,
          .rule = "too-many-people",
          .reason = "rule 'too-many-people' gives block",
          .notify = {{"ja", "20人を超えています"}, {"en", "Too many people."}},
          .contact = {{"en", "Call the desk"}}};
}

TEST(Notices, SayWhatWhyRuleAndHowToAsk) {
  const ipc::Notice english = NoticeOf(Sample(), "en");
  EXPECT_EQ(english.severity, "blocked");
  EXPECT_THAT(english.title, HasSubstr("顧客"));
  EXPECT_THAT(english.text, HasSubstr("Too many people."));
  EXPECT_THAT(english.text, HasSubstr("1500"));
  EXPECT_THAT(english.text, HasSubstr("too-many-people"));
  EXPECT_THAT(english.text, HasSubstr("Call the desk"));
  const ipc::Notice japanese = NoticeOf(Sample(), "ja_JP.UTF-8");
  EXPECT_THAT(japanese.text, HasSubstr("20人を超えています"));
  EXPECT_THAT(japanese.text, HasSubstr("sekisho request"));
}

TEST(Notices, OfAContainmentSayWhomToCall) {
  Refusal refusal = Sample();
  refusal.contained = true;
  EXPECT_THAT(NoticeOf(refusal, "en").text, HasSubstr("security team (SOC)"));
  EXPECT_THAT(NoticeOf(refusal, "en").text, HasSubstr("Call the desk"));
  const std::string japanese = NoticeOf(refusal, "ja").text;
  EXPECT_THAT(japanese, HasSubstr("セキュリティ担当(SOC)に連絡"));
  EXPECT_THAT(japanese, Not(HasSubstr("sekisho request")));
}

TEST(Notices, EscapeWhatCameFromTheMedium) {
  EXPECT_THAT(NoticeOf(Sample(), "en").title, Not(HasSubstr("\x1b")));
  EXPECT_THAT(TerminalText(Sample()), Not(HasSubstr("\x1b")));
}

TEST(Notices, TerminalGetsBothLanguages) {
  const std::string text = TerminalText(Sample());
  EXPECT_THAT(text, HasSubstr("コピーを止めました"));
  EXPECT_THAT(text, HasSubstr("copy refused"));
}

TEST(Notices, NothingButATerminalIsWrittenTo) {
  EXPECT_EQ(WriteToTerminal("", "x"), "");
  EXPECT_EQ(WriteToTerminal("null", "x"), "");
  EXPECT_EQ(WriteToTerminal("../etc/passwd", "x"), "");
}

TEST(Notices, WhatATerminalCannotTakeNowIsGivenBack) {
  const UniqueFd reader(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
  ASSERT_TRUE(reader);
  ASSERT_EQ(::grantpt(reader.get()), 0);
  ASSERT_EQ(::unlockpt(reader.get()), 0);
  std::array<char, 64> name{};
  ASSERT_EQ(::ptsname_r(reader.get(), name.data(), name.size()), 0);
  const std::string tty = std::string(name.data()).substr(5);
  const UniqueFd writer(::open(name.data(), O_RDWR | O_NOCTTY));
  ASSERT_TRUE(writer);
  const std::string much(size_t{1} << 20, 'x');
  std::string rest;
  // The kernel moves what was written while more comes.
  for (int tries = 0; tries < 1000 && rest != much; ++tries) {
    rest = WriteToTerminal(tty, much);
  }
  EXPECT_EQ(rest.size(), much.size()) << "it is full, and nothing was taken";
  std::string buffer(much.size(), '\0');
  rest = "refused";
  for (int tries = 0; tries < 10'000 && !rest.empty(); ++tries) {
    while (::read(reader.get(), buffer.data(), buffer.size()) > 0) {
    }
    rest = WriteToTerminal(tty, rest);
  }
  EXPECT_EQ(rest, "");
}

TEST(Notices, WhoWaitsReadsHowFarItIsAndNothingWhenItIsOver) {
  Waiting waiting{.what = "a\x1b.xlsx", .percent = 12, .place = "checking-1"};
  const ipc::PlacedNotice notice = NoticeOf(waiting, "ja");
  EXPECT_EQ(notice.place, "checking-1");
  EXPECT_EQ(notice.notice.severity, "info");
  EXPECT_THAT(notice.notice.text, HasSubstr("検査しています(12 %)"));
  EXPECT_THAT(notice.notice.text, HasSubstr("a\\u{1b}.xlsx"));
  EXPECT_THAT(TerminalText(waiting), HasSubstr("being checked, 12 %"));
  waiting.over = true;
  const ipc::PlacedNotice over = NoticeOf(waiting, "ja");
  EXPECT_EQ(over.place, "checking-1");
  EXPECT_TRUE(over.notice.title.empty() && over.notice.text.empty());
}

}  // namespace
}  // namespace sekisho::agent
