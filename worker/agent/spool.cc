#include "worker/agent/spool.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace lorikeet::agent {
namespace {

// The file begins with these eight bytes and the number of its first record.
constexpr std::string_view kMagic = "LKSPOOL1";
constexpr std::int64_t kFileHeader = 16;
constexpr std::int64_t kRecordHeader = 16;  // u32 length, u32 checksum, u64 number; this machine's byte order
constexpr std::uint32_t kMostPayload = 64U << 20;
constexpr std::int64_t kWorthFreeing = 1 << 20;

// CRC-32 (IEEE 802.3).
std::uint32_t Checksum(std::uint32_t crc, std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0);
      made[i] = value;
    }
    return made;
  }();
  crc = ~crc;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

struct Header {
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;
  std::uint64_t sequence = 0;
};
static_assert(sizeof(Header) == kRecordHeader);

std::uint32_t RecordChecksum(std::uint64_t sequence, std::string_view payload) {
  const std::string_view number(reinterpret_cast<const char*>(&sequence), sizeof(sequence));
  return Checksum(Checksum(0, number), payload);
}

std::string FileHeader(std::int64_t first) {
  std::string header(kMagic);
  header.append(reinterpret_cast<const char*>(&first), sizeof(first));
  return header;
}

}  // namespace

StatusOr<std::unique_ptr<Spool>> Spool::Open(Disk& disk, const std::string& path) {
  std::unique_ptr<Spool> spool(new Spool(&disk, path));
  ASSIGN_OR_RETURN(spool->file_, disk.Open(path));
  RETURN_IF_ERROR(spool->Load());
  return spool;
}

std::unique_ptr<Spool> Spool::InMemory(std::int64_t acknowledged) {
  std::unique_ptr<Spool> spool(new Spool(nullptr, "in memory"));
  spool->Restart(acknowledged);
  return spool;
}

Status Spool::Load() {
  ASSIGN_OR_RETURN(const std::int64_t size, file_->Size());
  end_ = kFileHeader;
  if (size < kFileHeader) {  // new, or the crash came that early
    RETURN_IF_ERROR(file_->Truncate(0));
    RETURN_IF_ERROR(file_->Write(0, FileHeader(1)));
    return file_->Sync();  // else a power cut may leave zeros, which are no spool
  }
  ASSIGN_OR_RETURN(const std::string header, file_->Read(0, kFileHeader));
  if (std::string_view(header).substr(0, kMagic.size()) != kMagic) {
    return FailedPrecondition("{}: not a spool of this program", path_);
  }
  std::memcpy(&first_, header.data() + kMagic.size(), sizeof(first_));
  acknowledged_ = first_ - 1;
  while (end_ + kRecordHeader <= size) {
    ASSIGN_OR_RETURN(const std::string head, file_->Read(end_, kRecordHeader));
    Header record;
    std::memcpy(&record, head.data(), sizeof(record));
    if (record.length > kMostPayload || end_ + kRecordHeader + record.length > size) break;
    ASSIGN_OR_RETURN(const std::string payload, file_->Read(end_ + kRecordHeader, record.length));
    if (record.sequence != static_cast<std::uint64_t>(disk_end()) ||
        record.checksum != RecordChecksum(record.sequence, payload)) {
      break;
    }
    offsets_.push_back(end_);
    end_ += kRecordHeader + record.length;
  }
  next_ = disk_end();
  dropped_bytes_ = size - end_;
  return dropped_bytes_ > 0 ? file_->Truncate(end_) : absl::OkStatus();
}

Status Spool::Append(std::string_view payload, bool sync) {
  if (payload.size() > kMostPayload) {
    return InvalidArgument("{}: an event of {} bytes; at most {}", path_, payload.size(), kMostPayload);
  }
  RETURN_IF_ERROR(broken_);
  const bool behind = !waiting_.empty();  // it is for Flush to try again
  waiting_.push_back({std::string(payload), sync});
  waiting_bytes_ += payload.size();
  ++next_;
  return behind ? absl::OkStatus() : Flush();
}

Status Spool::Flush() {
  RETURN_IF_ERROR(broken_);
  while (file_ != nullptr && !waiting_.empty()) {
    const Status written = Write(first_waiting(), waiting_.front());
    if (IsFull(written)) return absl::OkStatus();
    if (!written.ok()) return broken_ = written;
    waiting_bytes_ -= waiting_.front().payload.size();
    waiting_.pop_front();
  }
  return absl::OkStatus();
}

