#include "tests/coordinator/store/failing_disk.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace lorikeet::store {
namespace {

constexpr std::int64_t kSector = 512;

// What a power cut leaves of the writes since the last sync.
enum How { kNothing, kAll, kWholeWrites, kSectors, kHows };

void Apply(FailingDisk::Content& content, const FailingDisk::Change& change) {
  using Kind = FailingDisk::Change::Kind;
  const auto offset = static_cast<std::size_t>(change.offset);
  switch (change.kind) {
    case Kind::kCreate:
      content = {.exists = true};
      break;
    case Kind::kDelete:
      content = {};
      break;
    case Kind::kTruncate:
      content.bytes.resize(offset);
      break;
    case Kind::kWrite:
      if (content.bytes.size() < offset + change.bytes.size())
        content.bytes.resize(offset + change.bytes.size());
      content.bytes.replace(offset, change.bytes.size(), change.bytes);
      break;
  }
}

// The part of `write` that falls into its `index`-th sector; none where there is no such.
FailingDisk::Change SectorOf(const FailingDisk::Change& write, std::int64_t index) {
  const std::int64_t first = (write.offset / kSector + index) * kSector;
  const std::int64_t begin = std::max(first, write.offset);
  const std::int64_t end =
      std::min(first + kSector, write.offset + static_cast<std::int64_t>(write.bytes.size()));
  FailingDisk::Change part{.kind = write.kind, .offset = begin};
  if (begin < end) {
    part.bytes = write.bytes.substr(static_cast<std::size_t>(begin - write.offset),
                                    static_cast<std::size_t>(end - begin));
  }
  return part;
}

}  // namespace

Plan FaultAt(Fault fault, std::vector<Operation> operations, std::int64_t at, std::int64_t times) {
  const auto seen = std::make_shared<std::int64_t>(0);
  return [=](const Request& request) {
    if (std::find(operations.begin(), operations.end(), request.operation) == operations.end())
      return Fault::kNone;
    ++*seen;
    return *seen >= at && *seen < at + times ? fault : Fault::kNone;
  };
}

std::int64_t FailingDisk::count(Operation operation) const {
  const auto found = counts_.find(operation);
  return found == counts_.end() ? 0 : found->second;
}

bool FailingDisk::Exists(const std::string& name) const {
  const auto found = files_.find(name);
  return found != files_.end() && found->second.now.exists;
}

std::int64_t FailingDisk::SizeOf(const std::string& name) const {
  return Exists(name) ? static_cast<std::int64_t>(files_.at(name).now.bytes.size()) : 0;
}

Fault FailingDisk::Ask(Operation operation, const std::string& file) {
  if (!powered_) return Fault::kError;
  ++counts_[operation];
  if (faults_ > 0 && std::find(kChanges.begin(), kChanges.end(), operation) != kChanges.end()) {
    ++changes_since_fault_;
  }
  const Fault fault = plan_ ? plan_({operation, file}) : Fault::kNone;
  if (fault != Fault::kNone) ++faults_;
  return fault;
}

FailingDisk::Outcome FailingDisk::End(Fault fault) {
  if (fault != Fault::kPowerCut) return Outcome::kDone;
  CutPower();
  return Outcome::kError;
}

void FailingDisk::Do(File& file, Change change) {
  Apply(file.now, change);
  file.pending.push_back(std::move(change));
}

FailingDisk::Outcome FailingDisk::Open(const std::string& name, bool create) {
  const Fault fault = Ask(Operation::kOpen, name);
  if (fault == Fault::kError || fault == Fault::kShort) return Outcome::kError;
  File& file = files_[name];
  if (!file.now.exists && !create) return Outcome::kError;
  if (!file.now.exists) Do(file, {.kind = Change::Kind::kCreate});
  return End(fault);
}

