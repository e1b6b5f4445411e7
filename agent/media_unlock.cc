// The part of Media that opens encrypted volumes: the key is found by a process
// without rights, the mapping is made here, closed to everybody else before it
// can be read.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "agent/media.h"
#include "agent/probe_client.h"
#include "agent/unlock_client.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

using decide::DeviceId;

enforce::CryptVolume VolumeOf(const enforce::DeviceNumber& device,
                              const ipc::UnlockAnswer& answer) {
  enforce::CryptVolume volume;
  volume.device = device;
  volume.cipher = answer.cipher;
  volume.key = answer.key;
  volume.sector_bytes = answer.sector_bytes;
  volume.large_iv = answer.large_iv;
  for (const ipc::UnlockAnswer::Segment& segment : answer.segments) {
    volume.segments.push_back({.start_sector = segment.start_sector,
                               .length_sectors = segment.length_sectors,
                               .device_sector = segment.device_sector,
                               .iv_sector = segment.iv_sector});
  }
  return volume;
}

// What is inside keeps the marks of the medium around it.
policy::MediumFacts Inside(const ipc::ProbeAnswer& answer,
                           policy::MediumFacts around) {
  around.filesystem = answer.filesystem;
  around.volume_uuid = answer.volume_uuid;
  around.volume_label = answer.volume_label;
  return around;
}

Result<policy::MediumFacts> LookInside(const enforce::Mapping& mapping,
                                       const policy::MediumFacts& around,
                                       const ProbeOptions& options) {
  std::vector<ProbeNode> nodes(1);
  nodes[0].path = mapping.node_path;
  nodes[0].number = mapping.number;
  nodes[0].size_bytes = mapping.size_bytes;
  ASSIGN_OR_RETURN(nodes[0].fd, OpenNode(mapping.node_path, mapping.number));
  ASSIGN_OR_RETURN(const ipc::ProbeAnswer answer, AskProbe(nodes, {}, options));
  if (answer.filesystem == decide::kLuks ||
      answer.filesystem == decide::kBitlocker) {
    return Fail(Code::kFailedPrecondition,
                "another encrypted volume is inside it");
  }
  return Inside(answer, around);
}

}  // namespace

Owner Media::OwnerNow() const {
  return OwnerOfMedium(options_.attribution_root);
}

Media::Volume Media::VolumeToMount(const Entry& entry) {
  if (!entry.mapping) return *entry.volume;
  return {.node_path = entry.mapping->node_path,
          .number = entry.mapping->number};
}

void Media::Unlock(DeviceId id, std::string passphrase, Unlocked done) {
  const auto found = entries_.find(id);
  const auto* device = decider_->Find(id);
  if (found == entries_.end() || device == nullptr ||
      device->judged.goal != decide::Goal::kAwaitKey || !found->second.volume) {
    ::explicit_bzero(passphrase.data(), passphrase.size());
    done(Fail(Code::kFailedPrecondition, "it does not wait to be unlocked"));
    return;
  }
  Entry& entry = found->second;
  if (std::exchange(entry.unlocking, true)) {
    ::explicit_bzero(passphrase.data(), passphrase.size());
    done(Fail(Code::kUnavailable, "it is being unlocked already"));
    return;
  }
  jobs_.Run(
      [volume = *entry.volume, passphrase = std::move(passphrase),
       options = UnlockOptions{.socket_path = options_.runtime_dir + "/" +
                                              std::string(ipc::kUnlockSocket),
                               .listener = options_.workers}]() mutable {
        return AskForKey(volume.node_path, volume.number, std::move(passphrase),
                         options);
      },
      [this, id, done = std::move(done)](Result<ipc::UnlockAnswer> answer) {
        OnKey(id, std::move(answer), done);
      });
}

