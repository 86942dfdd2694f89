// Whether this host's files are the sweep's.

#include <utility>

#include "common/logging.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {

void Session::OnFingerprints(const std::string& attempt_id, const std::vector<FileFingerprint>& found) {
  Attempt* attempt = Find(attempt_id);
  if (outcome_ || attempt == nullptr || !std::exchange(attempt->files_asked, false)) return;
  // Handed back or dropped meanwhile.
  if (attempt->dropped || attempt->final_spooled || !attempt->waiting) return;
  attempt->progress.reset();
  if (FilesAgree(*attempt, found)) return StartWaiting();
  FreeSlots(*attempt);
}

void Session::OnFilesUnread(const std::string& attempt_id, const Status& why) {
  Attempt* attempt = Find(attempt_id);
  if (outcome_ || attempt == nullptr || !std::exchange(attempt->files_asked, false)) return;
  if (attempt->dropped || attempt->final_spooled || !attempt->waiting) return;
  attempt->progress.reset();
  // No word of fingerprints: this host's may well be the sweep's, and it would be barred.
  LogError(FieldsOf(*attempt), "it is not started: its files cannot be read: {}", Message(why));
  SpoolReturned(*attempt, "its worker cannot read its files: " + Message(why), /*not_started=*/true);
  HoldSlots(*attempt);
}

bool Session::FilesAgree(Attempt& attempt, const std::vector<FileFingerprint>& found) {
  v1::Event event;
  for (const FileFingerprint& one : found) {
    v1::Fingerprint& file = *event.mutable_fingerprints()->add_files();
    file.set_name(one.name);
    file.set_value(one.value);
    file.set_error(one.error);
  }
  Spool(attempt, event);
  if (attempt.final_spooled) return true;  // its spool is lost, and it has been handed back
  const std::optional<std::string> difference = Difference(found, attempt.expected);
  if (!difference) return true;
  LogError(FieldsOf(attempt), "it is not started: this host's files are not the sweep's: {}", *difference);
  SpoolReturned(attempt, "its worker's files are not the sweep's: " + *difference);
  return false;
}

}  // namespace lorikeet::agent