FailingDisk::Outcome FailingDisk::Read(const std::string& name, std::int64_t offset, std::int64_t size,
                                       std::string& bytes) {
  const Fault fault = Ask(Operation::kRead, name);
  if (fault == Fault::kError || fault == Fault::kShort) return Outcome::kError;
  const std::string& all = files_[name].now.bytes;
  bytes.clear();
  if (offset < static_cast<std::int64_t>(all.size())) {
    bytes = all.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
  return End(fault);
}

FailingDisk::Outcome FailingDisk::Write(const std::string& name, std::int64_t offset, std::string bytes) {
  const Fault fault = Ask(Operation::kWrite, name);
  if (fault == Fault::kError) return Outcome::kError;
  const bool part = fault == Fault::kShort || fault == Fault::kFull;
  if (part) bytes.resize(static_cast<std::size_t>(Below(static_cast<std::int64_t>(bytes.size()))));
  Do(files_[name], {.kind = Change::Kind::kWrite, .offset = offset, .bytes = std::move(bytes)});
  if (part) return fault == Fault::kFull ? Outcome::kFull : Outcome::kError;
  return End(fault);
}

FailingDisk::Outcome FailingDisk::Sync(const std::string& name, bool names) {
  const Fault fault = Ask(Operation::kSync, name);
  if (fault == Fault::kLost) return Outcome::kDone;
  File& file = files_[name];
  if (fault == Fault::kError || fault == Fault::kShort) {
    if (powered_) KeepSome(file, kSectors);
    return Outcome::kError;
  }
  KeepSome(file, kAll);
  if (names) KeepNames(name.substr(0, name.rfind('/')));
  return End(fault);
}

FailingDisk::Outcome FailingDisk::SyncFolder(const std::string& folder) {
  const Fault fault = Ask(Operation::kSync, folder);
  if (fault == Fault::kLost) return Outcome::kDone;
  if (fault == Fault::kError || fault == Fault::kShort) return Outcome::kError;
  KeepNames(folder);
  return End(fault);
}

FailingDisk::Outcome FailingDisk::Truncate(const std::string& name, std::int64_t size) {
  const Fault fault = Ask(Operation::kTruncate, name);
  if (fault == Fault::kError || fault == Fault::kShort) return Outcome::kError;
  Do(files_[name], {.kind = Change::Kind::kTruncate, .offset = size});
  return End(fault);
}

FailingDisk::Outcome FailingDisk::Delete(const std::string& name, bool sync_folder) {
  const Fault fault = Ask(Operation::kDelete, name);
  if (fault == Fault::kError || fault == Fault::kShort) return Outcome::kError;
  File& file = files_[name];
  Do(file, {.kind = Change::Kind::kDelete});
  if (sync_folder) KeepSome(file, kAll);
  return End(fault);
}

FailingDisk::Outcome FailingDisk::Map(const std::string& name) {
  const Fault fault = Ask(Operation::kMap, name);
  if (fault == Fault::kError || fault == Fault::kShort) return Outcome::kError;
  return End(fault);
}

void FailingDisk::KeepSome(File& file, int how) {
  bool other_file = false;  // one that never got its name
  for (const Change& change : file.pending) {
    const bool whole = how == kAll || (how != kNothing && Below(2) == 0);
    if (change.kind == Change::Kind::kCreate) other_file = !whole;
    if (other_file) continue;
    if (whole || change.kind != Change::Kind::kWrite || how != kSectors) {
      if (whole) Apply(file.kept, change);
      continue;
    }
    const std::int64_t sectors = static_cast<std::int64_t>(change.bytes.size()) / kSector + 2;
    for (std::int64_t i = 0; i < sectors; ++i) {
      const Change part = SectorOf(change, i);
      if (!part.bytes.empty() && Below(2) == 0) Apply(file.kept, part);
    }
  }
  file.pending.clear();
}

void FailingDisk::KeepNames(const std::string& folder) {
  for (auto& [name, file] : files_) {
    if (name.substr(0, name.rfind('/')) != folder) continue;
    const auto last = std::find_if(file.pending.rbegin(), file.pending.rend(), [](const Change& change) {
      return change.kind == Change::Kind::kCreate || change.kind == Change::Kind::kDelete;
    });
    if (last == file.pending.rend()) continue;
    Apply(file.kept, *last);
    file.pending.erase(file.pending.begin(), last.base());
  }
}

void FailingDisk::PowerOn() {
  if (powered_) return;
  powered_ = true;
  const int how = static_cast<int>(Below(kHows));
  for (auto& [name, file] : files_) {
    KeepSome(file, how);
    file.now = file.kept;
  }
  std::erase_if(files_, [](const auto& entry) { return !entry.second.now.exists; });
}

}  // namespace lorikeet::store
