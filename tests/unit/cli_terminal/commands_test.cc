#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/ipc/messages.h"
#include "cli/doctor_command.h"
#include "cli/enroll_command.h"
#include "cli/enrolment_call.h"
#include "cli/options.h"
#include "cli/request_command.h"
#include "cli/status_command.h"
#include "cli/upgrade_command.h"
#include "common/unix_socket.h"

namespace sekisho::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Options, TakesValuesFlagsAndWords) {
  const std::string_view args[] = {"a", "--x", "1", "--y=2", "--f", "b"};
  const std::string_view valued[] = {"--x", "--y"};
  const std::string_view flags[] = {"--f"};
  const auto options = ParseOptions(args, valued, flags);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->Get("--x"), "1");
  EXPECT_EQ(options->Get("--y"), "2");
  EXPECT_TRUE(options->Has("--f"));
  EXPECT_THAT(options->words, ElementsAre("a", "b"));
  EXPECT_FALSE(ParseOptions(args, flags, flags));
  EXPECT_FALSE(ParseOptions(std::span(args).first(2), valued, flags));
}

TEST(Enroll, TokenMayCarryTheFingerprint) {
  const std::string fingerprint(32, 'a');
  const Token with = ParseToken("secret." + fingerprint);
  EXPECT_EQ(with.secret, "secret");
  EXPECT_EQ(ToHex(with.fingerprint), fingerprint);
  for (const char* text : {"secret", "secret.abc", "",
                           "a.zzzzzzzzzzzzzzzzzzzz"
                           "zzzzzzzzzzzz"}) {
    EXPECT_EQ(ParseToken(text).secret, text);
    EXPECT_TRUE(ParseToken(text).fingerprint.empty());
  }
}

TEST(Enroll, FingerprintIsSixteenToThirtyTwoBytes) {
  EXPECT_TRUE(ParseFingerprint(std::string(32, '0')));
  EXPECT_TRUE(ParseFingerprint(std::string(64, '0')));
  EXPECT_FALSE(ParseFingerprint(std::string(30, '0')));
  EXPECT_FALSE(ParseFingerprint(std::string(66, '0')));
  EXPECT_FALSE(ParseFingerprint("xy"));
  EXPECT_TRUE(
      ParseFingerprint("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"));
}

TEST(Enroll, ServerLineIsReplacedAndTheRestStays) {
  EXPECT_EQ(WithServer("", "a:1"), "server: a:1\n");
  EXPECT_EQ(WithServer("# x\n# server: y\n", "a:1"),
            "# x\n# server: y\nserver: a:1\n");
  EXPECT_EQ(WithServer("server: old\nother: 1\nserver: older", "a:1"),
            "server: a:1\nother: 1\n");
  EXPECT_EQ(WithSetting("server: a:1\n", "enrolment", "a:2"),
            "server: a:1\nenrolment: a:2\n");
}

TEST(Enroll, AgentsConnectToThePortBelow) {
  EXPECT_EQ(*AgentAddressOf("h:7444"), "h:7443");
  EXPECT_EQ(*AgentAddressOf("[fd00::1]:7444"), "[fd00::1]:7443");
  for (const char* bad : {"h", ":1", "h:", "h:x", "h:1", "h:70000"}) {
    EXPECT_FALSE(AgentAddressOf(bad)) << bad;
  }
}