void Media::OnKey(DeviceId id, Result<ipc::UnlockAnswer> answer,
                  const Unlocked& done) {
  const auto found = entries_.find(id);
  const auto* device = decider_->Find(id);
  const auto fail = [&](Error error) {
    if (found != entries_.end()) found->second.unlocking = false;
    if (answer) ::explicit_bzero(answer->key.data(), answer->key.size());
    done(std::unexpected(std::move(error)));
  };
  if (!answer) return fail(answer.error());
  if (found == entries_.end() || device == nullptr || !device->medium ||
      !found->second.volume) {
    return fail({Code::kNotFound, "the medium is gone"});
  }
  const Volume& encrypted = *found->second.volume;
  auto key = std::make_shared<ipc::UnlockAnswer>(std::move(*answer));
  answer = std::unexpected(Error{});  // nothing left to wipe there
  enforce::CryptVolume volume = VolumeOf(encrypted.number, *key);
  const Status fits =
      enforce::CheckVolume(volume, device->medium->size_bytes / 512);
  auto made =
      fits ? enforce::CreateMapping(fmt::format(
                 "{}{}-{}-{}", enforce::kMappingPrefix, encrypted.number.major,
                 encrypted.number.minor, clock_.SinceBoot().count()))
           : Result<enforce::Mapping>(std::unexpected(fits.error()));
  Status closed;
  if (made && gate_ != nullptr) {
    closed = gate_->OpenNow(made->number, enforce::NodeAccess::kGate);
    if (!closed) {
      [[maybe_unused]] const Status gone = enforce::RemoveMapping(made->name);
    }
  }
  if (!made || !closed) {
    ::explicit_bzero(key->key.data(), key->key.size());
    return fail(made ? closed.error() : made.error());
  }
  ProbeOptions options;
  options.socket_path =
      options_.runtime_dir + "/" + std::string(ipc::kProbeSocket);
  options.listener = options_.workers;
  jobs_.Run(
      [mapping = *made, volume = std::move(volume), key,
       around = *device->medium, options]() mutable -> Result<Opened> {
        const Status loaded = enforce::LoadMapping(mapping, volume);
        ::explicit_bzero(key->key.data(), key->key.size());
        auto inside =
            loaded
                ? LookInside(mapping, around, options)
                : Result<policy::MediumFacts>(std::unexpected(loaded.error()));
        if (!inside) {
          [[maybe_unused]] const Status gone =
              enforce::RemoveMapping(mapping.name);
          return std::unexpected(inside.error());
        }
        return Opened{.mapping = mapping, .inside = std::move(*inside)};
      },
      [this, id, done](Result<Opened> opened) {
        OnMapped(id, std::move(opened), done);
      });
}

void Media::OnMapped(DeviceId id, Result<Opened> opened, const Unlocked& done) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.unlocking = false;
  if (!opened) {
    done(std::unexpected(opened.error()));
    return;
  }
  if (found == entries_.end()) {
    [[maybe_unused]] const Status gone =
        enforce::RemoveMapping(opened->mapping.name);
    done(Fail(Code::kNotFound, "the medium is gone"));
    return;
  }
  found->second.mapping = opened->mapping;
  if (!decider_->OnUnlocked(id, opened->inside)) {
    const auto still = entries_.find(id);
    if (still != entries_.end()) DropMapping(still->second);
    done(Fail(Code::kFailedPrecondition,
              "policy changed meanwhile: it may not be opened"));
    return;
  }
  const auto* device = decider_->Find(id);
  if (device != nullptr && device->judged.goal == decide::Goal::kRefuse) {
    if (const auto still = entries_.find(id); still != entries_.end()) {
      DropMapping(still->second);
    }
    done(Fail(Code::kPermissionDenied, device->judged.decision.reason));
    return;
  }
  done({});
}

void Media::DropMapping(Entry& entry) {
  if (!entry.mapping) return;
  jobs_.Run(
      [name = entry.mapping->name] { return enforce::RemoveMapping(name); },
      [](const Status& gone) {
        if (!gone) Log(LogLevel::kError, gone.error().message);
      });
  entry.mapping.reset();
}

// Of a sekishod that ended between making one and mounting it.
void Media::DropStaleMappings() const {
  for (const std::string& name : enforce::OurMappings(options_.sysfs_root)) {
    const bool used = std::ranges::any_of(entries_, [&](const auto& entry) {
      return entry.second.mapping && entry.second.mapping->name == name;
    });
    if (used) continue;
    if (const Status gone = enforce::RemoveMapping(name); !gone) {
      Log(LogLevel::kError, gone.error().message);
    }
  }
}

}  // namespace sekisho::agent
