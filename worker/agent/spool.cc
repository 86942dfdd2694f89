#include "worker/agent/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/files.h"

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

bool ReadExactly(int file, std::int64_t offset, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = pread(file, to, size, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    offset += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool WriteExactly(int file, std::int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    offset += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string FileHeader(std::int64_t first) {
  std::string header(kMagic);
  header.append(reinterpret_cast<const char*>(&first), sizeof(first));
  return header;
}

}  // namespace

StatusOr<std::unique_ptr<Spool>> Spool::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return Internal("{}: cannot open: {}", path, std::strerror(errno));
  std::unique_ptr<Spool> spool(new Spool(path, file));
  RETURN_IF_ERROR(spool->Load());
  return spool;
}

Spool::~Spool() { close(file_); }

Status Spool::Failure(const char* action) const {
  return Internal("{}: cannot {}: {}", path_, action, std::strerror(errno));
}

Status Spool::Load() {
  struct stat info {};
  if (fstat(file_, &info) != 0) return Failure("look at it");
  const std::int64_t size = info.st_size;
  if (size < kFileHeader) {  // new, or the crash came that early
    if (ftruncate(file_, 0) != 0 || !WriteExactly(file_, 0, FileHeader(1))) return Failure("write");
    end_ = kFileHeader;
    return absl::OkStatus();
  }
  std::string header(kFileHeader, '\0');
  if (!ReadExactly(file_, 0, header.data(), header.size())) return Failure("read");
  if (std::string_view(header).substr(0, kMagic.size()) != kMagic) {
    return FailedPrecondition("{}: not a spool of this program", path_);
  }
  std::memcpy(&first_, header.data() + kMagic.size(), sizeof(first_));
  acknowledged_ = first_ - 1;
  end_ = kFileHeader;
  std::string payload;
  while (end_ + kRecordHeader <= size) {
    Header record;
    if (!ReadExactly(file_, end_, reinterpret_cast<char*>(&record), sizeof(record))) return Failure("read");
    if (record.length > kMostPayload || end_ + kRecordHeader + record.length > size) break;
    payload.resize(record.length);
    if (!ReadExactly(file_, end_ + kRecordHeader, payload.data(), payload.size())) return Failure("read");
    if (record.sequence != static_cast<std::uint64_t>(last() + 1) ||
        record.checksum != RecordChecksum(record.sequence, payload)) {
      break;
    }
    offsets_.push_back(end_);
    end_ += kRecordHeader + record.length;
  }
  dropped_bytes_ = size - end_;
  if (dropped_bytes_ > 0 && ftruncate(file_, end_) != 0) return Failure("drop its torn end");
  return absl::OkStatus();
}

Status Spool::Append(std::string_view payload, bool sync) {
  if (payload.size() > kMostPayload) {
    return InvalidArgument("{}: an event of {} bytes; at most {}", path_, payload.size(), kMostPayload);
  }
  Header header;
  header.length = static_cast<std::uint32_t>(payload.size());
  header.sequence = static_cast<std::uint64_t>(last() + 1);
  header.checksum = RecordChecksum(header.sequence, payload);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(payload);
  if (!WriteExactly(file_, end_, bytes)) {
    const int error = errno;
    [[maybe_unused]] const int ignored = ftruncate(file_, end_);  // else opening drops the half record
    errno = error;
    return Failure("write");
  }
  if (sync && fdatasync(file_) != 0) return Failure("fsync");
  offsets_.push_back(end_);
  end_ += static_cast<std::int64_t>(bytes.size());
  return absl::OkStatus();
}

StatusOr<std::vector<Spool::Record>> Spool::Read(std::int64_t after, std::size_t most_records,
                                                 std::size_t most_bytes) const {
  std::vector<Record> records;
  std::size_t bytes = 0;
  for (std::int64_t sequence = std::max(after + 1, first_);
       sequence <= last() && records.size() < most_records; ++sequence) {
    const std::int64_t offset = offsets_[static_cast<std::size_t>(sequence - first_)];
    Header header;
    if (!ReadExactly(file_, offset, reinterpret_cast<char*>(&header), sizeof(header))) return Failure("read");
    if (!records.empty() && bytes + header.length > most_bytes) break;
    Record record{sequence, std::string(header.length, '\0')};
    if (!ReadExactly(file_, offset + kRecordHeader, record.payload.data(), record.payload.size()) ||
        header.checksum != RecordChecksum(header.sequence, record.payload)) {
      return Internal("{}: event {} does not check; the disk lost it", path_, sequence);
    }
    bytes += header.length;
    records.push_back(std::move(record));
  }
  return records;
}

Status Spool::Acknowledge(std::int64_t sequence) {
  acknowledged_ = std::max(acknowledged_, std::min(sequence, last()));
  if (!empty() || end_ < kWorthFreeing) return absl::OkStatus();
  return StartAfresh();
}

Status Spool::StartAfresh() {
  const std::int64_t next = last() + 1;
  RETURN_IF_ERROR(WriteFileAtomically(path_, FileHeader(next)));
  const int file = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return Failure("open it again");
  close(std::exchange(file_, file));
  first_ = next;
  offsets_.clear();
  end_ = kFileHeader;
  return absl::OkStatus();
}

}  // namespace lorikeet::agent