// sekishod for one question: what it was asked, and a given answer.
class OneQuestion {
 public:
  OneQuestion(const std::string& dir, const ipc::Reply& reply)
      : listener_(
            std::move(*ListenSeqpacket(dir + "/" + ipc::kControlSocket, 0600))),
        thread_([this, reply] {
          pollfd wait{.fd = listener_.get(), .events = POLLIN, .revents = 0};
          ::poll(&wait, 1, 20'000);
          const auto peer = AcceptSeqpacket(listener_.get());
          if (!peer) return;
          wait.fd = peer->get();
          ::poll(&wait, 1, 20'000);
          const auto packet = ReceivePacket(peer->get());
          if (!packet) return;
          if (auto asked = ipc::Decode<ipc::ProgramsCheck>(packet->bytes)) {
            list = asked->list;
          }
          (void)SendPacket(peer->get(), ipc::Encode(reply));
        }) {}
  ~OneQuestion() { thread_.join(); }
  void Wait() {
    thread_.join();
    thread_ = std::thread([] {});
  }
  std::string list;

 private:
  UniqueFd listener_;
  std::thread thread_;
};

TEST(Upgrade, AsksTheAgentAboutAListOrWhatIsInstalled) {
  const std::string dir =
      ::testing::TempDir() + "sekisho-upgrade-" + std::to_string(::getpid());
  std::filesystem::create_directories(dir);
  const std::string list = dir + "/programs";
  std::ofstream(list) << "a list\n";
  const auto run = [&](std::vector<std::string_view> args) {
    args.push_back("--runtime");
    args.push_back(dir);
    return RunUpgradeCheck(args);
  };
  EXPECT_EQ(run({"--list", list}), 3) << "nobody answers";
  EXPECT_EQ(run({"--list", dir + "/none"}), 2);
  EXPECT_EQ(run({"word"}), 2);
  {
    OneQuestion yes(dir, {.ok = true, .message = "fine"});
    EXPECT_EQ(run({"--list", list}), 0);
    yes.Wait();
    EXPECT_EQ(yes.list, "a list\n");
  }
  {
    OneQuestion no(dir, {.ok = false, .message = "a stranger's"});
    EXPECT_EQ(run({"--json"}), 1);
    no.Wait();
    EXPECT_EQ(no.list, "");
  }
  std::filesystem::remove_all(dir);
}

TEST(Request, Durations) {
  EXPECT_EQ(*ParseDuration("45m"), 45 * 60);
  EXPECT_EQ(*ParseDuration("8h"), 8 * 3600);
  EXPECT_EQ(*ParseDuration("30d"), kMaxRequestSeconds);
  for (const char* bad : {"", "8", "h", "-1h", "0h", "31d", "8hh", "1s",
                          "99999999999999999999h"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
}

DoctorFacts GoodFacts() {
  DoctorFacts facts;
  facts.kernel_release = "6.1.0-30-amd64";
  facts.btf = facts.cgroup2 = facts.fuse = facts.mount_api = facts.systemd =
      facts.usb = facts.initramfs_tools = true;
  facts.lsm = "lockdown,capability,landlock,yama,apparmor,bpf";
  facts.secure_boot = true;
  facts.lockdown = "integrity";
  facts.keyboards = {"AT keyboard"};
  return facts;
}

TEST(Doctor, VerdictIsTheWorstFinding) {
  EXPECT_EQ(Verdict(Judge(GoodFacts())), "full");
  const struct {
    void (*change)(DoctorFacts&);
    const char* verdict;
  } cases[] = {
      {[](DoctorFacts& f) { f.kernel_release = "5.10.0"; }, "unsupported"},
      {[](DoctorFacts& f) { f.kernel_release = "5.15.0"; }, "degraded"},
      {[](DoctorFacts& f) { f.kernel_release = "x"; }, "unsupported"},
      {[](DoctorFacts& f) { f.systemd = false; }, "unsupported"},
      {[](DoctorFacts& f) { f.fuse = false; }, "unsupported"},
      {[](DoctorFacts& f) { f.mount_api = false; }, "unsupported"},
      {[](DoctorFacts& f) { f.btf = false; }, "degraded"},
      {[](DoctorFacts& f) { f.lsm = "landlock"; }, "degraded"},
      {[](DoctorFacts& f) { f.lsm = "landlock,nobpf"; }, "degraded"},
      {[](DoctorFacts& f) { f.lsm.reset(); }, "degraded"},
      {[](DoctorFacts& f) { f.cgroup2 = false; }, "degraded"},
      {[](DoctorFacts& f) { f.lockdown = "confidentiality"; }, "degraded"},
      {[](DoctorFacts& f) { f.initramfs_tools = false; }, "degraded"},
      {[](DoctorFacts& f) { f.secure_boot = false; }, "full"},
      {[](DoctorFacts& f) { f.keyboards.clear(); }, "full"},
  };
  for (const auto& c : cases) {
    DoctorFacts facts = GoodFacts();
    c.change(facts);
    EXPECT_EQ(Verdict(Judge(facts)), c.verdict);
  }
}

TEST(Doctor, FindsKeyboardsPointersAndCardReaders) {
  std::string root = ::testing::TempDir() + "doctor-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const auto put = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(
        std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  };
  put("/proc/bus/input/devices",
      "I: Bus=0019\nN: Name=\"Power Button\"\nH: Handlers=kbd event0 \n"
      "B: EV=3\n\nI: Bus=0011\nN: Name=\"AT keyboard\"\n"
      "H: Handlers=sysrq kbd leds event1 \nB: EV=120013\n\n"
      "I: Bus=0003\nN: Name=\"Mouse\"\nH: Handlers=mouse0 event2 \nB: EV=17\n");
  put("/sys/bus/usb/devices/1-1:1.0/bInterfaceClass", "0b\n");
  put("/sys/bus/usb/devices/1-1/product", "Reader\n");
  put("/sys/bus/usb/devices/1-1/idVendor", "076b\n");
  put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  const DoctorFacts facts = ReadDoctorFacts(root);
  EXPECT_THAT(facts.keyboards, ElementsAre("AT keyboard"));
  EXPECT_THAT(facts.pointers, ElementsAre("Mouse"));
  EXPECT_THAT(facts.card_readers, ElementsAre(HasSubstr("076b")));
  EXPECT_EQ(facts.lockdown, "integrity");
  EXPECT_FALSE(facts.systemd);
  std::filesystem::remove_all(root);
}

TEST(Status, SaysWhatIsRecordedInTheUsersLanguage) {
  ipc::StatusAnswer status;
  status.mode = "observe";
  status.uplink_detail = "no\x1b[31m route";
  EXPECT_THAT(StatusText(status, Language::kEnglish),
              HasSubstr("nothing is refused"));
  EXPECT_THAT(StatusText(status, Language::kEnglish), Not(HasSubstr("\x1b")));
  EXPECT_THAT(StatusText(status, Language::kJapanese), HasSubstr("記録"));
  status.media.push_back(
      {"0951:1666:\"A", "n", "inspect", "/media/x", "r", ""});
  EXPECT_THAT(StatusJson(status), HasSubstr(R"("device":"0951:1666:\"A")"));
  EXPECT_THAT(StatusText(status, Language::kEnglish), HasSubstr("/media/x"));
}

TEST(Status, RefusedDevicesAreNotListedAsUsable) {
  ipc::StatusAnswer status;
  status.media.push_back({"0951:1666:OPEN", "n", "inspect", "/m", "r", ""});
  status.media.push_back({"0951:1666:SHUT", "n", "block", "", "default", ""});
  const std::string text = StatusText(status, Language::kEnglish);
  const size_t access = text.find("Media with access now");
  const size_t refused = text.find("Plugged in, not allowed");
  ASSERT_LT(access, refused);
  EXPECT_THAT(text.substr(access, refused - access), HasSubstr("OPEN"));
  EXPECT_THAT(text.substr(access, refused - access), Not(HasSubstr("SHUT")));
  EXPECT_THAT(text.substr(refused), HasSubstr("SHUT"));
  status.media.erase(status.media.begin());
  EXPECT_THAT(StatusText(status, Language::kEnglish),
              HasSubstr("Media with access now:\n  none\n"));
}

TEST(Status, SaysWhoOneIsOrAsks) {
  ipc::StatusAnswer status;
  EXPECT_THAT(StatusText(status, Language::kEnglish),
              Not(HasSubstr("You are")));
  status.account = "maint";
  EXPECT_THAT(StatusText(status, Language::kEnglish),
              HasSubstr("You are: maint\n"));
  status.asks_who = true;
  for (const Language language : {Language::kEnglish, Language::kJapanese}) {
    EXPECT_THAT(StatusText(status, language), HasSubstr("sekisho iam"));
  }
  status.asks_who = false;
  status.stated_person = "yamada";
  status.proven_by = "totp";
  status.stated_left_us = int64_t{125} * 60'000'000;
  EXPECT_THAT(StatusText(status, Language::kEnglish),
              HasSubstr("You are: yamada (maint, proven by totp, 2:05 h)"));
  EXPECT_THAT(StatusJson(status),
              HasSubstr(R"("account":"maint","stated_person":"yamada")"));
}

TEST(Status, JsonHoldsNoRawControls) {
  ipc::StatusAnswer status;
  status.media.push_back({"d", "n", "block", "", "r", "x\xe2\x80\xae\x1b"});
  EXPECT_THAT(StatusJson(status), HasSubstr(R"("reason":"x\u202e\u001b")"));
}

}  // namespace
}  // namespace sekisho::cli