Status Spool::Write(std::int64_t sequence, const Waiting& event) {
  if (sequence != disk_end()) RETURN_IF_ERROR(StartAfresh(sequence));
  Header header;
  header.length = static_cast<std::uint32_t>(event.payload.size());
  header.sequence = static_cast<std::uint64_t>(sequence);
  header.checksum = RecordChecksum(header.sequence, event.payload);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(event.payload);
  if (Status written = file_->Write(end_, bytes); !written.ok()) {
    file_->Truncate(end_).IgnoreError();  // else opening drops the half record
    return written;
  }
  // Where fsync finds that there is no room, what it lost is not known: no reason to try again.
  if (event.sync) {
    if (Status synced = file_->Sync(); !synced.ok()) return Internal("{}", Message(synced));
  }
  offsets_.push_back(end_);
  end_ += static_cast<std::int64_t>(bytes.size());
  return absl::OkStatus();
}

std::size_t Spool::unacknowledged_bytes() const {
  const std::int64_t next = acknowledged_ + 1;
  const bool on_disk = file_ != nullptr && next >= first_ && next < disk_end();
  const std::int64_t bytes = on_disk ? end_ - offsets_[static_cast<std::size_t>(next - first_)] : 0;
  return static_cast<std::size_t>(bytes) + waiting_bytes_;
}

StatusOr<std::string> Spool::ReadPayload(std::int64_t sequence, std::int64_t offset) const {
  Header header;
  ASSIGN_OR_RETURN(const std::string head, file_->Read(offset, kRecordHeader));
  std::memcpy(&header, head.data(), sizeof(header));
  const std::int64_t end =
      sequence + 1 < disk_end() ? offsets_[static_cast<std::size_t>(sequence + 1 - first_)] : end_;
  if (header.length == end - offset - kRecordHeader) {
    ASSIGN_OR_RETURN(std::string payload, file_->Read(offset + kRecordHeader, header.length));
    if (header.checksum == RecordChecksum(static_cast<std::uint64_t>(sequence), payload)) return payload;
  }
  return Internal("{}: event {} does not check; the disk lost it", path_, sequence);
}

StatusOr<std::vector<Spool::Record>> Spool::Read(std::int64_t after, std::size_t most_records,
                                                 std::size_t most_bytes) const {
  RETURN_IF_ERROR(broken_);
  std::vector<Record> records;
  std::size_t bytes = 0;
  for (std::int64_t sequence = after + 1; sequence < next_ && records.size() < most_records; ++sequence) {
    Record record{sequence, ""};
    if (sequence >= first_waiting()) {
      record.payload = waiting_[static_cast<std::size_t>(sequence - first_waiting())].payload;
    } else if (sequence >= first_ && sequence < disk_end()) {
      ASSIGN_OR_RETURN(record.payload,
                       ReadPayload(sequence, offsets_[static_cast<std::size_t>(sequence - first_)]));
    } else {
      continue;  // acknowledged
    }
    bytes += record.payload.size();
    if (!records.empty() && bytes > most_bytes) break;
    records.push_back(std::move(record));
  }
  return records;
}

Status Spool::Acknowledge(std::int64_t sequence) {
  acknowledged_ = std::max(acknowledged_, std::min(sequence, last()));
  while (!waiting_.empty() && first_waiting() <= acknowledged_) {
    waiting_bytes_ -= waiting_.front().payload.size();
    waiting_.pop_front();
  }
  RETURN_IF_ERROR(broken_);
  if (file_ == nullptr || !empty() || end_ < kWorthFreeing) return absl::OkStatus();
  // A disk without room for a file of some bytes: the next time.
  if (Status freed = StartAfresh(next_); !freed.ok() && !IsFull(freed)) broken_ = freed;
  return broken_;
}

void Spool::Restart(std::int64_t acknowledged) {
  waiting_.clear();
  waiting_bytes_ = 0;
  acknowledged_ = acknowledged;
  next_ = acknowledged + 1;
  // The file holds what does not count; the next Write sees that it must begin afresh.
  offsets_.clear();
  first_ = 0;
}

Status Spool::StartAfresh(std::int64_t first) {
  RETURN_IF_ERROR(disk_->ReplaceFile(path_, FileHeader(first)));
  ASSIGN_OR_RETURN(file_, disk_->Open(path_));
  first_ = first;
  offsets_.clear();
  end_ = kFileHeader;
  return absl::OkStatus();
}

}  // namespace lorikeet::agent
