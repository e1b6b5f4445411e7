// What of a large file may reach the medium before all of it was seen. People
// in it count from the answer on, and every copy of which some were released
// ends in an event, also where the gate cannot tell how it ended.
#include <algorithm>
#include <utility>

#include "agent/agent.h"

namespace sekisho::agent {
namespace {

// More people than this are on no medium before the verdict over all of a file.
constexpr int64_t kMaxReleasedPersons = 20;
// Far more than gates have; what is over is not released.
constexpr size_t kMaxOpenStreams = 1'024;

}  // namespace

// A rule that stops a known file knows it by all of its bytes.
bool Agent::MayStream() const {
  const policy::Policy& policy = decider_->snapshot()->policy();
  return std::ranges::none_of(
      policy.content, [](const policy::ContentRule& rule) {
        return rule.verdict == policy::Verdict::kBlock &&
               !rule.match.file_groups.empty();
      });
}

ipc::TransferVerdict Agent::OnRelease(int64_t mount_id,
                                      const attribute::Who& asker,
                                      const ipc::ReleaseQuestion& question) {
  const attribute::Who who = Knowing(asker);
  const decide::Decider::Device* device =
      decider_->Find(media_->DeviceOfMount(mount_id));
  const bool audit =
      device != nullptr && device->open == policy::Access::kAudit;
  if (!decider_->observing() && ContainedCopy(mount_id, who) != nullptr) {
    return ipc::TransferVerdict::kBlock;
  }
  Owners owners = OwnersIn(question.findings);
  if (!decider_->observing() && !audit) {
    const int64_t persons =
        std::max(question.findings.persons, question.released.persons);
    // Findings are a program's word.
    if (device == nullptr || persons > kMaxReleasedPersons || !MayStream() ||
        HoldsGrant(who, device->Facts()) || !CheckOwn() ||
        DecideContent(question.findings, owners, device, who).verdict ==
            policy::Verdict::kBlock) {
      return ipc::TransferVerdict::kBlock;
    }
  }
  if (question.released.persons <= 0) return ipc::TransferVerdict::kAllow;
  const StreamKey key{mount_id, question.stream_id};
  if (streams_.size() >= kMaxOpenStreams && !streams_.contains(key)) {
    return ipc::TransferVerdict::kBlock;
  }
  OpenStream& stream = streams_[key];
  stream.who = who;
  stream.path = question.path.substr(0, 4096);
  if (!stream.landing) stream.landing = LandingWith(question.findings);
  stream.owners = std::move(owners);
  if (const Status counted = CountReleased(question.released, device, &stream);
      !counted) {
    TellHealth("totals: " + counted.error().message);
  }
  return ipc::TransferVerdict::kAllow;
}

Status Agent::CountReleased(const ipc::Released& released,
                            const decide::Decider::Device* device,
                            OpenStream* stream) {
  if (totals_ == nullptr) {
    stream->persons = released.persons;
    return {};
  }
  Totals::Transfer transfer = TransferOf(
      identities_->CountedAs(stream->who),
      device == nullptr ? policy::DeviceFacts{} : device->Facts(), {});
  transfer.files = 0;
  transfer.people = HashesIn(released.keyed_hashes);
  const auto hashed = static_cast<int64_t>(transfer.people.size());
  const int64_t uncounted = std::max<int64_t>(0, released.persons - hashed);
  transfer.persons =
      hashed + std::max<int64_t>(0, uncounted - stream->uncounted);
  stream->uncounted = std::max(stream->uncounted, uncounted);
  stream->persons = released.persons;
  const auto durability = decider_->snapshot()->totals().empty()
                              ? Totals::Durability::kMemory
                              : Totals::Durability::kDisk;
  return totals_->Add(transfer, clock_.Now(), durability);
}

void Agent::OnStreamEnded(int64_t mount_id, const attribute::Who& who,
                          const ipc::StreamEnded& ended) {
  auto known = streams_.extract({mount_id, ended.stream_id});
  OpenStream stream;
  if (!known.empty()) stream = std::move(known.mapped());
  // Of before sekishod's restart the gate alone knows.
  if (known.empty()) stream.who = Knowing(who);
  stream.path = ended.path.substr(0, 4096);
  stream.persons = std::max(stream.persons, ended.persons_released);
  if (stream.persons <= 0) return;
  TellUnfinished(mount_id, stream,
                 "the copy was given up before its verdict; what had been "
                 "released was removed");
}

void Agent::OnGateGone(int64_t mount_id) {
  checking_.erase(mount_id);
  EndFiles(mount_id);
  EndErasure(mount_id, "the medium was closed before that was done");
  for (auto at = streams_.lower_bound({mount_id, 0});
       at != streams_.end() && at->first.first == mount_id;
       at = streams_.erase(at)) {
    TellUnfinished(mount_id, at->second,
                   "the gate ended before the copy's verdict; what had been "
                   "released may still be on the medium");
  }
}

void Agent::TellUnfinished(int64_t mount_id, const OpenStream& stream,
                           const std::string& what_became) {
  Parts parts = NewParts(event::v1::EVENT_KIND_TRANSFER);
  if (const auto* device = decider_->Find(media_->DeviceOfMount(mount_id))) {
    SetDevice(device->Facts(), parts);
    if (device->open) parts.open.set_access(policy::Name(*device->open));
  }
  SetWho(stream.who, parts);
  if (stream.landing) SetLanding(*stream.landing, parts);
  SetOwners(stream.owners, policy::SketchKeyId(sketch_key_), parts);
  parts.open.set_outcome(event::v1::OUTCOME_ALERTED);
  parts.open.set_rule("unfinished");
  parts.open.set_reason(what_became);
  parts.open.set_person_count(stream.persons);
  parts.open.set_persons_written_count(stream.persons);
  parts.open.set_inspection(event::v1::INSPECTION_PARTIAL);
  parts.personal.set_file_path(stream.path);
  WriteSoon(std::move(parts));
}

}  // namespace sekisho::agent
