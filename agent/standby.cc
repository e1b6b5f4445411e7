#include "agent/standby.h"

#include <fmt/format.h>

#include <utility>

#include "agent/probe_client.h"
#include "agent/programs.h"
#include "common/log.h"
#include "common/unix_socket.h"

namespace sekisho::agent {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{3'000};
// Whoever plugged something in waits for what is done first, and on a slow
// machine that takes seconds.
constexpr std::chrono::milliseconds kNextDelay{10'000};
// What a medium needs of the kernel; otherwise each is loaded by a program that
// the kernel starts when the medium is there.
constexpr const char* kModules[] = {"usb_storage", "uas",   "sd_mod",   "fuse",
                                    "vfat",        "exfat", "nls_cp437"};

}  // namespace

Standby::Standby(EventLoop& loop, Jobs& jobs, const Clock& clock, Gates& gates,
                 Options options,
                 std::function<void(const std::string&, const Error&)> problem)
    : loop_(loop),
      jobs_(jobs),
      clock_(clock),
      gates_(gates),
      options_(std::move(options)),
      problem_(std::move(problem)) {}

Standby::~Standby() {
  if (timer_ != 0) loop_.Cancel(timer_);
}

void Standby::Set(Mode mode) {
  mode_ = mode;
  if (mode == Mode::kOn) {
    PrepareAfter(kFirstDelay);
    return;
  }
  probe_.Reset();
  gates_.Cancel(std::exchange(gate_, 0));
}

UniqueFd Standby::TakeProbe() {
  PrepareAfter(kNextDelay);
  return std::exchange(probe_, UniqueFd());
}

int64_t Standby::TakeGate() {
  PrepareAfter(kNextDelay);
  const int64_t waiting = std::exchange(gate_, 0);
  if (gates_.Waits(waiting)) return waiting;
  gates_.Cancel(waiting);
  return NewGate();
}

int64_t Standby::NewGate() {
  const int64_t mount_id = clock_.SinceBoot().count();  // microseconds
  gates_.Reserve(mount_id);
  StartGate(mount_id);
  return mount_id;
}

void Standby::StartGate(int64_t mount_id) {
  jobs_.Run([words =
                 std::vector<std::string>{
                     options_.systemctl, "start", "--no-block", "--quiet",
                     fmt::format("sekisho-gate@{}.service",
                                 mount_id)}] { return RunProgram(words); },
            [this](const Status& status) {
              if (!status) problem_("start the gate", status.error());
            });
}

// What is waited for already is not put off.
void Standby::PrepareAfter(std::chrono::milliseconds delay) {
  if (mode_ == Mode::kOff || timer_ != 0) return;
  timer_ = loop_.After(delay, [this] {
    timer_ = 0;
    Prepare();
  });
}

void Standby::Prepare() {
  if (mode_ == Mode::kOff) return;
  LoadModules();
  if (!gates_.Waits(gate_)) {
    gates_.Cancel(gate_);
    gate_ = NewGate();
  }
  if (StillWaits(probe_)) return;
  jobs_.Run(
      [path = options_.probe_socket, listener = options_.listener] {
        return ConnectSeqpacket(path, listener);
      },
      [this](Result<UniqueFd> probe) {
        // Whoever asks next starts one, and says what is wrong.
        if (probe && mode_ == Mode::kOn) probe_ = std::move(*probe);
      });
}

void Standby::LoadModules() {
  if (std::exchange(modules_asked_, true)) return;
  std::vector<std::string> words = {options_.systemctl, "start", "--no-block",
                                    "--quiet"};
  for (const char* module : kModules) {
    words.push_back(fmt::format("modprobe@{}.service", module));
  }
  jobs_.Run([words] { return RunProgram(words); },
            [](const Status& status) {
              if (!status) Log(LogLevel::kInfo, status.error().message);
            });
}

}  // namespace sekisho::agent
