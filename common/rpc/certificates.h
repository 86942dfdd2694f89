// X.509 certificates in PEM files: looked at before TLS uses them, so that what is wrong is said in a
// person's words, and those of clients once TLS has them.
#pragma once

#include <memory>
#include <string>

#include "common/clock.h"
#include "common/status.h"

namespace lorikeet::rpc {

// A certificate, or a chain of them, with its key: PEM texts.
struct CertificatePair {
  std::string certificate, key;
};

// The PEM text of a file of certificates to trust. InvalidArgument where there is none in it.
StatusOr<std::string> ReadCertificates(const std::string& file);
// A program's own. InvalidArgument where one is missing or they are no pair; FailedPrecondition where the
// certificate has expired at `now` or does not hold yet, which says when.
StatusOr<CertificatePair> ReadPair(const std::string& certificate_file, const std::string& key_file,
                                   WallTime now);

// Verifies what TLS clients have shown, against a CA of one's own. Thread-safe.
class ClientVerifier {
 public:
  // `ca_file`: PEM; one or more certificates. Errors of ReadCertificates.
  static StatusOr<std::unique_ptr<ClientVerifier>> Create(const std::string& ca_file);
  virtual ~ClientVerifier() = default;

  // `certificate` is the client's own, `chain` what it sent to lead from it to the CA; both PEM, both may be
  // empty. That the client has the key is TLS's to see. Unauthenticated, with the reason and the
  // certificate's subject, where it was not signed for clients by the CA, or does not hold at `now`.
  virtual Status Check(const std::string& certificate, const std::string& chain, WallTime now) const = 0;
};

}  // namespace lorikeet::rpc
