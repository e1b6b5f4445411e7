// Every message between the agent's processes, and where they meet. All
// sockets are SOCK_SEQPACKET in /run/sekisho; the listener checks the peer.
//
//   devices.sock  sekisho-devices -> sekishod          (uid sekisho-devices)
//   probe.sock    sekishod -> sekisho-probe            (socket unit, one each)
//   unlock.sock   sekishod -> sekisho-unlock           (socket unit, one each)
//   gate.sock     sekisho-gate@N <-> sekishod          (uid sekisho-gate)
//   scan.sock     sekisho-gate@N, sekishod -> sekisho-scan (socket unit)
//   uplink.sock   sekisho-uplink <-> sekishod          (uid sekisho)
//   control.sock  sekisho, sekisho-notify -> sekishod  (anyone; root for more)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/ipc/codec.h"

namespace sekisho::ipc {

inline constexpr char kRuntimeDir[] = "/run/sekisho";
inline constexpr char kDevicesSocket[] = "devices.sock";
inline constexpr char kProbeSocket[] = "probe.sock";
inline constexpr char kUnlockSocket[] = "unlock.sock";
inline constexpr char kGateSocket[] = "gate.sock";
inline constexpr char kScanSocket[] = "scan.sock";
inline constexpr char kUplinkSocket[] = "uplink.sock";
inline constexpr char kControlSocket[] = "control.sock";

// ---- devices.sock ---------------------------------------------------------

enum class DeviceAction : uint8_t { kAdd = 1, kRemove = 2, kChange = 3 };

// A kernel device came, went or changed. sekishod reads what counts again,
// through its own directory descriptor; nothing here is trusted.
struct DeviceSeen {
  static constexpr uint16_t kType = 0x0101;
  DeviceAction action = DeviceAction::kAdd;
  std::string sysfs_path;  // "/sys/devices/..."
  std::string subsystem;   // "usb", "block", "mmc", "scsi_generic"
  std::string devtype;     // "usb_device", "disk", "partition"
  int64_t major = 0;
  int64_t minor = 0;
  int64_t kernel_sequence = 0;  // SEQNUM of the uevent; 0 = from a scan
  int64_t since_boot_us = 0;    // when the uevent was received
  template <typename V>
  void Fields(V& v) {
    v(action, sysfs_path, subsystem, devtype, major, minor, kernel_sequence,
      since_boot_us);
  }
};

// Everything attached was told (after start, and after the kernel dropped
// uevents: `lost` is then true and is worth an event).
struct RescanDone {
  static constexpr uint16_t kType = 0x0102;
  bool lost = false;
  template <typename V>
  void Fields(V& v) {
    v(lost);
  }
};

// ---- probe.sock: fd 0 = block device, read-only ---------------------------

// One question is a disk and then its partitions, a packet each; one answer
// comes for all of them: what is on the first that holds a volume, or else on
// the disk. A connection may wait for its question as long as it likes.
struct ProbeRequest {
  static constexpr uint16_t kType = 0x0201;
  int64_t size_bytes = 0;
  bool more = false;  // another packet of this question follows
  template <typename V>
  void Fields(V& v) {
    v(size_bytes, more);
  }
};

inline constexpr size_t kMaxProbedNodes = 17;  // a disk and 16 partitions

struct ProbeAnswer {
  static constexpr uint16_t kType = 0x0202;
  bool ok = false;
  int64_t node = 0;  // which packet of the question it is about, from 0
  std::string error;
  std::string filesystem;
  std::string volume_uuid;
  std::string volume_label;
  std::string encryption;       // "none", "luks", "bitlocker", "unknown"
  std::string partition_table;  // "dos", "gpt", ""
  template <typename V>
  void Fields(V& v) {
    v(ok, node, error, filesystem, volume_uuid, volume_label, encryption,
      partition_table);
  }
};

// ---- unlock.sock: fd 0 = encrypted volume, read-only -----------------------

inline constexpr size_t kMaxVolumePassphraseBytes = 512;  // as cryptsetup reads

struct UnlockQuestion {
  static constexpr uint16_t kType = 0x0210;
  int64_t size_bytes = 0;  // of the volume
  std::string passphrase;
  template <typename V>
  void Fields(V& v) {
    v(size_bytes, passphrase);
  }
};

struct UnlockAnswer {
  static constexpr uint16_t kType = 0x0211;
  bool ok = false;
  bool wrong_passphrase = false;
  std::string error;
  std::string cipher;  // as dm-crypt names it: "aes-xts-plain64"
  std::string key;     // raw
  int64_t sector_bytes = 512;
  bool large_iv = false;  // counted in such sectors, not in 512 bytes
  // What stands where on the decrypted volume, in order, without gaps; in
  // sectors of 512 bytes. device_sector -1: zeros.
  struct Segment {
    int64_t start_sector = 0;
    int64_t length_sectors = 0;
    int64_t device_sector = 0;
    int64_t iv_sector = 0;
    template <typename V>
    void Fields(V& v) {
      v(start_sector, length_sectors, device_sector, iv_sector);
    }
  };
  std::vector<Segment> segments{};
  template <typename V>
  void Fields(V& v) {
    v(ok, wrong_passphrase, error, cipher, key, sector_bytes, large_iv,
      segments);
  }
};

// ---- scan.sock: fd 0 = the content, read-only, read with pread -------------

struct ScanRequest {
  static constexpr uint16_t kType = 0x0301;
  uint64_t transfer_id = 0;
  int64_t size_bytes = 0;
  std::string name_hint;  // last part of the path; never decides the format
  std::array<std::byte, 32> sketch_key{};
  int64_t timeout_ms = 30'000;
  // The content is still being written: answered by a ScanProgress, and so is
  // each ScanMore, until the last one brings the ScanResult, or a ScanProgress
  // again if the content can only be judged whole.
  bool follows = false;
  template <typename V>
  void Fields(V& v) {
    v(transfer_id, size_bytes, name_hint, sketch_key, timeout_ms, follows);
  }
};

// The content has grown. fd 0 only if it lies in another file now: bytes that
// were asked about before need not be in it.
struct ScanMore {
  static constexpr uint16_t kType = 0x0303;
  uint64_t transfer_id = 0;
  int64_t size_bytes = 0;
  bool last = false;
  bool quiet = false;  // nobody reads the findings of the answer
  template <typename V>
  void Fields(V& v) {
    v(transfer_id, size_bytes, last, quiet);
  }
};

// A type of data that policy defines, as detect/custom.h knows it.
struct CustomType {
  std::string id{};  // of "custom:<id>"
  std::string pattern{};
  std::vector<std::string> header_words{};
  std::string check{};  // "none", "luhn", "mod11", "mod97", "verhoeff"
  std::vector<std::string> values{};
  template <typename V>
  void Fields(V& v) {
    v(id, pattern, header_words, check, values);
  }
};

// What policy wants found beside the built-in types. May be larger than a
// packet: sekishod encodes it into a sealed memory file, the gate hands that on
// unread, the worker decodes it.
struct ScanRules {
  static constexpr uint16_t kType = 0x0310;
  std::vector<CustomType> types{};
  // The point on P-256 that masked samples are sealed to; empty: none are made.
  std::string samples_key{};
  template <typename V>
  void Fields(V& v) {
    v(types, samples_key);
  }
};
inline constexpr int64_t kMaxScanRulesBytes = int64_t{4} << 20;

// To the worker, for every request after it on this connection. fd 0 =
// ScanRules, of `size_bytes`; 0: no rules and no fd.
struct UseScanRules {
  static constexpr uint16_t kType = 0x0306;
  int64_t size_bytes = 0;
  template <typename V>
  void Fields(V& v) {
    v(size_bytes);
  }
};

// To the worker: nobody waits for what is asked on this connection. It takes
// only what time of processor and disk nobody else wants. Not answered.
struct ScanInBackground {
  static constexpr uint16_t kType = 0x0420;
  uint64_t reserved = 0;
  template <typename V>
  void Fields(V& v) {
    v(reserved);
  }
};

struct DataCount {
  std::string type;  // contract TYPE
  int64_t count = 0;
  template <typename V>
  void Fields(V& v) {
    v(type, count);
  }
};

struct ColumnFinding {
  std::string name;
  std::string type;
  int64_t rows = 0;
  double share = 0;
  template <typename V>
  void Fields(V& v) {
    v(name, type, rows, share);
  }
};

struct SketchFinding {
  std::string kind;
  std::string keyed_hashes;  // 8 bytes each, at most 512
  std::string blob;          // HLL registers above that, 16 KiB
  int64_t persons = 0;
  template <typename V>
  void Fields(V& v) {
    v(kind, keyed_hashes, blob, persons);
  }
};

struct Findings {
  std::string format;
  std::string encoding;
  int64_t bytes = 0;
  int64_t persons = 0;
  std::vector<DataCount> data;
  std::vector<ColumnFinding> columns;  // at most 64
  std::string inspection = "none";     // "full", "partial", "none"
  std::string reason;                  // contract words
  std::vector<SketchFinding> sketches;
  std::string file_hash;  // SHA-256 of the content, 32 bytes
  // Masked rows, sealed by the worker (seal/seal.h); empty unless policy asks.
  std::string sealed_samples{};
  // The smallest keyed hashes of its people, 8 bytes each, at most 512, however
  // many people there are: what says that two contents have people in common.
  std::string people_sample{};
  template <typename V>
  void Fields(V& v) {
    v(format, encoding, bytes, persons, data, columns, inspection, reason,
      sketches, file_hash, sealed_samples, people_sample);
  }
};

struct ScanResult {
  static constexpr uint16_t kType = 0x0302;
  uint64_t transfer_id = 0;
  Findings findings;
  template <typename V>
  void Fields(V& v) {
    v(transfer_id, findings);
  }
};

// To the worker: whole contents on this connection are answered by ScanSoFar
// now and then, before their ScanResult. Not answered itself.
struct TellSoFar {
  static constexpr uint16_t kType = 0x0307;
  uint64_t reserved = 0;
  template <typename V>
  void Fields(V& v) {
    v(reserved);
  }
};

// The content has been read up to here. Worth no trust.
struct ScanSoFar {
  static constexpr uint16_t kType = 0x0305;
  uint64_t transfer_id = 0;
  int64_t read_bytes = 0;
  template <typename V>
  void Fields(V& v) {
    v(transfer_id, read_bytes);
  }
};

// People whose rows are in a part of a content.
struct Released {
  int64_t persons = 0;
  std::string keyed_hashes;  // 8 bytes each, of those that have one
  template <typename V>
  void Fields(V& v) {
    v(persons, keyed_hashes);
  }
};

enum class Incremental : uint8_t {
  kNot = 1,  // judged only whole: nothing more is said about it this way
  kYes = 2,
};

struct ScanProgress {
  static constexpr uint16_t kType = 0x0304;
  uint64_t transfer_id = 0;
  Incremental incremental = Incremental::kNot;
  // Bytes before this were judged for good, and what follows them was looked
  // at for a block.
  int64_t judged_bytes = 0;
  Released judged;    // in these bytes
  Findings findings;  // of all that was looked at, further than that
  template <typename V>
  void Fields(V& v) {
    v(transfer_id, incremental, judged_bytes, judged, findings);
  }
};

// ---- gate.sock -------------------------------------------------------------

// First packet of a gate: which mount it serves (its instance name).
struct GateHello {
  static constexpr uint16_t kType = 0x0401;
  int64_t mount_id = 0;
  bool running = false;  // true: it reconnects after sekishod's restart
  template <typename V>
  void Fields(V& v) {
    v(mount_id, running);
  }
};

// Answer: fd 0 = /dev/fuse with the mount made, fd 1 = root directory of the
// detached real filesystem. Neither when the gate said `running`. The last fd =
// ScanRules, if there are any.
struct GateStart {
  static constexpr uint16_t kType = 0x0402;
  int64_t mount_id = 0;
  std::string access;     // "read_only", "inspect", "audit"
  int64_t owner_uid = 0;  // shown as owner of everything
  int64_t owner_gid = 0;
  int64_t staging_bytes = 0;  // bound of all staged content
  int64_t file_bytes = 0;     // bound of one staged file
  std::array<std::byte, 32> sketch_key{};
  int64_t scan_rules_bytes = 0;
  template <typename V>
  void Fields(V& v) {
    v(mount_id, access, owner_uid, owner_gid, staging_bytes, file_bytes,
      sketch_key, scan_rules_bytes);
  }
};

// While OPEN or CREATE for writing, RENAME, UNLINK... waits: who asks.
// sekishod reads /proc of the requester now and remembers it as `who`.
struct WhoQuestion {
  static constexpr uint16_t kType = 0x0403;
  uint64_t question_id = 0;
  int64_t pid = 0;
  int64_t uid = 0;
  template <typename V>
  void Fields(V& v) {
    v(question_id, pid, uid);
  }
};

struct WhoAnswer {
  static constexpr uint16_t kType = 0x0404;
  uint64_t question_id = 0;
  uint64_t who = 0;  // 0: could not be told; still asked with
  template <typename V>
  void Fields(V& v) {
    v(question_id, who);
  }
};

// At a verdict point: may this content reach the medium under this name?
struct TransferQuestion {
  static constexpr uint16_t kType = 0x0405;
  uint64_t question_id = 0;
  uint64_t who = 0;
  std::string path;       // on the medium, as the operator sees it
  std::string operation;  // "create", "overwrite", "rename", "xattr", "label"
  Findings findings;
  // What of it is on the medium already, by ReleaseQuestions of this stream.
  uint64_t stream_id = 0;  // 0: nothing
  int64_t persons_released = 0;
  template <typename V>
  void Fields(V& v) {
    v(question_id, who, path, operation, findings, stream_id, persons_released);
  }
};

// Before the verdict: may the first `release_bytes` of a content that is still
// being written go to the medium? The people in them count from the answer on.
// Answered by a TransferAnswer.
struct ReleaseQuestion {
  static constexpr uint16_t kType = 0x040a;
  uint64_t question_id = 0;
  uint64_t stream_id = 0;  // the gate's number, one a content
  uint64_t who = 0;
  std::string path;
  int64_t release_bytes = 0;
  Released released;  // in these bytes, not only in what is new
  Findings findings;  // of what was looked at so far
  template <typename V>
  void Fields(V& v) {
    v(question_id, stream_id, who, path, release_bytes, released, findings);
  }
};

// A stream ended without a verdict: its file was removed, or changed in a way
// that takes it back to staging. What had been released is off the medium.
struct StreamEnded {
  static constexpr uint16_t kType = 0x040b;
  uint64_t stream_id = 0;
  uint64_t who = 0;
  std::string path;
  int64_t persons_released = 0;
  template <typename V>
  void Fields(V& v) {
    v(stream_id, who, path, persons_released);
  }
};

// The event is in the spool before this is sent. Anything but kAllow/kAlert
// with a matching id is a refusal (fail closed).
enum class TransferVerdict : uint8_t { kAllow = 1, kAlert = 2, kBlock = 3 };

struct TransferAnswer {
  static constexpr uint16_t kType = 0x0406;
  uint64_t question_id = 0;
  TransferVerdict verdict = TransferVerdict::kBlock;
  template <typename V>
  void Fields(V& v) {
    v(question_id, verdict);
  }
};

// What became of an allowed transfer: told when it could not be committed.
struct TransferFailed {
  static constexpr uint16_t kType = 0x0407;
  uint64_t question_id = 0;
  std::string path;
  std::string error;
  template <typename V>
  void Fields(V& v) {
    v(question_id, path, error);
  }
};

// gate -> sekishod: somebody waits while a file is looked at. Told from two
// seconds on, about once a second, and once more when it is over; not answered.
struct Checking {
  static constexpr uint16_t kType = 0x0412;
  uint64_t who = 0;
  std::string path;  // on the medium, raw
  int64_t read_bytes = 0;
  int64_t size_bytes = 0;
  bool over = false;
  template <typename V>
  void Fields(V& v) {
    v(who, path, read_bytes, size_bytes, over);
  }
};

// sekishod -> gate: flush, sync, answer ENODEV from now on, exit.
struct GateStop {
  static constexpr uint16_t kType = 0x0408;
  std::string reason;
  template <typename V>
  void Fields(V& v) {
    v(reason);
  }
};

// sekishod -> gate: access changed while mounted ("read_only", "inspect"...).
struct GateAccess {
  static constexpr uint16_t kType = 0x0409;
  std::string access;
  template <typename V>
  void Fields(V& v) {
    v(access);
  }
};

// sekishod -> gate: policy changed what is to be found. fd 0 = ScanRules; none
// and 0 bytes: nothing but the built-in types.
struct GateScanRules {
  static constexpr uint16_t kType = 0x040c;
  int64_t size_bytes = 0;
  template <typename V>
  void Fields(V& v) {
    v(size_bytes);
  }
};

// sekishod -> gate: what have you done to the medium so far?
struct GateCountsQuestion {
  static constexpr uint16_t kType = 0x0410;
  template <typename V>
  void Fields(V&) {}
};

// Everything since the mount that makes the kernel write to the medium. Each is
// counted before it is done. Sent when asked, and last of all once the medium
// is synced.
struct GateCounts {
  static constexpr uint16_t kType = 0x0411;
  int64_t written_bytes = 0;    // content, and zeros over what was refused
  int64_t changes = 0;          // of names, attributes and times
  int64_t directory_bytes = 0;  // that directories may have grown by
  int64_t freed_bytes = 0;      // content that was removed or replaced
  int64_t cluster_bytes = 0;    // what the filesystem allocates at a time
  template <typename V>
  void Fields(V& v) {
    v(written_bytes, changes, directory_bytes, freed_bytes, cluster_bytes);
  }
};

enum class FileChange : uint8_t { kPresent = 1, kRemoved = 2, kRenamed = 3 };

// A name on the medium: it lies there, was removed, or is another one now.
struct ToldFile {
  std::string path;  // raw, at most kMaxToldPathBytes
  FileChange change = FileChange::kPresent;
  std::string old_path{};   // kRenamed: before
  int64_t size_bytes = 0;   // kPresent
  int64_t modified_us = 0;  // kPresent: as the medium says
  template <typename V>
  void Fields(V& v) {
    v(path, change, old_path, size_bytes, modified_us);
  }
};
inline constexpr size_t kMaxToldPathBytes = 4096;
inline constexpr size_t kMaxToldFiles = 256;  // in one packet

// gate -> sekishod: what happened to names, in order, some time afterwards but
// before any question that came later; and once what lies on the medium. Not
// answered.
struct FilesTold {
  static constexpr uint16_t kType = 0x0413;
  std::vector<ToldFile> files{};
  int64_t lost_count = 0;  // changes there was no room for since the packet
                           // before
  // The listing is over with this: so many files were found, and whether all
  // of them were told.
  bool listing_ends = false;
  int64_t present_count = 0;
  bool complete = false;
  template <typename V>
  void Fields(V& v) {
    v(files, lost_count, listing_ends, present_count, complete);
  }
};

// sekishod -> gate: remove everything, overwrite what that frees and all that
// was free, read it back. Takes as long as that takes; answered once.
struct GateErase {
  static constexpr uint16_t kType = 0x0414;
  template <typename V>
  void Fields(V&) {}
};

struct GateErased {
  static constexpr uint16_t kType = 0x0415;
  bool ok = false;
  int64_t bytes = 0;  // overwritten and read back the same
  std::string error{};
  template <typename V>
  void Fields(V& v) {
    v(ok, bytes, error);
  }
};

// The gate's last word where somebody unmounted the medium, as a file manager's
// "eject" does: what was written is on it.
struct GateUnmounted {
  static constexpr uint16_t kType = 0x0416;
  template <typename V>
  void Fields(V&) {}
};

// ---- uplink.sock -----------------------------------------------------------

struct ChainHead {
  int64_t epoch = 0;
  int64_t sequence = 0;
  std::array<std::byte, 32> hash{};
  template <typename V>
  void Fields(V& v) {
    v(epoch, sequence, hash);
  }
};

// uplink -> sekishod, first, and whenever the server said where it stands:
// send events after this.
struct SendFrom {
  static constexpr uint16_t kType = 0x0501;
  ChainHead acked;  // sequence 0: from the oldest kept
  template <typename V>
  void Fields(V& v) {
    v(acked);
  }
};

// sekishod -> uplink: one EventRecord, serialised (proto).
struct EventOut {
  static constexpr uint16_t kType = 0x0502;
  int64_t sequence = 0;
  std::string record;
  template <typename V>
  void Fields(V& v) {
    v(sequence, record);
  }
};

// uplink -> sekishod: committed at the server up to here.
struct EventsAcked {
  static constexpr uint16_t kType = 0x0503;
  ChainHead head;
  template <typename V>
  void Fields(V& v) {
    v(head);
  }
};

// sekishod -> uplink: every change, and on connect. What a heartbeat carries.
struct CoreState {
  static constexpr uint16_t kType = 0x0504;
  ChainHead head;
  std::string mode;        // "observe", "enforce"
  std::string gate_state;  // "full", "degraded", "unsupported", "observe"
  int64_t policy_version = 0;
  int64_t devices_version = 0;
  int64_t spooled_count = 0;
  int64_t people_version = 0;  // of the list of people, which may be large
  int64_t data_sets_version = 0;
  template <typename V>
  void Fields(V& v) {
    v(head, mode, gate_state, policy_version, devices_version, spooled_count,
      people_version, data_sets_version);
  }
};

// sekishod -> uplink: what became of the containments that hold here, each
// change and on connect. For the heartbeat too.
struct ContainState {
  static constexpr uint16_t kType = 0x0510;
  int64_t version = 0;  // of the newest list
  struct One {
    int64_t id = 0;
    int64_t closed_us = 0;    // this terminal's clock; 0 = not all yet
    int64_t media_count = 0;  // attached ones that it covers
    int64_t open_count = 0;   // of these still open; in observe all
    bool operator==(const One&) const = default;
    template <typename V>
    void Fields(V& v) {
      v(id, closed_us, media_count, open_count);
    }
  };
  std::vector<One> running;
  bool operator==(const ContainState&) const = default;
  template <typename V>
  void Fields(V& v) {
    v(version, running);
  }
};

// uplink -> sekishod: fd 0 = memfd with the sealed envelope. sekishod verifies
// it; uplink's word counts for nothing.
struct EnvelopeIn {
  static constexpr uint16_t kType = 0x0505;
  std::string type;  // "policy", "devices", "upgrade", "unlock", "people"...
  int64_t size_bytes = 0;
  template <typename V>
  void Fields(V& v) {
    v(type, size_bytes);
  }
};

// uplink -> sekishod: for `sekisho status` and content of events.
struct UplinkState {
  static constexpr uint16_t kType = 0x0506;
  bool connected = false;
  std::string detail;  // why not, in plain words
  template <typename V>
  void Fields(V& v) {
    v(connected, detail);
  }
};

// uplink -> sekishod: the server's log is not the continuation of what this
// terminal saw of it. For an event; the uplink has turned away already.
struct HistoryRewritten {
  static constexpr uint16_t kType = 0x0507;
  std::string detail;
  template <typename V>
  void Fields(V& v) {
    v(detail);
  }
};

// ---- control.sock ----------------------------------------------------------

struct StatusRequest {
  static constexpr uint16_t kType = 0x0601;
  template <typename V>
  void Fields(V&) {}
};

struct MediumStatus {
  std::string device;       // "0951:1666:ABC", escaped
  std::string name;         // manufacturer and product, escaped
  std::string access;       // what is in force now
  std::string mount_point;  // empty while not mounted
  std::string rule;
  std::string reason;
  template <typename V>
  void Fields(V& v) {
    v(device, name, access, mount_point, rule, reason);
  }
};

struct StatusAnswer {
  static constexpr uint16_t kType = 0x0602;
  std::string version;
  std::string mode;
  std::string gate_state;
  std::string gate_detail;
  std::string terminal;
  std::string agent_id;  // empty = not enrolled
  bool connected = false;
  std::string uplink_detail;
  int64_t policy_version = 0;
  std::string policy_name;
  int64_t spooled_count = 0;
  int64_t spool_used_bytes = 0;
  int64_t spool_size_bytes = 0;
  ChainHead head;
  std::vector<MediumStatus> media;
  std::string policy_note;  // it is on trial, or a newer one was undone
  // Of whoever asks: his login, and who he proved to be at it.
  std::string account{};
  std::string stated_person{};
  std::string proven_by{};
  int64_t stated_left_us = 0;
  bool asks_who = false;  // policy wants to know who is at this account
  template <typename V>
  void Fields(V& v) {
    v(version, mode, gate_state, gate_detail, terminal, agent_id, connected,
      uplink_detail, policy_version, policy_name, spooled_count,
      spool_used_bytes, spool_size_bytes, head, media, policy_note, account,
      stated_person, proven_by, stated_left_us, asks_who);
  }
};

// Root only: what `sekisho enroll` needs before it asks the server.
struct IdentityRequest {
  static constexpr uint16_t kType = 0x0603;
  template <typename V>
  void Fields(V&) {}
};

struct IdentityAnswer {
  static constexpr uint16_t kType = 0x0604;
  std::array<std::byte, 32> chain_public_key{};
  std::string agent_id;  // not empty: enrolled already
  template <typename V>
  void Fields(V& v) {
    v(chain_public_key, agent_id);
  }
};

// Root only: what the server answered. sekishod writes its part (root file,
// sketch key, agent id, epoch) and starts the chain.
struct EnrolmentDone {
  static constexpr uint16_t kType = 0x0605;
  std::string agent_id;
  std::string terminal;
  std::string root_file;
  int64_t epoch = 0;
  std::array<std::byte, 32> sketch_key{};
  template <typename V>
  void Fields(V& v) {
    v(agent_id, terminal, root_file, epoch, sketch_key);
  }
};

// Yes or no, in plain words.
struct Reply {
  static constexpr uint16_t kType = 0x0606;
  bool ok = false;
  std::string message;
  template <typename V>
  void Fields(V& v) {
    v(ok, message);
  }
};

// The operator asks for approval of a device ("vid:pid:serial"), or that his
// refused copy of a file may go once.
struct ApprovalRequest {
  static constexpr uint16_t kType = 0x0607;
  std::string device;  // empty: of a copy
  std::string purpose;
  int64_t seconds = 0;
  std::string file{};  // name or path of the copy; empty: the last refused one
  template <typename V>
  void Fields(V& v) {
    v(device, purpose, seconds, file);
  }
};

// sekisho-notify and terminals: send me the notices of my uid from now on.
struct Subscribe {
  static constexpr uint16_t kType = 0x0608;
  std::string language;  // "ja", "en"
  template <typename V>
  void Fields(V& v) {
    v(language);
  }
};

struct Notice {
  static constexpr uint16_t kType = 0x0609;
  std::string severity;  // "info", "blocked"
  std::string title;
  std::string text;
  template <typename V>
  void Fields(V& v) {
    v(severity, title, text);
  }
};

// A notice that takes the place of the one before of the same place; without
// title and text that one goes away.
struct PlacedNotice {
  static constexpr uint16_t kType = 0x0610;
  std::string place;
  Notice notice;
  template <typename V>
  void Fields(V& v) {
    v(place, notice);
  }
};

// Root only, from the package's scripts before anything is replaced: would
// these files be taken for the agent's programs? `list` is as in an upgrade
// manifest. Empty: are those taken that are installed now? Answered with Reply,
// once every file has been read.
struct ProgramsCheck {
  static constexpr uint16_t kType = 0x060b;
  std::string list;
  template <typename V>
  void Fields(V& v) {
    v(list);
  }
};

// The operator of a terminal without network asks for the challenges to read
// out, or types the code that was read to him.
struct CodeRequest {
  static constexpr uint16_t kType = 0x060c;
  std::string code;    // empty: show challenges
  std::string device;  // empty: of every blocked device
  template <typename V>
  void Fields(V& v) {
    v(code, device);
  }
};

struct CodeAnswer {
  static constexpr uint16_t kType = 0x060d;
  bool ok = false;
  std::string message;
  std::string terminal;
  std::string agent_id;
  struct Challenge {
    std::string device;  // as in MediumStatus
    std::string name;
    std::string challenge;
    int64_t tries_left = 0;
    template <typename V>
    void Fields(V& v) {
      v(device, name, challenge, tries_left);
    }
  };
  std::vector<Challenge> challenges;
  template <typename V>
  void Fields(V& v) {
    v(ok, message, terminal, agent_id, challenges);
  }
};

// The operator opens an encrypted medium; answered with Reply, which takes as
// long as its key derivation.
struct UnlockRequest {
  static constexpr uint16_t kType = 0x060e;
  std::string device;  // as in MediumStatus; empty: the only one that waits
  std::string passphrase;
  template <typename V>
  void Fields(V& v) {
    v(device, passphrase);
  }
};

// Whoever is logged in at an account that several people use says who he is.
// Answered with Reply, once it was checked.
struct IdentifyRequest {
  static constexpr uint16_t kType = 0x0611;
  std::string person;  // id of the people register
  std::string proof;   // PIN, or code of an authenticator
  template <typename V>
  void Fields(V& v) {
    v(person, proof);
  }
};

// Whoever works with a medium has it erased; answered with Reply, once all of
// it was overwritten and read back.
struct EraseRequest {
  static constexpr uint16_t kType = 0x0620;
  std::string target;  // as in MediumStatus: its device or its mount point
  template <typename V>
  void Fields(V& v) {
    v(target);
  }
};

// Root only, from the package's removal scripts: open the gate and stop.
struct Teardown {
  static constexpr uint16_t kType = 0x060a;
  std::string reason;
  template <typename V>
  void Fields(V& v) {
    v(reason);
  }
};

}  // namespace sekisho::ipc
