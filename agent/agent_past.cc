// What happened on the terminal before Sekisho, once: read from its logs after
// enrolment, told as events that are not proven.
#include <fcntl.h>
#include <fmt/format.h>

#include "agent/agent.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

// Between these the loop looks after devices.
constexpr size_t kEventsAtOnce = 16;
constexpr char kNotProven[] = "before Sekisho, not proven";
constexpr size_t kMaxIdBytes = 256;
constexpr int kMassStorage = 8;
constexpr int kScsi = 6;

Parts PartsOf(const past::Attachment& attachment) {
  Parts parts = NewParts(event::v1::EVENT_KIND_PAST);
  policy::DeviceFacts facts;
  facts.bus = "usb";
  facts.vendor_id = attachment.vendor_id;
  facts.product_id = attachment.product_id;
  facts.serial = attachment.serial;
  facts.manufacturer = attachment.manufacturer;
  facts.product = attachment.product;
  facts.port = attachment.port;
  SetDevice(facts, parts);
  if (attachment.kind == past::Kind::kStorage) {
    auto& interface = *parts.open.mutable_device()->add_interfaces();
    interface.set_class_code(kMassStorage);
    interface.set_subclass_code(kScsi);
  }
  parts.open.set_past_source("journal");
  SetTime(attachment.time, parts.open.mutable_past_time());
  parts.open.set_reason(std::string("a device was attached ") + kNotProven);
  return parts;
}

Parts PartsOf(const past::PastLogin& login) {
  Parts parts = NewParts(event::v1::EVENT_KIND_PAST);
  parts.personal.set_person(login.user);
  parts.personal.set_tty(login.line);
  parts.personal.set_origin(
      login.host.empty() || login.host.starts_with(':') ? "console" : "ssh");
  if (parts.personal.origin() == "ssh") {
    parts.personal.set_ssh_source(login.host);
  }
  parts.open.set_past_source("wtmp");
  SetTime(login.time, parts.open.mutable_past_time());
  parts.open.set_reason(std::string("somebody logged in ") + kNotProven);
  return parts;
}

Parts SummaryOf(const PastRead& read) {
  Parts parts = NewParts(event::v1::EVENT_KIND_PAST);
  std::string text = fmt::format(
      "{} attachments and {} logins were read from the terminal's logs, {}",
      read.past.attachments.size(), read.past.logins.size(), kNotProven);
  if (read.past.left_out > 0) {
    text += fmt::format("; {} older ones are left out", read.past.left_out);
  }
  if (read.past.cut) text += "; the logs go further back than was read";
  if (!read.problem.empty()) text += "; not all was read: " + read.problem;
  parts.open.set_reason(text.substr(0, 1024));
  return parts;
}

}  // namespace

void Agent::ReadPastOnce() {
  if (options_.past == AgentOptions::Past::kOff || past_ != nullptr ||
      log_->agent_id().empty()) {
    return;
  }
  // Another enrolment is another server, which does not know it yet.
  const auto told =
      ReadFileAt(AT_FDCWD, options_.state_dir + "/core/past.told", kMaxIdBytes);
  if (told && Trim(*told) == log_->agent_id()) return;
  past_ = std::make_shared<PastRead>();
  jobs_.Run([logs = options_.past_logs,
             now = clock_.Now()] { return ReadPast(logs, now); },
            [this](PastRead read) {
              *past_ = std::move(read);
              TellPast();
            });
}

// A part, and the rest after what else waits. Newest first: what is in the
// spool first is what is kept.
void Agent::TellPast() {
  past::Past& past = past_->past;
  for (size_t i = 0; i < kEventsAtOnce; ++i) {
    if (past_told_ < past.attachments.size()) {
      WriteSoon(PartsOf(past.attachments[past_told_]));
    } else if (const size_t at = past_told_ - past.attachments.size();
               at < past.logins.size()) {
      WriteSoon(PartsOf(past.logins[at]));
    } else {
      WriteSoon(SummaryOf(*past_));
      loop_.Post([this] { EndPast(); });
      return;
    }
    ++past_told_;
  }
  loop_.Post([this] { TellPast(); });
}

// Told twice after a crash in between rather than not at all.
void Agent::EndPast() {
  WritePending();
  past_.reset();
  past_told_ = 0;
  const Status marked = ReplaceFile(options_.state_dir + "/core/past.told",
                                    log_->agent_id() + "\n", 0600);
  if (!marked) TellHealth("the past: " + marked.error().message);
}

}  // namespace sekisho::agent
